//! Holds the six stages together: reads like the sentence source → filter → classify → act →
//! report → checkpoint.
//!
//! Pages come in listing order and are worked on one at a time; within a page all requests run
//! concurrently, and the rows are written in the page's order. What the pipeline holds in memory is
//! the few pages that the source is ahead, times the page size.

mod books;
mod page;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::books::Books;
use self::page::{Desk, PageError};
use super::act::Actor;
use super::checkpoint::CheckpointError;
use super::filter::Sieve;
use super::report::ReportError;
use super::source::{Source, SourceError, Span};
use super::stop::{Step, Stop};
use crate::job::{Job, Verb, Versions};
use crate::model::{Clock, Event, Page, Phase, Position, RequestCounts, Tally, Tell};
use crate::store::{ListApi, Listing, Store, StoreError};

/// How often figures are told while requests are under way.
const TICK: Duration = Duration::from_millis(200);
/// How often what is done is made durable. Answered POSTs are journaled besides, so this bounds only
/// how much is listed again after a crash.
const COMMIT_EVERY: Duration = Duration::from_millis(500);

/// How a run is to be started.
#[derive(Default)]
pub struct Options {
    /// Forget an unfinished run and start over.
    pub fresh: bool,
    /// Where rows go when the job names no file; such a run leaves no checkpoint.
    pub stream: Option<Box<dyn Write + Send + Sync>>,
    /// Where the finished report shall stand, placeholders filled; used by a run that starts anew.
    pub report: PathBuf,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("fresh", &self.fresh)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether the listing was worked through to its end.
    pub complete: bool,
    /// Counts over all sessions of the run.
    pub tally: Tally,
    /// Requests over all sessions of the run.
    pub requests: RequestCounts,
    /// Time spent working over all sessions.
    pub elapsed: Duration,
    /// The CSV: finished, or partial if the run is not complete; `None` for a stream.
    pub report: Option<PathBuf>,
    /// The summary, if the run is complete and has a report.
    pub summary: Option<PathBuf>,
}

/// Why a run could not go on. What was done until then is saved.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listing broke off.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A refusal that every further request would meet.
    #[error("the store refuses this run")]
    Doomed(#[from] StoreError),
    /// The report cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The state cannot be used or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl From<PageError> for RunError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Journal(error) => Self::Checkpoint(error),
            PageError::Report(error) => Self::Report(error),
        }
    }
}

/// Runs `job` against `store` until its listing ends, or `stop` is raised.
///
/// # Errors
/// When the run cannot go on; the same job can be run again and goes on where it was.
pub async fn run<S: Store + 'static>(
    job: &Job,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    tell: &dyn Tell,
    stop: &Stop,
    options: Options,
) -> Result<Ended, RunError> {
    let mut books = Books::open(job, Arc::clone(&clock), options, tell)?;
    let started = books.started_at();
    let span = Span {
        listing: listing(job),
        from: books.position(job)?,
        until: job.source.end_with.as_ref().map(|key| key.as_bytes().to_vec()),
    };
    let desk = Desk {
        job: Arc::new(job.clone()),
        sieve: Sieve::new(job, started),
        actor: Actor {
            store: Arc::clone(&store),
            verb: job.verb,
            wish: job.wish.clone(),
            may_head: job.verb != Verb::Scan || job.source.head,
            clock: Arc::clone(&clock),
        },
        clock,
        progress: books.progress(),
        journal: books.journal(),
        answers: books.answers(),
    };
    tell.tell(Event::Started {
        job: job.name.clone(),
        verb: job.verb.as_str(),
        target: job.source.url(),
        report: books.report_path().unwrap_or_default(),
        rate: if job.verb == Verb::Restore { job.limits.restore_rate } else { 0 },
    });
    let source = Source::start(Arc::clone(&store), span);
    Run { job, store: &*store, tell, stop, desk, books, source, step: Step::Go }.go().await
}

/// Which call lists, and how.
fn listing(job: &Job) -> Listing {
    let api = match (job.source.versions, job.source.list_v1) {
        (Versions::All | Versions::Noncurrent, _) => ListApi::Versions,
        (Versions::Current, true) => ListApi::V1,
        (Versions::Current, false) => ListApi::V2,
    };
    Listing { prefix: job.source.prefix.as_bytes().to_vec(), api, page_size: job.source.page_size }
}

struct Run<'a, S> {
    job: &'a Job,
    store: &'a S,
    tell: &'a dyn Tell,
    stop: &'a Stop,
    desk: Desk<S>,
    books: Books,
    source: Source,
    step: Step,
}

/// What woke the loop.
enum Woken {
    Stop(Step),
    Tick,
    Page(Option<Result<Page, SourceError>>),
}

impl<S: Store> Run<'_, S> {
    async fn go(mut self) -> Result<Ended, RunError> {
        loop {
            let woken = tokio::select! {
                biased;
                step = self.stop.beyond(self.step) => Woken::Stop(step),
                page = self.source.next() => Woken::Page(page),
                () = tokio::time::sleep(TICK) => Woken::Tick,
            };
            match woken {
                Woken::Stop(step) => self.stopping(step),
                Woken::Tick => self.books.tell_progress(self.tell, self.store),
                Woken::Page(None) => return self.books.finish(self.job, self.tell, self.store),
                // A halted listing ends in an error that says no more than that.
                Woken::Page(Some(Err(_))) if self.step > Step::Go => {}
                Woken::Page(Some(Err(error))) => {
                    self.books.save(self.store)?;
                    return Err(error.into());
                }
                Woken::Page(Some(Ok(page))) => {
                    let end = self.page(&page).await?;
                    self.books.tell_progress(self.tell, self.store);
                    if end && self.step == Step::Go {
                        return self.books.finish(self.job, self.tell, self.store);
                    }
                }
            }
            if self.step > Step::Go {
                return self.books.interrupted(self.tell, self.store);
            }
        }
    }

    /// Works one page off; true if the run has all that it wants.
    async fn page(&mut self, page: &Page) -> Result<bool, RunError> {
        let room = self.books.room(self.job);
        let worked = {
            let (desk, books, tell, store, stop) =
                (&self.desk, &self.books, self.tell, self.store, self.stop);
            let work = desk.work(page, room);
            tokio::pin!(work);
            let mut heard = self.step;
            loop {
                let woken = tokio::select! {
                    biased;
                    asked = stop.beyond(heard) => Woken::Stop(asked),
                    worked = &mut work => break Ok(worked),
                    () = tokio::time::sleep(TICK) => Woken::Tick,
                };
                match woken {
                    Woken::Stop(Step::Abort) => break Err(Step::Abort),
                    Woken::Stop(asked) => {
                        heard = asked;
                        store.halt();
                        tell.tell(Event::Phase(Phase::Draining));
                    }
                    Woken::Tick | Woken::Page(_) => books.tell_progress(tell, store),
                }
            }
        };
        self.step = self.stop.step();
        let mut sheet = match worked {
            Ok(sheet) => sheet?,
            // Nothing of this page is written; the journal knows what was answered.
            Err(_aborted) => {
                self.books.abandon_page();
                return Ok(false);
            }
        };
        let (doomed, capped) = (sheet.doomed.take(), sheet.capped);
        self.books.write(&sheet)?;
        if let Some(error) = doomed {
            self.books.save(self.store)?;
            return Err(error.into());
        }
        self.books.save_if_due(self.store)?;
        Ok(capped)
    }

    fn stopping(&mut self, step: Step) {
        self.step = step;
        self.store.halt();
        self.tell.tell(Event::Phase(Phase::Draining));
    }
}

/// Where a run that starts anew begins.
fn beginning(job: &Job) -> Position {
    job.source.start_after.as_ref().map_or(Position::Start, |key| Position::After(key.as_bytes().to_vec()))
}
