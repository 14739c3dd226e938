//! Where rows go: a file that grows under a `.partial` name, or stdout.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::durable::{Durable, Sum};
use super::{cache, csv};
use crate::pipeline::checkpoint::{CommitPoint, pass, sync_folder_of};

/// Rows that may wait in memory before the system is told to begin to write them, in bytes. On a slow disk
/// a sync would otherwise find all of them, and keep the run waiting.
const WRITE_BEHIND: u64 = 8 << 20;

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
    /// The file is not the one that the checkpoint was written over.
    #[error(
        "the first {marked} bytes of the unfinished report `{path}` are not those that the checkpoint counts"
    )]
    Edited {
        /// Which file.
        path: PathBuf,
        /// How many bytes were compared.
        marked: u64,
    },
    /// Another run, of another job, writes to the same file.
    #[error("another run is writing the report `{path}`")]
    Busy {
        /// Which file.
        path: PathBuf,
    },
}

fn held(found: Option<u64>) -> String {
    found.map_or_else(|| "is gone".to_owned(), |found| format!("holds only {found} bytes"))
}

/// Takes the lock of a report, which goes with the file: two jobs may name the same one.
fn alone(file: &File, path: &Path) -> Result<(), ReportError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(ReportError::Busy { path: path.to_owned() }),
        // Not every file system has locks, and none is needed by who names his reports apart.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
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
    /// Of everything in it, what earlier sessions wrote included.
    sum: Sum,
    /// The final name; `None` for a stream.
    path: Option<PathBuf>,
    /// What is still to be read back.
    unread: Option<Durable>,
    /// How much of it need not be in memory any more.
    let_go: u64,
    /// How much of it the system was told to begin to write.
    begun: u64,
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
    /// If the file cannot be made or written, or another run writes it.
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let partial = Self::partial_path(path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&partial).map_err(io("create"))?;
        alone(&file, &partial)?;
        file.set_len(0).map_err(io("create"))?;
        sync_folder_of(&partial).map_err(io("sync the folder of"))?;
        let report = Self::over(Out::File(file), Some(path.to_owned()), Sum::strong()).with_header()?;
        pass(CommitPoint::ReportMade);
        Ok(report)
    }

    /// Puts the partial report of a run that is not gone on with out of the way, under a name that
    /// tells `run_id`. Returns that name; `None` if there is no such report. Once done, it stays so.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn keep_partial(path: &Path, run_id: &str) -> Result<Option<PathBuf>, ReportError> {
        let partial = Self::partial_path(path);
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{run_id}.partial"));
        let kept = PathBuf::from(name);
        let moved = std::fs::rename(&partial, &kept).and_then(|()| sync_folder_of(&kept));
        match moved {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ReportError::Io { what: "put aside", path: partial, source }),
        }
        pass(CommitPoint::LapsedReportKept);
        Ok(kept.exists().then_some(kept))
    }

    /// Goes on with the unfinished report of an earlier session. What it holds is read back by
    /// [`Report::read_back`], which takes its time for a large one, and must be called before rows are
    /// written; but a `sealed` one, which may have got its final name already, at once.
    ///
    /// # Errors
    /// If the file is gone or shorter than its durable part, or is sealed and not as it was.
    pub fn resume(path: &Path, durable: &Durable, sealed: bool) -> Result<Self, ReportError> {
        let partial = Self::partial_path(path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
        let (opened, named) = match open(&partial) {
            // Killed between naming the report and saying that the run is finished. Another run's
            // report of the same name may stand there as well: the checksum tells.
            Err(e) if e.kind() == io::ErrorKind::NotFound && sealed => (open(path), true),
            opened => (opened, false),
        };
        let mut file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                ReportError::Shortened { path: partial.clone(), found: None, marked: durable.len }
            }
            _ => ReportError::Io { what: "reopen", path: partial.clone(), source },
        })?;
        alone(&file, &partial)?;
        if named {
            durable.of_file(&mut file, path)?;
            std::fs::rename(path, &partial).map_err(io("reopen"))?;
        }
        durable.fits(&file, &partial)?;
        let mut report = Self::over(Out::File(file), Some(path.to_owned()), Sum::strong());
        report.unread = Some(durable.clone());
        if sealed {
            report.read_back()?;
        }
        Ok(report)
    }

    /// Reads what an earlier session left, if that has not been done, and cuts the file back to it.
    ///
    /// # Errors
    /// If it is not as it was, or cannot be cut.
    pub fn read_back(&mut self) -> Result<(), ReportError> {
        let (Some(durable), Some(path), Out::File(file)) = (self.unread.take(), &self.path, &mut self.out)
        else {
            return Ok(());
        };
        let partial = Self::partial_path(path);
        self.sum = durable.of_file(file, &partial)?;
        file.set_len(durable.len).map_err(|source| ReportError::Io {
            what: "cut back",
            path: partial,
            source,
        })?;
        pass(CommitPoint::ReportCutBack);
        Ok(())
    }

    /// A report to a stream, which can be neither resumed nor synced.
    ///
    /// # Errors
    /// If the header cannot be written.
    pub fn stream(out: Box<dyn Write + Send + Sync>) -> Result<Self, ReportError> {
        Self::over(Out::Stream(out), None, Sum::strong()).with_header()
    }

    fn over(out: Out, path: Option<PathBuf>, sum: Sum) -> Self {
        Self { out, sum, path, unread: None, let_go: 0, begun: 0 }
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
        let waits = self.sum.len() - self.begun.min(self.sum.len());
        if let Out::File(file) = &self.out
            && waits >= WRITE_BEHIND
        {
            cache::begin_to_write(file, self.begun, waits);
            self.begun = self.sum.len();
        }
        Ok(())
    }

    /// Hands all rows to the disk and returns what is safe there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&mut self) -> Result<Durable, ReportError> {
        match &mut self.out {
            Out::File(file) => file.sync_data(),
            Out::Stream(out) => out.flush(),
        }
        .map_err(|e| self.failed("sync", e))?;
        if let Out::File(file) = &self.out {
            cache::let_go(file, self.let_go, self.sum.len() - self.let_go);
            self.let_go = self.sum.len();
            self.begun = self.sum.len();
        }
        pass(CommitPoint::RowsSynced);
        Ok(self.sum.durable())
    }

    /// Gives the report, which must be synced, its final name.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn name(self) -> Result<(), ReportError> {
        let Some(path) = self.path else {
            return Ok(());
        };
        let partial = Self::partial_path(&path);
        let named = std::fs::rename(&partial, &path);
        named.map_err(|source| ReportError::Io { what: "rename", path: partial, source })?;
        sync_folder_of(&path).map_err(|source| ReportError::Io {
            what: "sync the folder of",
            path,
            source,
        })?;
        pass(CommitPoint::ReportNamed);
        Ok(())
    }
}
