//! What a run does about every object that is frozen, running, readable or about to lapse, against what
//! the store itself knows.

use std::collections::BTreeMap;
use std::time::Duration;

use defrost::model::RestoreMark;
use defrost::sim::{
    BucketConfig, Dialect, Expected, ObjectConfig, Phase, RestoreRecord, Seeded, Tier as SimTier,
    VersionConfig, Versioning,
};
use jiff::Timestamp;

use super::{DAY, Name, Nights, cold, seeded, version, wish};
use crate::support::{COS, OSS, S3, Vendor, key_of};

/// Every cold class in every state, current and noncurrent, beside what must never be asked for.
fn bucket(vendor: Vendor) -> BucketConfig {
    let mut bucket = vendor.bucket();
    bucket.versioning = Versioning::Enabled;
    for (class, access) in cold(vendor.dialect) {
        let named = |what: &str| format!("{class}/{}/{what}", access.map_or("-", |a| a.as_str()));
        let plain = || version(class, *access);
        let mut old = ObjectConfig::new(named("versions"), *class).current(plain());
        old.versions = vec![plain(), version(vendor.standard, None), plain()];
        bucket = bucket.with(ObjectConfig::new(named("frozen"), *class).current(plain())).with(old);
        let running = seeded(plain(), Seeded::Running, SimTier::Standard, 5, 0);
        bucket = bucket.with(ObjectConfig::new(named("running"), *class).current(running));
        if access.is_none() {
            for hours in [1, 30, 60, 90] {
                let ready = seeded(plain(), Seeded::Restored, SimTier::Standard, 5, hours);
                bucket =
                    bucket.with(ObjectConfig::new(named(&format!("ready-{hours}")), *class).current(ready));
            }
        }
    }
    let mut deleted = ObjectConfig::new("deleted", vendor.standard)
        .current(VersionConfig { delete_marker: true, ..VersionConfig::default() });
    deleted.versions = vec![version(vendor.standard, None)];
    bucket = bucket.with(ObjectConfig::new("online", vendor.standard)).with(deleted);
    match vendor.dialect {
        Dialect::Oss => {
            let link = VersionConfig { symlink: Some("online".to_owned()), ..version("Archive", None) };
            bucket.with(ObjectConfig::new("link", "Archive").current(link))
        }
        Dialect::S3 => bucket.with(ObjectConfig::new("instant", "GLACIER_IR")),
        Dialect::Cos => bucket,
    }
}

/// Twelve nights of two runs each: every object was asked for if it was due, and no other was.
fn campaign(vendor: Vendor) {
    let nights = Nights::new(vendor, bucket(vendor), wish());
    let mut settled = 0;
    let mut extended = 0;
    // Copies that were asked to live longer than their class lets them, by when they became readable.
    let mut at_the_end_of_their_life: BTreeMap<(Name, i64), u32> = BTreeMap::new();
    for number in 0..24 {
        let night = nights.night();
        let after = nights.objects();
        for (name, object) in &night.before {
            let told = format!("{vendor:?}, run {number}, {object:?}");
            let posts = night.posts_of(name);
            let row = &night.rows[name];
            assert!(posts.len() <= 1, "{told}: {posts:?}");
            let status = posts.first().map(|post| post.status);
            match object.phase {
                _ if !object.archived || object.symlink => assert_eq!(status, None, "{told}"),
                Phase::Frozen | Phase::Lapsed(_) => {
                    assert_eq!(status, Some(202), "{told}");
                    assert_eq!((&*row["action"], &*row["state"]), ("requested", "restoring"), "{told}");
                }
                Phase::Running(_) => {
                    assert_eq!(status, None, "{told}");
                    assert_eq!((&*row["action"], &*row["state"]), ("already", "restoring"), "{told}");
                }
                Phase::Online(_) => assert_eq!(status, None, "{told}"),
                Phase::Ready(mark) => {
                    let left = mark.expires.unwrap() - night.at.as_second();
                    let Phase::Ready(now) = after[name].phase else { panic!("{told}") };
                    let expires = row["expires_at"].parse::<Timestamp>().unwrap();
                    assert_eq!(Some(expires.as_second()), now.expires, "{told}: {row:?}");
                    assert_eq!(nights.head(name), RestoreMark::Ready(Some(expires)), "{told}");
                    if left >= 2 * 86_400 {
                        assert_eq!((status, &*row["reason"]), (None, "still_valid"), "{told}");
                    } else if let Some(status) = status {
                        extended += 1;
                        assert_eq!((status, &*row["action"]), (200, "extended"), "{told}");
                        if now.expires == mark.expires {
                            assert_eq!(
                                object.storage_class, "Archive",
                                "{told}: no other class has a cap so low"
                            );
                            *at_the_end_of_their_life.entry((name.clone(), mark.ready)).or_default() += 1;
                        }
                    } else {
                        let spent = at_the_end_of_their_life.get(&(name.clone(), mark.ready));
                        assert_eq!(spent, Some(&1), "{told}: it lapses, and was not asked for");
                    }
                }
            }
        }
        let unknown = night.rows.values().filter(|row| row["action"] == "failed");
        assert_eq!(unknown.count(), 0);
        settled += u32::from(night.posts.is_empty());
        let extensions = night.posts.iter().filter(|post| post.status == 200).count() as u64;
        let tells_nothing = match vendor.dialect {
            Dialect::Oss => 0,
            // Listings of versions never show that a restore runs.
            Dialect::Cos => night.before.values().filter(|object| object.archived).count() as u64,
            Dialect::S3 => {
                let tiering = |object: &&Expected| object.storage_class == "INTELLIGENT_TIERING";
                let running = |object: &&Expected| matches!(object.phase, Phase::Running(_));
                night.before.values().filter(|o| tiering(o) && !running(o)).count() as u64
            }
        };
        assert_eq!(night.heads, extensions + tells_nothing, "{vendor:?}, run {number}");
        nights.later(Duration::from_hours(if number % 2 == 0 { 1 } else { 23 }));
    }
    assert!(settled > 3 && extended > 12, "{vendor:?}: {settled} settled runs, {extended} extensions");
    let twice: Vec<_> = at_the_end_of_their_life.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "asked for in vain again and again: {twice:?}");
    assert_eq!(at_the_end_of_their_life.is_empty(), vendor.dialect != Dialect::Oss);
}

#[test]
fn a_campaign_on_oss() {
    campaign(OSS);
}

#[test]
fn a_campaign_on_cos() {
    campaign(COS);
}

#[test]
fn a_campaign_on_s3() {
    campaign(S3);
}

#[test]
fn with_direct_read_archive_is_readable_and_never_asked_for() {
    let mut nights = Nights::new(OSS, bucket(OSS), wish());
    nights.job.source.archive_direct_read = true;
    for _ in 0..2 {
        let night = nights.night();
        let colder = |post: &RestoreRecord| !post.key.starts_with(b"Archive/");
        assert!(!night.posts.is_empty() && night.posts.iter().all(colder), "{:?}", night.posts);
        for (name, object) in night.before.iter().filter(|(_, object)| object.storage_class == "Archive") {
            let row = &night.rows[name];
            let state = if object.symlink { "unknown" } else { "readable" };
            assert_eq!((&*row["state"], &*row["action"]), (state, "none"), "{row:?}");
        }
        nights.later(4 * DAY);
    }
}

/// A run is broken off while it extends copies, and gone on with: each is extended once.
#[test]
fn a_run_that_is_broken_off_extends_each_copy_once() {
    for vendor in [OSS, COS, S3] {
        let mut bucket = vendor.bucket();
        for number in 0..60 {
            let ready = seeded(version(vendor.cold, None), Seeded::Restored, SimTier::Standard, 5, 90);
            bucket = bucket.with(ObjectConfig::new(format!("{number:02}"), vendor.cold).current(ready));
        }
        let mut nights = Nights::new(vendor, bucket, wish());
        nights.job.source.page_size = 5;
        let mut posts: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut sent = Vec::new();
        loop {
            let (ended, night) = nights.broken_off_after(10);
            sent.push(night.len());
            for post in &night {
                assert_eq!(post.status, 200, "{vendor:?}: {post:?}");
                *posts.entry(post.key.to_vec()).or_default() += 1;
            }
            if ended {
                break;
            }
        }
        assert_eq!(sent, [10, 10, 10, 10, 10, 10, 0], "{vendor:?}");
        assert_eq!(posts.len(), 60, "{vendor:?}");
        assert!(posts.values().all(|times| *times == 1), "{vendor:?}: {posts:?}");
        // Every row tells until when its copy is readable now.
        let after = nights.objects();
        for row in nights.rows() {
            let name = (key_of(&row), row["version_id"].clone());
            let Phase::Ready(mark) = after[&name].phase else { panic!("{row:?}") };
            let expires = row["expires_at"].parse::<Timestamp>().unwrap().as_second();
            assert_eq!((&*row["action"], Some(expires)), ("extended", mark.expires), "{vendor:?}");
        }
    }
}

/// What a budget left over is asked for by the next run: that it was lapsing last night is no reason
/// to take it for done.
#[test]
fn what_a_budget_left_over_is_extended_by_the_next_run() {
    for vendor in [OSS, COS, S3] {
        let mut bucket = vendor.bucket();
        for number in 0..5 {
            let ready = seeded(version(vendor.cold, None), Seeded::Restored, SimTier::Standard, 5, 90);
            bucket = bucket.with(ObjectConfig::new(format!("{number}"), vendor.cold).current(ready));
        }
        let mut nights = Nights::new(vendor, bucket, wish());
        nights.job.budget.run.objects = Some(2);
        let mut sent = Vec::new();
        for _ in 0..4 {
            let night = nights.night();
            assert!(night.posts.iter().all(|post| post.status == 200), "{vendor:?}: {:?}", night.posts);
            sent.push(night.posts.len());
            nights.later(Duration::from_mins(10));
        }
        assert_eq!(sent, [2, 2, 1, 0], "{vendor:?}");
    }
}
