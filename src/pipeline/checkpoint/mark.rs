//! The mark: how far the report is durable, and everything needed to go on from there.
//!
//! # The file
//! One JSON object: `format`, `finished`, `sha256` of the mark's text, `mark`. `format` numbers the
//! layout of *all* files in the state folder (mark, journal, rows set aside), since none is read
//! without the mark.
//!
//! # Older and newer readers
//! * Any field that is added, dropped or changes its meaning, in any of these files, takes a new
//!   [`FORMAT`]. Unknown fields are refused, so that this rule cannot be forgotten.
//! * A reader looks at `format` and `finished` before anything else, in whatever surroundings they
//!   stand; every version writes these two. It takes its own number, and older ones back to
//!   [`OLDEST`] where what they lack can be left out with honesty.
//! * An older binary thus refuses the unfinished run of a newer one, and a newer one that of one that
//!   is too old, by the number; neither guesses at the rest or changes a file. The run is finished by the
//!   version that began it, or begun anew (`--fresh`). There is no migration: an unfinished run
//!   lives for hours, not for years.
//! * A finished run is never gone on with, so that its mark is replaced whatever its number.
//!
//! Formats 1 and 2 were never released. Format 3: checksums over the report's and the waiting rows'
//! durable parts and over each line of the journal; what is about to be asked for is journaled. Format
//! 4: whether a running restore or a lapsing copy was left undone; rows have flags, which are counted;
//! what a run left over its budget, and whether its size was confirmed. Format 5: what was done when,
//! and what the last run lets this one expect, and the finished files where the report is not plain CSV;
//! a run of format 4 goes on without either. Format 6: rows that wait are packed; a run of an older one
//! goes on if none wait. Format 7: rows of the first range may wait, too.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::fault::CheckpointError;
use crate::model::{Action, Expected, Outcome, RequestCounts, Tally, Timeline, hex, unhex};
use crate::pipeline::budget::Left;
use crate::pipeline::report::{Durable, Extent, Reached, Segment, shown_key};
use crate::pipeline::source::RangeId;

/// A file larger than this is no mark: one of a listing of a billion keys in 256 ranges has some 60 MB.
pub(super) const MAX_MARK: u64 = 256 << 20;

/// The layout that this version writes.
pub(super) const FORMAT: u32 = 7;
/// The oldest layout that this version reads, if no rows wait.
const OLDEST: u32 = 4;
/// The oldest layout that this version reads in any case.
pub(super) const PACKED: u32 = 6;

/// A key in a text file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
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
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub aside: VecDeque<Extent>,
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
#[serde(deny_unknown_fields)]
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
    /// What of the report is durable.
    pub written: Durable,
    /// Rows in it and in what is set aside.
    pub rows: u64,
    /// What is left of the listing, in key order; empty when all of it is done.
    pub ranges: Vec<MarkedRange>,
    /// What of the rows set aside is durable.
    pub aside: Durable,
    /// Whether the report is whole: all that is left is to give it its form and its name, and to say so.
    pub sealed: bool,
    /// The finished files, the report itself first, once they are on disk; empty where the report stays
    /// plain CSV.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<FinishedFile>,
    /// When the last of the copies that were asked for may lapse; `None` if none has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies_until: Option<Timestamp>,
    /// Whether a restore that runs or a copy that lapses was not asked for as wished, for want of budget
    /// or because the store refused: the next run may not count on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    /// What the rows so far left over the budget.
    #[serde(default, skip_serializing_if = "Left::is_nothing")]
    pub left: Left,
    /// Whether somebody agreed to how much the run asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed: bool,
    /// Counts over all sessions.
    pub tally: Tally,
    /// Requests over all sessions.
    pub requests: RequestCounts,
    /// Time spent working, over all sessions.
    pub elapsed: Duration,
    /// What was done when, over all sessions; `None` if the run's beginning was not taken down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// What the last finished run of the same job lets this one expect.
    #[serde(default)]
    pub expected: Expected,
    /// Sessions so far, this one included.
    pub sessions: u32,
    /// How the run ended; `None` while it is unfinished.
    pub finished: Option<String>,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinishedFile {
    /// Where it stands.
    pub path: PathBuf,
    /// All of it.
    pub whole: Durable,
}

impl FinishedFile {
    /// Its SHA-256 in lower-case hexadecimal. JSON lines of no row are an empty file, which has one, too.
    #[must_use]
    pub fn sha256(&self) -> String {
        if self.whole.len == 0 { checksum("") } else { self.whole.sha256().to_owned() }
    }
}

/// What stands in the mark's file: the layout's number, the mark as text, and that text's checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    format: u32,
    finished: bool,
    sha256: String,
    mark: Box<RawValue>,
}

/// All that is read of a file before its layout is known.
#[derive(Deserialize)]
struct Stamp {
    format: u32,
    #[serde(default)]
    finished: bool,
}

/// When the copy that `outcome` asked for may lapse; `None` if nothing was asked for, or the class
/// keeps the copy for good. The days count from when the copy is there, so this is early by hours.
pub(in crate::pipeline) fn copy_until(outcome: &Outcome) -> Option<Timestamp> {
    if !matches!(outcome.action, Action::Requested | Action::Extended) {
        return None;
    }
    let days = SignedDuration::from_hours(24 * i64::from(outcome.days?));
    Some(outcome.checked_at.saturating_add(days).unwrap_or(Timestamp::MAX))
}

impl Mark {
    /// The text of the mark's file.
    ///
    /// # Errors
    /// None that can be met: all of it can be written as JSON.
    pub(super) fn to_text(&self) -> serde_json::Result<String> {
        let mark = RawValue::from_string(serde_json::to_string(self)?)?;
        let (finished, sha256) = (self.finished.is_some(), checksum(mark.get()));
        serde_json::to_string(&Envelope { format: FORMAT, finished, sha256, mark })
    }

    /// Reads the bytes of the mark's file at `path`.
    ///
    /// # Errors
    /// If the layout is another one, or anything is not as it was written.
    pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
        let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text".to_owned()))?;
        if text.is_empty() {
            return Err(damaged("it is empty".to_owned()));
        }
        let Stamp { format, finished } = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        if !(OLDEST..=FORMAT).contains(&format) {
            return Err(CheckpointError::Foreign { path: path.to_owned(), found: format, finished });
        }
        let envelope: Envelope = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        if checksum(envelope.mark.get()) != envelope.sha256 {
            return Err(damaged("its checksum does not match its content".to_owned()));
        }
        let mark: Self = serde_json::from_str(envelope.mark.get()).map_err(|e| damaged(e.to_string()))?;
        if format < PACKED && mark.aside.len > 0 {
            return Err(CheckpointError::Foreign { path: path.to_owned(), found: format, finished });
        }
        match mark.segments() {
            Some(_) => Ok(mark),
            None => Err(damaged("a marked key is not hexadecimal".to_owned())),
        }
    }

    /// What is left of the listing; `None` if the mark was tampered with.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<Segment>> {
        (0..).zip(&self.ranges).map(|(id, range)| range.segment(RangeId(id))).collect()
    }

    /// The last key up to which every key is done, as the report spells it.
    #[must_use]
    pub fn reached(&self) -> Option<&str> {
        self.ranges.first().and_then(|range| range.after.as_ref()).map(MarkedKey::shown)
    }

    /// Whether nothing has been done yet.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.rows == 0 && self.tally.listed == 0
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

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
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

    #[test]
    fn another_layout_is_told_by_its_number_whatever_else_it_holds() {
        for (text, found) in [
            (r#"{"format":2,"sha256":"","mark":{}}"#, Some(2)),
            (r#"{"format":3,"finished":false,"sha256":"","mark":{}}"#, Some(3)),
            (r#"{"written_by":"defrost 9","format":8}"#, Some(8)),
            (r#"{"format":4,"finished":false,"sha256":"","mark":{},"more":1}"#, None),
            (r#"{"format":4}"#, None),
            (r#"{"format":"4"}"#, None),
            ("", None),
            ("[]", None),
        ] {
            match (Mark::read(Path::new("checkpoint.json"), text.as_bytes()), found) {
                (Err(CheckpointError::Foreign { found: told, .. }), Some(found)) => assert_eq!(told, found),
                (Err(CheckpointError::Damaged { .. }), None) => {}
                (other, _) => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_copy_lapses_by_the_days_that_were_asked_for() {
        let at: Timestamp = "2026-11-21T01:00:00Z".parse().unwrap();
        let mut outcome = Outcome::seen(crate::model::State::Restoring, None, at);
        outcome.days = Some(7);
        assert_eq!(copy_until(&outcome), None, "nothing was asked for");
        for action in [Action::Requested, Action::Extended] {
            outcome.action = action;
            assert_eq!(copy_until(&outcome).unwrap().to_string(), "2026-11-28T01:00:00Z");
        }
        outcome.days = None;
        assert_eq!(copy_until(&outcome), None, "the class keeps it");
    }
}
