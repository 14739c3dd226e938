//! How fast requests may leave: a permit and a token for each attempt, a lane for each kind of call.
//!
//! Lanes are apart so that waiting restores never starve listings. Within a lane a request first
//! gets a permit (so many in flight), then a token (so many a second). Both belong to one attempt:
//! a request that backs off holds neither, and a retry pays again.
//!
//! Tokens come from governor. Its own waiting (`until_ready`) uses a timer that ignores a paused
//! test clock, and with a burst of one and many waiters it loses up to a fifth of the rate, since a
//! slot that nobody took in time is gone. So one waiter at a time asks governor and sleeps by our
//! [`Clock`]; the small burst is the credit that makes up for a late timer.
//!
//! A store that refuses requests for their pace brings the rate of that lane down: see `rate`. As
//! governor's quota is fixed, it stays the ceiling, and the lower rate spaces the requests before it;
//! without a refusal there is no lower rate, and governor alone decides.

#[cfg(test)]
mod model;
mod rate;
#[cfg(test)]
mod share;

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Mutex as Turn, Semaphore, SemaphorePermit};

use self::rate::Rate;
use super::Call;
use crate::model::{Clock, Rates};

/// Tokens that may be made up for after a late timer: this many milliseconds' worth.
const CATCH_UP_MS: u32 = 20;
/// The same for a rate that was brought down: less, since a store that is near its bound may take two
/// requests at once for one too many.
const CATCH_UP: Duration = Duration::from_millis(5);

/// What one kind of call is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Requests in flight, at least 1.
    pub in_flight: u32,
    /// Requests a second, at least 1, every attempt counted.
    pub rate: u32,
}

/// Our clock as governor wants it.
#[derive(Clone, Debug)]
struct Ticks(Arc<dyn Clock>);

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[derive(Debug)]
struct Lane {
    permits: Semaphore,
    turn: Turn<()>,
    limiter: RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>,
    yielding: Mutex<Yielding>,
    /// Answers that were no refusals for pace.
    taken: AtomicU64,
}

/// What the store has asked for.
#[derive(Debug)]
struct Yielding {
    rate: Rate,
    not_before: Duration,
}

impl Lane {
    fn new(allowance: Allowance, clock: &Arc<dyn Clock>) -> Self {
        let rate = NonZeroU32::new(allowance.rate).unwrap_or(NonZeroU32::MIN);
        let credit = NonZeroU32::new(rate.get().saturating_mul(CATCH_UP_MS) / 1000);
        let quota = Quota::per_second(rate).allow_burst(credit.unwrap_or(NonZeroU32::MIN));
        let in_flight = (allowance.in_flight as usize).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            permits: Semaphore::new(in_flight),
            turn: Turn::new(()),
            limiter: RateLimiter::direct_with_clock(quota, Ticks(Arc::clone(clock))),
            yielding: Mutex::new(Yielding {
                rate: Rate::new(f64::from(rate.get())),
                not_before: Duration::ZERO,
            }),
            taken: AtomicU64::new(0),
        }
    }

    fn yielding(&self) -> MutexGuard<'_, Yielding> {
        self.yielding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave for one attempt: a place in flight, given back when dropped.
#[derive(Debug)]
pub(crate) struct Leave<'p> {
    _permit: SemaphorePermit<'p>,
    /// Which of the lane's rates it was given under.
    round: u64,
}

/// The pace of one client: three lanes and the clock that they sleep by.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Arc<dyn Clock>,
    list: Lane,
    head: Lane,
    restore: Lane,
}

impl Pace {
    /// Lanes with these allowances.
    pub(crate) fn new(list: Allowance, head: Allowance, restore: Allowance, clock: Arc<dyn Clock>) -> Self {
        Self {
            list: Lane::new(list, &clock),
            head: Lane::new(head, &clock),
            restore: Lane::new(restore, &clock),
            clock,
        }
    }

    const fn lane(&self, call: Call) -> &Lane {
        match call {
            Call::List => &self.list,
            Call::Head => &self.head,
            Call::Restore | Call::Release => &self.restore,
        }
    }

    /// Waits until one more request of this kind may leave.
    pub(crate) async fn enter(&self, call: Call) -> Leave<'_> {
        let lane = self.lane(call);
        let permit = match lane.permits.acquire().await {
            Ok(permit) => permit,
            Err(_closed) => unreachable!("no lane is ever closed"),
        };
        let _turn = lane.turn.lock().await;
        loop {
            let now = self.clock.monotonic();
            let wait = {
                let mut yielding = lane.yielding();
                let held = yielding.not_before.saturating_sub(now);
                held.max(yielding.rate.wait(now, CATCH_UP))
            };
            if !wait.is_zero() {
                self.clock.sleep(wait).await;
                continue;
            }
            match lane.limiter.check() {
                Ok(()) => {
                    let rate = &mut lane.yielding().rate;
                    rate.leave(now, CATCH_UP);
                    return Leave { _permit: permit, round: rate.round() };
                }
                Err(early) => self.clock.sleep(early.wait_time_from(now)).await,
            }
        }
    }

    /// The store answered a request that had this leave, with whatever but a refusal for its pace.
    pub(crate) fn taken(&self, call: Call, leave: &Leave<'_>) {
        let (lane, now) = (self.lane(call), self.clock.monotonic());
        lane.taken.fetch_add(1, Ordering::Relaxed);
        lane.yielding().rate.taken(leave.round, now);
    }

    /// The store refused it for its pace, or let it wait. The new rate in requests a second, if that
    /// brings it down.
    pub(crate) fn refused(&self, call: Call, leave: &Leave<'_>) -> Option<u32> {
        let now = self.clock.monotonic();
        self.lane(call).yielding().rate.refused(leave.round, now).map(whole)
    }

    /// Requests of this kind so far that the store has answered without a word about their pace.
    pub(crate) fn progress(&self, call: Call) -> u64 {
        self.lane(call).taken.load(Ordering::Relaxed)
    }

    /// Lets no request of this kind leave for `pause`: the store said when to come back.
    pub(crate) fn hold(&self, call: Call, pause: Duration) {
        let until = self.clock.monotonic() + pause;
        let mut yielding = self.lane(call).yielding();
        yielding.not_before = until.max(yielding.not_before);
    }

    /// How long from now no request of this kind leaves, since the store said when to come back.
    pub(crate) fn held(&self, call: Call) -> Duration {
        self.lane(call).yielding().not_before.saturating_sub(self.clock.monotonic())
    }

    /// The rate of this kind that holds now.
    pub(crate) fn rate(&self, call: Call) -> u32 {
        whole(self.lane(call).yielding().rate.now(self.clock.monotonic()))
    }

    /// The rates that hold now.
    pub(crate) fn rates(&self) -> Rates {
        Rates { list: self.rate(Call::List), head: self.rate(Call::Head), restore: self.rate(Call::Restore) }
    }

    /// How often rates came down so far, of all kinds together.
    pub(crate) fn slow_downs(&self) -> u64 {
        [&self.list, &self.head, &self.restore].map(|lane| lane.yielding().rate.round()).iter().sum()
    }

    /// The lowest rate of restores so far, if it ever came down.
    pub(crate) fn lowest_restore_rate(&self) -> Option<u32> {
        self.restore.yielding().rate.lowest().map(whole)
    }
}

/// A rate in whole requests a second, at least 1.
fn whole(rate: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a job's rate, a u32"
    )]
    let whole = rate.round() as u32;
    whole.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SystemClock;

    fn pace(rate: u32, in_flight: u32) -> (Arc<Pace>, Arc<dyn Clock>) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let lane = Allowance { in_flight, rate };
        (Arc::new(Pace::new(lane, lane, lane, Arc::clone(&clock))), clock)
    }

    async fn take_all(pace: &Arc<Pace>, n: usize) {
        let tasks: Vec<_> = (0..n)
            .map(|_| {
                let pace = Arc::clone(pace);
                tokio::spawn(async move { drop(pace.enter(Call::Restore).await) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_waiters_get_the_rate_and_not_more() {
        let (pace, clock) = pace(1000, 64);
        take_all(&pace, 5000).await;
        let took = clock.monotonic().as_secs_f64();
        // 5,000 tokens less a credit of 20 take 4.98 s; the timer's millisecond grain may add a little.
        assert!((4.97..=5.03).contains(&took), "took {took} s of virtual time");
    }

    #[tokio::test(start_paused = true)]
    async fn lanes_do_not_wait_for_each_other() {
        let (pace, clock) = pace(1, 1);
        let _held = pace.enter(Call::Restore).await;
        let before = clock.monotonic();
        drop(pace.enter(Call::List).await);
        assert_eq!(clock.monotonic(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn an_ordered_pause_holds_the_whole_lane() {
        let (pace, clock) = pace(1000, 8);
        pace.hold(Call::Restore, Duration::from_secs(3));
        take_all(&pace, 8).await;
        assert!(clock.monotonic() >= Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_ordered_pause_holds_whoever_is_refused_at_any_rate() {
        let (pace, clock) = pace(1000, 8);
        let mut brought_down = Vec::new();
        for number in 0..200 {
            let leave = pace.enter(Call::Restore).await;
            if number % 50 == 10 {
                brought_down.extend(pace.refused(Call::Restore, &leave));
                let from = clock.monotonic();
                pace.hold(Call::Restore, Duration::from_secs(1));
                drop(leave);
                drop(pace.enter(Call::Restore).await);
                assert!(clock.monotonic() >= from + Duration::from_secs(1));
            } else {
                pace.taken(Call::Restore, &leave);
            }
        }
        assert_eq!(brought_down, [800], "the others are few enough to be tolerated");
    }
}
