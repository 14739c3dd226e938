//! How far a run is as a few lines with bars: what a terminal shows while it goes on, and `status`
//! from another one. Pure: figures and a width in, lines out, none of them wider.

use std::time::Duration;

use super::escape::{clipped, columns};
use super::figures::{self, answers, bound_words};
use super::human::human_objects;
use super::{Charset, Look, human_bytes, human_count, human_span};
use crate::model::{Bound, Doing, Phase, Progress, Speeds};

/// Columns of a row's name.
pub(super) const NAME: usize = 10;
/// Columns of a bar, and where there is less room.
const BAR: usize = 20;
const SHORT_BAR: usize = 10;
/// From this width on bars are long.
const ROOMY: usize = 64;

/// Lays rows out in a width.
#[derive(Debug)]
pub(super) struct Rows {
    width: usize,
    /// Whether a part that is longer than a line is cut.
    cuts: bool,
    look: Look,
    lines: Vec<String>,
}

impl Rows {
    /// No rows yet; none will take more than `width` columns, which count as 20 at least.
    pub(super) fn new(width: usize, look: Look) -> Self {
        Self { width: width.max(20), cuts: true, look, lines: Vec::new() }
    }

    /// The same for a file or a pipe: a name that is longer than a line is not cut.
    pub(super) fn uncut(width: usize, look: Look) -> Self {
        Self { cuts: false, ..Self::new(width, look) }
    }

    /// The lines so far.
    pub(super) fn lines(self) -> Vec<String> {
        self.lines
    }

    /// A row of `parts` behind its name, the next ones on lines of their own where there is no room.
    pub(super) fn row(&mut self, name: &str, parts: &[String]) {
        self.laid(name, None, parts, self.look.charset.dot());
    }

    /// The same with a bar that is filled to `share`, where one is known.
    pub(super) fn bar(&mut self, name: &str, share: Option<f64>, parts: &[String]) {
        self.laid(name, share, parts, self.look.charset.dot());
    }

    /// A sentence behind its name, broken between words.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        self.laid(name, None, &words, " ");
    }

    fn laid(&mut self, name: &str, share: Option<f64>, parts: &[String], between: &str) {
        let mut line = format!("{name:<NAME$}");
        let mut used = NAME;
        let room = if self.width >= ROOMY { BAR } else { SHORT_BAR };
        let first = parts.first().map_or(0, |part| columns(part));
        // A bar that its figures have no room beside says less than they do.
        if let Some(share) = share.filter(|_| NAME + room + 2 + first <= self.width) {
            line.push_str(&bar(share, room, self.look));
            line.push_str("  ");
            used += room + 2;
        }
        let mut fresh = true;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let part =
                if self.cuts { clipped(part, self.width - NAME, self.look.charset) } else { part.clone() };
            let gap = if fresh { "" } else { between };
            if used > NAME && used + columns(gap) + columns(&part) > self.width {
                self.lines.push(std::mem::replace(&mut line, " ".repeat(NAME)));
                used = NAME;
            } else {
                line.push_str(gap);
                used += columns(gap);
            }
            used += columns(&part);
            line.push_str(&part);
            fresh = false;
        }
        self.lines.push(line);
        for line in &mut self.lines {
            line.truncate(line.trim_end().len());
        }
    }
}

/// `room` columns, filled to `share`, which counts as at least 0 and at most 1. Full only when it is.
fn bar(share: f64, room: usize, look: Look) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and no larger than the room"
    )]
    let filled = (share * room as f64).floor() as usize;
    let (full, empty) = match look.charset {
        Charset::Utf8 => ("\u{2501}", "\u{2500}"),
        Charset::Ascii => ("#", "-"),
    };
    format!("{}{}", look.cyan(&full.repeat(filled)), empty.repeat(room - filled))
}

/// How much of `all` is `done`; `None` if there is nothing to be done, or more than all of it was.
fn share(done: u64, all: u64) -> Option<f64> {
    (all > 0 && done <= all).then(|| done as f64 / all as f64)
}

/// What a process does, in rows.
pub(super) fn doing(rows: &mut Rows, doing: &Doing) {
    match doing {
        Doing::Run { verb, phase, allowed, progress } => run(rows, verb, *phase, *allowed, progress),
        Doing::Wait { ready, open, next } => {
            rows.text("now", "waiting until copies are readable");
            wait(rows, *ready, *open);
            if let Some(next) = next {
                rows.row("next look", &[format!("{next:.0}")]);
            }
        }
        Doing::Release { named, done, released, failed } => {
            let parts = [
                format!("{} of {}", human_count(*done), human_objects(*named)),
                format!("released {}", human_count(*released)),
                format!("failed {}", human_count(*failed)),
            ];
            rows.bar("release", share(*done, *named), &parts);
        }
    }
}

/// How many of the objects that are waited for are readable.
pub(super) fn wait(rows: &mut Rows, ready: u64, open: u64) {
    let all = ready.saturating_add(open);
    let parts = [format!("{} of {}", human_count(ready), human_objects(all))];
    rows.bar("readable", share(ready, all), &parts);
}

/// How far a run is.
pub(super) fn run(rows: &mut Rows, verb: &str, phase: Phase, allowed: u32, progress: &Progress) {
    if let Some(text) = phase_words(phase, progress.pause) {
        rows.text("now", &text);
    }
    let idle;
    let progress = if matches!(phase, Phase::Waiting(_) | Phase::Finishing) {
        // Nothing is listed or asked for: what the pace was before says nothing any more.
        idle = Progress { speeds: Speeds::default(), eta: None, ..progress.clone() };
        &idle
    } else {
        progress
    };
    listing(rows, progress);
    if allowed > 0 {
        restores(rows, allowed, progress);
    }
    let mut name = "budget";
    for bound in &progress.budget {
        budget(rows, name, bound);
        name = "";
    }
    let charset = rows.look.charset;
    let mut said: Vec<String> =
        answers(&progress.kinds, verb, charset).split(charset.dot()).map(str::to_owned).collect();
    if verb == "plan" && progress.kinds.asked_bytes > 0 {
        said.push(human_bytes(progress.kinds.asked_bytes));
    }
    if said.iter().any(|part| !part.is_empty()) {
        rows.row("answers", &said);
    }
    let trouble = figures::trouble(progress);
    if !trouble.is_empty() {
        rows.row("trouble", &trouble);
    }
    if let Some(end) = figures::end(progress) {
        rows.text("ends", &end);
    }
}

fn listing(rows: &mut Rows, progress: &Progress) {
    let Progress { kinds, ranges, expected, .. } = progress;
    let listed = progress.earlier.saturating_add(kinds.listed);
    let known = expected.listed.filter(|all| *all >= listed && *all > 0);
    let filled = match known {
        Some(all) => share(listed, all),
        // One stretch is there or is not: that is no bar.
        None => share(ranges.done, ranges.known).filter(|_| ranges.known > 1),
    };
    rows.bar("listing", filled, &figures::listing(progress));
}

fn restores(rows: &mut Rows, allowed: u32, progress: &Progress) {
    let pace = progress.speeds.restores.unwrap_or_default() / f64::from(allowed);
    rows.bar("restores", Some(pace), &figures::restores(allowed, progress));
}

fn budget(rows: &mut Rows, name: &str, bound: &Bound) {
    rows.bar(name, share(bound.taken.min(bound.most), bound.most), &bound_words(bound));
}

/// What the run is busy with, where that is not its work.
pub(super) fn phase_words(phase: Phase, pause: Duration) -> Option<String> {
    match phase {
        Phase::Running if pause.is_zero() => None,
        Phase::Running => Some(format!(
            "pausing: no restore request for {}, as the store asked",
            human_span(Duration::from_secs(pause.as_secs() + 1))
        )),
        Phase::Draining(most) => Some(format!(
            "stopping: requests in flight may come back for up to {}s, nothing new is sent",
            most.as_secs()
        )),
        Phase::Waiting(until) => Some(format!("waiting for the window, which opens at {until:.0}")),
        Phase::Finishing => Some("closing the report".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::progress;
    use super::*;
    use crate::model::{Basis, Currency, Eta, Expected, Over, Ranges, Unit};

    fn shown(width: usize, look: Look, phase: Phase, progress: &Progress) -> Vec<String> {
        let mut rows = Rows::new(width, look);
        run(&mut rows, "restore", phase, 80, progress);
        rows.lines()
    }

    fn full() -> Progress {
        let bound = |over, unit, taken, most, elsewhere| Bound { over, unit, taken, most, elsewhere };
        let currency = Currency::from_word("CNY").unwrap();
        Progress {
            ranges: Ranges { done: 37, known: 64 },
            earlier: 100_000,
            budget: vec![
                bound(Over::Run, Unit::Objects, 45_000, 100_000, 0),
                bound(Over::Day, Unit::Bytes, 3 << 40, 4 << 40, 1 << 40),
                bound(Over::Day, Unit::Money(currency), 12_500_000, 200_000_000, 0),
            ],
            expected: Expected { listed: Some(1_990_000), ..Expected::default() },
            eta: Some(Eta { left: Duration::from_secs(2_470), basis: Basis::LastRun }),
            ..progress(600)
        }
    }

    #[test]
    fn a_run_at_eighty_columns() {
        insta::assert_snapshot!(shown(80, Look::default(), Phase::Running, &full()).join("\n"), @r"
        listing   ━━━━━━━━━━━━━───────  1,334,567 of ~1,990,000 keys
                  100,000 before this session · 37 of 64 ranges · 1,012 keys/s
                  matched 1,200,000
        restores  ━━━━━━━━━━━━━━━━━━━─  79.8 of 80/s · sent 45,678 · 32 in flight
                  12.3 GiB asked for
        budget    ━━━━━━━━━───────────  run 45,000 of 100,000 objects
                  ━━━━━━━━━━━━━━━─────  day 3.0 TiB of 4.0 TiB
                  1.0 TiB by other sources
                  ━───────────────────  day 12.50 CNY of 200.00 CNY
        answers   requested 45,000 · extended 12 · already 500 · none 1,150,000
                  failed 3
        trouble   retries 163 · throttled 9 · slow-downs 2
        ends      in about 42 minutes, if there are 1,990,000 keys, as in the last run
        ");
    }

    #[test]
    fn a_run_at_forty_columns_of_ascii() {
        let look = Look { charset: Charset::Ascii, ..Look::default() };
        let until = "2026-11-21T14:00:00Z".parse().unwrap();
        insta::assert_snapshot!(shown(40, look, Phase::Waiting(until), &full()).join("\n"), @r"
        now       waiting for the window, which
                  opens at 2026-11-21T14:00:00Z
        listing   1,334,567 of ~1,990,000 keys
                  100,000 before this session
                  37 of 64 ranges
                  matched 1,200,000
        restores  ----------  at most 80/s
                  sent 45,678 | 32 in flight
                  12.3 GiB asked for
        budget    run 45,000 of 100,000 objects
                  day 3.0 TiB of 4.0 TiB
                  1.0 TiB by other sources
                  day 12.50 CNY of 200.00 CNY
        answers   requested 45,000 | extended 12
                  already 500 | none 1,150,000
                  failed 3
        trouble   retries 163 | throttled 9
                  slow-downs 2
        ");
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        let mut huge = full();
        huge.kinds.listed = u64::MAX / 2;
        huge.kinds.none = u64::MAX;
        huge.kinds.asked_bytes = u64::MAX;
        huge.requests.restore = u64::MAX;
        huge.pause = Duration::from_secs(29);
        for width in 40..140 {
            for phase in [Phase::Running, Phase::Draining(Duration::from_secs(8)), Phase::Finishing] {
                for progress in [&huge, &full(), &Progress::default()] {
                    for line in shown(width, Look::default(), phase, progress) {
                        assert!(columns(&line) <= width, "{width}: {line}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_bar_is_full_only_at_the_end_and_coloured_only_where_allowed() {
        let plain = Look { charset: Charset::Ascii, ..Look::default() };
        for (share, text) in [
            (0.0, "----------"),
            (0.999, "#########-"),
            (1.0, "##########"),
            (7.0, "##########"),
            (f64::NAN, "----------"),
        ] {
            assert_eq!(bar(share, 10, plain), text);
        }
        assert_eq!(bar(0.5, 2, Look { color: true, ..plain }), "\u{1b}[36m#\u{1b}[0m-");
        assert!(!shown(80, Look::default(), Phase::Running, &full()).concat().contains('\u{1b}'));
    }

    #[test]
    fn phases_are_told_as_such() {
        let words = |phase, pause| phase_words(phase, Duration::from_secs(pause)).unwrap_or_default();
        assert_eq!(words(Phase::Running, 0), "");
        assert_eq!(words(Phase::Running, 29), "pausing: no restore request for 30s, as the store asked");
        assert_eq!(words(Phase::Finishing, 29), "closing the report");
        assert!(words(Phase::Draining(Duration::from_secs(8)), 0).contains("for up to 8s, nothing new"));
    }
}
