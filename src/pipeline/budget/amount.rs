//! Objects, bytes and money together: what a restore takes, and what may be taken.

use serde::{Deserialize, Serialize};

use crate::job::Bounds;

/// What restores take. Sums and differences stop at the ends of the numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What they cost, in millionths of the budget's currency; 0 where no money is bounded.
    pub micros: u64,
}

impl Amount {
    /// What `bounds` allow; what they do not bound is endless.
    pub(super) fn allowed(bounds: &Bounds) -> Self {
        let micros = |cost: crate::model::Money| u64::try_from(cost.micros.max(0)).unwrap_or(u64::MAX);
        Self {
            objects: bounds.objects.unwrap_or(u64::MAX),
            bytes: bounds.bytes.unwrap_or(u64::MAX),
            micros: bounds.cost.map_or(u64::MAX, micros),
        }
    }

    /// The sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_add(other.objects),
            bytes: self.bytes.saturating_add(other.bytes),
            micros: self.micros.saturating_add(other.micros),
        }
    }

    /// What is left of it; nothing is below nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            objects: self.objects.saturating_sub(other.objects),
            bytes: self.bytes.saturating_sub(other.bytes),
            micros: self.micros.saturating_sub(other.micros),
        }
    }

    /// Half of it, rounded down; of what is endless, something endless enough.
    #[must_use]
    pub const fn half(self) -> Self {
        Self { objects: self.objects / 2, bytes: self.bytes / 2, micros: self.micros / 2 }
    }

    /// The smaller of each.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        Self {
            objects: self.objects.min(other.objects),
            bytes: self.bytes.min(other.bytes),
            micros: self.micros.min(other.micros),
        }
    }

    /// Whether none of it is more than in `room`.
    #[must_use]
    pub const fn fits(self, room: Self) -> bool {
        self.objects <= room.objects && self.bytes <= room.bytes && self.micros <= room.micros
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.objects == 0 && self.bytes == 0 && self.micros == 0
    }
}
