//! Rows that were written, on their way to the disk: whoever writes goes on meanwhile.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::durable::Durable;
use super::{ReportError, cache};
use crate::pipeline::checkpoint::{CommitPoint, pass};

/// All that was written to a file up to a moment, of which some may not be on disk yet. What is written from
/// then on changes nothing of it.
#[derive(Debug)]
#[must_use = "nothing is on disk before it is synced"]
pub struct Unsynced {
    /// None if all of it is on disk, or never will be.
    pub(super) file: Option<Arc<File>>,
    /// As errors call it.
    pub(super) path: PathBuf,
    /// What cannot be done to it, as errors say it.
    pub(super) what: &'static str,
    /// What is safe when it is synced.
    pub(super) durable: Durable,
    /// From where on it need not be in memory any more, when it is on disk; none if it is read again soon.
    pub(super) let_go: Option<u64>,
    /// What is passed then.
    pub(super) point: CommitPoint,
}

impl Unsynced {
    /// What is safe when it is synced.
    #[must_use]
    pub const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// Hands it to the disk and returns what is safe there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(self) -> Result<Durable, ReportError> {
        let Self { file, path, what, durable, let_go, point } = self;
        if let Some(file) = file {
            file.sync_data().map_err(|source: io::Error| ReportError::Io { what, path, source })?;
            if let Some(start) = let_go {
                cache::let_go(&file, start, durable.len - start);
            }
        }
        pass(point);
        Ok(durable)
    }
}
