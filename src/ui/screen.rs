//! What indicatif draws, put on a terminal so that a change of its width does no harm.
//!
//! Left to itself indicatif fills each line up to the width and lets the terminal wrap it: a terminal
//! that is made wider or narrower wraps all of that anew, and what is to be redrawn is somewhere else.
//! Here each line ends in a line break of its own, and how many rows the old lines take now is reckoned
//! before they are cleared.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use super::Sink;
use super::escape::columns;

/// Width taken where it cannot be asked for, in columns.
const WIDTH_UNKNOWN: usize = 80;
/// The same of its height, in rows.
const HEIGHT_UNKNOWN: usize = 24;

/// A sink to draw on, by the usual escape sequences. Clones draw on the same one.
#[derive(Clone, Debug)]
pub(super) struct Screen(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sink: Sink,
    width: AtomicUsize,
    height: AtomicUsize,
    drawing: Mutex<Drawing>,
}

/// One drawing as indicatif asks for it, and what stands there from the last one.
#[derive(Debug, Default)]
struct Drawing {
    /// How many of the last lines are to be cleared.
    clear: usize,
    /// Lines to be written.
    lines: Vec<String>,
    /// Whether the next text is what fills the line up.
    filler: bool,
    /// Columns of the lines that stand there.
    shown: Vec<usize>,
}

impl Screen {
    pub(super) fn new(sink: Sink) -> Self {
        let (width, height) = (AtomicUsize::new(WIDTH_UNKNOWN), AtomicUsize::new(HEIGHT_UNKNOWN));
        Self(Arc::new(Inner { sink, width, height, drawing: Mutex::default() }))
    }

    /// Asks how large the terminal is now: what follows is drawn for that. Returns how many columns a
    /// line may take: the last one stays empty, since some terminals go on to the next row from it.
    pub(super) fn measure(&self) -> usize {
        // A terminal that does not know its size says that it has none.
        if let Some((width, height)) = self.0.sink.size().filter(|size| size.0 > 0 && size.1 > 0) {
            self.0.width.store(width, Ordering::Relaxed);
            self.0.height.store(height, Ordering::Relaxed);
        }
        self.columns().saturating_sub(1)
    }

    /// As if the terminal had been made so wide.
    #[cfg(test)]
    pub(super) fn resize(&self, width: usize) {
        self.0.width.store(width, Ordering::Relaxed);
    }

    /// Puts `lines` in the place of those that were drawn last; as many as the terminal has rows.
    pub(super) fn redraw(&self, mut lines: Vec<String>) {
        lines.truncate(self.0.height.load(Ordering::Relaxed).saturating_sub(1).max(1));
        let mut drawing = self.drawing();
        (drawing.clear, drawing.lines) = (drawing.shown.len(), lines);
        drop(drawing);
        self.put();
    }

    fn columns(&self) -> usize {
        self.0.width.load(Ordering::Relaxed).max(2)
    }

    fn drawing(&self) -> MutexGuard<'_, Drawing> {
        self.0.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rows that a line of so many columns takes at a width.
const fn rows(columns: usize, width: usize) -> usize {
    if columns == 0 { 1 } else { columns.div_ceil(width) }
}

/// `line` without the sequences that colour it.
pub(super) fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = behind.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(self.columns()).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.0.height.load(Ordering::Relaxed).max(2)).unwrap_or(u16::MAX)
    }

    // Where the cursor goes is reckoned in `flush`.
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.drawing().lines.push(text.to_owned());
        Ok(())
    }

    /// A line, or the blanks that fill it up: they come in turns.
    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawing = self.drawing();
        if !std::mem::replace(&mut drawing.filler, false) {
            drawing.lines.push(text.to_owned());
            drawing.filler = true;
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.drawing().clear += 1;
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.put();
        Ok(())
    }
}

impl Screen {
    /// Clears what is to be cleared, and writes the new lines.
    fn put(&self) {
        let width = self.columns();
        let mut drawing = self.drawing();
        let Drawing { clear, lines, shown, .. } = std::mem::take(&mut *drawing);
        let cleared = &shown[shown.len().saturating_sub(clear)..];
        let up: usize = cleared.iter().map(|columns| rows(*columns, width)).sum();
        let mut out = String::new();
        if up > 1 {
            // Writing to a String does not fail.
            let _ = write!(out, "\x1b[{}A", up - 1);
        }
        if up > 0 {
            out.push_str("\r\x1b[J");
        }
        out.push_str(&lines.join("\n"));
        drawing.shown = lines.iter().map(|line| columns(&plain(line))).collect();
        drop(drawing);
        if !out.is_empty() {
            self.0.sink.write(&out);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A terminal that knows the few sequences that are written here, and wraps what it shows anew when
    /// its width changes.
    #[derive(Debug)]
    pub(in crate::ui) struct Terminal {
        width: usize,
        /// Lines as they were written, up to a line break.
        lines: Vec<Vec<char>>,
        /// The line that the cursor is in, and where.
        line: usize,
        column: usize,
    }

    impl Terminal {
        pub(in crate::ui) fn new(width: usize) -> Self {
            Self { width, lines: vec![Vec::new()], line: 0, column: 0 }
        }

        pub(in crate::ui) fn resize(&mut self, width: usize) {
            self.width = width;
        }

        /// What is shown, row by row.
        pub(in crate::ui) fn shown(&self) -> String {
            let mut rows = Vec::new();
            for line in &self.lines {
                let text: String = line.iter().collect();
                if text.is_empty() {
                    rows.push(String::new());
                }
                let chars: Vec<char> = text.chars().collect();
                rows.extend(chars.chunks(self.width).map(|row| row.iter().collect::<String>()));
            }
            rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
        }

        pub(in crate::ui) fn take(&mut self, bytes: &str) {
            let mut chars = bytes.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\r' => self.column = self.column.saturating_sub(1) / self.width * self.width,
                    '\n' => {
                        (self.line, self.column) = (self.line + 1, 0);
                        if self.line == self.lines.len() {
                            self.lines.push(Vec::new());
                        }
                    }
                    '\x1b' => {
                        assert_eq!(chars.next(), Some('['));
                        let digits: String = chars.clone().take_while(|c| !c.is_ascii_alphabetic()).collect();
                        let way = chars.nth(digits.len()).unwrap();
                        match way {
                            'A' => (0..digits.parse().unwrap()).for_each(|_| self.up()),
                            'J' => {
                                self.lines.truncate(self.line + 1);
                                self.lines[self.line].truncate(self.column);
                            }
                            'm' => {}
                            other => panic!("unknown sequence {other:?}"),
                        }
                    }
                    c => {
                        let line = &mut self.lines[self.line];
                        line.resize(line.len().max(self.column + 1), ' ');
                        line[self.column] = c;
                        self.column += 1;
                    }
                }
            }
        }

        /// One row up, within a line that takes several, or into the one above.
        fn up(&mut self) {
            // The cursor stays at the last column of a row that is full.
            let row = self.column.saturating_sub(1) / self.width;
            if row > 0 {
                self.column -= self.width;
                return;
            }
            self.line = self.line.checked_sub(1).expect("there is a line above");
            let last = self.lines[self.line].len().saturating_sub(1) / self.width;
            // Anywhere in that row but at its beginning, which is the end of the one above.
            self.column = last * self.width + 1;
        }
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(plain("\u{1b}[36m##\u{1b}[0m--"), "##--");
        assert_eq!(plain("plain"), "plain");
        assert_eq!((rows(0, 10), rows(10, 10), rows(11, 10)), (1, 1, 2));
    }
}
