//! Rows as Apache Parquet: a row group at a time is gathered in memory, column by column.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use csv::ByteRecord;
use jiff::Timestamp;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Stored, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type as Node};

use super::super::columns::{COLUMNS, TYPES, Type};
use super::super::seal::{CREATED_BY, SEAL, Seal};
use super::About;
use super::pack::ZSTD_LEVEL;

/// Rows of one row group at most; as many as DuckDB's own row groups have.
const GROUP_ROWS: usize = 122_880;
/// Bytes of the fields of one row group at most, or a row more: what bounds the memory where keys are
/// long.
const GROUP_BYTES: usize = 16 << 20;
/// Bytes of a page of a column, before packing: whoever reads holds one of each column.
const PAGE_BYTES: usize = 256 << 10;
/// Bytes of a page's least and greatest value that are kept for readers that skip by them.
const BOUND_BYTES: usize = 64;

/// A Parquet file being written.
pub(super) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
    seal: Seal,
}

impl<W: Write + Send> Table<W> {
    /// Begins the file.
    pub(super) fn begin(out: W, about: About<'_>) -> io::Result<Self> {
        let said = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
        let about = [("defrost.job", about.job), ("defrost.run_id", about.run_id)];
        let about = about.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| said(key, value));
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(failed)?;
        let mut properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(Compression::ZSTD(level))
            .set_data_page_size_limit(PAGE_BYTES)
            .set_dictionary_page_size_limit(PAGE_BYTES)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_statistics_truncate_length(Some(BOUND_BYTES))
            .set_offset_index_disabled(true)
            .set_key_value_metadata(Some(about.collect()));
        for (name, _) in COLUMNS.iter().zip(TYPES).filter(|(_, kind)| matches!(kind, Type::Text | Type::Size))
        {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
        }
        let writer = SerializedFileWriter::new(out, schema().map_err(failed)?, Arc::new(properties.build()));
        let columns = TYPES.map(Column::new).into();
        Ok(Self { writer: writer.map_err(failed)?, columns, rows: 0, bytes: 0, seal: Seal::default() })
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: &ByteRecord) -> io::Result<()> {
        for (column, field) in self.columns.iter_mut().zip(row) {
            column.push(field)?;
            self.bytes += field.len();
            self.seal.field(field);
        }
        self.rows += 1;
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.group() } else { Ok(()) }
    }

    /// Writes the rows that were gathered.
    fn group(&mut self) -> io::Result<()> {
        let mut group = self.writer.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            column.write(&mut group).map_err(failed)?;
        }
        group.close().map_err(failed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes what is left, and what makes a file of it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.group()?;
        }
        let seal = KeyValue::new(SEAL.to_owned(), self.seal.to_string());
        self.writer.append_key_value_metadata(seal);
        self.writer.close().map(drop).map_err(failed)
    }
}

/// What went wrong; if it was the disk, in the disk's words.
fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

fn schema() -> Result<Arc<Node>, ParquetError> {
    let column = |(name, kind): (&&str, Type)| {
        let (stored, meant) = match kind {
            Type::Text | Type::Word => (Stored::BYTE_ARRAY, Some(LogicalType::String)),
            Type::Switch => (Stored::BOOLEAN, None),
            Type::Number => (Stored::INT32, None),
            Type::Size => (Stored::INT64, None),
            Type::Time => (Stored::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        };
        let node = Node::primitive_type_builder(name, stored)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(meant);
        node.build().map(Arc::new)
    };
    let columns = COLUMNS.iter().zip(TYPES).map(column).collect::<Result<_, _>>()?;
    Node::group_type_builder("report").with_fields(columns).build().map(Arc::new)
}

/// The values of one column in a row group.
struct Column {
    kind: Type,
    /// 1 for each row that has a value, 0 for each that has none.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    /// All text one after the other, and where each ends.
    Text(Vec<u8>, Vec<usize>),
    Switch(Vec<bool>),
    Number(Vec<i32>),
    Size(Vec<i64>),
}

impl Column {
    const fn new(kind: Type) -> Self {
        let values = match kind {
            Type::Text | Type::Word => Values::Text(Vec::new(), Vec::new()),
            Type::Switch => Values::Switch(Vec::new()),
            Type::Number => Values::Number(Vec::new()),
            Type::Size | Type::Time => Values::Size(Vec::new()),
        };
        Self { kind, levels: Vec::new(), values }
    }

    fn push(&mut self, field: &[u8]) -> io::Result<()> {
        self.levels.push(i16::from(!field.is_empty()));
        if field.is_empty() {
            return Ok(());
        }
        let text = std::str::from_utf8(field).map_err(io::Error::other)?;
        match &mut self.values {
            Values::Text(bytes, ends) => {
                bytes.extend_from_slice(field);
                ends.push(bytes.len());
            }
            Values::Switch(values) => values.push(text == "true"),
            Values::Number(values) => values.push(text.parse().map_err(io::Error::other)?),
            Values::Size(values) if self.kind == Type::Time => {
                values.push(text.parse::<Timestamp>().map_err(io::Error::other)?.as_millisecond());
            }
            Values::Size(values) => values.push(text.parse().map_err(io::Error::other)?),
        }
        Ok(())
    }

    /// Writes what was gathered, and forgets it.
    fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let Some(mut out) = group.next_column()? else {
            return Err(ParquetError::General("a column more than the schema has".to_owned()));
        };
        let levels = Some(self.levels.as_slice());
        match &mut self.values {
            Values::Text(bytes, ends) => {
                let bytes = Bytes::from(mem::take(bytes));
                let mut from = 0;
                let cut = |end: usize| ByteArray::from(bytes.slice(mem::replace(&mut from, end)..end));
                let values: Vec<ByteArray> = ends.drain(..).map(cut).collect();
                out.typed::<ByteArrayType>().write_batch(&values, levels, None)?;
            }
            Values::Switch(values) => {
                out.typed::<BoolType>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Number(values) => {
                out.typed::<Int32Type>().write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Size(values) => {
                out.typed::<Int64Type>().write_batch(values, levels, None)?;
                values.clear();
            }
        }
        self.levels.clear();
        out.close()
    }
}
