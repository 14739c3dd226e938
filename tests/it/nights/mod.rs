//! One job, many nights: a store, and a run in this process that works by the store's clock, which the
//! test moves on from night to night.

mod campaign;
mod tiers;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use defrost::job::{Fit, Job, Overrides, Verb, Wish, from_url};
use defrost::model::{Clock, Event, Provider, RestoreMark, SystemClock, Tier};
use defrost::pipeline::checkpoint::{CheckpointError, LockError};
use defrost::pipeline::{Ended, Options, RunError, Stop, run};
use defrost::sim::{
    Access, AuthClock, BucketConfig, Config, Credential, Dialect, Expected, RestoreRecord, Seeded, Server,
    Span, Tier as SimTier, VersionConfig,
};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use defrost::store::{Call, Store as _};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;

use crate::support::{ACCESS_KEY, Row, SECRET_KEY, Vendor, key_of, rows};
use crate::wrapped::{Around, Wrapped};

pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A key and a version id, as a request names them.
pub(crate) type Name = (Vec<u8>, String);

/// A store and a job that comes back every night.
pub(crate) struct Nights {
    runtime: Runtime,
    pub(crate) server: Server,
    pub(crate) vendor: Vendor,
    pub(crate) job: Job,
    folder: TempDir,
}

/// What one night was.
pub(crate) struct Night {
    /// What the store held before it.
    pub(crate) before: BTreeMap<Name, Expected>,
    pub(crate) posts: Vec<RestoreRecord>,
    pub(crate) heads: u64,
    pub(crate) rows: BTreeMap<Name, Row>,
    pub(crate) at: Timestamp,
}

impl Night {
    pub(crate) fn posts_of(&self, name: &Name) -> Vec<&RestoreRecord> {
        self.posts.iter().filter(|post| *post.key == *name.0 && *post.version_id == *name.1).collect()
    }
}

/// Nothing happens around calls.
struct Undisturbed;

impl Around for Undisturbed {}

/// Lets some restore requests through, keeps all others back, and asks the run to end when the last
/// of the former is answered: before it can look at what came of it.
struct BreakOff {
    through: Semaphore,
    answers: AtomicUsize,
    requests: usize,
    stop: Stop,
}

impl BreakOff {
    fn new(requests: usize, stop: Stop) -> Self {
        Self { through: Semaphore::new(requests), answers: AtomicUsize::new(0), requests, stop }
    }
}

impl Around for BreakOff {
    async fn before(&self, call: Call) {
        if call == Call::Restore {
            // Closed once the run has heard; from then on it is the client that turns requests away.
            if let Ok(permit) = self.through.acquire().await {
                permit.forget();
            }
        }
    }

    fn after(&self, call: Call) {
        if call == Call::Restore && self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.requests {
            self.stop.raise();
        }
    }

    fn halted(&self) {
        self.through.close();
    }
}

impl Nights {
    pub(crate) fn new(vendor: Vendor, bucket: BucketConfig, wish: Wish) -> Self {
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
        let mut job = from_url(Verb::Restore, &vendor.url(""), &over, &defrost::job::Env::new()).unwrap();
        job.wish = Some(wish);
        Self { runtime, server, vendor, job, folder }
    }

    pub(crate) fn wish(&mut self, change: impl FnOnce(&mut Wish)) {
        change(self.job.wish.as_mut().unwrap());
    }

    pub(crate) fn client(&self) -> Client {
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
        let archive_direct_read = self.job.source.archive_direct_read;
        let dialect =
            for_provider(provider, DialectOptions { archive_direct_read, ..DialectOptions::default() });
        Client::new(dialect, settings, self.clock(), Arc::new(|_: Event| ())).unwrap()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.server.clock()) as Arc<dyn Clock>
    }

    pub(crate) fn objects(&self) -> BTreeMap<Name, Expected> {
        let all = self.server.objects(self.vendor.bucket).into_iter().filter(|object| !object.delete_marker);
        all.map(|object| ((object.key.clone(), object.version_id.clone()), object)).collect()
    }

    /// One run of the job, to its end.
    pub(crate) fn night(&self) -> Night {
        let ledger = self.server.ledger();
        ledger.reset();
        let (before, at) = (self.objects(), self.server.clock().now());
        let ended = self.run(&|| Undisturbed, &Stop::new());
        assert!(ended.verdict.is_some(), "the run came to its end");
        let told = self.rows().into_iter().map(|row| ((key_of(&row), row["version_id"].clone()), row));
        Night { before, posts: ledger.restores(), heads: ledger.counts().head, rows: told.collect(), at }
    }

    /// How many objects a dry run of the job plans to ask for.
    pub(crate) fn planned(&mut self) -> usize {
        let real = self.job.clone();
        self.job.verb = Verb::Plan;
        self.job.name = real.name.replacen("restore-", "plan-", 1);
        self.job.state_dir = real.state_dir.with_file_name(&self.job.name);
        let night = self.night();
        assert_eq!(night.posts, []);
        self.job = real;
        night.rows.values().filter(|row| row["action"] == "planned").count()
    }

    /// A run that is asked to end when so many restore requests are answered: whether it was done by
    /// then, and what it sent.
    pub(crate) fn broken_off_after(&self, requests: usize) -> (bool, Vec<RestoreRecord>) {
        let ledger = self.server.ledger();
        ledger.reset();
        let stop = Stop::new();
        let breaks = || BreakOff::new(requests, stop.clone());
        let ended = self.run(&breaks, &stop);
        (ended.verdict.is_some(), ledger.restores())
    }

    fn run<A: Around + 'static>(&self, around: &dyn Fn() -> A, stop: &Stop) -> Ended {
        loop {
            let store = Arc::new(Wrapped { client: self.client(), around: around() });
            let options = Options { report: self.report(), ..Options::default() };
            let run = run(&self.job, store, self.clock(), &|_: Event| (), stop, options);
            match self.runtime.block_on(run) {
                // Another test starts a program at this moment: until that has begun, it holds all files
                // of this process open, and with them the lock of the run before this one.
                Err(RunError::Checkpoint(CheckpointError::Lock(LockError::Held { .. }))) => {}
                ended => return ended.unwrap(),
            }
        }
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("r.csv")
    }

    /// The rows of the report of the last run.
    pub(crate) fn rows(&self) -> Vec<Row> {
        rows(&self.report())
    }

    pub(crate) fn later(&self, span: Duration) {
        self.server.clock().advance(span);
    }

    /// What HEAD says of a version now.
    pub(crate) fn head(&self, (key, version): &Name) -> RestoreMark {
        let answered = self.runtime.block_on(self.client().head(key, version.as_bytes())).unwrap();
        answered.answer.restore
    }
}

/// Classes that need a restore, and access tiers of those whose objects have some.
pub(crate) fn cold(dialect: Dialect) -> &'static [(&'static str, Option<Access>)] {
    const TIERING: &str = "INTELLIGENT_TIERING";
    const ARCHIVE: Option<Access> = Some(Access::ArchiveAccess);
    const DEEP: Option<Access> = Some(Access::DeepArchiveAccess);
    match dialect {
        Dialect::Oss => &[("Archive", None), ("ColdArchive", None), ("DeepColdArchive", None)],
        Dialect::Cos => &[("ARCHIVE", None), ("DEEP_ARCHIVE", None), (TIERING, ARCHIVE), (TIERING, DEEP)],
        Dialect::S3 => &[("GLACIER", None), ("DEEP_ARCHIVE", None), (TIERING, ARCHIVE), (TIERING, DEEP)],
    }
}

pub(crate) fn version(class: &str, access_tier: Option<Access>) -> VersionConfig {
    VersionConfig { storage_class: Some(class.to_owned()), access_tier, ..VersionConfig::default() }
}

/// A restore that was asked for (or a copy that was there) `hours` before the first night.
pub(crate) fn seeded(
    from: VersionConfig,
    restore: Seeded,
    tier: SimTier,
    days: u32,
    hours: i64,
) -> VersionConfig {
    VersionConfig {
        restore: Some(restore),
        restore_tier: Some(tier),
        restore_days: Some(days),
        restore_ago: Some(Span(hours * 3600)),
        ..from
    }
}

pub(crate) fn wish() -> Wish {
    Wish {
        days: 5,
        tier: Tier::Standard,
        fit: Fit::Clamp,
        extend_when_left: Some(2 * DAY),
        ..Wish::default()
    }
}
