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
    /// Where the report goes [default: the CSV's name with .released.csv for its ending]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<PathBuf>,
    /// Folder that holds the state of jobs, if the run was given one
    ///
    /// [env: DEFROST_STATE_DIR]
    #[arg(long, visible_alias = "checkpoint-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<String>,
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
        over.state_dir.clone_from(&self.state_dir);
        self.source.put(&mut over);
        // The list is read here, and is no source of a run.
        (over.from_csv, over.files_from) = (None, None);
        self.limits.put(&mut over);
        over
    }

    /// The CSV that names the objects; empty if none was named.
    #[must_use]
    pub fn from_csv(&self) -> PathBuf {
        self.source.from_csv.as_deref().map(PathBuf::from).unwrap_or_default()
    }

    /// Where the report goes.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        self.report.clone().unwrap_or_else(|| self.from_csv().with_extension("released.csv"))
    }
}
