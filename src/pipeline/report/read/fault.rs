//! Why rows cannot be read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a report, or a list of keys in rows, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system said no.
    #[error("cannot read `{path}`")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
    /// A row is not as it should be.
    #[error("`{path}`, {place}: {what}")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which row.
        place: Place,
        /// What is wrong with it.
        what: String,
    },
    /// The header has no column of that name.
    #[error("`{path}` has no column `{column}`: its first line must name its columns")]
    NoColumn {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: &'static str,
    },
    /// The file is not what its name says, or is cut short or damaged.
    #[error("`{path}` {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and where.
        what: String,
    },
}

impl ReadError {
    /// What a person can do about it, a lower-case fragment.
    #[must_use]
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "check the path and the working folder"
            }
            Self::Io { .. } => "a report is a plain file that can be read",
            Self::Row { .. } => "mend or leave out that row, or take the report as the run wrote it",
            Self::NoColumn { .. } => "take a report of defrost, or name the columns in the first line",
            Self::Damaged { .. } => {
                "copy the file anew from where it is whole (the summary beside it holds its SHA-256), or run \
                 the job again"
            }
        }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// A row of a file without lines, from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}
