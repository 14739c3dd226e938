use jiff::civil::date;

use super::*;
use crate::model::{
    FailedCode, FailedRow, Flag, Flagged, Folders, Reason, RequestCounts, Sample, Spending, Spent, State,
    Timeline,
};
use crate::ui::table::WIDTH;

fn count(objects: u64, bytes: u64) -> Count {
    Count { objects, bytes }
}

fn share(prefix: &str, is_rest: bool, states: &[(State, Count)]) -> Share {
    let mut total = Count::default();
    for (_, count) in states {
        total.merge(*count);
    }
    Share { prefix: prefix.to_owned(), is_rest, total, states: states.iter().copied().collect() }
}

/// The audit of a night in which some failed; `key` stands wherever names from outside do.
pub(in crate::ui) fn sample(key: &str) -> Audit {
    let mut audit = Audit::new(format!("reports/{key}.csv"), "2026-11-22T08:00:00Z".parse().unwrap());
    audit.total = count(1_238, 5 << 40);
    audit.buckets = [("logs".to_owned(), audit.total)].into();
    audit.checked = Some(("2026-11-21T01:00:00Z".parse().unwrap(), "2026-11-21T01:09:59Z".parse().unwrap()));
    let archived = [
        (State::Archived, count(34, 1 << 40)),
        (State::Restoring, count(200, 1 << 40)),
        (State::Restored, count(1_000, 2 << 40)),
    ];
    audit.classes =
        [(key.to_owned(), archived.into()), ("IA".to_owned(), [(State::Readable, count(4, 1 << 40))].into())]
            .into();
    for (day, copies) in [(date(2026, 11, 21), 10), (date(2026, 11, 30), 900), (date(2027, 2, 1), 90)] {
        audit.lapses.days.insert(day, count(copies, copies << 31));
    }
    audit.lapses.by_now = count(10, 10 << 31);
    audit.folders = Folders {
        common: String::new(),
        all: vec![
            share(&format!("{key}/"), true, &archived),
            share("", true, &[(State::Readable, count(4, 1 << 40))]),
        ],
        archived: vec![share(&format!("{key}/"), false, &archived)],
        at_least: false,
    };
    audit.actions = [
        (Action::None, count(1_004, 3 << 40)),
        (Action::Requested, count(200, 1 << 40)),
        (Action::Failed, count(34, 1 << 40)),
    ]
    .into();
    audit.reasons = [(Reason::StillValid, 1_000), (Reason::Denied, 34)].into();
    audit.flags = [(Flag::Stuck, Flagged { count: count(3, 1 << 20), first_key: key.to_owned() })].into();
    for (code, objects) in [("AccessDenied", 30), (key, 4)] {
        let (first_key, first_request_id) = (key.to_owned(), key.to_owned());
        audit.errors.insert(
            code.to_owned(),
            FailedCode { count: count(objects, 1 << 30), first_key, first_request_id },
        );
        audit.failures.rows.push(FailedRow {
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            version_id: key.to_owned(),
            storage_class: key.to_owned(),
            size: Some(1 << 20),
            code: code.to_owned(),
            reason: "denied".to_owned(),
            http_status: "403".to_owned(),
            request_id: key.to_owned(),
            attempts: "1".to_owned(),
        });
    }
    audit.failures.left_out = 32;
    audit.run = Some(RunFacts {
        defrost: "0.1.0".to_owned(),
        job: key.to_owned(),
        verb: "restore".to_owned(),
        target: format!("oss://logs/{key}"),
        simulated: false,
        run_id: "20261121T010000Z-7f3a".to_owned(),
        started_at: "2026-11-21T01:00:00Z".parse().unwrap(),
        finished_at: "2026-11-21T02:00:00Z".parse().unwrap(),
        exit_reason: "some_failed".to_owned(),
        exit_code: 1,
        elapsed_seconds: 1_920.0,
        sessions: 2,
        listed: 2_000,
        delete_markers: 2,
        matched: 1_238,
        requests: RequestCounts { list: 3, restore: 234, slow_downs: 1, ..RequestCounts::default() },
        listed_per_second: 1.04,
        restores_per_second: 0.12,
        fees: vec!["12.35 CNY".to_owned()],
        fees_unknown: vec!["copies, DeepColdArchive".to_owned()],
        spending: Some(Spending {
            run: Spent { objects: 200, bytes: 1 << 40, cost: Some("12.35 CNY".to_owned()) },
            day: None,
        }),
        timeline: Timeline {
            every_seconds: 8,
            samples: vec![
                Sample { listed: 1_000, restores: 160, failed: 0, slow_downs: 0, rate: 20 },
                Sample { listed: 1_000, restores: 40, failed: 4, slow_downs: 1, rate: 5 },
            ],
        },
    });
    audit.seal = Seal::Intact { sha256: "00".repeat(32) };
    audit
}

#[test]
fn a_night_in_which_some_failed() {
    insta::assert_snapshot!(audit_text(&sample("a/b.gz"), Look::default()), @r"
    report    reports/a/b.gz.csv: 1,238 objects, 5.0 TiB
    as of     2026-11-21 01:00:00 UTC to 2026-11-21 01:09:59 UTC
    checksum  intact: SHA-256 as the summary says
    run       restore a/b.gz, oss://logs/a/b.gz: some_failed, exit code 1
    when      2026-11-21 01:00:00 UTC to 2026-11-21 02:00:00 UTC · 32m00s of work
              2 sessions
    requests  list 3 · restore 234 · slow-downs 1 · 1.0 keys/s · 0.1 restores/s
    fees      12.35 CNY · unknown: copies, DeepColdArchive
    spent     run 200 objects, 1.0 TiB, 12.35 CNY

    class   state      objects     size
    IA      readable         4  1.0 TiB
    a/b.gz  archived        34  1.0 TiB
            restoring      200  1.0 TiB
            restored     1,000  2.0 TiB
    total                1,238  5.0 TiB

    readable copies lapse on  objects       size
    2026-11-21, Sat                10   20.0 GiB
    2026-11-30, Mon               900    1.8 TiB
    2027-02-01, Mon                90  180.0 GiB
    10 objects of these have lapsed by now

    archived still, by folder  objects     size  of it
    a/b.gz/                         34  1.0 TiB    2 %

    action     objects     size
    none         1,004  3.0 TiB
    requested      200  1.0 TiB
    failed          34  1.0 TiB
    reasons: still_valid 1,000 · denied 34

    stuck: 3 objects, 1.0 MiB, restoring for longer than promised
      first: a/b.gz

    failed AccessDenied: 30 objects
      grant oss:RestoreObject on these keys (HEAD needs oss:GetObject)
      first: a/b.gz
      its request id: a/b.gz
    failed a/b.gz: 4 objects
      first: a/b.gz
      its request id: a/b.gz
    ");
}

#[test]
fn a_list_of_keys_has_no_figures_that_it_does_not_tell() {
    let mut audit = Audit::new("-".to_owned(), "2026-11-22T08:00:00Z".parse().unwrap());
    audit.lacks = vec!["size", "storage_class", "state", "expires_at", "action", "error_code", "flags"];
    audit.unread = [("checked_at", 2)].into();
    audit.total = count(2, 0);
    audit.classes = [(String::new(), [(State::Unknown, count(2, 0))].into())].into();
    audit.folders.all = vec![share("", false, &[(State::Unknown, count(2, 0))])];
    insta::assert_snapshot!(audit_text(&audit, Look::default()), @r"
    report    -: 2 objects
    note      no column `size`: bytes are not known
    note      no column `storage_class`: classes are not known
    note      no column `state`: states are not known
    note      no column `expires_at`: when copies lapse is not known
    note      no column `action`: what was done is not known
    note      no column `error_code`: failures are told by reason
    note      no column `flags`: what is stuck or lapses soon is not marked
    note      2 fields under `checked_at` could not be read: not counted
    ");
}

#[test]
fn an_unfinished_report_says_so() {
    let mut audit = Audit::new("x.csv.partial".to_owned(), "2026-11-22T08:00:00Z".parse().unwrap());
    (audit.unfinished, audit.torn) = (true, true);
    let text = audit_text(&audit, Look::default());
    assert!(text.contains("unfinished: the run that writes it has not ended; its last row is"), "{text}");
    assert!(text.contains("no row") && !text.contains("checksum"), "{text}");
}

#[test]
fn a_changed_report_says_so_in_red() {
    let mut audit = sample("k");
    audit.seal = Seal::Changed { told: "00".to_owned(), found: "11".to_owned() };
    let text = audit_text(&audit, Look { color: true, ..Look::default() });
    assert!(text.contains("\u{1b}[31;1mNOT the file"), "{text}");
}

#[test]
fn names_from_outside_cannot_steer_a_terminal_and_lines_keep_to_the_width() {
    let text = audit_text(&sample("a\u{1b}[2J\n\u{202e}b"), Look::default());
    assert!(text.chars().all(|c| c == '\n' || !crate::ui::escape::steers(c)), "{text}");
    let text = audit_text(&sample(&"long/".repeat(60)), Look::default());
    let wide = text.lines().filter(|line| crate::ui::escape::columns(line) > WIDTH).count();
    // Report and run are told whole.
    assert_eq!(wide, 2, "{text}");
}
