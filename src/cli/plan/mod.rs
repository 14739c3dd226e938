//! `defrost plan URL|JOB`: what a restore would do, what it would cost, and when all is readable.

mod file;
mod told;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::PlanArgs;
use super::campaign::{How, campaign};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::{check, load};
use crate::job::{Job, Prices, Verb};
use crate::model::{Clock as _, SystemClock};
use crate::pipeline::{Ended, Step};

/// What becomes of a plan besides its table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'a> {
    /// The file that it is written to.
    pub(super) out: Option<&'a PathBuf>,
    /// Whether it is written to stdout as JSON.
    pub(super) json: bool,
}

pub(super) async fn run(args: &PlanArgs, context: &Context) -> Result<Exit, Failure> {
    let over = args.overrides();
    let jobs = if load::is_url(&args.target) {
        vec![load::from_url(Verb::Plan, &args.target, &over, context)?]
    } else {
        check::all_sound(Path::new(&args.target), &over, context)?
    };
    if jobs.iter().any(|job| job.verb == Verb::Scan) {
        return Err(Failure::usage(
            format!("`{}` has no [restore] table: there is no restore to plan", args.target),
            "add a [restore] table, or audit it with `defrost run`",
        ));
    }
    if jobs.len() > 1 && (args.json || args.out.is_some()) {
        return Err(Failure::usage(
            format!("`{}` has several sources, and --out and --json hold the plan of one", args.target),
            "leave them out to see a table for each, or plan a file with one source",
        ));
    }
    if args.json && jobs.iter().any(|job| job.report.path.is_none()) {
        return Err(Failure::usage(
            "both the report and the plan would be written to stdout",
            "name a file with --report, or leave out --json",
        ));
    }
    if let Some(folder) =
        args.out.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        // Known before the first request, and not when all is listed.
        return Err(Failure::new(
            Exit::OwnFiles,
            anyhow::anyhow!("cannot write the plan: `{}` is no folder", folder.display()),
            "name another file with --out, in a folder that is there",
        ));
    }
    let plan = Wanted { out: args.out.as_ref(), json: args.json };
    let mut worst = Exit::Done;
    for job in &jobs {
        worst = worst.max(campaign(job, How { plan, ..How::of(&args.job.output) }, context).await?);
        if context.signals.stop().step() > Step::Go {
            break;
        }
    }
    Ok(worst)
}

/// Holds `job` to the plan at `path`.
///
/// # Errors
/// If the plan cannot be read, or is that of another job.
pub(super) fn keep_to(job: &mut Job, path: &Path, context: &Context) -> Result<(), Failure> {
    if let Some(remark) = file::hold(job, path, SystemClock::new().now())? {
        context.line(&format!("note: {remark}"));
    }
    Ok(())
}

/// Tells the plan that a complete dry run of `job` has come to.
///
/// # Errors
/// If it cannot be written where it is wanted.
pub(super) fn tell(
    job: &Job,
    ended: &Ended,
    prices: &Prices,
    wanted: Wanted<'_>,
    now: Timestamp,
    context: &Context,
) -> Result<(), Failure> {
    let plan = told::plan(job, ended, prices, now);
    told::show(&plan, &ended.fees, context);
    if let Some(path) = wanted.out {
        file::save(&plan, path)?;
        context.line(&format!("plan written: {}", path.display()));
    }
    if wanted.json {
        let mut text = serde_json::to_vec_pretty(&plan).map_err(|error| {
            Failure::new(Exit::OwnFiles, error, "run the same line again, and please report it")
        })?;
        text.push(b'\n');
        super::out(&text)?;
    }
    Ok(())
}
