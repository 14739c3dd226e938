//! Rows of Apache Parquet: a few pages of each column at a time.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Once};

use bytes::Bytes;
use csv::ByteRecord;
use jiff::Timestamp;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Stored};
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::super::COLUMNS;
use super::super::seal::{CREATOR, SEAL, Seal};
use super::super::time::Times;
use super::open::{Again, MAX_ROW};
use super::{Named, Place, ReadError};

/// Rows read of each column at a time.
const BATCH: usize = 1024;

impl Length for Again {
    fn len(&self) -> u64 {
        self.file.metadata().map_or(0, |about| about.len())
    }
}

impl ChunkReader for Again {
    type T = BufReader<Self>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(Self { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // A length that a damaged file claims is not believed before the bytes are there.
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} lie behind its end")));
        }
        let mut bytes = vec![0; length];
        Self { file: Arc::clone(&self.file), at: start }.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// Rows of a Parquet file.
pub(super) struct ParquetRows {
    reader: SerializedFileReader<Again>,
    /// What is read of each of [`COLUMNS`].
    columns: Vec<Option<Column>>,
    /// The next row group.
    group: usize,
    /// Rows of this one that are not in a batch yet.
    left: u64,
    /// Rows of the batch, and how many of them were handed on.
    batch: usize,
    taken: usize,
    row: u64,
    field: Vec<u8>,
    /// The sum of what was read, and what the file says that it is.
    seal: Option<(Seal, String)>,
}

impl ParquetRows {
    /// Reads what `file`, which stands at `path`, says of itself.
    pub(super) fn new(path: &Path, file: &Arc<File>) -> Result<(Self, Box<Named>), ReadError> {
        let reader = guarded(|| SerializedFileReader::new(Again::from_start(Arc::clone(file))));
        let reader = reader.map_err(|error| broken(path, 0, error))?;
        let meta = reader.metadata().file_metadata();
        let mut columns: Vec<Option<Column>> = COLUMNS.iter().map(|_| None).collect();
        for (at, found) in meta.schema_descr().columns().iter().enumerate() {
            let name = found.path().parts().first().map_or("", String::as_str);
            let Some(column) = COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name)) else {
                continue;
            };
            let meant = Meant::of(found).ok_or_else(|| {
                let what = "has a type that is not read: text, whole numbers, true or false, and times are";
                ReadError::damaged(path, format!("has the column `{name}`, which {what}"))
            })?;
            columns[column] = Some(Column::new(at, meant, found.max_def_level()));
        }
        if columns[super::KEY].is_none() {
            return Err(ReadError::damaged(path, "has no column `key`"));
        }
        let has = std::array::from_fn(|at| columns[at].is_some());
        let said = meta.key_value_metadata().into_iter().flatten().find(|said| said.key == SEAL);
        let said = said.and_then(|said| said.value.clone());
        // Others keep what a file says of itself when they write it anew with other rows.
        let ours = meta.created_by().is_some_and(|by| by.starts_with(CREATOR));
        if ours && !(said.is_some() && has.iter().all(|has| *has)) {
            return Err(ReadError::damaged(
                path,
                "is damaged: it does not say of itself what defrost writes",
            ));
        }
        let seal = said.filter(|_| ours);
        let rows = Self {
            reader,
            columns,
            group: 0,
            left: 0,
            batch: 0,
            taken: 0,
            row: 0,
            field: Vec::new(),
            seal: seal.map(|said| (Seal::default(), said)),
        };
        Ok((rows, Box::new(Named { places: std::array::from_fn(Some), has })))
    }

    /// Reads the next row into `record`; its place, or `None` behind the last one.
    pub(super) fn next(&mut self, path: &Path, record: &mut ByteRecord) -> Result<Option<Place>, ReadError> {
        if self.taken == self.batch
            && !guarded(|| self.fill()).map_err(|error| broken(path, self.row, error))?
        {
            return match self.seal.take() {
                Some((seal, said)) if seal.to_string() != said => {
                    Err(ReadError::damaged(path, "is damaged: its rows are not those that were written"))
                }
                _ => Ok(None),
            };
        }
        self.taken += 1;
        self.row += 1;
        record.clear();
        for column in &mut self.columns {
            self.field.clear();
            let told = column.as_mut().map_or(Ok(()), |column| column.tell(&mut self.field));
            if let Some((seal, _)) = &mut self.seal {
                seal.field(&self.field);
            }
            record.push_field(&self.field);
            let told = told.and(if record.as_slice().len() > MAX_ROW {
                Err("has more than a million bytes")
            } else {
                Ok(())
            });
            told.map_err(|what| ReadError::Row {
                path: path.to_owned(),
                place: Place::Row(self.row),
                what: format!("it {what}"),
            })?;
        }
        Ok(Some(Place::Row(self.row)))
    }

    /// Reads the next batch; false behind the last one.
    fn fill(&mut self) -> Result<bool, ParquetError> {
        while self.left == 0 {
            if self.group == self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(self.group)?;
            let rows = group.metadata().num_rows();
            self.left = u64::try_from(rows)
                .map_err(|_| ParquetError::General(format!("a row group of {rows} rows")))?;
            for column in self.columns.iter_mut().flatten() {
                column.reader = Some(group.get_column_reader(column.at)?);
            }
            self.group += 1;
        }
        let batch = BATCH.min(usize::try_from(self.left).unwrap_or(BATCH));
        for column in self.columns.iter_mut().flatten() {
            column.fill(batch)?;
        }
        self.left -= batch as u64;
        (self.batch, self.taken) = (batch, 0);
        Ok(true)
    }
}

thread_local! {
    /// Whether this thread tells nothing of a panic.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What `read` comes to. The crate that reads Parquet panics over some damaged files (a length below
/// nothing, a width that no number has); that is an error like any other, and told in our words alone.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                told(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    QUIET.set(before);
    read.unwrap_or_else(|_| Err(ParquetError::General("it contradicts itself".to_owned())))
}

/// What `error` says of the file: after so many whole rows it cannot be read on.
fn broken(path: &Path, rows: u64, error: ParquetError) -> ReadError {
    let error = match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) if error.raw_os_error().is_some() => {
                return ReadError::Io { path: path.to_owned(), source: *error };
            }
            Ok(error) => error.to_string(),
            Err(other) => other.to_string(),
        },
        other => other.to_string(),
    };
    let place = if rows == 0 { String::new() } else { format!(" behind row {rows}") };
    ReadError::damaged(
        path,
        format!("is cut short or damaged: it cannot be read as Parquet{place} ({error})"),
    )
}

/// How a stored value is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meant {
    /// As it is.
    Plain,
    /// As a number without sign.
    Unsigned,
    /// As a time, so many units a second.
    Time(i64),
}

impl Meant {
    /// How values of `column` are to be taken; `None` if they cannot.
    fn of(column: &ColumnDescriptor) -> Option<Self> {
        if column.path().parts().len() != 1 || column.max_rep_level() > 0 {
            return None;
        }
        let time = match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Timestamp(time)), _) => Some(match time.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            }),
            (None, ConvertedType::TIMESTAMP_MILLIS) => Some(1_000),
            (None, ConvertedType::TIMESTAMP_MICROS) => Some(1_000_000),
            _ => None,
        };
        let unsigned = matches!(
            column.converted_type(),
            ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64
        );
        match (column.physical_type(), time) {
            (Stored::INT64, Some(unit)) => Some(Self::Time(unit)),
            (Stored::INT32 | Stored::INT64, None) if unsigned => Some(Self::Unsigned),
            (Stored::BOOLEAN | Stored::INT32 | Stored::INT64 | Stored::DOUBLE | Stored::BYTE_ARRAY, None) => {
                Some(Self::Plain)
            }
            _ => None,
        }
    }
}

/// One column that is read.
struct Column {
    /// Where it stands in the file.
    at: usize,
    meant: Meant,
    /// The level of a row that has a value.
    full: i16,
    reader: Option<ColumnReader>,
    levels: Vec<i16>,
    values: Values,
    /// How many rows of the batch were told, and how many values.
    row: usize,
    value: usize,
    times: Times,
}

#[derive(Default)]
struct Values {
    switches: Vec<bool>,
    numbers: Vec<i32>,
    sizes: Vec<i64>,
    reals: Vec<f64>,
    texts: Vec<ByteArray>,
}

impl Values {
    fn clear(&mut self) {
        self.switches.clear();
        self.numbers.clear();
        self.sizes.clear();
        self.reals.clear();
        self.texts.clear();
    }
}

impl Column {
    fn new(at: usize, meant: Meant, full: i16) -> Self {
        Self {
            at,
            meant,
            full,
            reader: None,
            levels: Vec::new(),
            values: Values::default(),
            row: 0,
            value: 0,
            times: Times::default(),
        }
    }

    /// Reads the next `batch` rows.
    fn fill(&mut self, batch: usize) -> Result<(), ParquetError> {
        let Self { levels, values, full, .. } = self;
        (self.row, self.value) = (0, 0);
        levels.clear();
        values.clear();
        let (mut rows, mut found) = (0, 0);
        while rows < batch {
            let most = batch - rows;
            let levels = (*full > 0).then_some(&mut *levels);
            let (read, values, _) = match &mut self.reader {
                Some(ColumnReader::BoolColumnReader(r)) => {
                    r.read_records(most, levels, None, &mut values.switches)?
                }
                Some(ColumnReader::Int32ColumnReader(r)) => {
                    r.read_records(most, levels, None, &mut values.numbers)?
                }
                Some(ColumnReader::Int64ColumnReader(r)) => {
                    r.read_records(most, levels, None, &mut values.sizes)?
                }
                Some(ColumnReader::DoubleColumnReader(r)) => {
                    r.read_records(most, levels, None, &mut values.reals)?
                }
                Some(ColumnReader::ByteArrayColumnReader(r)) => {
                    r.read_records(most, levels, None, &mut values.texts)?
                }
                _ => (0, 0, 0),
            };
            if read == 0 {
                return Err(ParquetError::General("a column ends before its row group does".to_owned()));
            }
            rows += read;
            found += values;
        }
        let full = *full;
        let told = if full > 0 { levels.iter().filter(|level| **level == full).count() } else { rows };
        if told != found || (full > 0 && levels.len() != rows) {
            return Err(ParquetError::General("a column has not as many values as it says".to_owned()));
        }
        Ok(())
    }

    /// Adds the value of the next row to `field`, as a CSV spells it; nothing if there is none.
    fn tell(&mut self, field: &mut Vec<u8>) -> Result<(), &'static str> {
        let level = self.levels.get(self.row).copied().unwrap_or(self.full);
        self.row += 1;
        if level < self.full {
            return Ok(());
        }
        let (at, values) = (self.value, &self.values);
        self.value += 1;
        let text = match self.meant {
            Meant::Time(unit) => {
                let time = values.sizes.get(at).and_then(|count| time(*count, unit));
                self.times.push(field, time.ok_or("has a time out of range")?);
                return Ok(());
            }
            meant => {
                let number = |signed: i64, unsigned: u64| match meant {
                    Meant::Unsigned => unsigned.to_string(),
                    _ => signed.to_string(),
                };
                let small =
                    values.numbers.get(at).map(|n| number(i64::from(*n), u64::from(n.cast_unsigned())));
                let large = || values.sizes.get(at).map(|n| number(*n, n.cast_unsigned()));
                // Whole numbers that went through a tool that has none where some are missing.
                let real = || values.reals.get(at).map(ToString::to_string);
                let switch = || values.switches.get(at).map(ToString::to_string);
                small.or_else(large).or_else(real).or_else(switch)
            }
        };
        match (text, values.texts.get(at)) {
            (Some(text), _) => field.extend_from_slice(text.as_bytes()),
            (None, Some(text)) => field.extend_from_slice(text.data()),
            (None, None) => return Err("has a value less than it says"),
        }
        Ok(())
    }
}

/// The time `count` units after the epoch, of which a second has `unit`.
fn time(count: i64, unit: i64) -> Option<Timestamp> {
    let nanos = i32::try_from(count.rem_euclid(unit) * (1_000_000_000 / unit)).ok()?;
    Timestamp::new(count.div_euclid(unit), nanos).ok()
}

impl fmt::Debug for ParquetRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetRows").field("row", &self.row).finish_non_exhaustive()
    }
}
