use super::*;
use crate::model::{ErrorCount, Reason};
use crate::ui::Charset;
use crate::ui::escape::{columns, steers};
use crate::ui::table::WIDTH;

const GIB: u64 = 1 << 30;

fn count(objects: u64, bytes: u64) -> Count {
    Count { objects, bytes }
}

fn error(objects: u64, key: &str, id: &str) -> ErrorCount {
    ErrorCount { objects, first_key: key.to_owned(), first_request_id: id.to_owned() }
}

/// A night with something of everything.
fn tally() -> Tally {
    let mut tally = Tally { listed: 1_300_000, delete_markers: 17, ..Tally::default() };
    tally.matched = count(1_234_567, 5_000 * GIB);
    tally.classes.insert(
        "Archive".to_owned(),
        [(State::Archived, count(15, GIB)), (State::Restored, count(1_188_995, 4_000 * GIB))].into(),
    );
    tally.classes.insert("ColdArchive".to_owned(), [(State::Restoring, count(45_557, 999 * GIB))].into());
    tally.actions = [
        (Action::None, count(1_188_995, 4_000 * GIB)),
        (Action::Requested, count(45_057, 989 * GIB)),
        (Action::Already, count(500, 10 * GIB)),
        (Action::Failed, count(15, GIB)),
    ]
    .into();
    tally.reasons = [(Reason::StillValid, 1_188_995), (Reason::Denied, 12), (Reason::Network, 3)].into();
    tally.errors = [
        ("AccessDenied".to_owned(), error(12, "logs/a b.gz", "5C3D9175B6FC201293AD****")),
        ("network".to_owned(), error(3, "logs/z.gz", "")),
    ]
    .into();
    tally
}

fn closing(tally: &Tally) -> Closing<'_> {
    Closing {
        verb: "restore",
        job: "nightly-logs",
        target: "oss://logs/2024/",
        provider: Some(Provider::Oss),
        tally,
        requests: RequestCounts {
            list: 1_300,
            restore: 45_678,
            retries: 163,
            throttled: 9,
            slow_downs: 2,
            lowest_restore_rate: Some(51),
            ..RequestCounts::default()
        },
        elapsed: Duration::from_secs(750),
        report: Some(Path::new("reports/x.csv")),
        complete: true,
        cost: None,
        early: None,
        spending: None,
        over_budget_alone: 0,
    }
}

#[test]
fn a_restore_with_failures() {
    insta::assert_snapshot!(closing_table(&closing(&tally()), Look::default()), @r"
    restore nightly-logs, oss://logs/2024/: complete

    class        state        objects       size
    Archive      archived          15    1.0 GiB
                 restored   1,188,995    3.9 TiB
    ColdArchive  restoring     45,557  999.0 GiB
    total                   1,234,567    4.9 TiB

    action       objects       size
    none       1,188,995    3.9 TiB
    requested     45,057  989.0 GiB
    already          500   10.0 GiB
    failed            15    1.0 GiB
    reasons: still_valid 1,188,995 · denied 12 · network 3

    failed AccessDenied: 12 objects
      grant oss:RestoreObject on these keys (HEAD needs oss:GetObject)
      first: logs/a b.gz
      its request id: 5C3D9175B6FC201293AD****
    failed network: 3 objects
      the store could not be reached: run the same line again for what is still open
      first: logs/z.gz
    what each means, and what to do: defrost explain AccessDenied

    listed    1,300,000 keys · delete markers 17 · matched 1,234,567
    requests  list 1,300 · restore 45,678 · retries 163 · throttled 9 · slow-downs 2
    rates     1,733 keys/s · 60.9 restores/s · slowed to 51 restores/s at the lowest
    elapsed   12m30s
    report    reports/x.csv
    ");
}

#[test]
fn a_night_within_a_budget() {
    let mut tally = Tally { listed: 9, ..Tally::default() };
    tally.actions = [(Action::Requested, count(5, GIB)), (Action::Deferred, count(4, GIB))].into();
    tally.reasons = [(Reason::Budget, 4)].into();
    let spent = |objects, cost: &str| Spent { objects, bytes: GIB, cost: Some(cost.to_owned()) };
    let day = Some(("2026-11-21".to_owned(), spent(7, "2.50 CNY")));
    let spending = Spending { run: spent(5, "1.99 CNY"), day };
    let stopped = Closing {
        spending: Some(&spending),
        over_budget_alone: 1,
        complete: false,
        early: Some(Early::WorkedOut(Duration::from_hours(6))),
        ..closing(&tally)
    };
    let told = closing_table(&stopped, Look::default());
    assert!(told.starts_with("restore nightly-logs, oss://logs/2024/: stopped before the end, after 6h00m"));
    let enough = Closing { early: Some(Early::Safety), ..stopped };
    let title = "restore nightly-logs, oss://logs/2024/: stopped before the end, by a safety limit\n";
    assert!(closing_table(&enough, Look::default()).starts_with(title));
    let wanted = "deferred         4  1.0 GiB\nreasons: budget 4\n";
    assert!(told.contains(wanted), "{told}");
    let wanted = "spent     run 5 objects, 1.0 GiB, 1.99 CNY\n          2026-11-21 7 objects, 1.0 GiB, 2.50 CNY\n\
                  never     1 object alone over the budget, or without a known price\n";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn an_audit_that_was_stopped() {
    let mut tally = Tally { listed: 3_000, ..Tally::default() };
    tally.matched = count(2_000, 2_048);
    tally.classes.insert("GLACIER".to_owned(), [(State::Archived, count(2_000, 2_048))].into());
    tally.actions.insert(Action::None, count(2_000, 2_048));
    let closing = Closing {
        verb: "scan",
        job: "audit",
        target: "s3://logs/",
        requests: RequestCounts { list: 3, ..RequestCounts::default() },
        elapsed: Duration::from_secs(2),
        complete: false,
        ..closing(&tally)
    };
    let look = Look { charset: Charset::Ascii, ..Look::default() };
    insta::assert_snapshot!(closing_table(&closing, look), @r"
    scan audit, s3://logs/: stopped before the end

    class    state     objects     size
    GLACIER  archived    2,000  2.0 KiB

    listed    3,000 keys | matched 2,000
    requests  list 3
    rates     1,500 keys/s
    elapsed   2.0s
    report    reports/x.csv
    to go on  checkpoint saved: run the line below
    ");
}

#[test]
fn an_audit_says_what_would_tell_the_unknown() {
    let mut tally = Tally { listed: 7, ..Tally::default() };
    tally.matched = count(7, 7);
    tally.classes.insert("ARCHIVE".to_owned(), [(State::Unknown, count(7, 7))].into());
    tally.actions.insert(Action::None, count(7, 7));
    let told = |provider, head| {
        let requests = RequestCounts { list: 1, head, ..RequestCounts::default() };
        let provider = Some(provider);
        closing_table(&Closing { verb: "scan", provider, requests, ..closing(&tally) }, Look::default())
    };
    assert!(told(Provider::Cos, 0).contains("\nunknown: the listing does not tell; --head asks"));
    assert!(!told(Provider::Cos, 7).contains("--head"));
    assert!(!told(Provider::Oss, 0).contains("--head"));
}

#[test]
fn a_restore_that_needed_nothing_says_why() {
    let mut tally = Tally { listed: 7, ..Tally::default() };
    tally.matched = count(7, 7);
    tally.classes.insert("ARCHIVE".to_owned(), [(State::Restored, count(7, 7))].into());
    tally.actions.insert(Action::None, count(7, 7));
    tally.reasons.insert(Reason::StillValid, 7);
    let told = closing_table(&closing(&tally), Look::default());
    assert!(told.contains("\nnone          7   7 B\nreasons: still_valid 7\n"), "{told}");
}

#[test]
fn nothing_matched_and_nothing_can_be_resumed() {
    let tally = Tally { listed: 5, ..Tally::default() };
    let closing = Closing {
        report: None,
        complete: false,
        elapsed: Duration::ZERO,
        requests: RequestCounts::default(),
        ..closing(&tally)
    };
    insta::assert_snapshot!(closing_table(&closing, Look::default()), @r"
    restore nightly-logs, oss://logs/2024/: stopped before the end

    no object matched so far: the filters leave none of the 5 keys that were listed.
    Classes that need no restore are left out unless --storage-class any
    (storage_class under [filter]) takes them; --include, --exclude, --state, sizes
    and ages leave out more

    listed    5 keys · matched 0
    requests  list 0 · restore 0
    elapsed   0.0s
    report    stdout
    to go on  impossible with a report to stdout: name a file with --report
    ");
}

#[test]
fn the_widest_table_is_narrow_safe_and_ascii_if_asked() {
    let evil = "\u{1b}[2J\nerror: forged\u{202e}日本語ü".repeat(20);
    let mut tally = tally();
    let most = count(u64::MAX, u64::MAX);
    for i in 0..40 {
        let name = format!("{evil}{i}");
        tally.classes.insert(name.clone(), State::ALL.iter().map(|&state| (state, most)).collect());
        tally.errors.insert(name, error(u64::MAX, &evil, &evil));
    }
    tally.matched = most;
    tally.actions = Action::ALL.iter().map(|&action| (action, most)).collect();
    tally.reasons = Reason::ALL.iter().map(|&reason| (reason, u64::MAX)).collect();
    let n = u64::MAX;
    let requests = RequestCounts {
        list: n,
        head: n,
        restore: n,
        retries: n,
        throttled: n,
        slow_downs: n,
        lowest_restore_rate: Some(u32::MAX),
        ..RequestCounts::default()
    };
    for charset in [Charset::Utf8, Charset::Ascii] {
        let closing = Closing { requests, ..closing(&tally) };
        let text = closing_table(&closing, Look { charset, ..Look::default() });
        for line in text.lines() {
            assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
            assert!(!line.chars().any(steers), "{line:?}");
        }
        assert!(charset == Charset::Utf8 || text.is_ascii());
        assert!(text.contains("30 more error codes are in the summary"));
    }
}

#[test]
fn a_narrow_terminal_gets_lines_that_fit_it() {
    let mut tally = tally();
    tally.flags.insert(Flag::Stuck, count(12, 1 << 40));
    for width in [40, 50, 60, 80, 200] {
        let look = Look { columns: Some(width), ..Look::default() };
        for closing in [
            Closing { complete: false, over_budget_alone: 1_234, ..closing(&tally) },
            Closing { tally: &Tally { listed: 7, ..Tally::default() }, ..closing(&tally) },
            Closing { tally: &Tally::default(), ..closing(&tally) },
        ] {
            let text = closing_table(&closing, look);
            for line in text.lines() {
                assert!(columns(line) <= usize::from(width.min(80)), "{width}: {line}");
            }
        }
    }
    insta::assert_snapshot!(closing_table(&closing(&tally), Look { columns: Some(50), ..Look::default() }));
}

#[test]
fn that_nothing_matched_is_told_with_what_may_be_the_cause() {
    let told = |listed| {
        let tally = Tally { listed, ..Tally::default() };
        closing_table(&Closing { tally: &tally, ..closing(&tally) }, Look::default())
    };
    assert!(told(0).contains("nothing is listed under this URL") && !told(0).contains("--storage-class"));
    for flag in ["--storage-class any", "--include", "--fail-empty", "exit code 5"] {
        assert!(told(1_200).contains(flag), "{}", told(1_200));
    }
}
