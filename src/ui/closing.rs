//! The table at the end of a run.

use std::path::Path;
use std::time::Duration;

use super::escape::clipped;
use super::human::human_objects;
use super::table::{Align, Table, WIDTH, wrapped};
use super::{Look, advice, human_bytes, human_count, human_rate, human_span, printable};
use crate::model::{Action, Count, Flag, Money, Provider, RequestCounts, Spending, Spent, State, Tally};

/// Longest storage class that is shown whole, in columns.
const LONGEST_CLASS: usize = 28;
/// Longest error code that is shown whole, in columns.
const LONGEST_CODE: usize = 36;
/// What has no price that is told by name; the summary tells all.
const MAX_UNKNOWN: usize = 4;
/// Error codes that get a row of their own, the commonest first.
const MAX_CODES: usize = 12;

/// Everything that the closing table shows.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// `scan`, `plan` or `restore`.
    pub verb: &'a str,
    /// Name of the job.
    pub job: &'a str,
    /// The bucket URL.
    pub target: &'a str,
    /// Decides how a missing right is named; `None` names all three.
    pub provider: Option<Provider>,
    /// Everything counted.
    pub tally: &'a Tally,
    /// Requests by kind.
    pub requests: RequestCounts,
    /// Time spent working, over all sessions of the run; the rates are taken over it.
    pub elapsed: Duration,
    /// Where the report stands; `None` for stdout.
    pub report: Option<&'a Path>,
    /// Whether the listing was worked through to its end.
    pub complete: bool,
    /// How long the run was allowed to work, if it ended for that.
    pub worked_out: Option<Duration>,
    /// What was spent of the budget; `None` if the job has none.
    pub spending: Option<&'a Spending>,
    /// Objects that the budget will never pay for.
    pub over_budget_alone: u64,
    /// What the run cost; in a plan, what a run would cost.
    pub cost: Option<Cost<'a>>,
}

/// What requests cost, as far as prices are known.
#[derive(Clone, Copy, Debug)]
pub struct Cost<'a> {
    /// In each currency.
    pub sums: &'a [Money],
    /// What has no price, in words.
    pub unknown: &'a [String],
}

/// The closing table: objects and bytes by class and state, actions, reasons, errors with advice,
/// time, requests, rates, and the path of the report.
///
/// Lines are at most 80 columns wide, but for names from outside (job, URL, path), which are not
/// cut so that they can be copied. Ends with a line break.
#[must_use]
pub fn closing_table(closing: &Closing<'_>, look: Look) -> String {
    let mut lines = vec![title(closing, look), String::new()];
    let mut part = |part: Vec<String>| {
        if !part.is_empty() {
            lines.extend(part);
            lines.push(String::new());
        }
    };
    part(classes(closing, look));
    part(actions(closing, look));
    part(flags(closing, look));
    part(errors(closing, look));
    lines.extend(foot(closing, look));
    lines.join("\n") + "\n"
}

fn title(closing: &Closing<'_>, look: Look) -> String {
    let end = match (closing.complete, closing.worked_out) {
        (true, _) => "complete".to_owned(),
        (false, None) => "stopped before the end".to_owned(),
        (false, Some(span)) => format!("stopped before the end, after {} (stop_after)", human_span(span)),
    };
    let text = format!(
        "{} {}, {}: {end}",
        closing.verb,
        printable(closing.job, look.charset),
        printable(closing.target, look.charset)
    );
    look.bold(&text)
}

fn classes(closing: &Closing<'_>, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 4] = [Align::Left, Align::Left, Align::Right, Align::Right];
    let tally = closing.tally;
    let mut table = Table::new(&ALIGNS, &["class", "state", "objects", "size"]);
    let mut rows = 0;
    for (class, states) in &tally.classes {
        // The class is named once; its other states stand below it.
        let mut name =
            if class.is_empty() { "(none)".to_owned() } else { clipped(class, LONGEST_CLASS, look.charset) };
        for (state, count) in states {
            table.row([
                std::mem::take(&mut name),
                state.as_str().to_owned(),
                human_count(count.objects),
                human_bytes(count.bytes),
            ]);
            rows += 1;
        }
    }
    match rows {
        0 => return vec!["no object matched".to_owned()],
        1 => {}
        _ => {
            let Count { objects, bytes } = tally.matched;
            table.row(["total".to_owned(), String::new(), human_count(objects), human_bytes(bytes)]);
        }
    }
    let mut lines = table.lines();
    // The listing of OSS tells all but what a symlink points to, which HEAD does not tell either.
    let unknown = closing.provider != Some(Provider::Oss)
        && tally.classes.values().any(|states| states.contains_key(&State::Unknown));
    if unknown && closing.requests.head == 0 {
        lines.push("unknown: the listing does not tell; --head asks, one request each".to_owned());
    }
    lines
}

fn actions(closing: &Closing<'_>, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 3] = [Align::Left, Align::Right, Align::Right];
    let tally = closing.tally;
    let told: Vec<(Action, Count)> = Action::ALL
        .iter()
        .map(|&action| (action, tally.action(action)))
        .filter(|(_, c)| c.objects > 0)
        .collect();
    // In an audit nothing is done to anything: no table is needed to say so.
    let done = told.iter().any(|(action, _)| *action != Action::None);
    if told.is_empty() || (closing.verb == "scan" && !done) {
        return Vec::new();
    }
    let mut table = Table::new(&ALIGNS, &["action", "objects", "size"]);
    for (action, count) in told {
        table.row([action.as_str().to_owned(), human_count(count.objects), human_bytes(count.bytes)]);
    }
    let mut lines = table.lines();
    let reasons: Vec<String> =
        tally.reasons.iter().map(|(&reason, &n)| format!("{} {}", reason.as_str(), human_count(n))).collect();
    if !reasons.is_empty() {
        lines.extend(wrapped("reasons: ", reasons.iter().map(String::as_str), look.charset.dot()));
    }
    lines
}

/// What deserves a second look; the column `flags` names the objects.
fn flags(closing: &Closing<'_>, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |flag: Flag, what: &str| {
        let count = closing.tally.flagged(flag);
        if count.objects > 0 {
            let (objects, bytes) = (human_objects(count.objects), human_bytes(count.bytes));
            lines.push(format!("{}: {objects}, {bytes}, {what}", look.red(flag.as_str())));
        }
    };
    line(Flag::Stuck, "restoring for longer than promised");
    line(Flag::Expiring, "readable, but not for long");
    lines
}

fn errors(closing: &Closing<'_>, look: Look) -> Vec<String> {
    let mut codes: Vec<_> = closing.tally.errors.iter().collect();
    codes.sort_by(|(a, x), (b, y)| y.objects.cmp(&x.objects).then_with(|| a.cmp(b)));
    let mut lines = Vec::new();
    for (code, count) in codes.iter().take(MAX_CODES) {
        let name = clipped(code, LONGEST_CODE, look.charset);
        lines.push(format!("{} {name}: {}", look.red("failed"), human_objects(count.objects)));
        let advice = advice(closing.provider, code);
        if let Some(advice) = advice {
            lines.extend(wrapped("  ", advice.split(' '), " "));
        }
        if !count.first_key.is_empty() {
            let head = "  first: ";
            lines.push(format!("{head}{}", clipped(&count.first_key, WIDTH - head.len(), look.charset)));
        }
        if !count.first_request_id.is_empty() {
            let head = "  its request id: ";
            lines.push(format!(
                "{head}{}",
                clipped(&count.first_request_id, WIDTH - head.len(), look.charset)
            ));
        }
    }
    if codes.len() > MAX_CODES {
        let more = codes.len() - MAX_CODES;
        lines.push(format!("{} {more} more error codes are in the summary", look.charset.ellipsis()));
    }
    lines
}

fn foot(closing: &Closing<'_>, look: Look) -> Vec<String> {
    let dot = look.charset.dot();
    let RequestCounts { list, head, restore, retries, throttled, slow_downs, lowest_restore_rate, .. } =
        closing.requests;
    let requests: Vec<String> = [
        (list, "list", true),
        (head, "head", false),
        (restore, "restore", closing.verb == "restore"),
        (retries, "retries", false),
        (throttled, "throttled", false),
        (slow_downs, "slow-downs", false),
    ]
    .into_iter()
    .filter(|&(n, _, always)| always || n > 0)
    .map(|(n, word, _)| format!("{word} {}", human_count(n)))
    .collect();
    let mut rates: Vec<String> = [(closing.tally.listed, "keys"), (restore, "restores")]
        .into_iter()
        .filter(|&(n, _)| n > 0)
        .filter_map(|(n, word)| Some((per_second(n, closing.elapsed)?, word)))
        .map(|(rate, word)| format!("{} {word}/s", human_rate(Some(rate))))
        .collect();
    if let Some(lowest) = lowest_restore_rate {
        rates.push(format!("slowed to {} restores/s at the lowest", human_count(u64::from(lowest))));
    }
    let markers = closing.tally.delete_markers;
    let mut counted = vec![format!("{} keys", human_count(closing.tally.listed))];
    if markers > 0 {
        counted.push(format!("delete markers {}", human_count(markers)));
    }
    counted.push(format!("matched {}", human_count(closing.tally.matched.objects)));

    let mut lines = Vec::new();
    let mut row = |name: &str, items: &[String]| {
        lines.extend(wrapped(&format!("{name:<10}"), items.iter().map(String::as_str), dot));
    };
    row("listed", &counted);
    row("requests", &requests);
    if !rates.is_empty() {
        row("rates", &rates);
    }
    if let Some(cost) = closing.cost.filter(|_| closing.verb == "restore") {
        row("fees", &costs(&cost));
    }
    row("elapsed", &[human_span(closing.elapsed)]);
    if let Some(spending) = closing.spending {
        row("spent", &spent_words(spending));
    }
    if closing.over_budget_alone > 0 {
        let objects = human_objects(closing.over_budget_alone);
        row("never", &[format!("{objects} alone over the budget, or without a known price")]);
    }
    let report = closing.report.map_or_else(|| "stdout".into(), Path::to_string_lossy);
    row("report", &[printable(&report, look.charset).into_owned()]);
    if !closing.complete {
        let way = if closing.report.is_some() {
            "checkpoint saved: run the line below"
        } else {
            "impossible with a report to stdout: name a file with --report"
        };
        row("to go on", &[way.to_owned()]);
    }
    lines
}

/// What a run and its day took of their budgets.
pub(super) fn spent_words(spending: &Spending) -> Vec<String> {
    let words = |when: &str, spent: &Spent| {
        let cost = spent.cost.as_ref().map(|cost| format!(", {cost}")).unwrap_or_default();
        format!("{when} {}, {}{cost}", human_objects(spent.objects), human_bytes(spent.bytes))
    };
    let day = spending.day.as_ref().map(|(day, spent)| words(day, spent));
    std::iter::once(words("run", &spending.run)).chain(day).collect()
}

/// What is known of the cost, and what of it is not.
fn costs(cost: &Cost<'_>) -> Vec<String> {
    let mut told: Vec<String> = cost.sums.iter().map(ToString::to_string).collect();
    if told.is_empty() && cost.unknown.is_empty() {
        told.push("nothing".to_owned());
    }
    if !cost.unknown.is_empty() {
        told.extend(cost.unknown.iter().take(MAX_UNKNOWN).map(|what| format!("unknown: {what}")));
        if cost.unknown.len() > MAX_UNKNOWN {
            told.push(format!("and {} more", cost.unknown.len() - MAX_UNKNOWN));
        }
    }
    told
}

/// The mean over `span`; `None` for a span too short to tell.
fn per_second(n: u64, span: Duration) -> Option<f64> {
    (span >= Duration::from_millis(100)).then(|| n as f64 / span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ErrorCount, Reason};
    use crate::ui::Charset;
    use crate::ui::escape::{columns, steers};

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
            worked_out: None,
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
            worked_out: Some(Duration::from_hours(6)),
            ..closing(&tally)
        };
        let told = closing_table(&stopped, Look::default());
        assert!(
            told.starts_with("restore nightly-logs, oss://logs/2024/: stopped before the end, after 6h00m")
        );
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

        no object matched

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
}
