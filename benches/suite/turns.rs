//! Several ways of doing the same, timed in turns.
//!
//! One turn of a side is a single page, less than a slice of processor time: so what else the
//! machine does falls on single turns of all sides, and medians hardly see it. On a machine that is
//! busy all the time they do; others can only add to a turn, so the quick turns of each side are
//! compared as well.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The time that `work` takes, the drop of what it makes left out.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let made = work();
    let took = began.elapsed();
    black_box(made);
    took
}

/// What each turn of each side took.
pub(crate) struct Turns<const N: usize>(Vec<[Duration; N]>);

impl<const N: usize> Turns<N> {
    /// Lets the `sides` take `count` turns each, one after the other.
    pub(crate) fn take(count: usize, mut sides: [&mut dyn FnMut() -> Duration; N]) -> Self {
        // The first turns warm the allocator and the caches up.
        let mut turn = || sides.each_mut().map(|side| side());
        turn();
        Self((0..count).map(|_| turn()).collect())
    }

    /// Million of `things` a second by the median turn of a side, if each turn makes so many.
    pub(crate) fn rate(&self, side: usize, things: usize) -> f64 {
        let seconds = self.0.iter().map(|turn| turn[side].as_secs_f64()).collect();
        things as f64 / quantiles(seconds)[1] / 1e6
    }

    /// How many times as long `slow` takes as `fast`, turn by turn: the first tenth, the median, and
    /// the last tenth.
    pub(crate) fn ratios(&self, slow: usize, fast: usize) -> [f64; 3] {
        quantiles(self.0.iter().map(|turn| turn[slow].as_secs_f64() / turn[fast].as_secs_f64()).collect())
    }

    /// The same of the quick turns alone: the first tenth of `slow` against the first tenth of `fast`.
    pub(crate) fn undisturbed(&self, slow: usize, fast: usize) -> f64 {
        let quick = |side: usize| quantiles(self.0.iter().map(|turn| turn[side].as_secs_f64()).collect())[0];
        quick(slow) / quick(fast)
    }
}

fn quantiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 5, 9].map(|tenth| values[(values.len() - 1) * tenth / 10])
}
