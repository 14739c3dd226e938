//! The folder that a job keeps its state in: lock, mark, journal, rows set aside, hints.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::fault::CheckpointError;
use super::files;
use super::journal::Journal;
use super::last::Remembered;
use super::line::Recorded;
use super::live::{self, LIVE, LiveFile};
use super::lock::{self, Lock};
use super::mark::{MAX_MARK, Mark, copy_until};
use super::point::{CommitPoint, pass};
use crate::model::{Clock, Expected, Live, hex, unhex};
use crate::pipeline::act::LastRun;
use crate::pipeline::report::{Durable, ReportError, Spill};

const MARK: &str = "checkpoint.json";
const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";
const ASIDE: &str = "aside.csv.zst";
const HINTS: &str = "hints";
const NAMES: &str = "names";
const LAST: &str = "last-run.json";
/// A file larger than this tells of no last run: an identity has some hundred bytes, and its patterns.
const MAX_LAST: u64 = 4 << 20;
/// Hints beyond this many bytes are no hints: a thousand keys of 1,024 bytes have some 2 MB.
const MAX_HINTS: u64 = 4 << 20;

/// An unfinished run.
#[derive(Debug)]
pub struct Unfinished {
    /// Its mark.
    pub mark: Mark,
    /// What was recorded since; some of it may be covered by the mark.
    pub recorded: Recorded,
    /// When the last of its copies lapsed, if all may have: there is nothing to go on with then, since
    /// what its report calls requested is archived again.
    pub lapsed: Option<Timestamp>,
}

/// A job's state folder, locked for one run: as long as any of its clones is there.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
    lock: Arc<Lock>,
}

impl StateDir {
    /// Opens (and makes, if need be) the folder at `path` and takes its lock.
    ///
    /// # Errors
    /// If another run holds the lock, or the folder cannot be made.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        files::private_folder(path).map_err(|source| CheckpointError::Io {
            what: "make the state folder",
            path: path.to_owned(),
            source,
        })?;
        let lock = Arc::new(Lock::take(&path.join(LOCK))?);
        // What a killed process told of itself is over.
        live::forget(&path.join(LIVE));
        Ok(Self { path: path.to_owned(), lock })
    }

    /// Lets this process tell what it does; `None` if that cannot be. The lock is held for as long.
    #[must_use]
    pub fn live(&self) -> Option<LiveFile> {
        LiveFile::start(self.path.join(LIVE), Arc::clone(&self.lock))
    }

    /// What the process `pid`, which [holds](Self::holder) the lock of the folder at `path`, tells of
    /// itself; `None` if it has not yet.
    #[must_use]
    pub fn peek_live(path: &Path, pid: u32) -> Option<Live> {
        live::peek(path, pid)
    }

    /// What a release tells that is under way from the job whose folder is at `path`.
    #[must_use]
    pub fn peek_release(path: &Path) -> Option<Live> {
        live::peek_release(path)
    }

    /// What the last finished run lets the next one expect, if it was of the same job, `identity`.
    #[must_use]
    pub fn expected(&self, identity: &[(String, String)]) -> Expected {
        match Self::peek(&self.path) {
            Ok(Some(mark)) if mark.finished.is_some() && mark.differences(identity).is_empty() => {
                Expected { listed: Some(mark.tally.listed), ended: Some(mark.saved_at), planned: None }
            }
            // Nothing but a guess depends on it.
            Ok(_) | Err(_) => Expected::default(),
        }
    }

    /// The mark in the folder at `path`, without taking the lock; for looking only.
    ///
    /// # Errors
    /// If there is a mark that cannot be used.
    pub fn peek(path: &Path) -> Result<Option<Mark>, CheckpointError> {
        let path = path.join(MARK);
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(MAX_MARK + 1).read_to_end(&mut bytes));
        match read {
            Ok(size) if size as u64 > MAX_MARK => {
                Err(CheckpointError::Damaged { path, what: "it is larger than any checkpoint".to_owned() })
            }
            Ok(_) => Mark::read(&path, &bytes).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CheckpointError::Io { what: "read the checkpoint", path, source }),
        }
    }

    /// The same, if its run is unfinished. That of a finished run is not looked at, so that it may
    /// be of any version.
    ///
    /// # Errors
    /// If there is a mark of an unfinished run that cannot be used.
    pub fn peek_unfinished(path: &Path) -> Result<Option<Mark>, CheckpointError> {
        match Self::peek(path) {
            Ok(mark) => Ok(mark.filter(|mark| mark.finished.is_none())),
            Err(CheckpointError::Foreign { finished: true, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The process that runs the job whose folder is at `path`; `None` if none does. 0 stands for one
    /// that has not named itself yet.
    ///
    /// # Errors
    /// If the lock is there but cannot be looked at.
    pub fn holder(path: &Path) -> Result<Option<u32>, CheckpointError> {
        Ok(lock::holder(&path.join(LOCK))?)
    }

    /// The unfinished run, if there is one, as it stands at `now`. A run of another job that has done
    /// nothing yet counts as none.
    ///
    /// # Errors
    /// If the state is damaged, or belongs to a job other than `identity`.
    pub fn unfinished(
        &self,
        identity: &[(String, String)],
        now: Timestamp,
    ) -> Result<Option<Unfinished>, CheckpointError> {
        let Some(mark) = Self::peek_unfinished(&self.path)? else {
            return Ok(None);
        };
        let changed = mark.differences(identity);
        let recorded = Recorded::read(&self.path.join(JOURNAL), &mark.run_id)?;
        if changed.is_empty() {
            let copies = recorded.answers.iter().filter_map(|(_, outcome)| copy_until(outcome));
            let last = copies.chain(mark.copies_until).max();
            // A whole report is only closed, and was right when it was.
            let lapsed = last.filter(|until| *until <= now && !mark.sealed);
            return Ok(Some(Unfinished { mark, recorded, lapsed }));
        }
        if mark.is_untouched() && recorded.is_empty() {
            // It came to a stop before its first object, as by a wrong endpoint. Whoever puts that
            // right has nothing to lose, and must not be kept from it.
            return Ok(None);
        }
        Err(CheckpointError::OtherJob { path: self.path.clone(), changed })
    }

    /// Forgets the mark of an unfinished run that is not gone on with. First of all: a crash after the
    /// files that it counts on have made room for new ones would leave a run that cannot go on.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn forget(&self) -> Result<(), CheckpointError> {
        let path = self.path.join(MARK);
        files::remove_file(&path).map_err(|source| CheckpointError::Io { what: "remove", path, source })?;
        pass(CommitPoint::MarkForgotten);
        Ok(())
    }

    /// Puts the state of a run whose copies have lapsed by, in a folder of its own within this one, so
    /// that nothing that it recorded is lost. The mark goes first: see [`StateDir::forget`].
    ///
    /// # Errors
    /// If the files cannot be moved.
    pub fn put_by(&self, run_id: &str) -> Result<(), CheckpointError> {
        let folder = self.path.join(format!("lapsed-{run_id}"));
        let moved = |name: &str| match fs::rename(self.path.join(name), folder.join(name)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        files::private_folder(&folder)
            .and_then(|()| [MARK, JOURNAL, ASIDE].into_iter().try_for_each(moved))
            .and_then(|()| files::sync_folder_of(&folder.join(MARK)))
            .and_then(|()| files::sync_folder_of(&folder))
            .map_err(|source| CheckpointError::Io { what: "put the lapsed run by in", path: folder, source })
    }

    /// Where the file called `name` stands in this folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Puts `mark` in the place of the former one, durably.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, mark: &Mark) -> Result<(), CheckpointError> {
        let path = self.path.join(MARK);
        let saved = mark.to_text().map_err(io::Error::other);
        saved
            .and_then(|text| files::replace_file(&path, text.as_bytes()))
            .map_err(|source| CheckpointError::Io { what: "write the checkpoint", path, source })?;
        pass(CommitPoint::MarkSaved);
        Ok(())
    }

    /// The file for rows that wait for their turn, cut back to its `durable` part.
    ///
    /// # Errors
    /// If it cannot be opened, or that part is not as it was.
    pub fn aside(&self, durable: &Durable) -> Result<Spill, ReportError> {
        Spill::open(&self.path.join(ASIDE), durable)
    }

    /// Removes the file for rows that wait, if there is one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_aside(&self) -> Result<(), CheckpointError> {
        let path = self.path.join(ASIDE);
        files::remove_file(&path).map_err(|source| CheckpointError::Io { what: "remove", path, source })?;
        pass(CommitPoint::AsideRemoved);
        Ok(())
    }

    /// Evenly spaced keys that an earlier run left; empty if it left none that can be read. Nothing but
    /// speed depends on them.
    pub fn hints(&self) -> Vec<Vec<u8>> {
        let mut text = String::new();
        let read = File::open(self.path.join(HINTS))
            .and_then(|file| file.take(MAX_HINTS + 1).read_to_string(&mut text));
        match read {
            Ok(size) if size as u64 <= MAX_HINTS => text.lines().filter_map(unhex).collect(),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// Where a list of names that cannot be read twice is kept for the job whose folder is at `path`.
    #[must_use]
    pub fn names_path(path: &Path) -> PathBuf {
        path.join(NAMES)
    }

    /// Keeps what `from` holds at `path`, made by [`StateDir::names_path`], in the place of what was kept
    /// there, and opens it. A run that reads the former list goes on reading it.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn keep_names(path: &Path, from: &mut dyn Read) -> io::Result<File> {
        if let Some(folder) = path.parent() {
            files::private_folder(folder)?;
        }
        // Not yet under the lock: each process has its own name for what is not whole.
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(format!(".{}.new", std::process::id()));
        let mut file = files::private().create(true).read(true).write(true).truncate(true).open(&fresh)?;
        let kept = io::copy(from, &mut file).and_then(|_| {
            file.sync_all()?;
            fs::rename(&fresh, path)?;
            files::sync_folder_of(path)
        });
        match kept {
            Ok(()) => Ok(file),
            Err(error) => {
                // What is half there helps nobody.
                let _ = fs::remove_file(&fresh);
                Err(error)
            }
        }
    }

    /// Leaves evenly spaced keys for the next run.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_hints(&self, keys: &[Vec<u8>]) -> Result<(), CheckpointError> {
        let path = self.path.join(HINTS);
        let text: String = keys.iter().map(|key| hex(key) + "\n").collect();
        files::replace_file(&path, text.as_bytes()).map_err(|source| CheckpointError::Io {
            what: "write",
            path,
            source,
        })
    }

    /// The last complete run of the job whose folder is at `path`, as far as a job that is `identity` now
    /// has to know of it; `None` if it left nothing that can be read.
    #[must_use]
    pub fn last_run(path: &Path, identity: &[(String, String)]) -> Option<LastRun> {
        let mut text = Vec::new();
        let file = File::open(path.join(LAST)).ok()?;
        let size = file.take(MAX_LAST + 1).read_to_end(&mut text).ok()?;
        let read = || serde_json::from_slice::<Remembered>(&text).ok();
        if size as u64 <= MAX_LAST { read()?.told_to(identity) } else { None }
    }

    /// Leaves word of a complete run to the next one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_last_run(
        &self,
        began: Timestamp,
        identity: &[(String, String)],
    ) -> Result<(), CheckpointError> {
        let path = self.path.join(LAST);
        serde_json::to_vec(&Remembered::new(began, identity))
            .map_err(io::Error::other)
            .and_then(|text| files::replace_file(&path, &text))
            .map_err(|source| CheckpointError::Io { what: "write", path, source })
    }

    /// Lets the next run know of no last one.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn forget_last_run(&self) -> Result<(), CheckpointError> {
        let path = self.path.join(LAST);
        files::remove_file(&path).map_err(|source| CheckpointError::Io { what: "remove", path, source })
    }

    /// A journal for the run `run_id`: a new one, or the one that holds what was `recorded`.
    ///
    /// # Errors
    /// If the file cannot be made or opened.
    pub fn journal(
        &self,
        run_id: &str,
        recorded: Option<&Recorded>,
        clock: Arc<dyn Clock>,
    ) -> Result<Journal, CheckpointError> {
        let path = self.path.join(JOURNAL);
        match recorded {
            Some(recorded) => Journal::resume(&path, recorded.sound, clock),
            None => Journal::begin(&path, run_id, clock),
        }
    }
}
