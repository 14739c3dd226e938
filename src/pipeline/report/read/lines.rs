//! Rows of CSV and of JSON lines.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::ByteRecord;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::super::COLUMNS;
use super::open::{Bounded, MAX_ROW, Source, TooLong, broken};
use super::{Named, Place, ReadError};
use crate::model::Packing;

/// Rows of a CSV.
pub(super) struct CsvRows {
    reader: csv::Reader<Bounded>,
    packing: Packing,
    /// Whether the header is our own: every row of such a file ends its line.
    own: bool,
}

impl CsvRows {
    /// Reads the header of `source`.
    pub(super) fn new(
        path: &Path,
        source: Source,
        packing: Packing,
    ) -> Result<(Self, Box<Named>), ReadError> {
        let mut reader = csv::ReaderBuilder::new().from_reader(Bounded::new(source));
        let header = reader.byte_headers().map_err(|error| told(path, packing, error))?;
        let places =
            COLUMNS.map(|name| header.iter().position(|column| column.eq_ignore_ascii_case(name.as_bytes())));
        let own = header.iter().eq(COLUMNS.iter().map(|name| name.as_bytes()));
        if places[super::KEY].is_none() {
            return Err(ReadError::NoColumn { path: path.to_owned(), column: "key" });
        }
        Ok((
            Self { reader, packing, own },
            Box::new(Named { places, has: places.map(|place| place.is_some()) }),
        ))
    }

    /// Reads the next row into `record`; its place, or `None` behind the last one.
    pub(super) fn next(&mut self, path: &Path, record: &mut ByteRecord) -> Result<Option<Place>, ReadError> {
        self.reader.get_mut().row = 0;
        match self.reader.read_byte_record(record) {
            Ok(true) => Ok(Some(Place::Line(record.position().map_or(0, csv::Position::line)))),
            Ok(false) if self.own && self.reader.get_ref().last.is_some_and(|last| last != b'\n') => {
                let line = self.reader.position().line();
                Err(ReadError::damaged(path, format!("is cut short: line {line} has no end")))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(told(path, self.packing, error)),
        }
    }
}

fn told(path: &Path, packing: Packing, error: csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    let row = |what: String| ReadError::Row { path: path.to_owned(), place: Place::Line(line), what };
    match error.into_kind() {
        csv::ErrorKind::Io(error) if is_too_long(&error) => row(error.to_string()),
        csv::ErrorKind::Io(source) => broken(path, packing, line, source),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            row(format!("it has {len} fields where {expected_len} are named"))
        }
        _ => row("it is no CSV".to_owned()),
    }
}

fn is_too_long(error: &io::Error) -> bool {
    error.get_ref().and_then(|inner| inner.downcast_ref::<TooLong>()).is_some()
}

/// Rows of JSON lines: one object a line. Nothing but values of one level is taken; keys that name no
/// column are passed over.
pub(super) struct JsonRows {
    reader: BufReader<Source>,
    packing: Packing,
    line: u64,
    text: Vec<u8>,
    fields: Fields,
    /// Whether the first row has been read and not been handed on.
    waits: bool,
}

impl JsonRows {
    /// Reads the first row of `source`, which tells which columns there are.
    pub(super) fn new(
        path: &Path,
        source: Source,
        packing: Packing,
    ) -> Result<(Self, Box<Named>), ReadError> {
        let reader = BufReader::new(source);
        let mut rows =
            Self { reader, packing, line: 0, text: Vec::new(), fields: Fields::default(), waits: false };
        rows.waits = rows.read(path)?;
        let has =
            if rows.waits { rows.fields.places.map(|place| place.is_some()) } else { [true; COLUMNS.len()] };
        if !has[super::KEY] {
            return Err(ReadError::damaged(
                path,
                "has no `key` in its first line: each line must be an object with one",
            ));
        }
        Ok((rows, Box::new(Named { places: std::array::from_fn(Some), has })))
    }

    /// Reads the next row into `record`; its place, or `None` behind the last one.
    pub(super) fn next(&mut self, path: &Path, record: &mut ByteRecord) -> Result<Option<Place>, ReadError> {
        if !std::mem::take(&mut self.waits) && !self.read(path)? {
            return Ok(None);
        }
        record.clear();
        for place in self.fields.places {
            let (from, to) = place.unwrap_or_default();
            record.push_field(&self.fields.bytes[from..to]);
        }
        Ok(Some(Place::Line(self.line)))
    }

    /// Reads the next line that holds anything into the fields; false behind the last one.
    fn read(&mut self, path: &Path) -> Result<bool, ReadError> {
        loop {
            self.text.clear();
            let most = MAX_ROW as u64 + 1;
            let count = self.reader.by_ref().take(most).read_until(b'\n', &mut self.text);
            let count = count.map_err(|error| broken(path, self.packing, self.line, error))?;
            if count == 0 {
                return Ok(false);
            }
            self.line += 1;
            let row = |what: String| {
                Err(ReadError::Row { path: path.to_owned(), place: Place::Line(self.line), what })
            };
            if count > MAX_ROW {
                return row("it has more than a million bytes".to_owned());
            }
            let text = self.text.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.line == 1);
            let text = text.unwrap_or(&self.text).trim_ascii();
            if text.is_empty() {
                continue;
            }
            self.fields.clear();
            let mut json = serde_json::Deserializer::from_slice(text);
            let read = self.fields.deserialize(&mut json).and_then(|()| json.end());
            return match read {
                Ok(()) => Ok(true),
                Err(error) if error.is_eof() && self.text.last() != Some(&b'\n') => {
                    Err(ReadError::damaged(path, format!("is cut short: line {} has no end", self.line)))
                }
                Err(error) => row(format!("it is no JSON object of a row ({error})")),
            };
        }
    }
}

/// The fields of one row, by column.
#[derive(Default)]
struct Fields {
    bytes: Vec<u8>,
    places: [Option<(usize, usize)>; COLUMNS.len()],
}

impl Fields {
    fn clear(&mut self) {
        self.bytes.clear();
        self.places = [None; COLUMNS.len()];
    }

    /// Reads an object.
    fn deserialize<'de, D: Deserializer<'de>>(&mut self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some(column) = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(&name)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if self.places[column].is_some() {
                return Err(A::Error::custom(format_args!("`{}` stands in it twice", COLUMNS[column])));
            }
            let from = self.bytes.len();
            map.next_value_seed(Scalar(&mut self.bytes))?;
            self.places[column] = Some((from, self.bytes.len()));
        }
        Ok(())
    }
}

/// One value, as a CSV spells it.
struct Scalar<'b>(&'b mut Vec<u8>);

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Scalar<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, true, false or null")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    /// A whole number that went through a tool without whole numbers comes back as `7.0`, which is
    /// spelt `7`.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

impl fmt::Debug for CsvRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvRows").finish_non_exhaustive()
    }
}

impl fmt::Debug for JsonRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonRows").field("line", &self.line).finish_non_exhaustive()
    }
}
