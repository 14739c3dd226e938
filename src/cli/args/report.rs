//! `report FILE`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// `report FILE`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A report, or any CSV with a column `key`; `-` for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Write all figures to stdout as JSON
    #[arg(long, conflicts_with = "html")]
    pub json: bool,
    /// Write a page to this file, which holds all that it needs; `-` for stdout
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
}
