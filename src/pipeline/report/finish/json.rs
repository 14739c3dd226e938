//! Rows as JSON lines: one object a row, all columns in their order. Numbers are numbers, what is not
//! there is `null`, times are text (RFC 3339).

use std::io;

use csv::ByteRecord;

use super::super::columns::{COLUMNS, TYPES, Type};

/// Lines made from rows.
#[derive(Default)]
pub(super) struct Lines {
    text: Vec<u8>,
}

impl Lines {
    /// The lines so far.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Forgets the lines so far.
    pub(super) fn clear(&mut self) {
        self.text.clear();
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If a field is not UTF-8, which no row of a report is.
    pub(super) fn push(&mut self, row: &ByteRecord) -> io::Result<()> {
        for ((name, kind), field) in COLUMNS.iter().zip(TYPES).zip(row) {
            self.text.extend_from_slice(if *name == COLUMNS[0] { b"{\"" } else { b",\"" });
            self.text.extend_from_slice(name.as_bytes());
            self.text.extend_from_slice(b"\":");
            match kind {
                _ if field.is_empty() => self.text.extend_from_slice(b"null"),
                Type::Switch | Type::Number | Type::Size => self.text.extend_from_slice(field),
                Type::Text | Type::Word | Type::Time => {
                    let text = std::str::from_utf8(field).map_err(io::Error::other)?;
                    serde_json::to_writer(&mut self.text, text).map_err(io::Error::other)?;
                }
            }
        }
        self.text.extend_from_slice(b"}\n");
        Ok(())
    }
}
