//! Holds the six stages together: reads like the sentence source → filter → classify → act →
//! report → checkpoint.
//!
//! Each page is worked on in a task of its own: filtered, classified, acted on (its requests
//! concurrently), and made into rows. A thread writes the rows in listing order and keeps the
//! checkpoint. What the pipeline holds in memory is a page for each list request in flight, and two
//! for each core.

mod asking;
mod books;
mod ended;
mod gauge;
mod opening;
mod page;
mod writer;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::MissedTickBehavior;

use self::books::{Books, Found, Paged};
pub use self::ended::{Ended, RunError, Why};
use self::gauge::Gauge;
use self::opening::Kept;
use self::page::{Desk, Progress, Sheet};
use self::writer::Writer;
use super::act::Actor;
use super::checkpoint::CheckpointError;
use super::filter::Sieve;
use super::safety::Watch;
use super::source::{Extent, Looking, Names, Placed, Placing, Range, Source, SourceError, Told};
use super::stop::{Step, Stop};
use super::wait::soon;
use super::window::{Hours, hours};
use crate::job::{Job, Outside, Prices, Verb, Versions};
use crate::model::{Clock, Event, Notice, Phase, Position, Tell};
use crate::store::{ErrorKind, ListApi, Listing, Store};

/// How often figures are told while requests are under way.
const TICK: Duration = Duration::from_millis(200);
/// How often what is done is made durable. Answered POSTs are journaled besides, so this bounds only
/// how much is listed again after a crash.
const COMMIT_EVERY: Duration = Duration::from_millis(500);

/// How long requests in flight are waited for after the first signal. What has not been answered by
/// then is given up; the journal says that it was about to be asked for, so that the next session
/// looks. Docker kills after 10 s, Kubernetes after 30, systemd after 90 (documentation of each, read
/// 2026-11), and the books need a moment, too.
const DRAIN_LIMIT: Duration = Duration::from_secs(8);

/// Pages made into rows at once, at most: beyond this the disk is what a run waits for.
const PAGES: usize = 16;
/// Pages that a restore lists ahead of its requests. More would only grow old: what a listing says of
/// an object should be true when it is asked for.
const PAGES_AHEAD: usize = 4;
/// Pages of named objects that are looked at side by side. Two, so that the last answers of one page do
/// not leave the rate unused.
const NAMED_PAGES: usize = 2;
/// Pages whose objects are being asked for at once. Two, so that the last requests of one page do
/// not leave the rate unused.
const PAGES_ACTED_ON: usize = 2;

/// How a run is to be started.
#[derive(Default)]
pub struct Options {
    /// Forget an unfinished run and start over.
    pub fresh: bool,
    /// Whether a run in which nothing matched is to be told.
    pub fail_empty: bool,
    /// Where rows go when the job names no file; such a run leaves no checkpoint.
    pub stream: Option<Box<dyn Write + Send + Sync>>,
    /// Where the finished report shall stand, placeholders filled; used by a run that starts anew.
    pub report: PathBuf,
    /// The objects by name, where the job names them; by default they are opened as the run begins.
    pub names: Option<Arc<Names>>,
    /// What restores cost, for budgets of money and for the account.
    pub prices: Arc<Prices>,
    /// Whether somebody agreed to how much the run asks for.
    pub confirmed: bool,
    /// Whether only counts are wanted: no row is written. With a stream only.
    pub mute: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("fresh", &self.fresh)
            .field("report", &self.report)
            .finish_non_exhaustive()
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
    let names = match &options.names {
        Some(names) => Some(Arc::clone(names)),
        None => Names::open(job)?.map(Arc::new),
    };
    let mut job = job.clone();
    job.source.key_list_digest = names.as_ref().map(|names| names.digest().to_owned());
    let job = Arc::new(job);
    let began = clock.monotonic();
    let progress = Arc::new(Progress::default());
    let watch = Arc::new(Watch::new(job.safety));
    let (prices, mute) = (Arc::clone(&options.prices), options.mute);
    let mut options = options;
    // The lock of a run that waits for its window, and until when it has to.
    let mut waiting: Option<(Kept, Timestamp)> = None;
    loop {
        let (kept, until) = waiting.map_or((None, None), |(kept, until)| (Some(kept), Some(until)));
        let (counts, before) = (Arc::clone(&store), until.map(|_| store.requests()).unwrap_or_default());
        let requests = Box::new(move || counts.requests().since(before));
        let (books, found) = Books::open(&job, Arc::clone(&clock), requests, options, kept, tell)?;
        options = Options { prices: Arc::clone(&prices), ..Options::default() };
        if until.is_none() {
            tell.tell(Event::Started {
                job: job.name.clone(),
                verb: job.verb.as_str(),
                target: job.source.url(),
                report: found.report.clone().unwrap_or_default(),
                rate: if job.verb == Verb::Restore { job.limits.restore_rate } else { 0 },
            });
        }
        let worked_out = job.stop_after.map(|span| began + span);
        let gauge = Gauge { tell, clock: &*clock, began, progress: Arc::clone(&progress), store: &*store };
        if let Some(until) = until
            && let Some(why) = wait(&gauge, stop, &job, until, worked_out).await
        {
            let writer = Writer::start(books, Arc::clone(&job)).map_err(RunError::Thread)?;
            return Ok(gauge.ended(writer.suspend().await?, Some(why)));
        }
        // Listed only now: what a page says must not grow old while the window is waited for.
        let source = source(&job, &store, names.clone(), &clock, &found);
        let writer = Writer::start(books, Arc::clone(&job)).map_err(RunError::Thread)?;
        let desk = Desk {
            sieve: Sieve::new(&job, found.started_at),
            actor: Actor {
                store: Arc::clone(&store),
                verb: job.verb,
                wish: job.wish.clone(),
                last: found.last,
                may_head: job.verb != Verb::Scan || job.source.head,
                clock: Arc::clone(&clock),
            },
            job: Arc::clone(&job),
            clock: Arc::clone(&clock),
            progress: Arc::clone(&progress),
            // A report to a stream cannot be gone on with: it does not wait.
            waits: found.journal.is_some() && job.window.as_ref().is_some_and(|w| w.outside == Outside::Wait),
            journal: found.journal,
            known: found.known,
            settled: found.settled,
            shown: AtomicUsize::new(0),
            memory: found.memory,
            soon: soon(&job),
            ledger: found.ledger,
            prices: Arc::clone(&prices),
            watch: Arc::clone(&watch),
            mute,
        };
        let run = Run {
            gauge,
            at_once: at_once(&job),
            wanted: match job.filter.max_objects {
                0 => None,
                cap => Some(cap.saturating_sub(found.matched)),
            },
            stop,
            desk: Arc::new(desk),
            source,
            writer,
            at_work: JoinSet::new(),
            listed: found.sealed || found.segments.is_empty(),
            hints: Vec::new(),
            step: Step::Go,
            why: None,
            worked_out,
            shut: false,
            drained_by: None,
            failed: None,
        };
        match run.go().await? {
            Way::Ended(ended) => return Ok(*ended),
            Way::Shut(kept) => {
                // It may have opened while the last requests came back.
                let until = match job.window.as_ref().map(|window| hours(window, clock.now())) {
                    Some(Hours::Shut(until)) => until,
                    Some(Hours::Open(_)) | None => clock.now(),
                };
                waiting = Some((*kept, until));
            }
        }
    }
}

/// How a session of a run ends.
enum Way {
    Ended(Box<Ended>),
    /// The window shut: the run goes on when it opens.
    Shut(Box<Kept>),
}

/// Waits until the window opens at `until`; tells why if the run is to end instead.
///
/// The hour is looked at again and again: a machine that slept, or a clock that was set, makes a long
/// sleep end at the wrong time.
async fn wait<S: Store>(
    gauge: &Gauge<'_, S>,
    stop: &Stop,
    job: &Job,
    until: Timestamp,
    worked_out: Option<Duration>,
) -> Option<Why> {
    gauge.tell.tell(Event::Phase(Phase::Waiting(until)));
    let is_open = || {
        job.window.as_ref().is_none_or(|window| matches!(hours(window, gauge.clock.now()), Hours::Open(_)))
    };
    while !is_open() {
        if worked_out.is_some_and(|by| by <= gauge.clock.monotonic()) {
            return job.stop_after.map(Why::WorkedOut);
        }
        tokio::select! {
            biased;
            _ = stop.beyond(Step::Go) => return Some(Why::Stopped),
            () = gauge.clock.sleep(TICK) => {}
        }
    }
    gauge.tell.tell(Event::Phase(Phase::Running));
    None
}

/// Which call lists, and how.
pub(in crate::pipeline) fn listing(job: &Job) -> Listing {
    let api = match (job.source.versions, job.source.list_v1) {
        (Versions::All | Versions::Noncurrent, _) => ListApi::Versions,
        (Versions::Current, true) => ListApi::V1,
        (Versions::Current, false) => ListApi::V2,
    };
    Listing { prefix: job.source.prefix.as_bytes().to_vec(), api, page_size: job.source.page_size }
}

/// The listing, started where it is to go on.
fn source<S: Store + 'static>(
    job: &Job,
    store: &Arc<S>,
    names: Option<Arc<Names>>,
    clock: &Arc<dyn Clock>,
    found: &Found,
) -> Source {
    let key = |key: &Option<String>| key.as_ref().map(|key| key.as_bytes().to_vec());
    let left = found.segments.iter().filter(|segment| !segment.done).map(|segment| Range {
        id: segment.id,
        from: match &segment.reached {
            None => key(&job.source.start_after).map_or(Position::Start, Position::After),
            Some(at) if at.version.is_empty() => Position::After(at.key.clone()),
            Some(at) => Position::AfterVersion(at.key.clone(), at.version.clone()),
        },
        until: segment.until.clone().or_else(|| key(&job.source.end_with)),
    });
    if let Some(names) = names {
        let pages = in_flight(job).min(NAMED_PAGES);
        let looking = Looking {
            verb: job.verb,
            clock: Arc::clone(clock),
            pages,
            page_size: job.source.page_size as usize,
        };
        let room = Arc::new(Semaphore::new(pages + at_once(job)));
        let mut left = left;
        return Source::named(Arc::clone(store), names, left.next(), looking, room);
    }
    let extent = Extent {
        ranges: left.collect(),
        fresh: found.segments.len() as u64,
        hints: found.hints.clone(),
        in_flight: in_flight(job),
    };
    let room = extent.in_flight + at_once(job);
    Source::start(Arc::clone(store), listing(job), extent, Arc::new(Semaphore::new(room)))
}

/// List requests in flight.
fn in_flight(job: &Job) -> usize {
    // What a page may take depends on those before it if there is a cap, and a stream has no place
    // for rows to wait: pages are then taken one after the other.
    if job.filter.max_objects > 0 || job.report.path.is_none() {
        return 1;
    }
    let wanted = job.limits.list_concurrency as usize;
    if job.verb == Verb::Restore { wanted.min(PAGES_AHEAD) } else { wanted }
}

/// Pages that are worked on at once.
fn at_once(job: &Job) -> usize {
    match job.verb {
        _ if job.filter.max_objects > 0 => 1,
        Verb::Restore => PAGES_ACTED_ON,
        // One that is worked on and one that is next, for each core.
        Verb::Scan | Verb::Plan => {
            std::thread::available_parallelism().map_or(2, |cores| 2 * cores.get()).min(PAGES)
        }
    }
}

/// A page that has been worked on.
struct Done {
    placing: Placing,
    sheet: Result<Sheet, CheckpointError>,
    permit: OwnedSemaphorePermit,
}

struct Run<'a, S> {
    gauge: Gauge<'a, S>,
    stop: &'a Stop,
    desk: Arc<Desk<S>>,
    source: Source,
    writer: Writer,
    at_work: JoinSet<Box<Done>>,
    /// Pages worked on at once.
    at_once: usize,
    /// How many more objects are wanted; `None` for all.
    wanted: Option<u64>,
    /// Whether no further page is wanted.
    listed: bool,
    /// What the listing leaves for the next one.
    hints: Vec<Vec<u8>>,
    step: Step,
    /// Why it is being ended early, if it is.
    why: Option<Why>,
    /// When it has worked for as long as it may.
    worked_out: Option<Duration>,
    /// Whether the window shut, and the rest is to be listed when it opens.
    shut: bool,
    /// When requests in flight are given up, once a stop was asked for.
    drained_by: Option<Duration>,
    /// The first thing that keeps the run from going on.
    failed: Option<RunError>,
}

/// What woke the loop.
enum Woken {
    Stop(Step),
    Done(Result<Box<Done>, JoinError>),
    Told(Told),
    Tick,
}

impl<S: Store + 'static> Run<'_, S> {
    async fn go(mut self) -> Result<Way, RunError> {
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
                    let kept = self.writer.cut(range, new, at).await;
                    self.check(kept);
                }
                Woken::Told(Told::Collapse { onto }) => {
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
        let Self { gauge, writer, failed, step, stop, hints, why, shut, desk, source, .. } = self;
        // Nobody but the books writes from here on.
        drop((desk, source));
        let closing = async {
            match failed {
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
                    gauge.tell.tell(Event::Phase(Phase::Finishing));
                    Ok(Way::Ended(Box::new(gauge.ended(writer.finish(hints).await?, None))))
                }
            }
        };
        tokio::select! {
            biased;
            ended = closing => ended,
            // No moment of the closing is a bad one to be killed at: see `checkpoint`.
            () = aborted(stop) => Err(RunError::Aborted),
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
            self.gauge.tell.tell(Event::Phase(Phase::Draining(DRAIN_LIMIT)));
        }
        self.step = step;
        self.drained_by.get_or_insert(self.gauge.clock.monotonic() + DRAIN_LIMIT);
        self.gauge.store.halt();
    }
}

/// Waits for a second signal that comes from now on: one that came before has done its work.
async fn aborted(stop: &Stop) {
    let mut known = stop.step();
    if known == Step::Abort {
        return std::future::pending().await;
    }
    while known < Step::Abort {
        known = stop.beyond(known).await;
    }
}
