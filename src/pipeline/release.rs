//! Giving readable copies back before they lapse: the objects that a list names, one request each.
//!
//! Beside the six stages, since nothing is listed. It keeps no checkpoint: a release is safe to
//! repeat, and an object whose copy is gone already says so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use super::act::{NoOutcome, refused};
use super::checkpoint::LiveFile;
use super::report::{About, Render, Report, ReportError, shown_key};
use super::source::{Name, Names, NamesError};
use super::stop::{Step, Stop};
use crate::job::Job;
use crate::model::{
    Access, Action, Clock, Doing, Event, Kind, Listed, Notice, Outcome, Reason, RestoreMark, State, Tally,
    Tell,
};
use crate::store::{Released, Store, StoreError};

/// Rows that are under way at once; the client's permits bound what is on the wire.
const UNDER_WAY: usize = 1000;
/// Between two lines that say how far it is.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How often other processes are told.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

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
    /// The list of objects cannot be read on.
    #[error(transparent)]
    List(#[from] NamesError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A refusal that every further request would meet.
    #[error("the store refuses this release")]
    Doomed(#[from] StoreError),
}

/// A named object as rows tell it: nothing but its name is known.
fn listed(name: &Name) -> Listed<'_> {
    Listed {
        kind: Kind::Object,
        key: &name.key,
        version_id: &name.version_id,
        is_latest: name.is_latest,
        class: b"",
        access: Access::Archived,
        access_tier: b"",
        size: 0,
        etag: b"",
        last_modified: None,
        restore: RestoreMark::Unsaid,
    }
}

/// Gives back the copies of the objects that `list` names, and writes a row for each to `report`, in
/// the order of the list.
///
/// # Errors
/// When it cannot go on; what was done stands in the partial report.
pub async fn release<S: Store>(
    job: &Job,
    list: &Names,
    report: &Path,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    tell: &dyn Tell,
    stop: &Stop,
) -> Result<GivenBack, ReleaseError> {
    let bucket = &job.source.bucket;
    let mut entries = list.entries()?;
    let mut report = Report::create(report)?;
    let names = std::iter::from_fn(|| entries.next().transpose());
    let mut answers = stream::iter(names)
        .map(async |name: Result<Name, NamesError>| {
            let name = name?;
            let outcome = give_back(&*store, &*clock, &name).await;
            Ok::<_, NamesError>((name, outcome))
        })
        .buffered(UNDER_WAY);
    let mut tally = Tally::default();
    let mut complete = true;
    let mut told = clock.monotonic();
    let mut halted = false;
    // `status` tells of it; where that cannot be it is no reason not to begin.
    let live = LiveFile::of_release(&job.state_dir);
    let publish = |tally: &Tally| {
        if let Some(live) = &live {
            let of = |action| tally.action(action).objects;
            let (released, failed) = (of(Action::Released), of(Action::Failed));
            live.tell(
                clock.now(),
                Doing::Release { named: list.count(), done: tally.listed, released, failed },
            );
        }
    };
    publish(&tally);
    let mut published = clock.monotonic();
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
        let mut render = Render::new(bucket, Vec::new());
        render.row(&listed(&object), &outcome, None);
        report.append(render.finish())?;
        tally.listed += 1;
        tally.add(&listed(&object), &outcome, || shown_key(&object.key).0.into_owned());
        if outcome.action == Action::Failed {
            let cause = outcome.error_code.as_deref().or(outcome.reason.map(Reason::as_str));
            let cause = cause.unwrap_or_default().to_owned();
            let key = shown_key(&object.key).0.into_owned();
            tell.tell(Event::Notice(Notice::ObjectFailed { key, cause }));
        }
        if clock.monotonic().saturating_sub(published) >= PUBLISH_EVERY {
            published = clock.monotonic();
            publish(&tally);
        }
        if clock.monotonic().saturating_sub(told) >= TELL_EVERY {
            told = clock.monotonic();
            let (done, given) = (tally.listed, tally.action(Action::Released).objects);
            tell.tell(Event::Notice(Notice::Remark(format!("{done} objects asked for, {given} released"))));
        }
    }
    report.sync()?;
    if complete {
        let finished = report.make(&[], About { job: &job.name, run_id: "" })?;
        report.name(finished)?;
    }
    Ok(GivenBack { tally, complete })
}

/// Gives one copy back.
async fn give_back(store: &impl Store, clock: &dyn Clock, object: &Name) -> Result<Outcome, NoOutcome> {
    let seen = |state| Outcome::seen(state, None, clock.now());
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
