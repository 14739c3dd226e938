//! Notices as text: which are shown at which verbosity, and a bound on floods.
//!
//! | notice | `-q` | default | `-v` | `-vv` |
//! | --- | --- | --- | --- | --- |
//! | an object failed | first [`FAILURES`] | first [`FAILURES`] | all | all |
//! | starting anew | ✓ | ✓ | ✓ | ✓ |
//! | resumed, remark, stopping | | ✓ | ✓ | ✓ |
//! | how far a wait is | | what changed, else hourly | each look | each look |
//! | retry, slow-down | | | [`CHATTER`] per 10 s | all |
//! | other phases | | | | ✓ |

use jiff::{SignedDuration, Timestamp};

use super::escape::clipped;
use super::human::human_objects;
use super::{Look, human_count, human_span, printable};
use crate::model::{Notice, Phase};

/// Failed objects that are named before the reader is sent to the report.
pub(super) const FAILURES: u32 = 20;
/// Retries and slow-downs that are told between two turns of [`Notices::turn`].
pub(super) const CHATTER: u32 = 20;
/// Longest cause that is shown, in columns.
const LONGEST_CAUSE: usize = 400;

/// A wait that is where it was is told again after so long; with `-v` at each look.
const SAME_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Turns notices into lines and remembers how many were shown.
#[derive(Debug)]
pub(super) struct Notices {
    look: Look,
    failures: u32,
    chatter: u32,
    swallowed: u64,
    /// How far a wait was when that was told last, and when it was to look next.
    waiting: Option<(u64, u64, Timestamp)>,
}

impl Notices {
    /// Nothing was told yet.
    pub(super) const fn new(look: Look) -> Self {
        Self { look, failures: 0, chatter: 0, swallowed: 0, waiting: None }
    }

    /// The line for `notice`, if it is to be shown.
    pub(super) fn line(&mut self, notice: &Notice) -> Option<String> {
        let charset = self.look.charset;
        let safe = |text: &str| printable(text, charset).into_owned();
        match notice {
            Notice::ObjectFailed { key, cause } => {
                if self.look.verbosity < 1 {
                    if self.failures > FAILURES {
                        return None;
                    }
                    self.failures += 1;
                    if self.failures > FAILURES {
                        return Some(format!("{} further failures are in the report", charset.ellipsis()));
                    }
                }
                let cause = clipped(cause, LONGEST_CAUSE, charset);
                Some(format!("{} `{}`: {cause}", self.look.red("failed"), safe(key)))
            }
            // What is put by must not be passed over, in mail from cron either.
            Notice::Lapsed { .. } if self.look.verbosity < -1 => None,
            Notice::Lapsed { saved_at, lapsed, rows, kept } => {
                let kept = kept.as_ref().map_or_else(String::new, |kept| {
                    let (rows, path) = (human_count(*rows), kept.to_string_lossy());
                    format!("; its report ({rows} rows) is kept in `{}`", safe(&path))
                });
                Some(format!(
                    "starting anew: the copies that the unfinished run of {saved_at:.0} asked for may have \
                     lapsed, the last by {lapsed:.0}{kept}"
                ))
            }
            _ if self.look.is_quiet() => None,
            Notice::Resumed { rows, after } if *rows == 0 && after.is_empty() => {
                Some("resuming from the start: nothing had been reported yet".to_owned())
            }
            Notice::Resumed { rows, after } if after.is_empty() => {
                Some(format!("resuming: {} rows are in the report already", human_count(*rows)))
            }
            Notice::Resumed { rows, after } => Some(format!(
                "resuming after `{}`: {} rows are in the report already",
                safe(after),
                human_count(*rows)
            )),
            Notice::Waiting { ready, open, next_poll } => {
                if let Some(next) = *next_poll {
                    // A wait takes days, and what it tells is mailed by cron.
                    let unmoved = self.waiting.is_some_and(|(was_ready, was_open, at)| {
                        (was_ready, was_open) == (*ready, *open) && next.duration_since(at) < SAME_WAIT
                    });
                    if unmoved && self.look.verbosity < 1 {
                        return None;
                    }
                    self.waiting = Some((*ready, *open, next));
                }
                let next = next_poll.map_or_else(String::new, |at| format!("; next look at {at:.0}"));
                Some(format!(
                    "waiting: {} of {} ready, {} open{next}",
                    human_count(*ready),
                    human_objects(ready + open),
                    human_count(*open)
                ))
            }
            Notice::Remark(text) => Some(format!("note: {}", safe(text))),
            Notice::SlowedDown { call, rate, pause } => self.chatter(|| {
                let none = if pause.is_zero() {
                    String::new()
                } else {
                    format!(", none for {}", human_span(*pause))
                };
                format!("the store asks to slow down: {call} at {}/s{none}", human_count(u64::from(*rate)))
            }),
            Notice::Retrying { call, cause, attempt, pause } => self.chatter(|| {
                format!(
                    "{call} attempt {attempt} failed, next in {}: {}",
                    human_span(*pause),
                    clipped(cause, LONGEST_CAUSE, charset)
                )
            }),
        }
    }

    /// The line for a phase, if it is to be shown.
    pub(super) fn phase(&self, phase: Phase) -> Option<String> {
        let (level, text) = match phase {
            Phase::Running => (2, "running"),
            Phase::Draining(most) => {
                let most = most.as_secs();
                let text = format!(
                    "stopping: nothing new is sent, waiting up to {most}s for requests in flight; a second \
                     signal ends at once"
                );
                return (self.look.verbosity >= 0).then_some(text);
            }
            Phase::Waiting(until) => {
                return (self.look.verbosity >= 0)
                    .then(|| format!("outside of the window: nothing is asked for until {until:.0}"));
            }
            Phase::Finishing => (2, "closing the report"),
        };
        (self.look.verbosity >= level).then(|| text.to_owned())
    }

    /// Begins a new span of time for the bound on retries and slow-downs; tells how many were
    /// swallowed in the last one.
    pub(super) fn turn(&mut self) -> Option<String> {
        self.chatter = 0;
        let swallowed = std::mem::take(&mut self.swallowed);
        (swallowed > 0).then(|| {
            format!("{} {} more retries and slow-downs", self.look.charset.ellipsis(), human_count(swallowed))
        })
    }

    fn chatter(&mut self, line: impl FnOnce() -> String) -> Option<String> {
        match self.look.verbosity {
            ..1 => None,
            1 if self.chatter >= CHATTER => {
                self.swallowed += 1;
                None
            }
            1.. => {
                self.chatter += 1;
                Some(line())
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ui::Charset;

    pub(in crate::ui) fn every_notice() -> Vec<Notice> {
        vec![
            Notice::Resumed { rows: 12_345, after: "logs/x".to_owned() },
            Notice::SlowedDown { call: "restore", rate: 64, pause: Duration::from_secs(2) },
            Notice::Retrying {
                call: "list",
                cause: "connection reset".to_owned(),
                attempt: 2,
                pause: Duration::from_millis(1_500),
            },
            Notice::ObjectFailed { key: "logs/a.gz".to_owned(), cause: "403 AccessDenied".to_owned() },
            Notice::Remark("the clock is 40s behind the server's".to_owned()),
            Notice::Lapsed {
                saved_at: "2026-11-01T02:00:00Z".parse().unwrap(),
                lapsed: "2026-11-08T02:00:00Z".parse().unwrap(),
                rows: 12_345,
                kept: Some("/night.csv.20261101T010000Z-5eed.partial".into()),
            },
            Notice::Waiting {
                ready: 1_200,
                open: 48_800,
                next_poll: Some("2026-11-01T02:10:00Z".parse().unwrap()),
            },
        ]
    }

    fn told(verbosity: i8) -> String {
        let mut notices = Notices::new(Look { verbosity, ..Look::default() });
        let mut lines: Vec<String> = every_notice().iter().filter_map(|n| notices.line(n)).collect();
        lines.extend(
            [Phase::Running, Phase::Draining(Duration::from_secs(8)), Phase::Finishing]
                .into_iter()
                .filter_map(|p| notices.phase(p)),
        );
        lines.join("\n")
    }

    #[test]
    fn a_wait_that_does_not_move_is_told_once_an_hour() {
        let told = |verbosity| {
            let mut notices = Notices::new(Look { verbosity, ..Look::default() });
            // A look every ten minutes for two hours, in which one object gets ready after 30 minutes.
            (0..12)
                .filter(|look| {
                    let next_poll =
                        format!("2026-11-01T{:02}:{:02}:00Z", look / 6, look % 6 * 10).parse().ok();
                    let ready = u64::from(*look >= 3);
                    notices.line(&Notice::Waiting { ready, open: 9 - ready, next_poll }).is_some()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(told(0), [0, 3, 9]);
        assert_eq!(told(1).len(), 12);
    }

    #[test]
    fn verbosity_decides_what_is_told() {
        insta::assert_snapshot!(told(-2), @"failed `logs/a.gz`: 403 AccessDenied");
        insta::assert_snapshot!(told(-1), @r"
        failed `logs/a.gz`: 403 AccessDenied
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed, the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-5eed.partial`
        ");
        insta::assert_snapshot!(told(0), @r"
        resuming after `logs/x`: 12,345 rows are in the report already
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed, the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-5eed.partial`
        waiting: 1,200 of 50,000 objects ready, 48,800 open; next look at 2026-11-01T02:10:00Z
        stopping: nothing new is sent, waiting up to 8s for requests in flight; a second signal ends at once
        ");
        insta::assert_snapshot!(told(1), @r"
        resuming after `logs/x`: 12,345 rows are in the report already
        the store asks to slow down: restore at 64/s, none for 2.0s
        list attempt 2 failed, next in 1.5s: connection reset
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed, the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-5eed.partial`
        waiting: 1,200 of 50,000 objects ready, 48,800 open; next look at 2026-11-01T02:10:00Z
        stopping: nothing new is sent, waiting up to 8s for requests in flight; a second signal ends at once
        ");
        insta::assert_snapshot!(told(2), @r"
        resuming after `logs/x`: 12,345 rows are in the report already
        the store asks to slow down: restore at 64/s, none for 2.0s
        list attempt 2 failed, next in 1.5s: connection reset
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed, the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-5eed.partial`
        waiting: 1,200 of 50,000 objects ready, 48,800 open; next look at 2026-11-01T02:10:00Z
        running
        stopping: nothing new is sent, waiting up to 8s for requests in flight; a second signal ends at once
        closing the report
        ");
    }

    #[test]
    fn failures_are_bounded_unless_asked_for() {
        let failed = Notice::ObjectFailed { key: "k".to_owned(), cause: "gone".to_owned() };
        for (verbosity, lines) in [(-1, 21), (0, 21), (1, 1_000), (2, 1_000)] {
            let mut notices = Notices::new(Look { verbosity, ..Look::default() });
            let told: Vec<String> = (0..1_000).filter_map(|_| notices.line(&failed)).collect();
            assert_eq!(told.len(), lines, "verbosity {verbosity}");
            assert_eq!(told[19], "failed `k`: gone");
            if lines == 21 {
                assert_eq!(told[20], "… further failures are in the report");
            }
        }
    }

    #[test]
    fn retries_are_bounded_between_turns() {
        let retry = &every_notice()[2];
        let mut notices = Notices::new(Look { verbosity: 1, ..Look::default() });
        assert_eq!((0..1_025).filter_map(|_| notices.line(retry)).count(), 20);
        assert_eq!(notices.turn().as_deref(), Some("… 1,005 more retries and slow-downs"));
        assert_eq!(notices.turn(), None);
        assert!(notices.line(retry).is_some());
        let mut everything = Notices::new(Look { verbosity: 2, ..Look::default() });
        assert_eq!((0..1_025).filter_map(|_| everything.line(retry)).count(), 1_025);
    }

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        let evil = "\u{1b}[2J\nerror: forged\u{202e}".to_owned();
        for charset in [Charset::Utf8, Charset::Ascii] {
            let mut notices = Notices::new(Look { verbosity: 2, charset, ..Look::default() });
            for notice in [
                Notice::Resumed { rows: 1, after: evil.clone() },
                Notice::Retrying { call: "list", cause: evil.clone(), attempt: 1, pause: Duration::ZERO },
                Notice::ObjectFailed { key: evil.clone(), cause: evil.clone() },
                Notice::Remark(evil.clone()),
            ] {
                let line = notices.line(&notice).unwrap();
                assert!(!line.chars().any(super::super::escape::steers), "{line:?}");
            }
        }
    }

    #[test]
    fn a_long_cause_is_cut() {
        let mut notices = Notices::new(Look::default());
        let line =
            notices.line(&Notice::ObjectFailed { key: "k".to_owned(), cause: "x".repeat(1 << 20) }).unwrap();
        assert!(line.len() < 500);
    }
}
