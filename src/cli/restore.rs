//! `defrost restore URL`: a restore from flags.

use super::args::RestoreArgs;
use super::campaign::{How, campaign};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::{load, plan};
use crate::job::Verb;

pub(super) async fn run(args: &RestoreArgs, context: &Context) -> Result<Exit, Failure> {
    let verb = if args.dry_run { Verb::Plan } else { Verb::Restore };
    let mut job = load::from_url(verb, &args.url, &args.overrides(), context)?;
    if let Some(path) = &args.plan {
        plan::keep_to(&mut job, path, context)?;
    }
    let how = How { yes: args.job.wish.yes, ..How::of(&args.job.output) };
    campaign(&job, how, context).await
}
