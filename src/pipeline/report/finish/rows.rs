//! The rows on disk, read once and not kept in the machine's memory.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use super::super::{Again, cache};

/// The first bytes of a file, up to a length.
pub(super) struct Behind {
    file: Arc<File>,
    inner: io::Take<Again>,
    at: u64,
}

impl Behind {
    pub(super) fn new(file: Arc<File>, len: u64) -> Self {
        Self { inner: Again::from_start(Arc::clone(&file)).take(len), file, at: 0 }
    }

    /// Whether all of it was there.
    pub(super) fn ended(&self) -> io::Result<()> {
        match self.inner.limit() {
            0 => Ok(()),
            missing => {
                let what = format!("{missing} bytes are missing at its end");
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
            }
        }
    }
}

impl Read for Behind {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        cache::let_go(&self.file, self.at, count as u64);
        self.at += count as u64;
        Ok(count)
    }
}
