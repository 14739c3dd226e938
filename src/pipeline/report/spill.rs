//! The file in which rows wait for their turn.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::durable::{Durable, Sum};
use super::{ReportError, cache};
use crate::pipeline::checkpoint::{CommitPoint, pass};

/// Bytes moved at a time.
const PIECE: usize = 1 << 20;

/// A stretch of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Offset of its first byte.
    pub start: u64,
    /// Its length in bytes.
    pub len: u64,
}

impl Extent {
    /// Offset behind its last byte.
    #[must_use]
    pub const fn end(self) -> u64 {
        self.start + self.len
    }
}

/// Rows set aside. Grows only; it is emptied when nothing waits in it any more.
#[derive(Debug)]
pub struct Spill {
    file: File,
    path: PathBuf,
    /// Of everything in the file.
    sum: Sum,
    /// Whether bytes were added since the last [`Spill::sync`].
    dirty: bool,
    /// What is still to be read back.
    unread: Option<Durable>,
}

impl Spill {
    /// The file at `path`, of which an earlier session left the `durable` part: [`Spill::read_back`]
    /// must be called before rows are added, unless it is empty.
    ///
    /// # Errors
    /// If it cannot be opened, or is shorter than that.
    pub fn open(path: &Path, durable: &Durable) -> Result<Self, ReportError> {
        let io = |what| move |source| ReportError::Io { what, path: path.to_owned(), source };
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // It names a customer's keys.
            options.mode(0o600);
        }
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(io("open rows set aside for"))?;
        durable.fits(&file, path)?;
        let unread = Some(durable.clone());
        let mut spill = Self { file, path: path.to_owned(), sum: Sum::quick(), dirty: false, unread };
        if durable.len == 0 {
            spill.read_back()?;
        }
        Ok(spill)
    }

    /// Reads what an earlier session left, if that has not been done, and cuts the file back to it.
    ///
    /// # Errors
    /// If it is not as it was, or cannot be cut.
    pub fn read_back(&mut self) -> Result<(), ReportError> {
        let Some(durable) = self.unread.take() else { return Ok(()) };
        self.sum = durable.of_file(&mut self.file, &self.path)?;
        let cut = self.file.set_len(durable.len);
        cut.map_err(|source| self.failed("cut back rows set aside for", source))
    }

    /// Adds rows and says where they lie.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put(&mut self, rows: &[u8]) -> Result<Extent, ReportError> {
        let extent = Extent { start: self.sum.len(), len: rows.len() as u64 };
        let written = self.file.seek(SeekFrom::Start(extent.start)).and_then(|_| self.file.write_all(rows));
        written.map_err(|source| self.failed("set rows aside for", source))?;
        self.sum.update(rows);
        self.dirty = true;
        Ok(extent)
    }

    /// Hands the rows of `extent` to `into`, piece by piece.
    ///
    /// # Errors
    /// If the file cannot be read, or `into` fails.
    pub fn take(
        &mut self,
        extent: Extent,
        mut into: impl FnMut(&[u8]) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        self.file
            .seek(SeekFrom::Start(extent.start))
            .map_err(|source| self.failed("read rows set aside for", source))?;
        let mut left = extent.len;
        let mut piece = vec![0; PIECE.min(usize::try_from(left).unwrap_or(PIECE))];
        while left > 0 {
            let size = piece.len().min(usize::try_from(left).unwrap_or(PIECE));
            self.file
                .read_exact(&mut piece[..size])
                .map_err(|source| self.failed("read rows set aside for", source))?;
            into(&piece[..size])?;
            cache::let_go(&self.file, extent.end() - left, size as u64);
            left -= size as u64;
        }
        Ok(())
    }

    /// Hands all rows to the disk and returns what is safe there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&mut self) -> Result<Durable, ReportError> {
        if self.dirty {
            self.file.sync_data().map_err(|source| self.failed("sync rows set aside for", source))?;
            self.dirty = false;
        }
        pass(CommitPoint::AsideSynced);
        Ok(self.sum.durable())
    }

    /// Gives the space back. Only when no mark counts on the rows any more.
    ///
    /// # Errors
    /// If the file cannot be cut.
    pub fn clear(&mut self) -> Result<(), ReportError> {
        if self.sum.len() > 0 {
            self.file.set_len(0).map_err(|source| self.failed("clear rows set aside for", source))?;
            self.sum = Sum::quick();
            pass(CommitPoint::AsideCleared);
        }
        Ok(())
    }

    fn failed(&self, what: &'static str, source: io::Error) -> ReportError {
        ReportError::Io { what, path: self.path.clone(), source }
    }
}
