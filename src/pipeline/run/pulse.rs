//! What is known of a run as it goes on, over all its sessions in this process: its rates, its
//! timeline, a guess at its end, and the file that tells other processes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::eta::Foresight;
use super::meter::Meter;
use crate::model::{
    Doing, Expected, Kinds, Phase, Progress, Ranges, RequestCounts, Sample, Speeds, Timeline,
};
use crate::pipeline::checkpoint::{LiveFile, Mark, StateDir};

/// A rate that is shown is the mean over this span.
const WINDOW: Duration = Duration::from_secs(10);
/// How often the file for other processes is brought up to date.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// What is known of a run as it goes on.
#[derive(Debug)]
pub(super) struct Pulse {
    verb: &'static str,
    /// Restore requests a second that the job allows; 0 when nothing is sent.
    allowed: u32,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What the first session in this process found; `None` before it did.
    found: Option<Found>,
    /// `None` if the run's beginning was not taken down: see `checkpoint::mark`.
    timeline: Option<Timeline>,
    /// What of the session the timeline has.
    taken: (Kinds, RequestCounts),
    listed: Meter,
    restores: Meter,
    foresight: Foresight,
    ranges: Ranges,
    phase: Phase,
    last: Progress,
    live: Option<LiveFile>,
    published: Option<Duration>,
}

/// What a session finds of the run that it goes on with.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    /// Entries listed.
    listed: u64,
    /// Time spent working.
    elapsed: Duration,
    expected: Expected,
}

impl Pulse {
    /// Of a run that has not found its books yet.
    pub(super) fn new(verb: &'static str, allowed: u32) -> Self {
        let inner = Inner {
            found: None,
            timeline: None,
            taken: Default::default(),
            listed: Meter::over(WINDOW),
            restores: Meter::over(WINDOW),
            foresight: Foresight::default(),
            ranges: Ranges::default(),
            phase: Phase::Running,
            last: Progress::default(),
            live: None,
            published: None,
        };
        Self { verb, allowed, inner: Mutex::new(inner) }
    }

    /// Restore requests a second that the job allows; 0 when nothing is sent.
    pub(super) const fn allowed(&self) -> u32 {
        self.allowed
    }

    /// Takes over what `mark` knows, and begins to tell other processes by way of `state`. Done once.
    /// `planned` is how many objects a plan lets the run ask for.
    pub(super) fn begin(&self, mark: &Mark, state: Option<&StateDir>, planned: Option<u64>) {
        let mut inner = self.inner();
        if inner.found.is_none() {
            let expected = Expected { planned, ..mark.expected };
            inner.found = Some(Found { listed: mark.tally.listed, elapsed: mark.elapsed, expected });
            inner.timeline.clone_from(&mark.timeline);
            inner.live = state.and_then(StateDir::live);
        }
    }

    /// A session lists `ranges` stretches to begin with.
    pub(super) fn ranges(&self, ranges: usize) {
        self.inner().ranges = Ranges { done: 0, known: ranges as u64 };
    }

    /// A stretch was cut in two.
    pub(super) fn cut(&self) {
        self.inner().ranges.known += 1;
    }

    /// A stretch came to its end.
    pub(super) fn range_done(&self) {
        self.inner().ranges.done += 1;
    }

    /// All that is left is one stretch.
    pub(super) fn collapsed(&self) {
        let ranges = &mut self.inner().ranges;
        ranges.known = ranges.done + 1;
    }

    /// The run enters `phase` at `now`.
    pub(super) fn phase(&self, phase: Phase, now: Timestamp) {
        let mut inner = self.inner();
        inner.phase = phase;
        self.publish(&mut inner, now);
    }

    /// Takes what the session counted so far, and adds what only this knows.
    pub(super) fn take(&self, mut progress: Progress, now: Timestamp) -> Progress {
        let mut inner = self.inner();
        let Found { listed, elapsed: worked, expected } = inner.found.unwrap_or_default();
        let Progress { kinds, requests, elapsed, .. } = progress;
        let (before, sent) = inner.taken;
        let more = Sample {
            listed: kinds.listed.saturating_sub(before.listed),
            restores: requests.restore.saturating_sub(sent.restore),
            failed: kinds.failed.saturating_sub(before.failed),
            slow_downs: requests.slow_downs.saturating_sub(sent.slow_downs),
            rate: if self.allowed > 0 { progress.rates.restore } else { 0 },
        };
        let since = elapsed.saturating_sub(inner.last.elapsed);
        if let Some(timeline) = &mut inner.timeline {
            let to = worked + elapsed;
            timeline.add(to.saturating_sub(since), to, more);
        }
        inner.taken = (kinds, requests);
        inner.listed.push(elapsed, kinds.listed);
        inner.restores.push(elapsed, requests.restore);
        progress.speeds = Speeds { listed: inner.listed.rate(), restores: inner.restores.rate() };
        progress.ranges = inner.ranges;
        (progress.earlier, progress.expected) = (listed, expected);
        progress.eta = inner.foresight.guess(elapsed, &kinds, &expected, listed);
        inner.last = progress.clone();
        if inner.published.is_none_or(|at| elapsed >= at + PUBLISH_EVERY) {
            inner.published = Some(elapsed);
            self.publish(&mut inner, now);
        }
        progress
    }

    fn publish(&self, inner: &mut Inner, now: Timestamp) {
        if let Some(live) = &inner.live {
            let (verb, progress) = (self.verb.to_owned(), Box::new(inner.last.clone()));
            live.tell(now, Doing::Run { verb, phase: inner.phase, allowed: self.allowed, progress });
        }
    }

    /// What was done when, over all sessions; `None` if the beginning is not known.
    pub(super) fn timeline(&self) -> Option<Timeline> {
        self.inner().timeline.clone()
    }

    /// Tells other processes nothing more: the lock is about to be given back.
    pub(super) fn end(&self) {
        let live = self.inner().live.take();
        drop(live);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rates;

    fn told(pulse: &Pulse, millis: u64, listed: u64, restore: u64) -> Progress {
        let progress = Progress {
            kinds: Kinds { listed, ..Kinds::default() },
            requests: RequestCounts { restore, ..RequestCounts::default() },
            rates: Rates { restore: 80, ..Rates::default() },
            elapsed: Duration::from_millis(millis),
            ..Progress::default()
        };
        pulse.take(progress, Timestamp::UNIX_EPOCH)
    }

    /// A run that has worked for ten seconds and listed 500 entries before this session.
    fn begun() -> Pulse {
        let pulse = Pulse::new("restore", 80);
        {
            let mut inner = pulse.inner();
            let elapsed = Duration::from_secs(10);
            inner.found = Some(Found { listed: 500, elapsed, expected: Expected::default() });
            let mut timeline = Timeline::default();
            timeline.add(
                Duration::from_secs(9),
                Duration::from_secs(9),
                Sample { listed: 500, rate: 80, ..Sample::default() },
            );
            inner.timeline = Some(timeline);
        }
        pulse
    }

    #[test]
    fn the_timeline_goes_on_behind_earlier_sessions_and_counts_each_thing_once() {
        let pulse = begun();
        for (millis, listed, restore) in [(200, 10, 1), (400, 10, 2), (1_500, 30, 9), (1_500, 30, 9)] {
            assert_eq!(told(&pulse, millis, listed, restore).earlier, 500);
        }
        let timeline = pulse.timeline().unwrap();
        assert_eq!(timeline.samples.len(), 12);
        let at = |second: usize| (timeline.samples[second].listed, timeline.samples[second].restores);
        // What came between 0.4 s and 1.5 s is 6 parts of 11 the eleventh second's.
        assert_eq!([at(9), at(10), at(11)], [(500, 0), (10 + 10, 2 + 3), (10, 4)]);
        assert!(timeline.samples.iter().all(|sample| sample.rate == 80));
    }

    #[test]
    fn ranges_are_counted_as_they_are_cut_and_done() {
        let pulse = begun();
        pulse.ranges(1);
        (0..3).for_each(|_| pulse.cut());
        pulse.range_done();
        assert_eq!(told(&pulse, 1, 0, 0).ranges, Ranges { done: 1, known: 4 });
        pulse.collapsed();
        assert_eq!(told(&pulse, 2, 0, 0).ranges, Ranges { done: 1, known: 2 });
    }
}
