//! `wait JOB`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::WaitFlags;
use crate::job::Overrides;

/// `wait JOB`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Job file whose last run asked for restores
    #[arg(value_name = "JOB", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Folder that holds the state of jobs, if the run was given one
    ///
    /// [env: DEFROST_STATE_DIR]
    #[arg(long, visible_alias = "checkpoint-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<String>,
    /// How to wait.
    #[command(flatten)]
    pub wait: WaitFlags,
}

impl WaitArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let mut over = Overrides { state_dir: self.state_dir.clone(), ..Overrides::default() };
        self.wait.put(&mut over);
        over
    }
}
