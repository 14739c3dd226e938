//! One table of figures: a line is printed as soon as it is there, and all of them are kept as JSON.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// One figure, or a word.
pub(crate) enum Cell {
    /// A word.
    Word(String),
    /// A count.
    Count(u64),
    /// A number, how many decimals are shown of it, and what stands behind it.
    Number(f64, usize, &'static str),
    /// Not measured.
    None,
}

impl Cell {
    pub(crate) fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    /// `value` as a share of one, shown as per cent.
    pub(crate) fn share(value: f64) -> Self {
        Self::Number(100.0 * value, 1, "%")
    }

    /// `value` as so many times.
    pub(crate) fn times(value: f64) -> Self {
        Self::Number(value, 2, "x")
    }

    /// Seconds, to the hundredth.
    pub(crate) fn seconds(value: f64) -> Self {
        Self::Number(value, 2, "")
    }

    /// What is there, made a cell.
    pub(crate) fn maybe<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::None, cell)
    }

    fn shown(&self) -> String {
        match self {
            Self::Word(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(value, decimals, unit) => format!("{value:.decimals$}{unit}"),
            Self::None => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Word(text) => json!(text),
            Self::Count(count) => json!(count),
            // Two places more than are shown, so that ratios of small figures keep their sense.
            Self::Number(value, decimals, _) => {
                let scale = 10_f64.powi(i32::try_from(*decimals).unwrap_or(0) + 2);
                json!((value * scale).round() / scale)
            }
            Self::None => Value::Null,
        }
    }
}

/// A table under way.
pub(crate) struct Table<'b> {
    book: &'b mut Book,
    columns: Vec<&'static str>,
}

impl Table<'_> {
    /// Adds a line; as many cells as there are columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        let line: String = self
            .columns
            .iter()
            .zip(&cells)
            .enumerate()
            .map(|(n, (column, cell))| place(n, column, &cell.shown()))
            .collect();
        println!("{}", line.trim_end());
        let row: Map<String, Value> = self
            .columns
            .iter()
            .zip(&cells)
            .map(|(column, cell)| ((*column).to_owned(), cell.json()))
            .collect();
        self.book.last()["rows"].as_array_mut().expect("it was made so").push(Value::Object(row));
    }

    /// Adds a remark.
    pub(crate) fn note(&mut self, text: &str) {
        println!("  {text}");
        self.book.last()["notes"].as_array_mut().expect("it was made so").push(json!(text));
    }
}

/// The first column is for names, the others for figures.
fn place(n: usize, column: &str, text: &str) -> String {
    let width = column.chars().count();
    if n == 0 { format!("{text:<0$}", width.max(16)) } else { format!("  {text:>0$}", width.max(8)) }
}

/// All tables of one section.
pub(crate) struct Book {
    section: &'static str,
    tables: Vec<Value>,
}

impl Book {
    pub(crate) const fn new(section: &'static str) -> Self {
        Self { section, tables: Vec::new() }
    }

    /// Begins a table.
    pub(crate) fn table(&mut self, title: &str, columns: &[&'static str]) -> Table<'_> {
        println!("\n{}: {title}", self.section);
        let head: String = columns.iter().enumerate().map(|(n, column)| place(n, column, column)).collect();
        println!("{}", head.trim_end());
        self.tables.push(json!({ "title": title, "rows": [], "notes": [] }));
        Table { book: self, columns: columns.to_vec() }
    }

    fn last(&mut self) -> &mut Value {
        self.tables.last_mut().expect("a table was begun")
    }

    /// Writes everything to `target/bench/SECTION.json`.
    pub(crate) fn save(self, mode: &str) -> Result<()> {
        let path = folder().join(self.section).with_extension("json");
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZeroUsize::get);
        let all = json!({ "section": self.section, "mode": mode, "cores": cores, "tables": self.tables });
        std::fs::write(&path, serde_json::to_vec_pretty(&all)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Where figures go: `target/bench`.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench")
}
