//! Which objects deserve a second look: those that restore for too long, and copies that lapse soon.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::memory::Open;
use crate::job::Job;
use crate::model::{Action, Flag, Outcome, State, Tier};
use crate::store::Store;

/// What a tier may take beyond its promise before anybody is told: clocks differ, listings lag, and
/// the fastest class promises a minute.
const GRACE: Duration = Duration::from_hours(1);
/// How long a restore may take where no vendor's word is known: the longest that any vendor names.
const LONGEST: Duration = Duration::from_hours(48);
/// A copy with less time left than this is about to lapse, unless the job says otherwise.
const SOON: Duration = Duration::from_hours(24);

/// Left of a copy's life when it is told to be expiring.
#[must_use]
pub fn soon(job: &Job) -> Duration {
    job.wish.as_ref().and_then(|wish| wish.extend_when_left).unwrap_or(SOON)
}

/// How long the restore of `open` may take by the vendor's word; of an unknown tier, the slowest that
/// the class offers.
#[must_use]
pub fn promised(store: &impl Store, open: &Open) -> Duration {
    let (class, access_tier) = (open.class.as_bytes(), open.access_tier.as_bytes());
    let known = match open.tier {
        // A request that names no tier was ours, and meant the usual one.
        tier if open.asked => store.usual_time(class, access_tier, tier),
        tier @ Some(_) => store.usual_time(class, access_tier, tier),
        None => Tier::ALL.iter().filter_map(|tier| store.usual_time(class, access_tier, Some(*tier))).max(),
    };
    known.unwrap_or(LONGEST)
}

/// Whether `open`, still restoring at `now`, should have been readable long since.
#[must_use]
pub fn is_stuck(store: &impl Store, open: &Open, now: Timestamp) -> bool {
    let limit = SignedDuration::try_from(promised(store, open) + GRACE).unwrap_or(SignedDuration::MAX);
    now.duration_since(open.since) > limit
}

/// The flag of an object's row; `open` is what is remembered of it.
#[must_use]
pub fn flag(store: &impl Store, soon: Duration, outcome: &Outcome, open: Option<&Open>) -> Option<Flag> {
    let now = outcome.checked_at;
    match outcome.state {
        // Asked for anew just now, at a faster tier perhaps.
        State::Restoring if outcome.action == Action::Requested => None,
        State::Restoring => open.filter(|open| is_stuck(store, open, now)).map(|_| Flag::Stuck),
        State::Restored => {
            let soon = SignedDuration::try_from(soon).unwrap_or(SignedDuration::MAX);
            let lapses = outcome.expires_at.is_some_and(|until| until.duration_since(now) < soon);
            lapses.then_some(Flag::Expiring)
        }
        State::Readable | State::Archived | State::Expired | State::Unknown | State::Missing => None,
    }
}
