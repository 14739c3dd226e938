//! The run's books: report, mark and journal, always written in the order of `checkpoint`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::page::{Known, Progress, Sheet};
use super::{COMMIT_EVERY, Ended, Options, RunError, beginning};
use crate::job::{Job, Versions};
use crate::model::{Clock, Event, Notice, Phase, Position, RequestCounts, Tell};
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{CheckpointError, Mark, MarkedKey, StateDir};
use crate::pipeline::report::{Report, Summary};
use crate::store::Store;

/// The cap that "no cap" stands for.
const NO_CAP: u64 = u64::MAX;

pub(super) struct Books {
    report: Report,
    state: Option<StateDir>,
    journal: Option<Arc<Mutex<Journal>>>,
    mark: Mark,
    known: Known,
    progress: Arc<Progress>,
    clock: Arc<dyn Clock>,
    /// Monotonic time at which this session began.
    began: Duration,
    last_save: Duration,
    /// What earlier sessions counted.
    before: (RequestCounts, Duration),
    versioned: bool,
    /// Whether the journal holds answers of a page that is not in the report to its end.
    torn_page: bool,
    /// The greatest key that the journal of earlier sessions tells of: until the mark has passed it,
    /// the journal is kept.
    known_until: Option<Vec<u8>>,
}

impl Books {
    /// Opens the books of a run that starts anew or goes on.
    pub(super) fn open(
        job: &Job,
        clock: Arc<dyn Clock>,
        options: Options,
        tell: &dyn Tell,
    ) -> Result<Self, RunError> {
        let Opened { report, state, journal, mark, known } = match options.stream {
            Some(stream) => Opened {
                report: Report::stream(stream)?,
                state: None,
                journal: None,
                mark: fresh_mark(job.identity(), PathBuf::new(), &*clock),
                known: Known::new(),
            },
            None => Opened::files(job, &clock, options.report, options.fresh, tell)?,
        };
        let now = clock.monotonic();
        let mut books = Self {
            report,
            state,
            journal,
            before: (mark.requests, mark.elapsed),
            mark,
            known_until: known.keys().map(|(key, _)| key.clone()).max(),
            known,
            progress: Arc::default(),
            began: now,
            last_save: now,
            clock,
            versioned: job.source.versions != Versions::Current,
            torn_page: false,
        };
        // From here on an interrupted run is found again, even if it wrote no row.
        books.commit()?;
        Ok(books)
    }

    pub(super) const fn started_at(&self) -> Timestamp {
        self.mark.started_at
    }

    /// Where the listing starts or goes on.
    pub(super) fn position(&self, job: &Job) -> Result<Position, RunError> {
        match self.mark.position() {
            Some(Position::Start) => Ok(beginning(job)),
            Some(position) => Ok(position),
            None => Err(CheckpointError::Damaged {
                path: job.state_dir.clone(),
                what: "the marked key is not hexadecimal".to_owned(),
            }
            .into()),
        }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    pub(super) fn journal(&self) -> Option<Arc<Mutex<Journal>>> {
        self.journal.clone()
    }

    /// Answers of an earlier session that its mark does not cover; handed over once.
    pub(super) fn answers(&mut self) -> Known {
        std::mem::take(&mut self.known)
    }

    pub(super) fn report_path(&self) -> Option<PathBuf> {
        self.report.path().map(PathBuf::from)
    }

    /// How many more objects the job wants.
    pub(super) const fn room(&self, job: &Job) -> u64 {
        match job.filter.max_objects {
            0 => NO_CAP,
            cap => cap.saturating_sub(self.mark.tally.matched.objects),
        }
    }

    /// Writes a page's rows.
    pub(super) fn write(&mut self, sheet: &Sheet) -> Result<(), RunError> {
        self.report.append(&sheet.text)?;
        self.mark.rows += sheet.rows;
        self.mark.tally.merge(&sheet.tally);
        if let Some((key, version)) = &sheet.last {
            self.mark.after = Some(MarkedKey::new(key));
            self.mark.after_version =
                (self.versioned && !version.is_empty()).then(|| MarkedKey::new(version));
        }
        self.torn_page |= sheet.torn;
        Ok(())
    }

    /// Takes note of a page that was dropped while its requests were under way: the journal alone
    /// tells what became of them.
    pub(super) const fn abandon_page(&mut self) {
        self.torn_page = true;
    }

    /// Makes what is written durable if the last time is long enough ago.
    pub(super) fn save_if_due<S: Store>(&mut self, store: &S) -> Result<(), RunError> {
        if self.clock.monotonic().saturating_sub(self.last_save) >= COMMIT_EVERY {
            self.save(store)?;
        }
        Ok(())
    }

    /// Makes what is written durable now.
    pub(super) fn save<S: Store>(&mut self, store: &S) -> Result<(), RunError> {
        self.mark.requests = self.requests(store);
        self.mark.elapsed = self.elapsed();
        self.commit()
    }

    /// Report first, then the mark over it, then the journal that the mark covers.
    fn commit(&mut self) -> Result<(), RunError> {
        self.last_save = self.clock.monotonic();
        self.mark.saved_at = self.clock.now();
        self.mark.report_len = self.report.sync()?;
        let (Some(state), Some(journal)) = (&self.state, &self.journal) else {
            return Ok(());
        };
        let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
        if self.torn_page {
            journal.sync()?;
        }
        state.save(&self.mark)?;
        if self.covers_journal() {
            journal.reset()?;
        }
        Ok(())
    }

    /// Whether all that the journal tells of stands in the marked part of the report.
    fn covers_journal(&self) -> bool {
        // Versions of the last known key may lie on both sides of the mark, hence "past", not "at".
        !self.torn_page
            && self.mark.after.is_some()
            && self.known_until.as_ref().is_none_or(|until| {
                self.mark.after.as_ref().and_then(MarkedKey::bytes).is_some_and(|after| after > *until)
            })
    }

    /// Closes a run that has all it wants.
    pub(super) fn finish<S: Store>(
        mut self,
        job: &Job,
        tell: &dyn Tell,
        store: &S,
    ) -> Result<Ended, RunError> {
        tell.tell(Event::Phase(Phase::Finishing));
        self.save(store)?;
        let report = self.report_path();
        let sha256 = self.report.finish()?;
        let facts = crate::pipeline::report::Facts {
            job: &job.name,
            verb: job.verb.as_str(),
            target: job.source.url(),
            run_id: &self.mark.run_id,
            started_at: self.mark.started_at,
            finished_at: self.clock.now(),
            elapsed: self.mark.elapsed,
            sessions: self.mark.sessions,
            sha256,
        };
        let summary = Summary::of(facts, self.mark.tally.clone(), self.mark.requests, report.as_deref());
        let summary_path = match &report {
            Some(path) => Some(summary.save(path).map_err(|source| CheckpointError::Io {
                what: "write the summary",
                path: Summary::path_beside(path),
                source,
            })?),
            None => None,
        };
        self.mark.finished = Some(summary.exit_reason.clone());
        if let Some(state) = &self.state {
            state.save(&self.mark)?;
        }
        Ok(ended(self.mark, tell, report, summary_path, true))
    }

    /// Closes a run that was asked to stop.
    pub(super) fn interrupted<S: Store>(mut self, tell: &dyn Tell, store: &S) -> Result<Ended, RunError> {
        self.save(store)?;
        let partial = self.report_path().map(|path| Report::partial_path(&path));
        Ok(ended(self.mark, tell, partial, None, false))
    }

    pub(super) fn tell_progress<S: Store>(&self, tell: &dyn Tell, store: &S) {
        tell.tell(Event::Progress {
            kinds: self.progress.kinds(),
            requests: store.requests(),
            in_flight: store.restores_in_flight(),
            elapsed: self.clock.monotonic().saturating_sub(self.began),
        });
    }

    fn requests<S: Store>(&self, store: &S) -> RequestCounts {
        let (then, now) = (self.before.0, store.requests());
        RequestCounts {
            list: then.list + now.list,
            head: then.head + now.head,
            restore: then.restore + now.restore,
            retries: then.retries + now.retries,
            throttled: then.throttled + now.throttled,
        }
    }

    fn elapsed(&self) -> Duration {
        self.before.1 + self.clock.monotonic().saturating_sub(self.began)
    }
}

fn ended(
    mark: Mark,
    tell: &dyn Tell,
    report: Option<PathBuf>,
    summary: Option<PathBuf>,
    complete: bool,
) -> Ended {
    tell.tell(Event::Finished {
        tally: Arc::new(mark.tally.clone()),
        requests: mark.requests,
        elapsed: mark.elapsed,
        report: report.clone(),
        complete,
    });
    Ended { complete, tally: mark.tally, requests: mark.requests, elapsed: mark.elapsed, report, summary }
}

/// Books as they are found or made on disk.
struct Opened {
    report: Report,
    state: Option<StateDir>,
    journal: Option<Arc<Mutex<Journal>>>,
    mark: Mark,
    known: Known,
}

impl Opened {
    /// The books of an unfinished run, or new ones whose report shall stand at `path`.
    fn files(
        job: &Job,
        clock: &Arc<dyn Clock>,
        path: PathBuf,
        fresh: bool,
        tell: &dyn Tell,
    ) -> Result<Self, RunError> {
        let identity = job.identity();
        let state = StateDir::open(&job.state_dir)?;
        let unfinished = if fresh { None } else { state.unfinished(&identity)? };
        let resumed = unfinished.is_some();
        let (report, mark, known) = if let Some((mut mark, answers)) = unfinished {
            mark.sessions += 1;
            let report = Report::resume(&mark.report, mark.report_len)?;
            tell.tell(Event::Notice(Notice::Resumed {
                rows: mark.rows,
                after: mark.after.as_ref().map(|key| key.shown().to_owned()).unwrap_or_default(),
            }));
            (report, mark, known(answers))
        } else {
            let report = Report::create(&path)?;
            (report, fresh_mark(identity, path, &**clock), Known::new())
        };
        let journal = state.journal(&mark.run_id, resumed, Arc::clone(clock))?;
        Ok(Self { report, state: Some(state), journal: Some(Arc::new(Mutex::new(journal))), mark, known })
    }
}

fn known(answers: Vec<crate::pipeline::checkpoint::journal::Journaled>) -> Known {
    answers
        .into_iter()
        .filter_map(|a| Some(((a.key.bytes()?, a.version.bytes()?), a.outcome)))
        .collect::<HashMap<_, _>>()
}

fn fresh_mark(identity: Vec<(String, String)>, report: PathBuf, clock: &dyn Clock) -> Mark {
    let started_at = clock.now();
    let run_id = format!("{}-{:04x}", started_at.strftime("%Y%m%dT%H%M%SZ"), rand::random::<u16>());
    Mark {
        identity,
        run_id,
        started_at,
        saved_at: started_at,
        report,
        report_len: 0,
        rows: 0,
        after: None,
        after_version: None,
        tally: crate::model::Tally::default(),
        requests: RequestCounts::default(),
        elapsed: Duration::ZERO,
        sessions: 1,
        finished: None,
    }
}
