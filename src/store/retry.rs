//! How long to wait before the next attempt: full jitter under a doubling ceiling.
//!
//! The policy is a value and the randomness is passed in, so tests need no luck. A server's
//! `Retry-After` is a floor, never a ceiling: clients that all come back at the very second the
//! server named would meet again.

use std::time::Duration;

use super::ErrorKind;

/// How often one request may be refused for its pace while others of its kind are answered, before
/// such refusals count as failed attempts all the same: a store can have something against this one.
const MOST_REFUSALS: u32 = 100;
/// Ceiling of the first pause. The vendors' own SDKs begin with 0.2 s (OSS Go SDK v2, botocore
/// standard mode begins with 1 s; read 2026-11).
const FIRST: Duration = Duration::from_millis(200);
/// Ceiling of any pause; 20 s in both SDKs.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest `Retry-After` that is obeyed to the letter.
const LONGEST_ORDERED: Duration = Duration::from_mins(5);

/// The attempts of one request, and which of them count.
///
/// A store that throttles refuses whoever comes too early, and says nothing of the request: while it
/// answers others of that kind, the rate is being found, and no object may fail for that.
#[derive(Debug)]
pub(crate) struct Tries {
    /// Attempts that failed, and count.
    failed: u32,
    /// Refusals for pace that did not count.
    passed_over: u32,
    /// How far the lane had come when this request was last refused, or began.
    progress: u64,
}

impl Tries {
    /// A request that begins when its lane has come to `progress`.
    pub(crate) const fn new(progress: u64) -> Self {
        Self { failed: 0, passed_over: 0, progress }
    }

    /// Takes note of an attempt that failed, and says whether another one may be made.
    pub(crate) fn again(&mut self, kind: ErrorKind, progress: u64, max_attempts: u32) -> bool {
        let moved = progress > self.progress;
        self.progress = progress;
        if kind == ErrorKind::Throttled && moved && self.passed_over < MOST_REFUSALS {
            self.passed_over += 1;
        } else {
            self.failed += 1;
        }
        kind.retryable() && self.failed < max_attempts
    }
}

/// How much of the pause that a server `ordered` is obeyed.
pub(crate) fn obeyed(ordered: Duration) -> Duration {
    ordered.min(LONGEST_ORDERED)
}

/// The pause after attempt number `attempt` (from 1) failed. `luck` is uniform in 0..1; `ordered`
/// is what the server asked for, as far as it is obeyed.
pub(crate) fn pause(attempt: u32, ordered: Option<Duration>, luck: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ceiling = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let drawn = ceiling.mul_f64(luck.clamp(0.0, 1.0));
    match ordered {
        Some(floor) => floor + drawn.min(FIRST),
        None => drawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_and_stop_at_twenty_seconds() {
        let ceilings: Vec<u128> = (1..=9).map(|a| pause(a, None, 1.0).as_millis()).collect();
        assert_eq!(ceilings, [200, 400, 800, 1600, 3200, 6400, 12_800, 20_000, 20_000]);
        assert_eq!(pause(5, None, 0.0), Duration::ZERO, "full jitter reaches down to nothing");
    }

    #[test]
    fn an_ordered_pause_is_a_floor_and_bounded() {
        let ordered = pause(1, Some(Duration::from_secs(7)), 0.5);
        assert!(ordered >= Duration::from_secs(7) && ordered <= Duration::from_millis(7200));
        assert_eq!(obeyed(Duration::from_secs(7)), Duration::from_secs(7));
        assert_eq!(obeyed(Duration::from_hours(24)), Duration::from_mins(5));
    }

    #[test]
    fn who_is_refused_while_others_are_served_has_not_failed() {
        let mut tries = Tries::new(0);
        for progress in 1..=u64::from(MOST_REFUSALS) {
            assert!(tries.again(ErrorKind::Throttled, progress, 1));
        }
        assert!(!tries.again(ErrorKind::Throttled, 1000, 1), "there is an end to that");
        // A store that answers nobody.
        let mut tries = Tries::new(7);
        let again: Vec<bool> = (0..3).map(|_| tries.again(ErrorKind::Throttled, 7, 3)).collect();
        assert_eq!(again, [true, true, false]);
        // Other faults count, whatever the others do.
        let mut tries = Tries::new(0);
        let again: Vec<bool> = (1..=3).map(|n| tries.again(ErrorKind::Server, n, 3)).collect();
        assert_eq!(again, [true, true, false]);
        assert!(!Tries::new(0).again(ErrorKind::Denied, 9, 3));
    }
}
