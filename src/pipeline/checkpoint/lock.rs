//! One run at a time: a lock that the machine gives back when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files;

/// What stands in the lock file before the number of the process that holds it.
const PROCESS: &str = "process ";
/// Bytes of a lock file that are looked at; what a holder writes is far shorter.
const MAX_HOLDER: u64 = 100;
/// How often and how long a lock that somebody may only be looking at is tried again.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Why a lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run of this job is under way ({holder}); its lock is `{path}`")]
    Held {
        /// What that run wrote about itself.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The lock file cannot be made.
    #[error("cannot lock `{path}`")]
    Io {
        /// The lock file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
}

/// A held lock; dropping it (or ending, or being killed) gives it back.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path`.
    ///
    /// # Errors
    /// If another process holds it, or the file cannot be made.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { path: path.to_owned(), source };
        let mut file = files::private().create(true).read(true).write(true).open(path).map_err(io)?;
        match try_long(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // What the holder wrote is a courtesy; without it the message is still right.
                let _ = file.take(MAX_HOLDER).read_to_string(&mut holder);
                let holder = if holder.is_empty() { "starting".into() } else { holder };
                return Err(LockError::Held { holder, path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        write!(file, "{PROCESS}{}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// Tries for a while that outlasts [`holder`], which holds the lock for a moment to look at it.
fn try_long(file: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            other => return other,
        }
    }
    file.try_lock()
}

/// The process that holds the lock at `path`; `None` if nobody does.
///
/// # Errors
/// If the lock file is there but cannot be opened.
pub(super) fn holder(path: &Path) -> Result<Option<u32>, LockError> {
    let io = |source| LockError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.take(MAX_HOLDER).read_to_string(&mut text).map_err(io)?;
            Ok(text.strip_prefix(PROCESS).and_then(|pid| pid.parse().ok()).or(Some(0)))
        }
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_names_its_holder_and_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert_eq!(holder(&path).unwrap(), None);
        let lock = Lock::take(&path).unwrap();
        assert_eq!(holder(&path).unwrap(), Some(std::process::id()));
        let refused = Lock::take(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(lock);
        assert_eq!(holder(&path).unwrap(), None);
        drop(Lock::take(&path).unwrap());
    }
}
