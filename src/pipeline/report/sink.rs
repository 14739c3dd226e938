//! Where rows go: a file that grows under a `.partial` name, or stdout.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beside::Beside;
use super::durable::{Durable, Sum};
use super::earlier::{self, Earlier};
use super::finish::{self, About, Made};
use super::unsynced::Unsynced;
use super::{cache, csv};
use crate::model::{Form, Spare};
use crate::pipeline::checkpoint::{CommitPoint, FinishedFile, pass, sync_folder_of};

/// Rows that may wait in memory before the system is told to begin to write them, in bytes. On a slow disk
/// a sync would otherwise find all of them, and a commit take as long.
const WRITE_BEHIND: u64 = 8 << 20;

/// Buffers kept for rows to come: after a burst of pages as many come back at once.
const SPARE: usize = 12;
/// Larger ones are not kept: a thousand rows with keys of usual length take half of it.
const LARGEST_SPARE: usize = 512 << 10;

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

/// The name of a report that grows, as errors tell it.
fn growing(path: Option<&Path>) -> PathBuf {
    path.map_or_else(|| PathBuf::from("-"), Report::partial_path)
}

/// The sum of the report at `path`, gone on with from `sum`.
fn summed(sum: Sum, spare: Arc<Spare>, path: Option<&Path>) -> Result<Beside, ReportError> {
    Beside::start(sum, spare).map_err(|source| ReportError::Io {
        what: "sum up",
        path: growing(path),
        source,
    })
}

enum Out {
    File(Arc<File>),
    Stream(Box<dyn Write + Send + Sync>),
    /// Nothing more: the finished files stand, and these were the rows of which they were made.
    Done(Durable, Vec<FinishedFile>),
}

impl Write for Out {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buf),
            Self::Stream(out) => out.write(buf),
            Self::Done(..) => Err(io::Error::other("the report is finished")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stream(out) => out.flush(),
            Self::Done(..) => Ok(()),
        }
    }
}

/// A report being written.
pub struct Report {
    out: Out,
    /// Of everything in it, what earlier sessions wrote included.
    sum: Beside,
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
    /// The name that the report at `path` carries while its run is unfinished; it is plain CSV then,
    /// whatever form it will have.
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
        let report = Self::over(Out::File(Arc::new(file)), Some(path.to_owned()))?.with_header()?;
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
    /// written; but a `sealed` one, which may have got its final name already, at once. Where a sealed one
    /// stands in another form, `made` says which files that took, the report first.
    ///
    /// # Errors
    /// If the file is gone or shorter than its durable part, or is sealed and not as it was.
    pub fn resume(
        path: &Path,
        durable: &Durable,
        sealed: bool,
        made: &[FinishedFile],
    ) -> Result<Self, ReportError> {
        let partial = Self::partial_path(path);
        let io = |what| {
            let path = partial.clone();
            move |source| ReportError::Io { what, path, source }
        };
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
        if let Some(report) = made.first().filter(|file| sealed && file.path == path && !partial.exists()) {
            // Killed behind the moment at which the finished files took the place of their rows.
            let file = File::open(path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => {
                    ReportError::Shortened { path: path.to_owned(), found: None, marked: report.whole.len }
                }
                _ => ReportError::Io { what: "reopen", path: path.to_owned(), source },
            })?;
            report.whole.of_file(&file, path)?;
            return Self::over(Out::Done(durable.clone(), made.to_vec()), Some(path.to_owned()));
        }
        let (opened, named) = match open(&partial) {
            // Killed between naming the report and saying that the run is finished. Another run's
            // report of the same name may stand there as well: the checksum tells.
            Err(e) if e.kind() == io::ErrorKind::NotFound && sealed => (open(path), true),
            opened => (opened, false),
        };
        let file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => {
                ReportError::Shortened { path: partial.clone(), found: None, marked: durable.len }
            }
            _ => ReportError::Io { what: "reopen", path: partial.clone(), source },
        })?;
        alone(&file, &partial)?;
        if named {
            durable.of_file(&file, path)?;
            std::fs::rename(path, &partial).map_err(io("reopen"))?;
        }
        durable.fits(&file, &partial)?;
        let mut report = Self::over(Out::File(Arc::new(file)), Some(path.to_owned()))?;
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
        let spare = Arc::clone(self.sum.spare());
        self.sum = summed(durable.of_file(file, &partial)?, spare, Some(path))?;
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
        Self::over(Out::Stream(out), None)?.with_header()
    }

    fn over(out: Out, path: Option<PathBuf>) -> Result<Self, ReportError> {
        let spare = Arc::new(Spare::new(SPARE, LARGEST_SPARE));
        let sum = summed(Sum::strong(), spare, path.as_deref())?;
        Ok(Self { out, sum, path, unread: None, let_go: 0, begun: 0 })
    }

    fn with_header(mut self) -> Result<Self, ReportError> {
        let header = csv::header()?;
        self.append(header)?;
        Ok(self)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> ReportError {
        ReportError::Io { what, path: growing(self.path.as_deref()), source }
    }

    /// Where the finished report will stand; `None` for a stream.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Buffers for rows; they come back to it when [`Report::append`] is done with them.
    #[must_use]
    pub fn spare(&self) -> Arc<Spare> {
        Arc::clone(self.sum.spare())
    }

    /// Writes rows. They are durable when what is [`Report::unsynced`] next is synced.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, rows: Vec<u8>) -> Result<(), ReportError> {
        self.out.write_all(&rows).map_err(|e| self.failed("write", e))?;
        self.sum.update(rows).map_err(|e| self.failed("sum up", e))?;
        let waits = self.sum.len() - self.begun.min(self.sum.len());
        if let Out::File(file) = &self.out
            && waits >= WRITE_BEHIND
        {
            cache::begin_to_write(file, self.begun, waits);
            self.begun = self.sum.len();
        }
        Ok(())
    }

    /// All rows so far, on their way to the disk. Those of a stream are on their way out with this.
    ///
    /// # Errors
    /// If the stream cannot be written.
    pub fn unsynced(&mut self) -> Result<Unsynced, ReportError> {
        let file = match &mut self.out {
            Out::File(file) => Some(Arc::clone(file)),
            Out::Stream(out) => out.flush().map(|()| None).map_err(|e| self.failed("sync", e))?,
            Out::Done(..) => None,
        };
        let durable = match &self.out {
            Out::Done(rows, _) => rows.clone(),
            Out::File(_) | Out::Stream(_) => self.sum.durable().map_err(|e| self.failed("sum up", e))?,
        };
        let let_go = Some(self.let_go.min(durable.len));
        (self.let_go, self.begun) = (durable.len, durable.len);
        let path = growing(self.path.as_deref());
        Ok(Unsynced { file, path, what: "sync", durable, let_go, point: CommitPoint::RowsSynced })
    }

    /// Hands all rows to the disk and returns what is safe there.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sync(&mut self) -> Result<Durable, ReportError> {
        self.unsynced()?.sync()
    }

    /// Makes, of the report, which must be synced, the file in the form that its name asks for, if that is
    /// not plain CSV, and others beside it in the forms `also`. When it comes back they are on disk under
    /// other names. Done twice, it makes the same bytes; broken off, it leaves what it began with.
    ///
    /// # Errors
    /// If a file cannot be read back or written.
    pub fn make(&self, also: &[Form], about: About<'_>) -> Result<Finished, ReportError> {
        let (Some(path), Out::File(_)) = (&self.path, &self.out) else {
            return Ok(Finished { made: Vec::new(), replaces: false });
        };
        let (rows, len) = (Self::partial_path(path), self.sum.len());
        let form = Form::of_path(path).unwrap_or(Form::CSV);
        let own = (form != Form::CSV).then(|| (path.clone(), form));
        let others = also.iter().map(|form| (Form::beside(path, form.ending()), *form));
        let wanted = own.into_iter().chain(others);
        let mut made = Vec::new();
        for (path, form) in wanted {
            match finish::make(&rows, len, &path, form, about) {
                Ok(file) => made.push(file),
                Err(error) => {
                    // They are made anew with the others, and a full disk needs the room.
                    made.into_iter().for_each(Made::discard);
                    return Err(error);
                }
            }
        }
        Ok(Finished { made, replaces: form != Form::CSV })
    }

    /// Removes files that an earlier session of the run has `made` in forms that are not among `also` any more.
    /// Once the rows of which they were made are gone, they stay as they are.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn drop_unwanted(&self, made: &[FinishedFile], also: &[Form]) -> Result<(), ReportError> {
        match (&self.path, &self.out) {
            (Some(path), Out::File(_)) => finish::drop_unwanted(path, made, also),
            _ => Ok(()),
        }
    }

    /// Makes room for the report of the run `run_id` (none for what is no run) and the files that were made of
    /// it, before they get their names: see the module `earlier`. Returns what became of a report that stood there;
    /// `keep` tells what is to.
    ///
    /// # Errors
    /// If it cannot be kept.
    pub fn make_room(
        &self,
        finished: &Finished,
        run_id: Option<&str>,
        keep: bool,
    ) -> Result<Option<Earlier>, ReportError> {
        match (&self.path, &self.out) {
            (Some(path), Out::File(_)) => earlier::make_room(path, &finished.files(), run_id, keep),
            _ => Ok(None),
        }
    }

    /// Gives the report, which must be synced, its final name, and so the files that were made of it.
    /// Returns those that stand then, the report itself first; none for a stream.
    ///
    /// # Errors
    /// If one cannot be renamed.
    pub fn name(self, finished: Finished) -> Result<Vec<FinishedFile>, ReportError> {
        let Some(path) = self.path else {
            return Ok(Vec::new());
        };
        if let Out::Done(_, made) = self.out {
            return Ok(made);
        }
        let partial = Self::partial_path(&path);
        let (mut named, replaces) = (finished.files(), finished.replaces);
        for Made { path, whole, .. } in finished.made {
            whole.publish().map_err(|source| ReportError::Io { what: "rename", path, source })?;
        }
        if replaces {
            pass(CommitPoint::ReportNamed);
            let removed = std::fs::remove_file(&partial).and_then(|()| sync_folder_of(&path));
            removed.map_err(|source| ReportError::Io {
                what: "remove the rows of",
                path: partial,
                source,
            })?;
            pass(CommitPoint::RowsRemoved);
            return Ok(named);
        }
        let whole = self.sum.durable().map_err(|source| ReportError::Io {
            what: "sum up",
            path: partial.clone(),
            source,
        })?;
        std::fs::rename(&partial, &path).map_err(|source| ReportError::Io {
            what: "rename",
            path: partial,
            source,
        })?;
        sync_folder_of(&path).map_err(|source| ReportError::Io {
            what: "sync the folder of",
            path: path.clone(),
            source,
        })?;
        pass(CommitPoint::ReportNamed);
        named.insert(0, FinishedFile { path, whole });
        Ok(named)
    }
}

/// Files that are finished, and do not have their names yet.
#[derive(Debug)]
pub struct Finished {
    made: Vec<Made>,
    replaces: bool,
}

impl Finished {
    /// Whether the report itself is among them, so that the rows of which they were made will go.
    #[must_use]
    pub const fn replaces(&self) -> bool {
        self.replaces
    }

    /// Which files will stand, apart from a report that stays plain CSV.
    #[must_use]
    pub fn files(&self) -> Vec<FinishedFile> {
        let file = |made: &Made| FinishedFile { path: made.path.clone(), whole: made.durable.clone() };
        self.made.iter().map(file).collect()
    }
}
