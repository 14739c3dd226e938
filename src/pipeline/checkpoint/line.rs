//! The journal's lines: each a JSON object that holds what is said, and a checksum over it.
//!
//! A line is written in one piece, so a crash can only cut off the last one (some file systems then
//! give back zeros for what was not on disk yet). Such a line is dropped: it was not synced, and what
//! it would have said is learnt again from the store. Any other line that is not as it was written
//! makes the file a damaged one.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::fault::CheckpointError;
use super::mark::MarkedKey;
use crate::model::{Outcome, hex, unhex};

/// Bytes of the SHA-256 that a line carries: enough against accidents, which is what it is for.
const SUM: usize = 8;

/// A line of this many bytes is none of ours: a page of 1,000 keys of 1,024 bytes has some 4 MB.
const MAX_LINE: u64 = 16 << 20;

/// Key and version of an object; the version is empty if there is none.
pub type ObjectId = (Vec<u8>, Vec<u8>);

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) key: MarkedKey,
    pub(super) version: MarkedKey,
    pub(super) outcome: Outcome,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Said {
    /// The first line: the run that the file belongs to.
    Begun {
        /// Its id, as in the mark.
        run_id: String,
    },
    /// These objects are about to be asked for: key and version of each in hexadecimal.
    Asking(Vec<(String, String)>),
    /// These of them have not been asked for: the run was stopped before their turn came.
    Unasked(Vec<(String, String)>),
    /// What became of an object.
    Answered(Answer),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sum: String,
    said: Box<RawValue>,
}

/// `said` as a line, its end included.
pub(super) fn text(said: &Said) -> io::Result<Vec<u8>> {
    let said = RawValue::from_string(serde_json::to_string(said)?)?;
    let mut line = serde_json::to_vec(&Line { sum: sum(said.get()), said })?;
    line.push(b'\n');
    Ok(line)
}

/// What `line` says; why it cannot be trusted otherwise.
pub(super) fn said(line: &[u8]) -> Result<Said, String> {
    let Line { sum: told, said } = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    if sum(said.get()) != told {
        return Err("its checksum does not match its content".to_owned());
    }
    serde_json::from_str(said.get()).map_err(|e| e.to_string())
}

fn sum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..SUM])
}

/// What the journal of a run holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// What became of objects, oldest first; a later answer for an object replaces an earlier one.
    pub answers: Vec<(ObjectId, Outcome)>,
    /// Objects that were about to be asked for, and may have been.
    pub asked: BTreeSet<ObjectId>,
    /// Bytes up to which the file is sound: all but a line that a crash cut off.
    pub sound: u64,
}

impl Recorded {
    /// Whether nothing has been sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.asked.is_empty()
    }

    /// Reads the journal at `path`, which must be that of the run `run_id`.
    ///
    /// # Errors
    /// If it cannot be read, belongs to another run, or a line but the last is not as it was written.
    pub(super) fn read(path: &Path, run_id: &str) -> Result<Self, CheckpointError> {
        let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
        let failed = |source| CheckpointError::Io { what: "read the journal", path: path.to_owned(), source };
        let mut file = match File::open(path) {
            Ok(file) => BufReader::new(file),
            // It is made before the first mark of its run.
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(damaged("it is gone".to_owned())),
            Err(e) => return Err(failed(e)),
        };
        let mut recorded = Self::default();
        // What is wrong with the first bad line, if it can be the one that a crash cut off.
        let mut torn: Option<String> = None;
        let (mut begun, mut start, mut line) = (false, 0, Vec::new());
        for number in 1_u64.. {
            line.clear();
            let size = file.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
            if size == 0 {
                break;
            }
            if size as u64 == MAX_LINE {
                return Err(damaged(format!("line {number} is longer than any")));
            }
            let ended = line.ends_with(b"\n");
            let bare = &line[..size - usize::from(ended)];
            let body = &bare[..bare.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
            let untouched = ended && body.len() == bare.len();
            match said(body) {
                _ if body.is_empty() && !untouched => {}
                _ if let Some(what) = torn => return Err(damaged(what)),
                _ if body.is_empty() => recorded.sound = start + 1,
                Ok(Said::Begun { run_id: found }) if found != run_id => {
                    return Err(damaged(format!("it belongs to the run {found}, not to {run_id}")));
                }
                Ok(said) => {
                    begun |= matches!(said, Said::Begun { .. });
                    recorded.take(said).map_err(|what| damaged(format!("line {number}: {what}")))?;
                    recorded.sound = start + body.len() as u64 + u64::from(untouched);
                }
                Err(what) if untouched && !body.contains(&0) => {
                    return Err(damaged(format!("line {number}: {what}")));
                }
                Err(what) => torn = Some(format!("line {number}: {what}")),
            }
            start += size as u64;
        }
        if begun { Ok(recorded) } else { Err(damaged("its beginning is gone".to_owned())) }
    }

    fn take(&mut self, said: Said) -> Result<(), &'static str> {
        const NOT_HEX: &str = "a key is not hexadecimal";
        let ids = |objects: Vec<(String, String)>| {
            let id = |(key, version): (String, String)| Some((unhex(&key)?, unhex(&version)?));
            objects.into_iter().map(id).collect::<Option<Vec<ObjectId>>>().ok_or(NOT_HEX)
        };
        match said {
            Said::Begun { .. } => {}
            Said::Asking(objects) => self.asked.extend(ids(objects)?),
            Said::Unasked(objects) => {
                for id in ids(objects)? {
                    self.asked.remove(&id);
                }
            }
            Said::Answered(Answer { key, version, outcome }) => {
                let id = (key.bytes().ok_or(NOT_HEX)?, version.bytes().ok_or(NOT_HEX)?);
                self.answers.push((id, outcome));
            }
        }
        Ok(())
    }
}
