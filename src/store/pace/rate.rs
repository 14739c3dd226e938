//! The rate that a store can bear, found out as TCP finds its window: down at once, up slowly.
//!
//! Pure: time is passed in. While nothing is refused there is no rate here at all, and the job's own
//! holds. A refusal brings the rate down by a fifth, or by half where more is refused than taken. From
//! there it climbs along a cubic curve (as CUBIC does, RFC 9438): fast at first, slowly around the rate
//! at which the store refused, and faster again behind it, until it is the job's own once more.
//!
//! A burst of refusals is one signal: those of requests that had left before the rate came down say
//! nothing about the new one, and between two steps there is a moment to see what the first has done.
//!
//! A step down is also a question: was it the rate? The requests that leave while the curve is low answer
//! it. If none of them is refused, it was, and the next refusal is a signal again. If a small share of them
//! is, then that share comes whatever the rate, as far as anybody can tell; to obey it would lead down to
//! next to nothing. So it is tolerated, until more is refused than chance makes of it: that is a signal, and
//! the question is put anew. What is tolerated is bounded, so a bound that is taken for such a share is
//! overstepped by little. (BBR, too, takes a small share of losses, 2 % of a round trip's packets, for no
//! sign of a full path: draft-ietf-ccwg-bbr, read 2026-11.)

use std::time::Duration;

/// What is left of the rate after a refusal among many that were taken.
const DOWN: f64 = 0.8;
/// The same where more was refused than taken since the last step: it was far off.
const FAR_DOWN: f64 = 0.5;
/// So many more, since one or two are no majority.
const MAJORITY: u64 = 3;
/// The lowest rate, in requests a second.
pub(super) const SLOWEST: f64 = 1.0;
/// Between two steps down there is at least this much time.
const STEP: Duration = Duration::from_millis(200);
/// How the curve bends, in parts of the rate per cubic second: after a step down by a fifth it comes
/// to its plateau after ten seconds.
const BEND: f64 = 0.000_2;
/// The largest share of refusals that may have nothing to do with the rate. A share of half of it comes at
/// any rate and hardly ever brings it down; a store that refuses a share of all of it, or more, is obeyed.
const TOLERATED: f64 = 0.05;
/// The first part of the way back to the plateau, in which the curve is low: half of the time, seven
/// eighths of the way. A store that refused at the plateau takes all that leaves so early.
const LOW: f64 = 0.5;
/// So many times the share that was refused while the curve was low is tolerated further up: room for
/// chance, see [`PATIENCE`].
const LEEWAY: f64 = 2.0;
/// Refusals beyond what is tolerated that are put down to chance: so many times the logarithm of the rate
/// in units of [`SLOW`]. Where twice the true share is tolerated, chance makes `n` too many once in
/// e^(1.26 n) refusals (the upper end of a random walk that drifts down). So at 1,000 a second, of which
/// 2 % are refused, the rate comes down for nothing once in five minutes; a slower lane, which draws more
/// rarely, needs less patience for that, and can afford less, as each refusal is a larger part of what it
/// sends.
const PATIENCE: f64 = 1.2;
/// A lane of so many requests a second has no patience: while its curve is low, it hears too little to
/// tell anything, and each refusal is a signal.
const SLOW: f64 = 3.0;
/// A curve that begins far below the job's rate bends as if it were at this part of it, so that a lane
/// that came down to next to nothing is back within minutes.
const LEAST_BEND: f64 = 0.02;

/// A rate that was brought down, on its way up.
#[derive(Clone, Copy, Debug)]
struct Curve {
    /// When it came down.
    since: Duration,
    /// The rate at which the store refused: where the curve is flat.
    plateau: f64,
    /// Seconds until it is there.
    until_plateau: f64,
    /// Requests a second gained per cubic second.
    bend: f64,
}

impl Curve {
    fn new(since: Duration, from: f64, plateau: f64, ceiling: f64) -> Self {
        let bend = BEND * plateau.max(ceiling * LEAST_BEND);
        Self { since, plateau, until_plateau: ((plateau - from) / bend).cbrt(), bend }
    }

    /// Whether it is still well below its plateau.
    fn low(&self, now: Duration) -> bool {
        now.saturating_sub(self.since).as_secs_f64() < LOW * self.until_plateau
    }

    fn at(&self, now: Duration) -> f64 {
        let past = now.saturating_sub(self.since).as_secs_f64() - self.until_plateau;
        self.plateau + self.bend * past.powi(3)
    }
}

/// Answers to requests.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    taken: u64,
    refused: u64,
}

impl Heard {
    /// The share that was refused; of no answers none.
    fn share(self) -> f64 {
        self.refused as f64 / (self.taken + self.refused).max(1) as f64
    }
}

/// The rate of one lane.
#[derive(Debug)]
pub(super) struct Rate {
    /// The job's own.
    ceiling: f64,
    curve: Option<Curve>,
    /// Steps down so far: what a request is told apart by that left before one.
    round: u64,
    /// Answers since the last step to requests that left behind it.
    heard: Heard,
    /// Those of them that came while the curve was low.
    heard_low: Heard,
    /// Refusals beyond what is tolerated; answers that are none work them off.
    excess: f64,
    lowest: Option<f64>,
    /// The earliest moment for the next request, while the rate is below the job's.
    next: Duration,
}

impl Rate {
    pub(super) const fn new(ceiling: f64) -> Self {
        let none = Heard { taken: 0, refused: 0 };
        Self {
            ceiling,
            curve: None,
            round: 0,
            heard: none,
            heard_low: none,
            excess: 0.0,
            lowest: None,
            next: Duration::ZERO,
        }
    }

    /// The rate below the job's own that holds at `now`; `None` if it is the job's.
    fn curbed(&mut self, now: Duration) -> Option<f64> {
        let rate = self.curve?.at(now).max(SLOWEST);
        if rate >= self.ceiling {
            self.curve = None;
            return None;
        }
        Some(rate)
    }

    /// The rate at `now`, in requests a second.
    pub(super) fn now(&mut self, now: Duration) -> f64 {
        self.curbed(now).unwrap_or(self.ceiling)
    }

    /// The lowest that it ever was, if it ever came down.
    pub(super) const fn lowest(&self) -> Option<f64> {
        self.lowest
    }

    /// Steps down so far.
    pub(super) const fn round(&self) -> u64 {
        self.round
    }

    /// How long the next request has to wait; with a `credit` that makes up for late timers.
    pub(super) fn wait(&mut self, now: Duration, credit: Duration) -> Duration {
        match self.curbed(now) {
            Some(_) => self.next.saturating_sub(credit).saturating_sub(now),
            None => Duration::ZERO,
        }
    }

    /// A request leaves.
    pub(super) fn leave(&mut self, now: Duration, credit: Duration) {
        if let Some(rate) = self.curbed(now) {
            self.next = self.next.max(now.saturating_sub(credit)) + Duration::from_secs_f64(1.0 / rate);
        }
    }

    /// A request that left in `round` was answered at `now`.
    pub(super) fn taken(&mut self, round: u64, now: Duration) {
        if round != self.round {
            return;
        }
        self.heard.taken += 1;
        if self.low(now) {
            self.heard_low.taken += 1;
        }
        self.excess = (self.excess - self.tolerated(now)).max(0.0);
    }

    /// A request that left in `round` was refused for its pace at `now`; the new rate, if that brings it
    /// down.
    pub(super) fn refused(&mut self, round: u64, now: Duration) -> Option<f64> {
        if round != self.round {
            return None;
        }
        self.heard.refused += 1;
        if self.low(now) {
            self.heard_low.refused += 1;
        }
        let tolerated = self.tolerated(now);
        self.excess += 1.0 - tolerated;
        if self.curve.is_some_and(|curve| now < curve.since + STEP) {
            return None;
        }
        let before = self.now(now);
        let far_off = self.heard.refused >= self.heard.taken + MAJORITY;
        if tolerated > 0.0 && self.excess < PATIENCE * (before / SLOW).ln() && !far_off {
            return None;
        }
        let rate = (before * if far_off { FAR_DOWN } else { DOWN }).max(SLOWEST);
        if rate >= before {
            return None;
        }
        // Where it was far off, the store bears no more than half of it: no use in going back there soon.
        let plateau = (rate / DOWN).min(before);
        self.curve = Some(Curve::new(now, rate, plateau, self.ceiling));
        self.round += 1;
        (self.heard, self.heard_low) = Default::default();
        self.excess = 0.0;
        self.lowest = Some(self.lowest.map_or(rate, |lowest| lowest.min(rate)));
        self.next = now + Duration::from_secs_f64(1.0 / rate);
        Some(rate)
    }

    /// Whether what is answered now left while the curve was low: it had begun with the round, and is not
    /// past that yet.
    fn low(&self, now: Duration) -> bool {
        self.curve.is_some_and(|curve| curve.low(now))
    }

    /// The share of refusals that is tolerated at `now`.
    fn tolerated(&self, now: Duration) -> f64 {
        if self.low(now) { TOLERATED } else { (LEEWAY * self.heard_low.share()).min(TOLERATED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn a_burst_of_refusals_is_one_signal() {
        let mut rate = Rate::new(1000.0);
        for _ in 0..100 {
            rate.taken(0, seconds(0.0));
        }
        let steps: Vec<f64> = (0..32).filter_map(|_| rate.refused(0, seconds(5.0))).collect();
        assert_eq!(steps, [800.0]);
        // One that left behind the step comes back at once: the step has not shown its effect yet.
        assert_eq!(rate.refused(1, seconds(5.1)), None);
        // More refused than taken since: far off. It had climbed a little.
        assert_eq!(rate.refused(1, seconds(5.15)), None);
        let lower = rate.refused(1, seconds(5.3)).unwrap();
        assert!((400.0..420.0).contains(&lower), "{lower}");
        assert_eq!((rate.round(), rate.lowest()), (2, Some(lower)));
    }

    #[test]
    fn it_climbs_slowly_past_the_plateau_and_never_above_the_jobs_own() {
        let mut rate = Rate::new(100.0);
        rate.taken(0, seconds(0.0));
        assert_eq!(rate.refused(0, seconds(0.0)), Some(80.0));
        let mut last = 80.0;
        for tick in 0..600 {
            let now = rate.now(seconds(f64::from(tick) * 0.1));
            assert!(now >= last - 1e-9 && now <= 100.0, "{now} after {last}");
            last = now;
        }
        assert!((last - 100.0).abs() < f64::EPSILON, "it is the job's own again");
        // Ten seconds to the plateau, as the constant's comment says.
        let curve = Curve::new(seconds(0.0), 80.0, 100.0, 100.0);
        assert!((curve.until_plateau - 10.0).abs() < 0.01, "{}", curve.until_plateau);
    }

    #[test]
    fn it_comes_back_from_next_to_nothing_within_minutes() {
        let mut rate = Rate::new(1000.0);
        let mut now = 0.0;
        while rate.lowest() != Some(SLOWEST) {
            for _ in 0..5 {
                rate.refused(rate.round(), seconds(now));
            }
            now += 0.25;
        }
        assert!(now < 6.0, "down within {now} s");
        assert_eq!(rate.refused(rate.round(), seconds(now)), Some(SLOWEST), "there is a lowest rate");
        let down = now;
        while rate.now(seconds(now)) < 1000.0 {
            now += 0.25;
        }
        assert!(now - down < 180.0, "back after {} s", now - down);
    }

    /// Asks from `from` to `to`, a hundred times a second; each `n`-th is refused. The steps down.
    fn ask(rate: &mut Rate, (from, to): (u32, u32), n: u32) -> Vec<f64> {
        let mut steps = Vec::new();
        for number in from * 100..to * 100 {
            let now = seconds(f64::from(number) / 100.0);
            if number % n == n - 1 {
                steps.extend(rate.refused(rate.round(), now));
            } else {
                rate.taken(rate.round(), now);
            }
        }
        steps
    }

    #[test]
    fn a_share_that_a_step_down_does_not_lower_is_tolerated_until_it_grows() {
        let mut rate = Rate::new(100.0);
        assert_eq!(ask(&mut rate, (0, 600), 50), [80.0], "the first one asks");
        assert!((rate.now(seconds(600.0)) - 100.0).abs() < f64::EPSILON);
        assert_eq!(ask(&mut rate, (600, 603), 5).first(), Some(&80.0), "one in five is no such share");
    }

    #[test]
    fn a_share_that_a_step_down_has_lowered_was_of_the_rate() {
        let mut rate = Rate::new(100.0);
        assert_eq!(rate.refused(0, seconds(0.0)), Some(80.0));
        assert!(ask(&mut rate, (0, 8), u32::MAX).is_empty());
        assert!(rate.refused(1, seconds(8.0)).is_some(), "one is enough");
    }

    #[test]
    fn a_slow_lane_is_brought_down_by_each_refusal() {
        let mut rate = Rate::new(3.0);
        for number in 0..20 {
            rate.taken(rate.round(), seconds(f64::from(number)));
        }
        assert!(rate.refused(0, seconds(20.0)).is_some());
        for _ in 0..5 {
            rate.taken(1, seconds(21.0));
        }
        assert!(rate.refused(1, seconds(22.0)).is_some());
    }

    #[test]
    fn a_rate_of_one_cannot_come_down() {
        let mut rate = Rate::new(1.0);
        assert_eq!(rate.refused(0, seconds(1.0)), None);
        assert_eq!(rate.wait(seconds(1.0), Duration::ZERO), Duration::ZERO);
    }
}
