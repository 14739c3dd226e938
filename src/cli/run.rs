//! `defrost run JOB…`: what job files say, one after the other.

use std::path::Path;
use std::time::Duration;

use super::args::{JobFlags, RunArgs};
use super::campaign::{How, campaign, tell_way_on};
use super::check::{Vetted, vetted};
use super::context::Context;
use super::exit::{Exit, Failure};
use crate::pipeline::Step;
use crate::pipeline::checkpoint::StateDir;

pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    // Every file is checked before the first request: a typo in the last one must not cost a night.
    let jobs = vetted(&args.files, &args.overrides(), context)?;
    if args.plan.is_some() && jobs.len() > 1 {
        return Err(Failure::usage(
            "a plan is that of one source, and this job has several",
            "write a job file for each source, and give each its own --plan",
        ));
    }
    all(&jobs, &args.job, args.plan.as_deref(), context).await
}

/// Runs `jobs` one after the other, `held` to a plan, and tells how the one ended that fared worst.
///
/// # Errors
/// What befell the last one, if those before ended as wanted; other failures are told on the way.
pub(super) async fn all(
    jobs: &[Vetted],
    flags: &JobFlags,
    held: Option<&Path>,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut ended = Vec::new();
    let mut worst = Exit::Done;
    let last = jobs.len().saturating_sub(1);
    for (index, Vetted { file, job }) in jobs.iter().enumerate() {
        let mut job = job.clone();
        if let Some(simulator) = &mut job.simulator
            && goes_on(jobs, index)?
        {
            simulator.between_runs = Duration::ZERO;
        }
        let how = How { yes: flags.wish.yes, ended: &ended, held, ..How::of(&flags.output) };
        let exit = match campaign(&job, how, context).await {
            Ok(exit) => exit,
            Err(failure) if index == last && worst == Exit::Done => return Err(failure),
            Err(failure) => {
                // The jobs after it have nothing to do with what befell this one.
                context.fail(&failure);
                failure.exit
            }
        };
        worst = worst.max(exit);
        // A file has ended with the last of its sources.
        if jobs.get(index + 1).is_none_or(|next| next.file != *file) {
            ended.push(file.to_string_lossy().into_owned());
        }
        // Behind the last job there is nothing left that a signal could keep from being done.
        if context.signals.stop().step() > Step::Go && index < last {
            if exit < Exit::Interrupted {
                tell_way_on(&ended, context);
            }
            return Ok(context.signals.exit());
        }
    }
    Ok(worst)
}

/// Whether the line is within one run of its file: behind the first of several sources, or before one
/// that is unfinished. A simulated store stays at its hour then.
fn goes_on(jobs: &[Vetted], index: usize) -> Result<bool, Failure> {
    let of_file = |job: &&Vetted| job.file == jobs[index].file;
    if jobs[..index].iter().any(|job| of_file(&job)) {
        return Ok(true);
    }
    for Vetted { job, .. } in jobs[index..].iter().filter(of_file) {
        if StateDir::peek_unfinished(&job.state_dir)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
