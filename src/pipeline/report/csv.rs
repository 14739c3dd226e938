//! One row: RFC 4180, UTF-8, times RFC 3339 in UTC.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;

use crate::model::{Listed, Outcome};

/// The columns, in order; the header is always written.
pub const COLUMNS: [&str; 21] = [
    "bucket",
    "key",
    "version_id",
    "is_latest",
    "storage_class",
    "access_tier",
    "size",
    "etag",
    "last_modified",
    "state",
    "expires_at",
    "action",
    "reason",
    "tier",
    "days",
    "http_status",
    "error_code",
    "request_id",
    "attempts",
    "key_encoding",
    "checked_at",
];

/// The value of `key_encoding` for a key that is written percent-encoded.
const URL: &str = "url";

/// Whether a CSV reader would give `key` back as it is: UTF-8 without control characters.
fn plain(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok().filter(|text| !text.chars().any(char::is_control))
}

/// A key as reports, logs and errors spell it, and whether that is percent-encoded.
#[must_use]
pub fn shown_key(key: &[u8]) -> (Cow<'_, str>, bool) {
    match plain(key) {
        Some(text) => (Cow::Borrowed(text), false),
        None => (Cow::Owned(encoded(key)), true),
    }
}

/// Every byte outside `A-Za-z0-9-._~/` as upper-case `%XX`.
fn encoded(key: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(key.len() * 3);
    for &byte in key {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

/// Writes rows of one bucket.
pub(super) struct Rows<W: Write> {
    csv: csv::Writer<W>,
    bucket: String,
    /// Reused for the few fields that must be formatted.
    scratch: Vec<u8>,
}

impl<W: Write> Rows<W> {
    pub(super) fn new(out: W, bucket: &str) -> Self {
        let csv = csv::WriterBuilder::new().buffer_capacity(256 << 10).has_headers(false).from_writer(out);
        Self { csv, bucket: bucket.to_owned(), scratch: Vec::with_capacity(64) }
    }

    pub(super) fn header(&mut self) -> io::Result<()> {
        self.csv.write_record(COLUMNS).map_err(io::Error::from)
    }

    pub(super) fn row(&mut self, object: &Listed<'_>, outcome: &Outcome) -> io::Result<()> {
        let (key, is_encoded) = shown_key(object.key);
        self.text(self.bucket.clone().as_bytes())?;
        self.text(key.as_bytes())?;
        self.text(object.version_id)?;
        self.text(if object.is_latest { b"true" } else { b"false" })?;
        self.text(object.class)?;
        self.text(object.access_tier)?;
        self.number(Some(object.size))?;
        self.text(object.etag)?;
        self.time(object.last_modified)?;
        self.text(outcome.state.as_str().as_bytes())?;
        self.time(outcome.expires_at)?;
        self.text(outcome.action.as_str().as_bytes())?;
        self.text(outcome.reason.map_or("", |reason| reason.as_str()).as_bytes())?;
        self.text(outcome.tier.map_or("", |tier| tier.as_str()).as_bytes())?;
        self.number(outcome.days.map(u64::from))?;
        self.number(outcome.http_status.map(u64::from))?;
        self.text(outcome.error_code.as_deref().unwrap_or_default().as_bytes())?;
        self.text(outcome.request_id.as_deref().unwrap_or_default().as_bytes())?;
        self.number(Some(u64::from(outcome.attempts)))?;
        self.text(if is_encoded { URL.as_bytes() } else { b"" })?;
        self.time(Some(outcome.checked_at))?;
        self.csv.write_record(None::<&[u8]>).map_err(io::Error::from)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.csv.flush()
    }

    pub(super) fn get_ref(&self) -> &W {
        self.csv.get_ref()
    }

    fn text(&mut self, field: &[u8]) -> io::Result<()> {
        self.csv.write_field(field).map_err(io::Error::from)
    }

    fn number(&mut self, number: Option<u64>) -> io::Result<()> {
        self.scratch.clear();
        if let Some(number) = number {
            write!(self.scratch, "{number}")?;
        }
        self.csv.write_field(&self.scratch).map_err(io::Error::from)
    }

    /// Whole seconds are written without a fraction, anything finer with three digits.
    fn time(&mut self, time: Option<Timestamp>) -> io::Result<()> {
        self.scratch.clear();
        if let Some(time) = time {
            if time.subsec_nanosecond() == 0 {
                write!(self.scratch, "{time:.0}")?;
            } else {
                write!(self.scratch, "{time:.3}")?;
            }
        }
        self.csv.write_field(&self.scratch).map_err(io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Access, Kind, RestoreMark, State};

    fn rows_of(key: &[u8]) -> Vec<Vec<String>> {
        let object = Listed {
            kind: Kind::Object,
            key,
            version_id: b"",
            is_latest: true,
            class: b"GLACIER",
            access: Access::Archived,
            access_tier: b"",
            size: 7,
            etag: b"abc",
            last_modified: Some("2026-05-18T05:45:43.5Z".parse().unwrap()),
            restore: RestoreMark::Absent,
        };
        let mut rows = Rows::new(Vec::new(), "b");
        rows.header().unwrap();
        rows.row(&object, &Outcome::seen(State::Archived, None, "2026-11-21T01:00:00Z".parse().unwrap()))
            .unwrap();
        rows.flush().unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.get_ref().as_slice());
        reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn keys_that_readers_keep_are_written_as_they_are() {
        for key in ["a b+c%2Fd", "ü", "//x", "quote\"and,comma", "a/../b", "😀"] {
            let rows = rows_of(key.as_bytes());
            assert_eq!(rows[0], COLUMNS);
            assert_eq!((rows[1][1].as_str(), rows[1][19].as_str()), (key, ""));
        }
    }

    #[test]
    fn keys_that_readers_would_spoil_are_percent_encoded() {
        for (key, shown) in [
            (&b"a\nb"[..], "a%0Ab"),
            (b"\x01 %", "%01%20%25"),
            (b"\xff/x", "%FF/x"),
            ("\u{85}".as_bytes(), "%C2%85"),
        ] {
            let rows = rows_of(key);
            assert_eq!((rows[1][1].as_str(), rows[1][19].as_str()), (shown, "url"));
        }
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let rows = rows_of(b"k");
        assert_eq!(rows[1][8], "2026-05-18T05:45:43.500Z");
        assert_eq!(rows[1][20], "2026-11-21T01:00:00Z");
    }
}
