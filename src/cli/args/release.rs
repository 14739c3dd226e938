//! `release URL|JOB --from-csv FILE`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{LimitFlags, SourceFlags};
use crate::job::Overrides;

/// `release URL|JOB`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Bucket URL (oss://bucket) or job file
    #[arg(value_name = "URL|JOB", value_hint = ValueHint::AnyPath)]
    pub target: String,
    /// CSV that names the objects: a report, or any with a header and a column `key`
    ///
    /// The columns `version_id`, `bucket`, `key_encoding` and `storage_class` are read as well, where
    /// there are any. Nothing is sent if a row names another bucket.
    #[arg(long, value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub from_csv: PathBuf,
    /// Where the report goes [default: FILE with .released.csv for its ending]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    /// Where the objects are.
    #[command(flatten)]
    pub source: SourceFlags,
    /// Bounds on requests.
    #[command(flatten)]
    pub limits: LimitFlags,
}

impl ReleaseArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let mut over = Overrides::default();
        self.source.put(&mut over);
        self.limits.put(&mut over);
        over
    }

    /// Where the report goes.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.report.clone().unwrap_or_else(|| self.from_csv.with_extension("released.csv"))
    }
}
