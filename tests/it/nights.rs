//! One job, many nights: what a run does about every object that is frozen, running, readable or about
//! to lapse, against what the store itself knows. The run works by the store's clock, which the test
//! moves on from night to night.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use defrost::job::{Fit, Job, Overrides, Verb, Wish, from_url};
use defrost::model::{Clock, Event, Provider, RestoreMark, SystemClock, Tier};
use defrost::pipeline::{Options, Stop, run};
use defrost::sim::{
    Access, AuthClock, BucketConfig, Config, Credential, Dialect, Expected, ObjectConfig, Phase,
    RestoreRecord, Seeded, Server, Span, Tier as SimTier, VersionConfig, Versioning,
};
use defrost::store::Store as _;
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{ACCESS_KEY, COS, OSS, Row, S3, SECRET_KEY, Vendor, key_of, rows};

const DAY: Duration = Duration::from_hours(24);

/// A key and a version id, as a request names them.
type Name = (Vec<u8>, String);

/// A store and a job that comes back every night.
struct Nights {
    runtime: Runtime,
    server: Server,
    vendor: Vendor,
    job: Job,
    folder: TempDir,
}

/// What one night was.
struct Night {
    /// What the store held before it.
    before: BTreeMap<Name, Expected>,
    posts: Vec<RestoreRecord>,
    heads: u64,
    rows: BTreeMap<Name, Row>,
    at: Timestamp,
}

impl Night {
    fn posts_of(&self, name: &Name) -> Vec<&RestoreRecord> {
        self.posts.iter().filter(|post| *post.key == *name.0 && *post.version_id == *name.1).collect()
    }
}

impl Nights {
    fn new(vendor: Vendor, bucket: BucketConfig, wish: Wish) -> Self {
        let mut config = Config::default().with_bucket(bucket);
        config.clock.start = Some("2026-03-02T01:00:00Z".parse().unwrap());
        config.auth = AuthClock::Store;
        config.credentials.push(Credential::new(ACCESS_KEY, SECRET_KEY));
        let runtime = Runtime::new().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(Server::start(config, Arc::new(SystemClock::new()), any)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = |name: &str| Some(folder.path().join(name).to_str().unwrap().to_owned());
        let over = Overrides {
            days: Some("1".to_owned()),
            storage_class: vec!["any".to_owned()],
            versions: Some("all".to_owned()),
            report: text("r.csv"),
            state_dir: text("state"),
            restore_rate: Some("100000".to_owned()),
            ..Overrides::default()
        };
        let mut job = from_url(Verb::Restore, &vendor.url(""), &over, &|_| None).unwrap();
        job.wish = Some(wish);
        Self { runtime, server, vendor, job, folder }
    }

    fn wish(&mut self, change: impl FnOnce(&mut Wish)) {
        change(self.job.wish.as_mut().unwrap());
    }

    fn client(&self) -> Client {
        let lane = Allowance { in_flight: 16, rate: 100_000 };
        let settings = Settings {
            endpoint: Endpoint {
                https: false,
                host: self.server.addr().to_string(),
                style: Style::Path,
                bucket: self.vendor.bucket.to_owned(),
                region: self.vendor.region.to_owned(),
            },
            env: Environment::default(),
            credentials: CredentialSource::fixed(Credentials {
                access_key_id: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.to_owned(),
                session_token: None,
            }),
            list: lane,
            head: lane,
            restore: lane,
            max_attempts: 3,
            patience: Patience::default(),
        };
        let provider = Provider::from_scheme(self.vendor.scheme).unwrap();
        let dialect = for_provider(provider, DialectOptions::default());
        Client::new(dialect, settings, self.clock(), Arc::new(|_: Event| ())).unwrap()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.server.clock()) as Arc<dyn Clock>
    }

    fn objects(&self) -> BTreeMap<Name, Expected> {
        let all = self.server.objects(self.vendor.bucket).into_iter().filter(|object| !object.delete_marker);
        all.map(|object| ((object.key.clone(), object.version_id.clone()), object)).collect()
    }

    /// One run of the job, to its end.
    fn night(&self) -> Night {
        let ledger = self.server.ledger();
        ledger.reset();
        let (before, at) = (self.objects(), self.server.clock().now());
        let report = self.folder.path().join("r.csv");
        let client = Arc::new(self.client());
        let options = Options { report: report.clone(), ..Options::default() };
        let ended = self
            .runtime
            .block_on(run(&self.job, client, self.clock(), &|_: Event| (), &Stop::new(), options))
            .unwrap();
        assert!(ended.verdict.is_some(), "the run came to its end");
        let told = rows(&report).into_iter().map(|row| ((key_of(&row), row["version_id"].clone()), row));
        Night { before, posts: ledger.restores(), heads: ledger.counts().head, rows: told.collect(), at }
    }

    fn later(&self, span: Duration) {
        self.server.clock().advance(span);
    }

    /// What HEAD says of a version now.
    fn head(&self, (key, version): &Name) -> RestoreMark {
        let answered = self.runtime.block_on(self.client().head(key, version.as_bytes())).unwrap();
        answered.answer.restore
    }
}

/// Classes that need a restore, and access tiers of those whose objects have some.
fn cold(dialect: Dialect) -> &'static [(&'static str, Option<Access>)] {
    const TIERING: &str = "INTELLIGENT_TIERING";
    const ARCHIVE: Option<Access> = Some(Access::ArchiveAccess);
    const DEEP: Option<Access> = Some(Access::DeepArchiveAccess);
    match dialect {
        Dialect::Oss => &[("Archive", None), ("ColdArchive", None), ("DeepColdArchive", None)],
        Dialect::Cos => &[("ARCHIVE", None), ("DEEP_ARCHIVE", None), (TIERING, ARCHIVE), (TIERING, DEEP)],
        Dialect::S3 => &[("GLACIER", None), ("DEEP_ARCHIVE", None), (TIERING, ARCHIVE), (TIERING, DEEP)],
    }
}

fn version(class: &str, access_tier: Option<Access>) -> VersionConfig {
    VersionConfig { storage_class: Some(class.to_owned()), access_tier, ..VersionConfig::default() }
}

/// A restore that was asked for (or a copy that was there) `hours` before the first night.
fn seeded(from: VersionConfig, restore: Seeded, tier: SimTier, days: u32, hours: i64) -> VersionConfig {
    VersionConfig {
        restore: Some(restore),
        restore_tier: Some(tier),
        restore_days: Some(days),
        restore_ago: Some(Span(hours * 3600)),
        ..from
    }
}

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

fn wish() -> Wish {
    Wish {
        days: 5,
        tier: Tier::Standard,
        fit: Fit::Clamp,
        extend_when_left: Some(2 * DAY),
        ..Wish::default()
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

/// The keys that were asked for, with the tier and the answer.
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
    let table: [(Vendor, &[(&str, Option<SimTier>, u16)]); 3] = [
        // Archive has one speed.
        (OSS, &[("ColdArchive/-", EXPEDITED, 202), ("DeepColdArchive/-", EXPEDITED, 202)]),
        // Documented for DEEP_ARCHIVE alone, whose fastest tier is Standard.
        (COS, &[("DEEP_ARCHIVE/-", STANDARD, 202)]),
        (
            S3,
            &[
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
        // The wish becomes faster, and what runs follows, once.
        nights.wish(|wish| wish.tier = Tier::Standard);
        let raised = asked(&nights.night());
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
