//! What a campaign of many nights may spend, when it may work, and when it has had enough.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::model::{Count, Money};

/// What restores may take, in one run or in one day. `None` everywhere, the default: no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Objects asked for.
    pub objects: Option<u64>,
    /// Their bytes.
    pub bytes: Option<u64>,
    /// What the requests, the retrieval and the copies cost by the job's price table. An object
    /// whose price the table does not know is not asked for under such a bound.
    pub cost: Option<Money>,
}

impl Bounds {
    /// Whether nothing is bounded.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.objects.is_none() && self.bytes.is_none() && self.cost.is_none()
    }
}

/// What restores may take. What is over a bound is `deferred`, and comes first the next time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In one run, all its sessions together.
    pub run: Bounds,
    /// In one day of the job's time zone, all runs of the job together.
    pub day: Bounds,
    /// In one run by storage class, lower case, as a plan says; a class that is not in it gets nothing.
    /// `None`, the default: no such bound.
    pub plan: Option<BTreeMap<String, Count>>,
}

/// What a run does outside of its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outside {
    /// Lists on, and waits with its restore requests until the window opens: the default.
    #[default]
    Wait,
    /// Defers what it would have asked for, and ends.
    End,
}

/// Hours of the day in which restores are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// When it opens, included.
    pub from: Time,
    /// When it closes, excluded; before `from` if it holds midnight. Never equal to `from`.
    pub to: Time,
    /// Whose hours: the window's own zone, else the job's.
    pub zone: TimeZone,
    /// The window as written, for people and for the identity.
    pub text: String,
    /// What happens outside of it.
    pub outside: Outside,
}

/// A share of the objects, or so many of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// Per cent of the objects asked for, above 0 and up to 100.
    Percent(f64),
    /// So many objects.
    Objects(u64),
}

/// When a run has had enough: it ends with exit code 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Safety {
    /// More failures than this end the run; by default none does. A share counts from the 100th
    /// restore request on.
    pub max_failures: Option<Share>,
    /// So many refusals in a row, all with the same error code and no success between them, end the
    /// run; by default 100, 0 for never.
    pub max_same_refusals: u64,
    /// A run that would ask for more bytes than this asks on a terminal first, and refuses without
    /// one unless it is told `--yes`; by default `None`, no question.
    pub confirm_over: Option<u64>,
}

impl Default for Safety {
    fn default() -> Self {
        Self { max_failures: None, max_same_refusals: 100, confirm_over: None }
    }
}

/// What [`WaitSpec`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Until {
    /// Nothing: a run ends when everything is asked for. The default of `run`.
    #[default]
    None,
    /// So many per cent of the objects are readable, above 0 and up to 100. The default of `wait` is 100.
    Ready(f64),
}

/// How to wait for what was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitSpec {
    /// When the wait is over.
    pub until: Until,
    /// Between two polls, at least a second, by default 10 minutes.
    pub poll: Duration,
    /// The longest that a wait may take, by default 72 hours; then it ends with exit code 6.
    pub timeout: Duration,
    /// A file that the keys of readable objects are appended to as they come, one a line; by default none.
    pub ready_file: Option<PathBuf>,
    /// A command, with its arguments, that is given readable objects in batches, as JSON lines on its
    /// standard input; empty, the default, for none. `{ready_file}` and `{batch}` are filled in.
    pub on_ready: Vec<String>,
    /// Objects that one call of `on_ready` is given at most, by default 1000.
    pub batch: u32,
}

impl Default for WaitSpec {
    fn default() -> Self {
        Self {
            until: Until::None,
            poll: Duration::from_mins(10),
            timeout: Duration::from_hours(72),
            ready_file: None,
            on_ready: Vec::new(),
            batch: 1000,
        }
    }
}
