//! Where rows go: a file that grows under a `.partial` name, or stdout.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::csv;
use crate::model::hex;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system said no.
    #[error("cannot {what} the report `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
    /// The file is shorter than the checkpoint says it was.
    #[error("the unfinished report `{path}` {}; the checkpoint counts {marked} bytes in it", held(*.found))]
    Shortened {
        /// Which file.
        path: PathBuf,
        /// Its length; `None` if it is gone.
        found: Option<u64>,
        /// The length that was durable when the checkpoint was written.
        marked: u64,
    },
}

fn held(found: Option<u64>) -> String {
    found.map_or_else(|| "is gone".to_owned(), |found| format!("holds only {found} bytes"))
}

enum Out {
    File(File),
    Stream(Box<dyn Write + Send + Sync>),
}

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buf),
            Self::Stream(out) => out.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(out) => out.flush(),
        }
    }
}

/// A report being written.
pub struct Report {
    out: Out,
    /// Of what this run wrote.
    sum: Sha256,
    /// Bytes that this run wrote.
    written: u64,
    /// The final name; `None` for a stream.
    path: Option<PathBuf>,
    /// Bytes that an earlier run wrote.
    resumed_from: u64,
}

impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Report {
    /// The name that the CSV at `path` carries while its run is unfinished.
    #[must_use]
    pub fn partial_path(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        PathBuf::from(name)
    }

    /// A new report, to stand at `path` when finished. Its folder must be there.
    ///
    /// # Errors
    /// If the file cannot be made or written.
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let partial = Self::partial_path(path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        let file = File::create(&partial).map_err(io("create"))?;
        Self::over(Out::File(file), Some(path.to_owned()), 0).with_header()
    }

    /// Goes on with the unfinished report of an earlier run, cut back to its durable length.
    ///
    /// # Errors
    /// If the file is gone, shorter than `durable`, or cannot be written.
    pub fn resume(path: &Path, durable: u64) -> Result<Self, ReportError> {
        let partial = Self::partial_path(path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        if !partial.exists() && std::fs::metadata(path).is_ok_and(|m| m.len() == durable) {
            // The earlier run was killed between naming the report and marking itself finished.
            std::fs::rename(path, &partial).map_err(io("reopen"))?;
        }
        let mut file = OpenOptions::new().write(true).open(&partial).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                return ReportError::Shortened { path: partial.clone(), found: None, marked: durable };
            }
            ReportError::Io { what: "reopen", path: partial.clone(), source }
        })?;
        let found = file.metadata().map_err(io("look at"))?.len();
        if found < durable {
            return Err(ReportError::Shortened { path: partial, found: Some(found), marked: durable });
        }
        file.set_len(durable).map_err(io("cut back"))?;
        file.seek(SeekFrom::End(0)).map_err(io("reopen"))?;
        Ok(Self::over(Out::File(file), Some(path.to_owned()), durable))
    }

    /// A report to a stream, which can be neither resumed nor synced.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn stream(out: Box<dyn Write + Send + Sync>) -> Result<Self, ReportError> {
        Self::over(Out::Stream(out), None, 0).with_header()
    }

    fn over(out: Out, path: Option<PathBuf>, resumed_from: u64) -> Self {
        Self { out, sum: Sha256::new(), written: 0, path, resumed_from }
    }

    fn with_header(mut self) -> Result<Self, ReportError> {
        let header = csv::header()?;
        self.append(&header)?;
        Ok(self)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> ReportError {
        let path = self.path.as_deref().map_or_else(|| PathBuf::from("-"), Self::partial_path);
        ReportError::Io { what, path, source }
    }

    /// Where the finished report will stand; `None` for a stream.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Writes rows. They are durable after the next [`Report::sync`].
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, rows: &[u8]) -> Result<(), ReportError> {
        self.out.write_all(rows).map_err(|e| self.failed("write", e))?;
        self.sum.update(rows);
        self.written += rows.len() as u64;
        Ok(())
    }

    /// Hands all rows to the disk and returns the length that is safe there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&mut self) -> Result<u64, ReportError> {
        match &mut self.out {
            Out::File(file) => file.sync_data(),
            Out::Stream(out) => out.flush(),
        }
        .map_err(|e| self.failed("sync", e))?;
        Ok(self.resumed_from + self.written)
    }

    /// Gives the finished report its name and returns its SHA-256, lower-case hex.
    ///
    /// # Errors
    /// If the file cannot be synced, read back or renamed.
    pub fn finish(mut self) -> Result<String, ReportError> {
        self.sync()?;
        let Some(path) = self.path.clone() else {
            return Ok(hex(&self.sum.clone().finalize()));
        };
        let partial = Self::partial_path(&path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        let sum = if self.resumed_from == 0 {
            hex(&self.sum.clone().finalize())
        } else {
            // The earlier run's bytes passed through another process.
            hash_file(&partial).map_err(io("read back"))?
        };
        std::fs::rename(&partial, &path).map_err(io("rename"))?;
        super::super::checkpoint::sync_folder_of(&path).map_err(io("sync the folder of"))?;
        Ok(sum)
    }
}

fn hash_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sum.finalize())),
            n => sum.update(&buffer[..n]),
        }
    }
}
