//! What became of objects between two reports, as a table.

use std::path::Path;

use jiff::Timestamp;

use super::escape::clipped;
use super::table::{Align, Table, wrapped};
use super::{Look, human_bytes, human_count, printable};
use crate::model::{Change, Changes, Comparison, Count, Told};

/// Prefixes that are shown.
const MOST_PREFIXES: usize = 15;
/// Longest prefix that is shown whole, in columns.
const LONGEST_PREFIX: usize = 34;

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct DiffView<'v> {
    /// What was found.
    pub comparison: &'v Comparison,
    /// The earlier report.
    pub old: &'v Path,
    /// The later one.
    pub new: &'v Path,
    /// Slashes in the prefixes; `None` for as few as tell more than one apart.
    pub depth: Option<usize>,
    /// The CSV of the changed rows, if it was written to a file.
    pub out: Option<&'v Path>,
    /// What else a reader must know.
    pub notes: &'v [String],
}

/// The table of a comparison, with a line break at the end of each line.
#[must_use]
pub fn diff_table(view: &DiffView<'_>, look: Look) -> String {
    let comparison = view.comparison;
    let mut lines = Vec::new();
    for (name, path, told) in [("old", view.old, &comparison.old), ("new", view.new, &comparison.new)] {
        let path = printable(&path.to_string_lossy(), look.charset).into_owned();
        lines.push(format!("{name}  {path}"));
        lines.push(format!("     {}", side(told, look)));
    }
    lines.push(String::new());
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Right], &["change", "objects", "bytes"]);
    let mut row = |name: &str, count: Count| {
        table.row([name.to_owned(), human_count(count.objects), human_bytes(count.bytes)]);
    };
    for (change, count) in &comparison.changes {
        row(change.as_str(), *count);
    }
    let mut sum = Count::default();
    comparison.changes.values().for_each(|count| sum.merge(*count));
    row("all", sum);
    if comparison.changes.is_empty() {
        lines.push("nothing has changed".to_owned());
    } else {
        lines.extend(table.lines(look));
    }
    lines.push(format!("unchanged {}", human_count(comparison.unchanged)));
    lines.extend(prefixes(view, look));
    if let Some(out) = view.out {
        lines.push(String::new());
        lines.push(format!("changed rows  {}", printable(&out.to_string_lossy(), look.charset)));
    }
    for note in view.notes {
        lines.extend(wrapped(look.width(), "note: ", printable(note, look.charset).split(' '), " "));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What one report is.
fn side(told: &Told, look: Look) -> String {
    let rows = if told.rows == 1 { "1 row".to_owned() } else { format!("{} rows", human_count(told.rows)) };
    let minute = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let mut parts = vec![rows];
    if !told.bucket.is_empty() {
        parts.push(format!("bucket {}", clipped(&told.bucket, LONGEST_PREFIX, look.charset)));
    }
    if let Some((first, last)) = told.first_checked_at.zip(told.last_checked_at) {
        let (first, last) = (minute(first), minute(last));
        parts.push(if first == last {
            format!("checked {last}")
        } else {
            format!("checked {first} to {last}")
        });
    }
    parts.join(look.charset.dot())
}

fn prefixes(view: &DiffView<'_>, look: Look) -> Vec<String> {
    let Some(level) = view.comparison.by_prefix(view.depth).filter(|level| level.distinct > 0) else {
        return Vec::new();
    };
    let mut table = Table::new(&[Align::Left, Align::Right, Align::Left], &["prefix", "objects", "of these"]);
    for prefix in level.largest.iter().take(MOST_PREFIXES) {
        let name = match prefix.prefix.as_str() {
            "" => "(no folder)".to_owned(),
            name => clipped(name, LONGEST_PREFIX, look.charset),
        };
        let objects = prefix.changes.values().map(|count| count.objects).sum();
        let objects = human_count(objects);
        let room = look.width().saturating_sub(LONGEST_PREFIX + objects.len() + 4);
        table.row([name, objects, clipped(&words(&prefix.changes), room, look.charset)]);
    }
    let mut lines = vec![String::new()];
    lines.extend(table.lines(look));
    let shown = level.largest.len().min(MOST_PREFIXES) as u64;
    if level.distinct > shown {
        let more = human_count(level.distinct - shown);
        let higher = match level.depth {
            0 | 1 => String::new(),
            depth => format!(", --depth {} looks higher up", depth - 1),
        };
        lines.push(format!(
            "{} {more} more prefixes have changes: --json tells the largest{higher}",
            look.charset.ellipsis()
        ));
    }
    lines
}

/// `lapsed 12, readable 3`: the most frequent first.
fn words(changes: &Changes) -> String {
    let mut all: Vec<(&Change, &Count)> = changes.iter().collect();
    all.sort_by(|(a, x), (b, y)| y.objects.cmp(&x.objects).then(a.cmp(b)));
    let words: Vec<String> =
        all.into_iter().map(|(change, count)| format!("{change} {}", human_count(count.objects))).collect();
    words.join(", ")
}
