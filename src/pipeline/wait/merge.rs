//! The end of a run: what its report says of objects that are being restored goes into the memory.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::memory::{Memory, NAME, Open, Records, Tail, Writer};
use super::sorted::Sorter;
use crate::job::{Job, Rows as Which, Verb, Versions};
use crate::model::{Action, State, Tier};
use crate::pipeline::checkpoint::{CheckpointError, StateDir};
use crate::pipeline::report::{ReadError, Row, Rows};

/// How long an object is remembered that reports leave out: longer than any restore takes, unless
/// something is wrong.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

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
    let memory = Memory::open(&state.file(NAME))?;
    let versioned = job.source.versions != Versions::Current;
    // A list may name versions.
    let fits = |memory: &Memory| job.source.key_list.is_some() || memory.tail().versioned == versioned;
    Ok(memory.filter(|memory| memory.tail().target == target(job) && fits(memory)))
}

/// Whether the report of `job` names every object that is being restored.
#[must_use]
pub const fn tells_all(job: &Job) -> bool {
    match job.report.rows {
        Which::All => true,
        // Who asks for nothing changes nothing.
        Which::Changed => matches!(job.verb, Verb::Restore),
        Which::Failed => false,
    }
}

/// Takes the finished `report` of the run `run_id`, at the time `now`, into the memory: what is restoring by it is kept,
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
    (run_id, now): (&str, Timestamp),
) -> Result<(), MergeError> {
    let mut rows = Rows::open(report)?;
    let mut known = Known::of(former)?;
    let mut writer = Writer::begin(&state.file(NAME))?;
    let mut versioned = job.source.versions != Versions::Current;
    let kept_from = kept_from(job, now);
    let mut add = |found: Open| {
        known.pass(Some(&found.key), kept_from, &mut writer)?;
        let before = known.take(&found);
        versioned |= !found.version.is_empty();
        writer.put(&match before {
            Some(before) if !found.asked => {
                Open { class: found.class, access_tier: found.access_tier, ..before }
            }
            _ => found,
        })
    };
    if job.source.key_list.is_some() {
        let mut sorter = Sorter::new(job.state_dir.clone());
        while let Some(row) = rows.next_row()? {
            if let Some(found) = restoring(&row)? {
                sorter.put(found)?;
            }
        }
        let mut in_order = sorter.sorted()?;
        while let Some(found) = in_order.next()? {
            add(found)?;
        }
    } else {
        while let Some(row) = rows.next_row()? {
            if let Some(found) = restoring(&row)? {
                add(found)?;
            }
        }
    }
    known.pass(None, kept_from, &mut writer)?;
    versioned |= known.kept_version;
    // What a wait has not handed on yet stays where it is; its counts begin anew.
    let (outbox, outbox_len) =
        former.map_or((0, 0), |memory| (memory.tail().outbox, memory.tail().outbox_len));
    writer.publish(Tail {
        target: target(job),
        versioned,
        run_id: run_id.to_owned(),
        outbox,
        outbox_len,
        ..Tail::default()
    })?;
    Ok(())
}

/// From when on objects are remembered that the report does not name: only where the job leaves out
/// what is being restored, so that its silence means nothing. So does a retry: the next one may be of another
/// list. But what is older than the last run of the job that it repeats, that run has seen.
fn kept_from(job: &Job, now: Timestamp) -> Option<Timestamp> {
    let state = &job.filter.state;
    let silent = (!state.is_empty() && !state.contains(&State::Restoring)) || job.filter.max_objects > 0;
    let longest = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    if let Some(folder) = job.retried_state_dir() {
        // A mark of another version tells no time: too much is kept then, which does no harm.
        let run = StateDir::peek(&folder).ok().flatten();
        return Some(run.map_or(longest, |run| run.started_at.max(longest)));
    }
    silent.then_some(longest)
}

/// What `row` says of an object that is being restored; `None` if its object is not.
fn restoring(row: &Row<'_>) -> Result<Option<Open>, ReadError> {
    if State::from_word(row.text("state")) != Some(State::Restoring) {
        return Ok(None);
    }
    let checked_at: Timestamp =
        row.text("checked_at").parse().map_err(|_| row.fault("its checked_at is no time"))?;
    // In whole seconds, and not before the store heard of it.
    let second = checked_at.as_second() + i64::from(checked_at.subsec_nanosecond() > 0);
    let asked = Action::from_word(row.text("action")) == Some(Action::Requested);
    Ok(Some(Open {
        key: row.key()?,
        version: row.field("version_id").to_vec(),
        class: row.text("storage_class").to_owned(),
        access_tier: row.text("access_tier").to_owned(),
        tier: Tier::from_word(row.text("tier")).filter(|_| asked),
        asked,
        since: Timestamp::from_second(second).unwrap_or(checked_at),
    }))
}

/// A memory read alongside a listing.
struct Known {
    records: Option<Records>,
    /// Those of one key, and the first one behind it.
    key: Vec<Open>,
    next: Option<Open>,
    /// Whether one that was kept has a version.
    kept_version: bool,
}

impl Known {
    fn of(memory: Option<&Memory>) -> Result<Self, CheckpointError> {
        let mut records = memory.map(Memory::records).transpose()?;
        let next = records.as_mut().map(Records::next).transpose()?.flatten();
        Ok(Self { records, key: Vec::new(), next, kept_version: false })
    }

    /// Goes on to `key`, or to the end. What was not taken on the way is written, if it is to be kept
    /// and since `kept_from`.
    fn pass(
        &mut self,
        key: Option<&[u8]>,
        kept_from: Option<Timestamp>,
        writer: &mut Writer,
    ) -> Result<(), CheckpointError> {
        if key.is_some() && self.key.first().map(|open| open.key.as_slice()) == key {
            return Ok(());
        }
        let mut keep = |open: &Open| match kept_from {
            Some(from) if open.since >= from => {
                self.kept_version |= !open.version.is_empty();
                writer.put(open)
            }
            _ => Ok(()),
        };
        self.key.drain(..).try_for_each(|open| keep(&open))?;
        while let Some(open) = self.next.take_if(|open| key.is_none_or(|key| open.key.as_slice() <= key)) {
            if key == Some(open.key.as_slice()) {
                self.key.push(open);
            } else {
                keep(&open)?;
            }
            self.next = self.records.as_mut().map(Records::next).transpose()?.flatten();
        }
        Ok(())
    }

    /// What is known of the object, whose key has been gone on to.
    fn take(&mut self, found: &Open) -> Option<Open> {
        let at = self.key.iter().position(|open| open.version == found.version)?;
        Some(self.key.swap_remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{KeyList, Overrides, from_url};

    const HEADER: &str = "key,version_id,storage_class,state,action,tier,checked_at\n";

    fn job(verb: Verb) -> Job {
        let over =
            Overrides { days: (verb == Verb::Restore).then(|| "2".to_owned()), ..Overrides::default() };
        from_url(verb, "s3://bucket/", &over, &crate::job::Env::new()).unwrap()
    }

    /// Takes reports, one after the other, into the memory of `job`; what is remembered then.
    fn after(mut job: Job, reports: &[&[&str]]) -> Vec<(String, bool, String)> {
        let folder = tempfile::tempdir().unwrap();
        job.state_dir = folder.path().to_owned();
        let state = StateDir::open(folder.path()).unwrap();
        let report = folder.path().join("r.csv");
        for (night, rows) in (1..).zip(reports) {
            let now: Timestamp = format!("2026-11-{night:02}T02:00:00Z").parse().unwrap();
            let rows: Vec<String> = rows.iter().map(|row| format!("{row},{now}\n")).collect();
            std::fs::write(&report, format!("{HEADER}{}", rows.concat())).unwrap();
            let former = remembered(&state, &job).unwrap();
            merge(&state, &job, former.as_ref(), &report, ("run", now)).unwrap();
            // A crash before the run was called finished: the same again.
            let former = remembered(&state, &job).unwrap();
            merge(&state, &job, former.as_ref(), &report, ("run", now)).unwrap();
        }
        let memory = remembered(&state, &job).unwrap().unwrap();
        let mut records = memory.records().unwrap();
        let mut all = Vec::new();
        while let Some(open) = records.next().unwrap() {
            let day = open.since.to_string()[8..10].to_owned();
            all.push((String::from_utf8(open.key).unwrap(), open.asked, day));
        }
        all
    }

    fn told(wanted: &[(&str, bool, &str)]) -> Vec<(String, bool, String)> {
        wanted.iter().map(|(key, asked, day)| ((*key).to_owned(), *asked, (*day).to_owned())).collect()
    }

    #[test]
    fn the_first_time_counts_and_what_is_over_is_forgotten() {
        let nights: &[&[&str]] = &[
            &[
                "a,,GLACIER,restoring,requested,Bulk",
                "b,,GLACIER,restoring,already,",
                "c,,GLACIER,restored,none,",
            ],
            &[
                "a,,GLACIER,restoring,already,",
                "b,,GLACIER,restored,none,",
                "c,,GLACIER,restoring,requested,",
            ],
            &[
                "a,,GLACIER,restoring,already,",
                "b,,GLACIER,restoring,already,",
                "c,,GLACIER,restoring,already,",
            ],
        ];
        let wanted = told(&[("a", true, "01"), ("b", false, "03"), ("c", true, "02")]);
        assert_eq!(after(job(Verb::Restore), nights), wanted);
    }

    #[test]
    fn a_job_that_leaves_out_what_is_restoring_forgets_it_later() {
        let nights: &[&[&str]] = &[
            &["b,,GLACIER,restoring,requested,Bulk", "d,,GLACIER,restoring,requested,Bulk"],
            &["a,,GLACIER,restoring,requested,Bulk", "c,,GLACIER,restoring,requested,Bulk"],
            &["d,,GLACIER,restoring,requested,Bulk"],
        ];
        let mut silent = job(Verb::Restore);
        silent.filter.state = vec![State::Archived, State::Expired];
        let wanted = told(&[("a", true, "02"), ("b", true, "01"), ("c", true, "02"), ("d", true, "03")]);
        assert_eq!(after(silent.clone(), nights), wanted);
        let mut later = nights.to_vec();
        later.resize(16, &[]);
        assert_eq!(after(silent, &later), told(&[("a", true, "02"), ("c", true, "02"), ("d", true, "03")]));
        assert_eq!(after(job(Verb::Restore), nights), told(&[("d", true, "03")]));
    }

    #[test]
    fn reports_in_the_order_of_a_list_lead_to_a_memory_in_the_order_of_keys() {
        let mut named = job(Verb::Restore);
        named.source.key_list = Some(KeyList::Keys { file: None, nul: false });
        let nights: &[&[&str]] = &[
            &[
                "c,,GLACIER,restoring,requested,",
                "a,,GLACIER,restoring,already,",
                "c,,GLACIER,restoring,already,",
            ],
            &[
                "c,v1,GLACIER,restoring,requested,",
                "a,,GLACIER,restoring,already,",
                "c,,GLACIER,restoring,already,",
            ],
        ];
        let wanted = told(&[("a", false, "01"), ("c", true, "01"), ("c", true, "02")]);
        assert_eq!(after(named, nights), wanted);
    }
}
