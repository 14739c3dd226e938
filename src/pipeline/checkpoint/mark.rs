//! The mark: how far the report is durable, and everything needed to go on from there.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{RequestCounts, Tally, hex, unhex};
use crate::pipeline::report::{Extent, Reached, Segment, shown_key};
use crate::pipeline::source::RangeId;

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
        Self { hex: hex(key), shown: shown_key(key).0.into_owned() }
    }

    /// The key's exact bytes; `None` if the mark was tampered with.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        unhex(&self.hex)
    }

    /// The key for people.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// A stretch of keys that is not done yet, and the rows in front of it that wait for their turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkedRange {
    /// The last key that is done; `None` at the beginning of the listing.
    pub after: Option<MarkedKey>,
    /// Its version, in listings of versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_version: Option<MarkedKey>,
    /// The last key of the stretch, inclusive; `None` at the end of the listing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<MarkedKey>,
    /// Rows set aside, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<Extent>,
    /// Whether its keys are done and only its rows wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

impl MarkedRange {
    /// The range of a segment.
    #[must_use]
    pub fn of(segment: &Segment) -> Self {
        let version = segment.reached.as_ref().map(|at| &at.version).filter(|version| !version.is_empty());
        Self {
            after: segment.reached.as_ref().map(|at| MarkedKey::new(&at.key)),
            after_version: version.map(|version| MarkedKey::new(version)),
            until: segment.until.as_ref().map(|key| MarkedKey::new(key)),
            aside: segment.aside.clone(),
            done: segment.done,
        }
    }

    /// The segment, named `id`; `None` if the mark was tampered with.
    #[must_use]
    pub fn segment(&self, id: RangeId) -> Option<Segment> {
        let reached = match &self.after {
            None => None,
            Some(key) => {
                let version = self.after_version.as_ref().map_or(Some(Vec::new()), MarkedKey::bytes)?;
                Some(Reached { key: key.bytes()?, version })
            }
        };
        let until = match &self.until {
            None => None,
            Some(key) => Some(key.bytes()?),
        };
        Some(Segment { id, reached, until, aside: self.aside.clone(), done: self.done })
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
    /// What is left of the listing, in key order; empty when all of it is done.
    pub ranges: Vec<MarkedRange>,
    /// Bytes of the rows set aside that are durable.
    pub aside_len: u64,
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
    /// What is left of the listing; `None` if the mark was tampered with.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<Segment>> {
        (0..).zip(&self.ranges).map(|(id, range)| range.segment(RangeId(id))).collect()
    }

    /// The last key up to which the report holds every row, as the report spells it.
    #[must_use]
    pub fn reached(&self) -> Option<&str> {
        self.ranges.first().and_then(|range| range.after.as_ref()).map(MarkedKey::shown)
    }

    /// Whether nothing has been done yet.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        matches!(self.ranges.as_slice(), [only] if only.after.is_none()) && self.rows == 0
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
