//! The store's clock: it may run faster than the machine's, start elsewhere, and be pushed ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::model::Clock;

/// A clock that derives from another one: an origin, a speed, and what was added by hand.
///
/// `sleep` and `monotonic` are those of the inner clock: they are real time, so that rates and
/// time-outs stay what they are while hours of restore pass in seconds.
#[derive(Debug)]
pub struct SimClock {
    inner: Arc<dyn Clock>,
    /// Reading of the inner monotonic clock at the origin.
    origin: Duration,
    /// Simulated time at the origin; `None` follows the inner wall clock.
    start: Option<Timestamp>,
    speed: f64,
    /// Nanoseconds added by [`SimClock::advance`].
    added: AtomicI64,
}

impl SimClock {
    /// A clock that reads `start` now (or the inner clock's time) and then runs `speed` times as
    /// fast as `inner`. A speed that is not a positive number counts as 1.
    #[must_use]
    pub fn new(inner: Arc<dyn Clock>, start: Option<Timestamp>, speed: f64) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        #[expect(clippy::float_cmp, reason = "exactly 1 is the case that needs no origin")]
        let follows = start.is_none() && speed == 1.0;
        let start = if follows { None } else { Some(start.unwrap_or_else(|| inner.now())) };
        let origin = inner.monotonic();
        Self { inner, origin, start, speed, added: AtomicI64::new(0) }
    }

    /// Pushes the clock ahead by `span`; at most some 290 years in all.
    pub fn advance(&self, span: Duration) {
        let nanos = i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        let _ = self
            .added
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| Some(now.saturating_add(nanos)));
    }

    /// Puts the clock at `time`, ahead or back; it runs on from there.
    pub fn set(&self, time: Timestamp) {
        let ahead = time.duration_since(self.now()).as_nanos();
        let ahead = i64::try_from(ahead).unwrap_or(if ahead > 0 { i64::MAX } else { i64::MIN });
        let _ = self
            .added
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| Some(now.saturating_add(ahead)));
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let base = match self.start {
            None => self.inner.now(),
            Some(start) => {
                let real = self.inner.monotonic().saturating_sub(self.origin);
                let run =
                    Duration::try_from_secs_f64(real.as_secs_f64() * self.speed).unwrap_or(Duration::MAX);
                start.saturating_add(run).unwrap_or(Timestamp::MAX)
            }
        };
        let added = SignedDuration::from_nanos(self.added.load(Ordering::Acquire));
        base.saturating_add(added).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        self.inner.sleep(span)
    }

    fn monotonic(&self) -> Duration {
        self.inner.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Hand(Mutex<Duration>);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(1_000_000).unwrap() + self.monotonic()
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn runs_at_its_speed_and_can_be_pushed() {
        let hand = Arc::new(Hand(Mutex::new(Duration::from_secs(5))));
        let start: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let clock = SimClock::new(Arc::clone(&hand) as Arc<dyn Clock>, Some(start), 3600.0);
        assert_eq!(clock.now(), start);
        *hand.0.lock().unwrap() = Duration::from_secs(7);
        assert_eq!(clock.now(), start + Duration::from_hours(2));
        clock.advance(Duration::from_hours(24));
        assert_eq!(clock.now(), start + Duration::from_hours(26));
        assert_eq!(clock.monotonic(), Duration::from_secs(7));
    }

    #[test]
    fn can_be_set_ahead_and_back() {
        let hand = Arc::new(Hand(Mutex::new(Duration::ZERO)));
        let clock = SimClock::new(Arc::clone(&hand) as Arc<dyn Clock>, None, 1.0);
        for time in ["2031-01-02T00:00:00Z", "2001-01-02T00:00:00Z"] {
            let time: Timestamp = time.parse().unwrap();
            clock.set(time);
            assert_eq!(clock.now(), time);
        }
        *hand.0.lock().unwrap() = Duration::from_secs(9);
        assert_eq!(clock.now().to_string(), "2001-01-02T00:00:09Z");
    }

    #[test]
    fn follows_the_inner_clock_when_nothing_is_asked() {
        let hand = Arc::new(Hand(Mutex::new(Duration::from_secs(5))));
        let clock = SimClock::new(Arc::clone(&hand) as Arc<dyn Clock>, None, 1.0);
        assert_eq!(clock.now(), hand.now());
        *hand.0.lock().unwrap() = Duration::from_secs(50);
        assert_eq!(clock.now(), hand.now());
    }
}
