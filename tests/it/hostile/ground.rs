//! One store with one bucket, worked on by the pipeline within this process: no backoff is waited
//! for, and the patience with the server can be short.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use defrost::job::{self, Overrides, Verb};
use defrost::model::{Clock, Event, Provider, RequestCounts, SystemClock};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{self, Options, RunError, Stop};
use defrost::sim::{
    Access, Call, Config, Credential, Dialect, Generate, ObjectConfig, Seeded, Server, VersionConfig,
    Versioning,
};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::support::{ACCESS_KEY, Row, SECRET_KEY, Vendor, rows};

/// Objects (or versions) below the prefix; five on a page.
pub(crate) const OBJECTS: usize = 12;
const PAGE: &str = "5";
/// Attempts for a request.
pub(crate) const ATTEMPTS: u32 = 3;

/// As long as no test waits.
pub(crate) const PATIENT: Patience = Patience {
    connect: Duration::from_mins(1),
    silence: Duration::from_mins(1),
    whole: Duration::from_mins(1),
};
/// For servers that never come to an end.
pub(crate) const IMPATIENT: Patience = Patience {
    connect: Duration::from_mins(1),
    // A busy machine must not be taken for a silent server.
    silence: Duration::from_secs(2),
    whole: Duration::from_secs(3),
};

/// A clock on which every pause is over at once; it remembers the longest.
#[derive(Debug)]
pub(crate) struct Hasty {
    real: SystemClock,
    slept_ms: AtomicU64,
    longest_ms: AtomicU64,
}

impl Hasty {
    pub(crate) fn new() -> Self {
        Self { real: SystemClock::new(), slept_ms: AtomicU64::new(0), longest_ms: AtomicU64::new(0) }
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.longest_ms.load(Ordering::Relaxed))
    }
}

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        self.real.now()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let span = u64::try_from(span.as_millis()).unwrap() + 1;
        self.slept_ms.fetch_add(span, Ordering::Relaxed);
        self.longest_ms.fetch_max(span, Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic() + Duration::from_millis(self.slept_ms.load(Ordering::Relaxed))
    }
}

/// The bucket in which `call` is needed. Keys stand on both sides of the prefix.
pub(crate) fn config(vendor: Vendor, call: Call) -> Config {
    let mut bucket = vendor.bucket();
    let mut object = |key: &str| {
        let mut object = ObjectConfig::new(key, vendor.cold);
        match (vendor.scheme, call) {
            // Only HEAD tells the tier.
            ("s3", Call::Head) => {
                object.current.storage_class = Some("INTELLIGENT_TIERING".to_owned());
                object.current.access_tier = Some(Access::ArchiveAccess);
            }
            // The listing hides that there is a copy, its life is extended, and only HEAD tells until when.
            ("oss", Call::Head) => {
                let kept = VersionConfig {
                    restore: Some(Seeded::Restored),
                    restore_days: Some(5),
                    ..object.current.clone()
                };
                object.current = kept;
            }
            _ => {}
        }
        bucket.objects.push(object);
    };
    if call == Call::Versions {
        bucket.versioning = Versioning::Enabled;
        bucket.generate = Some(Generate {
            count: OBJECTS as u64 / 2,
            prefix: "p/".to_owned(),
            versions_per_key: Some(2),
            classes: [(vendor.cold.to_owned(), 1)].into(),
            ..Generate::default()
        });
    } else {
        (0..OBJECTS).for_each(|n| object(&format!("p/{n:02}")));
    }
    object("o/before");
    object("q/behind");
    bucket.quirks.hide_restore = vendor.scheme == "oss" && call == Call::Head;
    let mut config = Config::default().with_bucket(bucket);
    config.credentials.push(Credential::new(ACCESS_KEY, SECRET_KEY));
    config.clock.start = Some(start());
    config
}

/// The hour at which every store of this process starts, so that their reports can be compared.
pub(crate) fn start() -> Timestamp {
    static START: OnceLock<Timestamp> = OnceLock::new();
    *START.get_or_init(|| Timestamp::from_second(SystemClock::new().now().as_second()).unwrap())
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) ended: Result<Verdict, RunError>,
    pub(crate) requests: RequestCounts,
    pub(crate) longest_pause: Duration,
}

/// A store with one bucket and a folder for reports.
pub(crate) struct Ground {
    pub(crate) vendor: Vendor,
    pub(crate) call: Call,
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
    pub(crate) patience: Patience,
    /// Where requests go, if not to the server.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) env: Environment,
    /// List requests in flight; of the others, one for each object.
    pub(crate) in_flight: u32,
    pub(crate) attempts: u32,
}

impl Ground {
    pub(crate) async fn new(vendor: Vendor, call: Call) -> Self {
        Self::of(vendor, call, config(vendor, call)).await
    }

    pub(crate) async fn of(vendor: Vendor, call: Call, config: Config) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(config, Arc::new(SystemClock::new()), any).await.unwrap();
        Self {
            vendor,
            call,
            server,
            folder: tempfile::tempdir().unwrap(),
            patience: PATIENT,
            endpoint: None,
            env: Environment::new([], None),
            in_flight: 1,
            attempts: ATTEMPTS,
        }
    }

    fn verb(&self) -> Verb {
        match (self.call, self.vendor.scheme) {
            (Call::Restore, _) | (Call::Head, "oss") => Verb::Restore,
            _ => Verb::Scan,
        }
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.folder.path().join("r.csv")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.folder.path().join("r.csv.partial")
    }

    /// A client that goes where this ground's runs go.
    pub(crate) fn client(&self, clock: Arc<dyn Clock>) -> Client {
        let lane = |in_flight| Allowance { in_flight, rate: 100_000 };
        let objects = u32::try_from(OBJECTS).unwrap();
        let keys = Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            session_token: None,
        };
        let settings = Settings {
            endpoint: self.endpoint.clone().unwrap_or_else(|| Endpoint {
                https: false,
                host: self.server.addr().to_string(),
                style: Style::Path,
                bucket: self.vendor.bucket.to_owned(),
                region: self.vendor.region.to_owned(),
            }),
            env: self.env.clone(),
            credentials: CredentialSource::fixed(keys),
            list: lane(self.in_flight),
            head: lane(objects),
            restore: lane(objects),
            max_attempts: self.attempts,
            patience: self.patience,
        };
        let provider = match self.vendor.dialect {
            Dialect::Oss => Provider::Oss,
            Dialect::Cos => Provider::Cos,
            Dialect::S3 => Provider::S3,
        };
        let dialect = for_provider(provider, DialectOptions::default());
        Client::new(dialect, settings, clock, Arc::new(|_: Event| ())).unwrap()
    }

    /// Works the bucket through; goes on with a run that was broken off.
    pub(crate) async fn run(&self) -> Told {
        let text = |path: PathBuf| Some(path.to_str().unwrap().to_owned());
        let over = Overrides {
            days: (self.verb() == Verb::Restore).then(|| "3".to_owned()),
            report: text(self.report()),
            state_dir: text(self.folder.path().join("state")),
            page_size: Some(PAGE.to_owned()),
            storage_class: vec!["any".to_owned()],
            versions: (self.call == Call::Versions).then(|| "all".to_owned()),
            head: (self.call == Call::Head && self.verb() == Verb::Scan).then_some(true),
            list_concurrency: Some(self.in_flight.to_string()),
            concurrency: Some(OBJECTS.to_string()),
            ..Overrides::default()
        };
        let job =
            job::from_url(self.verb(), &self.vendor.url("p/"), &over, &defrost::job::Env::new()).unwrap();
        let clock = Arc::new(Hasty::new());
        let dyn_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let client = self.client(Arc::clone(&dyn_clock));
        let client = Arc::new(client);
        let options = Options { report: self.report(), ..Options::default() };
        let stop = Stop::new();
        let run = pipeline::run(&job, Arc::clone(&client), dyn_clock, &|_: Event| (), &stop, options);
        let ended = run.await.map(|ended| ended.verdict.unwrap());
        let requests = defrost::store::Store::requests(&*client);
        Told { ended, requests, longest_pause: clock.longest() }
    }

    /// The finished report.
    #[track_caller]
    pub(crate) fn rows(&self) -> Vec<Row> {
        rows(&self.report())
    }

    /// The finished report without what differs from run to run.
    #[track_caller]
    pub(crate) fn compared(&self) -> Vec<Row> {
        const OWN: [&str; 3] = ["request_id", "checked_at", "attempts"];
        let own = |row: Row| row.into_iter().filter(|(name, _)| !OWN.contains(&name.as_str())).collect();
        self.rows().into_iter().map(own).collect()
    }

    /// No object was asked for again after the store had said yes.
    #[track_caller]
    pub(crate) fn paid_once(&self) {
        let mut taken: BTreeMap<(Box<[u8]>, Box<str>), u32> = BTreeMap::new();
        for post in self.server.ledger().restores() {
            // 200 is also what is said on purpose in the store's stead.
            if post.status == 202 || (post.status == 200 && self.call == Call::Head) {
                *taken.entry((post.key, post.version_id)).or_default() += 1;
            }
        }
        assert!(taken.values().all(|count| *count == 1), "paid more than once: {taken:?}");
    }
}

/// What a calm run reports.
pub(crate) async fn calm(vendor: Vendor, call: Call) -> Arc<Vec<Row>> {
    let ground = Ground::new(vendor, call).await;
    let told = ground.run().await;
    assert_eq!(told.ended.unwrap(), Verdict::Complete);
    assert_eq!(told.requests.retries, 0);
    let rows = ground.compared();
    assert_eq!(rows.len(), OBJECTS);
    Arc::new(rows)
}
