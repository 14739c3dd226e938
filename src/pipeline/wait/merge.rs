//! The end of a run: what its report says of objects that are being restored goes into the memory.

use std::path::Path;

use jiff::Timestamp;

use super::memory::{Memory, NAME, Open, Records, Tail, Writer};
use crate::job::{Job, Rows as Which, Verb, Versions};
use crate::model::{Action, State, Tier};
use crate::pipeline::checkpoint::{CheckpointError, StateDir};
use crate::pipeline::report::{ReadError, Row, Rows};

/// Why the memory could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The report cannot be read back.
    #[error(transparent)]
    Report(#[from] ReadError),
    /// The memory cannot be read or written.
    #[error(transparent)]
    Memory(#[from] CheckpointError),
}

/// What a memory is bound to: scheme and bucket.
#[must_use]
pub fn target(job: &Job) -> String {
    format!("{}://{}", job.source.provider, job.source.bucket)
}

/// The memory of `job`, if there is one of the place that it works on.
///
/// # Errors
/// If it is damaged.
pub fn remembered(state: &StateDir, job: &Job) -> Result<Option<Memory>, CheckpointError> {
    if job.source.key_list.is_some() {
        return Ok(None);
    }
    let memory = Memory::open(&state.file(NAME))?;
    Ok(memory.filter(|memory| memory.is_of(&target(job), job.source.versions != Versions::Current)))
}

/// Whether the report of `job` names every object that is being restored.
#[must_use]
pub const fn tells_all(job: &Job) -> bool {
    // A report in the order of a list of names is in no order that a memory could be kept in.
    if job.source.key_list.is_some() {
        return false;
    }
    match job.report.rows {
        Which::All => true,
        // Who asks for nothing changes nothing.
        Which::Changed => matches!(job.verb, Verb::Restore),
        Which::Failed => false,
    }
}

/// Takes the finished `report` of the run `run_id` into the memory: what is restoring by it is kept,
/// with the time from which it is known to be; everything else is forgotten. Done twice it does no
/// more than once.
///
/// # Errors
/// If the report or the memory cannot be read, or a new memory not be written.
pub fn merge(
    state: &StateDir,
    job: &Job,
    former: Option<&Memory>,
    report: &Path,
    run_id: &str,
) -> Result<(), MergeError> {
    let mut rows = Rows::open(report)?;
    let mut known = Known::of(former)?;
    let mut writer = Writer::begin(&state.file(NAME))?;
    while let Some(row) = rows.next_row()? {
        if State::from_word(row.text("state")) == Some(State::Restoring) {
            let key = row.key()?;
            let before = known.take(&key, row.field("version_id"))?;
            writer.put(&open(&row, key, before)?)?;
        }
    }
    // What a wait has not handed on yet stays where it is; its counts begin anew.
    let (outbox, outbox_len) =
        former.map_or((0, 0), |memory| (memory.tail().outbox, memory.tail().outbox_len));
    writer.publish(Tail {
        target: target(job),
        versioned: job.source.versions != Versions::Current,
        run_id: run_id.to_owned(),
        outbox,
        outbox_len,
        ..Tail::default()
    })?;
    Ok(())
}

/// What `row` says of an object, with what was known `before`.
fn open(row: &Row<'_>, key: Vec<u8>, before: Option<Open>) -> Result<Open, ReadError> {
    let checked_at: Timestamp =
        row.text("checked_at").parse().map_err(|_| row.fault("its checked_at is no time"))?;
    // In whole seconds, and not before the store heard of it.
    let second = checked_at.as_second() + i64::from(checked_at.subsec_nanosecond() > 0);
    let checked_at = Timestamp::from_second(second).unwrap_or(checked_at);
    let asked_now = Action::from_word(row.text("action")) == Some(Action::Requested);
    let class = row.text("storage_class").to_owned();
    let access_tier = row.text("access_tier").to_owned();
    let version = row.field("version_id").to_vec();
    Ok(match before {
        Some(before) if !asked_now => Open { class, access_tier, ..before },
        _ => Open {
            key,
            version,
            class,
            access_tier,
            tier: Tier::from_word(row.text("tier")).filter(|_| asked_now),
            asked: asked_now,
            since: checked_at,
        },
    })
}

/// A memory read alongside a listing.
struct Known {
    records: Option<Records>,
    /// Those of one key, and the first one behind it.
    key: Vec<Open>,
    next: Option<Open>,
}

impl Known {
    fn of(memory: Option<&Memory>) -> Result<Self, CheckpointError> {
        let mut records = memory.map(Memory::records).transpose()?;
        let next = records.as_mut().map(Records::next).transpose()?.flatten();
        Ok(Self { records, key: Vec::new(), next })
    }

    /// What is known of a version; keys are asked for in order.
    fn take(&mut self, key: &[u8], version: &[u8]) -> Result<Option<Open>, CheckpointError> {
        if self.key.first().is_none_or(|open| open.key != key) {
            self.key.clear();
            while let Some(open) = self.next.take_if(|open| open.key.as_slice() <= key) {
                if open.key == key {
                    self.key.push(open);
                }
                self.next = self.records.as_mut().map(Records::next).transpose()?.flatten();
            }
        }
        Ok(self.key.iter().find(|open| open.version == version).cloned())
    }
}
