//! The difference of two reports: a merge of two sorted streams of rows.
//!
//! | file | |
//! | --- | --- |
//! | `side` | one report, row by row, in order |
//! | `merge` | rows of both reports brought together by key and version |
//! | `prefixes` | changes by prefix, the largest kept |
//! | `rows` | the changed rows as CSV |
//!
//! What counts as which change is said in one place, [`change`](crate::model::change). What is held in
//! memory is a row of each report, the largest prefixes, and at most [`MOST_VERSIONS`] versions of one
//! key: none of it grows with the reports.

mod merge;
mod prefixes;
mod rows;
mod side;

use std::io;

use crate::pipeline::report::ReadError;

pub use merge::{Changed, MOST_VERSIONS, Options, Take, compare};
pub use rows::{CHANGED_COLUMNS, ChangedRows};
pub use side::{Sight, WISHED};

/// Why two reports cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// One of them is not in the order of its keys.
    #[error("{0}")]
    Order(ReadError),
    /// One of them has two rows of one object.
    #[error("{0}")]
    Twice(ReadError),
    /// One of them has rows of several buckets.
    #[error("{0}")]
    Mixed(ReadError),
    /// They are of different buckets.
    #[error("the reports are of different buckets, `{old}` and `{new}`")]
    Buckets {
        /// That of the old one.
        old: String,
        /// That of the new one.
        new: String,
    },
    /// The changed rows cannot be written.
    #[error("cannot write the changed rows")]
    Write(#[source] io::Error),
}
