//! How a wait ends, and why it may not go on.

use std::path::PathBuf;

use jiff::Timestamp;

use super::mark::WaitMark;
use crate::pipeline::checkpoint::CheckpointError;
use crate::pipeline::source::SourceError;
use crate::store::StoreError;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// As many objects are readable as were to be.
    Ready,
    /// Nothing is restoring any more, but fewer are readable than were to be.
    Short,
    /// The time limit was reached.
    TimedOut,
    /// It was asked to end, and can be gone on with.
    Interrupted,
}

impl WaitEnd {
    /// The word in `wait.json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Short => "short",
            Self::TimedOut => "timed_out",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a wait came to.
#[derive(Clone, Debug)]
pub struct Waited {
    /// How it ended.
    pub end: WaitEnd,
    /// Its counts.
    pub mark: WaitMark,
    /// The object that has been restoring for the longest, as reports spell it, and since when.
    pub oldest: Option<(String, Timestamp)>,
    /// Where its mark stands.
    pub file: PathBuf,
    /// Whether the command has still to take some objects.
    pub owes: bool,
}

/// Why a wait could not go on. The same wait goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// There is nothing to wait for.
    #[error("nothing is known to be restoring: no finished run of `{job}` has left a memory in `{path}`")]
    NothingKnown {
        /// The job.
        job: String,
        /// Its state folder.
        path: PathBuf,
    },
    /// The job's run is not finished.
    #[error("the run of `{job}` is not finished: not everything has been asked for")]
    Unfinished {
        /// The job.
        job: String,
    },
    /// The job's last retry is not finished.
    #[error("the retry of `{job}` is not finished: not everything has been asked for")]
    RetryUnfinished {
        /// The job.
        job: String,
    },
    /// A listing or a HEAD failed in a way that will not pass.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The state cannot be used or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl From<StoreError> for WaitError {
    fn from(error: StoreError) -> Self {
        Self::Source(error.into())
    }
}
