//! Where a job stands, as one JSON object.

use jiff::Timestamp;
use serde::Serialize;

use super::{RunState, StatusView, WaitSeen};
use crate::model::{Doing, Live, Phase, Spending, Spent};
use crate::ui::json::{KindsSaid, ProgressSaid, harmless, phase_word};

#[derive(Serialize)]
struct Said<'a> {
    job: &'a str,
    verb: &'a str,
    target: &'a str,
    state: &'static str,
    pid: Option<u32>,
    ended: Option<&'a str>,
    started_at: Option<Timestamp>,
    saved_at: Option<Timestamp>,
    rows: u64,
    kinds: KindsSaid,
    matched_bytes: u64,
    last_key: Option<&'a str>,
    report: Option<String>,
    spending: Option<&'a Spending>,
    elsewhere: Option<&'a Spent>,
    run: Option<RunSaid<'a>>,
    wait: Option<WaitSaid<'a>>,
    release: Option<ReleaseSaid>,
}

/// A run at work.
#[derive(Serialize)]
struct RunSaid<'a> {
    at: Timestamp,
    phase: &'static str,
    until: Option<Timestamp>,
    rate: u32,
    progress: ProgressSaid<'a>,
}

/// A wait, at work or not.
#[derive(Serialize)]
struct WaitSaid<'a> {
    running: bool,
    ready: u64,
    open: u64,
    stuck: Option<u64>,
    missing: Option<u64>,
    archived: Option<u64>,
    polls: Option<u64>,
    polled_at: Option<Timestamp>,
    next_poll: Option<Timestamp>,
    ended: Option<&'a str>,
}

/// A release at work.
#[derive(Serialize)]
struct ReleaseSaid {
    pid: u32,
    at: Timestamp,
    named: u64,
    done: u64,
    released: u64,
    failed: u64,
}

/// `view` as one JSON object on one line, without a line break.
///
/// | field | |
/// | --- | --- |
/// | `job`, `verb`, `target` | what it is; `verb` is `scan`, `plan` or `restore` |
/// | `state` | `running`, `waiting` (for copies to become readable), `interrupted`, `finished`, `never_run` |
/// | `pid` | the process at work, `null` if there is none |
/// | `ended` | what the last run came to, as `exit_reason` of its summary; `null` unless it is finished |
/// | `started_at`, `saved_at`, `rows`, `kinds`, `matched_bytes`, `last_key`, `report` | by the checkpoint, over all sessions |
/// | `spending`, `elsewhere` | what the run and its last day took of the budget, and what other sources of the same file took that day |
/// | `run` | a run at work, as of `at`: `phase` and `until` as in the log, `rate` (restore requests a second allowed), `progress` with the fields of the log's `progress` |
/// | `wait` | the last wait: `running`, `ready`, `open`, `stuck`, `missing`, `archived`, `polls`, `polled_at`, `next_poll`, `ended` |
/// | `release` | a release at work, as of `at`: `pid`, `named`, `done`, `released`, `failed` |
#[must_use]
pub fn status_json(view: &StatusView) -> String {
    let said = Said {
        job: &view.job,
        verb: &view.verb,
        target: &view.target,
        state: match view.state {
            RunState::Never => "never_run",
            state => state.as_str(),
        },
        // 0 stands for a process that has not named itself yet.
        pid: view.lock_pid.filter(|pid| *pid > 0),
        ended: view.ended.as_deref().filter(|_| !view.state.is_live()),
        started_at: view.started,
        saved_at: view.saved_at,
        rows: view.rows,
        kinds: view.kinds.into(),
        matched_bytes: view.bytes,
        last_key: view.last_key.as_deref(),
        report: view.report.as_ref().map(|path| path.to_string_lossy().into_owned()),
        spending: view.spending.as_ref(),
        elsewhere: view.elsewhere.as_ref(),
        run: view.live.as_ref().and_then(run),
        wait: wait(view),
        release: view.release.as_ref().and_then(release),
    };
    // Nothing in it can fail to serialise: every map key is text.
    harmless(&serde_json::to_string(&said).unwrap_or_default())
}

fn run(live: &Live) -> Option<RunSaid<'_>> {
    let Doing::Run { phase, allowed, progress, .. } = &live.doing else { return None };
    let until = match phase {
        Phase::Waiting(until) => Some(*until),
        Phase::Running | Phase::Draining(_) | Phase::Finishing => None,
    };
    Some(RunSaid {
        at: live.at,
        phase: phase_word(*phase),
        until,
        rate: *allowed,
        progress: (&**progress).into(),
    })
}

fn wait(view: &StatusView) -> Option<WaitSaid<'_>> {
    let at_work = view.live.as_ref().and_then(|live| match &live.doing {
        Doing::Wait { ready, open, next } => Some((*ready, *open, *next)),
        Doing::Run { .. } | Doing::Release { .. } => None,
    });
    let seen: Option<&WaitSeen> = view.wait.as_ref();
    let (ready, open) = match (at_work, seen) {
        (Some((ready, open, _)), _) => (ready, open),
        (None, Some(seen)) => (seen.ready, seen.open),
        (None, None) => return None,
    };
    Some(WaitSaid {
        running: at_work.is_some(),
        ready,
        open,
        stuck: seen.map(|seen| seen.stuck),
        missing: seen.map(|seen| seen.missing),
        archived: seen.map(|seen| seen.archived),
        polls: seen.map(|seen| seen.polls),
        polled_at: seen.and_then(|seen| seen.polled_at),
        next_poll: at_work.and_then(|(_, _, next)| next),
        ended: seen.and_then(|seen| seen.ended.as_deref()).filter(|_| at_work.is_none()),
    })
}

fn release(live: &Live) -> Option<ReleaseSaid> {
    let Doing::Release { named, done, released, failed } = live.doing else { return None };
    Some(ReleaseSaid { pid: live.pid, at: live.at, named, done, released, failed })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at_work, live, view};
    use super::*;

    #[test]
    fn scripts_find_what_people_read() {
        let mut view = view(RunState::Running, Some(4_711));
        view.live = Some(live(at_work(Phase::Draining(std::time::Duration::from_secs(8)))));
        let text = status_json(&view);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["state"], &value["pid"]), (&"running".into(), &4_711.into()));
        assert_eq!(value["run"]["phase"], "draining");
        assert_eq!(value["run"]["progress"]["ranges"], serde_json::json!({"done": 3, "known": 8}));
        assert_eq!(value["run"]["progress"]["kinds"]["asked_bytes"], 13_207_024_435_u64);
        assert_eq!(value["last_key"], "logs/2024/\u{1b}x.gz");
        assert!(!text.contains('\u{1b}'), "nothing steers a terminal: {text}");
        view.live = Some(live(Doing::Wait { ready: 1, open: 2, next: None }));
        let value: serde_json::Value = serde_json::from_str(&status_json(&view)).unwrap();
        assert_eq!((&value["wait"]["running"], &value["wait"]["open"]), (&true.into(), &2.into()));
        assert!(value["run"].is_null() && value["release"].is_null());
    }
}
