//! The journal: what each answered POST said, on disk within [`SYNC_EVERY`] of the answer.
//!
//! A thread of its own writes and syncs, so that no request waits for the disk. Entries are lines of
//! JSON; a line that a crash cut off is dropped, any other bad line is a damaged file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::files;
use super::mark::MarkedKey;
use super::state::CheckpointError;
use crate::model::{Clock, Outcome};
use crate::pipeline::report::Segment;

/// Answers are on disk at most this long after they came.
pub const SYNC_EVERY: Duration = Duration::from_millis(500);
/// Answers that may wait for the writing thread.
const WAITING: usize = 4096;
/// A journal below this many bytes is left as it is, whatever the mark covers.
const WORTH_FORGETTING: u64 = 1 << 20;

/// One answered POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journaled {
    /// The run that it belongs to.
    pub run_id: String,
    /// The key.
    pub key: MarkedKey,
    /// The version; empty if none.
    #[serde(default)]
    pub version: MarkedKey,
    /// What became of the object.
    pub outcome: Outcome,
}

/// The stretches of keys that a mark does not cover.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    stretches: Vec<Stretch>,
    /// In listings of versions the key at which a stretch begins may have versions that are not
    /// covered.
    versions: bool,
}

/// Keys after `after`, exclusive, up to `until`, inclusive.
#[derive(Clone, Debug)]
struct Stretch {
    after: Option<Vec<u8>>,
    until: Option<Vec<u8>>,
}

impl Gaps {
    /// The gaps that the segments of a listing leave.
    #[must_use]
    pub fn of(segments: &[Segment], versions: bool) -> Self {
        let open = segments.iter().filter(|segment| !segment.done);
        let stretch = |segment: &Segment| Stretch {
            after: segment.reached.as_ref().map(|reached| reached.key.clone()),
            until: segment.until.clone(),
        };
        Self { stretches: open.map(stretch).collect(), versions }
    }

    /// Whether `key` lies in a gap.
    #[must_use]
    pub fn hold(&self, key: &[u8]) -> bool {
        self.stretches.iter().any(|Stretch { after, until }| {
            let behind = after.as_deref().is_none_or(|after| key > after || (self.versions && key == after));
            behind && until.as_deref().is_none_or(|until| key <= until)
        })
    }
}

enum Order {
    Write(Box<Journaled>),
    /// Forget what lies outside of these gaps; the mark covers it.
    Forget(Gaps),
    /// Sync, then answer.
    Sync(SyncSender<io::Result<()>>),
}

/// A journal being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    run_id: String,
    orders: Option<SyncSender<Order>>,
    writer: Option<JoinHandle<io::Result<()>>>,
}

impl Journal {
    pub(super) fn open(
        path: &Path,
        run_id: &str,
        keep: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, CheckpointError> {
        let failed = |source| CheckpointError::Io { what: "open the journal", path: path.to_owned(), source };
        let mut file =
            files::private().create(true).write(true).truncate(false).open(path).map_err(failed)?;
        if keep {
            file.seek(io::SeekFrom::End(0)).map_err(failed)?;
            // A line that a crash cut off must not swallow the next one.
            file.write_all(b"\n").map_err(failed)?;
        } else {
            file.set_len(0).map_err(failed)?;
        }
        let (orders, inbox) = sync_channel(WAITING);
        let own_path = path.to_owned();
        let writer = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(&own_path, file, &inbox, &*clock))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            run_id: run_id.to_owned(),
            orders: Some(orders),
            writer: Some(writer),
        })
    }

    /// The answers of the run `run_id` that the file at `path` holds.
    pub(super) fn read(path: &Path, run_id: &str) -> Result<Vec<Journaled>, CheckpointError> {
        let failed = |source| CheckpointError::Io { what: "read the journal", path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(failed(e)),
        };
        let mut answers = Vec::new();
        for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
            let line = line.map_err(failed)?;
            // After a power cut some file systems give back zeros for what was not on disk yet.
            let end = line.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let line = &line[..end];
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice::<Journaled>(line) {
                Ok(answer) if answer.run_id == run_id => answers.push(answer),
                Ok(_older) => {}
                // Lines are written in one piece, so only a crash leaves one without its end; what
                // it would have said is learnt again from the store.
                Err(e) if e.is_eof() => {}
                Err(e) => {
                    return Err(CheckpointError::Damaged {
                        path: path.to_owned(),
                        what: format!("line {}: {e}", number + 1),
                    });
                }
            }
        }
        Ok(answers)
    }

    /// Takes down what became of one object.
    ///
    /// # Errors
    /// If the writing thread has failed; what it met is the source.
    pub fn record(&mut self, key: &[u8], version: &[u8], outcome: &Outcome) -> Result<(), CheckpointError> {
        let entry = Journaled {
            run_id: self.run_id.clone(),
            key: MarkedKey::new(key),
            version: MarkedKey::new(version),
            outcome: outcome.clone(),
        };
        self.order(Order::Write(Box::new(entry)))
    }

    /// Forgets what lies outside of `gaps`, since the mark covers it. Done when it is worth the
    /// writing.
    ///
    /// # Errors
    /// If the writing thread has failed.
    pub fn forget(&mut self, gaps: Gaps) -> Result<(), CheckpointError> {
        self.order(Order::Forget(gaps))
    }

    /// Returns when everything recorded so far is on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn sync(&mut self) -> Result<(), CheckpointError> {
        let (answer, answered) = sync_channel(1);
        self.order(Order::Sync(answer))?;
        match answered.recv() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(self.failed(source)),
            Err(_gone) => Err(self.died()),
        }
    }

    fn order(&mut self, order: Order) -> Result<(), CheckpointError> {
        match self.orders.as_ref().map(|orders| orders.send(order)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(self.died()),
        }
    }

    fn failed(&self, source: io::Error) -> CheckpointError {
        CheckpointError::Io { what: "write the journal", path: self.path.clone(), source }
    }

    /// What the writing thread died of.
    fn died(&mut self) -> CheckpointError {
        self.orders = None;
        let source = match self.writer.take().map(JoinHandle::join) {
            Some(Ok(Err(source))) => source,
            _ => io::Error::other("the writing thread has ended"),
        };
        self.failed(source)
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

/// The writing thread.
fn write(path: &Path, mut file: File, inbox: &Receiver<Order>, clock: &dyn Clock) -> io::Result<()> {
    let mut line = Vec::new();
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
            Some(Order::Write(entry)) => {
                line.clear();
                serde_json::to_writer(&mut line, &entry)?;
                line.push(b'\n');
                file.write_all(&line)?;
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
                // Nobody waiting any more is no reason to fail.
                let _ = answer.send(file.sync_data());
                due = None;
            }
            None => {}
        }
        if due.is_some_and(|due_at| due_at <= clock.monotonic()) {
            file.sync_data()?;
            due = None;
        }
    }
}

/// Writes the journal anew with what lies in `gaps`, and returns it open at its end.
fn forget(path: &Path, gaps: &Gaps) -> io::Result<File> {
    let mut left = Vec::new();
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        let line = line?;
        // A line that cannot be read is not ours to drop: whoever goes on has to be told of it.
        let covered = serde_json::from_slice::<Journaled>(&line)
            .is_ok_and(|answer| answer.key.bytes().is_some_and(|key| !gaps.hold(&key)));
        if !covered && !line.is_empty() {
            left.extend_from_slice(&line);
            left.push(b'\n');
        }
    }
    files::replace_file(path, &left)?;
    let mut file = files::private().write(true).open(path)?;
    file.seek(io::SeekFrom::End(0))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, State, SystemClock};

    fn clock() -> Arc<dyn Clock> {
        Arc::new(SystemClock::new())
    }

    fn outcome() -> Outcome {
        let mut outcome = Outcome::seen(State::Restoring, None, "2026-11-21T01:00:00Z".parse().unwrap());
        outcome.action = Action::Requested;
        outcome
    }

    #[test]
    fn answers_come_back_and_a_cut_line_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut journal = Journal::open(&path, "run", false, clock()).unwrap();
        journal.record(b"a\xff", b"", &outcome()).unwrap();
        journal.record(b"b", b"v", &outcome()).unwrap();
        journal.sync().unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        // The next session goes on in the same file.
        let mut journal = Journal::open(&path, "run", true, clock()).unwrap();
        journal.record(b"c", b"", &outcome()).unwrap();
        drop(journal);
        let back = Journal::read(&path, "run").unwrap();
        let keys: Vec<_> = back.iter().map(|j| j.key.bytes().unwrap()).collect();
        assert_eq!(keys, [b"a\xff".to_vec(), b"c".to_vec()]);
        assert_eq!(back[0].outcome, outcome());
        assert!(Journal::read(&path, "another run").unwrap().is_empty());
    }

    #[test]
    fn a_journal_cut_anywhere_or_ending_in_zeros_keeps_its_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        let mut journal = Journal::open(&path, "run", false, clock()).unwrap();
        journal.record("\u{fc}\u{1f9ca}".as_bytes(), b"", &outcome()).unwrap();
        journal.record("\u{65e5}\u{672c}".as_bytes(), b"v", &outcome()).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        let first = whole.iter().position(|byte| *byte == b'\n').unwrap();
        for length in 0..=whole.len() {
            for zeros in [0, 7] {
                let mut cut = whole[..length].to_vec();
                cut.resize(length + zeros, 0);
                std::fs::write(&path, cut).unwrap();
                let lines = usize::from(length >= first) + usize::from(length >= whole.len() - 1);
                assert_eq!(
                    Journal::read(&path, "run").unwrap().len(),
                    lines,
                    "{length} bytes, {zeros} zeros"
                );
            }
        }
    }

    #[test]
    fn a_line_that_is_not_ours_is_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("j");
        std::fs::write(&path, "hello\n").unwrap();
        assert!(matches!(Journal::read(&path, "run"), Err(CheckpointError::Damaged { .. })));
    }
}
