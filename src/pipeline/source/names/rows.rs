//! One row after the other: of a CSV, or of any other form of a report.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use csv::ByteRecord;
use sha2::{Digest, Sha256};

use super::NamesError;
use super::read::{Form, Frame, Meter, Name, Numbered, name};
use crate::model::{hex, unpercent};
use crate::pipeline::report::{Again, Place, ReadError, Rows, shown_key};

/// Longest version id that is taken, in bytes; those of the three stores have less than 100.
const MAX_VERSION: usize = 1024;
/// Bytes of a file that are read at a time for its digest.
const PIECE: usize = 1 << 18;

/// Which column of a CSV is which.
pub(super) struct Columns {
    key: usize,
    version_id: Option<usize>,
    bucket: Option<usize>,
    key_encoding: Option<usize>,
    is_latest: Option<usize>,
    action: Option<usize>,
}

/// What `error` says of the row that begins at `line`, or about there.
pub(super) fn of_csv(frame: &Frame, error: &csv::Error, line: u64) -> NamesError {
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
pub(super) fn no_action(frame: &Frame) -> NamesError {
    let way_out = "only a report of defrost says which objects failed; --from-csv takes every row of a CSV";
    frame.bad(Some(1), "has no column `action`", way_out)
}

/// The SHA-256 of a file in hexadecimal.
pub(super) fn digest_of(file: &Arc<File>) -> io::Result<String> {
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

pub(super) fn columns(frame: &Frame, header: &ByteRecord, failed: bool) -> Result<Columns, NamesError> {
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
pub(super) fn row<R: Read>(
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
pub(super) fn row_of_any(frame: &Frame, rows: &mut Rows) -> Result<Numbered, NamesError> {
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
