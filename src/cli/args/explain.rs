//! `explain [CODE]`.

use clap::Args;

/// `explain [CODE]`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Error code, reason, state, action, flag, HTTP status or exit code; without it, all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Write JSON, one object a line
    #[arg(long)]
    pub json: bool,
}
