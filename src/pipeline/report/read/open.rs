//! From a file to its rows' bytes: which form it has, and what unpacks it.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::ReadError;
use crate::model::{Form, Layout, Packing};

/// A row of more bytes than this is none; a quote that is never closed makes such rows, and so does a
/// file that unpacks without end.
pub(super) const MAX_ROW: usize = 1 << 20;
/// Most memory that unpacking may ask for, as a power of two: 128 MiB. What `zstd` writes without
/// `--ultra` or `--long` takes no more than 8 MiB.
const MAX_WINDOW_LOG: u32 = 27;

/// What begins a file of a kind. Sources: RFC 1952, RFC 8878 and the Parquet format's page, read 2026-11.
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const PARQUET: &[u8] = b"PAR1";

/// A file read from its beginning, whoever else reads it.
#[derive(Clone, Debug)]
pub(in crate::pipeline) struct Again {
    pub(super) file: Arc<File>,
    pub(super) at: u64,
}

impl Again {
    /// `file` from its first byte on.
    pub(in crate::pipeline) const fn from_start(file: Arc<File>) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let count = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.at)?;
        #[cfg(windows)]
        let count = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// Something that bytes come from.
pub(super) type Source = Box<dyn Read + Send>;

/// Bytes of rows, unpacked, and how they are laid out.
pub(super) struct Opened {
    pub(super) layout: Layout,
    pub(super) packing: Packing,
    pub(super) source: Source,
}

/// Finds out which form `source`, which is called `path`, has: the name tells it, and what begins the
/// file where the name does not. Of Parquet nothing but the form is found out.
pub(super) fn open(path: &Path, mut source: Source) -> Result<Opened, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let named = Form::of_path(path);
    let head = head(&mut source, ZSTD.len()).map_err(io)?;
    let packing = match () {
        () if head.starts_with(GZIP) => Packing::Gzip,
        () if head.starts_with(ZSTD) => Packing::Zstd,
        () => Packing::Plain,
    };
    let is_parquet = head.starts_with(PARQUET);
    let contradicts = |form: Form| match (form.layout, form.packing) {
        (Layout::Parquet, _) => !is_parquet,
        (_, Packing::Plain) => false,
        (_, named) => named != packing,
    };
    if let Some(form) = named.filter(|form| contradicts(*form)) {
        let what = if head.is_empty() { "is empty" } else { "does not begin as its name says" };
        return Err(ReadError::damaged(path, format!("{what}: a .{form} file was expected")));
    }
    let source: Source = Box::new(Cursor::new(head).chain(source));
    if is_parquet {
        return Ok(Opened { layout: Layout::Parquet, packing, source });
    }
    let mut source: Source = match packing {
        Packing::Plain => source,
        Packing::Gzip => Box::new(MultiGzDecoder::new(BufReader::new(source))),
        Packing::Zstd => {
            let mut unpacked = zstd::stream::read::Decoder::new(source).map_err(io)?;
            unpacked.window_log_max(MAX_WINDOW_LOG).map_err(io)?;
            Box::new(unpacked)
        }
    };
    let named = named.map(|form| form.layout).filter(|layout| *layout != Layout::Parquet);
    let layout = if let Some(layout) = named {
        layout
    } else {
        let first = self::head(&mut source, 1).map_err(|error| broken(path, packing, 1, error))?;
        let layout = if first == b"{" { Layout::Jsonl } else { Layout::Csv };
        source = Box::new(Cursor::new(first).chain(source));
        layout
    };
    Ok(Opened { layout, packing, source })
}

/// The first `most` bytes of `source`, or what there is of them.
fn head(source: &mut Source, most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// What `error`, met while a file was read, says of it. What unpacks tells of damage in the same words
/// in which a disk tells of itself; the kind tells them apart. The place is a line that was whole.
pub(super) fn broken(path: &Path, packing: Packing, line: u64, error: io::Error) -> ReadError {
    let form = match packing {
        Packing::Plain => return ReadError::Io { path: path.to_owned(), source: error },
        Packing::Gzip => "gzip",
        Packing::Zstd => "zstd",
    };
    // The system's own errors have a number.
    if error.raw_os_error().is_some() {
        return ReadError::Io { path: path.to_owned(), source: error };
    }
    let what = if error.kind() == io::ErrorKind::UnexpectedEof { "is cut short" } else { "is damaged" };
    ReadError::damaged(
        path,
        format!("{what}: its {form} data cannot be unpacked behind line {line} ({error})"),
    )
}

/// Counts what is read of one row, and refuses one that is too long; knows the last byte.
pub(super) struct Bounded {
    inner: Source,
    pub(super) row: usize,
    pub(super) last: Option<u8>,
}

impl Bounded {
    pub(super) const fn new(inner: Source) -> Self {
        Self { inner, row: 0, last: None }
    }
}

/// What is told of a row without end.
#[derive(Debug, thiserror::Error)]
#[error("a row has more than a million bytes: look for a quote that is not closed")]
pub(super) struct TooLong;

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row > MAX_ROW {
            return Err(io::Error::new(io::ErrorKind::InvalidData, TooLong));
        }
        let count = self.inner.read(buffer)?;
        self.row += count;
        self.last = count.checked_sub(1).map(|at| buffer[at]).or(self.last);
        Ok(count)
    }
}
