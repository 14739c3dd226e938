//! The folder that a job keeps its state in: lock, mark, journal.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::files;
use super::journal::{Journal, Journaled};
use super::lock::{self, Lock, LockError};
use super::mark::Mark;
use crate::model::{Clock, hex, unhex};
use crate::pipeline::report::{ReportError, Spill};

/// The format of the mark that this version writes and reads. A reader refuses any other number:
/// a newer one may mean things it does not know, and no released version wrote an older one.
const FORMAT: u32 = 2;

const MARK: &str = "checkpoint.json";
const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = "lock";
const ASIDE: &str = "aside.csv";
const HINTS: &str = "hints";

/// Why the state of a job cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Another run holds the lock, or the lock cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file system said no.
    #[error("cannot {what} `{path}`")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// The machine's words.
        #[source]
        source: io::Error,
    },
    /// A file of the state was cut, edited or never ours.
    #[error("the checkpoint file `{path}` is damaged: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The mark was written by a version with another format.
    #[error("the checkpoint `{path}` has format {found}; this version reads format {FORMAT}")]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Its format number.
        found: u32,
    },
    /// The mark belongs to a job that differs from this one.
    #[error("the unfinished run in `{path}` was started as another job: {}", differences(.changed))]
    OtherJob {
        /// The state folder.
        path: PathBuf,
        /// (field, in the checkpoint, now).
        changed: Vec<(String, String, String)>,
    },
}

fn differences(changed: &[(String, String, String)]) -> String {
    let quoted = |value: &str| if value.is_empty() { "not set".to_owned() } else { format!("`{value}`") };
    changed
        .iter()
        .map(|(field, marked, wanted)| format!("{field} was {}, now {}", quoted(marked), quoted(wanted)))
        .collect::<Vec<_>>()
        .join("; ")
}

/// What stands in the mark's file: the mark as text, and that text's checksum.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    sha256: String,
    mark: Box<RawValue>,
}

/// A job's state folder, locked for one run.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    _lock: Lock,
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
        let lock = Lock::take(&path.join(LOCK))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The mark in the folder at `path`, without taking the lock; for looking only.
    ///
    /// # Errors
    /// If there is a mark that cannot be used.
    pub fn peek(path: &Path) -> Result<Option<Mark>, CheckpointError> {
        let path = path.join(MARK);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) if source.kind() == io::ErrorKind::InvalidData => {
                return Err(CheckpointError::Damaged { path, what: "it is not text".to_owned() });
            }
            Err(source) => return Err(CheckpointError::Io { what: "read the checkpoint", path, source }),
        };
        let damaged = |what: String| CheckpointError::Damaged { path: path.clone(), what };
        let envelope: Envelope = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        if envelope.format != FORMAT {
            return Err(CheckpointError::Foreign { path, found: envelope.format });
        }
        if checksum(envelope.mark.get()) != envelope.sha256 {
            return Err(damaged("its checksum does not match its content".to_owned()));
        }
        serde_json::from_str(envelope.mark.get()).map(Some).map_err(|e| damaged(e.to_string()))
    }

    /// The process that runs the job whose folder is at `path`; `None` if none does. 0 stands for one
    /// that has not named itself yet.
    ///
    /// # Errors
    /// If the lock is there but cannot be looked at.
    pub fn holder(path: &Path) -> Result<Option<u32>, CheckpointError> {
        Ok(lock::holder(&path.join(LOCK))?)
    }

    /// The unfinished run to go on with, if there is one, and the answers journaled since its mark. A
    /// run of another job that has done nothing yet counts as none.
    ///
    /// # Errors
    /// If the state is damaged, or belongs to a job other than `identity`.
    pub fn unfinished(
        &self,
        identity: &[(String, String)],
    ) -> Result<Option<(Mark, Vec<Journaled>)>, CheckpointError> {
        let Some(mark) = Self::peek(&self.path)?.filter(|mark| mark.finished.is_none()) else {
            return Ok(None);
        };
        let changed = mark.differences(identity);
        let answers = Journal::read(&self.path.join(JOURNAL), &mark.run_id)?;
        if changed.is_empty() {
            return Ok(Some((mark, answers)));
        }
        if mark.is_untouched() && answers.is_empty() {
            // It came to a stop before its first object, as by a wrong endpoint. Whoever puts that
            // right has nothing to lose, and must not be kept from it.
            return Ok(None);
        }
        Err(CheckpointError::OtherJob { path: self.path.clone(), changed })
    }

    /// Puts `mark` in the place of the former one, durably.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, mark: &Mark) -> Result<(), CheckpointError> {
        let path = self.path.join(MARK);
        let io = |source| CheckpointError::Io { what: "write the checkpoint", path: path.clone(), source };
        let body = serde_json::to_string(mark).map_err(|e| io(io::Error::other(e)))?;
        let sha256 = checksum(&body);
        let mark = RawValue::from_string(body).map_err(|e| io(io::Error::other(e)))?;
        let text = serde_json::to_string(&Envelope { format: FORMAT, sha256, mark })
            .map_err(|e| io(io::Error::other(e)))?;
        files::replace_file(&path, text.as_bytes()).map_err(io)
    }

    /// The file for rows that wait for their turn, cut back to its `durable` bytes.
    ///
    /// # Errors
    /// If it cannot be opened, or is shorter.
    pub fn aside(&self, durable: u64) -> Result<Spill, ReportError> {
        Spill::open(&self.path.join(ASIDE), durable)
    }

    /// Removes the file for rows that wait, if there is one.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove_aside(&self) -> Result<(), CheckpointError> {
        let path = self.path.join(ASIDE);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(CheckpointError::Io { what: "remove", path, source })
            }
            _ => Ok(()),
        }
    }

    /// Evenly spaced keys that an earlier run left; empty if it left none that can be read. Nothing but
    /// speed depends on them.
    pub fn hints(&self) -> Vec<Vec<u8>> {
        let text = std::fs::read_to_string(self.path.join(HINTS)).unwrap_or_default();
        text.lines().filter_map(unhex).collect()
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

    /// A journal for the run `run_id`; `keep` leaves what an earlier session wrote.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn journal(
        &self,
        run_id: &str,
        keep: bool,
        clock: Arc<dyn Clock>,
    ) -> Result<Journal, CheckpointError> {
        Journal::open(&self.path.join(JOURNAL), run_id, keep, clock)
    }
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{RequestCounts, Tally};
    use crate::pipeline::checkpoint::{MarkedKey, MarkedRange};
    use crate::pipeline::report::{Extent, Reached};

    fn mark(key: &[u8], version: Option<&[u8]>, report_len: u64) -> Mark {
        Mark {
            identity: vec![("days".to_owned(), "7".to_owned()), ("url".to_owned(), "s3://b/".to_owned())],
            run_id: "20261121T010000Z-0000".to_owned(),
            started_at: "2026-11-21T01:00:00Z".parse().unwrap(),
            saved_at: "2026-11-21T01:00:01Z".parse().unwrap(),
            report: PathBuf::from("/reports/r.csv"),
            report_len,
            rows: 3,
            ranges: vec![
                MarkedRange {
                    after: Some(MarkedKey::new(key)),
                    after_version: version.map(MarkedKey::new),
                    until: Some(MarkedKey::new(b"~")),
                    ..MarkedRange::default()
                },
                MarkedRange {
                    after: Some(MarkedKey::new(b"~")),
                    aside: vec![Extent { start: 7, len: 9 }],
                    done: true,
                    ..MarkedRange::default()
                },
            ],
            aside_len: 16,
            tally: Tally::default(),
            requests: RequestCounts::default(),
            elapsed: Duration::from_millis(1500),
            sessions: 1,
            finished: None,
        }
    }

    /// What the mark says, as text: marks need not be comparable for anything else.
    fn text(mark: &Mark) -> String {
        serde_json::to_string(mark).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_mark_comes_back_and_leads_to_the_same_place(
            key in proptest::collection::vec(any::<u8>(), 0..40),
            version in proptest::option::of(proptest::collection::vec(any::<u8>(), 1..20)),
            report_len: u64,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::open(folder.path()).unwrap();
            let saved = mark(&key, version.as_deref(), report_len);
            state.save(&saved).unwrap();
            let back = StateDir::peek(folder.path()).unwrap().unwrap();
            prop_assert_eq!(text(&back), text(&saved));
            let segments = back.segments().unwrap();
            let place = Reached { key, version: version.unwrap_or_default() };
            prop_assert_eq!(&segments[0].reached, &Some(place));
            prop_assert_eq!(&segments[0].until, &Some(b"~".to_vec()));
            prop_assert_eq!(&segments[1].aside, &[Extent { start: 7, len: 9 }]);
            prop_assert!(segments[1].done && !segments[0].done);
        }

        #[test]
        fn a_spoilt_mark_is_refused_or_says_what_it_said(at: prop::sample::Index, flip in 1_u8.., cut: bool) {
            let folder = tempfile::tempdir().unwrap();
            let state = StateDir::open(folder.path()).unwrap();
            let saved = mark(b"a/\xff\n", None, 4711);
            state.save(&saved).unwrap();
            let path = folder.path().join(MARK);
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.index(bytes.len());
            if cut {
                bytes.truncate(at);
            } else {
                bytes[at] ^= flip;
            }
            std::fs::write(&path, bytes).unwrap();
            match StateDir::peek(folder.path()) {
                Ok(None) => prop_assert!(false, "a spoilt mark counts as none"),
                Ok(Some(back)) => prop_assert_eq!(text(&back), text(&saved)),
                Err(CheckpointError::Damaged { .. } | CheckpointError::Foreign { .. }) => {}
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }

    #[test]
    fn a_mark_of_another_job_names_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.save(&mark(b"k", None, 1)).unwrap();
        let now = [("days".to_owned(), "8".to_owned()), ("rows".to_owned(), "all".to_owned())];
        let refused = state.unfinished(&now).unwrap_err();
        let CheckpointError::OtherJob { changed, .. } = &refused else { panic!("{refused}") };
        let changed: Vec<_> =
            changed.iter().map(|(f, was, is)| (f.as_str(), was.as_str(), is.as_str())).collect();
        assert_eq!(changed, [("days", "7", "8"), ("rows", "", "all"), ("url", "s3://b/", "")]);
        assert!(
            refused.to_string().contains("days was `7`, now `8`; rows was not set, now `all`"),
            "{refused}"
        );
    }
}
