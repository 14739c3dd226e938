//! Reading a CSV back, row by row: an earlier report, or any other that names keys.
//!
//! Columns are found by their names in the header, whatever their order and whatever others there are.
//! What is held in memory is one row.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::COLUMNS;
use crate::model::unpercent;

/// Why a CSV cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file system said no.
    #[error("cannot read `{path}`")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
    /// A row is not as it should be.
    #[error("`{path}`, line {line}: {what}")]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The header has no column of that name.
    #[error("`{path}` has no column `{column}`: its first line must name its columns")]
    NoColumn {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: &'static str,
    },
}

/// The rows of a CSV.
#[derive(Debug)]
pub struct Rows<R> {
    path: PathBuf,
    reader: csv::Reader<R>,
    /// Where each of [`COLUMNS`] stands.
    places: [Option<usize>; COLUMNS.len()],
    record: ByteRecord,
}

impl Rows<File> {
    /// The rows of the file at `path`.
    ///
    /// # Errors
    /// If it cannot be read, or has no column `key`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        Self::of(path, file)
    }
}

impl<R: Read> Rows<R> {
    /// The rows of `source`, which is called `path` in errors.
    ///
    /// # Errors
    /// If it cannot be read, or has no column `key`.
    pub fn of(path: &Path, source: R) -> Result<Self, ReadError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(source);
        let header = reader.byte_headers().map_err(|error| told(path, error))?;
        let named =
            |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name.as_bytes()));
        let places = COLUMNS.map(named);
        let rows = Self { path: path.to_owned(), reader, places, record: ByteRecord::new() };
        if rows.place("key").is_none() {
            return Err(ReadError::NoColumn { path: path.to_owned(), column: "key" });
        }
        Ok(rows)
    }

    /// The next row; `None` behind the last one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => return Err(told(&self.path, error)),
        }
        Ok(Some(Row { path: &self.path, places: &self.places, record: &self.record }))
    }

    /// Whether there is a column of this name, one of [`COLUMNS`].
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.place(column).is_some()
    }

    fn place(&self, column: &str) -> Option<usize> {
        place(&self.places, column)
    }
}

fn place(places: &[Option<usize>], column: &str) -> Option<usize> {
    COLUMNS.iter().position(|name| *name == column).and_then(|at| places[at])
}

fn told(path: &Path, error: csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    let path = path.to_owned();
    match error.into_kind() {
        csv::ErrorKind::Io(source) => ReadError::Io { path, source },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ReadError::Row { path, line, what: format!("it has {len} fields where {expected_len} are named") }
        }
        _ => ReadError::Row { path, line, what: "it is no CSV".to_owned() },
    }
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    path: &'r Path,
    places: &'r [Option<usize>],
    record: &'r ByteRecord,
}

impl<'r> Row<'r> {
    /// The field under `column`, one of [`COLUMNS`]; empty if there is no such column.
    #[must_use]
    pub fn field(&self, column: &str) -> &'r [u8] {
        place(self.places, column).and_then(|at| self.record.get(at)).unwrap_or_default()
    }

    /// The same as text; empty if it is none.
    #[must_use]
    pub fn text(&self, column: &str) -> &'r str {
        std::str::from_utf8(self.field(column)).unwrap_or_default()
    }

    /// The key, exact bytes.
    ///
    /// # Errors
    /// If it is empty, or not encoded as `key_encoding` says.
    pub fn key(&self) -> Result<Vec<u8>, ReadError> {
        let field = self.field("key");
        if field.is_empty() {
            return Err(self.fault("its key is empty"));
        }
        match self.field("key_encoding") {
            b"" => Ok(field.to_vec()),
            b"url" => unpercent(field).ok_or_else(|| self.fault("its key is not percent-encoded")),
            _ => Err(self.fault("its key_encoding is neither empty nor `url`")),
        }
    }

    /// A fault of this row.
    #[must_use]
    pub fn fault(&self, what: impl Into<String>) -> ReadError {
        let line = self.record.position().map_or(0, csv::Position::line);
        ReadError::Row { path: self.path.to_owned(), line, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Render;
    use super::super::csv::header;
    use super::*;
    use crate::model::{Access, Kind, Listed, Outcome, RestoreMark, State};

    fn rows(text: &[u8]) -> Result<Rows<&[u8]>, ReadError> {
        Rows::of(Path::new("x.csv"), text)
    }

    proptest! {
        #[test]
        fn every_key_of_a_report_is_read_as_it_was(keys in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 1..30), 0..10,
        )) {
            let mut text = header().unwrap();
            for key in &keys {
                let object = Listed {
                    kind: Kind::Object, key, version_id: b"v,1", is_latest: true, class: b"GLACIER",
                    access: Access::Archived, access_tier: b"", size: 7, etag: b"", last_modified: None,
                    restore: RestoreMark::Absent,
                };
                let mut one = Render::new("b", 1);
                one.row(&object, &Outcome::seen(State::Restoring, None, jiff::Timestamp::UNIX_EPOCH), None);
                text.extend(one.finish());
            }
            let mut rows = rows(&text).unwrap();
            for key in &keys {
                let row = rows.next_row().unwrap().unwrap();
                prop_assert_eq!(&row.key().unwrap(), key);
                prop_assert_eq!((row.text("version_id"), row.text("state")), ("v,1", "restoring"));
            }
            prop_assert!(rows.next_row().unwrap().is_none());
        }
    }

    #[test]
    fn columns_are_found_by_name() {
        let mut rows = rows(b"\xef\xbb\xbfsize,KEY,other\n7,\"a,b\",x\n").unwrap();
        assert!(rows.has("size") && !rows.has("version_id"));
        let row = rows.next_row().unwrap().unwrap();
        assert_eq!((row.key().unwrap(), row.text("size"), row.text("bucket")), (b"a,b".to_vec(), "7", ""));
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_with_its_line() {
        assert_eq!(
            rows(b"a,b\n").unwrap_err().to_string(),
            "`x.csv` has no column `key`: its first line must name its columns"
        );
        assert!(rows(b"").is_err());
        for (text, wanted) in [
            ("key,size\na,1\nb\n", "`x.csv`, line 3: it has 1 fields where 2 are named"),
            ("key,key_encoding\na,\n%2,url\n", "`x.csv`, line 3: its key is not percent-encoded"),
            ("key,key_encoding\na,hex\n", "`x.csv`, line 2: its key_encoding is neither empty nor `url`"),
            ("key,size\n,1\n", "`x.csv`, line 2: its key is empty"),
        ] {
            let mut rows = rows(text.as_bytes()).unwrap();
            let fault = loop {
                match rows.next_row() {
                    Ok(Some(row)) => match row.key() {
                        Ok(_) => {}
                        Err(fault) => break fault,
                    },
                    Ok(None) => panic!("{text}: no fault"),
                    Err(fault) => break fault,
                }
            };
            assert_eq!(fault.to_string(), wanted);
        }
    }
}
