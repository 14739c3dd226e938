//! What became of objects between two reports.
//!
//! [`change`] is the one place that says what counts as which change. It takes the state that each of
//! two rows tells, at the hour when it was learnt: a copy whose `expires_at` has passed by `checked_at`
//! counts as lapsed, whatever word stands in the row.
//!
//! | old ↓, new → | missing | readable | restored | restoring | archived, expired | unknown |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | no row, missing | | appeared | appeared | appeared | appeared | appeared |
//! | readable | vanished | ¹ | ² | archived | archived | state |
//! | restored | vanished | ² | ¹ | lapsed | lapsed | state |
//! | restoring | vanished | readable | readable | stuck, or ¹ | lapsed | state |
//! | archived, expired | vanished | readable | readable | stuck, or restoring | ¹ | state |
//! | unknown | vanished | state | state | stuck, or state | state | ¹ |
//!
//! No row in the new report is `vanished` as well, but for what was `missing` before.
//!
//! * `stuck`: the new row has that flag; or both rows say `restoring`, and were learnt [`STUCK_AFTER`]
//!   or more apart.
//! * ¹ the same standing: `replaced` if size or entity tag differ, else `class` if storage class or
//!   access tier do, else `expiry` if the date until which the copy is readable does, else no change.
//! * ² readable before and after: as ¹, but `state` at last.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::words;
use super::{Count, State};

/// An object that is being restored in two reports that lie so far apart is stuck: no vendor names
/// more than 48 hours for any class and tier, and a day is added to that. Source: restore pages of OSS,
/// COS and S3, read 2026-11.
pub const STUCK_AFTER: Duration = Duration::from_hours(72);

/// Prefixes are told by as many slashes at most.
pub const DEEPEST: usize = 8;

words! {
    /// What became of an object between two reports: one word at most for each, see [`change`].
    Change {
        /// It can be read now, and could not before.
        Readable = "readable",
        /// Its copy was readable, or was being made, and is gone: whether asked for again or not.
        Lapsed = "lapsed",
        /// It was readable for good, and must be restored now: it was moved to an archive class.
        Archived = "archived",
        /// Its restore was asked for since the old report, and is not ready.
        Restoring = "restoring",
        /// It has been restoring for longer than it should.
        Stuck = "stuck",
        /// It was not there.
        Appeared = "appeared",
        /// It is not there any more.
        Vanished = "vanished",
        /// Its content is another one: size or entity tag differ.
        Replaced = "replaced",
        /// Its storage class or access tier is another one.
        Class = "class",
        /// Its copy is readable until another date.
        Expiry = "expiry",
        /// Any other change of state, such as from or to `unknown`.
        State = "state",
    }
}

/// What one row of a report says of an object.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'r> {
    /// The state as written.
    pub state: State,
    /// When the readable copy lapses, where the row tells.
    pub expires_at: Option<Timestamp>,
    /// When the state was learnt, where the row tells.
    pub checked_at: Option<Timestamp>,
    /// Storage class in the vendor's spelling.
    pub class: &'r [u8],
    /// Intelligent-Tiering access tier, where the report tells; empty if the object has none.
    pub access_tier: Option<&'r [u8]>,
    /// Size in bytes, where the row tells.
    pub size: Option<u64>,
    /// Entity tag; empty where the row does not tell.
    pub etag: &'r [u8],
    /// Whether the row has the flag `stuck`.
    pub stuck: bool,
}

/// Where an object stands, as far as a change is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Gone,
    Readable,
    Restored,
    Restoring,
    Cold,
    Unknown,
}

impl Seen<'_> {
    fn standing(&self) -> Standing {
        let lapsed =
            self.expires_at.zip(self.checked_at).is_some_and(|(expires, checked)| expires <= checked);
        match self.state {
            State::Readable => Standing::Readable,
            State::Restored if lapsed => Standing::Cold,
            State::Restored => Standing::Restored,
            State::Restoring => Standing::Restoring,
            State::Archived | State::Expired => Standing::Cold,
            State::Unknown => Standing::Unknown,
            State::Missing => Standing::Gone,
        }
    }

    /// The change between two rows of one standing.
    fn detail(&self, new: &Self) -> Option<Change> {
        let differ = |old: &[u8], new: &[u8]| !old.is_empty() && !new.is_empty() && old != new;
        if self.size.zip(new.size).is_some_and(|(old, new)| old != new) || differ(self.etag, new.etag) {
            return Some(Change::Replaced);
        }
        let moved = self.access_tier.zip(new.access_tier).is_some_and(|(old, new)| old != new);
        if differ(self.class, new.class) || moved {
            return Some(Change::Class);
        }
        let moved = self.expires_at.zip(new.expires_at).is_some_and(|(old, new)| old != new);
        (moved && new.standing() == Standing::Restored).then_some(Change::Expiry)
    }

    fn is_stuck_since(&self, old: Standing, at: Option<Timestamp>) -> bool {
        let long = self.checked_at.zip(at).is_some_and(|(new, old)| {
            u64::try_from(new.duration_since(old).as_secs()).is_ok_and(|gone| gone >= STUCK_AFTER.as_secs())
        });
        self.stuck || (old == Standing::Restoring && long)
    }
}

/// What became of an object of which two reports say `old` and `new`; `None` where a report has no row
/// for it. Pure; see the table above.
#[must_use]
pub fn change(old: Option<&Seen<'_>>, new: Option<&Seen<'_>>) -> Option<Change> {
    let standing = |seen: Option<&Seen<'_>>| seen.map_or(Standing::Gone, Seen::standing);
    let (before, after) = (standing(old), standing(new));
    let (Some(old), Some(new)) = (old, new) else {
        return match (before, after) {
            (Standing::Gone, Standing::Gone) => None,
            (Standing::Gone, _) => Some(Change::Appeared),
            _ => Some(Change::Vanished),
        };
    };
    let stuck = after == Standing::Restoring && new.is_stuck_since(before, old.checked_at);
    match (before, after) {
        (Standing::Gone, Standing::Gone) => None,
        (Standing::Gone, _) => Some(Change::Appeared),
        (_, Standing::Gone) => Some(Change::Vanished),
        (Standing::Readable, Standing::Restoring | Standing::Cold) => Some(Change::Archived),
        (Standing::Restored, Standing::Restoring | Standing::Cold)
        | (Standing::Restoring, Standing::Cold) => Some(Change::Lapsed),
        (Standing::Restoring | Standing::Cold, Standing::Readable | Standing::Restored) => {
            Some(Change::Readable)
        }
        _ if stuck => Some(Change::Stuck),
        (Standing::Cold, Standing::Restoring) => Some(Change::Restoring),
        (Standing::Readable, Standing::Restored) | (Standing::Restored, Standing::Readable) => {
            old.detail(new).or(Some(Change::State))
        }
        (Standing::Unknown, Standing::Unknown)
        | (Standing::Readable, Standing::Readable)
        | (Standing::Restored, Standing::Restored)
        | (Standing::Restoring, Standing::Restoring)
        | (Standing::Cold, Standing::Cold) => old.detail(new),
        (Standing::Unknown, _) | (_, Standing::Unknown) => Some(Change::State),
    }
}

/// Objects and bytes by change. Bytes are those of the new row, of what vanished those of the old one.
pub type Changes = BTreeMap<Change, Count>;

/// One of two reports, as far as it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The bucket of its rows; empty if it does not tell.
    pub bucket: String,
    /// Its rows.
    pub rows: u64,
    /// The earliest `checked_at` of a row.
    pub first_checked_at: Option<Timestamp>,
    /// The latest one.
    pub last_checked_at: Option<Timestamp>,
}

/// What became of the objects below one prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixChanges {
    /// The prefix as reports spell keys, with its slash at the end; empty for keys that have none.
    pub prefix: String,
    /// Of these objects.
    pub changes: Changes,
}

/// Changes by prefix, down to one number of slashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefixes {
    /// How many slashes a prefix has at most.
    pub depth: usize,
    /// Prefixes in which anything changed.
    pub distinct: u64,
    /// Those in which most objects changed, these first.
    pub largest: Vec<PrefixChanges>,
}

/// What became of the objects of two reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The earlier report.
    pub old: Told,
    /// The later one.
    pub new: Told,
    /// Objects that are in both, and as they were.
    pub unchanged: u64,
    /// Objects and bytes by change.
    pub changes: Changes,
    /// The same by prefix, for 1 to [`DEEPEST`] slashes.
    pub prefixes: Vec<Prefixes>,
    /// Versions that were told as vanished or appeared, since their key has more versions than can be
    /// held: some may be in both reports.
    pub unpaired: u64,
}

impl Comparison {
    /// Objects and bytes of one change.
    #[must_use]
    pub fn of(&self, change: Change) -> Count {
        self.changes.get(&change).copied().unwrap_or_default()
    }

    /// The changes by prefix down to `depth` slashes; without it, down to where more than one prefix
    /// has changes.
    #[must_use]
    pub fn by_prefix(&self, depth: Option<usize>) -> Option<&Prefixes> {
        match depth {
            Some(depth) => self.prefixes.iter().find(|level| level.depth == depth),
            None => self.prefixes.iter().find(|level| level.distinct > 1).or(self.prefixes.first()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_764_000_000).unwrap() + SignedDuration::from_hours(hours)
    }

    fn seen(state: State, hours: i64) -> Seen<'static> {
        Seen {
            state,
            expires_at: None,
            checked_at: Some(at(hours)),
            class: b"GLACIER",
            access_tier: Some(b""),
            size: Some(7),
            etag: b"a",
            stuck: false,
        }
    }

    /// The table of the module, cell by cell: none for ¹, `state` for ².
    #[test]
    fn every_state_against_every_state() {
        use Change as C;
        use State as S;
        let cold = [S::Archived, S::Expired];
        for &old in S::ALL {
            for &new in S::ALL {
                let wanted = match (old, new) {
                    (S::Missing, S::Missing) => None,
                    (S::Missing, _) => Some(C::Appeared),
                    (_, S::Missing) => Some(C::Vanished),
                    (old, new) if old == new || (cold.contains(&old) && cold.contains(&new)) => None,
                    (S::Unknown, _)
                    | (_, S::Unknown)
                    | (S::Readable, S::Restored)
                    | (S::Restored, S::Readable) => Some(C::State),
                    (S::Readable, _) => Some(C::Archived),
                    (S::Restored, _) => Some(C::Lapsed),
                    (_, S::Readable | S::Restored) => Some(C::Readable),
                    (S::Restoring, _) => Some(C::Lapsed),
                    (_, S::Restoring) => Some(C::Restoring),
                    other => panic!("{other:?} is in no cell"),
                };
                assert_eq!(change(Some(&seen(old, 0)), Some(&seen(new, 24))), wanted, "{old} → {new}");
                // A flag of the new row outranks but what was readable, gone, or back.
                let flagged = Seen { stuck: true, ..seen(new, 24) };
                let wanted = match (old, new) {
                    (S::Restoring | S::Archived | S::Expired | S::Unknown, S::Restoring) => Some(C::Stuck),
                    _ => wanted,
                };
                assert_eq!(change(Some(&seen(old, 0)), Some(&flagged)), wanted, "{old} → {new}, flagged");
            }
            let there = (old != S::Missing).then_some(());
            assert_eq!(change(None, Some(&seen(old, 0))), there.map(|()| C::Appeared), "{old}");
            assert_eq!(change(Some(&seen(old, 0)), None), there.map(|()| C::Vanished), "{old}");
        }
        assert_eq!(change(None, None), None);
    }

    #[test]
    fn a_copy_has_lapsed_when_its_date_has_passed_whatever_the_word() {
        let until = |hours, checked| Seen { expires_at: Some(at(hours)), ..seen(State::Restored, checked) };
        assert_eq!(change(Some(&until(10, 0)), Some(&until(10, 9))), None);
        assert_eq!(change(Some(&until(10, 0)), Some(&until(10, 10))), Some(Change::Lapsed));
        assert_eq!(change(Some(&until(10, 10)), Some(&until(10, 20))), None, "it had lapsed before");
        assert_eq!(change(Some(&until(10, 10)), Some(&until(30, 20))), Some(Change::Readable));
        assert_eq!(change(Some(&until(10, 0)), Some(&until(30, 20))), Some(Change::Expiry));
        assert_eq!(change(Some(&until(30, 0)), Some(&until(10, 5))), Some(Change::Expiry));
        // Nothing is guessed where one of them tells no date.
        assert_eq!(change(Some(&seen(State::Restored, 0)), Some(&until(30, 20))), None);
        let timeless = Seen { checked_at: None, ..until(10, 0) };
        assert_eq!(change(Some(&until(10, 0)), Some(&timeless)), None);
    }

    #[test]
    fn what_restores_for_three_days_is_stuck() {
        let after = |hours| change(Some(&seen(State::Restoring, 0)), Some(&seen(State::Restoring, hours)));
        assert_eq!((after(71), after(72), after(-72)), (None, Some(Change::Stuck), None));
        let asked = change(Some(&seen(State::Archived, 0)), Some(&seen(State::Restoring, 100)));
        assert_eq!(asked, Some(Change::Restoring), "it was asked for in between");
    }

    #[test]
    fn of_one_standing_the_content_outranks_the_class_and_that_the_date() {
        let until = |hours| Seen { expires_at: Some(at(hours)), ..seen(State::Restored, 0) };
        let (old, new) = (until(100), until(200));
        let told = |new: Seen<'static>| change(Some(&old), Some(&new));
        assert_eq!(told(Seen { class: b"DEEP_ARCHIVE", ..new }), Some(Change::Class));
        assert_eq!(told(Seen { access_tier: Some(b"ARCHIVE_ACCESS"), ..new }), Some(Change::Class));
        assert_eq!(told(Seen { class: b"DEEP_ARCHIVE", etag: b"b", ..new }), Some(Change::Replaced));
        assert_eq!(told(Seen { size: Some(8), ..new }), Some(Change::Replaced));
        // What a report does not tell is no difference.
        assert_eq!(told(Seen { class: b"", etag: b"", size: None, access_tier: None, ..old }), None);
        let tiered = Seen { access_tier: Some(b"ARCHIVE_ACCESS"), ..old };
        assert_eq!(change(Some(&tiered), Some(&Seen { access_tier: None, ..old })), None);
        assert_eq!(change(Some(&tiered), Some(&old)), Some(Change::Class));
        // Moved to a class that can be read at once.
        let online = Seen { class: b"STANDARD", expires_at: None, ..seen(State::Readable, 24) };
        assert_eq!(told(online), Some(Change::Class));
        assert_eq!(told(Seen { expires_at: None, ..seen(State::Readable, 24) }), Some(Change::State));
        // A state that differs says more than all of these.
        let cold = Seen { size: Some(9), class: b"DEEP_ARCHIVE", ..seen(State::Archived, 24) };
        assert_eq!(told(cold), Some(Change::Lapsed));
    }
}
