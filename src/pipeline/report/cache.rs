//! What the system keeps in memory of files that nobody will read soon.

use std::fs::File;

/// Tells the system to begin to put a stretch of `file` on disk, which it would put off, so that the sync
/// that waits for it finds little left to do. A wish, so it cannot fail.
pub(super) fn begin_to_write(file: &File, start: u64, len: u64) {
    // Linux begins to write what it is told that nobody needs, if it is not on disk yet.
    let_go(file, start, len);
}

/// Tells the system that it need not keep a stretch of `file` in memory. A report of gigabytes would
/// otherwise push out what others on the machine work with, and fresh memory costs the writing thread
/// more than the copying does. Only what is on disk already is let go; a wish, so it cannot fail.
pub(super) fn let_go(file: &File, start: u64, len: u64) {
    #[cfg(target_os = "linux")]
    if let Some(len) = std::num::NonZeroU64::new(len) {
        let _ = rustix::fs::fadvise(file, start, Some(len), rustix::fs::Advice::DontNeed);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, start, len);
}
