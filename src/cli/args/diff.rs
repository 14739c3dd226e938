//! `diff OLD NEW`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::model::DEEPEST;

/// `diff OLD NEW`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier report, or - for stdin
    #[arg(value_name = "OLD.csv", value_hint = ValueHint::FilePath)]
    pub old: PathBuf,
    /// The later report of the same bucket, or - for stdin
    #[arg(value_name = "NEW.csv", value_hint = ValueHint::FilePath)]
    pub new: PathBuf,
    /// Write the changed rows to this CSV, or to stdout with -
    ///
    /// The file is there whole or not at all. With - the table goes to stderr.
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Write the figures to stdout as JSON
    #[arg(long)]
    pub json: bool,
    /// End with exit code 1 if there is such a change, or any; several parted by commas, or repeated
    ///
    /// The words are those of the table, such as lapsed, vanished, stuck; any stands for all of them.
    #[arg(long, value_name = "CHANGE", value_delimiter = ',')]
    pub fail_on: Vec<String>,
    /// Slashes in the prefixes that are told, 1 to 8 [default: as few as tell more than one apart]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=DEEPEST as u64))]
    pub depth: Option<u64>,
    /// Compare reports of different buckets by their keys alone
    #[arg(long)]
    pub any_bucket: bool,
}
