//! One row: RFC 4180, UTF-8, times RFC 3339 in UTC.
//!
//! Rows are written by hand: they are most of what a scan computes, and a general writer takes twice
//! as long. A test holds every field against the `csv` crate.

use std::borrow::Cow;
use std::io;

use super::ReportError;
use super::columns::COLUMNS;
use super::time::Times;
use crate::model::{Flag, Listed, Outcome, push_percent};

/// The value of `key_encoding` for a key that is written percent-encoded.
const URL: &[u8] = b"url";

/// A key as reports, logs and errors spell it, and whether that is percent-encoded: it is where a
/// CSV reader would not give it back as it is, for want of UTF-8 or because of control characters.
#[must_use]
pub fn shown_key(key: &[u8]) -> (Cow<'_, str>, bool) {
    if let Some(text) = std::str::from_utf8(key).ok().filter(|text| !text.chars().any(char::is_control)) {
        return (Cow::Borrowed(text), false);
    }
    let mut encoded = String::new();
    push_percent(&mut encoded, key, true);
    (Cow::Owned(encoded), true)
}

/// Bytes that a row takes, more or less; rows need not grow in steps.
const ROW: usize = 192;

/// The header line.
///
/// # Errors
/// If it cannot be made.
pub(super) fn header() -> Result<Vec<u8>, ReportError> {
    let made = |source| ReportError::Io { what: "make the header of", path: "-".into(), source };
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(COLUMNS).map_err(|e| made(io::Error::from(e)))?;
    csv.into_inner().map_err(|e| made(e.into_error()))
}

/// Makes rows of one bucket in memory.
#[derive(Debug)]
pub struct Render {
    out: Vec<u8>,
    /// The field that each row begins with.
    bucket: Vec<u8>,
    times: Times,
    /// Apart from the others, so that what it remembers holds for a whole page.
    checked: Times,
    /// The end of the last row, if its object needed no request.
    last: Option<End>,
}

/// The end of a row, which neighbours in a listing often share: what is behind the listing's own fields.
#[derive(Debug)]
struct End {
    outcome: Outcome,
    is_encoded: bool,
    flag: Option<Flag>,
    text: Vec<u8>,
}

impl Render {
    /// The usual size of so many rows.
    #[must_use]
    pub const fn room(rows: usize) -> usize {
        rows * ROW
    }

    /// No rows yet, and no header; they go into `out`, behind what it holds.
    #[must_use]
    pub fn new(bucket: &str, out: Vec<u8>) -> Self {
        let mut field = Vec::new();
        push_field(&mut field, bucket.as_bytes());
        Self { out, bucket: field, times: Times::default(), checked: Times::default(), last: None }
    }

    /// The rows as text.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Adds a row.
    pub fn row(&mut self, object: &Listed<'_>, outcome: &Outcome, flag: Option<Flag>) {
        self.out.extend_from_slice(&self.bucket);
        let is_encoded = self.text(object.key);
        self.text(object.version_id);
        self.word(if object.is_latest { "true" } else { "false" });
        self.text(object.class);
        self.text(object.access_tier);
        self.number(Some(object.size));
        self.text(object.etag);
        self.time(object.last_modified);
        self.end(outcome, is_encoded, flag);
    }

    /// The end of a row, made anew only where it is not that of the row before.
    fn end(&mut self, outcome: &Outcome, is_encoded: bool, flag: Option<Flag>) {
        let same = |end: &&End| end.outcome == *outcome && (end.is_encoded, end.flag) == (is_encoded, flag);
        if let Some(end) = self.last.as_ref().filter(same) {
            self.out.extend_from_slice(&end.text);
            return;
        }
        let from = self.out.len();
        self.spell_end(outcome, is_encoded, flag);
        // Answers to requests differ, by their ids or by when they came.
        self.last = (outcome.attempts == 0).then(|| {
            let mut text = self.last.take().map_or_else(Vec::new, |end| end.text);
            text.clear();
            text.extend_from_slice(&self.out[from..]);
            End { outcome: outcome.clone(), is_encoded, flag, text }
        });
    }

    fn spell_end(&mut self, outcome: &Outcome, is_encoded: bool, flag: Option<Flag>) {
        self.word(outcome.state.as_str());
        self.time(outcome.expires_at);
        self.word(outcome.action.as_str());
        self.word(outcome.reason.map_or("", |reason| reason.as_str()));
        self.word(outcome.tier.map_or("", |tier| tier.as_str()));
        self.number(outcome.days.map(u64::from));
        self.number(outcome.http_status.map(u64::from));
        self.text(outcome.error_code.as_deref().unwrap_or_default().as_bytes());
        self.text(outcome.request_id.as_deref().unwrap_or_default().as_bytes());
        self.number(Some(u64::from(outcome.attempts)));
        self.comma();
        self.out.extend_from_slice(if is_encoded { URL } else { b"" });
        self.comma();
        self.checked.push(&mut self.out, outcome.checked_at);
        self.word(flag.map_or("", Flag::as_str));
        self.out.push(b'\n');
    }

    fn comma(&mut self) {
        self.out.push(b',');
    }

    /// A field of whatever a store sends, and whether it is percent-encoded. Of keys the row says so;
    /// in other fields no vendor has what calls for it, and a report can be looked at in a terminal
    /// whatever a store says.
    fn text(&mut self, field: &[u8]) -> bool {
        self.comma();
        let signs = Signs::of(field);
        if !signs.odd {
            push(&mut self.out, field, signs.quotable);
            return false;
        }
        let (shown, is_encoded) = shown_key(field);
        push_field(&mut self.out, shown.as_bytes());
        is_encoded
    }

    /// A field that needs no quotes.
    fn word(&mut self, field: &str) {
        self.comma();
        self.out.extend_from_slice(field.as_bytes());
    }

    fn number(&mut self, number: Option<u64>) {
        self.comma();
        if let Some(number) = number {
            push_number(&mut self.out, number);
        }
    }

    fn time(&mut self, time: Option<jiff::Timestamp>) {
        self.comma();
        if let Some(time) = time {
            self.times.push(&mut self.out, time);
        }
    }
}

/// What a field holds. Found without a branch for each byte, so that the compiler can take many at
/// a time.
struct Signs {
    /// Bytes that are not printable ASCII.
    odd: bool,
    /// Bytes that call for quotes, besides those that are odd.
    quotable: bool,
}

impl Signs {
    fn of(field: &[u8]) -> Self {
        let (mut odd, mut quotable) = (false, false);
        for &byte in field {
            odd |= byte.wrapping_sub(b' ') > b'~' - b' ';
            quotable |= matches!(byte, b',' | b'"');
        }
        Self { odd, quotable }
    }
}

/// Adds a field, in quotes if it has to be.
fn push_field(out: &mut Vec<u8>, field: &[u8]) {
    let signs = Signs::of(field);
    let breaks_line = signs.odd && memchr::memchr2(b'\r', b'\n', field).is_some();
    push(out, field, signs.quotable || breaks_line);
}

/// Adds a field, in quotes or not.
fn push(out: &mut Vec<u8>, field: &[u8], in_quotes: bool) {
    if !in_quotes {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Adds a number in decimal.
fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use jiff::Timestamp;

    use crate::model::{Access, Action, Kind, Reason, RestoreMark, State, Tier};

    fn object() -> Listed<'static> {
        Listed {
            kind: Kind::Object,
            key: b"k",
            version_id: b"",
            is_latest: true,
            class: b"GLACIER",
            access: Access::Archived,
            access_tier: b"",
            size: 7,
            etag: b"abc",
            last_modified: Some("2026-05-18T05:45:43.5Z".parse().unwrap()),
            restore: RestoreMark::Absent,
        }
    }

    /// A row of few values for each field, so that neighbours often differ in one or in none.
    fn any_row() -> impl Strategy<Value = (&'static [u8], Outcome, Option<Flag>)> {
        let time =
            || prop_oneof![4 => Just(7), 1 => Just(8)].prop_map(|n| Timestamp::from_second(n).unwrap());
        let rarely = || prop::bool::weighted(0.1);
        let answered = (rarely(), rarely(), rarely(), rarely(), rarely());
        let ids = prop::option::weighted(0.1, prop_oneof![Just("1"), Just("2")]);
        let rest = (rarely(), ids, rarely(), prop::option::weighted(0.1, Just(3)));
        (rarely(), rarely(), prop::option::of(time()), time(), rest, answered).prop_map(
            |(odd, restored, expires_at, checked_at, (flagged, id, asked, days), answered)| {
                let (acted, reason, tier, status, error) = answered;
                let state = if restored { State::Restored } else { State::Archived };
                let outcome = Outcome {
                    action: if acted { Action::Planned } else { Action::None },
                    reason: reason.then_some(Reason::UnsafeKey),
                    tier: tier.then_some(Tier::Bulk),
                    days,
                    http_status: status.then_some(403),
                    error_code: error.then(|| "Denied".into()),
                    request_id: id.map(Into::into),
                    attempts: u32::from(asked),
                    ..Outcome::seen(state, expires_at, checked_at)
                };
                (if odd { &b"\n"[..] } else { b"k" }, outcome, flagged.then_some(Flag::Stuck))
            },
        )
    }

    fn rows_of(key: &[u8]) -> Vec<Vec<String>> {
        let object = Listed { key, ..object() };
        let mut rows = Render::new("b", Vec::new());
        let outcome = Outcome::seen(State::Archived, None, "2026-11-21T01:00:00Z".parse().unwrap());
        rows.row(&object, &outcome, Some(Flag::Stuck));
        let text = [header().unwrap(), rows.finish()].concat();
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
    fn what_a_store_tells_brings_no_control_characters() {
        for (field, shown) in [
            ("abc", "abc"),
            ("a%20b", "a%20b"),
            ("\u{fc}\u{a0}\u{1f600}", "\u{fc}\u{a0}\u{1f600}"),
            ("a\u{1b}[2J", "a%1B%5B2J"),
            ("\u{85}", "%C2%85"),
            ("a\nb", "a%0Ab"),
        ] {
            let mut rows = Render::new("b", Vec::new());
            rows.text(field.as_bytes());
            assert_eq!(String::from_utf8(rows.finish()).unwrap(), format!(",{shown}"));
        }
    }

    #[test]
    fn times_are_rfc_3339_in_utc() {
        let rows = rows_of(b"k");
        assert_eq!(rows[1][8], "2026-05-18T05:45:43.500Z");
        assert_eq!(rows[1][20], "2026-11-21T01:00:00Z");
        assert_eq!(rows[1][21], "stuck");
    }

    proptest! {
        /// What is remembered of the row before must be told apart by everything that it shows.
        #[test]
        fn a_row_does_not_depend_on_those_before_it(rows in proptest::collection::vec(any_row(), 0..40)) {
            let mut together = Render::new("b", Vec::new());
            let mut alone = Vec::new();
            for (key, outcome, flag) in rows {
                let object = Listed { key, ..object() };
                together.row(&object, &outcome, flag);
                let mut one = Render::new("b", alone);
                one.row(&object, &outcome, flag);
                alone = one.finish();
            }
            prop_assert_eq!(together.finish(), alone);
        }

        #[test]
        fn fields_are_written_as_the_csv_crate_writes_them(field in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r'), b'a'..=b'z'], 0..40,
        )) {
            let mut ours = b"first,".to_vec();
            push_field(&mut ours, &field);
            ours.push(b'\n');
            let mut theirs = csv::Writer::from_writer(Vec::new());
            theirs.write_record([b"first".as_slice(), &field]).unwrap();
            prop_assert_eq!(ours, theirs.into_inner().unwrap());
        }

        #[test]
        fn numbers_are_written_in_decimal(number: u64) {
            for number in [number, number % 10, u64::MAX] {
                let mut out = Vec::new();
                push_number(&mut out, number);
                prop_assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
            }
        }
    }
}
