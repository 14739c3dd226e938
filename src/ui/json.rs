//! One JSON object a line, for programs that watch a run.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::escape::steers;
use super::{Look, Sink};
use crate::model::{
    Bound, Clock, Eta, Event, Expected, Kinds, Notice, Phase, Progress, Ranges, Rates, RequestCounts, Tally,
    Tell,
};

/// Between two `progress` lines, of the run's own elapsed time; `-vv` lifts it.
const EVERY: Duration = Duration::from_secs(1);

/// Tells a run in JSON lines.
///
/// Each line is one object, in UTF-8, with `time` (RFC 3339, UTC, milliseconds) and `event`:
///
/// | `event` | other fields |
/// | --- | --- |
/// | `started` | `job`, `verb`, `target`, `report` (`null` for stdout), `rate` (restore requests a second allowed, 0 if none are sent) |
/// | `phase` | `phase`: `running`, `draining` (`up_to_s`: how long requests in flight may come back), `waiting` (`until`: when the window opens), `finishing` |
/// | `progress` | `elapsed_s`, `in_flight`, `restores_per_s` and `keys_per_s` (over the last 10 s, `null` before there is one), `rates` (requests a second let go now: `list`, `head`, `restore`), `kinds`, `requests`, `ranges` (stretches of the listing: `done`, `known`), `earlier_listed` (entries that earlier sessions listed), `budget` (see below), `pause_s` (no restore request for so long, as the store asked), `expected` (`last_run_listed`, `last_run_ended`, `planned`: what may be known of the end, `null` where nothing is), `eta` (`left_s` and `basis`: `last_run` or `plan`; `null` rather than a wild guess) |
/// | `resumed` | `rows` (in the report already), `after` (the key after which listing goes on) |
/// | `lapsed` | a run begins anew: `saved_at` (of the unfinished one), `lapsed_at` (the last of its copies), `rows`, `kept` (its partial report, `null` if it is gone) |
/// | `slowed_down` | the store asked to: `call`, `rate` (of that kind a second from now on), `pause_s` (none of that kind for so long) |
/// | `retrying` | `call`, `cause`, `attempt` (the one that failed, from 1), `pause_s` |
/// | `object_failed` | `key` (as the report spells it), `cause` |
/// | `waiting` | a wait has looked, or begins: `ready`, `open` (objects), `next_poll` (`null` when it is over) |
/// | `remark` | `text` |
/// | `finished` | `complete`, `elapsed_s`, `report` (`null` for stdout), `requests`, `tally` |
/// | `failed` | `exit` (the exit code), `error`, `causes`, `hint`: see [`error_json`](super::error_json); not told by this type |
///
/// `kinds` has `listed`, `matched`, `requested`, `extended`, `already`, `planned`, `failed`,
/// `none`, `deferred`, `asked_bytes`; `budget` is a list of bounds, each with `over` (`run` or `day`),
/// `unit` (`objects`, `bytes`, or a currency, whose amounts are in millionths), `taken`, `most`, and
/// `elsewhere` (what of it other sources of the same file took); `requests` has `list`, `head`, `restore`, `retries`, `throttled` (answers that
/// asked to slow down), `slow_downs` (how often a rate came down for that), `lowest_restore_rate`
/// (`null` if it never did); `tally` is that of the summary file. Spans (`…_s`) are seconds with a fraction. Fields may be added,
/// never taken away. In a run that was gone on with, `progress` tells of this session, `finished`
/// of all sessions together.
///
/// `progress` comes once a second of the run at most, every time with `-vv`. With `-q` only
/// `object_failed`, `lapsed` and `finished` are told. Control characters and those that turn the direction
/// of writing stand as `\u….`: decoded they are exact, on a terminal they are harmless.
#[derive(Debug)]
pub struct JsonLog {
    look: Look,
    sink: Sink,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    elapsed: Duration,
    told_at: Option<Duration>,
}

impl JsonLog {
    /// JSON lines to `sink`, stamped by `clock`.
    #[must_use]
    pub fn new(look: Look, sink: Sink, clock: Arc<dyn Clock>) -> Self {
        Self { look, sink, clock, state: Mutex::new(State::default()) }
    }

    fn put(&self, event: &Said<'_>) {
        self.sink.line(&line(self.clock.now(), event));
    }
}

/// `said` as one line, the time first.
pub(super) fn line(now: Timestamp, said: &impl Serialize) -> String {
    // Nothing in a line can fail to serialise: every map key is text.
    let json = serde_json::to_string(said).unwrap_or_default();
    // The object is opened by hand, so that the time stands first in every line.
    let rest = json.strip_prefix('{').unwrap_or(&json);
    format!("{{\"time\":\"{now:.3}\",{}", harmless(rest))
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Said<'a> {
    Started {
        job: &'a str,
        verb: &'a str,
        target: &'a str,
        report: Option<&'a str>,
        rate: u32,
    },
    Phase {
        phase: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        #[serde(skip_serializing_if = "Option::is_none")]
        up_to_s: Option<f64>,
    },
    Progress(Box<ProgressSaid<'a>>),
    Resumed {
        rows: u64,
        after: &'a str,
    },
    Lapsed {
        saved_at: Timestamp,
        lapsed_at: Timestamp,
        rows: u64,
        kept: Option<&'a str>,
    },
    SlowedDown {
        call: &'a str,
        rate: u32,
        pause_s: f64,
    },
    Retrying {
        call: &'a str,
        cause: &'a str,
        attempt: u32,
        pause_s: f64,
    },
    ObjectFailed {
        key: &'a str,
        cause: &'a str,
    },
    Waiting {
        ready: u64,
        open: u64,
        next_poll: Option<Timestamp>,
    },
    Remark {
        text: &'a str,
    },
    Finished {
        complete: bool,
        elapsed_s: f64,
        report: Option<&'a str>,
        requests: RequestCounts,
        tally: &'a Tally,
    },
}

/// [`Progress`] in the words of this log, and of `status --json`.
#[derive(Serialize)]
pub(super) struct ProgressSaid<'a> {
    elapsed_s: f64,
    in_flight: u32,
    restores_per_s: Option<f64>,
    keys_per_s: Option<f64>,
    rates: Rates,
    kinds: KindsSaid,
    requests: RequestCounts,
    ranges: Ranges,
    earlier_listed: u64,
    budget: &'a [Bound],
    pause_s: f64,
    expected: ExpectedSaid,
    eta: Option<EtaSaid>,
}

#[derive(Serialize)]
struct ExpectedSaid {
    last_run_listed: Option<u64>,
    last_run_ended: Option<Timestamp>,
    planned: Option<u64>,
}

#[derive(Serialize)]
struct EtaSaid {
    left_s: f64,
    basis: crate::model::Basis,
}

impl<'a> From<&'a Progress> for ProgressSaid<'a> {
    fn from(progress: &'a Progress) -> Self {
        let Expected { listed, ended, planned } = progress.expected;
        Self {
            elapsed_s: progress.elapsed.as_secs_f64(),
            in_flight: progress.in_flight,
            restores_per_s: progress.speeds.restores,
            keys_per_s: progress.speeds.listed,
            rates: progress.rates,
            kinds: progress.kinds.into(),
            requests: progress.requests,
            ranges: progress.ranges,
            earlier_listed: progress.earlier,
            budget: &progress.budget,
            pause_s: progress.pause.as_secs_f64(),
            expected: ExpectedSaid { last_run_listed: listed, last_run_ended: ended, planned },
            eta: progress.eta.map(|Eta { left, basis }| EtaSaid { left_s: left.as_secs_f64(), basis }),
        }
    }
}

/// [`Kinds`] in the order of its documentation.
#[derive(Serialize)]
pub(super) struct KindsSaid {
    listed: u64,
    matched: u64,
    requested: u64,
    extended: u64,
    already: u64,
    planned: u64,
    failed: u64,
    none: u64,
    deferred: u64,
    asked_bytes: u64,
}

impl From<Kinds> for KindsSaid {
    fn from(kinds: Kinds) -> Self {
        Self {
            listed: kinds.listed,
            matched: kinds.matched,
            requested: kinds.requested,
            extended: kinds.extended,
            already: kinds.already,
            planned: kinds.planned,
            failed: kinds.failed,
            none: kinds.none,
            deferred: kinds.deferred,
            asked_bytes: kinds.asked_bytes,
        }
    }
}

impl Tell for JsonLog {
    fn tell(&self, event: Event) {
        // Held while writing, so that lines stand in the order of the events.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = self.look.is_quiet();
        let lossy = |path: &Path| path.to_string_lossy().into_owned();
        match &event {
            Event::Notice(Notice::ObjectFailed { key, cause }) => {
                self.put(&Said::ObjectFailed { key, cause });
            }
            Event::Finished { tally, requests, elapsed, report, complete } => {
                let report = report.as_deref().map(lossy);
                self.put(&Said::Finished {
                    complete: *complete,
                    elapsed_s: elapsed.as_secs_f64(),
                    report: report.as_deref(),
                    requests: *requests,
                    tally,
                });
            }
            Event::Notice(Notice::Lapsed { saved_at, lapsed, rows, kept }) => {
                let kept = kept.as_deref().map(lossy);
                let (saved_at, lapsed_at) = (*saved_at, *lapsed);
                self.put(&Said::Lapsed { saved_at, lapsed_at, rows: *rows, kept: kept.as_deref() });
            }
            _ if quiet => {}
            Event::Started { job, verb, target, report, rate } => {
                let report = Some(lossy(report)).filter(|path| !path.is_empty());
                self.put(&Said::Started { job, verb, target, report: report.as_deref(), rate: *rate });
            }
            Event::Phase(phase) => self.put(&Said::Phase {
                phase: phase_word(*phase),
                until: match phase {
                    Phase::Waiting(until) => Some(*until),
                    Phase::Running | Phase::Draining(_) | Phase::Finishing => None,
                },
                up_to_s: match phase {
                    Phase::Draining(most) => Some(most.as_secs_f64()),
                    Phase::Running | Phase::Waiting(_) | Phase::Finishing => None,
                },
            }),
            Event::Progress(progress) => {
                let elapsed = progress.elapsed;
                if elapsed < state.elapsed {
                    return;
                }
                state.elapsed = elapsed;
                let due = state.told_at.is_none_or(|at| elapsed.saturating_sub(at) >= EVERY);
                if !due && self.look.verbosity < 2 {
                    return;
                }
                state.told_at = Some(elapsed);
                self.put(&Said::Progress(Box::new((&**progress).into())));
            }
            Event::Notice(Notice::Resumed { rows, after }) => self.put(&Said::Resumed { rows: *rows, after }),
            Event::Notice(Notice::SlowedDown { call, rate, pause }) => {
                self.put(&Said::SlowedDown { call, rate: *rate, pause_s: pause.as_secs_f64() });
            }
            Event::Notice(Notice::Retrying { call, cause, attempt, pause }) => {
                self.put(&Said::Retrying { call, cause, attempt: *attempt, pause_s: pause.as_secs_f64() });
            }
            Event::Notice(Notice::Waiting { ready, open, next_poll }) => {
                self.put(&Said::Waiting { ready: *ready, open: *open, next_poll: *next_poll });
            }
            Event::Notice(Notice::Remark(text)) => self.put(&Said::Remark { text }),
        }
    }
}

/// The word for a phase.
pub(super) const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Draining(_) => "draining",
        Phase::Waiting(_) => "waiting",
        Phase::Finishing => "finishing",
    }
}

/// JSON with every character that steers a terminal as `\uXXXX`. Such characters can stand in
/// strings only, so replacing them keeps the JSON what it is.
pub(super) fn harmless(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if steers(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::figures::tests::{REQUESTS, progress_at};
    use super::super::notice::tests::every_notice;
    use super::super::sink::tests::Page;
    use super::*;
    use crate::model::{Action, Count, State as ObjectState, Still};

    fn told(verbosity: i8, events: impl IntoIterator<Item = Event>) -> String {
        let (page, sink) = Page::new();
        let log = JsonLog::new(
            Look { verbosity, ..Look::default() },
            sink,
            Arc::new(Still("2026-11-21T01:02:03.0456789Z".parse().unwrap())),
        );
        for event in events {
            log.tell(event);
        }
        page.text()
    }

    fn progress(millis: u64) -> Event {
        Event::Progress(Box::new(progress_at(Duration::from_millis(millis))))
    }

    fn whole_run() -> Vec<Event> {
        let mut tally = Tally { listed: 3, ..Tally::default() };
        tally.actions.insert(Action::Requested, Count { objects: 2, bytes: 10 });
        tally
            .classes
            .entry("Archive".to_owned())
            .or_default()
            .insert(ObjectState::Restoring, Count { objects: 2, bytes: 10 });
        let mut events = vec![
            Event::Started {
                job: "nightly".to_owned(),
                verb: "restore",
                target: "oss://logs/".to_owned(),
                report: "x.csv".into(),
                rate: 80,
            },
            Event::Phase(Phase::Running),
            progress(500),
        ];
        events.extend(every_notice().into_iter().map(Event::Notice));
        events.push(Event::Finished {
            tally: Arc::new(tally),
            requests: REQUESTS,
            elapsed: Duration::from_mins(1),
            report: None,
            complete: true,
        });
        events
    }

    #[test]
    fn every_event_is_a_line_of_json() {
        let text = told(0, whole_run());
        insta::assert_snapshot!(text, @r#"
        {"time":"2026-11-21T01:02:03.045Z","event":"started","job":"nightly","verb":"restore","target":"oss://logs/","report":"x.csv","rate":80}
        {"time":"2026-11-21T01:02:03.045Z","event":"phase","phase":"running"}
        {"time":"2026-11-21T01:02:03.045Z","event":"progress","elapsed_s":0.5,"in_flight":32,"restores_per_s":79.84,"keys_per_s":1012.4,"rates":{"list":100,"head":200,"restore":80},"kinds":{"listed":1234567,"matched":1200000,"requested":45000,"extended":12,"already":500,"planned":0,"failed":3,"none":1150000,"deferred":0,"asked_bytes":13207024435},"requests":{"list":1235,"head":0,"restore":45678,"retries":163,"throttled":9,"slow_downs":2,"lowest_restore_rate":51},"ranges":{"done":1,"known":4},"earlier_listed":0,"budget":[],"pause_s":0.0,"expected":{"last_run_listed":null,"last_run_ended":null,"planned":null},"eta":null}
        {"time":"2026-11-21T01:02:03.045Z","event":"resumed","rows":12345,"after":"logs/x"}
        {"time":"2026-11-21T01:02:03.045Z","event":"slowed_down","call":"restore","rate":64,"pause_s":2.0}
        {"time":"2026-11-21T01:02:03.045Z","event":"retrying","call":"list","cause":"connection reset","attempt":2,"pause_s":1.5}
        {"time":"2026-11-21T01:02:03.045Z","event":"object_failed","key":"logs/a.gz","cause":"403 AccessDenied"}
        {"time":"2026-11-21T01:02:03.045Z","event":"remark","text":"the clock is 40s behind the server's"}
        {"time":"2026-11-21T01:02:03.045Z","event":"lapsed","saved_at":"2026-11-01T02:00:00Z","lapsed_at":"2026-11-08T02:00:00Z","rows":12345,"kept":"/night.csv.20261101T010000Z-5eed.partial"}
        {"time":"2026-11-21T01:02:03.045Z","event":"waiting","ready":1200,"open":48800,"next_poll":"2026-11-01T02:10:00Z"}
        {"time":"2026-11-21T01:02:03.045Z","event":"finished","complete":true,"elapsed_s":60.0,"report":null,"requests":{"list":1235,"head":0,"restore":45678,"retries":163,"throttled":9,"slow_downs":2,"lowest_restore_rate":51},"tally":{"listed":3,"delete_markers":0,"matched":{"objects":0,"bytes":0},"classes":{"Archive":{"restoring":{"objects":2,"bytes":10}}},"actions":{"requested":{"objects":2,"bytes":10}},"reasons":{},"flags":{},"errors":{}}}
        "#);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["time"], "2026-11-21T01:02:03.045Z");
            assert!(value["event"].is_string());
        }
    }

    #[test]
    fn quiet_tells_failures_and_the_end() {
        let text = told(-1, whole_run());
        let events: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["event"].to_string())
            .collect();
        assert_eq!(events, ["\"object_failed\"", "\"lapsed\"", "\"finished\""]);
    }

    #[test]
    fn progress_comes_once_a_second_unless_all_is_wanted() {
        let ticks = || (0..=40).map(|tick| progress(tick * 250));
        assert_eq!(told(0, ticks()).lines().count(), 11);
        assert_eq!(told(2, ticks()).lines().count(), 41);
    }

    proptest! {
        #[test]
        fn any_key_is_harmless_and_comes_back_exactly(key in any::<String>()) {
            let notice = Notice::ObjectFailed { key: key.clone(), cause: "\u{1b}[2J\u{9b}\u{202e}\u{e0001}".to_owned() };
            let text = told(0, [Event::Notice(notice)]);
            prop_assert_eq!(text.lines().count(), 1);
            prop_assert!(!text.trim_end_matches('\n').chars().any(steers));
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(value["key"].as_str(), Some(key.as_str()));
        }
    }
}
