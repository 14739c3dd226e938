//! Plain lines for cron, pipes and logs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::figures::{self, answers};
use super::notice::Notices;
use super::{Charset, Look, Sink, human_count, human_span, printable};
use crate::model::{Event, Kinds, Tell};

/// Between two lines of progress, of the run's own elapsed time.
const EVERY: Duration = Duration::from_mins(1);
/// The span of time for which retries and slow-downs are bounded.
pub(super) const TURN: Duration = Duration::from_secs(10);

/// Tells a run in plain lines: one at the start, one of progress a minute at most, one per
/// notice, one at the end. With `-q` only failures and a run that did not go well are told.
#[derive(Debug)]
pub struct Lines {
    look: Look,
    sink: Sink,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    verb: &'static str,
    /// Restore requests a second that the job allows; 0 when nothing is sent.
    allowed: u32,
    notices: Notices,
    job: String,
    /// Elapsed time of the last event of progress, the last line of it, and the last turn.
    elapsed: Duration,
    told_at: Duration,
    turned_at: Duration,
}

impl Lines {
    /// Lines to `sink`.
    #[must_use]
    pub fn new(look: Look, sink: Sink) -> Self {
        let state = State {
            verb: "",
            allowed: 0,
            notices: Notices::new(look),
            job: String::new(),
            elapsed: Duration::ZERO,
            told_at: Duration::ZERO,
            turned_at: Duration::ZERO,
        };
        Self { look, sink, state: Mutex::new(state) }
    }
}

impl Tell for Lines {
    fn tell(&self, event: Event) {
        let charset = self.look.charset;
        let quiet = self.look.is_quiet();
        // Held while writing, so that lines stand in the order of the events.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match event {
            Event::Started { job, verb, target, report, rate } => {
                (state.verb, state.allowed) = (verb, rate);
                state.job = printable(&job, charset).into_owned();
                if !quiet {
                    let target = printable(&target, charset);
                    let report = if report.as_os_str().is_empty() {
                        "stdout".into()
                    } else {
                        report.to_string_lossy()
                    };
                    let report = printable(&report, charset);
                    let pace = if rate > 0 { format!(", at most {rate} restores/s") } else { String::new() };
                    self.sink.line(&format!("{verb} {}: {target}, report {report}{pace}", state.job));
                }
            }
            Event::Phase(phase) => {
                if let Some(line) = state.notices.phase(phase) {
                    self.sink.line(&line);
                }
            }
            Event::Progress(progress) => {
                let elapsed = progress.elapsed;
                if elapsed < state.elapsed {
                    return;
                }
                state.elapsed = elapsed;
                if elapsed.saturating_sub(state.turned_at) >= TURN {
                    state.turned_at = elapsed;
                    if let Some(line) = state.notices.turn() {
                        self.sink.line(&line);
                    }
                }
                if quiet || elapsed.saturating_sub(state.told_at) < EVERY {
                    return;
                }
                state.told_at = elapsed;
                let line = figures::line(&progress, state.verb, state.allowed, charset);
                self.sink.line(&format!("{}: {line}", human_span(elapsed)));
            }
            Event::Notice(notice) => {
                if let Some(line) = state.notices.line(&notice) {
                    self.sink.line(&line);
                }
            }
            Event::Finished { tally, elapsed, report, complete, .. } => {
                let kinds = Kinds::from(&*tally);
                if quiet && complete && kinds.failed == 0 {
                    return;
                }
                if let Some(line) = state.notices.turn() {
                    self.sink.line(&line);
                }
                let end = if complete { "complete" } else { "stopped before the end" };
                let parts = [
                    format!("{end} in {}", human_span(elapsed)),
                    format!("listed {}", human_count(kinds.listed)),
                    format!("matched {}", human_count(kinds.matched)),
                    answers(&kinds, state.verb, charset),
                    report.map_or_else(String::new, |path| {
                        format!("report {}", printable(&path.to_string_lossy(), charset))
                    }),
                ];
                self.sink.line(&format!("{} {}: {}", state.verb, state.job, joined(parts, charset)));
            }
        }
    }
}

/// What is not empty of `parts`, on one line.
fn joined(parts: impl IntoIterator<Item = String>, charset: Charset) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(charset.dot())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::figures::tests::{REQUESTS, progress_at};
    use super::super::notice::tests::every_notice;
    use super::super::sink::tests::Page;
    use super::*;
    use crate::model::{Action, Count, Phase, Tally};

    fn started() -> Event {
        Event::Started {
            job: "nightly-logs".to_owned(),
            verb: "restore",
            target: "oss://logs/2024/".to_owned(),
            report: "reports/x.csv".into(),
            rate: 80,
        }
    }

    fn progress(millis: u64) -> Event {
        Event::Progress(Box::new(progress_at(Duration::from_millis(millis))))
    }

    fn finished(failed: u64, complete: bool) -> Event {
        let mut tally = Tally { listed: 1_300, ..Tally::default() };
        tally.matched = Count { objects: 1_200, bytes: 9 };
        tally.actions.insert(Action::Requested, Count { objects: 1_200 - failed, bytes: 9 });
        tally.actions.insert(Action::Failed, Count { objects: failed, bytes: 0 });
        Event::Finished {
            tally: Arc::new(tally),
            requests: REQUESTS,
            elapsed: Duration::from_secs(750),
            report: Some("reports/x.csv".into()),
            complete,
        }
    }

    fn told(verbosity: i8, events: impl IntoIterator<Item = Event>) -> String {
        let (page, sink) = Page::new();
        let lines = Lines::new(Look { verbosity, ..Look::default() }, sink);
        for event in events {
            lines.tell(event);
        }
        page.text()
    }

    #[test]
    fn a_run_from_start_to_end() {
        let notices = every_notice().into_iter().map(Event::Notice);
        let events = [started(), progress(59_000), progress(60_000)]
            .into_iter()
            .chain(notices)
            .chain([Event::Phase(Phase::Draining(Duration::from_secs(8))), finished(3, false)]);
        insta::assert_snapshot!(told(0, events), @r"
        restore nightly-logs: oss://logs/2024/, report reports/x.csv, at most 80 restores/s
        1m00s: 1,234,567 keys · 1 of 4 ranges · 1,012 keys/s · matched 1,200,000 · 79.8 of 80/s · sent 45,678 · 32 in flight · 12.3 GiB asked for · requested 45,000 · extended 12 · already 500 · none 1,150,000 · failed 3 · retries 163 · throttled 9 · slow-downs 2
        resuming after `logs/x`: 12,345 rows are in the report already
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed, the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-5eed.partial`
        waiting: 1,200 of 50,000 objects ready, 48,800 open; next look at 2026-11-01T02:10:00Z
        stopping: nothing new is sent, waiting up to 8s for requests in flight; a second signal ends at once
        restore nightly-logs: stopped before the end in 12m30s · listed 1,300 · matched 1,200 · requested 1,197 · extended 0 · already 0 · none 0 · failed 3 · report reports/x.csv
        ");
    }

    #[test]
    fn progress_is_told_every_minute_of_the_run() {
        let ticks = (0..=6_500).map(|tick| progress(tick * 60));
        let text = told(0, ticks);
        let at: Vec<&str> = text.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(at, ["1m00s", "2m00s", "3m00s", "4m00s", "5m00s", "6m00s"]);
    }

    #[test]
    fn late_progress_is_not_told() {
        let text = told(0, [progress(90_000), progress(30_000), progress(149_999), progress(150_000)]);
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn quiet_tells_only_what_went_wrong() {
        let calm = [
            started(),
            progress(60_000),
            Event::Phase(Phase::Draining(Duration::from_secs(8))),
            finished(0, true),
        ];
        assert_eq!(told(-1, calm), "");
        insta::assert_snapshot!(told(-1, [started(), finished(1, true)]), @"restore nightly-logs: complete in 12m30s · listed 1,300 · matched 1,200 · requested 1,199 · extended 0 · already 0 · none 0 · failed 1 · report reports/x.csv");
        assert!(told(-1, [started(), finished(0, false)]).contains("stopped before the end"));
    }

    #[test]
    fn names_from_outside_are_escaped() {
        let text = told(
            0,
            [Event::Started {
                job: "a\u{1b}[2J".to_owned(),
                verb: "scan",
                target: "s3://b/\nerror: forged".to_owned(),
                report: "x\r.csv".into(),
                rate: 0,
            }],
        );
        insta::assert_snapshot!(text, @r"scan a\u{1b}[2J: s3://b/\nerror: forged, report x\r.csv");
    }
}
