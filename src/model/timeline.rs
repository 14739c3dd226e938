//! What a run did over time, in little room however long it takes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Stretches that are kept at most: past them, two neighbours become one, and each is twice as long.
const MOST: usize = 240;

/// How long the first stretches are, in seconds.
const FIRST: u32 = 1;

/// What was done in one stretch of working time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Entries listed.
    pub listed: u64,
    /// Restore requests sent, retries included.
    pub restores: u64,
    /// Objects that ended as failed.
    pub failed: u64,
    /// How often a rate was brought down because the store asked for it.
    pub slow_downs: u64,
    /// The lowest rate of restore requests that was allowed, in requests a second; 0 where none are sent.
    pub rate: u32,
}

impl Sample {
    /// Both stretches as one.
    fn joined(self, next: Self) -> Self {
        Self {
            listed: self.listed + next.listed,
            restores: self.restores + next.restores,
            failed: self.failed + next.failed,
            slow_downs: self.slow_downs + next.slow_downs,
            rate: self.rate.min(next.rate),
        }
    }
}

/// A run in stretches of equal length, counted in time spent working: what lies between two sessions
/// is left out, what a session waits for its window is not. At most 240 stretches are kept, of one
/// second at first and twice as long each time that there would be more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    /// How long each stretch is, in seconds.
    pub every_seconds: u32,
    /// The stretches from the start; the last one is not over yet.
    pub samples: Vec<Sample>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { every_seconds: FIRST, samples: Vec::new() }
    }
}

impl Timeline {
    /// Adds what was done between `from` and `to`, both counted from the run's start. What was listed and
    /// sent is spread evenly over the stretches in between; the rest, and the rate, are those of `to`.
    pub fn add(&mut self, from: Duration, to: Duration, more: Sample) {
        while self.place(to) >= MOST {
            self.halve();
        }
        let (first, last) = (self.place(from.min(to)), self.place(to));
        if self.samples.len() <= last {
            self.samples.resize(last + 1, Sample { rate: more.rate, ..Sample::default() });
        }
        let mut told = (0, 0);
        for (place, sample) in self.samples.iter_mut().enumerate().take(last + 1).skip(first) {
            let end = Duration::from_secs((place as u64 + 1) * u64::from(self.every_seconds.max(FIRST)));
            let until = |count| if place == last { count } else { share(count, from, end, to) };
            let (listed, restores) = (until(more.listed), until(more.restores));
            *sample = sample.joined(Sample {
                listed: listed - told.0,
                restores: restores - told.1,
                rate: sample.rate,
                ..Sample::default()
            });
            told = (listed, restores);
        }
        if let Some(sample) = self.samples.get_mut(last) {
            *sample = sample.joined(Sample { listed: 0, restores: 0, ..more });
        }
    }

    /// Which stretch a moment is in.
    fn place(&self, worked: Duration) -> usize {
        usize::try_from(worked.as_secs() / u64::from(self.every_seconds.max(FIRST))).unwrap_or(usize::MAX)
    }

    fn halve(&mut self) {
        let pairs = self.samples.chunks(2);
        self.samples = pairs.filter_map(|pair| pair.iter().copied().reduce(Sample::joined)).collect();
        self.every_seconds = self.every_seconds.max(FIRST).saturating_mul(2);
    }
}

/// What of `count` had come by `end`, if it came evenly between `from` and `to`.
fn share(count: u64, from: Duration, end: Duration, to: Duration) -> u64 {
    let span = to.saturating_sub(from).as_millis().max(1);
    let part = end.saturating_sub(from).as_millis().min(span);
    u64::try_from(u128::from(count) * part / span).unwrap_or(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listed(listed: u64, rate: u32) -> Sample {
        Sample { listed, rate, ..Sample::default() }
    }

    #[test]
    fn stretches_have_what_was_done_in_them() {
        let mut timeline = Timeline::default();
        let ms = Duration::from_millis;
        timeline.add(ms(0), ms(100), listed(5, 80));
        timeline.add(ms(100), ms(900), listed(6, 40));
        // 2.5 seconds in four stretches, of which the first has a tenth of a second left.
        timeline.add(ms(900), ms(3400), Sample { failed: 2, ..listed(250, 60) });
        let last = Sample { failed: 2, ..listed(40, 60) };
        let expected = [listed(21, 40), listed(100, 60), listed(100, 60), last];
        assert_eq!((timeline.every_seconds, timeline.samples.as_slice()), (1, &expected[..]));
    }

    #[test]
    fn a_week_takes_no_more_room_than_an_hour() {
        let mut timeline = Timeline::default();
        for second in 0..7 * 86_400 {
            timeline.add(Duration::from_secs(second), Duration::from_secs(second), listed(1, 1));
        }
        assert!((MOST / 2..=MOST).contains(&timeline.samples.len()));
        let whole = &timeline.samples[..timeline.samples.len() - 1];
        assert!(whole.iter().all(|sample| sample.listed == u64::from(timeline.every_seconds)));
        assert_eq!(timeline.samples.iter().map(|sample| sample.listed).sum::<u64>(), 7 * 86_400);
    }

    proptest! {
        /// Nothing is lost, whatever the gaps, and a clock that goes back harms nothing.
        #[test]
        fn sums_stay(moments in proptest::collection::vec((0..10_000_000_000u64, 0..1000u64), 0..400)) {
            let mut timeline = Timeline::default();
            let mut from = Duration::ZERO;
            for (millis, n) in &moments {
                let to = Duration::from_millis(*millis);
                timeline.add(from, to, listed(*n, 9));
                from = to;
            }
            let sum: u64 = timeline.samples.iter().map(|sample| sample.listed).sum();
            prop_assert_eq!(sum, moments.iter().map(|(_, n)| n).sum::<u64>());
            prop_assert!(timeline.samples.len() <= MOST);
        }
    }
}
