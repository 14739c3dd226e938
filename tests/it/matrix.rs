//! OSS, COS, S3 × {current objects, all versions} × {scan, restore, second restore, a later night}:
//! every row of every report against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use defrost::sim::{
    Access, BucketConfig, Config, Dialect, Expected, Generate, Mark, ObjectConfig, Phase, Seeded, Span, Tier,
    VersionConfig, Versioning,
};
use jiff::Timestamp;

use crate::model::{self, Asked, Told, Verb};
use crate::support::{COS, OSS, Rig, S3, Vendor, decoded};

const DAYS: u32 = 3;
const TIER: &str = "Standard";
/// Longer than any Standard restore takes (OSS DeepColdArchive: 48 h), shorter than the copies last.
const NIGHT: Duration = Duration::from_hours(50);

/// A bucket that holds every class in every state, in several pages of keys.
fn config(vendor: Vendor, versions: bool) -> Config {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.versioning = if versions { Versioning::Enabled } else { Versioning::Off };
    let mut generate = Generate { count: 230, prefix: "many/".to_owned(), seed: 7, ..Generate::default() };
    for class in classes(vendor.dialect) {
        generate.classes.insert((*class).to_owned(), 1);
    }
    (generate.restoring, generate.restored) = (0.2, 0.2);
    if versions {
        (generate.versions_per_key, generate.deleted) = (Some(3), 0.1);
    }
    bucket.generate = Some(generate);
    for class in classes(vendor.dialect) {
        for (name, restore) in
            [("frozen", None), ("running", Some(Seeded::Running)), ("restored", Some(Seeded::Restored))]
        {
            if restore.is_some() && !is_cold(class) {
                continue;
            }
            bucket = bucket.with(object(&format!("by-class/{class}/{name}"), class, None, restore));
        }
    }
    // COS and S3: the access tier of Intelligent-Tiering decides, and only HEAD tells it.
    if vendor.dialect != Dialect::Oss {
        for access in [Access::Frequent, Access::ArchiveAccess, Access::DeepArchiveAccess] {
            bucket = bucket.with(object(
                &format!("tiering/{}", access.as_str()),
                "INTELLIGENT_TIERING",
                Some(access),
                None,
            ));
        }
    }
    crate::support::dated(Config::default().with_bucket(bucket))
}

fn object(key: &str, class: &str, access_tier: Option<Access>, restore: Option<Seeded>) -> ObjectConfig {
    ObjectConfig::new(key, class).current(VersionConfig {
        storage_class: Some(class.to_owned()),
        access_tier,
        restore,
        restore_tier: restore.map(|_| Tier::Standard),
        restore_days: restore.map(|_| 5),
        restore_ago: Some(Span(3600)),
        ..VersionConfig::default()
    })
}

fn classes(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Oss => &["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"],
        Dialect::Cos => &["STANDARD", "STANDARD_IA", "ARCHIVE", "DEEP_ARCHIVE"],
        Dialect::S3 => &["STANDARD", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
    }
}

fn is_cold(class: &str) -> bool {
    class.to_ascii_lowercase().contains("archive") || class == "GLACIER"
}

/// One run and what its report must hold.
struct Night<'r> {
    rig: &'r Rig,
    vendor: Vendor,
    objects: Vec<Expected>,
    asked: Asked,
}

impl Night<'_> {
    /// Runs the verb and compares every row with what the model tells of each object in `phase`.
    #[track_caller]
    fn matches(&self, args: &[&str], phase: impl Fn(&Expected) -> Phase) -> Vec<Told> {
        let url = self.vendor.url("");
        let days = DAYS.to_string();
        let mut line = match self.asked.verb {
            Verb::Scan => vec!["scan", &url],
            Verb::Restore => vec!["restore", &url, "--days", &days, "--tier", TIER, "--rate-limit", "100000"],
        };
        line.extend(["--storage-class", "any", "--report", "report.csv", "--page-size", "50"]);
        if self.asked.versions {
            line.push("--versions");
        }
        line.extend(args);
        self.rig.run(self.vendor, &line).expect(0);
        let rows: Vec<Told> =
            self.rig.rows("report.csv").iter().map(|row| model::read(row, self.vendor)).collect();
        let told: Vec<Told> =
            self.objects.iter().map(|o| model::told(self.vendor, o, phase(o), self.asked)).collect();
        for (row, told) in rows.iter().zip(&told) {
            assert_eq!(row, told, "{:?} {:?}", self.vendor, self.asked);
        }
        assert_eq!(rows.len(), told.len(), "{:?} {:?}", self.vendor, self.asked);
        told
    }
}

fn nights(vendor: Vendor, versions: bool) {
    let config = config(vendor, versions);
    let start = config.clock.start.expect("set above");
    let rig = Rig::new(config.clone());
    let scan = Asked { verb: Verb::Scan, head: false, days: DAYS, tier: TIER, versions };
    let objects = model::objects(&config, vendor, start, scan);
    assert!(objects.len() > 230, "the bucket holds several pages");
    let night = |asked| Night { rig: &rig, vendor, objects: objects.clone(), asked };

    // An audit tells what the listing tells, and sends nothing else.
    night(scan).matches(&[], |object| object.phase);
    let counts = rig.server.ledger().counts();
    assert_eq!((counts.head, counts.restore), (0, 0), "an audit lists and no more");
    night(Asked { head: true, ..scan }).matches(&["--head"], |object| object.phase);

    // The first night asks for what is archived, once each.
    let restore = Asked { verb: Verb::Restore, ..scan };
    let told = night(restore).matches(&[], |object| object.phase);
    let asked_for: BTreeSet<(Vec<u8>, String)> = told
        .iter()
        .filter(|row| row.action == "requested")
        .map(|row| (row.key.clone(), row.version_id.clone()))
        .collect();
    assert!(asked_for.len() > 20, "there was something to ask for");
    let posts = rig.server.ledger().restores();
    let posted: BTreeSet<(Vec<u8>, String)> = posts
        .iter()
        .map(|post| (post.key.to_vec(), if versions { post.version_id.to_string() } else { String::new() }))
        .collect();
    assert_eq!(posted, asked_for, "exactly the archived objects were asked for");
    assert_eq!(posts.len(), asked_for.len(), "each of them once");

    // At once again: all of them run, nothing is sent.
    let running = Mark { tier: Tier::Standard, days: DAYS, asked: 0, ready: i64::MAX, expires: None };
    night(restore).matches(&[], |object| {
        let version = if versions { object.version_id.clone() } else { String::new() };
        if asked_for.contains(&(object.key.clone(), version)) {
            Phase::Running(running)
        } else {
            object.phase
        }
    });
    assert_eq!(rig.server.ledger().restores().len(), asked_for.len(), "no second request");

    // A later night: what was asked for is readable, and the report says until when.
    rig.server.clock().advance(NIGHT);
    let state = rig.server.state();
    let now = state.now.as_second();
    let marks: BTreeMap<(Vec<u8>, u32), Mark> = state.buckets[vendor.bucket]
        .iter()
        .map(|changed| ((decoded(&changed.key), changed.ordinal), changed.mark))
        .collect();
    assert_eq!(marks.len(), asked_for.len());
    let ordinals = ordinals(&config, vendor, start);
    let later = |object: &Expected| {
        let ordinal = ordinals[&(object.key.clone(), object.version_id.clone())];
        match (marks.get(&(object.key.clone(), ordinal)), object.phase) {
            (Some(mark), _) => mark.phase(now),
            (None, Phase::Frozen) => Phase::Frozen,
            (None, Phase::Running(mark) | Phase::Ready(mark) | Phase::Lapsed(mark) | Phase::Online(mark)) => {
                mark.phase(now)
            }
        }
    };
    let told = night(Asked { head: true, ..scan }).matches(&["--head"], later);
    let restored = told.iter().filter(|row| row.state == "restored" && row.expires_at.is_some()).count();
    assert!(restored >= asked_for.len() / 2, "what was asked for is readable now");
    night(restore).matches(&[], later);
}

/// Which version of its key each one is, 0 for the newest, delete markers counted.
fn ordinals(config: &Config, vendor: Vendor, start: Timestamp) -> BTreeMap<(Vec<u8>, String), u32> {
    let mut ordinals = BTreeMap::new();
    let mut last: Option<(Vec<u8>, u32)> = None;
    for version in config.expected_at(vendor.bucket, start).expect("the seed is sound") {
        let ordinal = match &last {
            Some((key, before)) if *key == version.key => before + 1,
            _ => 0,
        };
        last = Some((version.key.clone(), ordinal));
        ordinals.insert((version.key, version.version_id), ordinal);
    }
    ordinals
}

#[test]
fn oss_current() {
    nights(OSS, false);
}

#[test]
fn oss_versions() {
    nights(OSS, true);
}

#[test]
fn cos_current() {
    nights(COS, false);
}

#[test]
fn cos_versions() {
    nights(COS, true);
}

#[test]
fn s3_current() {
    nights(S3, false);
}

#[test]
fn s3_versions() {
    nights(S3, true);
}
