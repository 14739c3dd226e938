//! What a vendor would bill for: counts of what was answered, read from the archive, and kept as copies.
//!
//! It counts what the store did, whether or not the answer came through; it holds no prices.

use std::collections::BTreeMap;

use super::class::Tier;
use super::config::Call;
use super::mark::{Mark, Phase};
use super::wire::date::Secs;

const DAY: Secs = 86_400;

/// A storage class, and the tier that was asked for where one was named.
pub type Kind = (String, Option<Tier>);

/// What would be billed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Answers by call, class (empty for a bucket, and for what is not there), tier and hundred of the
    /// status: 2, 4, 5. What was not answered is not in it.
    pub answers: BTreeMap<(String, Kind, u16), u64>,
    /// Bytes read from the archive.
    pub retrieved: BTreeMap<Kind, u128>,
    /// Bytes of copies times the seconds that they are kept: the days asked for, or what was added.
    pub copies: BTreeMap<Kind, u128>,
}

impl Fees {
    /// Enters one answer.
    pub(super) fn answer(&mut self, call: Call, kind: Kind, status: u16) {
        let call = match call {
            Call::List | Call::Versions => "list",
            Call::Head => "head",
            Call::Restore => "restore",
            Call::Release => "release",
            Call::Other => "other",
        };
        if status > 0 {
            *self.answers.entry((call.to_owned(), kind, status / 100)).or_default() += 1;
        }
    }

    /// Enters a restore that has been taken: the object was in `phase` and has `mark` now.
    pub(super) fn restore(&mut self, kind: &Kind, bytes: u64, phase: Phase, mark: &Mark) {
        let seconds = match phase {
            // The copy is there already, and stays for longer.
            Phase::Ready(before) => mark.expires.unwrap_or(0) - before.expires.unwrap_or(0),
            // It is on its way, and comes sooner.
            Phase::Running(_) => 0,
            Phase::Frozen | Phase::Lapsed(_) | Phase::Online(_) => Secs::from(mark.days) * DAY,
        };
        if !matches!(phase, Phase::Ready(_)) {
            *self.retrieved.entry(kind.clone()).or_default() += u128::from(bytes);
        }
        let seconds = u128::try_from(seconds).unwrap_or(0);
        if seconds > 0 {
            *self.copies.entry(kind.clone()).or_default() += u128::from(bytes) * seconds;
        }
    }
}
