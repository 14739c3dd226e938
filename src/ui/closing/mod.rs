//! The table at the end of a run.

use std::path::Path;
use std::time::Duration;

use super::escape::clipped;
use super::human::human_objects;
use super::table::{Align, Table, wrapped};
use super::{Look, advice, entry, human_bytes, human_count, human_rate, human_span, printable};
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
    /// What ended it before that, if it was not a signal.
    pub early: Option<Early>,
    /// What was spent of the budget; `None` if the job has none.
    pub spending: Option<&'a Spending>,
    /// Objects that the budget will never pay for.
    pub over_budget_alone: u64,
    /// What the run cost; in a plan, what a run would cost.
    pub cost: Option<Cost<'a>>,
}

/// What ends a run before its listing does, besides a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// It has worked for as long as it was allowed to.
    WorkedOut(Duration),
    /// A safety limit.
    Safety,
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
    let end = match (closing.complete, closing.early) {
        (true, _) => "complete".to_owned(),
        (false, None) => "stopped before the end".to_owned(),
        (false, Some(Early::WorkedOut(span))) => {
            format!("stopped before the end, after {} (stop_after)", human_span(span))
        }
        (false, Some(Early::Safety)) => "stopped before the end, by a safety limit".to_owned(),
    };
    let text = format!(
        "{} {}, {}: {end}",
        closing.verb,
        printable(closing.job, look.charset),
        printable(closing.target, look.charset)
    );
    look.bold(&look.broken("", 0, &text))
}

/// `text` behind `head`, broken between its words.
fn sentence(head: &str, text: &str, look: Look) -> Vec<String> {
    wrapped(look.width(), head, text.split(' '), " ")
}

/// Why the table has no row, and what may be done about it.
fn nothing(closing: &Closing<'_>, look: Look) -> Vec<String> {
    let so_far = if closing.complete { "" } else { " so far" };
    let text = match closing.tally.listed {
        0 if !closing.complete => "nothing was listed yet".to_owned(),
        0 => {
            "no object matched: nothing is listed under this URL; check its prefix and the bucket".to_owned()
        }
        listed => format!(
            "no object matched{so_far}: the filters leave none of the {} keys that were listed. Classes that need no \
             restore are left out unless --storage-class any (storage_class under [filter]) takes them; --include, \
             --exclude, --state, sizes and ages leave out more",
            human_count(listed)
        ),
    };
    let mut lines = sentence("", &text, look);
    if closing.complete {
        lines.extend(sentence(
            "",
            "that is no failure (exit code 0); with --fail-empty it is exit code 5",
            look,
        ));
    }
    lines
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
        0 => return nothing(closing, look),
        1 => {}
        _ => {
            let Count { objects, bytes } = tally.matched;
            table.row(["total".to_owned(), String::new(), human_count(objects), human_bytes(bytes)]);
        }
    }
    let mut lines = table.lines(look);
    // The listing of OSS tells all but what a symlink points to, which HEAD does not tell either.
    let unknown = closing.provider != Some(Provider::Oss)
        && tally.classes.values().any(|states| states.contains_key(&State::Unknown));
    if unknown && closing.requests.head == 0 {
        lines.extend(sentence("", "unknown: the listing does not tell; --head asks, one request each", look));
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
    let mut lines = table.lines(look);
    let reasons: Vec<String> =
        tally.reasons.iter().map(|(&reason, &n)| format!("{} {}", reason.as_str(), human_count(n))).collect();
    if !reasons.is_empty() {
        lines.extend(wrapped(
            look.width(),
            "reasons: ",
            reasons.iter().map(String::as_str),
            look.charset.dot(),
        ));
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
            let head = format!("{}: ", look.red(flag.as_str()));
            let painted = head.len() - flag.as_str().len() - 2;
            lines.push(look.broken(&head, painted, &format!("{objects}, {bytes}, {what}")));
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
            lines.extend(wrapped(look.width(), "  ", advice.split(' '), " "));
        }
        if !count.first_key.is_empty() {
            let head = "  first: ";
            lines.push(format!(
                "{head}{}",
                clipped(&count.first_key, look.width() - head.len(), look.charset)
            ));
        }
        if !count.first_request_id.is_empty() {
            // On a line of its own where it would be cut otherwise.
            let id = clipped(&count.first_request_id, look.width() - 2, look.charset);
            lines.extend(wrapped(look.width(), "  ", ["its request id:", &id], " "));
        }
    }
    if codes.len() > MAX_CODES {
        let more = codes.len() - MAX_CODES;
        lines.push(format!("{} {more} more error codes are in the summary", look.charset.ellipsis()));
    }
    let known = codes.iter().take(MAX_CODES).find_map(|(code, _)| entry(code));
    if let Some((_, code)) = known {
        let command = format!("defrost explain {code}");
        lines.extend(wrapped(look.width(), "", ["what each means, and what to do:", &command], " "));
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
        lines.extend(wrapped(look.width(), &format!("{name:<10}"), items.iter().map(String::as_str), dot));
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
        let text = format!("{objects} alone over the budget, or without a known price");
        lines.extend(sentence(&format!("{:<10}", "never"), &text, look));
    }
    let report = closing.report.map_or_else(|| "stdout".into(), Path::to_string_lossy);
    // A path is not broken: it is there to be copied.
    lines.push(format!("{:<10}{}", "report", printable(&report, look.charset)));
    if !closing.complete {
        let way = if closing.report.is_some() {
            "checkpoint saved: run the line below"
        } else {
            "impossible with a report to stdout: name a file with --report"
        };
        lines.extend(sentence(&format!("{:<10}", "to go on"), way, look));
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
mod tests;
