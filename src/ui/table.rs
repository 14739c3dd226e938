//! Aligned columns and wrapped text, never wider than [`WIDTH`].

use super::Look;
use super::escape::{clipped, columns};

/// Widest line of a table or a wrapped text, in columns: what the narrowest usual terminal shows.
pub(super) const WIDTH: usize = 80;
/// Between two columns.
const GAP: &str = "  ";
/// The first column of a table is cut to no less than this to make the others fit, in columns.
const LEAST_FIRST: usize = 6;

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Rows of printable, uncoloured cells.
#[derive(Debug)]
pub(super) struct Table {
    aligns: &'static [Align],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with one column per entry of `aligns` and a heading.
    pub(super) fn new(aligns: &'static [Align], heading: &[&str]) -> Self {
        let mut table = Self { aligns, rows: Vec::new() };
        table.row(heading.iter().map(|&cell| cell.to_owned()));
        table
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines without trailing blanks; the heading first. Where the reader's end is too narrow, the first
    /// column is cut.
    pub(super) fn lines(mut self, look: Look) -> Vec<String> {
        let mut widths = self.widths();
        let others: usize = widths.iter().skip(1).map(|width| GAP.len() + width).sum();
        let first = look.width().saturating_sub(others).max(LEAST_FIRST);
        if widths.first().is_some_and(|width| *width > first) {
            for cell in self.rows.iter_mut().filter_map(|row| row.first_mut()) {
                *cell = clipped(cell, first, look.charset);
            }
            widths = self.widths();
        }
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(cell));
            }
        }
        widths
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (i, ((cell, &width), align)) in row.iter().zip(widths).zip(self.aligns).enumerate() {
            if i > 0 {
                line.push_str(GAP);
            }
            let pad = " ".repeat(width.saturating_sub(columns(cell)));
            match align {
                Align::Left => {
                    line.push_str(cell);
                    line.push_str(&pad);
                }
                Align::Right => {
                    line.push_str(&pad);
                    line.push_str(cell);
                }
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// `items` joined by `between`, broken between items so that no line passes `width` (but for a
/// word that is longer by itself). The first line starts with `head`, the others with as many
/// blanks.
pub(super) fn wrapped<'i>(
    width: usize,
    head: &str,
    items: impl IntoIterator<Item = &'i str>,
    between: &str,
) -> Vec<String> {
    let indent = columns(head);
    let mut lines = Vec::new();
    let mut line = head.to_owned();
    let mut empty = true;
    for item in items {
        // An item that no line has room for is broken between its words.
        let whole = indent + columns(item) <= width;
        for (nth, part) in item.split(|c| c == ' ' && !whole).enumerate() {
            let gap = if nth == 0 { between } else { " " };
            if !empty {
                if columns(&line) + columns(gap) + columns(part) <= width {
                    line.push_str(gap);
                } else {
                    lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
                }
            }
            line.push_str(part);
            empty = false;
        }
    }
    line.truncate(line.trim_end().len());
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[Align::Left, Align::Right], &["class", "objects"]);
        table.row(["Archive".to_owned(), "1,234".to_owned()]);
        table.row(["IA".to_owned(), "7".to_owned()]);
        insta::assert_snapshot!(table.lines(Look::default()).join("\n"), @r"
        class    objects
        Archive    1,234
        IA             7
        ");
    }

    #[test]
    fn the_first_column_gives_way_to_the_others() {
        let table = || {
            let mut table = Table::new(&[Align::Left, Align::Right], &["class", "objects"]);
            table.row(["INTELLIGENT_TIERING".to_owned(), "1,234".to_owned()]);
            table
        };
        let at = |columns| Look { columns: Some(columns), ..Look::default() };
        insta::assert_snapshot!(table().lines(at(50)).join("\n"), @r"
        class                objects
        INTELLIGENT_TIERING    1,234
        ");
        let mut wide = table();
        wide.row([String::new(), "1".repeat(27)]);
        let lines = wide.lines(at(40));
        assert!(lines.iter().all(|line| columns(line) <= 40), "{lines:?}");
        assert!(lines[1].starts_with("INTELLIGEN…  "), "{lines:?}");
        let mut hopeless = table();
        hopeless.row([String::new(), "1".repeat(60)]);
        assert!(hopeless.lines(at(40))[1].starts_with("INTEL…  "), "never to nothing");
    }

    #[test]
    fn text_is_broken_between_items() {
        let words = vec!["word"; 40];
        let lines = wrapped(WIDTH, "  hint: ", words.iter().copied(), " ");
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| columns(line) <= WIDTH));
        assert!(lines[1].starts_with("        word"));
        assert_eq!(wrapped(WIDTH, "head", [], " "), ["head"]);
    }
}
