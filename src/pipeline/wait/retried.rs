//! What a retry asked for is waited for by the job that it repeats: its memory goes into that of the job.

use super::ended::WaitError;
use super::memory::{Memory, NAME, Open, Records, Tail, Writer};
use super::merge::target;
use crate::job::{Job, is_of_retry};
use crate::pipeline::checkpoint::{CheckpointError, StateDir};

/// The memory of `job`, whose folder is `state`, with what its last retry left restoring in it; the retry's
/// own is empty then. A retry before the last run of the job tells nothing that the run has not seen. Done twice, it
/// does no more than once.
///
/// # Errors
/// If the retry is unfinished or under way, or a memory cannot be read or written.
pub(super) fn with_retry(
    job: &Job,
    state: &StateDir,
    own: Option<Memory>,
) -> Result<Option<Memory>, WaitError> {
    let folder = job.retry_state_dir();
    let mark = match StateDir::peek(&folder) {
        // As with the job's own: that of a finished run may be of any version.
        Err(CheckpointError::Foreign { finished: true, .. }) => None,
        found => found?,
    };
    // The folder is only a name, which another job may bear.
    let Some(mark) = mark.filter(|mark| is_of_retry(&mark.identity)) else { return Ok(own) };
    // A mark of another version tells no time: what the retry left is looked at then, which does no harm.
    let run = StateDir::peek(&job.state_dir).ok().flatten();
    if run.as_ref().is_some_and(|run| run.started_at >= mark.started_at) {
        return Ok(own);
    }
    if mark.finished.is_none() {
        return Err(WaitError::RetryUnfinished { job: job.name.clone() });
    }
    let path = folder.join(NAME);
    if !path.exists() {
        return Ok(own);
    }
    let retry = StateDir::open(&folder)?;
    let fits = |memory: &Memory| {
        let (tail, own) = (memory.tail(), own.as_ref().map(Memory::tail));
        // Where only one of them tells versions apart, no listing shows the objects of both.
        tail.records > 0
            && tail.target == target(job)
            && own.is_none_or(|own| own.versioned == tail.versioned)
    };
    let Some(retried) = Memory::open(&path)?.filter(fits) else { return Ok(own) };
    let mut writer = Writer::begin(&state.file(NAME))?;
    join(own.as_ref(), &retried, &mut writer)?;
    let tail = own.as_ref().map_or_else(
        || Tail {
            run_id: run.map(|run| run.run_id).unwrap_or_default(),
            target: target(job),
            versioned: retried.tail().versioned,
            ..Tail::default()
        },
        |own| own.tail().clone(),
    );
    let joined = writer.publish(tail)?;
    // A crash before this leaves both, and what is in the one is not put there again.
    Writer::begin(&retry.file(NAME))?.publish(retried.tail().clone())?;
    Ok(Some(joined))
}

/// Writes what both tell, in listing order, each object once.
fn join(own: Option<&Memory>, retried: &Memory, writer: &mut Writer) -> Result<(), CheckpointError> {
    let mut own = Keys::of(own)?;
    let mut retried = Keys::of(Some(retried))?;
    let (mut mine, mut theirs) = (own.next()?, retried.next()?);
    loop {
        let key = match (mine.first(), theirs.first()) {
            (Some(a), Some(b)) => a.key.clone().min(b.key.clone()),
            (Some(open), None) | (None, Some(open)) => open.key.clone(),
            (None, None) => return Ok(()),
        };
        let mut here = Vec::new();
        if mine.first().is_some_and(|open| open.key == key) {
            here = std::mem::replace(&mut mine, own.next()?);
        }
        if theirs.first().is_some_and(|open| open.key == key) {
            let new = std::mem::replace(&mut theirs, retried.next()?);
            let known: Vec<Vec<u8>> = here.iter().map(|open| open.version.clone()).collect();
            here.extend(new.into_iter().filter(|open| !known.contains(&open.version)));
        }
        here.iter().try_for_each(|open| writer.put(open))?;
    }
}

/// A memory, key by key.
struct Keys {
    records: Option<Records>,
    next: Option<Open>,
}

impl Keys {
    fn of(memory: Option<&Memory>) -> Result<Self, CheckpointError> {
        let mut records = memory.map(Memory::records).transpose()?;
        let next = records.as_mut().map(Records::next).transpose()?.flatten();
        Ok(Self { records, next })
    }

    /// All objects of the next key; none at the end.
    fn next(&mut self) -> Result<Vec<Open>, CheckpointError> {
        let mut all: Vec<Open> = self.next.take().into_iter().collect();
        let Some(records) = &mut self.records else { return Ok(all) };
        while let Some(first) = all.first() {
            match records.next()? {
                Some(open) if open.key == first.key => all.push(open),
                other => {
                    self.next = other;
                    break;
                }
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn open(key: &str, version: &str, second: i64) -> Open {
        Open {
            key: key.into(),
            version: version.into(),
            class: String::new(),
            access_tier: String::new(),
            tier: None,
            asked: true,
            since: Timestamp::from_second(second).unwrap(),
        }
    }

    /// Written to a file called `name`.
    fn memory(folder: &std::path::Path, name: &str, all: &[(&str, &str, i64)]) -> Memory {
        let mut writer = Writer::begin(&folder.join(name)).unwrap();
        for (key, version, second) in all {
            writer.put(&open(key, version, *second)).unwrap();
        }
        writer.publish(Tail::default()).unwrap()
    }

    #[test]
    fn both_are_in_what_is_joined_in_order_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let own = [("a", "", 1), ("c", "2", 1), ("c", "1", 1), ("z", "", 1)];
        let retried = [("b", "", 2), ("c", "1", 2), ("c", "3", 2), ("d", "", 2)];
        let wanted = [
            ("a", "", 1),
            ("b", "", 2),
            ("c", "2", 1),
            ("c", "1", 1),
            ("c", "3", 2),
            ("d", "", 2),
            ("z", "", 1),
        ];
        let mine = memory(folder.path(), "own", &own);
        let theirs = memory(folder.path(), "retried", &retried);
        for (own, other, wanted) in
            [(Some(&mine), &theirs, &wanted[..]), (None, &theirs, &retried), (Some(&mine), &mine, &own)]
        {
            let mut writer = Writer::begin(&folder.path().join("joined")).unwrap();
            join(own, other, &mut writer).unwrap();
            let mut records = writer.publish(Tail::default()).unwrap().records().unwrap();
            for (key, version, second) in wanted {
                assert_eq!(records.next().unwrap(), Some(open(key, version, *second)));
            }
            assert_eq!(records.next().unwrap(), None);
        }
    }
}
