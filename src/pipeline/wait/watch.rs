//! The wait itself: look, take down what is readable, hand it on, sleep until the next look.
//!
//! # The order of writing
//! 1. What a look finds readable is added to the outbox, and what is still restoring goes into a new
//!    memory. The outbox is synced.
//! 2. The new memory takes the place of the old one; it says how much of the outbox counts.
//! 3. The keys go into their file, which is synced; `wait.json` says how far it is.
//! 4. Batches go to the command; after each that it took, `wait.json` says so.
//!
//! A crash before 2 leaves the old memory, and the objects are found readable again; one after it
//! leaves an outbox from which 3 and 4 go on.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, TryStreamExt};
use jiff::Timestamp;

use super::ended::{WaitEnd, WaitError, Waited};
use super::hand::hand;
use super::look::{Fate, Looker};
use super::mark::{self, WaitMark};
use super::memory::{self, Memory, Open, Records, Tail, Writer};
use super::merge::remembered;
use super::outbox::{self, KeyFile, Outbox};
use super::retried::with_retry;
use super::survey::{Survey, due, later};
use crate::job::{Job, Until, WaitSpec};
use crate::model::{Clock, Doing, Event, Notice, RequestCounts, Tell};
use crate::pipeline::checkpoint::{CheckpointError, LiveFile, StateDir};
use crate::pipeline::report::shown_key;
use crate::pipeline::run::listing;
use crate::pipeline::source::SourceError;
use crate::pipeline::stop::{Step, Stop};
use crate::store::{ErrorKind, ListApi, Listing, Store, StoreError};

/// Objects that are looked for as one piece.
const PIECE: usize = 10_000;
/// Pieces that are looked for at once.
const PIECES: usize = 4;
/// The shortest sleep between two looks.
const SHORTEST: Duration = Duration::from_secs(1);

/// Waits as `spec` says until what the last run of `job`, and a retry since, left restoring is readable.
///
/// # Errors
/// If there is nothing to wait for, or it cannot go on.
pub async fn wait<S: Store>(
    job: &Job,
    spec: &WaitSpec,
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    tell: &dyn Tell,
    stop: &Stop,
) -> Result<Waited, WaitError> {
    let state = StateDir::open(&job.state_dir)?;
    if StateDir::peek_unfinished(&job.state_dir)?.is_some() {
        return Err(WaitError::Unfinished { job: job.name.clone() });
    }
    let nothing = || WaitError::NothingKnown { job: job.name.clone(), path: job.state_dir.clone() };
    let memory = with_retry(job, &state, remembered(&state, job)?)?.ok_or_else(nothing)?;
    let mut listing = listing(job);
    if memory.tail().versioned {
        listing.api = ListApi::Versions;
    }
    let mut watch = Watch::open(job, spec, &*store, &*clock, tell, &state, listing, memory)?;
    tokio::select! {
        biased;
        // What is on disk is enough to go on with; a look can be taken again.
        _ = stop.beyond(Step::Go) => {
            store.halt();
            watch.ended(WaitEnd::Interrupted)
        }
        ended = watch.go() => {
            let end = ended?;
            watch.ended(end)
        }
    }
}

struct Watch<'a, S> {
    job: &'a Job,
    spec: &'a WaitSpec,
    store: &'a S,
    clock: &'a dyn Clock,
    tell: &'a dyn Tell,
    state: &'a StateDir,
    /// What other processes are told meanwhile.
    live: Option<LiveFile>,
    listing: Listing,
    memory: Memory,
    survey: Survey,
    mark: WaitMark,
    /// What earlier sessions needed.
    before: (RequestCounts, Duration),
    /// What the client had sent before.
    from: RequestCounts,
    began: Duration,
}

impl<'a, S: Store> Watch<'a, S> {
    #[expect(clippy::too_many_arguments, reason = "all that the one public function has at hand")]
    fn open(
        job: &'a Job,
        spec: &'a WaitSpec,
        store: &'a S,
        clock: &'a dyn Clock,
        tell: &'a dyn Tell,
        state: &'a StateDir,
        listing: Listing,
        memory: Memory,
    ) -> Result<Self, WaitError> {
        let former = WaitMark::read(&state.file(mark::NAME))?;
        let goes_on = former.as_ref().is_some_and(|mark| {
            let over = mark.finished.as_deref().is_some_and(|end| end != WaitEnd::Interrupted.as_str());
            mark.run_id == memory.tail().run_id && !over
        });
        let mut watch = Self {
            job,
            spec,
            store,
            clock,
            tell,
            state,
            live: state.live(),
            listing,
            survey: Survey::default(),
            before: Default::default(),
            from: store.requests(),
            began: clock.monotonic(),
            mark: match former {
                Some(mark) => mark,
                None => WaitMark { outbox: memory.tail().outbox, ..WaitMark::default() },
            },
            memory,
        };
        if watch.mark.outbox != watch.memory.tail().outbox {
            // A crash came between the new memory and its mark, which counts in the former outbox.
            watch.mark.outbox = watch.memory.tail().outbox;
            watch.mark.handed = 0;
            if let Some(keys) = &mut watch.mark.keys {
                keys.taken = 0;
            }
        }
        if goes_on {
            watch.before = (watch.mark.requests, watch.mark.elapsed);
            watch.mark.finished = None;
        } else {
            watch.begin()?;
        }
        watch.keys()?;
        watch.survey = watch.surveyed()?;
        watch.count();
        watch.save()?;
        Ok(watch)
    }

    /// Begins a new wait: what an earlier one has not handed on stays to be handed on, its counts go.
    fn begin(&mut self) -> Result<(), CheckpointError> {
        let tail = self.memory.tail();
        let all_handed = self.spec.on_ready.is_empty() || self.mark.handed >= tail.outbox_len;
        let all_listed = self.mark.keys.as_ref().is_none_or(|keys| keys.taken >= tail.outbox_len);
        let mut next = Tail { ready: 0, missing: 0, archived: 0, ..tail.clone() };
        let former = outbox::path(&self.job.state_dir, tail.outbox);
        let done = all_handed && all_listed && tail.outbox_len > 0;
        if done {
            (next.outbox, next.outbox_len) = (tail.outbox + 1, 0);
        }
        let fresh = WaitMark {
            run_id: tail.run_id.clone(),
            started_at: self.clock.now(),
            outbox: next.outbox,
            handed: if done { 0 } else { self.mark.handed },
            keys: self.mark.keys.take().map(|keys| if done { KeyFile { taken: 0, ..keys } } else { keys }),
            ..WaitMark::default()
        };
        if next != *tail {
            let mut records = self.memory.records()?;
            let mut writer = Writer::begin(&self.state.file(memory::NAME))?;
            while let Some(open) = records.next()? {
                writer.put(&open)?;
            }
            self.memory = writer.publish(next)?;
        }
        if done {
            // A left-over of a crash does no harm: it is never looked at again.
            let _ = std::fs::remove_file(former);
        }
        self.mark = fresh;
        Ok(())
    }

    /// Sees to it that the file of keys is the one that is wished for.
    fn keys(&mut self) -> Result<(), CheckpointError> {
        match (&self.spec.ready_file, &self.mark.keys) {
            (None, _) => self.mark.keys = None,
            (Some(path), Some(keys)) if keys.path == *path => {}
            (Some(path), _) => self.mark.keys = Some(KeyFile::new(path)?),
        }
        Ok(())
    }

    async fn go(&mut self) -> Result<WaitEnd, WaitError> {
        let deadline = later(self.mark.started_at, self.spec.timeout);
        self.hand_on().await?;
        loop {
            if let Some(end) = self.over() {
                return Ok(end);
            }
            let now = self.clock.now();
            if now >= deadline {
                return Ok(WaitEnd::TimedOut);
            }
            let next = self.next_look(now).min(deadline);
            self.told(Some(next));
            self.clock.until(next).await;
            match self.look().await {
                Ok(()) => {}
                Err(WaitError::Source(SourceError::Store(error))) if passes(&error) => {
                    let what = format!("this look failed, and is taken again with the next one: {error}");
                    self.tell.tell(Event::Notice(Notice::Remark(what)));
                    self.mark.polled_at = Some(self.clock.now());
                }
                Err(error) => return Err(error),
            }
            self.hand_on().await?;
        }
    }

    /// When to look next: when the first object is due, but not before the time between two looks is
    /// over.
    fn next_look(&self, now: Timestamp) -> Timestamp {
        let due = self.survey.due.unwrap_or(now);
        let paced = self.mark.polled_at.map_or(now, |last| later(last, self.spec.poll));
        let soonest = if self.mark.polls == 0 { now } else { later(now, SHORTEST) };
        due.max(paced).max(soonest)
    }

    /// Whether the wait is over, and how.
    fn over(&self) -> Option<WaitEnd> {
        let tail = self.memory.tail();
        let all = tail.records + tail.ready + tail.missing + tail.archived;
        let wanted = match self.spec.until {
            Until::Ready(percent) => percent,
            Until::None => 100.0,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count that is no larger than it; both are exact below 2^53"
        )]
        let needed = (all as f64 * wanted / 100.0 - 1e-6).ceil().max(0.0) as u64;
        if self.owes() {
            return None;
        }
        if tail.ready >= needed {
            Some(WaitEnd::Ready)
        } else if tail.records == 0 {
            Some(WaitEnd::Short)
        } else {
            None
        }
    }

    /// Whether the command has still to take some objects.
    fn owes(&self) -> bool {
        !self.spec.on_ready.is_empty() && self.mark.handed < self.memory.tail().outbox_len
    }

    /// Looks at what is open.
    async fn look(&mut self) -> Result<(), WaitError> {
        let now = self.clock.now();
        let tail = self.memory.tail();
        let mut outbox = Outbox::open(outbox::path(&self.job.state_dir, tail.outbox), tail.outbox_len)?;
        let mut writer = Writer::begin(&self.state.file(memory::NAME))?;
        let mut next = tail.clone();
        let mut survey = Survey::default();
        let store = self.store;
        let eye = Looker { store, clock: self.clock, listing: &self.listing };
        let pieces = stream::try_unfold(self.memory.records()?, async |mut records| {
            let piece = piece(&mut records)?;
            Ok::<_, WaitError>(if piece.is_empty() { None } else { Some((piece, records)) })
        });
        let at_once = (self.job.limits.list_concurrency as usize).clamp(1, PIECES);
        let looked = pieces
            .map_ok(|piece| async {
                let fates = eye.look(&piece, |open| due(store, open) <= now).await?;
                Ok((piece, fates))
            })
            .try_buffered(at_once);
        let mut looked = std::pin::pin!(looked);
        while let Some((piece, fates)) = looked.try_next().await? {
            for (open, fate) in piece.iter().zip(fates) {
                match fate {
                    Fate::Open => {
                        survey.take(store, open, now);
                        writer.put(open)?;
                    }
                    Fate::Ready(ready) => {
                        next.ready += 1;
                        outbox.put(&self.job.source.bucket, open, &ready)?;
                    }
                    Fate::Missing => {
                        next.missing += 1;
                        self.lost(open, "it is not there any more");
                    }
                    Fate::Archived => {
                        next.archived += 1;
                        self.lost(open, "it is archived again, without having been seen readable");
                    }
                }
            }
        }
        next.outbox_len = outbox.sync()?;
        self.memory = writer.publish(next)?;
        self.survey = survey;
        self.mark.polls += 1;
        self.mark.polled_at = Some(now);
        Ok(())
    }

    fn lost(&self, open: &Open, why: &str) {
        let key = shown_key(&open.key).0.into_owned();
        self.tell.tell(Event::Notice(Notice::ObjectFailed { key, cause: why.to_owned() }));
    }

    /// Brings the file of keys up to date, and gives the command what it has not taken yet.
    async fn hand_on(&mut self) -> Result<(), WaitError> {
        let tail = self.memory.tail();
        let (end, outbox) = (tail.outbox_len, outbox::path(&self.job.state_dir, tail.outbox));
        if let Some(keys) = self.mark.keys.as_ref().filter(|keys| keys.taken < end) {
            let keys = keys.placed(&outbox, end)?;
            if self.mark.keys.as_ref() != Some(&keys) {
                self.mark.keys = Some(keys.clone());
                self.save()?;
            }
            let brought = keys.bring_up(&outbox, end)?;
            if brought.unlisted > keys.unlisted {
                let what = format!(
                    "{} keys with line breaks cannot stand in the file of keys",
                    brought.unlisted - keys.unlisted
                );
                self.tell.tell(Event::Notice(Notice::Remark(what)));
            }
            self.mark.keys = Some(brought);
        }
        self.count();
        self.save()?;
        let ready_file = self.spec.ready_file.as_deref().unwrap_or(std::path::Path::new(""));
        let ready_file = ready_file.to_string_lossy();
        while self.owes() {
            let (batch, objects) = outbox::batch(&outbox, self.mark.handed, end, self.spec.batch)?;
            let number = self.mark.batches + 1;
            if let Err(why) = hand(&self.spec.on_ready, &ready_file, number, &batch, self.clock).await {
                let what = format!("{why}; its {objects} objects are handed over again with the next look");
                self.tell.tell(Event::Notice(Notice::Remark(what)));
                break;
            }
            self.mark.handed += batch.len() as u64;
            self.mark.batches = number;
            self.save()?;
        }
        Ok(())
    }

    /// What the memory tells, read through once.
    fn surveyed(&self) -> Result<Survey, CheckpointError> {
        let now = self.clock.now();
        let mut survey = Survey::default();
        let mut records = self.memory.records()?;
        while let Some(open) = records.next()? {
            survey.take(self.store, &open, now);
        }
        Ok(survey)
    }

    fn count(&mut self) {
        let tail = self.memory.tail();
        self.mark.open = tail.records;
        self.mark.stuck = self.survey.stuck;
        (self.mark.ready, self.mark.missing, self.mark.archived) = (tail.ready, tail.missing, tail.archived);
    }

    fn save(&mut self) -> Result<(), CheckpointError> {
        // The run that is waited for may have used the same client.
        let (from, now) = (self.from, self.store.requests());
        let own = RequestCounts {
            list: now.list - from.list,
            head: now.head - from.head,
            retries: now.retries - from.retries,
            throttled: now.throttled - from.throttled,
            ..RequestCounts::default()
        };
        self.mark.requests = self.before.0.plus(own);
        self.mark.elapsed = self.before.1 + self.clock.monotonic().saturating_sub(self.began);
        self.mark.save(&self.state.file(mark::NAME))
    }

    fn told(&self, next_poll: Option<Timestamp>) {
        let (ready, open) = (self.mark.ready, self.mark.open);
        if let Some(live) = &self.live {
            live.tell(self.clock.now(), Doing::Wait { ready, open, next: next_poll });
        }
        self.tell.tell(Event::Notice(Notice::Waiting { ready, open, next_poll }));
    }

    /// Closes the wait's files.
    fn ended(&mut self, end: WaitEnd) -> Result<Waited, WaitError> {
        self.count();
        self.mark.finished = Some(end.as_str().to_owned());
        self.save()?;
        self.told(None);
        Ok(Waited {
            end,
            mark: self.mark.clone(),
            oldest: self
                .survey
                .oldest
                .as_ref()
                .filter(|_| self.mark.open > 0)
                .map(|(key, since)| (shown_key(key).0.into_owned(), *since)),
            file: self.state.file(mark::NAME),
            owes: self.owes(),
        })
    }
}

/// The next objects of a memory.
fn piece(records: &mut Records) -> Result<Vec<Open>, CheckpointError> {
    let mut piece = Vec::new();
    while piece.len() < PIECE
        && let Some(open) = records.next()?
    {
        piece.push(open);
    }
    Ok(piece)
}

/// Whether what went wrong may be right the next time.
fn passes(error: &StoreError) -> bool {
    error.kind.retryable() && !matches!(error.kind, ErrorKind::Skewed | ErrorKind::TokenExpired)
}
