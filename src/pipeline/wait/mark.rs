//! `wait.json`: how far a wait is, for whoever goes on with it, and for people.

use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::outbox::KeyFile;
use crate::model::RequestCounts;
use crate::pipeline::checkpoint::{CheckpointError, CommitPoint, pass, replace_file};

/// The name of the file.
pub(super) const NAME: &str = "wait.json";
/// The layout of the file.
const FORMAT: u32 = 1;
/// A larger file is none of ours.
const MAX_FILE: u64 = 1 << 20;

/// How far a wait is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitMark {
    /// The run whose objects are waited for.
    pub run_id: String,
    /// When the wait began.
    pub started_at: Timestamp,
    /// When it last looked; `None` if it has not.
    pub polled_at: Option<Timestamp>,
    /// How often it has looked.
    pub polls: u64,
    /// Objects readable since.
    pub ready: u64,
    /// Objects still restoring.
    pub open: u64,
    /// Those of them that have been restoring for longer than promised.
    pub stuck: u64,
    /// Objects that have gone since.
    pub missing: u64,
    /// Objects that are archived again.
    pub archived: u64,
    /// Which outbox the following fields count in.
    pub(super) outbox: u64,
    /// Up to where the command has taken it.
    pub(super) handed: u64,
    /// Batches that the command has taken.
    pub batches: u64,
    /// The file of keys, if there is one.
    pub(super) keys: Option<KeyFile>,
    /// Requests, over all sessions.
    pub requests: RequestCounts,
    /// Time spent waiting, over all sessions, by the machine's clock.
    pub elapsed: Duration,
    /// How it ended; `None` while it goes on, and when it was broken off.
    pub finished: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: u32,
    crc32: String,
    wait: Box<RawValue>,
}

impl WaitMark {
    /// How far the last wait of the job is, or was, whose folder is at `folder`; `None` if there was none.
    /// Takes no lock; for looking only.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub fn peek(folder: &Path) -> Result<Option<Self>, CheckpointError> {
        Self::read(&folder.join(NAME))
    }

    /// The mark at `path`, if there is one.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
        let failed = |source| CheckpointError::Io { what: "read", path: path.to_owned(), source };
        match std::fs::metadata(path) {
            Ok(found) if found.len() > MAX_FILE => {
                return Err(damaged("it is larger than any of its kind".to_owned()));
            }
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(e)),
        }
        let bytes = std::fs::read(path).map_err(failed)?;
        let envelope: Envelope = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        if envelope.format != FORMAT {
            let what = format!("its format is {}, and this version reads {FORMAT}", envelope.format);
            return Err(damaged(what));
        }
        if envelope.crc32 != sum(envelope.wait.get()) {
            return Err(damaged("its checksum does not match its content".to_owned()));
        }
        serde_json::from_str(envelope.wait.get()).map(Some).map_err(|e| damaged(e.to_string()))
    }

    /// Puts it at `path`, durably.
    pub(super) fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        let text = serde_json::to_string(self).and_then(|text| {
            let wait = RawValue::from_string(text)?;
            serde_json::to_vec(&Envelope { format: FORMAT, crc32: sum(wait.get()), wait })
        });
        text.map_err(io::Error::other)
            .and_then(|text| replace_file(path, &text))
            .map_err(|source| CheckpointError::Io { what: "write", path: path.to_owned(), source })?;
        pass(CommitPoint::WaitSaved);
        Ok(())
    }
}

fn sum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        assert!(WaitMark::read(&path).unwrap().is_none());
        let mark = WaitMark { ready: 7, polls: 2, run_id: "r".to_owned(), ..WaitMark::default() };
        mark.save(&path).unwrap();
        assert_eq!(WaitMark::read(&path).unwrap().unwrap().ready, 7);
        let text = std::fs::read_to_string(&path).unwrap();
        for bad in [
            text.replace("\"ready\":7", "\"ready\":8"),
            text.replace("\"format\":1", "\"format\":2"),
            String::new(),
        ] {
            std::fs::write(&path, bad).unwrap();
            assert!(matches!(WaitMark::read(&path), Err(CheckpointError::Damaged { .. })));
        }
    }
}
