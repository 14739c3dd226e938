//! `defrost release URL|JOB --from-csv FILE`: gives copies back before they lapse.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::ReleaseArgs;
use super::campaign::tell_way_on;
use super::connect::{self, Site};
use super::context::Context;
use super::exit::{self, Exit, Failure};
use super::{check, load};
use crate::job::{Job, Verb};
use crate::pipeline::release::{GivenBack, ReleaseError, release};
use crate::pipeline::report::{Report, Verdict};
use crate::pipeline::source::Names;
use crate::ui::{self, Closing};

pub(super) async fn run(args: &ReleaseArgs, context: &Context) -> Result<Exit, Failure> {
    let over = args.overrides();
    let mut job = if load::is_url(&args.target) {
        load::from_url(Verb::Scan, &args.target, &over, context)?
    } else {
        check::sound(Path::new(&args.target), &over, context)?
    };
    if connect::dialect(&job).release(b"k", b"").is_none() {
        let vendor = connect::vendor(job.source.provider);
        return Err(Failure::usage(
            format!("{vendor} has no call that gives a copy back"),
            "copies there lapse by themselves, see the column `expires_at`; ask for fewer days the next time",
        ));
    }
    if let Some(simulator) = &mut job.simulator {
        // A release is no run: the store's hour is where the last one left it.
        simulator.between_runs = Duration::ZERO;
    }
    // The whole list is read before the first request: a row of another bucket must not come to light
    // when half of the copies are gone.
    let listed = job.clone();
    let Some(list) = context.signals.unless_raised(move || Names::open(&listed)).await else {
        return Ok(context.signals.exit());
    };
    let Some(list) = list? else {
        return Err(Failure::usage(
            "it is not said which copies are to be given back",
            "name them with --from-csv FILE (a report, or any CSV with a column `key`) or --files-from FILE",
        ));
    };
    let report = args.report();
    // What an earlier release of the same list gave back stands in its report alone.
    job.report.keep = args.report.is_none();
    let mut lists = [&args.source.from_csv, &args.source.files_from].into_iter().flatten();
    if lists.any(|list| is_same_file(Path::new(list), &report)) {
        return Err(Failure::usage(
            format!("the report would be written over the list `{}`", report.display()),
            "name another file with --report, or leave it out",
        ));
    }
    context.line(&format!("{} objects are named", list.count()));
    let site = connect::site(&job, context).await?;
    let began = site.clock.monotonic();
    let (client, clock) = (Arc::clone(&site.client), Arc::clone(&site.clock));
    let stop = context.signals.stop();
    let ended = release(&job, &list, &report, client, clock, &*site.tell, stop).await;
    let elapsed = site.clock.monotonic().saturating_sub(began);
    let Site { client, tell, rehearsal, .. } = site;
    drop(tell);
    if let Some(rehearsal) = rehearsal {
        rehearsal.close(true).await?;
    }
    let ended = ended.map_err(|error| of_release(error, &job))?;
    let requests = crate::store::Store::requests(&*client);
    let GivenBack { tally, complete } = ended;
    if !context.look.json && context.look.verbosity >= -1 {
        let partial = Report::partial_path(&report);
        let target = job.source.url();
        let table = ui::closing_table(
            &Closing {
                verb: "release",
                job: &job.name,
                target: &target,
                provider: Some(job.source.provider),
                tally: &tally,
                cost: None,
                requests,
                elapsed,
                report: Some(if complete { &report } else { &partial }),
                early: None,
                spending: None,
                over_budget_alone: 0,
                complete,
            },
            context.look,
        );
        context.sink.write(&format!("\n{table}"));
    }
    if !complete {
        tell_way_on(&[], context);
        return Ok(context.signals.exit());
    }
    Ok(Exit::of(Verdict::of(&tally, requests, false)))
}

/// Whether both paths lead to one file that is there.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    whole(one).is_some_and(|one| whole(other) == Some(one))
}

/// What went wrong in a release, with the way out.
pub(super) fn of_release(error: ReleaseError, job: &Job) -> Failure {
    match error {
        ReleaseError::List(error) => error.into(),
        ReleaseError::Report(error) => exit::of_run(error.into(), job.source.provider),
        ReleaseError::Doomed(error) => exit::of_run(error.into(), job.source.provider),
    }
}
