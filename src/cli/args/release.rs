//! `release URL|JOB --from-csv FILE`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::{LimitFlags, SourceFlags};
use crate::job::Overrides;
use crate::model::Form;

/// `release URL|JOB`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    /// Bucket URL (oss://bucket) or job file
    #[arg(value_name = "URL|JOB", value_hint = ValueHint::AnyPath)]
    pub target: String,
    /// Where the report goes [default: the list's name with .released.csv for its ending]
    ///
    /// An earlier report is kept under its time where this is left out, and replaced where it is given.
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
        self.limits.put(&mut over);
        over
    }

    /// Where the report goes.
    #[must_use]
    pub fn report(&self) -> PathBuf {
        let list = self.source.from_csv.as_ref().or(self.source.files_from.as_ref());
        let list = list.filter(|list| *list != "-").map_or("list", String::as_str);
        self.report.clone().unwrap_or_else(|| Form::beside(Path::new(list), "released.csv"))
    }
}
