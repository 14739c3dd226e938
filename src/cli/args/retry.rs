//! `retry JOB…`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::JobFlags;

/// `retry JOB…`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Job files whose last report says what failed
    #[arg(value_name = "JOB", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Only show what would be done: look and classify, send no restore request
    #[arg(short = 'n', long, visible_alias = "dryrun")]
    pub dry_run: bool,
    /// Everything else; wins over the files.
    #[command(flatten)]
    pub job: JobFlags,
}
