//! One session of a run: a loop that is woken by pages, by the clock and by signals, and that closes the
//! books when it is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use super::TICK;
use super::books::Paged;
use super::ended::{Ended, RunError, Why};
use super::gauge::Gauge;
use super::opening::Kept;
use super::page::{Desk, Sheet};
use super::writer::Writer;
use crate::model::{Clock, Event, Notice, Phase};
use crate::pipeline::checkpoint::CheckpointError;
use crate::pipeline::source::{Placed, Placing, Source, SourceError, Told};
use crate::pipeline::stop::{Step, Stop};
use crate::store::{ErrorKind, Store};

/// How long requests in flight are waited for after the first signal. What has not been answered by
/// then is given up; the journal says that it was about to be asked for, so that the next session
/// looks. Docker kills after 10 s, Kubernetes after 30, systemd after 90 (documentation of each, read
/// 2026-11), and the books need a moment, too.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// How a session of a run ends.
pub(super) enum Way {
    Ended(Box<Ended>),
    /// The window shut: the run goes on when it opens.
    Shut(Box<Kept>),
}

/// A page that has been worked on.
pub(super) struct Done {
    placing: Placing,
    sheet: Result<Sheet, CheckpointError>,
    permit: OwnedSemaphorePermit,
}

/// One session at work: from the first page to the closing of the books.
pub(super) struct Run<'a, S> {
    pub(super) gauge: Gauge<'a, S>,
    pub(super) stop: &'a Stop,
    pub(super) desk: Arc<Desk<S>>,
    pub(super) source: Source,
    pub(super) writer: Writer,
    pub(super) at_work: JoinSet<Box<Done>>,
    /// Pages worked on at once.
    pub(super) at_once: usize,
    /// How many more objects are wanted; `None` for all.
    pub(super) wanted: Option<u64>,
    /// Whether no further page is wanted.
    pub(super) listed: bool,
    /// What the listing leaves for the next one.
    pub(super) hints: Vec<Vec<u8>>,
    pub(super) step: Step,
    /// Why it is being ended early, if it is.
    pub(super) why: Option<Why>,
    /// When it has worked for as long as it may.
    pub(super) worked_out: Option<Duration>,
    /// Whether the window shut, and the rest is to be listed when it opens.
    pub(super) shut: bool,
    /// When requests in flight are given up, once a stop was asked for.
    pub(super) drained_by: Option<Duration>,
    /// The first thing that keeps the run from going on.
    pub(super) failed: Option<RunError>,
}

/// What woke the loop.
enum Woken {
    Stop(Step),
    Done(Result<Box<Done>, JoinError>),
    Told(Told),
    Tick,
}

impl<S: Store + 'static> Run<'_, S> {
    /// Works until the listing ends, the window shuts, or it is stopped.
    pub(super) async fn go(mut self) -> Result<Way, RunError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over() {
            let takes = self.takes_pages() && self.at_work.len() < self.at_once;
            let woken = tokio::select! {
                biased;
                step = self.stop.beyond(self.step) => Woken::Stop(step),
                _ = tick.tick() => Woken::Tick,
                Some(done) = self.at_work.join_next() => Woken::Done(done),
                told = self.source.next(), if takes => Woken::Told(told),
            };
            match woken {
                Woken::Stop(step) => self.stopping(step, Why::Stopped),
                Woken::Tick => self.tick(),
                Woken::Done(done) => self.done(done).await,
                Woken::Told(Told::Page(page)) => self.begin(page),
                Woken::Told(Told::Cut { range, new, at }) => {
                    self.gauge.pulse.cut();
                    let kept = self.writer.cut(range, new, at).await;
                    self.check(kept);
                }
                Woken::Told(Told::Collapse { onto }) => {
                    self.gauge.pulse.collapsed();
                    let kept = self.writer.collapse(onto).await;
                    self.check(kept);
                }
                Woken::Told(Told::End { hints }) => (self.listed, self.hints) = (true, hints),
                // A listing that was halted by a signal ends in an error that says no more than that.
                Woken::Told(Told::Failed(_)) if self.step > Step::Go => {}
                Woken::Told(Told::Failed(error)) => self.fail(error.into()),
            }
        }
        // From here on nothing is sent or recorded any more: the books are closed over what is there.
        self.at_work.shutdown().await;
        self.gauge.progress();
        if self.failed.is_none() && self.step == Step::Go && !self.shut {
            self.tell_unshown();
        }
        let clock = self.gauge.clock;
        let Self { gauge, writer, failed, step, stop, hints, why, shut, desk, source, .. } = self;
        // Nobody but the books writes from here on.
        drop((desk, source));
        let closing = async {
            match failed {
                // It ends as a stop does, with all that was counted.
                Some(RunError::Safety(stop)) => {
                    let why = Why::Safety(Box::new(stop));
                    Ok(Way::Ended(Box::new(gauge.ended(writer.suspend().await?, Some(why)))))
                }
                // What was done until then is saved; that it could not be is the graver news.
                Some(error) => {
                    writer.suspend().await?;
                    Err(error)
                }
                None if step > Step::Go => {
                    Ok(Way::Ended(Box::new(gauge.ended(writer.suspend().await?, why))))
                }
                None if shut => {
                    let mut closed = writer.suspend().await?;
                    match closed.kept.take() {
                        Some(kept) => Ok(Way::Shut(Box::new(kept))),
                        // Only a run with a state folder waits.
                        None => Ok(Way::Ended(Box::new(gauge.ended(closed, why)))),
                    }
                }
                None => {
                    gauge.phase(Phase::Finishing);
                    Ok(Way::Ended(Box::new(gauge.ended(writer.finish(hints).await?, None))))
                }
            }
        };
        tokio::select! {
            biased;
            ended = closing => ended,
            // No moment of the closing is a bad one to be killed at: see `checkpoint`.
            () = aborted(stop, clock) => Err(RunError::Aborted),
        }
    }

    /// What was asked for has no row if it is not listed any more; that it was is told at least.
    fn tell_unshown(&self) {
        let objects = self.desk.unshown();
        if objects > 0 {
            self.gauge.tell.tell(Event::Notice(Notice::Remark(format!(
                "{objects} objects that an earlier session had an answer for are not listed any more: they have \
                 no row"
            ))));
        }
    }

    /// Tells how far it is; saves what is done; gives up what does not come back.
    fn tick(&mut self) {
        self.gauge.progress();
        self.writer.pause();
        let now = self.gauge.clock.monotonic();
        if let Some(span) = self.desk.job.stop_after
            && self.step == Step::Go
            && self.worked_out.is_some_and(|by| by <= now)
        {
            self.stopping(Step::Drain, Why::WorkedOut(span));
        }
        if self.drained_by.is_some_and(|by| by <= now) {
            self.step = Step::Abort;
        }
    }

    fn takes_pages(&self) -> bool {
        !self.listed && self.step == Step::Go && self.failed.is_none() && !self.shut
    }

    fn is_over(&self) -> bool {
        self.step == Step::Abort || (!self.takes_pages() && self.at_work.is_empty())
    }

    /// Starts work on a page.
    fn begin(&mut self, page: Placed) {
        let Placed { placing, page, permit } = page;
        let desk = Arc::clone(&self.desk);
        let room = self.wanted.unwrap_or(u64::MAX);
        self.at_work.spawn(async move {
            let sheet = desk.work(&page, room).await;
            Box::new(Done { placing, sheet, permit })
        });
    }

    /// Hands the rows of a page on.
    async fn done(&mut self, done: Result<Box<Done>, JoinError>) {
        let Done { placing, sheet, permit } = match done {
            Ok(done) => *done,
            Err(died) => return self.fail(RunError::PageDied(died)),
        };
        let mut sheet = match sheet {
            Ok(sheet) => sheet,
            Err(error) => return self.fail(error.into()),
        };
        if let Some(wanted) = &mut self.wanted {
            *wanted = wanted.saturating_sub(sheet.tally.matched.objects);
        }
        self.listed |= sheet.capped;
        self.shut |= sheet.shut;
        if let Some(enough) = sheet.enough.take() {
            self.fail(enough.into());
        }
        if let Some(error) = sheet.doomed.take() {
            self.fail(error.into());
        }
        for (key, cause) in sheet.failures.drain(..) {
            self.gauge.tell.tell(Event::Notice(Notice::ObjectFailed { key, cause }));
        }
        let last = placing.last;
        if last {
            self.gauge.pulse.range_done();
        }
        let kept = self.writer.page(placing, Paged { sheet, last, permit }).await;
        self.check(kept);
    }

    /// Whether the writer took what it was given; why not is told when it is closed.
    fn check(&mut self, kept: bool) {
        if !kept {
            self.fail(RunError::WriterDied);
        }
    }

    /// Takes note of what keeps the run from going on. The first such thing tells the story, unless
    /// it is but the echo of another: a store that was halted for its sake.
    fn fail(&mut self, error: RunError) {
        let echo = |error: &RunError| matches!(error, RunError::Source(SourceError::Store(e)) if e.kind == ErrorKind::Halted);
        if self.failed.as_ref().is_none_or(echo) {
            self.failed = Some(error);
        }
    }

    fn stopping(&mut self, step: Step, why: Why) {
        self.why.get_or_insert(why);
        if self.step == Step::Go {
            self.gauge.phase(Phase::Draining(DRAIN_LIMIT));
        }
        self.step = step;
        self.drained_by.get_or_insert(self.gauge.clock.monotonic() + DRAIN_LIMIT);
        self.gauge.store.halt();
    }
}

/// Waits until the closing of the books is to be broken off: for a second signal that comes from now on
/// (one that came before has done its work), or for as long as requests would be waited for behind a first
/// one. Making another form of a long report may take minutes.
async fn aborted(stop: &Stop, clock: &dyn Clock) {
    let mut known = stop.step();
    if known == Step::Abort {
        return std::future::pending().await;
    }
    if known == Step::Go {
        known = stop.beyond(known).await;
        tokio::select! {
            () = clock.sleep(DRAIN_LIMIT) => return,
            () = until_abort(stop, known) => return,
        }
    }
    until_abort(stop, known).await;
}

async fn until_abort(stop: &Stop, mut known: Step) {
    while known < Step::Abort {
        known = stop.beyond(known).await;
    }
}
