//! In which form a finished report is written: its layout, and how it is packed.

use std::fmt;
use std::path::{Path, PathBuf};

/// How rows are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Comma-separated values with a header.
    Csv,
    /// JSON lines: one object a row.
    Jsonl,
    /// Apache Parquet, which packs its columns itself.
    Parquet,
}

/// How a file is packed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The form of a report; the ending of its name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Form {
    /// How rows are laid out.
    pub layout: Layout,
    /// How the file is packed.
    pub packing: Packing,
}

/// Longest ending of a name that is taken for that of a form, in characters.
const MAX_ENDING: usize = 8;

/// Endings and their forms; those that hold others come first. The first of a form is the one that is
/// written.
const ENDINGS: [(&str, Form); 10] = [
    ("csv.gz", Form::of(Layout::Csv, Packing::Gzip)),
    ("csv.zst", Form::of(Layout::Csv, Packing::Zstd)),
    ("jsonl.gz", Form::of(Layout::Jsonl, Packing::Gzip)),
    ("jsonl.zst", Form::of(Layout::Jsonl, Packing::Zstd)),
    ("ndjson.gz", Form::of(Layout::Jsonl, Packing::Gzip)),
    ("ndjson.zst", Form::of(Layout::Jsonl, Packing::Zstd)),
    ("csv", Form::CSV),
    ("jsonl", Form::of(Layout::Jsonl, Packing::Plain)),
    ("ndjson", Form::of(Layout::Jsonl, Packing::Plain)),
    ("parquet", Form::of(Layout::Parquet, Packing::Plain)),
];

impl Form {
    /// What a report is while it grows, and what it stays unless its name says otherwise.
    pub const CSV: Self = Self::of(Layout::Csv, Packing::Plain);

    /// Every form.
    pub const ALL: [Self; 7] = [
        Self::CSV,
        Self::of(Layout::Csv, Packing::Gzip),
        Self::of(Layout::Csv, Packing::Zstd),
        Self::of(Layout::Jsonl, Packing::Plain),
        Self::of(Layout::Jsonl, Packing::Gzip),
        Self::of(Layout::Jsonl, Packing::Zstd),
        Self::of(Layout::Parquet, Packing::Plain),
    ];

    const fn of(layout: Layout, packing: Packing) -> Self {
        Self { layout, packing }
    }

    /// The ending of its files' names, without the point in front: `jsonl.gz`.
    #[must_use]
    pub fn ending(self) -> &'static str {
        ENDINGS.iter().find(|(_, form)| *form == self).map_or("csv", |(ending, _)| ending)
    }

    /// The form that `word` names: an ending, in any letter case, with or without a point in front.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.strip_prefix('.').unwrap_or(word);
        ENDINGS.iter().find(|(ending, _)| ending.eq_ignore_ascii_case(word)).map(|(_, form)| *form)
    }

    /// The form that the name of the file at `path` tells; `None` if it tells none.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::split(path.file_name()?.to_str()?).1
    }

    /// A file's name without the ending of its form, and that form: `a.csv.gz` is `a` in packed CSV.
    /// Nothing is taken away where no ending is known, or nothing would be left.
    #[must_use]
    pub fn split(name: &str) -> (&str, Option<Self>) {
        for (ending, form) in ENDINGS {
            let at = name.len().saturating_sub(ending.len() + 1);
            if let (Some(stem), Some(tail)) = (name.get(..at), name.get(at..))
                && !stem.is_empty()
                && tail.strip_prefix('.').is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
            {
                return (stem, Some(form));
            }
        }
        (name, None)
    }

    /// The ending of a file's name that names a form nobody here writes: `xlsx`, a slip such as `cvs`, or
    /// `gz` of nobody knows what. What is too long, has signs in it, or begins with a digit names none.
    #[must_use]
    pub fn unknown_ending(name: &str) -> Option<&str> {
        if Self::split(name).1.is_some() {
            return None;
        }
        let (stem, ending) = name.rsplit_once('.')?;
        let names_one = ending.len() <= MAX_ENDING
            && ending.starts_with(|c: char| c.is_ascii_alphabetic())
            && ending.chars().all(|c| c.is_ascii_alphanumeric());
        (names_one && !stem.is_empty()).then_some(ending)
    }

    /// Where a file stands beside the report at `path` that has its name but for the ending, which is
    /// `ending`: `x.csv.gz` → `x.summary.json`. Of a name whose form is not known, what follows its last
    /// point is the ending.
    #[must_use]
    pub fn beside(path: &Path, ending: &str) -> PathBuf {
        match path.file_name().and_then(|name| name.to_str()).map(Self::split) {
            Some((stem, Some(_))) => path.with_file_name(format!("{stem}.{ending}")),
            _ => path.with_extension(ending),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ending())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_forms() {
        for form in Form::ALL {
            assert_eq!(Form::of_word(form.ending()), Some(form));
            let name = format!("a.b/night.{form}");
            assert_eq!(Form::of_path(Path::new(&name)), Some(form));
            assert_eq!(Form::split(&name), ("a.b/night", Some(form)));
            assert_eq!(Form::beside(Path::new(&name), "summary.json"), Path::new("a.b/night.summary.json"));
        }
        assert_eq!(Form::of_path(Path::new("X.CSV.GZ")), Form::of_word(".csv.gz"));
        assert_eq!(Form::of_word("ndjson.zst"), Form::of_word("jsonl.zst"));
        for name in ["x", ".csv", "csv", "x.gz", "x.parquet.gz", "x.csv.partial", "é"] {
            assert_eq!(Form::split(name), (name, None));
        }
        assert_eq!(Form::beside(Path::new("a/x.txt"), "summary.json"), Path::new("a/x.summary.json"));
        assert_eq!(Form::beside(Path::new("a/x"), "summary.json"), Path::new("a/x.summary.json"));
    }

    #[test]
    fn endings_that_name_no_form_are_told() {
        for (name, ending) in [
            ("x.xlsx", Some("xlsx")),
            ("x.cvs", Some("cvs")),
            ("x.csv.xz", Some("xz")),
            ("x.gz", Some("gz")),
            ("x.parquet.gz", Some("gz")),
            ("x", None),
            (".hidden", None),
            ("x.csv", None),
            ("x.{job}", None),
            ("x.2026-11-21", None),
            ("tmp.aBcDeFgHiJ", None),
        ] {
            assert_eq!(Form::unknown_ending(name), ending, "{name}");
        }
    }
}
