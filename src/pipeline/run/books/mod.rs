//! The run's books: report, mark and journal, always written in the order of `checkpoint`.

mod closing;
mod committer;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, watch};

use self::committer::{Commit, Committer};
use super::opening::{Kept, Opened};
use super::page::{Known, Sheet};
use super::pulse::Pulse;
use super::{COMMIT_AT_LAST, COMMIT_EVERY, COMMIT_SHARE, Options, RunError};
use crate::job::{Job, Prices, Verb, Versions};
use crate::model::{Clock, RequestCounts, Spare, Spending, Tally, Tell};
use crate::pipeline::account::Fees;
use crate::pipeline::act::LastRun;
use crate::pipeline::budget::Ledger;
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{CheckpointError, CommitPoint, Gaps, Mark, MarkedRange, StateDir, pass};
use crate::pipeline::report::{Durable, Earlier, Extent, Order, Reached, Report, Segment, Spill, Verdict};
use crate::pipeline::source::{Placing, RangeId};
use crate::pipeline::wait::{Memory, remembered};

/// Counts the requests of this session so far.
pub(super) type Requests = Box<dyn Fn() -> RequestCounts + Send>;

/// A page on its way into the report.
#[derive(Debug)]
pub(super) struct Paged {
    /// Its rows.
    pub(super) sheet: Sheet,
    /// Whether its range ends with it.
    pub(super) last: bool,
    /// Its share of the memory, given back when the rows are written.
    pub(super) permit: OwnedSemaphorePermit,
}

/// The books of a run, open.
pub(super) struct Books {
    report: Report,
    order: Order<Paged>,
    aside: Option<Spill>,
    state: Option<StateDir>,
    journal: Option<Arc<Mutex<Journal>>>,
    /// Makes durable what was written; none if the report is a stream.
    committer: Option<Committer>,
    ledger: Option<Arc<Ledger>>,
    /// The mark but for what is left of the listing, which is made for each: see [`marked`].
    mark: Mark,
    clock: Arc<dyn Clock>,
    requests: Requests,
    pulse: Arc<Pulse>,
    /// Monotonic time at which this session began.
    began: Duration,
    /// When the next commit is due.
    next_save: Duration,
    /// Whether anything was written since.
    dirty: bool,
    /// Whether the books of earlier sessions have been read back.
    settled: watch::Sender<bool>,
    /// What earlier sessions counted.
    before: (RequestCounts, Duration),
    versioned: bool,
    /// What earlier runs saw being restored.
    memory: Option<Memory>,
    fail_empty: bool,
    prices: Arc<Prices>,
}

/// What the run needs to know of its books.
pub(super) struct Found {
    /// When the run first started.
    pub(super) started_at: Timestamp,
    /// What is left of the listing.
    pub(super) segments: Vec<Segment>,
    /// Whether the report is whole: nothing more is to be listed.
    pub(super) sealed: bool,
    /// What an earlier session asked and was answered that its mark does not cover.
    pub(super) known: Known,
    /// Takes down answers; none if the report is a stream.
    pub(super) journal: Option<Arc<Mutex<Journal>>>,
    /// What may be spent; none if there is no budget.
    pub(super) ledger: Option<Arc<Ledger>>,
    /// Where the report will stand; none if it is a stream.
    pub(super) report: Option<PathBuf>,
    /// Objects matched by earlier sessions.
    pub(super) matched: u64,
    /// Becomes true when the books of earlier sessions have been read back and are as they were left;
    /// nothing may be paid for before.
    pub(super) settled: watch::Receiver<bool>,
    /// What earlier runs saw being restored.
    pub(super) memory: Option<Memory>,
    /// Evenly spaced keys that an earlier run left.
    pub(super) hints: Vec<Vec<u8>>,
    /// The job's last complete run.
    pub(super) last: Option<LastRun>,
    /// Buffers for rows, which come back when they are written.
    pub(super) spare: Arc<Spare>,
}

/// The books of a run, closed.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) tally: Tally,
    pub(super) requests: RequestCounts,
    pub(super) elapsed: Duration,
    /// What it costs.
    pub(super) fees: Fees,
    /// The CSV: finished, or partial if the run is not complete; `None` for a stream.
    pub(super) report: Option<PathBuf>,
    /// The summary, if the run is complete and has a report.
    pub(super) summary: Option<PathBuf>,
    /// What the run came to, if it is complete.
    pub(super) verdict: Option<Verdict>,
    /// What it spent of its budget, if it has one.
    pub(super) spending: Option<Spending>,
    /// Objects that no budget will ever pay for.
    pub(super) never: u64,
    /// What became of an earlier report where this one stands.
    pub(super) earlier: Option<Earlier>,
    /// The lock on its state, for as long as that is wanted.
    pub(super) kept: Option<Kept>,
}

impl Books {
    /// Opens the books of a run that starts anew or goes on.
    pub(super) fn open(
        job: &Job,
        clock: Arc<dyn Clock>,
        (requests, pulse): (Requests, Arc<Pulse>),
        options: Options,
        kept: Option<Kept>,
        tell: &dyn Tell,
    ) -> Result<(Self, Found), RunError> {
        let (fail_empty, prices) = (options.fail_empty, Arc::clone(&options.prices));
        let Opened { report, state, journal, mut mark, known, ledger } = match options.stream {
            Some(stream) => Opened::stream(job, &*clock, stream)?,
            None => Opened::files(job, &clock, options.report, options.fresh, kept, tell)?,
        };
        mark.confirmed |= options.confirmed;
        let damaged =
            |what: &str| CheckpointError::Damaged { path: job.state_dir.clone(), what: what.to_owned() };
        let segments = mark.segments().ok_or_else(|| damaged("a marked key is not hexadecimal"))?;
        let is_there = |extent: &Extent| extent.len > 0 && extent.end() <= mark.aside.len;
        if !segments.iter().flat_map(|segment| &segment.aside).all(is_there) {
            return Err(damaged("it counts on more rows that wait than there are").into());
        }
        let planned = job.budget.plan.as_ref().map(|plan| plan.values().map(|count| count.objects).sum());
        pulse.begin(&mark, state.as_ref(), planned);
        mark.ranges = Vec::new();
        let aside = match &state {
            Some(state) if mark.aside.len > 0 => Some(state.aside(&mark.aside)?),
            _ => None,
        };
        let memory = match &state {
            // A damaged one can be forgotten with the rest.
            Some(state) if options.fresh => remembered(state, job).unwrap_or_default(),
            Some(state) => remembered(state, job)?,
            None => None,
        };
        let settled = watch::Sender::new(false);
        let found = Found {
            settled: settled.subscribe(),
            started_at: mark.started_at,
            segments: segments.clone(),
            sealed: mark.sealed,
            known,
            journal: journal.clone(),
            ledger: ledger.clone(),
            report: report.path().map(PathBuf::from),
            matched: mark.tally.matched.objects,
            memory: memory.clone(),
            hints: state.as_ref().map(StateDir::hints).unwrap_or_default(),
            last: (state.is_some() || job.verb == Verb::Plan)
                .then(|| StateDir::last_run(&job.acting_state_dir(), &mark.identity))
                .flatten(),
            spare: report.spare(),
        };
        let committer = match &state {
            Some(state) => Some(
                Committer::start(state.clone(), journal.clone(), Arc::clone(&clock))
                    .map_err(RunError::Thread)?,
            ),
            None => None,
        };
        let now = clock.monotonic();
        let mut books = Self {
            report,
            order: Order::new(segments),
            aside,
            state,
            journal,
            committer,
            ledger,
            before: (mark.requests, mark.elapsed),
            mark,
            clock,
            requests,
            pulse,
            began: now,
            next_save: now + COMMIT_EVERY,
            dirty: false,
            settled,
            versioned: job.source.versions != Versions::Current,
            memory,
            fail_empty,
            prices,
        };
        if books.mark.sessions == 1 {
            // From here on an interrupted run is found again, even if it wrote no row.
            books.settle()?;
        }
        Ok((books, found))
    }

    /// Reads back what earlier sessions wrote, which must be done before anything else is taken down.
    /// That takes seconds for a report of a hundred million rows; the listing goes on meanwhile.
    pub(super) fn settle(&mut self) -> Result<(), RunError> {
        if !*self.settled.borrow() {
            self.report.read_back()?;
            if let Some(aside) = &mut self.aside {
                aside.read_back()?;
            }
            self.commit()?;
            self.settled.send_replace(true);
        }
        Ok(())
    }

    /// Takes note that `range` ends at `at` now, and that `new` goes on behind it.
    pub(super) fn cut(&mut self, range: RangeId, new: RangeId, at: Vec<u8>) {
        self.order.cut(range, new, at);
    }

    /// Takes note that all that is left is one range.
    pub(super) fn collapse(&mut self, onto: RangeId) {
        self.order.collapse(onto);
    }

    /// Writes the rows of a page, and of those that waited for it.
    pub(super) fn take(&mut self, placing: &Placing, page: Paged) -> Result<(), RunError> {
        for Paged { sheet, last, permit } in self.order.take(placing, page) {
            let torn = sheet.torn;
            self.write(placing.range, sheet)?;
            if torn {
                // What follows stays undone: the journal knows what was answered.
                self.order.tear(placing.range);
                break;
            }
            if last {
                self.order.finish(placing.range);
            }
            drop(permit);
        }
        self.dirty = true;
        self.pause()
    }

    /// Commits what was written, if that is due. Asked for when nothing comes, too, so that the last
    /// page before a long wait does not stay behind.
    pub(super) fn pause(&mut self) -> Result<(), RunError> {
        self.heed(Committer::ended)?;
        let busy = self.committer.as_ref().is_some_and(Committer::is_busy);
        if self.dirty && !busy && self.clock.monotonic() >= self.next_save {
            self.begin_commit()?;
        }
        Ok(())
    }

    fn write(&mut self, range: RangeId, sheet: Sheet) -> Result<(), RunError> {
        let extent = if self.order.is_front(range) {
            self.report.append(sheet.text)?;
            None
        } else {
            let extent = if sheet.text.is_empty() { None } else { Some(self.aside()?.put(&sheet.text)?) };
            self.report.spare().put(sheet.text);
            extent
        };
        self.mark.rows += sheet.rows;
        self.mark.tally.merge(&sheet.tally);
        self.mark.left.merge(&sheet.left);
        self.mark.copies_until = self.mark.copies_until.max(sheet.copies_until);
        self.mark.undone |= sheet.undone;
        let reached = sheet.last.map(|(key, version)| Reached {
            key,
            version: if self.versioned { version } else { Vec::new() },
        });
        self.order.written(range, reached, extent);
        Ok(())
    }

    /// The file for rows that wait, made when the first ones have to.
    fn aside(&mut self) -> Result<&mut Spill, RunError> {
        if self.aside.is_none()
            && let Some(state) = &self.state
        {
            self.aside = Some(state.aside(&Durable::default())?);
        }
        // A stream is listed in one range, whose rows never wait.
        Ok(self.aside.as_mut().expect("only runs with a state folder list several ranges"))
    }

    /// Whether rows that were set aside may be moved into the report.
    pub(super) fn has_movable(&self) -> bool {
        self.order.movable().next().is_some()
    }

    /// Moves a page of them.
    pub(super) fn move_some(&mut self) -> Result<(), RunError> {
        if let Some(aside) = &mut self.aside {
            let piece = aside.take(self.order.movable(), &self.report.spare())?;
            self.report.append(piece.rows)?;
            self.order.moved(piece.len);
            self.dirty = true;
            pass(CommitPoint::RowsMoved);
        }
        self.pause()
    }

    /// Makes durable what was written, and waits for it.
    fn commit(&mut self) -> Result<(), RunError> {
        self.begin_commit()?;
        self.heed(Committer::wait)
    }

    /// Begins to make durable what was written so far, when the commit before has ended; what is written from
    /// now on is left to the next one.
    fn begin_commit(&mut self) -> Result<(), RunError> {
        self.heed(Committer::wait)?;
        let began = self.clock.monotonic();
        self.dirty = false;
        self.mark.saved_at = self.clock.now();
        self.mark.requests = self.requests_of_run();
        self.mark.elapsed = self.before.1 + began.saturating_sub(self.began);
        self.mark.timeline = self.pulse.timeline();
        let report = self.report.unsynced()?;
        self.mark.written = report.durable().clone();
        let waits = self.order.segments().iter().any(|segment| !segment.aside.is_empty());
        let aside = self.aside.as_mut().filter(|_| waits).map(Spill::unsynced);
        self.mark.aside = aside.as_ref().map(|aside| aside.durable().clone()).unwrap_or_default();
        let (mark, gaps) = (marked(&self.mark, &self.order), Gaps::of(self.order.segments(), self.versioned));
        if let Some(committer) = &mut self.committer {
            committer.begin(Commit { report, aside, mark, gaps })?;
        } else {
            report.sync()?;
            self.schedule(self.clock.monotonic().saturating_sub(began));
        }
        if !waits && self.aside.as_ref().is_some_and(|aside| !aside.is_empty()) {
            // Rows that come meanwhile might have to wait in the same file.
            self.heed(Committer::wait)?;
            self.aside.as_mut().map(Spill::clear).transpose()?;
        }
        Ok(())
    }

    /// Takes note of the end of a commit, which `ended` tells.
    fn heed(
        &mut self,
        ended: impl FnOnce(&mut Committer) -> Result<Option<Duration>, RunError>,
    ) -> Result<(), RunError> {
        if let Some(committer) = &mut self.committer
            && let Some(took) = ended(committer)?
        {
            self.schedule(took);
        }
        Ok(())
    }

    /// Says when the next commit is due, behind one that took so long.
    fn schedule(&mut self, took: Duration) {
        let pause = took.saturating_mul(COMMIT_SHARE);
        self.next_save = self.clock.monotonic() + pause.clamp(COMMIT_EVERY, COMMIT_AT_LAST);
    }

    fn requests_of_run(&self) -> RequestCounts {
        self.before.0.plus((self.requests)())
    }
}

/// `mark` with what `order` says is left of the listing.
fn marked(mark: &Mark, order: &Order<Paged>) -> Mark {
    Mark { ranges: order.segments().iter().map(MarkedRange::of).collect(), ..mark.clone() }
}
