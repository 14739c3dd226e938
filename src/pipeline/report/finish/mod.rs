//! From the rows on disk, which are plain CSV while a run goes on, to the form that the report's name
//! asks for: one pass over a report that is whole, in bounded memory.
//!
//! What comes out depends on nothing but the rows and on what the run is called: no hour, no name of a
//! machine, no count of cores. So a pass that was broken off is simply begun anew, and ends with the
//! same bytes.

mod json;
mod pack;
mod parquet;
mod rows;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::ByteRecord;

use self::json::Lines;
use self::pack::Packer;
use self::parquet::Table;
use self::rows::Behind;
use super::ReportError;
use super::durable::{Durable, Sum};
use crate::model::{Form, Layout};
use crate::pipeline::checkpoint::{FinishedFile, Fresh, Whole, sync_folder_of};

/// Bytes moved at a time.
const PIECE: usize = 1 << 18;

/// What a finished file says of its run, where its form has room for that.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Name of the job.
    pub job: &'a str,
    /// Run id, the same over all resumptions; empty for what is no run.
    pub run_id: &'a str,
}

/// A finished file that does not have its name yet.
#[derive(Debug)]
pub(super) struct Made {
    /// The name that it will have.
    pub(super) path: PathBuf,
    /// All of it.
    pub(super) durable: Durable,
    /// The file.
    pub(super) whole: Whole,
}

impl Made {
    /// Gives it up, and the room that it takes.
    pub(super) fn discard(self) {
        self.whole.discard();
    }
}

/// Writes the rows of the CSV `from`, which has `len` bytes, in `form`, to stand at `path`. When it comes
/// back all of it is on disk, under another name.
///
/// # Errors
/// If either file cannot be used; what was written is removed.
pub(super) fn make(
    from: &Path,
    len: u64,
    path: &Path,
    form: Form,
    about: About<'_>,
) -> Result<Made, ReportError> {
    let written = |source| ReportError::Io { what: "write", path: path.to_owned(), source };
    let read = |source| ReportError::Io { what: "read back", path: from.to_owned(), source };
    let rows = Behind::new(Arc::new(File::open(from).map_err(read)?), len);
    let fresh = Fresh::published(path).map_err(written)?;
    let mut out = Hashed { fresh, sum: Sum::strong() };
    let passed = match form.layout {
        Layout::Csv => copied(rows, &mut out, form),
        Layout::Jsonl => lines(rows, &mut out, form),
        Layout::Parquet => table(rows, &mut out, about),
    };
    match passed {
        Ok(()) => {}
        Err(fault) => {
            out.fresh.discard();
            return Err(match fault {
                Fault::Read(source) => read(source),
                Fault::Written(source) => written(source),
            });
        }
    }
    let durable = out.sum.durable();
    let whole = out.fresh.whole().map_err(written)?;
    Ok(Made { path: path.to_owned(), durable, whole })
}

/// Removes what an earlier session of a run has `made` beside its report at `path` in forms that are not among
/// `also` any more, and what it left half made in them.
///
/// # Errors
/// If a file cannot be removed.
pub(super) fn drop_unwanted(path: &Path, made: &[FinishedFile], also: &[Form]) -> Result<(), ReportError> {
    let mut dropped = false;
    for form in Form::ALL.into_iter().filter(|form| !also.contains(form)) {
        let file = Form::beside(path, form.ending());
        let was_made = made.iter().any(|made| made.path == file && made.whole.is_file(&file));
        let half = Fresh::under(&file);
        let unwanted = [half.is_file().then_some(half), (file != path && was_made).then_some(file)];
        for file in unwanted.into_iter().flatten() {
            let removed = std::fs::remove_file(&file);
            removed.map_err(|source| ReportError::Io {
                what: "remove another form of",
                path: file,
                source,
            })?;
            dropped = true;
        }
    }
    let synced = if dropped { sync_folder_of(path) } else { Ok(()) };
    synced.map_err(|source| ReportError::Io { what: "sync the folder of", path: path.to_owned(), source })
}

/// Which side of the pass failed.
enum Fault {
    Read(io::Error),
    Written(io::Error),
}

/// A file being written, and the sum of what was.
struct Hashed {
    fresh: Fresh,
    sum: Sum,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.fresh.write(bytes)?;
        self.sum.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.fresh.flush()
    }
}

/// The CSV itself, packed.
fn copied(mut rows: Behind, out: &mut Hashed, form: Form) -> Result<(), Fault> {
    let mut packer = Packer::new(out, form.packing).map_err(Fault::Written)?;
    let mut piece = vec![0; PIECE];
    loop {
        match rows.read(&mut piece).map_err(Fault::Read)? {
            0 => break,
            count => packer.write_all(&piece[..count]).map_err(Fault::Written)?,
        }
    }
    rows.ended().map_err(Fault::Read)?;
    packer.finish().map_err(Fault::Written)
}

fn lines(rows: Behind, out: &mut Hashed, form: Form) -> Result<(), Fault> {
    let mut packer = Packer::new(out, form.packing).map_err(Fault::Written)?;
    let mut lines = Lines::default();
    each(rows, |row| {
        lines.push(row)?;
        if lines.text().len() >= PIECE {
            packer.write_all(lines.text())?;
            lines.clear();
        }
        Ok(())
    })?;
    packer.write_all(lines.text()).and_then(|()| packer.finish()).map_err(Fault::Written)
}

fn table(rows: Behind, out: &mut Hashed, about: About<'_>) -> Result<(), Fault> {
    let mut table = Table::begin(out, about).map_err(Fault::Written)?;
    each(rows, |row| table.push(row))?;
    table.finish().map_err(Fault::Written)
}

/// Hands each row behind the header to `take`.
fn each(rows: Behind, mut take: impl FnMut(&ByteRecord) -> io::Result<()>) -> Result<(), Fault> {
    let mut reader = csv::ReaderBuilder::new().buffer_capacity(PIECE).from_reader(rows);
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| Fault::Read(error.into()))? {
        take(&record).map_err(Fault::Written)?;
    }
    reader.get_ref().ended().map_err(Fault::Read)
}

#[cfg(test)]
mod tests;
