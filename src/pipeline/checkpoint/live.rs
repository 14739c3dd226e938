//! What the process at work tells of itself, for whoever looks at its folder meanwhile.
//!
//! The file is small, replaced by renaming about once a second, and never synced: it is of no use once
//! its process is gone. It goes with the lock: whoever takes the lock removes what a killed process
//! left, and a process removes its own before it gives the lock back. So what stands there was told by
//! the holder of the lock, and without a holder nothing does that counts. A file that cannot be written
//! is no reason to stop, or to say so.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use jiff::Timestamp;

use super::files;
use super::lock::{self, Lock};
use crate::model::{Doing, Live};

/// Its name in the folder.
pub(super) const LIVE: &str = "live.json";
/// What a release tells of itself, and its lock: it may go on beside a run.
const RELEASE: &str = "release.json";
const RELEASE_LOCK: &str = "release.lock";
/// What is told waits for the disk, at most this many times; more would only be old.
const WAITING: usize = 2;
/// A larger file is none of ours.
const MAX_LIVE: u64 = 1 << 20;

/// A process that tells what it does; a thread writes, so that nobody waits for the disk. Dropping it
/// removes the file, and gives the lock back if nobody else has it.
#[derive(Debug)]
pub struct LiveFile {
    inbox: Option<SyncSender<Live>>,
    thread: Option<JoinHandle<()>>,
}

impl LiveFile {
    /// Tells it at `path` while `lock` is held; `None` if the machine starts no more threads.
    pub(super) fn start(path: PathBuf, lock: Arc<Lock>) -> Option<Self> {
        let (inbox, told) = sync_channel(WAITING);
        let builder = std::thread::Builder::new().name("live".to_owned());
        let thread = builder.spawn(move || keep(&path, &told, lock)).ok()?;
        Some(Self { inbox: Some(inbox), thread: Some(thread) })
    }

    /// The same for a release from the job whose folder is at `folder`; `None` if another one tells
    /// already, or the folder cannot be written.
    #[must_use]
    pub fn of_release(folder: &Path) -> Option<Self> {
        files::private_folder(folder).ok()?;
        let lock = Lock::take(&folder.join(RELEASE_LOCK)).ok()?;
        Self::start(folder.join(RELEASE), Arc::new(lock))
    }

    /// Tells what is being done. Where the disk does not keep up, the next one tells more.
    pub fn tell(&self, at: Timestamp, doing: Doing) {
        if let Some(inbox) = &self.inbox {
            let _ = inbox.try_send(Live { pid: std::process::id(), at, doing });
        }
    }
}

impl Drop for LiveFile {
    fn drop(&mut self) {
        drop(self.inbox.take());
        if let Some(thread) = self.thread.take() {
            // Nothing more can be told; what went wrong is of no account.
            let _ = thread.join();
        }
    }
}

fn keep(path: &Path, told: &Receiver<Live>, lock: Arc<Lock>) {
    forget(path);
    while let Ok(mut live) = told.recv() {
        // Only the last word counts.
        while let Ok(newer) = told.try_recv() {
            live = newer;
        }
        let _ = put(path, &live);
    }
    forget(path);
    drop(lock);
}

/// Removes what an earlier process left.
pub(super) fn forget(path: &Path) {
    let _ = fs::remove_file(path);
}

fn put(path: &Path, live: &Live) -> io::Result<()> {
    let text = serde_json::to_vec(live).map_err(io::Error::other)?;
    let mut under = path.as_os_str().to_owned();
    under.push(".new");
    let under = PathBuf::from(under);
    files::private().create(true).write(true).truncate(true).open(&under)?.write_all(&text)?;
    fs::rename(&under, path)
}

/// What the process `pid`, which holds the lock, tells at `path`; `None` if it has not told anything yet.
fn read(path: &Path, pid: u32) -> Option<Live> {
    let mut text = Vec::new();
    let size = File::open(path).ok()?.take(MAX_LIVE + 1).read_to_end(&mut text).ok()?;
    let live: Live = if size as u64 > MAX_LIVE { None } else { serde_json::from_slice(&text).ok() }?;
    // 0 stands for a process that has not written its number yet.
    (live.pid == pid || pid == 0).then_some(live)
}

/// What the process `pid` tells that holds the lock of the job whose folder is at `folder`.
pub(super) fn peek(folder: &Path, pid: u32) -> Option<Live> {
    read(&folder.join(LIVE), pid)
}

/// What a release tells that is under way from the job whose folder is at `folder`.
pub(super) fn peek_release(folder: &Path) -> Option<Live> {
    let pid = lock::holder(&folder.join(RELEASE_LOCK)).ok()??;
    read(&folder.join(RELEASE), pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doing(ready: u64) -> Doing {
        Doing::Wait { ready, open: 9 - ready, next: None }
    }

    fn until(mut holds: impl FnMut() -> bool) {
        for _ in 0..100_000 {
            if holds() {
                return;
            }
            std::thread::yield_now();
        }
        panic!("it never came");
    }

    #[test]
    fn it_lives_as_long_as_its_process_tells() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Arc::new(Lock::take(&folder.path().join("lock")).unwrap());
        let path = folder.path().join(LIVE);
        // Left by one that was killed.
        fs::write(&path, "{\"pid\":1}").unwrap();
        let live = LiveFile::start(path.clone(), Arc::clone(&lock)).unwrap();
        let pid = std::process::id();
        for ready in 0..5 {
            live.tell(Timestamp::UNIX_EPOCH, doing(ready));
            until(|| peek(folder.path(), pid).is_some_and(|live| live.doing == doing(ready)));
        }
        assert!(peek(folder.path(), pid + 1).is_none(), "another process holds the lock");
        drop(live);
        assert!(!path.exists());
        assert_eq!(Arc::strong_count(&lock), 1);
    }

    #[test]
    fn a_release_tells_beside_a_run_and_only_one_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let release = LiveFile::of_release(folder.path()).unwrap();
        assert!(LiveFile::of_release(folder.path()).is_none());
        release.tell(Timestamp::UNIX_EPOCH, doing(1));
        until(|| peek_release(folder.path()).is_some());
        drop(release);
        assert!(peek_release(folder.path()).is_none());
        // Left by one that was killed: nobody holds the lock.
        let live = Live { pid: std::process::id(), at: Timestamp::UNIX_EPOCH, doing: doing(1) };
        put(&folder.path().join(RELEASE), &live).unwrap();
        assert!(peek_release(folder.path()).is_none());
    }
}
