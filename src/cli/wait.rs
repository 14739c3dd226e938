//! `defrost wait JOB`, and the wait at the end of a run: until what was asked for is readable.

use std::path::Path;
use std::time::Duration;

use super::args::WaitArgs;
use super::campaign::tell_way_on;
use super::check;
use super::connect::{self, Site};
use super::context::Context;
use super::exit::{self, Exit, Failure};
use crate::job::{Job, Verb};
use crate::model::Clock;
use crate::pipeline::Step;
use crate::pipeline::checkpoint::CheckpointError;
use crate::pipeline::wait::{WaitEnd, WaitError, Waited, tells_all, wait};
use crate::ui::{self, WaitView};

pub(super) async fn run(args: &WaitArgs, context: &Context) -> Result<Exit, Failure> {
    let jobs = check::all_sound(Path::new(&args.file), &args.overrides(), context)?;
    for job in &jobs {
        if job.verb != Verb::Restore {
            return Err(Failure::usage(
                format!("`{}` has no [restore] table: nothing was asked for", args.file.display()),
                "name the job file of a restore",
            ));
        }
        can_be_known(job)?;
    }
    let mut worst = Exit::Done;
    // One source after the other: while the first is waited for, the others get ready as well.
    for job in jobs {
        worst = worst.max(one(job, context).await?);
        if context.signals.stop().step() > Step::Go {
            break;
        }
    }
    Ok(worst)
}

async fn one(mut job: Job, context: &Context) -> Result<Exit, Failure> {
    if let Some(simulator) = &mut job.simulator {
        // A wait is no run: the store's hour is where the run left it.
        simulator.between_runs = Duration::ZERO;
    }
    let site = connect::site(&job, context).await?;
    let ended = waited(&job, &site, context).await;
    let Site { tell, rehearsal, .. } = site;
    drop(tell);
    if let Some(rehearsal) = rehearsal {
        rehearsal.close(!is_locked(&ended)).await?;
    }
    ended
}

/// Whether another run kept the wait out.
fn is_locked(ended: &Result<Exit, Failure>) -> bool {
    ended.as_ref().is_err_and(|failure| failure.exit == Exit::Locked)
}

/// Whether a wait could know what a run of `job` left restoring.
///
/// # Errors
/// If its report does not tell.
pub(super) fn can_be_known(job: &Job) -> Result<(), Failure> {
    if tells_all(job) && job.report.path.is_some() {
        return Ok(());
    }
    Err(Failure::usage(
        "the report of this job does not say what is being restored: a wait would not know it",
        "set rows = \"all\" or \"changed\" in [report], and give it a path",
    ))
}

/// Waits for what the last run of `job` asked for, and says how that ended.
///
/// # Errors
/// If there is nothing to wait for, or the wait cannot go on.
pub(super) async fn waited(job: &Job, site: &Site, context: &Context) -> Result<Exit, Failure> {
    let Site { client, clock, tell, .. } = site;
    let stop = context.signals.stop();
    let ended =
        wait(job, &job.wait, std::sync::Arc::clone(client), std::sync::Arc::clone(clock), &**tell, stop)
            .await;
    let waited = ended.map_err(|error| of_wait(error, job))?;
    tell_table(job, &waited, &**clock, context);
    Ok(match waited.end {
        WaitEnd::Ready => Exit::Done,
        WaitEnd::Short => Exit::SomeFailed,
        WaitEnd::TimedOut => Exit::Late,
        WaitEnd::Interrupted => {
            tell_way_on(&[], context);
            context.signals.exit()
        }
    })
}

/// What went wrong in a wait, with the way out.
pub(super) fn of_wait(error: WaitError, job: &Job) -> Failure {
    match error {
        WaitError::NothingKnown { .. } => {
            Failure::new(Exit::Usage, error, "run the job to its end first: `defrost run` with the same file")
        }
        WaitError::Unfinished { .. } => {
            Failure::new(Exit::Usage, error, "go on with it first: `defrost run` with the same file")
        }
        WaitError::RetryUnfinished { .. } => {
            Failure::new(Exit::Usage, error, "go on with it first: `defrost retry` with the same file")
        }
        WaitError::Source(error) => exit::of_run(error.into(), job.source.provider),
        WaitError::Checkpoint(CheckpointError::Io { ref path, .. })
            if job.wait.ready_file.as_ref() == Some(path) =>
        {
            Failure::new(Exit::OwnFiles, error, "make room or rights for it, or name another --ready-file")
        }
        WaitError::Checkpoint(error) => {
            let damaged = matches!(error, CheckpointError::Damaged { .. });
            let mut failure = Failure::from(error);
            if damaged {
                failure.hint = Some(
                    "remove that file, and run the job again: the run finds out what is being restored"
                        .to_owned(),
                );
            }
            failure
        }
    }
}

fn tell_table(job: &Job, waited: &Waited, clock: &dyn Clock, context: &Context) {
    if context.look.json || context.look.verbosity < -1 {
        return;
    }
    let Waited { end, mark, oldest, file, owes } = waited;
    let end = match end {
        WaitEnd::Ready => "ready",
        WaitEnd::Short => "nothing is restoring any more, but not all of it is readable",
        WaitEnd::TimedOut if *owes => "time limit reached, and the command has not taken all",
        WaitEnd::TimedOut => "time limit reached",
        WaitEnd::Interrupted => "interrupted",
    };
    let target = job.source.url();
    let table = ui::wait_table(
        &WaitView {
            job: &job.name,
            target: &target,
            end,
            ready: mark.ready,
            open: mark.open,
            stuck: mark.stuck,
            missing: mark.missing,
            archived: mark.archived,
            oldest: oldest.as_ref().map(|(key, since)| (key.as_str(), *since)),
            now: clock.now(),
            polls: mark.polls,
            requests: mark.requests,
            elapsed: mark.elapsed,
            ready_file: job.wait.ready_file.as_deref(),
            batches: (!job.wait.on_ready.is_empty()).then_some(mark.batches),
            file,
        },
        context.look,
    );
    context.sink.write(&format!("\n{table}"));
}
