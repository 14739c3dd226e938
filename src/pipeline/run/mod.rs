//! Holds the six stages together: reads like the sentence source → filter → classify → act →
//! report → checkpoint.
//!
//! Each page is worked on in a task of its own: filtered, classified, acted on (its requests
//! concurrently), and made into rows. A thread writes the rows in listing order; another one makes
//! them durable and keeps the checkpoint. What the pipeline holds in memory is a page for each list request in flight, and two
//! for each core.

mod asking;
mod books;
mod ended;
mod eta;
mod gauge;
mod meter;
mod opening;
mod page;
mod pulse;
mod session;
mod writer;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use self::books::{Books, Found};
pub use self::ended::{Ended, RunError, Why};
use self::gauge::Gauge;
use self::opening::Kept;
use self::page::{Buffers, Desk, Progress};
use self::pulse::Pulse;
use self::session::{Run, Way};
use self::writer::Writer;
use super::act::Actor;
use super::filter::Sieve;
use super::safety::Watch;
use super::source::{Extent, Looking, Names, Range, Source};
use super::stop::{Step, Stop};
use super::wait::soon;
use super::window::{Hours, hours};
use crate::job::{Job, Outside, Prices, Verb, Versions};
use crate::model::{Clock, Event, Phase, Position, Tell};
use crate::store::{ListApi, Listing, Store};

/// How often figures are told while requests are under way.
const TICK: Duration = Duration::from_millis(200);
/// How often what is done is made durable. Answered POSTs are journaled besides, so this bounds only
/// how much is listed again after a crash.
const COMMIT_EVERY: Duration = Duration::from_millis(500);
/// Commits take up the disk, which rows are written to as well: on a slow one, this many times as long as the
/// last one took goes by before the next.
const COMMIT_SHARE: u32 = 9;
/// But no more than this.
const COMMIT_AT_LAST: Duration = Duration::from_secs(10);

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
    let rate = if job.verb == Verb::Restore { job.limits.restore_rate } else { 0 };
    let pulse = Arc::new(Pulse::new(job.verb.as_str(), rate));
    let ended = sessions(Arc::new(job), names, store, clock, tell, stop, options, &pulse).await;
    pulse.end();
    ended
}

/// The sessions of a run: one, and one more each time that its window opens again.
#[expect(clippy::too_many_arguments, reason = "all that the one public function has at hand")]
async fn sessions<S: Store + 'static>(
    job: Arc<Job>,
    names: Option<Arc<Names>>,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    tell: &dyn Tell,
    stop: &Stop,
    options: Options,
    pulse: &Arc<Pulse>,
) -> Result<Ended, RunError> {
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
        let heard = (requests as books::Requests, Arc::clone(pulse));
        let (books, found) = Books::open(&job, Arc::clone(&clock), heard, options, kept, tell)?;
        options = Options { prices: Arc::clone(&prices), ..Options::default() };
        if until.is_none() {
            tell.tell(Event::Started {
                job: job.name.clone(),
                verb: job.verb.as_str(),
                target: job.source.url(),
                report: found.report.clone().unwrap_or_default(),
                rate: pulse.allowed(),
            });
        }
        let worked_out = job.stop_after.map(|span| began + span);
        let gauge = Gauge {
            tell,
            clock: &*clock,
            began,
            progress: Arc::clone(&progress),
            pulse: Arc::clone(pulse),
            ledger: found.ledger.clone(),
            store: &*store,
        };
        pulse.ranges(found.segments.iter().filter(|segment| !segment.done).count());
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
            buffers: Buffers::new(found.spare, at_once(&job)),
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

/// Waits until the window opens at `until`; tells why if the run is to end instead.
///
/// The hour is looked at again when the wait is over: a machine that slept, or a clock that was set, may
/// have made it too short. A rehearsal skips it.
async fn wait<S: Store>(
    gauge: &Gauge<'_, S>,
    stop: &Stop,
    job: &Job,
    until: Timestamp,
    worked_out: Option<Duration>,
) -> Option<Why> {
    gauge.phase(Phase::Waiting(until));
    while let Some(Hours::Shut(until)) = job.window.as_ref().map(|window| hours(window, gauge.clock.now())) {
        let left = worked_out.map(|by| by.saturating_sub(gauge.clock.monotonic()));
        if left.is_some_and(|left| left.is_zero()) {
            return job.stop_after.map(Why::WorkedOut);
        }
        let worked_out = async {
            match left {
                Some(left) => gauge.clock.sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = stop.beyond(Step::Go) => return Some(Why::Stopped),
            () = gauge.clock.until(until) => {}
            () = worked_out => {}
        }
    }
    gauge.phase(Phase::Running);
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
    Source::start(Arc::clone(store), listing(job), extent, Arc::new(Semaphore::new(room)), Arc::clone(clock))
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
