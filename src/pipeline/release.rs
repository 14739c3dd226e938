//! Giving readable copies back before they lapse: the objects that a CSV names, one request each.
//!
//! Beside the six stages, since nothing is listed. It keeps no checkpoint: a release is safe to
//! repeat, and an object whose copy is gone already says so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::act::{NoOutcome, refused};
use super::report::{ReadError, Render, Report, ReportError, Row, Rows, shown_key};
use super::stop::{Step, Stop};
use crate::job::Job;
use crate::model::{
    Access, Action, Clock, Event, Kind, Listed, Notice, Outcome, Reason, RestoreMark, State, Tally, Tell,
};
use crate::store::{Released, Store, StoreError};

/// Rows that are under way at once; the client's permits bound what is on the wire.
const UNDER_WAY: usize = 1000;
/// Between two lines that say how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How a release ended.
#[derive(Clone, Debug)]
pub struct GivenBack {
    /// What became of the objects.
    pub tally: Tally,
    /// Whether every row was worked on.
    pub complete: bool,
}

/// Why a release could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The list of objects cannot be read.
    #[error(transparent)]
    List(#[from] ReadError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A refusal that every further request would meet.
    #[error("the store refuses this release")]
    Doomed(#[from] StoreError),
}

/// An object that a row names, with what else the row says of it.
#[derive(Clone, Debug)]
struct Named {
    key: Vec<u8>,
    version_id: Vec<u8>,
    is_latest: bool,
    class: Vec<u8>,
    access_tier: Vec<u8>,
    size: u64,
    etag: Vec<u8>,
    last_modified: Option<Timestamp>,
}

impl Named {
    fn of(row: &Row<'_>, bucket: &str) -> Result<Self, ReadError> {
        let there = row.text("bucket");
        if !there.is_empty() && there != bucket {
            return Err(row.fault(format!("it names an object of the bucket `{there}`, not of `{bucket}`")));
        }
        Ok(Self {
            key: row.key()?,
            version_id: row.field("version_id").to_vec(),
            is_latest: row.field("is_latest") != b"false",
            class: row.field("storage_class").to_vec(),
            access_tier: row.field("access_tier").to_vec(),
            size: row.text("size").parse().unwrap_or_default(),
            etag: row.field("etag").to_vec(),
            last_modified: row.text("last_modified").parse().ok(),
        })
    }

    fn listed(&self) -> Listed<'_> {
        Listed {
            kind: Kind::Object,
            key: &self.key,
            version_id: &self.version_id,
            is_latest: self.is_latest,
            class: &self.class,
            access: Access::Archived,
            access_tier: &self.access_tier,
            size: self.size,
            etag: &self.etag,
            last_modified: self.last_modified,
            restore: RestoreMark::Unsaid,
        }
    }
}

/// Reads `list` through, and says how many objects of `bucket` it names. Sends nothing.
///
/// # Errors
/// If it cannot be read, or names an object of another bucket.
pub fn listed(list: &Path, bucket: &str) -> Result<u64, ReadError> {
    let mut rows = Rows::open(list)?;
    let mut count = 0;
    while let Some(row) = rows.next_row()? {
        Named::of(&row, bucket)?;
        count += 1;
    }
    Ok(count)
}

/// Gives back the copies of the objects that `list` names, and writes a row for each to `report`, in
/// the order of the list.
///
/// # Errors
/// When it cannot go on; what was done stands in the partial report.
pub async fn release<S: Store>(
    job: &Job,
    list: &Path,
    report: &Path,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    tell: &dyn Tell,
    stop: &Stop,
) -> Result<GivenBack, ReleaseError> {
    let bucket = &job.source.bucket;
    let mut rows = Rows::open(list)?;
    let mut report = Report::create(report)?;
    let objects = std::iter::from_fn(|| match rows.next_row() {
        Ok(Some(row)) => Some(Named::of(&row, bucket)),
        Ok(None) => None,
        Err(error) => Some(Err(error)),
    });
    let mut answers = stream::iter(objects)
        .map(async |object: Result<Named, ReadError>| {
            let object = object?;
            let outcome = give_back(&*store, &*clock, &object).await;
            Ok::<_, ReadError>((object, outcome))
        })
        .buffered(UNDER_WAY);
    let mut tally = Tally::default();
    let mut complete = true;
    let mut told = clock.monotonic();
    let mut halted = false;
    loop {
        let next = tokio::select! {
            biased;
            _ = stop.beyond(Step::Go), if !halted => {
                halted = true;
                store.halt();
                continue;
            }
            next = answers.next() => next,
        };
        let Some(answer) = next else { break };
        let (object, outcome) = answer?;
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(NoOutcome::Halted { .. } | NoOutcome::Late { .. }) => {
                complete = false;
                break;
            }
            Err(NoOutcome::Doomed(error)) => {
                report.sync()?;
                return Err(error.into());
            }
        };
        let mut render = Render::new(bucket, 1);
        render.row(&object.listed(), &outcome, None);
        report.append(&render.finish())?;
        tally.listed += 1;
        tally.add(&object.listed(), &outcome, || shown_key(&object.key).0.into_owned());
        if outcome.action == Action::Failed {
            let cause = outcome.error_code.as_deref().or(outcome.reason.map(Reason::as_str));
            let cause = cause.unwrap_or_default().to_owned();
            let key = shown_key(&object.key).0.into_owned();
            tell.tell(Event::Notice(Notice::ObjectFailed { key, cause }));
        }
        if clock.monotonic().saturating_sub(told) >= TELL_EVERY {
            told = clock.monotonic();
            let (done, given) = (tally.listed, tally.action(Action::Released).objects);
            tell.tell(Event::Notice(Notice::Remark(format!("{done} objects asked for, {given} released"))));
        }
    }
    report.sync()?;
    if complete {
        report.name()?;
    }
    Ok(GivenBack { tally, complete })
}

/// Gives one copy back.
async fn give_back(store: &impl Store, clock: &dyn Clock, object: &Named) -> Result<Outcome, NoOutcome> {
    let seen = |state| Outcome::seen(state, None, clock.now());
    // Where the list tells the class, nothing is sent for what never had a copy.
    if !object.class.is_empty() && store.offer(&object.class, &object.access_tier).is_none() {
        return Ok(Outcome { reason: Some(Reason::Class), ..seen(State::Readable) });
    }
    if !store.addressable(&object.key) {
        let (action, reason) = (Action::Failed, Some(Reason::UnsafeKey));
        return Ok(Outcome { action, reason, ..seen(State::Unknown) });
    }
    let answered = match store.release(&object.key, &object.version_id).await {
        Ok(answered) => answered,
        Err(error) => return refused(seen(State::Unknown), error),
    };
    let answer = answered.answer;
    let (state, action, reason) = match answer.released {
        Released::Given => (State::Archived, Action::Released, None),
        Released::Nothing => (State::Archived, Action::None, None),
        // It cannot be called off; once it is readable it costs, so somebody should know.
        Released::Running => (State::Restoring, Action::Failed, Some(Reason::Refused)),
    };
    Ok(Outcome {
        action,
        reason,
        http_status: Some(answer.status),
        error_code: answer.code,
        request_id: Some(answer.request_id).filter(|id| !id.is_empty()),
        attempts: answered.attempts,
        ..seen(state)
    })
}
