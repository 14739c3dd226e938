//! Running restores are raised where a store takes that, and expedited requests fall back.

use std::time::Duration;

use defrost::job::Wish;
use defrost::model::Tier;
use defrost::sim::{BucketConfig, Dialect, ObjectConfig, RestoreRecord, Seeded, Tier as SimTier};

use super::{Night, Nights, cold, seeded, version, wish};
use crate::support::{COS, OSS, S3, Vendor};

/// Bulk restores that run when the job comes by, one of each class.
fn running_bulk(vendor: Vendor) -> BucketConfig {
    let mut bucket = vendor.bucket();
    for (class, access) in cold(vendor.dialect) {
        let tier = if *class == "DeepColdArchive" { SimTier::Standard } else { SimTier::Bulk };
        let running = seeded(version(class, *access), Seeded::Running, tier, 5, 0);
        let key = format!("{class}/{}", access.map_or("-", |a| a.as_str()));
        bucket = bucket.with(ObjectConfig::new(key, *class).current(running));
    }
    bucket
}

/// A key that was asked for, with the tier and the answer.
type Asked<'a> = (&'a str, Option<SimTier>, u16);

fn asked(night: &Night) -> Vec<(String, Option<SimTier>, u16)> {
    let told =
        |post: &RestoreRecord| (String::from_utf8_lossy(&post.key).into_owned(), post.tier, post.status);
    let mut all: Vec<_> = night.posts.iter().map(told).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn a_running_restore_is_raised_once_where_the_store_takes_it() {
    const EXPEDITED: Option<SimTier> = Some(SimTier::Expedited);
    const STANDARD: Option<SimTier> = Some(SimTier::Standard);
    let table: [(Vendor, Vec<Asked<'_>>); 3] = [
        // Archive has one speed.
        (OSS, vec![("ColdArchive/-", EXPEDITED, 202), ("DeepColdArchive/-", EXPEDITED, 202)]),
        // Documented for DEEP_ARCHIVE alone, whose fastest tier is Standard.
        (COS, vec![("DEEP_ARCHIVE/-", STANDARD, 202)]),
        (
            S3,
            vec![
                ("DEEP_ARCHIVE/-", STANDARD, 202),
                ("GLACIER/-", EXPEDITED, 202),
                // Of a running restore, the listing shows no access tier, and the clamped wish is not
                // known to be faster.
            ],
        ),
    ];
    for (vendor, expected) in table {
        let mut nights = Nights::new(vendor, running_bulk(vendor), Wish { tier: Tier::Expedited, ..wish() });
        assert_eq!(asked(&nights.night()), [], "{vendor:?}: left, unless the wish says otherwise");
        nights.wish(|wish| wish.raise_tier = true);
        let night = nights.night();
        let told: Vec<_> =
            expected.iter().map(|(key, tier, status)| ((*key).to_owned(), *tier, *status)).collect();
        assert_eq!(asked(&night), told, "{vendor:?}");
        for row in night.rows.values() {
            let raised = expected.iter().any(|(key, ..)| *key == row["key"]);
            let action = if raised { "requested" } else { "already" };
            assert_eq!((&*row["action"], &*row["state"]), (action, "restoring"), "{vendor:?}: {row:?}");
        }
        for _ in 0..3 {
            nights.later(Duration::from_mins(1));
            assert_eq!(asked(&nights.night()), [], "{vendor:?}: asked for again");
        }
    }
}

#[test]
fn what_the_job_asked_for_itself_is_not_raised_to_the_same_tier() {
    for vendor in [OSS, COS, S3] {
        let mut bucket = vendor.bucket();
        for (class, access) in cold(vendor.dialect).iter().filter(|(class, _)| *class != "Archive") {
            let key = format!("{class}/{}", access.map_or("-", |a| a.as_str()));
            bucket = bucket.with(ObjectConfig::new(key, *class).current(version(class, *access)));
        }
        let mut nights = Nights::new(vendor, bucket, Wish { tier: Tier::Bulk, raise_tier: true, ..wish() });
        assert_eq!(
            nights.night().posts.len(),
            cold(vendor.dialect).len() - usize::from(vendor.dialect == Dialect::Oss)
        );
        nights.later(Duration::from_hours(1));
        assert_eq!(asked(&nights.night()), []);
        assert_eq!(nights.planned(), 0, "{vendor:?}: a dry run knows what was asked for");
        // The wish becomes faster, and what runs follows, once.
        nights.wish(|wish| wish.tier = Tier::Standard);
        let planned = nights.planned();
        let raised = asked(&nights.night());
        assert_eq!(planned, raised.len(), "{vendor:?}");
        let taken: &[&str] = match vendor.dialect {
            // Bulk became Standard in DeepColdArchive at once, which has no Bulk.
            Dialect::Oss => &["ColdArchive/-"],
            Dialect::Cos => &["DEEP_ARCHIVE/-"],
            Dialect::S3 => &["DEEP_ARCHIVE/-", "GLACIER/-"],
        };
        let keys: Vec<&str> = raised.iter().map(|(key, ..)| key.as_str()).collect();
        assert_eq!(keys, taken);
        assert!(raised.iter().all(|(_, tier, status)| (*tier, *status) == (Some(SimTier::Standard), 202)));
        nights.later(Duration::from_hours(1));
        assert_eq!(asked(&nights.night()), []);
    }
}

#[test]
fn a_refused_upgrade_is_already_running_and_not_asked_for_again() {
    for vendor in [OSS, S3] {
        let mut bucket = running_bulk(vendor);
        bucket.quirks.no_upgrade = true;
        let nights = Nights::new(vendor, bucket, Wish { tier: Tier::Expedited, raise_tier: true, ..wish() });
        let night = nights.night();
        assert_eq!(night.posts.iter().map(|post| post.status).collect::<Vec<_>>(), [409, 409], "{vendor:?}");
        assert!(night.rows.values().all(|row| row["action"] == "already"), "{vendor:?}");
        assert_eq!(asked(&nights.night()), [], "{vendor:?}");
    }
}

#[test]
fn without_capacity_for_expedited_the_wish_falls_back_or_fails() {
    let mut bucket = S3.bucket();
    for (class, access) in cold(Dialect::S3) {
        let key = format!("{class}/{}", access.map_or("-", |a| a.as_str()));
        bucket = bucket.with(ObjectConfig::new(key, *class).current(version(class, *access)));
    }
    bucket.quirks.no_expedited = true;
    let wished = Wish { tier: Tier::Expedited, ..wish() };
    let mut nights = Nights::new(S3, bucket, wished);
    let night = nights.night();
    let row = |night: &Night, key: &str| {
        let row = night.rows.values().find(|row| row["key"] == key).unwrap();
        [&row["action"], &row["reason"], &row["tier"], &row["http_status"], &row["attempts"]]
            .map(Clone::clone)
    };
    // The access tier of Intelligent-Tiering takes a HEAD, which is an attempt.
    assert_eq!(row(&night, "GLACIER/-"), ["failed", "quota", "Expedited", "503", "1"]);
    assert_eq!(
        row(&night, "INTELLIGENT_TIERING/ARCHIVE_ACCESS"),
        ["failed", "quota", "Expedited", "503", "2"]
    );
    assert_eq!(row(&night, "DEEP_ARCHIVE/-"), ["requested", "", "Standard", "202", "1"]);
    nights.wish(|wish| wish.expedited_fallback = true);
    let night = nights.night();
    assert_eq!(row(&night, "GLACIER/-"), ["requested", "", "Standard", "202", "2"]);
    assert_eq!(row(&night, "INTELLIGENT_TIERING/ARCHIVE_ACCESS"), ["requested", "", "Standard", "202", "3"]);
    assert_eq!(night.posts.iter().filter(|post| post.status == 503).count(), 2, "each refusal is taken once");
}
