//! The run that wrote a report, as its summary tells.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{RequestCounts, Spending, Timeline};

/// The run that wrote a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunFacts {
    /// Version of the program.
    pub defrost: String,
    /// Name of the job.
    pub job: String,
    /// `scan`, `plan` or `restore`.
    pub verb: String,
    /// The bucket URL.
    pub target: String,
    /// Whether the store was the one that comes along, as the job's table `[simulator]` wanted it; false of
    /// runs against anything else, also where that was a simulator.
    pub simulated: bool,
    /// Run id, the same over all resumptions.
    pub run_id: String,
    /// When the run first started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended, in one word.
    pub exit_reason: String,
    /// The exit code.
    pub exit_code: u8,
    /// Time spent working, over all sessions, in seconds.
    pub elapsed_seconds: f64,
    /// How many sessions it took.
    pub sessions: u32,
    /// Entries listed.
    pub listed: u64,
    /// Delete markers among them.
    pub delete_markers: u64,
    /// Entries that passed the filter; more than rows where the report tells only some.
    pub matched: u64,
    /// Requests by kind, over all sessions.
    pub requests: RequestCounts,
    /// Entries listed a second.
    pub listed_per_second: f64,
    /// Restore requests a second.
    pub restores_per_second: f64,
    /// What the requests cost, a sum such as `12.50 CNY` in each currency, as far as prices are known.
    pub fees: Vec<String>,
    /// What has no price, in words.
    pub fees_unknown: Vec<String>,
    /// What the run and its day took of the job's budget, if it has one.
    pub spending: Option<Spending>,
    /// What was done when.
    pub timeline: Timeline,
}

impl RunFacts {
    /// Time spent working; none if what the summary tells is no span.
    #[must_use]
    pub fn span(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.elapsed_seconds).ok()
    }
}

/// Whether a report is the one that its summary tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Seal {
    /// There is no summary beside it.
    NoSummary,
    /// The summary cannot be read, for the reason given.
    BadSummary {
        /// Why.
        why: String,
    },
    /// The summary is that of a file of another name.
    OtherFile {
        /// The name that it tells.
        name: String,
    },
    /// The summary tells no checksum.
    NoChecksum,
    /// The report is, byte for byte, what the run wrote.
    Intact {
        /// Its SHA-256, lower-case hex.
        sha256: String,
    },
    /// The report is not what the run wrote: it was changed, cut, or put in the place of another.
    Changed {
        /// The SHA-256 that the summary tells.
        told: String,
        /// The SHA-256 that the file has.
        found: String,
    },
}
