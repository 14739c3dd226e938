//! Counting a report, row by row.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cover::{common, shares};
use super::tree::{States, Tree, Weight};
use crate::model::{Action, Audit, Count, FailedRow, Flag, Reason, State};
use crate::pipeline::report::{ReadError, Row, Rows, shown_key};

/// Columns whose lack takes figures away.
const WANTED: [&str; 8] =
    ["size", "storage_class", "state", "expires_at", "action", "error_code", "flags", "checked_at"];
/// How many distinct classes, and buckets, are counted apart; the rest shares one name.
const MOST_NAMES: usize = 256;
/// The name that is shared.
const OTHER: &[u8] = b"(other)";
/// The code of a failure of which the report tells neither code nor reason.
const NO_CODE: &str = "unknown";

/// Counts `rows` into `audit`.
///
/// # Errors
/// If a row cannot be read. The last row of an unfinished report may be cut off: it is left out.
pub(super) fn count(audit: &mut Audit, rows: &mut Rows) -> Result<(), ReadError> {
    audit.lacks = WANTED.into_iter().filter(|column| !rows.has(column)).collect();
    let mut books = Books::new(audit);
    let fault = loop {
        match rows.next_row() {
            Ok(Some(row)) => books.row(&row)?,
            Ok(None) => break None,
            Err(fault) => break Some(fault),
        }
    };
    if let Some(fault) = fault {
        if !(books.audit.unfinished && is_end(&fault, rows)) {
            return Err(fault);
        }
        books.audit.torn = true;
    }
    books.close();
    Ok(())
}

/// Whether `fault` is nothing but the end of a file that a run was stopped in, and no row comes behind it.
fn is_end(fault: &ReadError, rows: &mut Rows) -> bool {
    match fault {
        ReadError::Damaged { .. } => true,
        ReadError::Row { .. } => matches!(rows.next_row(), Ok(None) | Err(ReadError::Damaged { .. })),
        ReadError::Io { .. } | ReadError::NoColumn { .. } => false,
    }
}

/// Counts while rows come.
struct Books<'a> {
    audit: &'a mut Audit,
    has_state: bool,
    has_action: bool,
    tree: Tree,
    classes: ByName<States>,
    buckets: ByName<Count>,
    actions: [Count; Action::ALL.len()],
    reasons: [u64; Reason::ALL.len()],
    expires: Times,
    checked: Times,
    unread: BTreeMap<&'static str, u64>,
}

impl<'a> Books<'a> {
    fn new(audit: &'a mut Audit) -> Self {
        Self {
            has_state: audit.has("state"),
            has_action: audit.has("action"),
            audit,
            tree: Tree::default(),
            classes: ByName::default(),
            buckets: ByName::default(),
            actions: [Count::default(); Action::ALL.len()],
            reasons: [0; Reason::ALL.len()],
            expires: Times::default(),
            checked: Times::default(),
            unread: BTreeMap::new(),
        }
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), ReadError> {
        let size = self.read(row, "size", |text| text.parse::<u64>().ok()).unwrap_or_default();
        let state = if self.has_state {
            let word = row.text("state");
            State::from_word(word).unwrap_or_else(|| {
                *self.unread.entry("state").or_default() += 1;
                State::Unknown
            })
        } else {
            State::Unknown
        };
        let bucket = row.field("bucket");
        self.audit.total.add(size);
        self.classes.get(row.field("storage_class")).add(state, size);
        self.buckets.get(bucket).add(size);
        if row.field("key_encoding").is_empty() && !row.field("key").is_empty() {
            self.tree.add(bucket, row.field("key"), state, size);
        } else {
            self.tree.add(bucket, &row.key()?, state, size);
        }
        self.times(row, state, size);
        if let Some(flag) = self.read(row, "flags", Flag::from_word) {
            let flagged = self.audit.flags.entry(flag).or_default();
            if flagged.count.objects == 0 {
                flagged.first_key = row.text("key").to_owned();
            }
            flagged.count.add(size);
        }
        if self.has_action {
            self.outcome(row, size);
        }
        Ok(())
    }

    /// What `row` says under `column`, if anything; what cannot be read is counted.
    fn read<T>(
        &mut self,
        row: &Row<'_>,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        if row.field(column).is_empty() {
            return None;
        }
        let read = read(row.text(column));
        if read.is_none() {
            *self.unread.entry(column).or_default() += 1;
        }
        read
    }

    fn times(&mut self, row: &Row<'_>, state: State, size: u64) {
        let is_copy =
            if self.has_state { state == State::Restored } else { !row.field("expires_at").is_empty() };
        if is_copy && self.audit.has("expires_at") {
            let at = self.expires.read(row.text("expires_at"));
            if at.is_none() && !row.field("expires_at").is_empty() {
                *self.unread.entry("expires_at").or_default() += 1;
            }
            self.audit.lapses.add(at, size, self.audit.made_at);
        }
        let text = row.text("checked_at");
        if !self.checked.is_last(text) {
            if let Some(at) = self.checked.read(text) {
                let (first, last) = self.audit.checked.unwrap_or((at, at));
                self.audit.checked = Some((first.min(at), last.max(at)));
            } else if !text.is_empty() {
                *self.unread.entry("checked_at").or_default() += 1;
            }
        }
    }

    /// What the run did, and what came of it.
    fn outcome(&mut self, row: &Row<'_>, size: u64) {
        let Some(action) = self.read(row, "action", Action::from_word) else { return };
        self.actions[action as usize].add(size);
        if let Some(reason) = self.read(row, "reason", Reason::from_word) {
            self.reasons[reason as usize] += 1;
        }
        if action == Action::Failed {
            self.failure(row, size);
        }
    }

    fn failure(&mut self, row: &Row<'_>, size: u64) {
        let told = ["error_code", "reason"].map(|column| row.text(column));
        let code = told.into_iter().find(|word| !word.is_empty()).unwrap_or(NO_CODE);
        let count = self.audit.code(code);
        let before = count.count.objects;
        if before == 0 {
            count.first_key = row.text("key").to_owned();
            count.first_request_id = row.text("request_id").to_owned();
        }
        count.count.add(size);
        let text = |column: &str| row.text(column).to_owned();
        self.audit.failures.add(before, || FailedRow {
            bucket: text("bucket"),
            key: text("key"),
            version_id: text("version_id"),
            storage_class: text("storage_class"),
            size: row.text("size").parse().ok(),
            code: code.to_owned(),
            reason: text("reason"),
            http_status: text("http_status"),
            request_id: text("request_id"),
            attempts: text("attempts"),
        });
    }

    fn close(self) {
        let audit = self.audit;
        for (name, states) in self.classes.names {
            let of_class = audit.class(&String::from_utf8_lossy(&name));
            for (state, count) in states.told() {
                of_class.entry(state).or_default().merge(count);
            }
        }
        for (name, count) in self.buckets.names {
            audit.bucket(&String::from_utf8_lossy(&name)).merge(count);
        }
        let actions = Action::ALL.iter().map(|&action| (action, self.actions[action as usize]));
        audit.actions = actions.filter(|(_, count)| count.objects > 0).collect();
        let reasons = Reason::ALL.iter().map(|&reason| (reason, self.reasons[reason as usize]));
        audit.reasons = reasons.filter(|(_, objects)| *objects > 0).collect();
        audit.unread = self.unread;

        let (root, at_least) = self.tree.finish();
        // Of a single bucket, as is usual, paths are shown without its name.
        let (base, path) = match root.children.iter().next() {
            Some((_, bucket)) if root.children.len() == 1 => common(bucket, Vec::new()),
            _ => (&root, Vec::new()),
        };
        let folders = &mut audit.folders;
        folders.common = shown_key(&path).0.into_owned();
        folders.all = shares(base, &path, Weight::All);
        folders.archived = shares(base, &path, Weight::Archived);
        folders.at_least = at_least;
    }
}

/// Counts by name, of which there are few: they are looked for one after the other.
#[derive(Default)]
struct ByName<V> {
    names: Vec<(Box<[u8]>, V)>,
    /// Where the last one was found; neighbours are often alike.
    last: usize,
}

impl<V: Default> ByName<V> {
    fn get(&mut self, name: &[u8]) -> &mut V {
        let is_last = self.names.get(self.last).is_some_and(|(known, _)| **known == *name);
        if !is_last {
            let name = if self.names.len() < MOST_NAMES || self.place(name).is_some() { name } else { OTHER };
            self.last = self.place(name).unwrap_or_else(|| {
                self.names.push((name.into(), V::default()));
                self.names.len() - 1
            });
        }
        &mut self.names[self.last].1
    }

    fn place(&self, name: &[u8]) -> Option<usize> {
        self.names.iter().position(|(known, _)| **known == *name)
    }
}

/// Reads times, and remembers the last one.
#[derive(Default)]
struct Times {
    text: String,
    time: Option<Timestamp>,
}

impl Times {
    fn is_last(&self, text: &str) -> bool {
        self.text == text
    }

    /// The time that `text` spells; none if it spells none.
    fn read(&mut self, text: &str) -> Option<Timestamp> {
        if !self.is_last(text) {
            self.time = text.parse().ok();
            self.text.clear();
            self.text.push_str(text);
        }
        self.time
    }
}

#[cfg(test)]
mod tests;
