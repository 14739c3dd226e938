//! With one and the same hour on the clock, a scan's report is the same to the byte, however many
//! requests are in flight.

use std::sync::Arc;
use std::time::Duration;

use defrost::job::{self, Overrides, Verb};
use defrost::model::{Clock, Event, SystemClock};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{self, Options, Stop};
use defrost::sim::{BucketConfig, Config, Generate, Shape, Versioning};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use jiff::Timestamp;

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

async fn report(rig: &Rig, vendor: Vendor, in_flight: u32) -> Vec<u8> {
    let folder = rig.path(&in_flight.to_string()).display().to_string();
    std::fs::create_dir(&folder).unwrap();
    let over = Overrides {
        report: Some(format!("{folder}/r.csv")),
        state_dir: Some(format!("{folder}/state")),
        list_rate: Some("100000".to_owned()),
        list_concurrency: Some(in_flight.to_string()),
        page_size: Some("20".to_owned()),
        versions: Some("all".to_owned()),
        ..Overrides::default()
    };
    let job = job::from_url(Verb::Scan, &vendor.url(""), &over, &|_| None).unwrap();
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
        max_attempts: 1,
        patience: Patience::default(),
    };
    let real: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let dialect = for_provider(job.source.provider, DialectOptions { request_payer: false });
    let client = Client::new(dialect, settings, real, Arc::new(|_: Event| ())).unwrap();
    let stopped: Arc<dyn Clock> = Arc::new(Stopped(SystemClock::new()));
    let options =
        Options { report: job.report.file(&job.name, stopped.now()).unwrap(), ..Options::default() };
    let quiet = |_: Event| ();
    let ended = pipeline::run(&job, Arc::new(client), stopped, &quiet, &Stop::new(), options).await.unwrap();
    assert_eq!(ended.verdict, Some(Verdict::Complete));
    std::fs::read(format!("{folder}/r.csv")).unwrap()
}

#[test]
fn a_scan_is_the_same_to_the_byte_at_1_8_64_and_256_requests_in_flight() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for vendor in VENDORS {
        let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
        bucket.region = Some(vendor.region.to_owned());
        bucket.versioning = Versioning::Enabled;
        bucket.generate = Some(Generate {
            count: 1500,
            shape: Shape::Zipf,
            classes: [(vendor.cold.to_owned(), 3), (vendor.standard.to_owned(), 1)].into(),
            versions_per_key: Some(3),
            ..Generate::default()
        });
        let rig = Rig::new(Config::default().with_bucket(bucket));
        let one = runtime.block_on(report(&rig, vendor, 1));
        assert!(one.split(|byte| *byte == b'\n').count() > 1500, "{vendor:?}");
        for in_flight in [8, 64, 256] {
            let many = runtime.block_on(report(&rig, vendor, in_flight));
            assert!(many == one, "{vendor:?} at {in_flight}");
        }
    }
}
