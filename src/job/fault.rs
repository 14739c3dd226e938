//! What is wrong with a job: every fault with its place, the key, the value and the way out.

use std::fmt;
use std::path::PathBuf;

/// Longest piece of a value that a fault repeats, in characters.
const MAX_SHOWN: usize = 60;
/// Words longer than this are not compared with anything: they are no slips of the finger.
const MAX_HINTED: usize = 40;

/// Where a value was written. The order is that of a list of faults: the file by line, then the
/// command line, then the environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a job file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// The bucket URL on the command line.
    Url,
    /// On the command line; the flag with its dashes.
    Flag(&'static str),
    /// In the environment; the variable's name.
    Env(&'static str),
    /// In the environment, under a name that means nothing here.
    Variable(String),
}

/// A value's place, key path and text: enough to complain about it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// Where it was written.
    pub place: Place,
    /// The key path in a job file (`filter.min_size`); the same path for flags and environment.
    pub key: String,
    /// The value as written, shortened and with control characters escaped; `None` where there is
    /// none, or where it might hold a secret.
    pub value: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// What is wrong, a lower-case fragment.
    pub what: String,
    /// How to put it right, a lower-case fragment.
    pub way_out: Option<String>,
}

impl Fault {
    /// The line of the job file, if the fault lies in one.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self.at.place {
            Place::File { line, .. } => Some(line),
            Place::Url | Place::Flag(_) | Place::Env(_) | Place::Variable(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at.place {
            Place::File { path, line, column } => {
                // The form that editors and terminals turn into a link.
                write!(f, "{}:{line}:{column}:", path.display())?;
                // A fault of the TOML itself has no key.
                if !self.at.key.is_empty() {
                    write!(f, " {}", heading(&self.at.key))?;
                }
            }
            Place::Url => f.write_str("URL")?,
            Place::Flag(flag) => f.write_str(flag)?,
            Place::Env(variable) => write!(f, "environment {variable}")?,
            Place::Variable(variable) => write!(f, "environment {variable}:")?,
        }
        if let Some(value) = &self.at.value {
            let sign = match self.at.place {
                Place::File { .. } | Place::Env(_) | Place::Variable(_) => " = ",
                Place::Url | Place::Flag(_) => " ",
            };
            write!(f, "{sign}{value}")?;
        }
        let colon = if self.at.key.is_empty() { "" } else { ":" };
        write!(f, "{colon} {}", self.what)?;
        if let Some(way_out) = &self.way_out {
            write!(f, "; {way_out}")?;
        }
        Ok(())
    }
}

/// `filter.min_size` as a reader of TOML finds it: `[filter] min_size`.
fn heading(key: &str) -> String {
    let bracketed =
        |table: &str| if table == "source" { "[[source]]".to_owned() } else { format!("[{table}]") };
    match key.rsplit_once('.') {
        Some((table, "")) => bracketed(table),
        Some((table, name)) => format!("{} {name}", bracketed(table)),
        None => key.to_owned(),
    }
}

/// Everything that is wrong with a job, sorted by place; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// The faults, sorted by place.
    pub(super) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by(|a, b| a.at.place.cmp(&b.at.place));
        // What several sources share is looked at for each of them.
        faults.dedup();
        Self(faults)
    }

    /// The faults in order: those of the file by line, then flags, then environment.
    #[must_use]
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }
}

impl fmt::Display for Faults {
    /// One line per fault, without a line break at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// What a reader of one value says against it; it does not know where the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong.
    pub what: String,
    /// How to put it right.
    pub way_out: Option<String>,
    /// Whether the value may hold a secret and must not be repeated.
    pub hide: bool,
}

impl Problem {
    /// A problem with its way out.
    pub(super) fn new(what: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { what: what.into(), way_out: Some(way_out.into()), hide: false }
    }

    /// The same problem, but the value is not to be repeated.
    pub(super) fn hidden(mut self) -> Self {
        self.hide = true;
        self
    }

    /// The fault that this problem is at `at`.
    pub(super) fn at(self, mut at: At) -> Fault {
        if self.hide {
            at.value = None;
        }
        Fault { at, what: self.what, way_out: self.way_out }
    }
}

/// `text` in quotes, control characters escaped, not longer than a line can bear.
pub(super) fn shown(text: &str) -> String {
    if text.chars().count() <= MAX_SHOWN {
        return format!("{text:?}");
    }
    let head: String = text.chars().take(MAX_SHOWN).collect();
    format!("{head:?}...")
}

/// The word of `known` that `word` was most likely meant to be.
///
/// The letter case is not counted, and one slip is forgiven per three letters, but never all that there is:
/// a single letter is no slip of another.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = word.chars().count();
    if length > MAX_HINTED {
        return None;
    }
    let allowed = (length / 3).max(1).min(length.saturating_sub(1));
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|k| (distance(&word, &k.to_lowercase()), k))
        .filter(|(slips, _)| *slips <= allowed)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, k)| k)
}

/// How many single letters must be put in, left out, replaced or swapped with their neighbour to
/// turn `a` into `b` (optimal string alignment).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_slips() {
        for (a, b, slips) in [
            ("", "", 0),
            ("abc", "", 3),
            ("", "ab", 2),
            ("exclude", "exlude", 1),
            ("exclude", "excldue", 1),
            ("kitten", "sitting", 3),
            ("päge", "page", 1),
        ] {
            assert_eq!(distance(a, b), slips, "{a} → {b}");
            assert_eq!(distance(b, a), slips, "{b} → {a}");
        }
    }

    #[test]
    fn nearest_forgives_slips_but_does_not_guess() {
        let known = ["include", "exclude", "min_size", "max_size", "url"];
        assert_eq!(nearest("exlude", known), Some("exclude"));
        assert_eq!(nearest("Min_Size", known), Some("min_size"));
        assert_eq!(nearest("ulr", known), Some("url"));
        assert_eq!(nearest("webhook", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("x", ["y", "z"]), None);
        assert_eq!(nearest(&"exclude".repeat(1000), known), None);
    }

    #[test]
    fn values_are_shown_short_and_without_control_characters() {
        assert_eq!(shown("a\u{1b}[31mb"), r#""a\u{1b}[31mb""#);
        assert_eq!(shown(&"x".repeat(100)), format!("\"{}\"...", "x".repeat(60)));
    }

    #[test]
    fn every_place_is_named_in_its_own_way() {
        let fault = |place, key: &str| Fault {
            at: At { place, key: key.to_owned(), value: Some("\"1KB5\"".to_owned()) },
            what: "not a size".to_owned(),
            way_out: None,
        };
        let file = Place::File { path: "jobs/x.toml".into(), line: 12, column: 3 };
        assert_eq!(
            fault(file.clone(), "filter.min_size").to_string(),
            "jobs/x.toml:12:3: [filter] min_size = \"1KB5\": not a size"
        );
        assert_eq!(
            fault(file, "source.url").to_string(),
            "jobs/x.toml:12:3: [[source]] url = \"1KB5\": not a size"
        );
        assert_eq!(
            fault(Place::Flag("--min-size"), "filter.min_size").to_string(),
            "--min-size \"1KB5\": not a size"
        );
        assert_eq!(
            fault(Place::Env("AWS_REGION"), "source.region").to_string(),
            "environment AWS_REGION = \"1KB5\": not a size"
        );
    }
}
