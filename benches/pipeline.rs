//! Simulator → CSV over loopback, in keys a second; restore POSTs a second; and listing under
//! latency, against page after page and against the ideal.
//!
//! Client and simulator share the machine's cores, so the figures are a floor for the client. What
//! compares between machines is the ratio: the whole pipeline against listing alone, in one run.
//!
//! `cargo bench --bench pipeline [-- KEYS]`; `DEFROST_BENCH_SHORT=1` for a run that only shows that
//! the bench works.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the machine's clock")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use defrost::job::{self, Job, Overrides, Verb};
use defrost::model::{Clock, Event, Position, SystemClock};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{self, Options, Stop};
use defrost::sim::{BucketConfig, Config, Credential, Dialect, Generate, Server, Shape};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use defrost::store::{ListApi, Listing, Store};

/// Keys of the bucket, unless told otherwise.
const KEYS: u64 = 300_000;
/// Restore POSTs of one round.
const POSTS: u64 = 20_000;
/// Rounds; the median is told.
const ROUNDS: usize = 5;
/// A rate that never holds anything back.
const UNBOUNDED: u32 = 100_000;

fn main() {
    let short = std::env::var_os("DEFROST_BENCH_SHORT").is_some();
    let keys = std::env::args().filter_map(|arg| arg.parse().ok()).find(|&n| n > 0);
    let (keys, posts, rounds) =
        if short { (20_000, 2_000, 1) } else { (keys.unwrap_or(KEYS), POSTS, ROUNDS) };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");

    println!("{keys} keys, pages of 1000, median of {rounds} rounds");
    println!("{:<10} {:>14} {:>14} {:>8}", "dialect", "list keys/s", "to CSV keys/s", "ratio");
    for (dialect, url) in
        [(Dialect::S3, "s3://bench"), (Dialect::Oss, "oss://bench"), (Dialect::Cos, "cos://bench-1250000000")]
    {
        let bench = runtime.block_on(Bench::start(dialect, keys, url, folder.path()));
        let mut list = Vec::new();
        let mut scan = Vec::new();
        for round in 0..rounds {
            list.push(runtime.block_on(bench.list()));
            scan.push(runtime.block_on(bench.run(Verb::Scan, &format!("{round}"))));
        }
        let (list, scan) = (rate(keys, list), rate(keys, scan));
        println!("{:<10} {list:>14.0} {scan:>14.0} {:>8.2}", format!("{dialect:?}"), scan / list);
    }

    println!("\n{posts} restore POSTs, 256 in flight, median of {rounds} rounds");
    println!("{:<10} {:>14}", "dialect", "POSTs/s");
    for (dialect, url) in [(Dialect::S3, "s3://bench"), (Dialect::Oss, "oss://bench")] {
        let mut times = Vec::new();
        for round in 0..rounds {
            let bench = runtime.block_on(Bench::start(dialect, posts, url, folder.path()));
            times.push(runtime.block_on(bench.run(Verb::Restore, &format!("{round}"))));
        }
        println!("{:<10} {:>14.0}", format!("{dialect:?}"), rate(posts, times));
    }

    under_latency(&runtime, folder.path(), if short { 50_000 } else { 1_000_000 });
}

/// How long a page takes in the listing under latency.
const LATENCY: Duration = Duration::from_millis(50);

/// Scans of a bucket whose pages take [`LATENCY`], first without hints, then with those that the
/// first left. Sequential is computed: pages × latency. Ideal is that over the requests in flight.
fn under_latency(runtime: &tokio::runtime::Runtime, folder: &Path, keys: u64) {
    println!("\n{keys} keys, {} ms a page, scan to CSV", LATENCY.as_millis());
    println!(
        "{:<12} {:>9} {:>8} {:>9} {:>9} {:>10} {:>12}",
        "keys", "in flight", "hints", "seconds", "speed-up", "of ideal", "requests"
    );
    for shape in [Shape::Uuid, Shape::Sequential, Shape::Dated, Shape::Zipf] {
        for in_flight in [8, 64, 256] {
            for hints in ["none", "last run"] {
                let bench = runtime.block_on(Bench::over(Dialect::S3, keys, "s3://bench", folder, shape));
                let name = format!("{shape:?}-{in_flight}");
                let took = runtime.block_on(bench.scan(&name, in_flight));
                let pages = keys.div_ceil(1000);
                let sequential = LATENCY.as_secs_f64() * pages as f64;
                let speed_up = sequential / took.as_secs_f64();
                let requests = bench.server.ledger().counts().list as f64 / pages as f64;
                println!(
                    "{:<12} {in_flight:>9} {hints:>8} {:>9.2} {speed_up:>8.1}x {:>9.0}% {requests:>11.2}x",
                    format!("{shape:?}"),
                    took.as_secs_f64(),
                    100.0 * speed_up / f64::from(in_flight),
                );
            }
        }
    }
}

fn rate(count: u64, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let count = count as f64;
    count / times[times.len() / 2].as_secs_f64()
}

/// A simulator with one bucket, and where its reports go.
struct Bench<'f> {
    server: Server,
    url: &'static str,
    dialect: Dialect,
    folder: &'f Path,
}

impl<'f> Bench<'f> {
    async fn start(dialect: Dialect, count: u64, url: &'static str, folder: &'f Path) -> Self {
        Self::serve(dialect, count, url, folder, Shape::Sequential, Duration::ZERO).await
    }

    async fn over(dialect: Dialect, count: u64, url: &'static str, folder: &'f Path, shape: Shape) -> Self {
        Self::serve(dialect, count, url, folder, shape, LATENCY).await
    }

    async fn serve(
        dialect: Dialect,
        count: u64,
        url: &'static str,
        folder: &'f Path,
        shape: Shape,
        latency: Duration,
    ) -> Self {
        let name = url.split("://").nth(1).expect("a bucket");
        let mut bucket = BucketConfig::new(dialect, name);
        let cold = if dialect == Dialect::S3 { "GLACIER" } else { "ColdArchive" };
        let cold = if dialect == Dialect::Cos { "ARCHIVE" } else { cold };
        bucket.generate =
            Some(Generate { count, shape, classes: [(cold.to_owned(), 1)].into(), ..Generate::default() });
        bucket.quirks.latency.list = u64::try_from(latency.as_millis()).expect("short");
        let mut config = Config::default().with_bucket(bucket);
        config.credentials.push(Credential::new("id", "secret"));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = Server::start(config, Arc::new(SystemClock::new()), any).await.expect("it starts");
        Self { server, url, dialect, folder }
    }

    fn job(&self, verb: Verb, round: &str) -> Job {
        let name = |what: &str| format!("{}/{what}-{:?}-{round}", self.folder.display(), self.dialect);
        let over = Overrides {
            days: (verb == Verb::Restore).then(|| "1".to_owned()),
            report: Some(name("report") + ".csv"),
            state_dir: Some(name("state")),
            restore_rate: Some(UNBOUNDED.to_string()),
            list_rate: Some(UNBOUNDED.to_string()),
            ..Overrides::default()
        };
        job::from_url(verb, self.url, &over, &|_| None).expect("the job is sound")
    }

    fn client(&self, job: &Job) -> Arc<Client> {
        let lane = Allowance { in_flight: 256, rate: UNBOUNDED };
        let keys = Credentials {
            access_key_id: "id".to_owned(),
            secret_key: "secret".to_owned(),
            session_token: None,
        };
        let region = match self.dialect {
            Dialect::Oss => "cn-hangzhou",
            Dialect::Cos => "ap-guangzhou",
            Dialect::S3 => "us-east-1",
        };
        let settings = Settings {
            endpoint: Endpoint {
                https: false,
                host: self.server.addr().to_string(),
                style: Style::Path,
                bucket: job.source.bucket.clone(),
                region: region.to_owned(),
            },
            env: Environment::new([], None),
            credentials: CredentialSource::fixed(keys),
            list: lane,
            head: lane,
            restore: lane,
            max_attempts: 1,
            patience: Patience::default(),
        };
        let dialect = for_provider(job.source.provider, DialectOptions { request_payer: false });
        Arc::new(
            Client::new(dialect, settings, Arc::new(SystemClock::new()), Arc::new(|_: Event| ()))
                .expect("a client"),
        )
    }

    /// Lists the whole bucket, one page after the other, and drops the pages.
    async fn list(&self) -> Duration {
        let client = self.client(&self.job(Verb::Scan, "list"));
        let listing = Listing { prefix: Vec::new(), api: ListApi::V2, page_size: 1000 };
        let began = Instant::now();
        let mut at = Position::Start;
        loop {
            let page = client.list(&listing, &at).await.expect("a page").answer;
            match page.next() {
                Some(next) => at = next.clone(),
                None => return began.elapsed(),
            }
        }
    }

    /// A scan of the job `name` with so many list requests in flight.
    async fn scan(&self, name: &str, in_flight: u32) -> Duration {
        let mut job = self.job(Verb::Scan, name);
        job.limits.list_concurrency = in_flight;
        self.carry_out(job).await
    }

    /// A whole run, report and checkpoint included.
    async fn run(&self, verb: Verb, round: &str) -> Duration {
        self.carry_out(self.job(verb, round)).await
    }

    async fn carry_out(&self, job: Job) -> Duration {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let report = job.report.file(&job.name, clock.now()).expect("a file");
        let options = Options { fresh: true, report, ..Options::default() };
        let client = self.client(&job);
        let began = Instant::now();
        let ended =
            pipeline::run(&job, client, clock, &|_: Event| (), &Stop::new(), options).await.expect("it ends");
        assert!(
            ended.verdict == Some(Verdict::Complete) && ended.tally.matched.objects == ended.tally.listed
        );
        began.elapsed()
    }
}
