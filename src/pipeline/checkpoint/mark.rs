//! The mark: how far the report is durable, and everything needed to go on from there.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Position, RequestCounts, Tally};
use crate::pipeline::report::shown_key;

/// A key in a text file: percent-encoded where it is not plain text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MarkedKey {
    /// The key in hexadecimal: exact, whatever its bytes.
    hex: String,
    /// The key for people; not read back.
    #[serde(default)]
    shown: String,
}

impl MarkedKey {
    /// Marks `key`.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        use std::fmt::Write as _;
        let hex = key.iter().fold(String::with_capacity(key.len() * 2), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        });
        Self { hex, shown: shown_key(key).0.into_owned() }
    }

    /// The key's exact bytes; `None` if the mark was tampered with.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        if !self.hex.is_ascii() || !self.hex.len().is_multiple_of(2) {
            return None;
        }
        (0..self.hex.len()).step_by(2).map(|i| u8::from_str_radix(&self.hex[i..i + 2], 16).ok()).collect()
    }

    /// The key for people.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// What a run leaves behind so that it can go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// What the job was, as (field, value) pairs; see `Job::identity`.
    pub identity: Vec<(String, String)>,
    /// Run id, the same over all resumptions.
    pub run_id: String,
    /// When the run first started; what "older than" counts from.
    pub started_at: Timestamp,
    /// When this mark was written.
    pub saved_at: Timestamp,
    /// Where the report stands when finished.
    pub report: PathBuf,
    /// Bytes of the report that are durable.
    pub report_len: u64,
    /// Rows in them.
    pub rows: u64,
    /// The last key that is done; `None` before the first.
    pub after: Option<MarkedKey>,
    /// Its version, in listings of versions.
    #[serde(default)]
    pub after_version: Option<MarkedKey>,
    /// Counts over all sessions.
    pub tally: Tally,
    /// Requests over all sessions.
    pub requests: RequestCounts,
    /// Time spent working, over all sessions.
    pub elapsed: Duration,
    /// Sessions so far, this one included.
    pub sessions: u32,
    /// How the run ended; `None` while it is unfinished.
    pub finished: Option<String>,
}

impl Mark {
    /// Where the listing goes on; `None` if the mark was tampered with.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        Some(match (&self.after, &self.after_version) {
            (None, _) => Position::Start,
            (Some(key), None) => Position::After(key.bytes()?),
            (Some(key), Some(version)) => Position::AfterVersion(key.bytes()?, version.bytes()?),
        })
    }

    /// What differs between the marked job and `identity`, as (field, marked, wanted).
    #[must_use]
    pub fn differences(&self, identity: &[(String, String)]) -> Vec<(String, String, String)> {
        let find = |of: &[(String, String)], field: &str| {
            of.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let mut fields: Vec<&String> = self.identity.iter().chain(identity).map(|(name, _)| name).collect();
        fields.sort();
        fields.dedup();
        fields
            .into_iter()
            .map(|field| (field.clone(), find(&self.identity, field), find(identity, field)))
            .filter(|(_, marked, wanted)| marked != wanted)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_key_comes_back_as_it_was() {
        for key in [&b""[..], b"a/b c", b"\x00\xff\n", "ü%2F".as_bytes()] {
            let text = serde_json::to_string(&MarkedKey::new(key)).unwrap();
            let back: MarkedKey = serde_json::from_str(&text).unwrap();
            assert_eq!(back.bytes().as_deref(), Some(key));
        }
        let bad = MarkedKey { hex: "6g".into(), shown: String::new() };
        assert_eq!(bad.bytes(), None);
    }
}
