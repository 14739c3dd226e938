//! What a run tells the outside. The pipeline tells; only `ui` prints.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use serde::{Deserialize, Serialize};

use super::{Action, Progress, RequestCounts, Tally};

/// What a run is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Listing, classifying, and (in a restore) asking.
    Running,
    /// A stop was asked for: requests in flight are let come back for so long, nothing new is sent.
    Draining(Duration),
    /// The window is shut: nothing is asked for until this moment.
    Waiting(Timestamp),
    /// The report is being closed.
    Finishing,
}

/// Something worth a line of its own, not tied to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A run goes on from its checkpoint.
    Resumed {
        /// Rows that are made and safe.
        rows: u64,
        /// The key up to which every key is done, as the report spells it.
        after: String,
    },
    /// A run begins anew, since the copies that the unfinished one asked for may all have lapsed.
    Lapsed {
        /// When its checkpoint was last written.
        saved_at: Timestamp,
        /// When the last of its copies lapsed.
        lapsed: Timestamp,
        /// Rows in its report.
        rows: u64,
        /// Where that report is kept; `None` if it was not there any more.
        kept: Option<PathBuf>,
    },
    /// The store asked to slow down.
    SlowedDown {
        /// Which kind of call.
        call: &'static str,
        /// Requests of that kind a second, from now on.
        rate: u32,
        /// No request of that kind leaves for this long; zero where the store did not ask for that.
        pause: Duration,
    },
    /// An attempt failed and is repeated after a pause.
    Retrying {
        /// Which kind of call.
        call: &'static str,
        /// What happened, without secrets.
        cause: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// The pause before the next one.
        pause: Duration,
    },
    /// An object ended as failed.
    ObjectFailed {
        /// The key as the report spells it.
        key: String,
        /// Why, without secrets.
        cause: String,
    },
    /// A wait for copies to become readable has looked, or begins.
    Waiting {
        /// Objects that are readable by now.
        ready: u64,
        /// Objects that are not yet.
        open: u64,
        /// When the wait looks next; `None` if it is over.
        next_poll: Option<Timestamp>,
    },
    /// Anything else an operator should read once.
    Remark(String),
}

/// Answers by kind so far, cheap enough to send after each page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kinds {
    /// Entries listed.
    pub listed: u64,
    /// Entries that passed the filter.
    pub matched: u64,
    /// 202.
    pub requested: u64,
    /// 200.
    pub extended: u64,
    /// Running already.
    pub already: u64,
    /// Planned by a dry run.
    pub planned: u64,
    /// Failed.
    pub failed: u64,
    /// Needed nothing.
    pub none: u64,
    /// Left for later.
    pub deferred: u64,
    /// Bytes of the objects that were asked for (202 and 200), or would be by a dry run.
    pub asked_bytes: u64,
}

impl From<&Tally> for Kinds {
    fn from(tally: &Tally) -> Self {
        let of = |action| tally.action(action).objects;
        Self {
            listed: tally.listed,
            matched: tally.matched.objects,
            requested: of(Action::Requested),
            extended: of(Action::Extended),
            already: of(Action::Already),
            planned: of(Action::Planned),
            failed: of(Action::Failed),
            none: of(Action::None),
            deferred: of(Action::Deferred),
            asked_bytes: [Action::Requested, Action::Extended, Action::Planned]
                .iter()
                .fold(0, |sum: u64, action| sum.saturating_add(tally.action(*action).bytes)),
        }
    }
}

/// An event of a run. Progress comes per page and per tick, never per object.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run has opened its files and starts.
    Started {
        /// Name of the job.
        job: String,
        /// `scan`, `plan` or `restore`.
        verb: &'static str,
        /// The bucket URL.
        target: String,
        /// Where the report will stand.
        report: PathBuf,
        /// Restore requests a second that the job allows; 0 when nothing is sent.
        rate: u32,
    },
    /// The run enters a phase.
    Phase(Phase),
    /// How far this session is: several times a second while it works, and when it has.
    Progress(Box<Progress>),
    /// A line worth reading.
    Notice(Notice),
    /// The run has ended and its files are closed (or its checkpoint saved). Its figures are those of
    /// the whole run, over all sessions.
    Finished {
        /// Everything counted.
        tally: Arc<Tally>,
        /// Requests by kind.
        requests: RequestCounts,
        /// Time spent working.
        elapsed: Duration,
        /// Where the report (or, when unfinished, its partial file) stands; `None` for stdout.
        report: Option<PathBuf>,
        /// Whether the listing was worked through to its end.
        complete: bool,
    },
}

/// Where events go. Called from any task; must not block for long.
pub trait Tell: Send + Sync {
    /// Takes one event.
    fn tell(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> Tell for F {
    fn tell(&self, event: Event) {
        self(event);
    }
}
