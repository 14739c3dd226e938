//! One name after the other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::NamesError;
use crate::model::{hex, unpercent};
use crate::pipeline::report::{Again, Place, ReadError, Rows, shown_key};

/// Longest key of the three stores, in bytes. Sources: object naming pages of OSS (1,023), COS (850)
/// and S3 (1,024), read 2026-11.
const MAX_KEY: usize = 1024;
/// Longest version id that is taken, in bytes; those of the three stores have less than 100.
const MAX_VERSION: usize = 1024;
/// A line of more bytes than this is none of a list of keys.
const MAX_LINE: u64 = 64 << 10;
/// A row of more bytes than this is none of a report; a quote that is never closed makes such rows.
const MAX_ROW: usize = 1 << 20;
/// Bytes of a file that are read at a time for its digest.
const PIECE: usize = 1 << 18;

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
    fn bad(&self, line: Option<u64>, what: impl Into<String>, way_out: impl Into<String>) -> NamesError {
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
struct Meter<R> {
    inner: R,
    digest: Sha256,
    row: usize,
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

/// Which column of a CSV is which.
struct Columns {
    key: usize,
    version_id: Option<usize>,
    bucket: Option<usize>,
    key_encoding: Option<usize>,
    is_latest: Option<usize>,
    action: Option<usize>,
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
type Numbered = Option<(u64, Name)>;

fn name(key: Vec<u8>, version_id: Vec<u8>, is_latest: bool) -> Name {
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

/// What `error` says of the row that begins at `line`, or about there.
fn of_csv(frame: &Frame, error: &csv::Error, line: u64) -> NamesError {
    let line = Some(error.position().map_or(line, csv::Position::line));
    match error.kind() {
        csv::ErrorKind::Io(error) => frame.unreadable(line, error),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => frame.bad(
            line,
            format!("has {len} columns, and the header {expected_len}"),
            "give each row the columns of the header; quote what holds commas or quotes",
        ),
        _ => {
            frame.bad(line, format!("is not CSV: {error}"), "a CSV has a header and rows of as many columns")
        }
    }
}

/// What is wrong with rows that do not say which of them failed.
fn no_action(frame: &Frame) -> NamesError {
    let way_out = "only a report of defrost says which objects failed; --from-csv takes every row of a CSV";
    frame.bad(Some(1), "has no column `action`", way_out)
}

/// The SHA-256 of a file in hexadecimal.
fn digest_of(file: &Arc<File>) -> io::Result<String> {
    let (mut from, mut digest) = (Again::from_start(Arc::clone(file)), Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&piece[..count]),
        }
    }
}

/// What keeps a file from being read as rows.
pub(super) fn unread(frame: &Frame, error: ReadError) -> NamesError {
    let way_out = error.way_out();
    match error {
        ReadError::Io { source, .. } => frame.unreadable(None, &source),
        ReadError::Row { place: Place::Line(at) | Place::Row(at), what, .. } => {
            frame.bad(Some(at), what, way_out)
        }
        ReadError::NoColumn { column, .. } => frame.bad(None, format!("has no column `{column}`"), way_out),
        ReadError::Damaged { what, .. } => frame.bad(None, what, way_out),
    }
}

fn columns(frame: &Frame, header: &ByteRecord, failed: bool) -> Result<Columns, NamesError> {
    const WAY_OUT: &str = "the first line names the columns, `key` among them; --files-from takes plain keys";
    let names: Vec<String> = header
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_ascii_lowercase())
        .collect();
    let find = |wanted: &str| names.iter().position(|name| name == wanted);
    if header.is_empty() {
        return Err(frame.bad(None, "is empty", WAY_OUT));
    }
    for (at, name) in names.iter().enumerate() {
        if matches!(name.as_str(), "key" | "version_id" | "bucket" | "key_encoding") && find(name) != Some(at)
        {
            return Err(frame.bad(
                Some(1),
                format!("has the column `{name}` twice"),
                "leave one of them out",
            ));
        }
    }
    let Some(key) = find("key") else {
        return Err(frame.bad(Some(1), "has no column `key`", WAY_OUT));
    };
    let action = find("action");
    if failed && action.is_none() {
        return Err(no_action(frame));
    }
    Ok(Columns {
        key,
        version_id: find("version_id"),
        bucket: find("bucket"),
        key_encoding: find("key_encoding"),
        is_latest: find("is_latest"),
        action: action.filter(|_| failed),
    })
}

/// The next row that is wanted.
fn row<R: Read>(
    frame: &Frame,
    reader: &mut csv::Reader<Meter<R>>,
    columns: &Columns,
    record: &mut ByteRecord,
) -> Result<Numbered, NamesError> {
    loop {
        reader.get_mut().row = 0;
        let line = reader.position().line();
        if !reader.read_byte_record(record).map_err(|error| of_csv(frame, &error, line))? {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or_default();
        if columns.action.is_some() && field(columns.action) != b"failed" {
            continue;
        }
        let fields = Fields {
            bucket: field(columns.bucket),
            key: field(Some(columns.key)),
            key_encoding: field(columns.key_encoding),
            version_id: field(columns.version_id),
            is_latest: field(columns.is_latest),
        };
        return Ok(Some((line, fields.name(frame, line)?)));
    }
}

/// The next row that is wanted, of whichever form.
fn row_of_any(frame: &Frame, rows: &mut Rows) -> Result<Numbered, NamesError> {
    loop {
        let Some(row) = rows.next_row().map_err(|error| unread(frame, error))? else { return Ok(None) };
        if frame.form == (Form::Csv { failed: true }) && row.field("action") != b"failed" {
            continue;
        }
        let (Place::Line(at) | Place::Row(at)) = row.place();
        let fields = Fields {
            bucket: row.field("bucket"),
            key: row.field("key"),
            key_encoding: row.field("key_encoding"),
            version_id: row.field("version_id"),
            is_latest: row.field("is_latest"),
        };
        return Ok(Some((at, fields.name(frame, at)?)));
    }
}

/// What a row says of its object.
struct Fields<'r> {
    bucket: &'r [u8],
    key: &'r [u8],
    key_encoding: &'r [u8],
    version_id: &'r [u8],
    is_latest: &'r [u8],
}

impl Fields<'_> {
    /// The object that the row at `line` names.
    fn name(&self, frame: &Frame, line: u64) -> Result<Name, NamesError> {
        let bad = |what: String, way_out: &str| Err(frame.bad(Some(line), what, way_out));
        let bucket = self.bucket;
        if !bucket.is_empty() && bucket != frame.bucket.as_bytes() {
            let what =
                format!("is of the bucket `{}`, and the run of `{}`", shown_key(bucket).0, frame.bucket);
            return bad(what, "keep the rows of one bucket, and run the other bucket apart");
        }
        let key = self.key;
        let key = match self.key_encoding {
            b"url" => {
                let Some(key) = unpercent(key) else {
                    let what =
                        format!("`{}` is not percent-encoded as its `key_encoding` says", shown_key(key).0);
                    return bad(what, "write %XX for each encoded byte, and %25 for a percent sign");
                };
                key
            }
            b"" if std::str::from_utf8(key).is_ok() => key.to_vec(),
            b"" => {
                return bad(
                    "is not UTF-8".to_owned(),
                    "save it as UTF-8; other bytes stand as %XX beside `key_encoding` = `url`",
                );
            }
            other => {
                let what = format!("has the unknown `key_encoding` `{}`", shown_key(other).0);
                return bad(what, "it can be empty or `url`");
            }
        };
        let version_id = self.version_id;
        if version_id.len() > MAX_VERSION || !version_id.iter().all(u8::is_ascii_graphic) {
            return bad(
                "has a version id that is none".to_owned(),
                "write it as the store does, or leave it empty",
            );
        }
        let is_latest = match self.is_latest {
            b"" => version_id.is_empty(),
            told => told.eq_ignore_ascii_case(b"true"),
        };
        Ok(name(key, version_id.to_vec(), is_latest))
    }
}
