//! Why the state of a job cannot be used.

use std::io;
use std::path::PathBuf;

use super::lock::LockError;
use super::mark::{FORMAT, PACKED};

/// Why the state of a job cannot be used. Each names the file; the way out is the command line's.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another run holds the lock, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system said no.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
    /// A file of the state was cut, edited or never ours.
    #[error("the checkpoint file `{path}` is damaged: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The mark was written by a version with another format.
    #[error("the checkpoint `{path}` has format {found}; this version reads formats {PACKED} and {FORMAT}")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Its format number.
        found: u32,
        /// Whether it says that its run is finished.
        finished: bool,
    },
    /// The mark belongs to a job that differs from this one.
    #[error("the unfinished run in `{path}` was started as another job: {}", differences(.changed))]
    OtherJob {
        /// The state folder.
        path: PathBuf,
        /// (field, in the checkpoint, now).
        changed: Vec<(String, String, String)>,
    },
}

impl CheckpointError {
    /// Whether a [`CheckpointError::Foreign`] mark is of a later version than this one.
    #[must_use]
    pub const fn is_newer(&self) -> bool {
        matches!(self, Self::Foreign { found, .. } if *found > FORMAT)
    }
}

fn differences(changed: &[(String, String, String)]) -> String {
    let quoted = |value: &str| if value.is_empty() { "not set".to_owned() } else { format!("`{value}`") };
    changed
        .iter()
        .map(|(field, marked, wanted)| format!("{field} was {}, now {}", quoted(marked), quoted(wanted)))
        .collect::<Vec<_>>()
        .join("; ")
}
