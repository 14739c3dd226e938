//! Layer 3: the composition root.

pub mod simulate;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line.
pub fn main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
