//! Aligned columns and wrapped text, never wider than [`WIDTH`].

use super::escape::columns;

/// Widest line of a table or a wrapped text, in columns: what the narrowest usual terminal shows.
pub(super) const WIDTH: usize = 80;
/// Between two columns.
const GAP: &str = "  ";

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

    /// The lines without trailing blanks; the heading first.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(cell));
            }
        }
        self.rows.iter().map(|row| self.line(row, &widths)).collect()
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

/// `items` joined by `between`, broken between items so that no line passes [`WIDTH`] (but for an
/// item that is longer by itself). The first line starts with `head`, the others with as many
/// blanks.
pub(super) fn wrapped<'i>(
    head: &str,
    items: impl IntoIterator<Item = &'i str>,
    between: &str,
) -> Vec<String> {
    wrapped_at(WIDTH, head, items, between)
}

/// The same with no line wider than `width`.
pub(super) fn wrapped_at<'i>(
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
        if !empty {
            if columns(&line) + columns(between) + columns(item) <= width {
                line.push_str(between);
            } else {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            }
        }
        line.push_str(item);
        empty = false;
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
        insta::assert_snapshot!(table.lines().join("\n"), @r"
        class    objects
        Archive    1,234
        IA             7
        ");
    }

    #[test]
    fn text_is_broken_between_items() {
        let words = vec!["word"; 40];
        let lines = wrapped("  hint: ", words.iter().copied(), " ");
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| columns(line) <= WIDTH));
        assert!(lines[1].starts_with("        word"));
        assert_eq!(wrapped("head", [], " "), ["head"]);
    }
}
