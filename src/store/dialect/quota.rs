//! How long restores usually take, and how many of them the vendors work off: for plans.
//!
//! Both are what the vendors call typical. None refuses what is over its quota for bytes: such restores
//! are accepted, and ready later.
//!
//! Sources: OSS "RestoreObject", "OSS limits and performance metrics"; COS "POST Object restore", "Limits";
//! S3 "Archive retrieval options", "Restoring an archived object"; all read 2026-11.

use std::time::Duration;

use crate::model::{Provider, Quota, Tier, Usual};

const TB: u64 = 1_000_000_000_000;

/// What is usual for `class` (with its access tier, where shown) at `tier`; `None` if the class needs no
/// restore or does not offer the tier. For no tier: the class's single speed, else the standard one.
#[must_use]
pub fn usual(provider: Provider, class: &str, access_tier: &str, tier: Option<Tier>) -> Option<Usual> {
    let class = class.to_ascii_uppercase();
    let online = class.strip_prefix("MAZ_").unwrap_or(&class);
    let tier = tier.unwrap_or(Tier::Standard);
    let deep_tier = access_tier.to_ascii_uppercase().starts_with("DEEP");
    let minutes = match (provider, online) {
        (Provider::Oss, "ARCHIVE") => (1, 1),
        (Provider::Oss, "COLDARCHIVE") => match tier {
            Tier::Expedited => (0, 60),
            Tier::Standard => (2 * 60, 5 * 60),
            Tier::Bulk => (5 * 60, 12 * 60),
        },
        (Provider::Oss, "DEEPCOLDARCHIVE") => match tier {
            Tier::Expedited => (0, 12 * 60),
            Tier::Standard => (12 * 60, 48 * 60),
            Tier::Bulk => return None,
        },
        (Provider::Cos, "ARCHIVE") | (Provider::S3, "GLACIER") => shallow(tier),
        (Provider::Cos | Provider::S3, "INTELLIGENT_TIERING") if !deep_tier => shallow(tier),
        (Provider::Cos, "DEEP_ARCHIVE" | "INTELLIGENT_TIERING") => match tier {
            Tier::Expedited => return None,
            Tier::Standard => (12 * 60, 24 * 60),
            Tier::Bulk => (24 * 60, 48 * 60),
        },
        (Provider::S3, "DEEP_ARCHIVE" | "INTELLIGENT_TIERING") => match tier {
            Tier::Expedited => return None,
            Tier::Standard => (9 * 60, 12 * 60),
            Tier::Bulk => (12 * 60, 48 * 60),
        },
        _ => return None,
    };
    Some(Usual { soonest: Duration::from_mins(minutes.0), latest: Duration::from_mins(minutes.1) })
}

/// The times of COS ARCHIVE and S3 GLACIER, in minutes.
const fn shallow(tier: Tier) -> (u64, u64) {
    match tier {
        Tier::Expedited => (1, 5),
        Tier::Standard => (3 * 60, 5 * 60),
        Tier::Bulk => (5 * 60, 12 * 60),
    }
}

/// What the vendor takes on of `class`.
#[must_use]
pub fn quota(provider: Provider, class: &str) -> Quota {
    let is = |name: &str| class.eq_ignore_ascii_case(name);
    match provider {
        Provider::Oss if is("ColdArchive") => Quota { per_second: Some(500), bytes_per_day: Some(100 * TB) },
        Provider::Oss if is("DeepColdArchive") => {
            Quota { per_second: Some(100), bytes_per_day: Some(10 * TB) }
        }
        Provider::Oss => Quota::default(),
        Provider::Cos => Quota { per_second: Some(100), bytes_per_day: None },
        Provider::S3 => Quota { per_second: Some(1000), bytes_per_day: None },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, for_provider};
    use super::*;

    #[test]
    fn the_times_are_those_of_the_vendors_pages() {
        let hours = |provider, class, tier| {
            usual(provider, class, "", Some(tier))
                .map(|usual| (usual.soonest.as_secs() / 3600, usual.latest.as_secs() / 3600))
        };
        assert_eq!(hours(Provider::Oss, "coldarchive", Tier::Standard), Some((2, 5)));
        assert_eq!(hours(Provider::Oss, "ColdArchive", Tier::Bulk), Some((5, 12)));
        assert_eq!(hours(Provider::Oss, "DeepColdArchive", Tier::Standard), Some((12, 48)));
        assert_eq!(hours(Provider::Oss, "DeepColdArchive", Tier::Bulk), None);
        assert_eq!(hours(Provider::Cos, "MAZ_DEEP_ARCHIVE", Tier::Standard), Some((12, 24)));
        assert_eq!(hours(Provider::Cos, "ARCHIVE", Tier::Standard), Some((3, 5)));
        assert_eq!(hours(Provider::S3, "DEEP_ARCHIVE", Tier::Bulk), Some((12, 48)));
        assert_eq!(hours(Provider::S3, "DEEP_ARCHIVE", Tier::Expedited), None);
        assert_eq!(hours(Provider::S3, "GLACIER_IR", Tier::Standard), None);
    }

    #[test]
    fn every_class_and_tier_that_is_offered_has_a_time_and_no_other() {
        for provider in Provider::ALL {
            let dialect = for_provider(provider, Options::default());
            for class in dialect.known_classes() {
                for access in ["", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"] {
                    let Some(offer) = dialect.offer(class.as_bytes(), access.as_bytes()) else { continue };
                    for &tier in offer.tiers {
                        assert!(
                            usual(provider, class, access, Some(tier)).is_some(),
                            "{class} {access} {tier}"
                        );
                    }
                    assert!(usual(provider, class, access, None).is_some(), "{class} {access}");
                }
            }
        }
    }
}
