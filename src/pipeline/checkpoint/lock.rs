//! One run at a time: a lock that the machine gives back when the process ends, however it ends.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::files;

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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // What the holder wrote is a courtesy; without it the message is still right.
                let _ = file.take(100).read_to_string(&mut holder);
                let holder = if holder.is_empty() { "starting".into() } else { holder };
                return Err(LockError::Held { holder, path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
        write!(file, "process {}", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }
}
