//! A restore of one object: what was asked, when it is readable, when the copy lapses.
//!
//! A mark is never changed by time. The state is computed from it and the clock when someone looks.

use serde::{Deserialize, Serialize};

use super::Dialect;
use super::class::Tier;
use super::wire::date::Secs;

const DAY: Secs = 86_400;

/// The last restore that a store accepted for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The tier in force.
    pub tier: Tier,
    /// The days asked for; 0 for an object of a tiering class, which moves back online instead.
    pub days: u32,
    /// When the restore was asked for, in seconds since 1970.
    pub asked: i64,
    /// When the copy is readable, in seconds since 1970.
    pub ready: i64,
    /// When the copy lapses, in seconds since 1970; `None` for an object that moves back online.
    pub expires: Option<i64>,
}

/// Where an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No restore is running and no copy is readable.
    Frozen,
    /// A restore is running.
    Running(Mark),
    /// A readable copy exists.
    Ready(Mark),
    /// A copy existed and has lapsed.
    Lapsed(Mark),
    /// An object of a tiering class has moved back online.
    Online(Mark),
}

impl Mark {
    /// Where an object with this mark stands at `now`.
    #[must_use]
    pub const fn phase(self, now: i64) -> Phase {
        if now < self.ready {
            return Phase::Running(self);
        }
        match self.expires {
            None => Phase::Online(self),
            Some(expires) if now < expires => Phase::Ready(self),
            Some(_) => Phase::Lapsed(self),
        }
    }

    /// The phase of an object that may have no mark.
    #[must_use]
    pub fn phase_of(mark: Option<Self>, now: i64) -> Phase {
        mark.map_or(Phase::Frozen, |m| m.phase(now))
    }
}

/// When a copy that is readable from `from` for `days` lapses.
///
/// OSS counts full days of 24 hours (seed sample of the RestoreObject page); S3 rounds up to the
/// next 00:00 UTC ("Restoring an archived object" page); COS to the next 16:00 UTC, which is
/// midnight in Beijing (samples of the HEAD Object page; the rounding itself is not documented).
#[must_use]
pub(super) fn expiry(dialect: Dialect, from: Secs, days: u32) -> Secs {
    let end = from + Secs::from(days) * DAY;
    let shift = match dialect {
        Dialect::Oss => return end,
        Dialect::S3 => 0,
        Dialect::Cos => 16 * 3600,
    };
    // The next instant at or after `end` that lies `shift` after a midnight.
    let past = (end - shift).rem_euclid(DAY);
    if past == 0 { end } else { end - past + DAY }
}

#[cfg(test)]
mod tests {
    use super::super::wire::date::{iso, parse_basic};
    use super::*;

    fn at(text: &str) -> Secs {
        parse_basic(text).unwrap()
    }

    #[test]
    fn expiry_follows_the_vendor() {
        // S3 guide: asked on 15 Oct 10:30 for 3 days, readable until 19 Oct 00:00.
        assert_eq!(iso(expiry(Dialect::S3, at("20121015T103000Z"), 3)), "2012-10-19T00:00:00.000Z");
        assert_eq!(iso(expiry(Dialect::S3, at("20121015T000000Z"), 1)), "2012-10-16T00:00:00.000Z");
        // OSS: full days from the moment of completion.
        assert_eq!(iso(expiry(Dialect::Oss, at("20260103T032854Z"), 1)), "2026-01-04T03:28:54.000Z");
        // COS: midnight in Beijing.
        assert_eq!(iso(expiry(Dialect::Cos, at("20200411T083000Z"), 2)), "2020-04-13T16:00:00.000Z");
        assert_eq!(iso(expiry(Dialect::Cos, at("20200411T163000Z"), 1)), "2020-04-13T16:00:00.000Z");
        assert_eq!(iso(expiry(Dialect::Cos, at("20200411T160000Z"), 1)), "2020-04-12T16:00:00.000Z");
    }

    #[test]
    fn phase_is_a_function_of_the_clock() {
        let mark = Mark { tier: Tier::Bulk, days: 1, asked: 100, ready: 200, expires: Some(300) };
        assert_eq!(mark.phase(199), Phase::Running(mark));
        assert_eq!(mark.phase(200), Phase::Ready(mark));
        assert_eq!(mark.phase(299), Phase::Ready(mark));
        assert_eq!(mark.phase(300), Phase::Lapsed(mark));
        let moved = Mark { expires: None, ..mark };
        assert_eq!(moved.phase(200), Phase::Online(moved));
        assert_eq!(Mark::phase_of(None, 0), Phase::Frozen);
    }
}
