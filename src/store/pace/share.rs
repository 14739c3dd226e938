//! Stores that refuse a share of what they are asked, whatever the rate, alone and on top of a bound, and
//! bounds that move or are shared: in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::model::{Store, drawn};
use super::{Allowance, Pace};
use crate::model::Provider;
use crate::store::Call;
use crate::store::dialect::{Dialect, Options, for_provider};
use crate::store::retry;

/// A bound that no client comes to.
const NONE: f64 = 1e6;
/// Requests that a store with a bound takes at once after a rest.
const BURST: f64 = 10.0;
/// Requests of each client that are under way, wait for their turn, or for their next attempt.
const WORKERS: usize = 128;

/// What came of a run.
struct Ran {
    /// When each request came to the store, and whether it was taken.
    came: Vec<(Duration, bool)>,
    /// Requests that were taken, of each client.
    each: Vec<u64>,
    /// Of all clients together.
    slow_downs: u64,
}

/// What a store saw in some span of time.
#[derive(Debug)]
struct Seen {
    /// Requests a second.
    asked: f64,
    /// Of them those that it took.
    taken: f64,
    /// The share that it refused.
    refused: f64,
}

impl Ran {
    /// The time from `from` to `to`, in seconds.
    fn between(&self, from: u64, to: u64) -> Seen {
        let span = Duration::from_secs(from)..Duration::from_secs(to);
        let (mut asked, mut taken) = (0.0, 0.0);
        for (_, was_taken) in self.came.iter().filter(|(at, _)| span.contains(at)) {
            asked += 1.0;
            taken += f64::from(u8::from(*was_taken));
        }
        let seconds = (to - from) as f64;
        Seen { asked: asked / seconds, taken: taken / seconds, refused: 1.0 - taken / f64::max(asked, 1.0) }
    }
}

/// Asks `store` for `seconds` as so many `clients` do that have no end of objects, each at `rate` at most.
async fn run(store: Store, rate: u32, clients: usize, seconds: u64) -> Ran {
    let (store, end) = (Arc::new(store), Duration::from_secs(seconds));
    let allowance = Allowance { in_flight: 64, rate };
    let pace = |_| Arc::new(Pace::new(allowance, allowance, allowance, Arc::clone(&store.clock)));
    let paces: Vec<Arc<Pace>> = (0..clients).map(pace).collect();
    let each: Arc<Vec<AtomicU64>> = Arc::new((0..clients).map(|_| AtomicU64::new(0)).collect());
    let dialect: Arc<dyn Dialect> = for_provider(Provider::S3, Options::default()).into();
    let worker = |number: usize| {
        let client = number % clients;
        let (store, dialect) = (Arc::clone(&store), Arc::clone(&dialect));
        let (pace, each) = (Arc::clone(&paces[client]), Arc::clone(&each));
        tokio::spawn(async move {
            let (mut attempt, mut luck) = (0, (number as u64) << 32);
            while store.clock.monotonic() < end {
                let leave = pace.enter(Call::Restore).await;
                if dialect.read_restore(&store.ask().await).is_ok() {
                    pace.taken(Call::Restore, &leave);
                    each[client].fetch_add(1, Ordering::Relaxed);
                    attempt = 0;
                } else {
                    pace.refused(Call::Restore, &leave);
                    drop(leave);
                    (attempt, luck) = (attempt + 1, luck + 1);
                    store.clock.sleep(retry::pause(attempt, None, drawn(luck))).await;
                }
            }
        })
    };
    let workers: Vec<_> = (0..clients * WORKERS).map(worker).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    Ran {
        came: store.came(),
        each: each.iter().map(|taken| taken.load(Ordering::Relaxed)).collect(),
        slow_downs: paces.iter().map(|pace| pace.slow_downs()).sum(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_share_that_no_rate_lowers_leaves_the_rate_as_it_is() {
    for (share, rate) in [(0.02, 1000), (0.01, 300), (0.02, 80), (0.02, 20)] {
        let ran = run(Store::new(|_| NONE, NONE, share), rate, 1, 600).await;
        let told = format!("{share} at {rate}, {} steps down", ran.slow_downs);
        let seen = ran.between(0, 600);
        assert!((seen.refused / share - 1.0).abs() < 0.2, "{told}: {seen:?}");
        assert!(seen.asked >= 0.95 * f64::from(rate), "{told}: {seen:?}");
        for minute in 0..10 {
            let seen = ran.between(60 * minute, 60 * (minute + 1));
            assert!(seen.asked >= 0.9 * f64::from(rate), "{told}, minute {minute}: {seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_share_is_obeyed_whether_the_rate_lowers_it_or_not() {
    // At most so many requests a second in the second half of ten minutes.
    for (share, most) in [(0.05, 150.0), (0.1, 20.0), (0.5, 2.0), (0.95, 2.0)] {
        let ran = run(Store::new(|_| NONE, NONE, share), 1000, 1, 600).await;
        let (after_a_second, seen) = (ran.between(1, 2), ran.between(300, 600));
        assert!(seen.asked <= most, "{share}: {seen:?}");
        assert!(share < 0.5 || after_a_second.asked < 100.0, "{share}: {after_a_second:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_is_kept_to_with_such_a_share_and_without() {
    // The speed is of what the bound would let through, the share of all that was refused.
    for (bound, share, fast, refused) in [
        (5.0, 0.0, 0.95, 0.04),
        (300.0, 0.0, 0.93, 0.001),
        (50.0, 0.02, 0.9, 0.05),
        (300.0, 0.02, 0.93, 0.05),
        (700.0, 0.02, 0.93, 0.05),
    ] {
        let ran = run(Store::new(move |_| bound, BURST, share), 1000, 1, 300).await;
        let seen = ran.between(60, 300);
        assert!(seen.taken >= fast * bound, "{bound}, {share}: {seen:?}");
        assert!(seen.refused <= refused, "{bound}, {share}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_moves_is_followed() {
    // Up and down by a third within a minute.
    let ran = run(Store::new(|at| 300.0 + 100.0 * (at / 10.0).sin(), BURST, 0.0), 1000, 1, 600).await;
    let seen = ran.between(60, 600);
    assert!(seen.taken >= 0.85 * 300.0 && seen.refused < 0.02, "up and down: {seen:?}");
    // Slowly down to a fifth.
    let ran = run(Store::new(|at| 500.0 - at * 400.0 / 600.0, BURST, 0.0), 1000, 1, 600).await;
    let seen = ran.between(60, 600);
    assert!(seen.taken >= 0.85 * 280.0 && seen.refused < 0.005, "down: {seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_falls_to_a_tenth_is_found_within_seconds() {
    for (before, share) in [(500.0, 0.0), (500.0, 0.02), (50.0, 0.0)] {
        let after = before / 10.0;
        let bound = move |at| if at < 120.0 { before } else { after };
        let ran = run(Store::new(bound, BURST, share), 1000, 1, 240).await;
        let (falling, fallen) = (ran.between(120, 125), ran.between(125, 240));
        // Found: nowhere near the old bound any more. A rate that stayed would come to ten times the new one.
        assert!(falling.asked < 2.5 * after, "{before}, {share}: {falling:?}");
        for second in 123..130 {
            let seen = ran.between(second, second + 1);
            assert!(seen.asked < 1.6 * after, "{before}, {share}, second {second}: {seen:?}");
        }
        assert!(fallen.taken >= 0.9 * after, "{before}, {share}: {fallen:?}");
        assert!(fallen.refused < 0.06, "{before}, {share}: {fallen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_that_share_a_bound_have_equal_parts_of_it() {
    for share in [0.0, 0.02] {
        let ran = run(Store::new(|_| 300.0, BURST, share), 1000, 3, 600).await;
        let seen = ran.between(60, 600);
        assert!(seen.taken >= 0.9 * 300.0 && seen.refused < 0.05, "{share}: {seen:?}");
        let (least, most) = (ran.each.iter().min().unwrap(), ran.each.iter().max().unwrap());
        assert!(least * 10 >= most * 8, "{share}: {:?}", ran.each);
    }
}
