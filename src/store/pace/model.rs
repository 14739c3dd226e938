//! The pace against a model of a store that throttles, in virtual time, with the answers of all three
//! vendors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Allowance, Pace};
use crate::model::{Clock, Provider, SystemClock};
use crate::store::dialect::{Dialect, Options, Reply, for_provider};
use crate::store::retry::{self, Tries};
use crate::store::{Call, ErrorKind};

/// A token bucket behind a wire.
pub(super) struct Store {
    pub(super) clock: Arc<dyn Clock>,
    /// Requests a second that it takes, at so many seconds.
    rate: Box<dyn Fn(f64) -> f64 + Send + Sync>,
    /// Requests that it takes at once after a rest.
    burst: f64,
    /// The share that it refuses at any rate.
    whatever: f64,
    /// From question to answer.
    latency: Duration,
    /// How it says that it is too much: status, code.
    refusal: (u16, &'static str),
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    tokens: f64,
    filled_at: Duration,
    /// When each request came, and whether it was taken.
    came: Vec<(Duration, bool)>,
}

impl Store {
    /// One that refuses the share `whatever` at any rate, and else takes `rate` at so many seconds.
    pub(super) fn new(rate: impl Fn(f64) -> f64 + Send + Sync + 'static, burst: f64, whatever: f64) -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            rate: Box::new(rate),
            burst,
            whatever,
            latency: Duration::from_millis(40),
            refusal: (503, "SlowDown"),
            book: Mutex::new(Book { tokens: burst, ..Book::default() }),
        }
    }

    /// When each request came, and whether it was taken.
    pub(super) fn came(&self) -> Vec<(Duration, bool)> {
        std::mem::take(&mut self.book.lock().unwrap().came)
    }

    pub(super) async fn ask(&self) -> Reply {
        self.clock.sleep(self.latency / 2).await;
        let taken = {
            let now = self.clock.monotonic();
            let mut book = self.book.lock().unwrap();
            let since = now.saturating_sub(book.filled_at).as_secs_f64();
            let rate = (self.rate)(now.as_secs_f64());
            book.tokens = (book.tokens + since * rate).min(self.burst);
            book.filled_at = now;
            let taken = book.tokens >= 1.0 && drawn(book.came.len() as u64) >= self.whatever;
            book.tokens -= f64::from(u8::from(taken));
            book.came.push((now, taken));
            taken
        };
        self.clock.sleep(self.latency / 2).await;
        let (status, code) = if taken { (202, "") } else { self.refusal };
        let body = if taken || code.is_empty() {
            Vec::new()
        } else {
            format!("<Error><Code>{code}</Code><Message>less, please</Message></Error>").into_bytes()
        };
        Reply { status, headers: http::HeaderMap::new(), body }
    }
}

/// The `n`-th of some numbers of 0..1 that are drawn as if at random, the same in each run (`SplitMix64`).
pub(super) fn drawn(n: u64) -> f64 {
    let mut mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// What came of a run.
struct Ran {
    failed: u32,
    /// When each request came to the store, and whether it was taken.
    came: Vec<(Duration, bool)>,
    slow_downs: u64,
    lowest: u32,
}

impl Ran {
    /// Requests of the time from `from` to `to`, in seconds: how many were taken, how many not.
    fn between(&self, from: u64, to: u64) -> (f64, f64) {
        let span = Duration::from_secs(from)..Duration::from_secs(to);
        let within = self.came.iter().filter(|(at, _)| span.contains(at));
        let (taken, refused): (Vec<_>, Vec<_>) = within.copied().partition(|(_, taken)| *taken);
        (taken.len() as f64, refused.len() as f64)
    }
}

/// Asks `store` for so many objects as the client does: 32 at once, at a rate of 1,000.
async fn run(store: Arc<Store>, dialect: Box<dyn Dialect>, objects: u32, max_attempts: u32) -> Ran {
    let allowance = Allowance { in_flight: 32, rate: 1000 };
    let clock = Arc::clone(&store.clock);
    let pace = Arc::new(Pace::new(allowance, allowance, allowance, Arc::clone(&clock)));
    let dialect: Arc<dyn Dialect> = dialect.into();
    let failed = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..objects)
        .map(|number| {
            let (store, pace, dialect) = (Arc::clone(&store), Arc::clone(&pace), Arc::clone(&dialect));
            let (clock, failed) = (Arc::clone(&clock), Arc::clone(&failed));
            // Luck that is the same in each run.
            let luck = f64::from(number.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
            tokio::spawn(async move {
                let mut tries = Tries::new(pace.progress(Call::Restore));
                for attempt in 1.. {
                    let leave = pace.enter(Call::Restore).await;
                    let Err(refusal) = dialect.read_restore(&store.ask().await) else {
                        return pace.taken(Call::Restore, &leave);
                    };
                    assert_eq!(refusal.kind, ErrorKind::Throttled, "{refusal:?}");
                    pace.refused(Call::Restore, &leave);
                    drop(leave);
                    if !tries.again(refusal.kind, pace.progress(Call::Restore), max_attempts) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    clock.sleep(retry::pause(attempt, None, luck)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    Ran {
        failed: failed.load(Ordering::Relaxed),
        came: store.came(),
        slow_downs: pace.slow_downs(),
        lowest: pace.lowest_restore_rate().unwrap_or_default(),
    }
}

fn store(rate: f64, burst: f64, latency: u64, refusal: (u16, &'static str)) -> Arc<Store> {
    let latency = Duration::from_millis(latency);
    Arc::new(Store { latency, refusal, ..Store::new(move |_| rate, burst, 0.0) })
}

fn dialect(provider: Provider) -> Box<dyn Dialect> {
    for_provider(provider, Options::default())
}

/// What each vendor says to whom it is too much. Sources: OSS "HTTP status code 503" and "429 error",
/// COS "Error codes", S3 "Error responses" and botocore's list of throttling codes, read 2026-11.
const REFUSALS: [(Provider, u16, &str); 12] = [
    (Provider::Oss, 503, "TotalQpsLimitExceeded"),
    (Provider::Oss, 503, "PartitionQpsLimitted"),
    (Provider::Oss, 503, "ServiceUnavailable"),
    (Provider::Oss, 429, "QpsLimitExceeded"),
    (Provider::Oss, 503, ""),
    (Provider::Cos, 503, "SlowDown"),
    (Provider::Cos, 503, "ServiceUnavailable"),
    (Provider::Cos, 429, ""),
    (Provider::S3, 503, "SlowDown"),
    (Provider::S3, 400, "ThrottlingException"),
    (Provider::S3, 503, "ServiceUnavailable"),
    (Provider::S3, 429, ""),
];

#[tokio::test(start_paused = true)]
async fn a_store_that_takes_fifty_of_a_thousand_is_kept_busy_and_loses_nothing() {
    for (provider, status, code) in REFUSALS {
        // Two minutes of work.
        let ran = run(store(50.0, 50.0, 40, (status, code)), dialect(provider), 6_000, 8).await;
        let (taken, refused) = ran.between(20, 110);
        let share = refused / (taken + refused);
        assert_eq!(ran.failed, 0, "{provider} {status} {code}");
        assert!(taken / 90.0 >= 0.9 * 50.0, "{provider} {status} {code}: {} a second", taken / 90.0);
        assert!(share < 0.05, "{provider} {status} {code}: {share} refused");
        assert!((2..40).contains(&ran.slow_downs), "slowed down {} times", ran.slow_downs);
        assert!((25..50).contains(&ran.lowest), "down to {}", ran.lowest);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_it_bears_is_found() {
    let mut told = HashMap::new();
    for (rate, burst, latency) in [
        (5, 1.0, 20),
        (5, 5.0, 200),
        (20, 1.0, 100),
        (50, 1.0, 5),
        (50, 1.0, 200),
        (50, 200.0, 40),
        (300, 3.0, 20),
        (300, 300.0, 60),
        (700, 10.0, 10),
    ] {
        // Two minutes of work, and a little more.
        let (objects, rate) = (rate * 130, f64::from(rate));
        let ran =
            run(store(rate, burst, latency, (503, "SlowDown")), dialect(Provider::S3), objects, 8).await;
        let (taken, refused) = ran.between(30, 120);
        let (speed, share) = (taken / 90.0 / rate, refused / (taken + refused));
        told.insert(format!("{rate} {burst} {latency}"), (speed, share, ran.failed));
    }
    for (store, (speed, share, failed)) in told {
        assert_eq!(failed, 0, "{store}");
        assert!(speed >= 0.9, "{store}: {speed}");
        assert!(share < 0.05, "{store}: {share}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_everybody_fails_everybody() {
    let ran = run(store(0.0, 0.0, 20, (503, "SlowDown")), dialect(Provider::Cos), 20, 3).await;
    assert_eq!(ran.failed, 20);
    assert_eq!(ran.came.len(), 60, "three attempts each");
}

#[tokio::test(start_paused = true)]
async fn attempts_are_not_used_up_by_a_store_that_throttles() {
    // With two attempts each, as failures are counted, most of the first second would fail.
    let ran = run(store(50.0, 1.0, 40, (429, "QpsLimitExceeded")), dialect(Provider::Oss), 1_500, 2).await;
    assert_eq!(ran.failed, 0);
}
