//! The journal's writing thread: what it is told goes to the disk in time, however slowly it comes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::files;
use super::gaps::Gaps;
use super::journal::SYNC_EVERY;
use super::line::{self, Said};
use super::point::{CommitPoint, pass};
use crate::model::{Clock, unhex};

/// A journal below this many bytes is left as it is, whatever the mark covers.
const WORTH_FORGETTING: u64 = 1 << 20;

/// What the thread is told.
pub(super) enum Order {
    Write(Box<Said>),
    /// Forget what lies outside of these gaps; the mark covers it.
    Forget(Gaps),
    /// Sync, then answer.
    Sync(oneshot::Sender<io::Result<()>>),
}

/// The file at `path`, open at its end.
pub(super) fn append_to(path: &Path) -> io::Result<File> {
    let mut file = files::private().write(true).open(path)?;
    file.seek(SeekFrom::End(0))?;
    Ok(file)
}

/// The writing thread. It wakes by itself when a sync is due, however slowly answers come.
pub(super) fn write(
    path: &Path,
    mut file: File,
    inbox: &Receiver<Order>,
    clock: &dyn Clock,
) -> io::Result<()> {
    // What the last forgetting left.
    let mut kept = 0;
    // When the next sync is due; none while everything is on disk.
    let mut due: Option<Duration> = None;
    loop {
        let order = match due {
            Some(due_at) => match inbox.recv_timeout(due_at.saturating_sub(clock.monotonic())) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return file.sync_data(),
            },
            None => match inbox.recv() {
                Ok(order) => Some(order),
                Err(_disconnected) => return Ok(()),
            },
        };
        match order {
            Some(Order::Write(said)) => {
                file.write_all(&line::text(&said)?)?;
                if matches!(*said, Said::Answered(_)) {
                    pass(CommitPoint::AnswerWritten);
                }
                due = due.or_else(|| Some(clock.monotonic() + SYNC_EVERY));
            }
            Some(Order::Forget(gaps)) => {
                let size = file.stream_position()?;
                if size > WORTH_FORGETTING.max(2 * kept) {
                    file = forget(path, &gaps)?;
                    kept = file.stream_position()?;
                    due = None;
                }
            }
            Some(Order::Sync(answer)) => {
                let synced = file.sync_data();
                pass(CommitPoint::JournalSynced);
                // Nobody waiting any more is no reason to fail.
                let _ = answer.send(synced);
                due = None;
            }
            None => {}
        }
        if due.is_some_and(|due_at| due_at <= clock.monotonic()) {
            file.sync_data()?;
            pass(CommitPoint::JournalSynced);
            due = None;
        }
    }
}

/// Writes the journal anew with what lies in `gaps`, and returns it open at its end.
pub(super) fn forget(path: &Path, gaps: &Gaps) -> io::Result<File> {
    let mut left = Vec::new();
    for written in BufReader::new(File::open(path)?).split(b'\n') {
        let written = written?;
        if written.is_empty() {
            continue;
        }
        match line::said(&written) {
            Ok(Said::Answered(answer)) if answer.key.bytes().is_some_and(|key| !gaps.hold(&key)) => {}
            Ok(mut said @ (Said::Asking(_) | Said::Unasked(_))) => {
                if let Said::Asking(objects) | Said::Unasked(objects) = &mut said {
                    objects.retain(|(key, _)| unhex(key).is_none_or(|key| gaps.hold(&key)));
                    if !objects.is_empty() {
                        left.extend(line::text(&said)?);
                    }
                }
            }
            // A line that cannot be read is not ours to drop: whoever goes on has to be told of it.
            Ok(_) | Err(_) => {
                left.extend_from_slice(&written);
                left.push(b'\n');
            }
        }
    }
    files::replace_file(path, &left)?;
    append_to(path)
}
