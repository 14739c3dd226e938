//! What the objects of a memory tell together, and when to look at each.

use std::time::Duration;

use jiff::Timestamp;

use super::flag::{is_stuck, promised};
use super::memory::Open;
use crate::store::Store;

/// What the objects of a memory tell together.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// How many restore for longer than promised.
    pub(super) stuck: u64,
    /// The key of the one that has been restoring for the longest, and since when.
    pub(super) oldest: Option<(Vec<u8>, Timestamp)>,
    /// When the first of them is due.
    pub(super) due: Option<Timestamp>,
}

impl Survey {
    /// Counts one of them in.
    pub(super) fn take(&mut self, store: &impl Store, open: &Open, now: Timestamp) {
        self.stuck += u64::from(is_stuck(store, open, now));
        if self.oldest.as_ref().is_none_or(|(_, since)| open.since < *since) {
            self.oldest = Some((open.key.clone(), open.since));
        }
        let due = due(store, open);
        self.due = Some(self.due.map_or(due, |first| first.min(due)));
    }
}

/// From when on it makes sense to look at an object: when the tier's usual time has passed, or at once
/// where nobody knows when it was asked for.
pub(super) fn due(store: &impl Store, open: &Open) -> Timestamp {
    if open.asked { later(open.since, promised(store, open)) } else { open.since }
}

/// `span` after `from`, or the end of time.
pub(super) fn later(from: Timestamp, span: Duration) -> Timestamp {
    from.checked_add(span).unwrap_or(Timestamp::MAX)
}
