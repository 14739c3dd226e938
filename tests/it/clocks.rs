//! Runs with clocks other than the machine's: one that stands still, so that reports can be compared
//! to the byte, and one that jumps back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use defrost::job::{self, Overrides, Verb};
use defrost::model::{Clock, Event, SystemClock};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{self, Options, Stop};
use defrost::sim::{Config, Generate, Shape};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::{Builder, Runtime};

use crate::support::{ACCESS_KEY, Rig, SECRET_KEY, VENDORS, Vendor};

/// A clock on which it is always the same hour.
#[derive(Debug)]
struct Stopped(SystemClock);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        "2026-11-21T01:00:00Z".parse().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

/// A clock that somebody, or a bad time server, sets back by an hour again and again.
#[derive(Debug)]
struct Jumping {
    real: SystemClock,
    readings: AtomicI64,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let jumps = self.readings.fetch_add(1, Ordering::Relaxed) / 10;
        self.real.now() - SignedDuration::from_hours(jumps.min(2000))
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
}

/// A run against `rig`, in a folder of its own called `name`; what it wrote.
async fn report(
    rig: &Rig,
    vendor: Vendor,
    (verb, name): (Verb, &str),
    in_flight: u32,
    (own, run): (Arc<dyn Clock>, Arc<dyn Clock>),
) -> Vec<u8> {
    let folder = rig.path(name).display().to_string();
    std::fs::create_dir(&folder).unwrap();
    let over = Overrides {
        report: Some(format!("{folder}/r.csv")),
        state_dir: Some(format!("{folder}/state")),
        list_rate: Some("100000".to_owned()),
        list_concurrency: Some(in_flight.to_string()),
        page_size: Some("20".to_owned()),
        days: (verb == Verb::Restore).then(|| "2".to_owned()),
        restore_rate: Some("100000".to_owned()),
        ..Overrides::default()
    };
    let job = job::from_url(verb, &vendor.url(""), &over, &defrost::job::Env::new()).unwrap();
    let lane = Allowance { in_flight, rate: 100_000 };
    let keys = Credentials {
        access_key_id: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        session_token: None,
    };
    let settings = Settings {
        endpoint: Endpoint {
            https: false,
            host: rig.server.addr().to_string(),
            style: Style::Path,
            bucket: vendor.bucket.to_owned(),
            region: vendor.region.to_owned(),
        },
        env: Environment::new([], None),
        credentials: CredentialSource::fixed(keys),
        list: lane,
        head: lane,
        restore: lane,
        max_attempts: 5,
        patience: Patience::default(),
    };
    let dialect = for_provider(job.source.provider, DialectOptions::default());
    let client = Client::new(dialect, settings, own, Arc::new(|_: Event| ())).unwrap();
    let options = Options { report: job.report.file(&job.name, run.now()).unwrap(), ..Options::default() };
    let quiet = |_: Event| ();
    let ended = pipeline::run(&job, Arc::new(client), run, &quiet, &Stop::new(), options).await.unwrap();
    assert_eq!(ended.verdict, Some(Verdict::Complete));
    std::fs::read(format!("{folder}/r.csv")).unwrap()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn rig(vendor: Vendor, count: u64) -> Rig {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count,
        shape: Shape::Zipf,
        classes: [(vendor.cold.to_owned(), 3), (vendor.standard.to_owned(), 1)].into(),
        ..Generate::default()
    });
    Rig::new(Config::default().with_bucket(bucket))
}

fn real() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

#[test]
fn a_scan_is_the_same_to_the_byte_at_1_8_64_and_256_requests_in_flight() {
    let runtime = runtime();
    for vendor in VENDORS {
        let rig = rig(vendor, 4000);
        let scan = |in_flight: u32| {
            let stopped = Arc::new(Stopped(SystemClock::new()));
            let name = in_flight.to_string();
            runtime.block_on(report(&rig, vendor, (Verb::Scan, &name), in_flight, (real(), stopped)))
        };
        let one = scan(1);
        assert!(one.split(|byte| *byte == b'\n').count() > 2000, "{vendor:?}");
        for in_flight in [8, 64, 256] {
            assert!(scan(in_flight) == one, "{vendor:?} at {in_flight}");
        }
    }
}

/// The store's own time heals the signatures, and nothing in a run reckons with the wall clock.
#[test]
fn a_clock_that_jumps_back_spoils_nothing() {
    let runtime = runtime();
    for vendor in VENDORS {
        let rig = rig(vendor, 300);
        let jumping = || Arc::new(Jumping { real: SystemClock::new(), readings: AtomicI64::new(0) });
        let clock: Arc<dyn Clock> = jumping();
        let run = (Verb::Restore, "jumping");
        let text = runtime.block_on(report(&rig, vendor, run, 8, (Arc::clone(&clock), Arc::clone(&clock))));
        assert!(rig.server.started().duration_since(clock.now()) > SignedDuration::from_hours(3));
        let mut rows = csv::Reader::from_reader(text.as_slice());
        let action = rows.headers().unwrap().iter().position(|column| column == "action").unwrap();
        let requested = rows.records().filter(|row| &row.as_ref().unwrap()[action] == "requested").count();
        let restores = rig.server.ledger().restores();
        let taken: BTreeSet<_> =
            restores.iter().filter(|post| post.status < 300).map(|post| post.key.clone()).collect();
        assert!(requested > 200 && requested == taken.len(), "{vendor:?}: {requested} of {}", taken.len());
        assert_eq!(restores.iter().filter(|post| post.status < 300).count(), taken.len(), "{vendor:?}");
    }
}
