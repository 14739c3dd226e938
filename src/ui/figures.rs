//! Figures of a progress event as text, and rates over the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Charset, human_count, human_rate};
use crate::model::{Kinds, Rates, RequestCounts};

/// A rate is the mean over this span.
const WINDOW: Duration = Duration::from_secs(10);
/// Samples closer together than this are merged, which bounds their number.
const STEP: Duration = Duration::from_millis(250);
/// Before this much has been seen there is no rate: two close samples would show a wild one.
const SHORTEST: Duration = Duration::from_secs(1);

/// The moving rate of a count that only grows, from the times told with it.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Oldest first; at most `WINDOW / STEP + 3` of them. The first is at or before the edge of
    /// the window.
    samples: VecDeque<(Duration, u64)>,
}

impl Meter {
    /// Takes the count at `elapsed`. A sample older than the last one came late and is dropped.
    pub(super) fn push(&mut self, elapsed: Duration, count: u64) {
        if let Some(&(last, _)) = self.samples.back() {
            if elapsed < last {
                return;
            }
            // The first sample is the base line and stays; a later one gives way to a newer one
            // until it is a step away from the one before it.
            if let Some(&(before, _)) = self.samples.iter().nth_back(1)
                && elapsed.saturating_sub(before) < STEP
            {
                self.samples.pop_back();
            }
        }
        self.samples.push_back((elapsed, count));
        let edge = elapsed.saturating_sub(WINDOW);
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

/// One run's figures: the last progress event and the rates.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// `scan`, `plan` or `restore`; empty before the run has started.
    pub verb: &'static str,
    /// Restore requests a second that the job allows; 0 when nothing is sent.
    pub allowed: u32,
    kinds: Kinds,
    requests: RequestCounts,
    in_flight: u32,
    rates: Rates,
    elapsed: Duration,
    sent: Meter,
    listed: Meter,
}

impl Figures {
    /// Takes a progress event; `false` if it came late, after one with a greater `elapsed`.
    pub(super) fn take(
        &mut self,
        kinds: Kinds,
        requests: RequestCounts,
        in_flight: u32,
        rates: Rates,
        elapsed: Duration,
    ) -> bool {
        if elapsed < self.elapsed {
            return false;
        }
        (self.kinds, self.requests, self.elapsed) = (kinds, requests, elapsed);
        (self.in_flight, self.rates) = (in_flight, rates);
        self.sent.push(elapsed, requests.restore);
        self.listed.push(elapsed, kinds.listed);
        true
    }

    /// Since the start of the run.
    pub(super) const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Restore requests a second over the last seconds.
    pub(super) fn sent_rate(&self) -> Option<f64> {
        self.sent.rate()
    }

    /// Keys listed a second over the last seconds.
    pub(super) fn listed_rate(&self) -> Option<f64> {
        self.listed.rate()
    }

    /// How the work goes: `listed 1,234 · matched 1,200 · sent 450 · 79.8 of 80/s · 32 in flight`,
    /// or with the rate of listing where nothing is sent.
    pub(super) fn work(&self, charset: Charset) -> String {
        let mut parts = vec![
            format!("listed {}", human_count(self.kinds.listed)),
            format!("matched {}", human_count(self.kinds.matched)),
        ];
        if self.allowed > 0 {
            parts.push(format!("sent {}", human_count(self.requests.restore)));
            let now = self.rates.restore;
            let slowed = now > 0 && now < self.allowed;
            parts.push(format!(
                "{} of {}/s",
                human_rate(self.sent_rate()),
                human_count(u64::from(if slowed { now } else { self.allowed }))
            ));
            if slowed {
                parts.push(format!("slowed from {}/s", human_count(u64::from(self.allowed))));
            }
            parts.push(format!("{} in flight", self.in_flight));
        } else {
            parts.push(format!("{} keys/s", human_rate(self.listed_rate())));
        }
        parts.join(charset.dot())
    }

    /// `retries 163 · throttled 9 · slow-downs 2`, what is not zero of it.
    pub(super) fn trouble(&self, charset: Charset) -> String {
        let mut parts = Vec::new();
        let RequestCounts { retries, throttled, slow_downs, .. } = self.requests;
        for (n, word) in [(retries, "retries"), (throttled, "throttled"), (slow_downs, "slow-downs")] {
            if n > 0 {
                parts.push(format!("{word} {}", human_count(n)));
            }
        }
        parts.join(charset.dot())
    }

    /// Answers by kind, in the words of the report.
    pub(super) fn answers(&self, charset: Charset) -> String {
        answers(&self.kinds, self.verb, charset)
    }
}

/// Answers by kind in the words of the report: those that `verb` can give, and any other that is
/// not zero. Empty for a scan without failures.
pub(super) fn answers(kinds: &Kinds, verb: &str, charset: Charset) -> String {
    let (plans, restores) = (verb == "plan", verb == "restore");
    let parts: Vec<String> = [
        (kinds.requested, "requested", restores),
        (kinds.extended, "extended", restores),
        (kinds.already, "already", plans || restores),
        (kinds.planned, "planned", plans),
        (kinds.none, "none", plans || restores),
        (kinds.deferred, "deferred", false),
        (kinds.failed, "failed", plans || restores),
    ]
    .into_iter()
    // In a scan everything is `none`, and `matched` says that already.
    .filter(|&(n, word, always)| always || (n > 0 && word != "none"))
    .map(|(n, word, _)| format!("{word} {}", human_count(n)))
    .collect();
    parts.join(charset.dot())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ui) const KINDS: Kinds = Kinds {
        listed: 1_234_567,
        matched: 1_200_000,
        requested: 45_000,
        extended: 12,
        already: 500,
        planned: 0,
        failed: 3,
        none: 1_150_000,
        deferred: 0,
    };
    pub(in crate::ui) const REQUESTS: RequestCounts = RequestCounts {
        list: 1_235,
        head: 0,
        restore: 45_678,
        retries: 163,
        throttled: 9,
        slow_downs: 2,
        lowest_restore_rate: Some(51),
        lists: crate::model::Answers { taken: 0, refused: 0, failed: 0, silent: 0 },
    };
    pub(in crate::ui) const RATES: Rates = Rates { list: 100, head: 200, restore: 80 };

    fn seconds(s: f64) -> Duration {
        Duration::from_secs_f64(s)
    }

    #[test]
    fn rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
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
    fn a_resumed_run_does_not_start_with_a_leap() {
        let mut meter = Meter::default();
        meter.push(seconds(0.1), 1_000_000);
        assert_eq!(meter.rate(), None);
        meter.push(seconds(2.1), 1_000_020);
        assert_eq!(meter.rate(), Some(10.0));
    }

    #[test]
    fn rate_falls_to_zero_when_nothing_moves() {
        let mut meter = Meter::default();
        for s in 0..30 {
            meter.push(Duration::from_secs(s), 100 * s.min(4));
        }
        assert_eq!(meter.rate(), Some(0.0));
    }

    #[test]
    fn samples_are_bounded_and_late_ones_dropped() {
        let mut meter = Meter::default();
        for tick in 0..100_000_u32 {
            meter.push(Duration::from_millis(u64::from(tick)), u64::from(tick));
        }
        assert!(meter.samples.len() <= 43, "{}", meter.samples.len());
        assert!((meter.rate().unwrap() - 1_000.0).abs() < 1.0);
        let before = meter.rate();
        meter.push(seconds(1.0), 0);
        assert_eq!(meter.rate(), before);
    }

    #[test]
    fn figures_speak_the_words_of_the_report() {
        let mut figures = Figures { verb: "restore", allowed: 80, ..Figures::default() };
        let mut early = REQUESTS;
        early.restore -= 798;
        figures.take(KINDS, early, 30, RATES, seconds(590.0));
        figures.take(KINDS, REQUESTS, 32, RATES, seconds(600.0));
        insta::assert_snapshot!(figures.work(Charset::Utf8), @"listed 1,234,567 · matched 1,200,000 · sent 45,678 · 79.8 of 80/s · 32 in flight");
        assert_eq!(figures.trouble(Charset::Utf8), "retries 163 · throttled 9 · slow-downs 2");
        figures.take(KINDS, REQUESTS, 32, Rates { restore: 64, ..RATES }, seconds(600.0));
        assert!(figures.work(Charset::Ascii).contains("79.8 of 64/s | slowed from 80/s | 32 in flight"));
        insta::assert_snapshot!(figures.answers(Charset::Ascii), @"requested 45,000 | extended 12 | already 500 | none 1,150,000 | failed 3");
    }

    #[test]
    fn a_scan_tells_of_listing_only() {
        let mut figures = Figures { verb: "scan", ..Figures::default() };
        let kinds = Kinds { listed: 3_000, matched: 2_000, none: 2_000, ..Kinds::default() };
        figures.take(Kinds::default(), RequestCounts::default(), 0, RATES, seconds(0.0));
        figures.take(kinds, RequestCounts::default(), 0, RATES, seconds(2.0));
        insta::assert_snapshot!(figures.work(Charset::Utf8), @"listed 3,000 · matched 2,000 · 1,500 keys/s");
        assert_eq!(figures.answers(Charset::Utf8), "");
    }
}
