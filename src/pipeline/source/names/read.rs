//! One name after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::NamesError;
use super::rows::{Columns, columns, digest_of, no_action, of_csv, row, row_of_any, unread};
use crate::model::hex;
use crate::pipeline::report::{Rows, shown_key};

/// Longest key of the three stores, in bytes. Sources: object naming pages of OSS (1,023), COS (850)
/// and S3 (1,024), read 2026-11.
const MAX_KEY: usize = 1024;
/// A line of more bytes than this is none of a list of keys.
const MAX_LINE: u64 = 64 << 10;
/// A row of more bytes than this is none of a report; a quote that is never closed makes such rows.
const MAX_ROW: usize = 1 << 20;

/// How the names stand in their file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One a line.
    Lines,
    /// Each ended by a NUL byte.
    Nul,
    /// Rows of a CSV, or of any other form of a report.
    Csv {
        /// Whether only rows whose action is `failed` are taken.
        failed: bool,
    },
}

/// What names must agree with.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The list, for messages.
    pub(super) list: String,
    pub(super) form: Form,
    pub(super) bucket: String,
    pub(super) prefix: Vec<u8>,
}

impl Frame {
    pub(super) fn bad(
        &self,
        line: Option<u64>,
        what: impl Into<String>,
        way_out: impl Into<String>,
    ) -> NamesError {
        NamesError::Bad { list: self.list.clone(), line, what: what.into(), way_out: way_out.into() }
    }

    /// What kept the list from being read on.
    pub(super) fn unreadable(&self, line: Option<u64>, error: &io::Error) -> NamesError {
        let way_out = match error.kind() {
            io::ErrorKind::NotFound => "check the path and the working folder",
            io::ErrorKind::PermissionDenied => "give the user that runs defrost the right to read it",
            io::ErrorKind::IsADirectory => "name a file in this folder",
            io::ErrorKind::InvalidData => "look for a quote that is not closed",
            _ => "a list is a plain file that can be read, or - for standard input",
        };
        self.bad(line, format!("cannot be read: {error}"), way_out)
    }

    /// Whether `key` is one that this run can be about.
    fn check(&self, line: u64, key: &[u8]) -> Result<(), NamesError> {
        let shown = || format!("`{}`", shown_key(key.get(..80).unwrap_or(key)).0);
        if key.is_empty() {
            return Err(self.bad(Some(line), "has no key", "give each row its key, or leave the row out"));
        }
        if key.len() > MAX_KEY {
            let what = format!("{}... is longer than {MAX_KEY} bytes, which no key is", shown());
            return Err(self.bad(
                Some(line),
                what,
                "a list has one key a line; with --null, each ends with a NUL byte",
            ));
        }
        if !key.starts_with(&self.prefix) {
            let prefix = shown_key(&self.prefix).0;
            let what = format!("{} does not begin with the prefix of the URL, `{prefix}`", shown());
            return Err(self.bad(
                Some(line),
                what,
                "lists name whole keys: write it with its prefix, or leave the prefix out of the URL",
            ));
        }
        Ok(())
    }
}

/// One named object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pipeline) struct Name {
    /// Its place, from 1.
    pub(in crate::pipeline) number: u64,
    pub(in crate::pipeline) key: Vec<u8>,
    /// Empty for the current version.
    pub(in crate::pipeline) version_id: Vec<u8>,
    /// Whether it is the current version, as far as the list tells.
    pub(in crate::pipeline) is_latest: bool,
}

/// Takes the digest of all that is read, and counts what is read of one row.
pub(super) struct Meter<R> {
    inner: R,
    digest: Sha256,
    pub(super) row: usize,
}

impl<R: Read> Read for Meter<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row > MAX_ROW {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a row has more than a million bytes"));
        }
        let count = self.inner.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.row += count;
        Ok(count)
    }
}

enum Reader<R> {
    Text(Box<BufReader<Meter<R>>>),
    Csv(Box<csv::Reader<Meter<R>>>, Columns, ByteRecord),
    /// Rows that are packed, or not CSV, and the file that holds them.
    Rows(Box<Rows>, Arc<File>),
}

/// The names of a list, one after the other; the same ones at each reading.
pub(in crate::pipeline) struct Entries<R> {
    frame: Frame,
    reader: Reader<R>,
    line: u64,
    last: Option<Name>,
}

impl<R: Read> Entries<R> {
    /// Begins to read `inner`.
    pub(super) fn new(frame: Frame, inner: R) -> Result<Self, NamesError> {
        let meter = Meter { inner, digest: Sha256::new(), row: 0 };
        let reader = match frame.form {
            Form::Lines | Form::Nul => Reader::Text(Box::new(BufReader::new(meter))),
            Form::Csv { failed } => {
                let mut reader = csv::Reader::from_reader(meter);
                let header = match reader.byte_headers() {
                    Ok(header) => header.clone(),
                    Err(error) => return Err(of_csv(&frame, &error, 1)),
                };
                let columns = columns(&frame, &header, failed)?;
                Reader::Csv(Box::new(reader), columns, ByteRecord::new())
            }
        };
        Ok(Self { frame, reader, line: 0, last: None })
    }

    /// Begins to read the rows of `file`, of whichever form they are.
    pub(super) fn of_rows(frame: Frame, file: Arc<File>) -> Result<Self, NamesError> {
        let rows = Rows::over(Path::new(&frame.list), &file).map_err(|error| unread(&frame, error))?;
        if frame.form == (Form::Csv { failed: true }) && !rows.has("action") {
            return Err(no_action(&frame));
        }
        Ok(Self { frame, reader: Reader::Rows(Box::new(rows), file), line: 0, last: None })
    }

    /// The next name; `None` at the end. A name right behind its like is passed over.
    ///
    /// # Errors
    /// What is wrong with the next line or row.
    pub(in crate::pipeline) fn next(&mut self) -> Result<Option<Name>, NamesError> {
        loop {
            let read = match &mut self.reader {
                Reader::Text(reader) => text(&self.frame, reader, &mut self.line)?,
                Reader::Csv(reader, columns, record) => row(&self.frame, reader, columns, record)?,
                Reader::Rows(rows, _) => row_of_any(&self.frame, rows)?,
            };
            let Some((line, mut name)) = read else { return Ok(None) };
            self.frame.check(line, &name.key)?;
            let before = self.last.as_ref();
            if before.is_some_and(|last| last.key == name.key && last.version_id == name.version_id) {
                continue;
            }
            name.number = before.map_or(0, |last| last.number) + 1;
            self.last = Some(name.clone());
            return Ok(Some(name));
        }
    }

    /// The digest of what has been read, in hexadecimal; of the whole list at its end.
    pub(in crate::pipeline) fn digest(&self) -> String {
        let meter = match &self.reader {
            Reader::Text(reader) => reader.get_ref(),
            Reader::Csv(reader, ..) => reader.get_ref(),
            // Not all of such a file is read, or not in order. One that cannot be read any more has
            // another digest than before.
            Reader::Rows(_, file) => return digest_of(file).unwrap_or_default(),
        };
        hex(&meter.digest.clone().finalize())
    }
}

/// A name and its line; `None` at the end.
pub(super) type Numbered = Option<(u64, Name)>;

pub(super) fn name(key: Vec<u8>, version_id: Vec<u8>, is_latest: bool) -> Name {
    Name { number: 0, key, version_id, is_latest }
}

/// The next line that is not empty.
fn text<R: Read>(
    frame: &Frame,
    reader: &mut BufReader<Meter<R>>,
    line: &mut u64,
) -> Result<Numbered, NamesError> {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let end = if frame.form == Form::Nul { b'\0' } else { b'\n' };
    loop {
        let mut key = Vec::new();
        reader.get_mut().row = 0;
        let size = reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(end, &mut key)
            .map_err(|e| frame.unreadable(Some(*line + 1), &e))?;
        if size == 0 {
            return Ok(None);
        }
        *line += 1;
        let first = *line == 1;
        if key.last() == Some(&end) {
            key.pop();
            if end == b'\n' && key.last() == Some(&b'\r') {
                key.pop();
            }
        }
        if first && (key.starts_with(b"\xff\xfe") || key.starts_with(b"\xfe\xff")) {
            return Err(frame.bad(None, "is UTF-16", "save it as UTF-8"));
        }
        if first && frame.form == Form::Lines && key.starts_with(BOM) {
            key.drain(..BOM.len());
        }
        if key.is_empty() {
            continue;
        }
        if key.len() > MAX_KEY {
            frame.check(*line, &key)?;
        }
        let bad = |what: &str, way_out: &str| Err(frame.bad(Some(*line), what, way_out));
        if end == b'\n' && key.contains(&0) {
            return bad(
                "has a NUL byte in it",
                "say --null if keys end with NUL bytes; compressed lists are not read",
            );
        }
        match std::str::from_utf8(&key) {
            Err(_) => {
                return bad(
                    "is not UTF-8",
                    "save the list as UTF-8; other bytes stand in a CSV whose column `key_encoding` says `url`",
                );
            }
            Ok(text) if ["oss://", "cos://", "s3://"].iter().any(|scheme| text.starts_with(scheme)) => {
                return bad("is a URL", "write the key alone, without scheme and bucket");
            }
            Ok(_) => {}
        }
        return Ok(Some((*line, name(key, Vec::new(), true))));
    }
}
