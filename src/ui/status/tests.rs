use super::*;
use crate::model::{Progress, Ranges};
use crate::ui::figures::tests::{KINDS, progress};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn view(state: RunState, lock_pid: Option<u32>) -> StatusView {
    StatusView {
        job: "nightly-logs".to_owned(),
        verb: "restore".to_owned(),
        target: "oss://logs/2024/".to_owned(),
        state,
        rows: 1_195_515,
        kinds: KINDS,
        bytes: 13_207_024_435,
        last_key: Some("logs/2024/\u{1b}x.gz".to_owned()),
        started: Some(at("2026-11-21T01:00:00Z")),
        saved_at: Some(at("2026-11-21T04:05:00.5Z")),
        report: Some("state/nightly-logs/report.csv.partial".into()),
        lock_pid,
        ended: (state == RunState::Finished).then(|| "complete".to_owned()),
        spending: None,
        elsewhere: None,
        live: None,
        wait: None,
        release: None,
    }
}

fn shown(view: &StatusView) -> String {
    status_table(view, at("2026-11-21T04:05:12.5Z"), Look::default())
}

#[test]
fn an_interrupted_run() {
    insta::assert_snapshot!(shown(&view(RunState::Interrupted, None)), @r"
    job       nightly-logs
    kind      restore
    target    oss://logs/2024/
    state     interrupted; run the same line again to go on
    started   2026-11-21T01:00:00Z (3h05m ago)
    saved     2026-11-21T04:05:00Z (12s ago)
    listed    1,234,567
    matched   1,200,000 · 12.3 GiB
    answers   requested 45,000 · extended 12 · already 500 · none 1,150,000
              failed 3
    rows      1,195,515
    last key  logs/2024/\u{1b}x.gz
    report    state/nightly-logs/report.csv.partial
    ");
}

#[test]
fn what_was_spent_is_told() {
    let spent = |objects, cost: Option<&str>| crate::model::Spent {
        objects,
        bytes: 1 << 30,
        cost: cost.map(str::to_owned),
    };
    let day = Some(("2026-11-21".to_owned(), spent(7, Some("2.50 CNY"))));
    let mut view = view(RunState::Finished, None);
    view.spending = Some(Spending { run: spent(1, None), day });
    view.elsewhere = Some(spent(3, Some("1.00 CNY")));
    let text = shown(&view);
    let wanted = "spent     run 1 object, 1.0 GiB\n          2026-11-21 7 objects, 1.0 GiB, 2.50 CNY\n          \
                  3 objects, 1.0 GiB, 1.00 CNY more by other sources that day\n";
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_running_one_names_its_process() {
    let text = shown(&view(RunState::Running, Some(4_711)));
    assert!(text.contains("state     running, process 4711\n"), "{text}");
}

#[test]
fn a_job_that_never_ran_has_no_figures() {
    insta::assert_snapshot!(shown(&view(RunState::Never, None)), @r"
    job       nightly-logs
    kind      restore
    target    oss://logs/2024/
    state     never run
    ");
}

#[test]
fn a_clock_set_back_makes_no_span() {
    let text = status_table(&view(RunState::Finished, None), at("2020-01-01T00:00:00Z"), Look::default());
    assert!(text.contains("saved     2026-11-21T04:05:00Z\n"), "{text}");
}

pub(super) fn live(doing: Doing) -> Live {
    Live { pid: 4_711, at: at("2026-11-21T04:05:12Z"), doing }
}

pub(super) fn at_work(phase: Phase) -> Doing {
    let progress = Progress { ranges: Ranges { done: 3, known: 8 }, ..progress(600) };
    Doing::Run { verb: "restore".to_owned(), phase, allowed: 80, progress: Box::new(progress) }
}

#[test]
fn a_running_one_shows_what_its_own_terminal_does() {
    let mut view = view(RunState::Running, Some(4_711));
    view.live = Some(live(at_work(Phase::Waiting(at("2026-11-21T14:00:00Z")))));
    insta::assert_snapshot!(shown(&view), @r"
    job       nightly-logs
    kind      restore
    target    oss://logs/2024/
    state     running, process 4711
    started   2026-11-21T01:00:00Z (3h05m ago)
    saved     2026-11-21T04:05:00Z (12s ago)
    now       waiting for the window, which opens at 2026-11-21T14:00:00Z
    listing   ━━━━━━━─────────────  1,234,567 keys · 3 of 8 ranges
              matched 1,200,000
    restores  ────────────────────  at most 80/s · sent 45,678 · 32 in flight
              12.3 GiB asked for
    answers   requested 45,000 · extended 12 · already 500 · none 1,150,000
              failed 3
    trouble   retries 163 · throttled 9 · slow-downs 2
    rows      1,195,515
    last key  logs/2024/\u{1b}x.gz
    report    state/nightly-logs/report.csv.partial
    ");
}

#[test]
fn a_process_that_has_not_told_of_itself_for_long_is_told_to() {
    let mut view = view(RunState::Running, Some(4_711));
    view.live = Some(live(at_work(Phase::Running)));
    assert!(!shown(&view).contains("ago\n          listing"));
    view.live.as_mut().unwrap().at = at("2026-11-21T04:04:00Z");
    let text = shown(&view);
    assert!(text.contains("running, process 4711; it last told of itself 1m12s ago\n"), "{text}");
}

#[test]
fn waits_and_releases_are_told() {
    let wait = WaitSeen {
        ready: 1_200,
        open: 48_800,
        stuck: 3,
        missing: 1,
        archived: 0,
        polls: 9,
        polled_at: Some(at("2026-11-21T04:00:00Z")),
        ended: Some("interrupted".to_owned()),
    };
    let mut view = view(RunState::Finished, None);
    view.ended = Some("some_failed".to_owned());
    view.wait = Some(wait);
    view.release = Some(live(Doing::Release { named: 10, done: 5, released: 4, failed: 1 }));
    insta::assert_snapshot!(shown(&view), @r"
    job       nightly-logs
    kind      restore
    target    oss://logs/2024/
    state     finished: some failed
    started   2026-11-21T01:00:00Z (3h05m ago)
    saved     2026-11-21T04:05:00Z (12s ago)
    listed    1,234,567
    matched   1,200,000 · 12.3 GiB
    answers   requested 45,000 · extended 12 · already 500 · none 1,150,000
              failed 3
    readable  ────────────────────  1,200 of 50,000 objects
    wait      left unfinished: `defrost wait` goes on with it · stuck 3 · missing 1
              last look 2026-11-21T04:00:00Z (5m12s ago)
    release   ━━━━━━━━━━──────────  5 of 10 objects · released 4 · failed 1
    rows      1,195,515
    last key  logs/2024/\u{1b}x.gz
    report    state/nightly-logs/report.csv.partial
    ");
    view.state = RunState::Waiting;
    (view.lock_pid, view.release) = (Some(4_711), None);
    let next = Some(at("2026-11-21T04:10:00Z"));
    view.live = Some(live(Doing::Wait { ready: 1_300, open: 48_700, next }));
    let text = shown(&view);
    assert!(text.contains("state     waiting, process 4711\n"), "{text}");
    assert!(text.contains("1,300 of 50,000 objects\nnext look 2026-11-21T04:10:00Z\n"), "{text}");
    assert!(!text.contains("left unfinished"), "{text}");
}

#[test]
fn one_line_for_a_log() {
    let mut view = view(RunState::Running, Some(4_711));
    assert_eq!(status_line(&view, Look::default()), None);
    view.live = Some(live(at_work(Phase::Finishing)));
    let line = status_line(&view, Look::default()).unwrap();
    assert!(
        line.starts_with("2026-11-21T04:05:12Z nightly-logs: closing the report; 1,234,567 keys"),
        "{line}"
    );
}
