//! `defrost run JOB…`: what job files say, one after the other.

use super::args::RunArgs;
use super::campaign::{How, campaign, tell_way_on};
use super::check::vetted;
use super::context::Context;
use super::exit::{Exit, Failure};
use crate::pipeline::Step;

pub(super) async fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    // Every file is checked before the first request: a typo in the last one must not cost a night.
    let jobs = vetted(&args.files, &args.overrides(), context)?;
    let mut ended = Vec::new();
    let mut worst = Exit::Done;
    let last = jobs.len().saturating_sub(1);
    for (index, job) in jobs.iter().enumerate() {
        let how = How { yes: args.job.wish.yes, ended: &ended, ..How::of(&args.job.output) };
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
        ended.extend(args.files.get(index).map(|file| file.to_string_lossy().into_owned()));
        if context.signals.stop().step() > Step::Go {
            if exit < Exit::Interrupted && index < last {
                tell_way_on(&ended, context);
            }
            return Ok(context.signals.exit());
        }
    }
    Ok(worst)
}
