//! Figures of a progress event as text.

use std::time::Duration;

use super::human::human_objects;
use super::{Charset, human_bytes, human_count, human_rate, human_span};
use crate::model::{Basis, Bound, Kinds, Money, Over, Progress, RequestCounts, Unit};

/// How far the listing is: `1,234,567 of ~1,990,000 keys`, `37 of 64 ranges`, and so on.
pub(super) fn listing(progress: &Progress) -> Vec<String> {
    let Progress { kinds, ranges, expected, earlier, .. } = progress;
    let listed = earlier.saturating_add(kinds.listed);
    let mut parts = vec![match expected.listed.filter(|all| *all >= listed && *all > 0) {
        Some(all) => format!("{} of ~{} keys", human_count(listed), human_count(all)),
        None => format!("{} keys", human_count(listed)),
    }];
    if *earlier > 0 {
        parts.push(format!("{} before this session", human_count(*earlier)));
    }
    if ranges.known > 1 {
        parts.push(format!("{} of {} ranges", human_count(ranges.done), human_count(ranges.known)));
    }
    if let Some(rate) = progress.speeds.listed {
        parts.push(format!("{} keys/s", human_rate(Some(rate))));
    }
    parts.push(format!("matched {}", human_count(kinds.matched)));
    parts
}

/// How far the requests are, where `allowed` a second may be sent: `79.8 of 80/s`, `sent 450`, and so on.
pub(super) fn restores(allowed: u32, progress: &Progress) -> Vec<String> {
    let now = progress.rates.restore;
    let slowed = now > 0 && now < allowed;
    let shown = human_count(u64::from(if slowed { now } else { allowed }));
    let mut parts = vec![match progress.speeds.restores {
        Some(rate) => format!("{} of {shown}/s", human_rate(Some(rate))),
        None => format!("at most {shown}/s"),
    }];
    if slowed {
        parts.push(format!("slowed from {}/s", human_count(u64::from(allowed))));
    }
    parts.push(format!("sent {}", human_count(progress.requests.restore)));
    parts.push(format!("{} in flight", progress.in_flight));
    if progress.kinds.asked_bytes > 0 {
        parts.push(format!("{} asked for", human_bytes(progress.kinds.asked_bytes)));
    }
    parts
}

/// A bound and how much of it is taken: `day 3.0 TiB of 4.0 TiB`, and what other runs took of it.
pub(super) fn bound_words(bound: &Bound) -> Vec<String> {
    let Bound { over, unit, taken, most, elsewhere } = *bound;
    let over = match over {
        Over::Run => "run",
        Over::Day => "day",
    };
    let amount = |n: u64| match unit {
        Unit::Objects => human_count(n),
        Unit::Bytes => human_bytes(n),
        Unit::Money(currency) => Money { currency, micros: n.into() }.to_string(),
    };
    let of = if unit == Unit::Objects { human_objects(most) } else { amount(most) };
    let mut parts = vec![format!("{over} {} of {of}", amount(taken))];
    if elsewhere > 0 {
        parts.push(format!("{} by other sources", amount(elsewhere)));
    }
    parts
}

/// `retries 163`, `throttled 9`, `slow-downs 2`: what is not zero of it.
pub(super) fn trouble(progress: &Progress) -> Vec<String> {
    let RequestCounts { retries, throttled, slow_downs, .. } = progress.requests;
    [(retries, "retries"), (throttled, "throttled"), (slow_downs, "slow-downs")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{word} {}", human_count(n)))
        .collect()
}

/// When the run may end, and what that rests on; `None` where nobody knows.
pub(super) fn end(progress: &Progress) -> Option<String> {
    let eta = progress.eta?;
    let basis = match eta.basis {
        Basis::LastRun => {
            format!("if there are {} keys, as in the last run", human_count(progress.expected.listed?))
        }
        Basis::Plan => {
            format!("if all {} of the plan are asked for", human_objects(progress.expected.planned?))
        }
    };
    Some(format!("{}, {basis}", about(eta.left)))
}

/// A span that is a guess: in whole minutes.
fn about(span: Duration) -> String {
    let minutes = span.as_secs().div_ceil(60);
    match minutes {
        0 | 1 => "within a minute".to_owned(),
        2..=59 => format!("in about {minutes} minutes"),
        _ => format!("in about {}", human_span(Duration::from_secs(minutes * 60))),
    }
}

/// All of it on one line, where `verb` may send `allowed` restore requests a second.
pub(super) fn line(progress: &Progress, verb: &str, allowed: u32, charset: Charset) -> String {
    let mut parts = listing(progress);
    if allowed > 0 {
        parts.extend(restores(allowed, progress));
    }
    parts.push(answers(&progress.kinds, verb, charset));
    parts.extend(progress.budget.iter().map(|bound| bound_words(bound).join(", ")));
    parts.extend(trouble(progress));
    if !progress.pause.is_zero() {
        parts.push(format!("pausing for {}", human_span(progress.pause)));
    }
    parts.extend(end(progress).map(|end| format!("ends {end}")));
    parts.retain(|part| !part.is_empty());
    parts.join(charset.dot())
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
    use crate::model::{Eta, Expected, Ranges, Rates, Speeds};

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
        asked_bytes: 13_207_024_435,
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

    /// A run as it is after so many seconds.
    pub(in crate::ui) fn progress(seconds: u64) -> Progress {
        progress_at(Duration::from_secs(seconds))
    }

    pub(in crate::ui) fn progress_at(elapsed: Duration) -> Progress {
        Progress {
            kinds: KINDS,
            requests: REQUESTS,
            in_flight: 32,
            rates: RATES,
            elapsed,
            speeds: Speeds { listed: Some(1_012.4), restores: Some(79.84) },
            ranges: Ranges { done: 1, known: 4 },
            ..Progress::default()
        }
    }

    #[test]
    fn figures_speak_the_words_of_the_report() {
        let mut now = progress(600);
        insta::assert_snapshot!(line(&now, "restore", 80, Charset::Utf8), @"1,234,567 keys · 1 of 4 ranges · 1,012 keys/s · matched 1,200,000 · 79.8 of 80/s · sent 45,678 · 32 in flight · 12.3 GiB asked for · requested 45,000 · extended 12 · already 500 · none 1,150,000 · failed 3 · retries 163 · throttled 9 · slow-downs 2");
        now.rates.restore = 64;
        assert!(line(&now, "restore", 80, Charset::Ascii).contains("79.8 of 64/s | slowed from 80/s | sent"));
        now.speeds = Speeds::default();
        assert!(line(&now, "restore", 80, Charset::Ascii).contains(" | at most 64/s"));
    }

    #[test]
    fn a_scan_tells_of_listing_only() {
        let kinds = Kinds { listed: 3_000, matched: 2_000, none: 2_000, ..Kinds::default() };
        let speeds = Speeds { listed: Some(1_500.0), restores: Some(0.0) };
        let now = Progress { kinds, speeds, ..Progress::default() };
        insta::assert_snapshot!(line(&now, "scan", 0, Charset::Utf8), @"3,000 keys · 1,500 keys/s · matched 2,000");
    }

    #[test]
    fn an_end_is_told_with_what_it_rests_on() {
        let told = |seconds, basis| {
            let expected = Expected { listed: Some(9_000), planned: Some(700), ended: None };
            let eta = Some(Eta { left: Duration::from_secs(seconds), basis });
            end(&Progress { expected, eta, ..Progress::default() }).unwrap()
        };
        assert_eq!(told(30, Basis::LastRun), "within a minute, if there are 9,000 keys, as in the last run");
        let plan = "if all 700 objects of the plan are asked for";
        assert_eq!(told(61, Basis::Plan), format!("in about 2 minutes, {plan}"));
        assert_eq!(told(3_601, Basis::Plan), format!("in about 1h01m, {plan}"));
        assert_eq!(end(&Progress::default()), None);
    }
}
