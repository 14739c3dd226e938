//! How far a run is: what its progress events carry, and what it leaves on disk for whoever looks
//! from another terminal.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Currency, Kinds, Phase, Rates, RequestCounts};

/// Stretches of the key space that are listed side by side, in this session. Both numbers grow: a
/// long stretch is cut in two as soon as a request is free for the other half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranges {
    /// Worked through to their ends.
    pub done: u64,
    /// Known so far, those that are done among them.
    pub known: u64,
}

/// Means over the last seconds, a second; `None` before enough was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speeds {
    /// Entries listed.
    pub listed: Option<f64>,
    /// Restore requests sent, retries included.
    pub restores: Option<f64>,
}

/// What a bound of a budget holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// A run, all its sessions together.
    Run,
    /// A day of the job's time zone, all runs of its file together.
    Day,
}

/// What a bound of a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Unit {
    /// Objects asked for.
    Objects,
    /// Their bytes.
    Bytes,
    /// Money, in millionths of the currency.
    Money(Currency),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects => f.pad("objects"),
            Self::Bytes => f.pad("bytes"),
            Self::Money(currency) => currency.fmt(f),
        }
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "objects" => Ok(Self::Objects),
            "bytes" => Ok(Self::Bytes),
            other => Currency::from_word(other).map(Self::Money).ok_or_else(|| format!("no unit `{other}`")),
        }
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.to_string()
    }
}

impl TryFrom<String> for Unit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// One bound of a budget, and how much of it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// What it holds for.
    pub over: Over,
    /// What it counts.
    pub unit: Unit,
    /// How much is taken, what is set aside for requests under way included.
    pub taken: u64,
    /// How much may be.
    pub most: u64,
    /// What of [`Bound::taken`] other runs of the same job file took that day.
    pub elsewhere: u64,
}

/// What may be known of a run's end before it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Entries that the last finished run of the same job listed.
    pub listed: Option<u64>,
    /// When that one ended.
    pub ended: Option<Timestamp>,
    /// Objects that the plan lets the run ask for.
    pub planned: Option<u64>,
}

/// What a guess at the end of a run rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// As many entries as the last run of the same job listed.
    LastRun,
    /// As many objects as its plan lets it ask for.
    Plan,
}

/// A guess at when a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Eta {
    /// In so long.
    pub left: Duration,
    /// What that rests on.
    pub basis: Basis,
}

/// Figures of this session so far, those of earlier sessions left out where nothing else is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Answers by kind.
    pub kinds: Kinds,
    /// Requests by kind.
    pub requests: RequestCounts,
    /// Restore requests in flight now.
    pub in_flight: u32,
    /// Requests a second that are let go now.
    pub rates: Rates,
    /// Since the start of this session.
    pub elapsed: Duration,
    /// Means over the last seconds.
    pub speeds: Speeds,
    /// Stretches of the listing.
    pub ranges: Ranges,
    /// Entries that earlier sessions of the run listed.
    pub earlier: u64,
    /// The bounds of the budget, those of the run first; empty if there is none.
    pub budget: Vec<Bound>,
    /// How long from now no restore request leaves, since the store asked for that.
    pub pause: Duration,
    /// What may be known of the end.
    pub expected: Expected,
    /// A guess at the end; `None` where it would be a wild one.
    pub eta: Option<Eta>,
}

/// What a process that works on a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// A run.
    Run {
        /// `scan`, `plan` or `restore`.
        verb: String,
        /// What it is busy with.
        phase: Phase,
        /// Restore requests a second that the job allows; 0 when nothing is sent.
        allowed: u32,
        /// How far it is.
        progress: Box<Progress>,
    },
    /// A wait for copies to become readable.
    Wait {
        /// Objects that are readable by now.
        ready: u64,
        /// Objects that are not yet.
        open: u64,
        /// When it looks next; `None` while it looks, and when it is over.
        next: Option<Timestamp>,
    },
    /// A release of copies.
    Release {
        /// Objects that were named.
        named: u64,
        /// Objects whose turn has come.
        done: u64,
        /// Copies that were given back.
        released: u64,
        /// Objects that failed.
        failed: u64,
    },
}

/// What a live process tells of itself, about once a second; the holder of the lock tells whether it
/// still is one. No secrets, and no keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The process.
    pub pid: u32,
    /// When this was told.
    pub at: Timestamp,
    /// What it does.
    pub doing: Doing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_comes_back() {
        let progress = Progress {
            budget: vec![Bound {
                over: Over::Day,
                unit: Unit::Money(Currency::from_word("cny").unwrap()),
                taken: 1,
                most: 2,
                elsewhere: 1,
            }],
            eta: Some(Eta { left: Duration::from_secs(9), basis: Basis::LastRun }),
            ..Progress::default()
        };
        let live = Live {
            pid: 7,
            at: "2026-11-21T01:00:00Z".parse().unwrap(),
            doing: Doing::Run {
                verb: "restore".to_owned(),
                phase: Phase::Draining(Duration::from_secs(8)),
                allowed: 80,
                progress: Box::new(progress),
            },
        };
        let text = serde_json::to_string(&live).unwrap();
        assert!(text.contains(r#""unit":"CNY""#), "{text}");
        assert_eq!(serde_json::from_str::<Live>(&text).unwrap(), live);
        for (text, unit) in [("objects", Unit::Objects), ("bytes", Unit::Bytes)] {
            assert_eq!(text.parse(), Ok(unit));
        }
        assert!("parsecs".parse::<Unit>().is_err());
    }
}
