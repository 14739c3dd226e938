//! Nights of one job in the simulator's clock: the pipeline and the client as the program puts them
//! together, with the job's fields at hand.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use defrost::job::{self, Job, Overrides, Prices, Verb};
use defrost::model::{Clock, Event, Phase, Provider, SystemClock};
use defrost::pipeline::{self, Ended, Options, RunError, Stop};
use defrost::sim::{AuthClock, Config, Credential, Dialect, Server, SimClock};
use defrost::store::Call;
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::support::{ACCESS_KEY, Row, SECRET_KEY, Vendor, rows};
use crate::wrapped::{Around, Wrapped};

/// The simulator's hour. Pauses stay real.
#[derive(Debug)]
struct Hour {
    clock: Arc<SimClock>,
    /// Whether hours that are waited for are skipped, as in a rehearsal.
    skips: bool,
}

/// How often a clock that runs fast is looked at by who waits.
const LOOK: Duration = Duration::from_millis(20);

impl Clock for Hour {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        if self.skips && self.now() < at {
            self.clock.set(at);
        }
        Box::pin(async move {
            while self.now() < at {
                self.sleep(LOOK).await;
            }
        })
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

/// What requests take by the store's own clock, however fast the machine is; by default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps {
    pub(crate) list: Duration,
    pub(crate) restore: Duration,
}

/// A store whose clock moves on with each request.
struct Paced {
    clock: Arc<SimClock>,
    steps: Steps,
}

impl Around for Paced {
    fn after(&self, call: Call) {
        match call {
            Call::List => self.clock.advance(self.steps.list),
            Call::Restore => self.clock.advance(self.steps.restore),
            Call::Head | Call::Release => {}
        }
    }
}

/// A store, its clock, and the folder of a job.
pub(crate) struct Nights {
    pub(crate) vendor: Vendor,
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
    pub(crate) steps: Steps,
    /// Whether hours that are waited for are skipped; by default they are.
    pub(crate) skips: bool,
    config: Config,
}

impl Nights {
    pub(crate) async fn new(vendor: Vendor, mut config: Config) -> Self {
        config.credentials.push(Credential::new(ACCESS_KEY, SECRET_KEY));
        config.auth = AuthClock::Store;
        let server = Self::serve(&config).await;
        Self {
            vendor,
            server,
            folder: tempfile::tempdir().unwrap(),
            steps: Steps::default(),
            skips: true,
            config,
        }
    }

    async fn serve(config: &Config) -> Server {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Server::start(config.clone(), Arc::new(SystemClock::new()), any).await.unwrap()
    }

    /// The same store in another shape, which remembers what it was asked.
    pub(crate) async fn reshape(&mut self, shape: impl FnOnce(&mut Config)) {
        shape(&mut self.config);
        let state = self.server.state();
        self.server = Self::serve(&self.config.clone().with_state(Some(state))).await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.server.clock().now()
    }

    /// The restore of the prefix `p/`, to be shaped further.
    pub(crate) fn job(&self, days: u32) -> Job {
        let text = |path: PathBuf| Some(path.to_str().unwrap().to_owned());
        let over = Overrides {
            days: Some(days.to_string()),
            report: text(self.folder.path().join("r.csv")),
            state_dir: text(self.folder.path().join("state")),
            concurrency: Some("64".to_owned()),
            restore_rate: Some("100000".to_owned()),
            list_rate: Some("100000".to_owned()),
            head_rate: Some("100000".to_owned()),
            ..Overrides::default()
        };
        job::from_url(Verb::Restore, &self.vendor.url("p/"), &over, &defrost::job::Env::new()).unwrap()
    }

    /// Runs `job`, goes on with it if it was broken off.
    pub(crate) async fn run(&self, job: &Job) -> Result<Ended, RunError> {
        self.run_with(job, Arc::default(), &Stop::new()).await.0
    }

    /// The same, stopped by `stop`; and the moments until which it waited for its window.
    pub(crate) async fn run_with(
        &self,
        job: &Job,
        prices: Arc<Prices>,
        stop: &Stop,
    ) -> (Result<Ended, RunError>, Vec<Timestamp>) {
        let lane = |in_flight| Allowance { in_flight, rate: 100_000 };
        let settings = Settings {
            endpoint: Endpoint {
                https: false,
                host: self.server.addr().to_string(),
                style: Style::Path,
                bucket: self.vendor.bucket.to_owned(),
                region: self.vendor.region.to_owned(),
            },
            env: Environment::new([], None),
            credentials: CredentialSource::fixed(Credentials {
                access_key_id: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.to_owned(),
                session_token: None,
            }),
            list: lane(8),
            head: lane(64),
            restore: lane(64),
            max_attempts: 50,
            patience: Patience::default(),
        };
        let provider = match self.vendor.dialect {
            Dialect::Oss => Provider::Oss,
            Dialect::Cos => Provider::Cos,
            Dialect::S3 => Provider::S3,
        };
        let clock: Arc<dyn Clock> =
            Arc::new(Hour { clock: Arc::clone(self.server.clock()), skips: self.skips });
        let dialect = for_provider(provider, DialectOptions::default());
        let client = Client::new(dialect, settings, Arc::clone(&clock), Arc::new(|_: Event| ())).unwrap();
        let around = Paced { clock: Arc::clone(self.server.clock()), steps: self.steps };
        let store = Wrapped { client, around };
        let options = Options { report: self.folder.path().join("r.csv"), prices, ..Options::default() };
        let waits = Mutex::new(Vec::new());
        let tell = |event: Event| {
            if let Event::Phase(Phase::Waiting(until)) = event {
                waits.lock().unwrap().push(until);
            }
        };
        let ended = pipeline::run(job, Arc::new(store), clock, &tell, stop, options).await;
        (ended, waits.into_inner().unwrap())
    }

    /// The finished report.
    pub(crate) fn rows(&self) -> Vec<Row> {
        rows(&self.folder.path().join("r.csv"))
    }

    /// What the store took, by hour.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let restores = self.server.ledger().restores();
        let taken = restores.into_iter().filter(|post| matches!(post.status, 200 | 202));
        taken
            .map(|post| Taken { key: post.key.into(), at: post.at, days: post.days, status: post.status })
            .collect()
    }
}

/// A restore that the store took.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) key: Vec<u8>,
    pub(crate) at: Timestamp,
    pub(crate) days: Option<u32>,
    pub(crate) status: u16,
}
