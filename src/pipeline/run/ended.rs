//! How a run ends, well or not.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::JoinError;

use crate::model::{RequestCounts, Spending, Tally};
use crate::pipeline::account::Fees;
use crate::pipeline::checkpoint::CheckpointError;
use crate::pipeline::report::{ReportError, Verdict};
use crate::pipeline::safety::SafetyStop;
use crate::pipeline::source::{NamesError, SourceError};
use crate::pipeline::wait::MergeError;
use crate::store::StoreError;

/// Why a run ended before its listing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody asked for it.
    Stopped,
    /// It has worked for as long as the job lets it.
    WorkedOut(Duration),
    /// It has had enough.
    Safety(Box<SafetyStop>),
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it came to; `None` if the listing was not worked through to its end.
    pub verdict: Option<Verdict>,
    /// Why it ended before that, if it did.
    pub why: Option<Why>,
    /// What it spent of its budget, if it has one.
    pub spending: Option<Spending>,
    /// Objects that no budget will ever pay for: each alone is over a bound, or has no known price.
    pub over_budget_alone: u64,
    /// Counts over all sessions of the run.
    pub tally: Tally,
    /// Requests over all sessions of the run.
    pub requests: RequestCounts,
    /// Time spent working over all sessions.
    pub elapsed: Duration,
    /// What they cost by the price table; in a plan, what a run would cost.
    pub fees: Fees,
    /// The CSV: finished, or partial if the run is not complete; `None` for a stream.
    pub report: Option<PathBuf>,
    /// The summary, if the run is complete and has a report.
    pub summary: Option<PathBuf>,
}

/// Why a run could not go on. What was done until then is saved.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listing broke off.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The list of names is faulty; nothing was sent.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// A refusal that every further request would meet.
    #[error("the store refuses this run")]
    Doomed(#[from] StoreError),
    /// The run has had enough.
    #[error(transparent)]
    Safety(#[from] SafetyStop),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The state cannot be used or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// What is being restored cannot be taken down.
    #[error(transparent)]
    Memory(#[from] MergeError),
    /// A thread that writes the report, or makes it durable, cannot be started.
    #[error("cannot start a thread for the report")]
    Thread(#[source] std::io::Error),
    /// A thread that writes the report, or makes it durable, has ended without a word.
    #[error("the report's thread ended unexpectedly; this is a bug in defrost")]
    WriterDied,
    /// A second signal came while the files were being closed.
    #[error("ended at once, while the files were being closed")]
    Aborted,
    /// The work on a page has ended without a word.
    #[error("the work on a page ended unexpectedly; this is a bug in defrost")]
    PageDied(#[source] JoinError),
}
