//! One row: RFC 4180, UTF-8, times RFC 3339 in UTC.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;

use super::ReportError;
use crate::model::{Listed, Outcome, push_percent};

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
    if let Some(text) = plain(key) {
        return (Cow::Borrowed(text), false);
    }
    let mut encoded = String::new();
    push_percent(&mut encoded, key, true);
    (Cow::Owned(encoded), true)
}

/// Bytes that a page of rows takes, more or less.
const PAGE_OF_ROWS: usize = 192 << 10;

/// The header line.
///
/// # Errors
/// If there is no memory for it.
pub(super) fn header() -> io::Result<Vec<u8>> {
    let mut csv = writer(256);
    csv.write_record(COLUMNS)?;
    finished(csv)
}

fn writer(capacity: usize) -> csv::Writer<Vec<u8>> {
    let out = Vec::with_capacity(capacity);
    csv::WriterBuilder::new().buffer_capacity(64 << 10).has_headers(false).from_writer(out)
}

fn finished(csv: csv::Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    csv.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// Makes rows of one bucket in memory.
#[derive(Debug)]
pub struct Render<'b> {
    csv: csv::Writer<Vec<u8>>,
    bucket: &'b str,
    /// Reused for the few fields that must be formatted.
    scratch: Vec<u8>,
}

impl<'b> Render<'b> {
    /// No rows yet, and no header.
    pub fn new(bucket: &'b str) -> Self {
        Self { csv: writer(PAGE_OF_ROWS), bucket, scratch: Vec::with_capacity(64) }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the row cannot be made.
    pub fn row(&mut self, object: &Listed<'_>, outcome: &Outcome) -> Result<(), ReportError> {
        self.put(object, outcome).map_err(rendering)
    }

    /// The rows as text.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn finish(self) -> Result<Vec<u8>, ReportError> {
        finished(self.csv).map_err(rendering)
    }

    fn put(&mut self, object: &Listed<'_>, outcome: &Outcome) -> io::Result<()> {
        let (key, is_encoded) = shown_key(object.key);
        self.csv.write_field(self.bucket)?;
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

    fn time(&mut self, time: Option<Timestamp>) -> io::Result<()> {
        self.scratch.clear();
        if let Some(time) = time {
            push_time(&mut self.scratch, time)?;
        }
        self.csv.write_field(&self.scratch).map_err(io::Error::from)
    }
}

fn rendering(source: io::Error) -> ReportError {
    ReportError::Io { what: "make rows for", path: "-".into(), source }
}

/// Whole seconds are written without a fraction, anything finer with three digits, cut and not
/// rounded. By hand, since three of these stand in each row and a general formatter costs more
/// than all other fields together.
fn push_time(out: &mut Vec<u8>, time: Timestamp) -> io::Result<()> {
    let seconds = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
    let millis = time.as_millisecond().rem_euclid(1000);
    let (day, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's days-to-civil algorithm for the proleptic Gregorian calendar.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return write!(out, "{time:.3}");
    }
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    digits(out, year / 100);
    digits(out, year % 100);
    for (mark, part) in [
        (b'-', month),
        (b'-', of_month),
        (b'T', of_day / 3600),
        (b':', of_day / 60 % 60),
        (b':', of_day % 60),
    ] {
        out.push(mark);
        digits(out, part);
    }
    if time.subsec_nanosecond() != 0 {
        out.push(b'.');
        out.push(b'0' + u8::try_from(millis / 100).unwrap_or_default());
        digits(out, millis % 100);
    }
    out.push(b'Z');
    Ok(())
}

/// Two digits of a number below 100.
fn digits(out: &mut Vec<u8>, number: i64) {
    let number = u8::try_from(number).unwrap_or_default();
    out.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
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
        let mut rows = Render::new("b");
        rows.row(&object, &Outcome::seen(State::Archived, None, "2026-11-21T01:00:00Z".parse().unwrap()))
            .unwrap();
        let text = [header().unwrap(), rows.finish().unwrap()].concat();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
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
    fn times_are_those_of_the_library() {
        let mut times: Vec<Timestamp> = [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00Z",
            "2000-02-29T12:34:56.001Z",
            "2100-02-28T23:59:59Z",
            "2100-03-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        // A day and a bit apart, over four centuries.
        times.extend(
            (0..150_000).map(|n| Timestamp::from_millisecond(n * 90_061_007 - 5_000_000_000).unwrap()),
        );
        for time in times {
            let mut text = Vec::new();
            push_time(&mut text, time).unwrap();
            let library =
                if time.subsec_nanosecond() == 0 { format!("{time:.0}") } else { format!("{time:.3}") };
            assert_eq!(String::from_utf8(text).unwrap(), library);
        }
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let rows = rows_of(b"k");
        assert_eq!(rows[1][8], "2026-05-18T05:45:43.500Z");
        assert_eq!(rows[1][20], "2026-11-21T01:00:00Z");
    }
}
