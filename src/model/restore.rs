//! What can be asked of an archived object, and what a class offers.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How fast an archived object is brought back; the vendors share these three words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Tier {
    /// Minutes to an hour, the dearest.
    Expedited,
    /// Hours, the stores' default.
    Standard,
    /// Half a day to two days, the cheapest.
    Bulk,
}

impl Tier {
    /// Every tier, fastest first.
    pub const ALL: [Self; 3] = [Self::Expedited, Self::Standard, Self::Bulk];

    /// The vendors' spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expedited => "Expedited",
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
        }
    }

    /// The tier spelt `text`, in any letter case.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a storage class accepts in a restore request: one row of the vendor's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The days a copy may be kept; `None` where the request must not name any
    /// (Intelligent-Tiering: the object moves back to an online tier instead).
    pub days: Option<RangeInclusive<u32>>,
    /// The tiers that may be named, fastest first; empty where the request must not name any
    /// (OSS Archive has a single speed).
    pub tiers: &'static [Tier],
    /// Whether a running restore can be made faster by asking for it again.
    pub raise: Raise,
}

/// Whether a store takes a faster tier for a restore that is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Raise {
    /// It does not, or there is but one speed.
    #[default]
    Never,
    /// It does; at which tier a restore runs, it does not tell.
    Untold,
    /// It does, and HEAD tells at which tier a restore runs.
    Told,
}

/// What a vendor names for restores of one class at one tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// A copy is readable no sooner than this after it was asked for.
    pub soonest: Duration,
    /// And usually no later than this.
    pub latest: Duration,
}

impl Usual {
    /// From `soonest` to `latest` minutes.
    #[must_use]
    pub const fn minutes(soonest: u64, latest: u64) -> Self {
        Self { soonest: Duration::from_mins(soonest), latest: Duration::from_mins(latest) }
    }

    /// From `soonest` to `latest` hours.
    #[must_use]
    pub const fn hours(soonest: u64, latest: u64) -> Self {
        Self { soonest: Duration::from_hours(soonest), latest: Duration::from_hours(latest) }
    }
}

/// How much a vendor takes on, where it says so. Most count per account and region, COS per bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Restore requests a second.
    pub per_second: Option<u32>,
    /// Bytes a day that become readable, the lower end of what is named; 1 TB is 10^12 bytes here.
    pub bytes_per_day: Option<u64>,
}
