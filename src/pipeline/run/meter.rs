//! Moving rates of counts that only grow, from the times that are told with them.

use std::collections::VecDeque;
use std::time::Duration;

/// Samples that are kept of a window, at most; nearer ones are merged.
const STEPS: u32 = 40;
/// Before this much has been seen there is no rate: two close samples would show a wild one.
const SHORTEST: Duration = Duration::from_secs(1);

/// The moving rate of a count that only grows.
#[derive(Debug)]
pub(super) struct Meter {
    /// The rate is the mean over this span.
    window: Duration,
    /// Oldest first; at most [`STEPS`] and three more. The first is at or before the edge of the window.
    samples: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// A meter whose rates are means over `window`.
    pub(super) const fn over(window: Duration) -> Self {
        Self { window, samples: VecDeque::new() }
    }

    /// Takes the count at `elapsed`. A sample older than the last one came late and is dropped.
    pub(super) fn push(&mut self, elapsed: Duration, count: u64) {
        if let Some(&(last, _)) = self.samples.back() {
            if elapsed < last {
                return;
            }
            // The first sample is the base line and stays; a later one gives way to a newer one
            // until it is a step away from the one before it.
            if let Some(&(before, _)) = self.samples.iter().nth_back(1)
                && elapsed.saturating_sub(before) < self.window / STEPS
            {
                self.samples.pop_back();
            }
        }
        self.samples.push_back((elapsed, count));
        let edge = elapsed.saturating_sub(self.window);
        while self.samples.get(1).is_some_and(|&(at, _)| at <= edge) {
            self.samples.pop_front();
        }
    }

    /// Counts a second over the window; `None` before enough was seen.
    pub(super) fn rate(&self) -> Option<f64> {
        let (&(from, first), &(to, last)) = (self.samples.front()?, self.samples.back()?);
        let span = to.saturating_sub(from);
        (span >= SHORTEST).then(|| last.saturating_sub(first) as f64 / span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::over(WINDOW);
        assert_eq!(meter.rate(), None);
        // A minute at 10/s, then 20 s at 100/s: the old rate must be forgotten.
        let mut count = 0;
        for tick in 0..=240 {
            meter.push(seconds(f64::from(tick) * 0.25), count);
            count += if tick % 2 == 0 { 2 } else { 3 };
        }
        assert!((meter.rate().unwrap() - 10.0).abs() < 0.2, "{:?}", meter.rate());
        for tick in 241..=320 {
            meter.push(seconds(f64::from(tick) * 0.25), count);
            count += 25;
        }
        assert!((meter.rate().unwrap() - 100.0).abs() < 0.1, "{:?}", meter.rate());
    }

    #[test]
    fn a_count_that_begins_high_is_no_leap() {
        let mut meter = Meter::over(WINDOW);
        meter.push(seconds(0.1), 1_000_000);
        assert_eq!(meter.rate(), None);
        meter.push(seconds(2.1), 1_000_020);
        assert_eq!(meter.rate(), Some(10.0));
    }

    #[test]
    fn rate_falls_to_zero_when_nothing_moves() {
        let mut meter = Meter::over(WINDOW);
        for s in 0..30 {
            meter.push(Duration::from_secs(s), 100 * s.min(4));
        }
        assert_eq!(meter.rate(), Some(0.0));
    }

    #[test]
    fn samples_are_bounded_and_late_ones_dropped() {
        let mut meter = Meter::over(WINDOW);
        for tick in 0..100_000_u32 {
            meter.push(Duration::from_millis(u64::from(tick)), u64::from(tick));
        }
        assert!(meter.samples.len() <= 43, "{}", meter.samples.len());
        assert!((meter.rate().unwrap() - 1_000.0).abs() < 1.0);
        let before = meter.rate();
        meter.push(seconds(1.0), 0);
        assert_eq!(meter.rate(), before);
    }
}
