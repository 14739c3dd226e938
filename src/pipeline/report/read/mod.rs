//! Reading a report back, row by row, in whichever form it is: one of ours, or any other file that
//! names keys.
//!
//! Columns are found by their names, whatever their order and whatever others there are. Every field is
//! told as the CSV spells it. What is held in memory is one row, or of Parquet a few pages of each column.

mod fault;
mod lines;
mod open;
mod parquet;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::ByteRecord;

use self::lines::{CsvRows, JsonRows};
pub(in crate::pipeline) use self::open::Again;
use self::open::{Opened, open};
use self::parquet::ParquetRows;
use super::COLUMNS;
use crate::model::{Layout, Packing, unpercent};

pub use self::fault::{Place, ReadError};

/// Where `key` stands among [`COLUMNS`].
const KEY: usize = 1;

/// The rows of a report.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    reader: Reader,
    named: Box<Named>,
    record: ByteRecord,
}

#[derive(Debug)]
enum Reader {
    Csv(Box<CsvRows>),
    Json(Box<JsonRows>),
    Parquet(Box<ParquetRows>),
}

/// Which columns there are.
#[derive(Clone, Copy, Debug)]
struct Named {
    /// Where each of [`COLUMNS`] stands in a record.
    places: [Option<usize>; COLUMNS.len()],
    /// Whether the file has it.
    has: [bool; COLUMNS.len()],
}

impl Rows {
    /// The rows of the file at `path`: CSV, JSON lines or Parquet, packed or not. The ending of its name
    /// tells which, else what the file begins with.
    ///
    /// # Errors
    /// If it cannot be read, is not what its name says, or has no column `key`.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let file = File::open(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        Self::over(path, &Arc::new(file))
    }

    /// The rows of `file`, which stands at `path`, from its beginning, whoever else reads it.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn over(path: &Path, file: &Arc<File>) -> Result<Self, ReadError> {
        let opened = open(path, Box::new(Again::from_start(Arc::clone(file))))?;
        if opened.layout == Layout::Parquet {
            let (rows, named) = ParquetRows::new(path, file)?;
            return Ok(Self::new(path, Reader::Parquet(Box::new(rows)), named));
        }
        Self::opened(path, opened)
    }

    /// Whether `file`, which stands at `path`, is plain CSV, as far as its name and its first bytes tell.
    ///
    /// # Errors
    /// If it cannot be read, or is not what its name says.
    pub fn is_plain_csv(path: &Path, file: &Arc<File>) -> Result<bool, ReadError> {
        let opened = open(path, Box::new(Again::from_start(Arc::clone(file))))?;
        Ok((opened.layout, opened.packing) == (Layout::Csv, Packing::Plain))
    }

    /// The rows of `source`, which is called `path` in errors. Parquet cannot be read this way.
    ///
    /// # Errors
    /// As [`Rows::open`].
    pub fn of(path: &Path, source: impl Read + Send + 'static) -> Result<Self, ReadError> {
        Self::opened(path, open(path, Box::new(source))?)
    }

    fn opened(path: &Path, opened: Opened) -> Result<Self, ReadError> {
        let Opened { layout, packing, source } = opened;
        let (reader, named) = match layout {
            Layout::Csv => {
                let (rows, named) = CsvRows::new(path, source, packing)?;
                (Reader::Csv(Box::new(rows)), named)
            }
            Layout::Jsonl => {
                let (rows, named) = JsonRows::new(path, source, packing)?;
                (Reader::Json(Box::new(rows)), named)
            }
            Layout::Parquet => {
                return Err(ReadError::damaged(path, "is Parquet, which is not read from a stream"));
            }
        };
        Ok(Self::new(path, reader, named))
    }

    fn new(path: &Path, reader: Reader, named: Box<Named>) -> Self {
        Self { path: path.to_owned(), reader, named, record: ByteRecord::new() }
    }

    /// The next row; `None` behind the last one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, ReadError> {
        let place = match &mut self.reader {
            Reader::Csv(rows) => rows.next(&self.path, &mut self.record)?,
            Reader::Json(rows) => rows.next(&self.path, &mut self.record)?,
            Reader::Parquet(rows) => rows.next(&self.path, &mut self.record)?,
        };
        let Some(place) = place else { return Ok(None) };
        Ok(Some(Row { path: &self.path, places: &self.named.places, record: &self.record, place }))
    }

    /// Whether there is a column of this name, one of [`COLUMNS`].
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        COLUMNS.iter().position(|name| *name == column).is_some_and(|at| self.named.has[at])
    }
}

fn place(places: &[Option<usize>], column: &str) -> Option<usize> {
    COLUMNS.iter().position(|name| *name == column).and_then(|at| places[at])
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    path: &'r Path,
    places: &'r [Option<usize>],
    record: &'r ByteRecord,
    place: Place,
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

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// A fault of this row.
    #[must_use]
    pub fn fault(&self, what: impl Into<String>) -> ReadError {
        ReadError::Row { path: self.path.to_owned(), place: self.place, what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Render;
    use super::super::csv::header;
    use super::*;
    use crate::model::{Access, Kind, Listed, Outcome, RestoreMark, State};

    fn rows(text: &[u8]) -> Result<Rows, ReadError> {
        Rows::of(Path::new("x.csv"), std::io::Cursor::new(text.to_owned()))
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
                let mut one = Render::new("b", Vec::new());
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
