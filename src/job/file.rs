//! The TOML as written: syntax, known keys, and where every value stands.
//!
//! What a value means is none of this file's business, so a wrong value is never a reason to stop
//! reading: every fault of a file is found in one pass.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{At, Fault, Place, Problem, nearest, shown};
use super::read::{Value, Written};
use super::settings::{self, CLASS_KEYS, TABLES};

/// Syntax errors that are told; a file that is no TOML at all has one per line.
const MAX_SYNTAX_FAULTS: usize = 20;
/// Longest piece of a number or date that a fault repeats, in bytes.
const MAX_SNIPPET: usize = 40;

/// A job file, read but not yet understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    /// Every value of a known key, by key path; of the sources those of the first, or of the one that
    /// was chosen by [`Document::of_source`].
    pub(super) values: BTreeMap<String, Written>,
    /// The sources, in order; none where there is no such table.
    pub(super) sources: Vec<SourceTable>,
    /// Where each known table begins.
    pub(super) tables: BTreeMap<String, At>,
    /// `[restore.class.NAME]`: name, where it stands, and its values by name.
    pub(super) classes: Vec<Class>,
    /// What is wrong so far.
    pub(super) faults: Vec<Fault>,
    /// The line of the first syntax error: what comes after it cannot be trusted.
    pub(super) torn_at: Option<usize>,
}

/// One `[[source]]`.
#[derive(Clone, Debug)]
pub(super) struct SourceTable {
    pub(super) at: At,
    /// Its values, by key path.
    pub(super) values: BTreeMap<String, Written>,
}

/// The overrides of one class.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) at: At,
    pub(super) values: BTreeMap<String, Written>,
}

impl Document {
    /// Reads `text`, which the file at `path` holds.
    pub(super) fn read(path: &Path, text: &str) -> Self {
        let mut reader = Reader { path, text, lines: line_starts(text), document: Self::default() };
        let (table, errors) = DeTable::parse_recoverable(text);
        reader.top(table.get_ref());
        let mut document = reader.document;
        let place = |span: Option<Range<usize>>| {
            let start = span.map_or(0, |span| span.start);
            Reader { path, text, lines: line_starts(text), document: Self::default() }.place(start)
        };
        let syntax: Vec<Fault> = errors
            .iter()
            .take(MAX_SYNTAX_FAULTS)
            .map(|error| Fault {
                at: At { place: place(error.span()), key: String::new(), value: None },
                what: format!("not valid TOML: {}", error.message().replace('\n', ", ")),
                way_out: None,
            })
            .collect();
        document.torn_at = syntax.iter().filter_map(Fault::line).min();
        document.faults.extend(syntax);
        document
    }
}

impl Document {
    /// The same file, as far as it is about the source at `index`.
    pub(super) fn of_source(&self, index: usize) -> Self {
        let mut document = self.clone();
        if let Some(source) = self.sources.get(index) {
            document.values.retain(|key, _| !key.starts_with("source."));
            document.values.extend(source.values.clone());
            document.tables.insert("source".to_owned(), source.at.clone());
        }
        document
    }
}

struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    lines: Vec<usize>,
    document: Document,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

impl Reader<'_> {
    fn top(&mut self, top: &DeTable<'_>) {
        for (key, value) in top {
            let name = key.get_ref().as_ref();
            match (name, value.get_ref()) {
                ("source", DeValue::Array(tables)) => self.sources(key, tables),
                (name, DeValue::Table(table)) if TABLES.contains(&name) => self.table(name, key, table),
                (name, _) if TABLES.contains(&name) => {
                    let problem = Problem::new(
                        "must be a table, not a value",
                        format!("write `{}` on a line of its own, and its keys below", heading(name)),
                    );
                    self.fault(problem, key, name);
                }
                _ => self.unknown(None, key, value.get_ref()),
            }
        }
    }

    fn sources(&mut self, key: &Key<'_>, tables: &[Spanned<DeValue<'_>>]) {
        for table in tables {
            let DeValue::Table(entries) = table.get_ref() else {
                let problem =
                    Problem::new("must be a table, not a value", "write `[[source]]` on a line of its own");
                self.fault(problem, key, "source");
                continue;
            };
            let at = self.at("source.", table.span().start, None);
            self.entries("source", entries);
            let of_source = |key: &String| key.starts_with("source.");
            let keys: Vec<String> =
                self.document.values.keys().filter(|key| of_source(key)).cloned().collect();
            let values = keys.into_iter().filter_map(|key| self.document.values.remove_entry(&key)).collect();
            self.document.sources.push(SourceTable { at, values });
        }
        if tables.is_empty() {
            let problem =
                Problem::new("must be a table, not a value", "write `[[source]]` on a line of its own");
            self.fault(problem, key, "source");
        }
        self.document = self.document.of_source(0);
    }

    fn table(&mut self, name: &str, key: &Key<'_>, table: &DeTable<'_>) {
        let at = self.at(&format!("{name}."), key.span().start, None);
        self.document.tables.insert(name.to_owned(), at.clone());
        self.entries(name, table);
        if name == "source" {
            let values = self.document.values.iter().filter(|(key, _)| key.starts_with("source."));
            let values = values.map(|(key, value)| (key.clone(), value.clone())).collect();
            self.document.sources.push(SourceTable { at, values });
        }
    }

    fn entries(&mut self, table: &str, entries: &DeTable<'_>) {
        for (key, value) in entries {
            let name = key.get_ref().as_ref();
            let path = format!("{table}.{name}");
            if path == "restore.class" {
                self.classes(key, value.get_ref());
            } else if settings::setting(&path).is_some() {
                let written = self.written(&path, value);
                self.document.values.insert(path, written);
            } else {
                self.unknown(Some(table), key, value.get_ref());
            }
        }
    }

    fn classes(&mut self, key: &Key<'_>, value: &DeValue<'_>) {
        let DeValue::Table(classes) = value else {
            let problem = Problem::new(
                "must be a table, not a value",
                "write `[restore.class.NAME]` on a line of its own, and `days` or `tier` below",
            );
            return self.fault(problem, key, "restore.class");
        };
        for (key, value) in classes {
            let name = key.get_ref().as_ref();
            let path = format!("restore.class.{name}");
            let DeValue::Table(entries) = value.get_ref() else {
                let problem = if CLASS_KEYS.contains(&name) {
                    Problem::new(
                        "stands outside of a class",
                        "write it below `[restore.class.NAME]`, such as `[restore.class.ColdArchive]`",
                    )
                } else {
                    Problem::new(
                        "must be a table, not a value",
                        format!("write `[{path}]` on a line of its own, and `days` or `tier` below"),
                    )
                };
                self.fault(problem, key, &path);
                continue;
            };
            let at = self.at(&format!("{path}."), key.span().start, None);
            let mut class = Class { name: name.to_owned(), at, values: BTreeMap::new() };
            for (key, value) in entries {
                let name = key.get_ref().as_ref();
                if CLASS_KEYS.contains(&name) {
                    let written = self.written(&format!("{path}.{name}"), value);
                    class.values.insert(name.to_owned(), written);
                } else {
                    let problem = match nearest(name, CLASS_KEYS) {
                        _ if settings::is_secret(name) => secret(),
                        Some(hint) => Problem::new("unknown key", format!("did you mean `{hint}`?")),
                        None => Problem::new("unknown key", "a class can have `days` and `tier`"),
                    };
                    self.fault(problem, key, &format!("{path}.{name}"));
                }
            }
            self.document.classes.push(class);
        }
    }

    /// A key that is not known in `table` (`None`: at the top).
    fn unknown(&mut self, table: Option<&str>, key: &Key<'_>, value: &DeValue<'_>) {
        let name = key.get_ref().as_ref();
        let path = table.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"));
        let problem = if settings::is_secret(name) && table == Some("notify") {
            Problem::new(
                "credentials never stand in a job file",
                "take it out; webhook_secret_env names a variable that holds the secret, webhook_secret_file a file",
            )
            .hidden()
        } else if settings::is_secret(name) {
            secret()
        } else if settings::is_not_yet(&path) {
            Problem::new(
                "unknown key: not supported yet by this version of defrost",
                "take it out of the file",
            )
        } else if let Some((home, other)) = settings::other_word(&path).and_then(|key| key.split_once('.')) {
            Problem::new("unknown key", format!("it is called `{other}`, in `{}`", heading(home)))
        } else if let Some(home) = settings::table_of(name) {
            Problem::new("unknown key here", format!("`{name}` belongs in `{}`", heading(home)))
        } else {
            let is_table = matches!(value, DeValue::Table(_) | DeValue::Array(_));
            Self::spelling(table, name, is_table)
        };
        // An unknown table may hold a secret further down; neither it nor any value is repeated.
        self.fault(problem, key, &path);
    }

    fn spelling(table: Option<&str>, name: &str, is_table: bool) -> Problem {
        let kind = if is_table && table.is_none() { "unknown table" } else { "unknown key" };
        let Some(table) = table else {
            if let Some(hint) = nearest(name, TABLES) {
                return Problem::new(kind, format!("did you mean `{}`?", heading(hint)));
            }
            let all = settings::SETTINGS.iter().filter_map(|s| s.key.split_once('.'));
            if let Some(hint) = nearest(name, all.map(|(_, name)| name)) {
                let home = settings::table_of(hint).unwrap_or_default();
                return Problem::new(kind, format!("did you mean `{hint}` in `{}`?", heading(home)));
            }
            let all: Vec<String> = TABLES.iter().map(|table| format!("`{}`", heading(table))).collect();
            return Problem::new(kind, format!("a job file has {}", all.join(", ")));
        };
        let here: Vec<&str> =
            settings::names_in(table).chain((table == "restore").then_some("class")).collect();
        if let Some(hint) = nearest(name, here.iter().copied()) {
            return Problem::new(kind, format!("did you mean `{hint}`?"));
        }
        let all: Vec<String> = here.iter().map(|name| format!("`{name}`")).collect();
        Problem::new(kind, format!("`{}` can have {}", heading(table), all.join(", ")))
    }

    fn fault(&mut self, problem: Problem, key: &Key<'_>, path: &str) {
        let at = self.at(path, key.span().start, None);
        self.document.faults.push(problem.at(at));
    }

    fn at(&self, key: &str, start: usize, value: Option<String>) -> At {
        let key: String = key.chars().flat_map(char::escape_debug).collect();
        At { place: self.place(start), key, value }
    }

    fn written(&self, path: &str, value: &Spanned<DeValue<'_>>) -> Written {
        let span = value.span();
        let snippet = || {
            let text = self.text.get(span.clone()).unwrap_or_default();
            (text.len() <= MAX_SNIPPET).then(|| text.to_owned())
        };
        let (read, said) = match value.get_ref() {
            DeValue::String(text) => {
                let hidden = settings::looks_like_key(text);
                (Value::Text(text.to_string()), (!hidden).then(|| shown(text)))
            }
            DeValue::Integer(number) => {
                let over = if number.as_str().starts_with('-') { i128::MIN } else { i128::MAX };
                let number = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(over);
                (Value::Whole(number), snippet())
            }
            DeValue::Float(number) => (Value::Real(number.as_str().parse().unwrap_or(f64::NAN)), snippet()),
            DeValue::Boolean(on) => (Value::Switch(*on), snippet()),
            DeValue::Datetime(_) => (Value::Date, snippet()),
            DeValue::Array(list) => {
                (Value::List(list.iter().map(|item| self.written(path, item)).collect()), None)
            }
            DeValue::Table(_) => (Value::Table, None),
        };
        Written { at: self.at(path, span.start, said), value: read }
    }

    /// Line and column of the byte at `start`.
    fn place(&self, start: usize) -> Place {
        let line = self.lines.partition_point(|first| *first <= start).max(1);
        let first = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(first..start).map_or(0, |before| before.chars().count()) + 1;
        Place::File { path: self.path.to_owned(), line, column }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn heading(table: &str) -> String {
    if table == "source" { "[[source]]".to_owned() } else { format!("[{table}]") }
}

/// What is said of a key that would hold a secret.
pub(super) fn secret() -> Problem {
    Problem::new(
        "credentials never stand in a job file",
        "take it out (and replace the key if the file was shared); set the vendor's environment variables, or name a `profile` in `[[source]]`",
    )
    .hidden()
}
