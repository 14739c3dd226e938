//! How a run finds its books: those of an unfinished run, or new ones.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::RunError;
use super::page::{Known, Past};
use crate::job::{Job, Verb, Versions};
use crate::model::{Clock, Event, Expected, Notice, RequestCounts, Tally, Tell, Timeline};
use crate::pipeline::budget::{Ledger, Left};
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{Gaps, Mark, MarkedRange, Recorded, StateDir, Unfinished};
use crate::pipeline::report::{Durable, Report};

/// Books as they are found or made.
pub(super) struct Opened {
    pub(super) report: Report,
    pub(super) state: Option<StateDir>,
    pub(super) journal: Option<Arc<Mutex<Journal>>>,
    pub(super) mark: Mark,
    pub(super) known: Known,
    pub(super) ledger: Option<Arc<Ledger>>,
}

/// What a run that waited for its window holds on to: nobody may take the job over meanwhile.
pub(super) type Kept = StateDir;

impl Opened {
    /// The books of a run whose rows go to a stream: nothing that could be gone on with.
    pub(super) fn stream(
        job: &Job,
        clock: &dyn Clock,
        stream: Box<dyn Write + Send + Sync>,
    ) -> Result<Self, RunError> {
        let mark = fresh_mark(job.identity(), PathBuf::new(), clock);
        // What a day took is kept even where nothing else is.
        let budget = job.verb == Verb::Restore && !(job.budget.run.is_none() && job.budget.day.is_none());
        let lock = if budget { Some(StateDir::open(&job.shared_dir)?) } else { None };
        let ledger = ledger(job, &mark, clock, false, lock)?;
        let report = Report::stream(stream)?;
        Ok(Self { report, state: None, journal: None, mark, known: Known::new(), ledger })
    }

    /// The books of an unfinished run, or new ones whose report shall stand at `path`.
    pub(super) fn files(
        job: &Job,
        clock: &Arc<dyn Clock>,
        path: PathBuf,
        fresh: bool,
        kept: Option<Kept>,
        tell: &dyn Tell,
    ) -> Result<Self, RunError> {
        let identity = job.identity();
        let waited = kept.is_some();
        let state = match kept {
            Some(kept) => kept,
            None => StateDir::open(&job.state_dir)?,
        };
        let unfinished = if fresh { None } else { state.unfinished(&identity, clock.now())? };
        match unfinished {
            Some(Unfinished { mark, recorded, lapsed: None }) => {
                if !waited {
                    tell.tell(Event::Notice(Notice::Resumed {
                        rows: mark.rows,
                        after: mark.reached().unwrap_or_default().to_owned(),
                    }));
                }
                Self::go_on(job, clock, state, mark, &recorded)
            }
            Some(Unfinished { mark, lapsed: Some(lapsed), .. }) => {
                let kept = Report::keep_partial(&mark.report, &mark.run_id)?;
                tell.tell(Event::Notice(Notice::Lapsed {
                    saved_at: mark.saved_at,
                    lapsed,
                    rows: mark.rows,
                    kept,
                }));
                state.put_by(&mark.run_id)?;
                Self::begin(job, clock, state, identity, path, fresh)
            }
            None => Self::begin(job, clock, state, identity, path, fresh),
        }
    }

    fn begin(
        job: &Job,
        clock: &Arc<dyn Clock>,
        state: StateDir,
        identity: Vec<(String, String)>,
        path: PathBuf,
        fresh: bool,
    ) -> Result<Self, RunError> {
        let expected = state.expected(&identity);
        state.forget()?;
        let report = Report::create(&path)?;
        let mark = Mark { expected, ..fresh_mark(identity, path, &**clock) };
        let ledger = ledger(job, &mark, &**clock, fresh, None)?;
        let journal = state.journal(&mark.run_id, None, Arc::clone(clock))?;
        Ok(Self {
            ledger,
            report,
            state: Some(state),
            journal: Some(Arc::new(Mutex::new(journal))),
            mark,
            known: Known::new(),
        })
    }

    fn go_on(
        job: &Job,
        clock: &Arc<dyn Clock>,
        state: StateDir,
        mut mark: Mark,
        recorded: &Recorded,
    ) -> Result<Self, RunError> {
        mark.sessions += 1;
        let ledger = ledger(job, &mark, &**clock, false, None)?;
        let report = Report::resume(&mark.report, &mark.written, mark.sealed, &mark.made)?;
        let gaps = Gaps::of(&mark.segments().unwrap_or_default(), job.source.versions != Versions::Current);
        let journal = state.journal(&mark.run_id, Some(recorded), Arc::clone(clock))?;
        Ok(Self {
            ledger,
            report,
            state: Some(state),
            journal: Some(Arc::new(Mutex::new(journal))),
            mark,
            known: known(recorded, &gaps),
        })
    }
}

/// What was recorded of objects in `gaps`, by object.
fn known(recorded: &Recorded, gaps: &Gaps) -> Known {
    let asked = recorded.asked.iter().map(|id| (id, Past::Asked));
    // An answer says more than that one was asked for, and a later answer more than an earlier one.
    let answers = recorded.answers.iter().map(|(id, outcome)| (id, Past::Answered(outcome.clone())));
    asked.chain(answers).filter(|((key, _), _)| gaps.hold(key)).map(|(id, past)| (id.clone(), past)).collect()
}

/// The ledger of a run that spends.
fn ledger(
    job: &Job,
    mark: &Mark,
    clock: &dyn Clock,
    fresh: bool,
    lock: Option<StateDir>,
) -> Result<Option<Arc<Ledger>>, RunError> {
    if job.verb != Verb::Restore {
        return Ok(None);
    }
    // Two runs of one file that share a day may not spend it at the same time.
    let shares = job.shared_dir != job.state_dir && !(job.budget.run.is_none() && job.budget.day.is_none());
    let lock = match lock {
        None if shares => Some(StateDir::open(&job.shared_dir)?),
        lock => lock,
    };
    Ok(Ledger::open(job, &mark.run_id, clock.now(), fresh, lock)?.map(Arc::new))
}

fn fresh_mark(identity: Vec<(String, String)>, report: PathBuf, clock: &dyn Clock) -> Mark {
    let started_at: Timestamp = clock.now();
    let run_id = format!("{}-{:04x}", started_at.strftime("%Y%m%dT%H%M%SZ"), rand::random::<u16>());
    Mark {
        identity,
        run_id,
        started_at,
        saved_at: started_at,
        report,
        written: Durable::default(),
        rows: 0,
        ranges: vec![MarkedRange::default()],
        aside: Durable::default(),
        sealed: false,
        made: Vec::new(),
        copies_until: None,
        undone: false,
        left: Left::default(),
        confirmed: false,
        tally: Tally::default(),
        requests: RequestCounts::default(),
        elapsed: Duration::ZERO,
        timeline: Some(Timeline::default()),
        expected: Expected::default(),
        sessions: 1,
        finished: None,
    }
}
