//! The audit of a report as text: what `defrost report` prints.

mod words;

pub(in crate::ui) use words::{
    SIMULATED, action_words, flag_words, lacking, provider_of, request_words, seal_words, share_name, stamp,
    state_words, unread_words,
};

use super::closing::spent_words;
use super::escape::clipped;
use super::human::human_objects;
use super::table::{Align, Table, wrapped};
use super::{Look, advice, human_bytes, human_count, human_rate, human_span, printable};
use crate::model::{Action, Audit, Count, RunFacts, Seal, Share};

/// Longest storage class that is shown whole, in columns.
const LONGEST_CLASS: usize = 28;
/// Longest error code that is shown whole, in columns.
const LONGEST_CODE: usize = 36;
/// Widest folder, in columns.
const WIDEST_FOLDER: usize = 50;
/// Days that get a row of their own.
const MAX_DAYS: usize = 14;
/// Folders that get a row of their own.
const MAX_FOLDERS: usize = 10;
/// Error codes that get a row of their own, the commonest first.
const MAX_CODES: usize = 12;
/// Kinds of fees without a price that are told by name.
const MAX_UNKNOWN: usize = 4;

/// The audit as text: the run, objects by class and state, expiry by day, the largest folders that are
/// archived still, actions, flags, and errors with advice.
///
/// Lines are at most 80 columns wide, but for names from outside (job, URL, path), which are not cut so
/// that they can be copied. Ends with a line break.
#[must_use]
pub fn audit_text(audit: &Audit, look: Look) -> String {
    let parts = [
        head(audit, look),
        classes(audit, look),
        lapses(audit, look),
        archived(audit, look),
        actions(audit, look),
        flags(audit, look),
        errors(audit, look),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|part| !part.is_empty()).map(|part| part.join("\n")).collect();
    parts.join("\n\n") + "\n"
}

/// A line of the head, broken between `items`.
fn row(name: &str, items: &[String], look: Look) -> Vec<String> {
    wrapped(look.width(), &format!("{name:<10}"), items.iter().map(String::as_str), look.charset.dot())
}

/// The same of words.
fn sentence(name: &str, words: &str, look: Look) -> Vec<String> {
    wrapped(look.width(), &format!("{name:<10}"), words.split(' '), " ")
}

fn head(audit: &Audit, look: Look) -> Vec<String> {
    let safe = |text: &str| printable(text, look.charset).into_owned();
    let mut lines = Vec::new();
    let mut counted = vec![human_objects(audit.total.objects)];
    counted.extend(audit.has("size").then(|| human_bytes(audit.total.bytes)));
    let told = [safe(&audit.file), counted.join(", ")].join(": ");
    lines.push(look.bold(&format!("{:<10}{told}", "report")));
    if audit.unfinished {
        let cut = if audit.torn { "; its last row is cut off and not counted" } else { "" };
        lines.extend(sentence("", &format!("unfinished: the run that writes it has not ended{cut}"), look));
    }
    if let Some((first, last)) = audit.checked {
        let span = if stamp(first) == stamp(last) {
            stamp(first)
        } else {
            format!("{} to {}", stamp(first), stamp(last))
        };
        lines.extend(row("as of", &[span], look));
    }
    match &audit.seal {
        Seal::NoSummary if audit.unfinished || audit.file == "-" => {}
        seal => {
            let words = safe(&seal_words(seal));
            let words = if matches!(seal, Seal::Changed { .. }) { look.red(&words) } else { words };
            lines.extend(sentence("checksum", &words, look));
        }
    }
    if let Some(run) = &audit.run {
        lines.extend(run_lines(run, look));
    }
    let lacks = lacking(audit).into_iter().chain(unread_words(audit));
    lines.extend(lacks.flat_map(|line| sentence("note", &line, look)));
    lines
}

fn run_lines(run: &RunFacts, look: Look) -> Vec<String> {
    let safe = |text: &str| printable(text, look.charset).into_owned();
    let ended = format!("{}, exit code {}", safe(&run.exit_reason), run.exit_code);
    let mut lines =
        vec![format!("{:<10}{} {}, {}: {ended}", "run", safe(&run.verb), safe(&run.job), safe(&run.target))];
    if run.simulated {
        lines.extend(sentence("", SIMULATED, look));
    }
    let mut spans = vec![format!("{} to {}", stamp(run.started_at), stamp(run.finished_at))];
    spans.extend(run.span().map(|span| format!("{} of work", human_span(span))));
    if run.sessions > 1 {
        spans.push(format!("{} sessions", run.sessions));
    }
    lines.extend(row("when", &spans, look));
    let mut requests = request_words(run);
    for (rate, what) in [(run.listed_per_second, "keys"), (run.restores_per_second, "restores")] {
        if rate > 0.0 {
            requests.push(format!("{} {what}/s", human_rate(Some(rate))));
        }
    }
    lines.extend(row("requests", &requests, look));
    let mut fees: Vec<String> = run.fees.iter().map(|sum| safe(sum)).collect();
    fees.extend(run.fees_unknown.iter().take(MAX_UNKNOWN).map(|what| format!("unknown: {}", safe(what))));
    if run.fees_unknown.len() > MAX_UNKNOWN {
        fees.push(format!("and {} more", run.fees_unknown.len() - MAX_UNKNOWN));
    }
    if !fees.is_empty() {
        lines.extend(row("fees", &fees, look));
    }
    if let Some(spending) = &run.spending {
        let spent: Vec<String> = spent_words(spending).iter().map(|words| safe(words)).collect();
        lines.extend(row("spent", &spent, look));
    }
    lines
}

/// Objects and size as cells; no size where it is not known.
fn cells(count: Count, audit: &Audit) -> [String; 2] {
    let size = if audit.has("size") { human_bytes(count.bytes) } else { "-".to_owned() };
    [human_count(count.objects), size]
}

fn classes(audit: &Audit, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 4] = [Align::Left, Align::Left, Align::Right, Align::Right];
    if audit.total.objects == 0 {
        return vec!["no row".to_owned()];
    }
    if !audit.has("state") && !audit.has("storage_class") {
        return Vec::new();
    }
    let mut table = Table::new(&ALIGNS, &["class", "state", "objects", "size"]);
    for (class, states) in &audit.classes {
        // The class is named once; its other states stand below it.
        let mut name = if audit.has("storage_class") {
            if class.is_empty() { "(none)".to_owned() } else { clipped(class, LONGEST_CLASS, look.charset) }
        } else {
            "?".to_owned()
        };
        for (state, &count) in states {
            let state = if audit.has("state") { state.as_str() } else { "?" };
            let [objects, size] = cells(count, audit);
            table.row([std::mem::take(&mut name), state.to_owned(), objects, size]);
        }
    }
    let [objects, size] = cells(audit.total, audit);
    table.row(["total".to_owned(), String::new(), objects, size]);
    table.lines(look)
}

fn lapses(audit: &Audit, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 3] = [Align::Left, Align::Right, Align::Right];
    let lapses = &audit.lapses;
    if lapses.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&ALIGNS, &["readable copies lapse on", "objects", "size"]);
    let mut put = |name: String, count: Count| {
        let [objects, size] = cells(count, audit);
        table.row([name, objects, size]);
    };
    // A day more is told rather than put behind "later" alone.
    let told = if lapses.days.len() <= MAX_DAYS + 1 { MAX_DAYS + 1 } else { MAX_DAYS };
    for (day, &count) in lapses.days.iter().take(told) {
        put(day.strftime("%Y-%m-%d, %a").to_string(), count);
    }
    let mut later = lapses.later;
    lapses.days.values().skip(told).for_each(|&count| later.merge(count));
    if later.objects > 0 {
        let last = lapses.days.keys().last().filter(|_| lapses.later_from.is_none());
        put(last.map_or("later".to_owned(), |day| format!("later, to {day}")), later);
    }
    if lapses.undated.objects > 0 {
        put("not told".to_owned(), lapses.undated);
    }
    let mut lines = table.lines(look);
    if lapses.by_now.objects > 0 {
        let gone = format!("{} of these have lapsed by now", human_objects(lapses.by_now.objects));
        lines.push(look.red(&gone));
    }
    lines
}

fn archived(audit: &Audit, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 4] = [Align::Left, Align::Right, Align::Right, Align::Right];
    let folders = &audit.folders;
    if folders.archived.is_empty() {
        return Vec::new();
    }
    let mut table = Table::new(&ALIGNS, &["archived still, by folder", "objects", "size", "of it"]);
    for share in folders.archived.iter().take(MAX_FOLDERS) {
        table.row(archived_row(share, &share_name(share, folders), audit, look));
    }
    let rest = folders.archived.iter().skip(MAX_FOLDERS);
    let rest = rest.fold((0, Count::default()), |(n, mut sum), share| {
        sum.merge(share.archived());
        (n + 1, sum)
    });
    if rest.0 > 0 {
        let [objects, size] = cells(rest.1, audit);
        table.row([format!("(in {} more)", rest.0), objects, size, String::new()]);
    }
    let mut lines = table.lines(look);
    if folders.at_least {
        lines.extend(sentence("note", AT_LEAST, look));
    }
    lines
}

/// What is said of a report whose keys are in no order.
pub(in crate::ui) const AT_LEAST: &str =
    "keys are in no order: a folder may hold more than is told, which its parent counts";

fn archived_row(share: &Share, name: &str, audit: &Audit, look: Look) -> [String; 4] {
    let archived = share.archived();
    let [objects, size] = cells(archived, audit);
    let part = match (archived.objects * 100).checked_div(share.total.objects) {
        Some(0) => "<1 %".to_owned(),
        Some(percent) => format!("{percent} %"),
        None => String::new(),
    };
    [clipped(name, WIDEST_FOLDER, look.charset), objects, size, part]
}

fn actions(audit: &Audit, look: Look) -> Vec<String> {
    const ALIGNS: [Align; 3] = [Align::Left, Align::Right, Align::Right];
    // In an audit nothing is done to anything: no table is needed to say so.
    if audit.actions.keys().all(|action| *action == Action::None) {
        return Vec::new();
    }
    let mut table = Table::new(&ALIGNS, &["action", "objects", "size"]);
    for (action, &count) in &audit.actions {
        let [objects, size] = cells(count, audit);
        table.row([action.as_str().to_owned(), objects, size]);
    }
    let mut lines = table.lines(look);
    let reasons: Vec<String> =
        audit.reasons.iter().map(|(&reason, &n)| format!("{} {}", reason.as_str(), human_count(n))).collect();
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

fn flags(audit: &Audit, look: Look) -> Vec<String> {
    let mut lines = Vec::new();
    for (&flag, flagged) in &audit.flags {
        let [objects, size] = [human_objects(flagged.count.objects), human_bytes(flagged.count.bytes)];
        lines.push(format!("{}: {objects}, {size}, {}", look.red(flag.as_str()), flag_words(flag)));
        let head = "  first: ";
        lines.push(format!("{head}{}", clipped(&flagged.first_key, look.width() - head.len(), look.charset)));
    }
    lines
}

fn errors(audit: &Audit, look: Look) -> Vec<String> {
    let codes = audit.codes();
    let provider = provider_of(audit);
    let mut lines = Vec::new();
    for (code, count) in codes.iter().take(MAX_CODES) {
        let name = clipped(code, LONGEST_CODE, look.charset);
        lines.push(format!("{} {name}: {}", look.red("failed"), human_objects(count.count.objects)));
        if let Some(advice) = advice(provider, code) {
            lines.extend(wrapped(look.width(), "  ", advice.split(' '), " "));
        }
        for (head, text) in [("  first: ", &count.first_key), ("  its request id: ", &count.first_request_id)]
        {
            if !text.is_empty() {
                lines.push(format!("{head}{}", clipped(text, look.width() - head.len(), look.charset)));
            }
        }
    }
    if codes.len() > MAX_CODES {
        lines.push(format!("{} {} more error codes", look.charset.ellipsis(), codes.len() - MAX_CODES));
    }
    lines
}

#[cfg(test)]
pub(in crate::ui) mod tests;
