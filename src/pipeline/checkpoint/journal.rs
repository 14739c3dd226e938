//! The journal: what each answered POST said, on disk within [`SYNC_EVERY`] of the answer; and
//! before anything is sent, which objects are about to be asked for.
//!
//! A thread of its own writes and syncs, so that no answer waits for the disk. The file begins with
//! the run that it belongs to; its lines are laid out in `line.rs`.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::fault::CheckpointError;
use super::files;
use super::gaps::Gaps;
use super::line::{self, Answer, Said};
use super::mark::MarkedKey;
use super::point::{CommitPoint, pass};
use super::scribe::{Order, append_to, write};
use crate::model::{Clock, Outcome, hex};

/// Answers are on disk at most this long after they came, plus the time that the disk takes.
pub const SYNC_EVERY: Duration = Duration::from_millis(500);
/// Lines that may wait for the writing thread.
const WAITING: usize = 4096;

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    orders: Option<SyncSender<Order>>,
    writer: Option<JoinHandle<()>>,
    failure: Failure,
}

/// What the writing thread died of, for all who ask.
#[derive(Clone, Debug, Default)]
struct Failure(Arc<OnceLock<io::Error>>);

impl Failure {
    fn keep(&self, error: io::Error) {
        // The first one tells the story.
        let _ = self.0.set(error);
    }

    fn error(&self) -> io::Error {
        match self.0.get() {
            Some(error) => error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            ),
            None => io::Error::other("the writing thread has ended; this is a bug in defrost"),
        }
    }
}

/// A wait for the disk, ordered by [`Journal::sync`].
#[derive(Debug)]
pub struct Synced {
    path: PathBuf,
    failure: Failure,
    answered: oneshot::Receiver<io::Result<()>>,
}

impl Synced {
    /// Returns when everything recorded before the order is on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn wait(self) -> Result<(), CheckpointError> {
        let answered = self.answered.await;
        Self::told(self.path, &self.failure, answered)
    }

    /// The same for a thread outside of the runtime.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn block(self) -> Result<(), CheckpointError> {
        let answered = self.answered.blocking_recv();
        Self::told(self.path, &self.failure, answered)
    }

    fn told(
        path: PathBuf,
        failure: &Failure,
        answered: Result<io::Result<()>, oneshot::error::RecvError>,
    ) -> Result<(), CheckpointError> {
        // The thread leaves its failure before it leaves.
        answered.unwrap_or_else(|_| Err(failure.error())).map_err(|source| CheckpointError::Io {
            what: "write the journal",
            path,
            source,
        })
    }
}

impl Journal {
    /// A new journal of the run `run_id` at `path`, in the place of any other.
    pub(super) fn begin(path: &Path, run_id: &str, clock: Arc<dyn Clock>) -> Result<Self, CheckpointError> {
        let begun = line::text(&Said::Begun { run_id: run_id.to_owned() });
        Self::over(path, begun.and_then(|line| files::replace_file(path, &line)), None, clock)
    }

    /// Goes on with the journal at `path` behind its `sound` bytes: what a crash left of a line must
    /// not run into the next one.
    pub(super) fn resume(path: &Path, sound: u64, clock: Arc<dyn Clock>) -> Result<Self, CheckpointError> {
        Self::over(path, Ok(()), Some(sound), clock)
    }

    fn over(
        path: &Path,
        made: io::Result<()>,
        sound: Option<u64>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CheckpointError> {
        let failed = |source| CheckpointError::Io { what: "open the journal", path: path.to_owned(), source };
        let mut file = made.and_then(|()| append_to(path)).map_err(failed)?;
        if let Some(sound) = sound {
            let cut = file.set_len(sound).and_then(|()| file.seek(SeekFrom::End(0)));
            // The last sound line may lack its end; an empty line does no harm. What was found there
            // will be counted on, and may not have been synced.
            cut.and_then(|_| file.write_all(b"\n")).and_then(|()| file.sync_data()).map_err(failed)?;
        }
        pass(CommitPoint::JournalOpened);
        let (orders, inbox) = sync_channel(WAITING);
        let own_path = path.to_owned();
        let failure = Failure::default();
        let left = failure.clone();
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                if let Err(error) = write(&own_path, file, &inbox, &*clock) {
                    left.keep(error);
                }
                // Only now those who wait may see that nobody writes any more.
                drop(inbox);
            })
            .map_err(failed)?;
        Ok(Self { path: path.to_owned(), orders: Some(orders), writer: Some(writer), failure })
    }

    /// Takes down that `objects` (key and version) are about to be asked for.
    ///
    /// # Errors
    /// If the writing thread has failed; what it met is the source.
    pub fn asking<'o>(
        &mut self,
        objects: impl Iterator<Item = (&'o [u8], &'o [u8])>,
    ) -> Result<(), CheckpointError> {
        self.order(Order::Write(Box::new(Said::Asking(hexed(objects)))))
    }

    /// Takes down that `objects` have not been asked for after all.
    ///
    /// # Errors
    /// If the writing thread has failed.
    pub fn unasked<'o>(
        &mut self,
        objects: impl Iterator<Item = (&'o [u8], &'o [u8])>,
    ) -> Result<(), CheckpointError> {
        self.order(Order::Write(Box::new(Said::Unasked(hexed(objects)))))
    }

    /// Takes down what became of one object.
    ///
    /// # Errors
    /// If the writing thread has failed; what it met is the source.
    pub fn record(&mut self, key: &[u8], version: &[u8], outcome: &Outcome) -> Result<(), CheckpointError> {
        let (key, version) = (MarkedKey::new(key), MarkedKey::new(version));
        let answer = Answer { key, version, outcome: outcome.clone() };
        self.order(Order::Write(Box::new(Said::Answered(answer))))
    }

    /// Forgets what lies outside of `gaps`, since the mark covers it. Done when it is worth the
    /// writing.
    ///
    /// # Errors
    /// If the writing thread has failed.
    pub fn forget(&mut self, gaps: Gaps) -> Result<(), CheckpointError> {
        self.order(Order::Forget(gaps))
    }

    /// Orders everything recorded so far to the disk. The wait is apart, so that nobody else has to
    /// wait for the journal meanwhile.
    ///
    /// # Errors
    /// If the writing thread has failed.
    pub fn sync(&mut self) -> Result<Synced, CheckpointError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Sync(answer))?;
        Ok(Synced { path: self.path.clone(), failure: self.failure.clone(), answered })
    }

    fn order(&mut self, order: Order) -> Result<(), CheckpointError> {
        match self.orders.as_ref().map(|orders| orders.send(order)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(self.died()),
        }
    }

    /// What the writing thread died of.
    fn died(&mut self) -> CheckpointError {
        self.orders = None;
        if let Some(writer) = self.writer.take() {
            // A panic has been told where it happened.
            let _ = writer.join();
        }
        let source = self.failure.error();
        CheckpointError::Io { what: "write the journal", path: self.path.clone(), source }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(writer) = self.writer.take() {
            // Whatever could not be written was either covered by a mark or reported before.
            let _ = writer.join();
        }
    }
}

fn hexed<'o>(objects: impl Iterator<Item = (&'o [u8], &'o [u8])>) -> Vec<(String, String)> {
    objects.map(|(key, version)| (hex(key), hex(version))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::line::Recorded;
    use super::super::scribe::forget;
    use std::collections::VecDeque;

    use super::*;
    use crate::model::{Action, State, SystemClock};
    use crate::pipeline::report::{Reached, Segment};
    use crate::pipeline::source::RangeId;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock::new())
    }

    fn outcome() -> Outcome {
        let mut outcome = Outcome::seen(State::Restoring, None, "2026-11-21T01:00:00Z".parse().unwrap());
        outcome.action = Action::Requested;
        outcome
    }

    fn keys(recorded: &Recorded) -> Vec<&[u8]> {
        recorded.answers.iter().map(|((key, _), _)| key.as_slice()).collect()
    }

    /// A journal of two answers and what was asked before them.
    fn written(path: &Path) -> Vec<u8> {
        let mut journal = Journal::begin(path, "run", clock()).unwrap();
        let asking: [(&[u8], &[u8]); 2] = [("\u{fc}\u{1f9ca}".as_bytes(), b""), (b"a\xff", b"v")];
        journal.asking(asking.into_iter()).unwrap();
        for (key, version) in asking {
            journal.record(key, version, &outcome()).unwrap();
        }
        journal.sync().unwrap().block().unwrap();
        std::fs::read(path).unwrap()
    }

    #[test]
    fn answers_come_back_and_a_cut_line_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = written(&path);
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        // The next session goes on in the same file.
        let sound = Recorded::read(&path, "run").unwrap().sound;
        let mut journal = Journal::resume(&path, sound, clock()).unwrap();
        journal.record(b"c", b"", &outcome()).unwrap();
        drop(journal);
        let back = Recorded::read(&path, "run").unwrap();
        assert_eq!(keys(&back), ["\u{fc}\u{1f9ca}".as_bytes(), b"c"]);
        assert_eq!(back.answers[0].1, outcome());
        assert_eq!(back.asked.len(), 2);
        let stranger = Recorded::read(&path, "another run").unwrap_err().to_string();
        assert!(stranger.contains("belongs to the run run, not to another run"), "{stranger}");
    }

    #[test]
    fn a_journal_cut_anywhere_or_ending_in_zeros_keeps_its_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = written(&path);
        let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
        for length in 0..=whole.len() {
            for zeros in [0, 7] {
                let mut cut = whole[..length].to_vec();
                cut.resize(length + zeros, 0);
                std::fs::write(&path, cut).unwrap();
                let lines = ends.iter().filter(|end| length >= **end).count();
                match Recorded::read(&path, "run") {
                    Err(_) => assert_eq!(lines, 0, "{length} bytes, {zeros} zeros"),
                    Ok(recorded) => {
                        assert_eq!(recorded.answers.len(), lines.saturating_sub(2), "{length}, {zeros}");
                        let wanted =
                            if lines == ends.len() { recorded.sound } else { ends[lines - 1] as u64 };
                        assert!([wanted, wanted + 1].contains(&recorded.sound), "{length}, {zeros}");
                        // Going on behind it never makes a line that cannot be read.
                        let mut journal = Journal::resume(&path, recorded.sound, clock()).unwrap();
                        journal.record(b"next", b"", &outcome()).unwrap();
                        drop(journal);
                        let back = Recorded::read(&path, "run").unwrap();
                        assert_eq!(back.answers.len(), recorded.answers.len() + 1);
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_that_is_not_as_it_was_written_is_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let whole = written(&path);
        let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
        for at in 0..whole.len() - 1 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            let read = Recorded::read(&path, "run");
            assert!(matches!(read, Err(CheckpointError::Damaged { .. })), "{at} of {last}: {read:?}");
        }
        for bytes in [&b""[..], b"hello\n", b"\n", b"{}\n", b"\0\0\0\0", &whole[last + 1..]] {
            std::fs::write(&path, bytes).unwrap();
            let read = Recorded::read(&path, "run");
            assert!(matches!(read, Err(CheckpointError::Damaged { .. })), "{read:?}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Recorded::read(&path, "run"), Err(CheckpointError::Damaged { .. })));
    }

    #[test]
    fn what_the_mark_covers_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut journal = Journal::begin(&path, "run", clock()).unwrap();
        let all: [(&[u8], &[u8]); 3] = [(b"a", b""), (b"m", b"1"), (b"z", b"")];
        journal.asking(all.into_iter()).unwrap();
        for (key, version) in all {
            journal.record(key, version, &outcome()).unwrap();
        }
        drop(journal);
        let reached = |key: &[u8]| Some(Reached { key: key.to_vec(), version: Vec::new() });
        let segment = |reached, until: Option<&[u8]>, done| Segment {
            id: RangeId(0),
            reached,
            until: until.map(<[u8]>::to_vec),
            aside: VecDeque::default(),
            done,
        };
        // Up to `b` all is written, from `y` on it waits; between them the journal counts.
        let segments = [segment(reached(b"b"), Some(b"y"), false), segment(reached(b"y"), None, true)];
        drop(forget(&path, &Gaps::of(&segments, true)).unwrap());
        let left = Recorded::read(&path, "run").unwrap();
        assert_eq!(keys(&left), [b"m"]);
        assert_eq!(left.asked, [(b"m".to_vec(), b"1".to_vec())].into());
        let mut journal = Journal::resume(&path, left.sound, clock()).unwrap();
        journal.unasked([(&b"m"[..], &b"1"[..])].into_iter()).unwrap();
        drop(journal);
        assert!(Recorded::read(&path, "run").unwrap().asked.is_empty(), "it was not asked for after all");
    }
}
