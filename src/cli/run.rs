//! `defrost run JOB…`: what job files say, one after the other.

use super::args::{OutputFlags, RunArgs};
use super::campaign::{How, campaign, tell_way_on};
use super::check::{Vetted, vetted};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::plan;
use crate::pipeline::Step;

pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    // Every file is checked before the first request: a typo in the last one must not cost a night.
    let mut jobs = vetted(&args.files, &args.overrides(), context)?;
    if let (Some(path), [Vetted { job, .. }]) = (&args.plan, jobs.as_mut_slice()) {
        plan::keep_to(job, path, context)?;
    }
    all(&jobs, &args.job.output, args.job.wish.yes, context).await
}

/// Runs `jobs` one after the other, and tells how the one ended that fared worst.
///
/// # Errors
/// What befell the last one, if those before ended as wanted; other failures are told on the way.
pub(super) async fn all(
    jobs: &[Vetted],
    flags: &OutputFlags,
    yes: bool,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut ended = Vec::new();
    let mut worst = Exit::Done;
    let last = jobs.len().saturating_sub(1);
    for (index, Vetted { file, job }) in jobs.iter().enumerate() {
        let how = How { yes, ended: &ended, ..How::of(flags) };
        let exit = match campaign(job, how, context).await {
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
        if context.signals.stop().step() > Step::Go {
            if exit < Exit::Interrupted && index < last {
                tell_way_on(&ended, context);
            }
            return Ok(context.signals.exit());
        }
    }
    Ok(worst)
}
