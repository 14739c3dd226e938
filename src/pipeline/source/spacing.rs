//! Requests that leave one by one, not all at once.
//!
//! Pages that were asked for together arrive together, are taken in together and so ask for the next
//! ones together: once in step, requests stay in step. Then all of them wait for the processor at the same
//! time, each with a whole page in memory, and a moment later it has nothing to do; and a store sees
//! bursts, which it may refuse. Spaced out over a part of the time that a page takes they drift apart.

use std::time::Duration;

/// Requests in flight may all leave anew within the time of a page divided by this: much less than a page
/// takes, so that nothing is lost where many ranges begin at once, and enough to part them.
const SHARE: u32 = 3;
/// How much of a late start may be made up for at once: timers are as coarse as many of these gaps.
const BEHIND: Duration = Duration::from_millis(2);
/// What a page is taken to need before the first one has come: the quickest of stores do.
const USUAL: Duration = Duration::from_millis(50);
/// A page that came weighs one part in so many.
const WEIGHT: u32 = 8;
/// The longest gap: where few may be in flight, or pages take seconds, bursts are small or far apart.
const LONGEST: Duration = Duration::from_millis(25);

/// When the next request may leave.
#[derive(Debug)]
pub(super) struct Spacing {
    /// What a page takes, smoothed.
    page: Duration,
    /// When the next request is due, on the monotonic clock.
    due: Duration,
}

impl Spacing {
    pub(super) const fn new() -> Self {
        Self { page: USUAL, due: Duration::ZERO }
    }

    /// Takes note of what a page took, from its request to its last byte.
    pub(super) fn arrived(&mut self, took: Duration) {
        // One that took very long was refused and asked for again, and tells little of the next ones.
        let told = took.min((self.page * 2).max(BEHIND));
        self.page = (self.page * (WEIGHT - 1) + told) / WEIGHT;
    }

    /// How long the next request has to wait at the time `now`.
    pub(super) fn pause(&self, now: Duration) -> Duration {
        self.due.saturating_sub(now)
    }

    /// Takes note that a request leaves at `now`, where so many may be `in_flight`.
    pub(super) fn left(&mut self, now: Duration, in_flight: usize) {
        let gap = match u32::try_from(in_flight).unwrap_or(u32::MAX) {
            // One alone is in step with nobody.
            0 | 1 => Duration::ZERO,
            several => (self.page / several.saturating_mul(SHARE)).min(LONGEST),
        };
        self.due = self.due.max(now.saturating_sub(BEHIND)) + gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Duration = Duration::from_millis(60);

    /// After many pages that took as long as this.
    fn after(page: Duration) -> Spacing {
        let mut spacing = Spacing::new();
        (0..500).for_each(|_| spacing.arrived(page));
        spacing
    }

    /// Until when 64 requests have left that all may leave at once.
    fn took(mut spacing: Spacing) -> Duration {
        let (began, mut took) = (Duration::from_secs(1), Duration::ZERO);
        for _ in 0..64 {
            took += spacing.pause(began + took);
            spacing.left(began + took, 64);
        }
        took
    }

    #[test]
    fn all_in_flight_leave_within_a_third_of_a_page() {
        for (spacing, page) in [(after(PAGE), PAGE), (after(PAGE * 40), PAGE * 40), (Spacing::new(), USUAL)] {
            let took = took(spacing);
            // But for those that make up for a late start, and the first.
            let gap = page / 3 / 64;
            assert!((page / 3..page / 3 + BEHIND + gap * 2).contains(&(took + BEHIND + gap * 2)), "{took:?}");
        }
    }

    #[test]
    fn where_pages_take_no_time_nothing_waits() {
        assert_eq!(took(after(Duration::ZERO)), Duration::ZERO);
    }

    #[test]
    fn at_the_pace_of_the_store_nothing_waits() {
        let (mut spacing, mut now) = (after(PAGE), Duration::from_secs(1));
        for _ in 0..100 {
            now += PAGE / 64;
            assert_eq!(spacing.pause(now), Duration::ZERO);
            spacing.left(now, 64);
        }
    }

    #[test]
    fn a_page_that_was_long_in_coming_holds_nobody_up() {
        let (mut spacing, mut now) = (after(PAGE), Duration::from_secs(1));
        spacing.left(now, 1);
        now += PAGE * 1000;
        spacing.arrived(PAGE * 1000);
        for in_flight in [1, 1, 2, 4, 64] {
            assert_eq!(spacing.pause(now), Duration::ZERO);
            spacing.left(now, in_flight);
            now += PAGE;
            spacing.arrived(PAGE);
        }
        // Nor do many that were.
        let slow = after(PAGE * 1000);
        assert_eq!(took(slow) + BEHIND, LONGEST * 63);
    }
}
