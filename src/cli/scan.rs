//! `defrost scan URL`: an audit.

use super::args::ScanArgs;
use super::campaign::{How, campaign};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::load;
use crate::job::Verb;

pub(super) async fn run(args: &ScanArgs, context: &Context) -> Result<Exit, Failure> {
    let job = load::from_url(Verb::Scan, &args.url, &args.overrides(), context)?;
    campaign(&job, How::of(&args.output), context).await
}
