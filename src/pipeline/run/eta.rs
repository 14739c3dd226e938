//! A guess at when a run ends: by the totals of the job's last run, or by its plan; none rather than
//! a wild one.

use std::time::Duration;

use super::meter::Meter;
use crate::model::{Basis, Eta, Expected, Kinds};

/// The pace of now is the mean over this span.
const WINDOW: Duration = Duration::from_mins(1);
/// Before a session has worked for so long there is no guess.
const SOONEST: Duration = Duration::from_secs(10);
/// The pace of now and that of the whole session may differ by this factor; if they differ by more,
/// nobody knows which of them the rest will have.
const AGREE: f64 = 2.0;
/// Ends further away than this are no guess but a sign that nothing moves.
const FURTHEST: Duration = Duration::from_hours(24 * 14);

/// What guesses are made from.
#[derive(Debug)]
pub(super) struct Foresight {
    listed: Pace,
    asked: Pace,
}

/// How fast one count grows, now and over the session.
#[derive(Debug)]
struct Pace {
    now: Meter,
    /// The count, and when it was told.
    last: (Duration, u64),
}

impl Default for Foresight {
    fn default() -> Self {
        Self { listed: Pace::new(), asked: Pace::new() }
    }
}

impl Foresight {
    /// Takes the counts of this session at `elapsed`, and guesses by what is `expected`, where earlier
    /// sessions listed `earlier` entries. Where both the last run and the plan tell, the later end is told.
    pub(super) fn guess(
        &mut self,
        elapsed: Duration,
        kinds: &Kinds,
        expected: &Expected,
        earlier: u64,
    ) -> Option<Eta> {
        let asked = kinds.requested + kinds.extended;
        self.listed.push(elapsed, kinds.listed);
        self.asked.push(elapsed, asked);
        let listing =
            expected.listed.map(|all| (self.listed.left(earlier + kinds.listed, all), Basis::LastRun));
        // What earlier sessions asked for is not known here: only a run in one piece is guessed so.
        let plan = expected.planned.filter(|_| earlier == 0);
        let asking = plan.map(|all| (self.asked.left(asked, all), Basis::Plan));
        let mut eta: Option<Eta> = None;
        for (left, basis) in listing.into_iter().chain(asking) {
            // Where one of them cannot be told, the other one alone would be too early.
            let left = left?;
            if eta.is_none_or(|eta| left > eta.left) {
                eta = Some(Eta { left, basis });
            }
        }
        eta
    }
}

impl Pace {
    const fn new() -> Self {
        Self { now: Meter::over(WINDOW), last: (Duration::ZERO, 0) }
    }

    fn push(&mut self, elapsed: Duration, count: u64) {
        self.now.push(elapsed, count);
        self.last = (elapsed, count);
    }

    /// How long it takes from `done` to `all` at a pace that now and the whole session agree on.
    fn left(&self, done: u64, all: u64) -> Option<Duration> {
        let (elapsed, count) = self.last;
        // Past what was expected nothing is known any more.
        let rest = all.checked_sub(done).filter(|rest| *rest > 0)?;
        if elapsed < SOONEST {
            return None;
        }
        let (now, mean) = (self.now.rate()?, count as f64 / elapsed.as_secs_f64());
        let (slow, fast) = (now.min(mean), now.max(mean));
        if slow <= 0.0 || fast > slow * AGREE {
            return None;
        }
        let left = Duration::try_from_secs_f64(rest as f64 / now).ok()?;
        (left <= FURTHEST).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(listed: u64, requested: u64) -> Kinds {
        Kinds { listed, requested, ..Kinds::default() }
    }

    /// Guesses after each second of a session whose `n`th second lists `pace(n)` entries.
    fn told(expected: Expected, seconds: u64, pace: impl Fn(u64) -> u64) -> Vec<Option<Eta>> {
        let mut foresight = Foresight::default();
        let mut listed = 0;
        (0..=seconds)
            .map(|second| {
                let eta =
                    foresight.guess(Duration::from_secs(second), &kinds(listed, listed / 2), &expected, 0);
                listed += pace(second);
                eta
            })
            .collect()
    }

    #[test]
    fn a_steady_run_is_guessed_by_the_last_one() {
        let etas = told(Expected { listed: Some(10_000), ..Expected::default() }, 101, |_| 100);
        assert!(etas[..10].iter().all(Option::is_none), "too early");
        for (second, eta) in etas.iter().enumerate().take(100).skip(10) {
            let eta = eta.unwrap();
            assert_eq!((eta.left.as_secs(), eta.basis), (100 - second as u64, Basis::LastRun));
        }
        assert!(etas[100..].iter().all(Option::is_none), "there is more than the last time");
    }

    #[test]
    fn no_guess_is_better_than_a_wild_one() {
        assert!(told(Expected::default(), 60, |_| 100).iter().all(Option::is_none), "nothing is known");
        let expected = Expected { listed: Some(1_000_000), ..Expected::default() };
        let stalled = told(expected, 200, |second| if second < 60 { 100 } else { 0 });
        assert!(stalled[30].is_some() && stalled[125].is_none());
        // A first stretch that needed nothing, and then one that is asked for slowly.
        let slower = told(expected, 300, |second| if second < 60 { 5_000 } else { 10 });
        assert!(slower[200..].iter().all(Option::is_none));
    }

    #[test]
    fn the_later_end_counts_and_each_says_what_it_rests_on() {
        // Half of what is listed is asked for.
        let expected = |listed, planned| Expected { listed, planned, ended: None };
        let eta = |expected| told(expected, 20, |_| 100)[20].map(|eta| (eta.left.as_secs(), eta.basis));
        assert_eq!(eta(expected(Some(10_000), Some(2_000))), Some((80, Basis::LastRun)));
        assert_eq!(eta(expected(Some(3_000), Some(2_000))), Some((20, Basis::Plan)));
        assert_eq!(eta(expected(None, Some(2_000))), Some((20, Basis::Plan)));
        assert_eq!(eta(expected(Some(1_500), Some(2_000))), None, "past what the last one listed");
    }

    #[test]
    fn earlier_sessions_count() {
        let mut foresight = Foresight::default();
        let expected = Expected { listed: Some(10_000), ..Expected::default() };
        let mut last = None;
        for second in 0..=20 {
            last = foresight.guess(Duration::from_secs(second), &kinds(second * 100, 0), &expected, 6_000);
        }
        assert_eq!(last.map(|eta| eta.left), Some(Duration::from_secs(20)));
    }
}
