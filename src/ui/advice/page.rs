//! An entry, and the list of all, as text and as JSON.

use serde::Serialize;

use super::super::table::{WIDTH, wrapped};
use super::{Entry, Name, Sort, entries};
use crate::model::Provider;

/// Columns of the headings on the left.
const HEADING: usize = 14;
/// Columns of words and numbers in the list.
const NAMES: usize = 17;

/// What there is to say of `name`, which is a name of `entry`: a heading, then paragraphs beside short
/// headings, at most 80 columns wide, with a line break at the end.
#[must_use]
pub fn explained(entry: &Entry, name: &str) -> String {
    let mut lines = vec![title(entry, name), String::new()];
    let mut part = |head: &str, text: &str| {
        if !text.is_empty() {
            lines.extend(wrapped(WIDTH, &format!("{head:<HEADING$}"), text.split(' '), " "));
        }
    };
    let of = name_of(entry, name);
    part("means", entry.means);
    part("this one", of.map_or("", |of| of.note));
    // What another vendor means by a code that only one sends is of no use here.
    let concerned = |provider: &Provider| of.is_none_or(|of| of.of.is_empty() || of.of.contains(provider));
    for (provider, text) in entry.on.iter().filter(|(provider, _)| concerned(provider)) {
        part(&format!("on {}", vendor(*provider)), text);
    }
    part("defrost", entry.defrost);
    part("what to do", entry.act);
    let others: Vec<&str> = entry.names.iter().map(|n| n.code).filter(|other| *other != name).collect();
    part("the same for", &others.join(", "));
    if !entry.source.is_empty() {
        part("sources", &format!("{}; read 2026-11", entry.source));
    }
    lines.join("\n") + "\n"
}

/// The same as one JSON object: `name`, `sort`, `vendors`, `advice`, `means`, `note`, `on` (by vendor),
/// `defrost`, `what_to_do`, `others`, `source`. Without a line break at the end.
#[must_use]
pub fn explained_json(entry: &Entry, name: &str) -> String {
    let of = name_of(entry, name);
    json(&Told {
        name,
        sort: entry.sort.as_str(),
        vendors: of.map(|of| of.of.iter().map(|p| p.scheme()).collect()).unwrap_or_default(),
        advice: entry.line.text(None),
        means: entry.means,
        note: of.map_or("", |of| of.note),
        on: entry.on.iter().map(|(provider, text)| (provider.scheme(), *text)).collect(),
        defrost: entry.defrost,
        what_to_do: entry.act,
        others: entry.names.iter().map(|n| n.code).filter(|other| *other != name).collect(),
        source: entry.source,
    })
}

/// Every name there is, sort by sort, with its line of advice or the beginning of its meaning; names that
/// mean the same stand together.
#[must_use]
pub fn listed() -> String {
    let mut lines = vec!["`defrost explain NAME` tells more of each.".to_owned()];
    for sort in Sort::ALL {
        lines.push(String::new());
        lines.push(format!("{}:", heading(sort)));
        for entry in entries().filter(|entry| entry.sort == sort) {
            let line =
                entry.line.text(None).filter(|_| matches!(sort, Sort::Code | Sort::Status | Sort::Exit));
            let text = line.unwrap_or_else(|| first_sentence(entry.means));
            let names: Vec<String> = entry.names.iter().map(|name| name.code.to_owned()).collect();
            if sort == Sort::Code {
                let names = names.join(", ");
                lines.extend(wrapped(WIDTH, "  ", names.split(' '), " "));
                lines.extend(wrapped(WIDTH, "      ", text.split(' '), " "));
            } else {
                lines.extend(wrapped(
                    WIDTH,
                    &format!("  {:<NAMES$}  ", names.concat()),
                    text.split(' '),
                    " ",
                ));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Every entry as JSON, one object a line, with a line break at the end of each.
#[must_use]
pub fn listed_json() -> String {
    let all = entries().flat_map(|entry| entry.names.iter().map(move |name| (entry, name.code)));
    all.map(|(entry, name)| explained_json(entry, name) + "\n").collect()
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    sort: &'a str,
    vendors: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
    means: &'a str,
    note: &'a str,
    on: std::collections::BTreeMap<&'static str, &'a str>,
    defrost: &'a str,
    what_to_do: &'a str,
    others: Vec<&'a str>,
    source: &'a str,
}

fn json(told: &Told<'_>) -> String {
    // Nothing in it can fail to be written.
    serde_json::to_string(told).unwrap_or_default()
}

fn title(entry: &Entry, name: &str) -> String {
    let vendors: Vec<&str> =
        name_of(entry, name).into_iter().flat_map(|of| of.of).map(|p| vendor(*p)).collect();
    let of = if vendors.is_empty() { String::new() } else { format!(" of {}", and(&vendors)) };
    let defrost = if entry.sort == Sort::Exit { " of defrost" } else { "" };
    format!("{name}: {}{of}{defrost}", entry.sort.as_str())
}

fn name_of(entry: &Entry, name: &str) -> Option<&'static Name> {
    entry.names.iter().find(|known| known.code == name)
}

const fn vendor(provider: Provider) -> &'static str {
    match provider {
        Provider::Oss => "OSS",
        Provider::Cos => "COS",
        Provider::S3 => "S3",
    }
}

const fn heading(sort: Sort) -> &'static str {
    match sort {
        Sort::Code => "Error codes of the vendors (column error_code)",
        Sort::Status => "HTTP statuses, where no code came with them (column http_status)",
        Sort::Reason => "Reasons (column reason)",
        Sort::State => "States (column state)",
        Sort::Action => "Actions (column action)",
        Sort::Flag => "Flags (column flags)",
        Sort::Exit => "Exit codes of defrost",
    }
}

/// `a`, `a and b`, `a, b and c`.
fn and(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The first sentence, without its full stop.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}
