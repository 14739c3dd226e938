//! `defrost plan URL|JOB`: what a restore would do.

use std::path::Path;

use super::args::PlanArgs;
use super::campaign::{How, campaign};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::{check, load};
use crate::job::Verb;

pub(super) async fn run(args: &PlanArgs, context: &Context) -> Result<Exit, Failure> {
    let over = args.overrides();
    let job = if load::is_url(&args.target) {
        load::from_url(Verb::Plan, &args.target, &over, context)?
    } else {
        check::sound(Path::new(&args.target), &over, context)?
    };
    if job.verb == Verb::Scan {
        return Err(Failure::usage(
            format!("`{}` has no [restore] table: there is no restore to plan", args.target),
            "add a [restore] table, or audit it with `defrost run`",
        ));
    }
    campaign(&job, How::of(&args.job.output), context).await
}
