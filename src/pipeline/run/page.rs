//! One page through the stages filter, classify and act, and its rows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use tokio::sync::watch;

use super::asking::Due;
use crate::job::{Job, Prices, Rows};
use crate::model::{Action, Clock, Kind, Kinds, Listed, Outcome, Page, Spare, State, Tally};
use crate::pipeline::act::{Actor, Placed, Settled, lacks_expiry};
use crate::pipeline::budget::{Ledger, Left};
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{CheckpointError, ObjectId, copy_until};
use crate::pipeline::filter::Sieve;
use crate::pipeline::report::{Render, shown_key};
use crate::pipeline::safety::{SafetyStop, Watch};
use crate::pipeline::wait::{Memory, Open, flag};
use crate::store::{Call, Store, StoreError};

/// The most that a page of any vendor lists: buffers for more are not kept.
const PAGE: usize = 1000;

/// What an earlier session had to do with objects that its mark does not cover.
pub(super) type Known = HashMap<ObjectId, Past>;

/// What an earlier session had to do with an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It was about to be asked for; whether it was, and what came of it, only the store knows. The
    /// filter let it pass then: its row is wanted, whatever state the request has left it in. Where
    /// the listing calls it archived still, HEAD is asked: listings may lag or hide a restore, and a
    /// second request may cost a second time.
    Asked,
    /// This became of it.
    Answered(Outcome),
}

/// Objects of one page that are under way at once. It is a whole page: the client's permits bound
/// what is on the wire, and a request that backs off must not keep the others from their turn.
pub(super) const UNDER_WAY: usize = 1000;

/// Answers so far, for progress; the tally counts again when rows are written.
#[derive(Debug, Default)]
pub(super) struct Progress {
    listed: AtomicU64,
    matched: AtomicU64,
    by_action: [AtomicU64; Action::ALL.len()],
    asked_bytes: AtomicU64,
}

impl Progress {
    fn listed(&self, entries: u64) {
        self.listed.fetch_add(entries, Ordering::Relaxed);
    }

    fn count(&self, action: Action, size: u64) {
        self.matched.fetch_add(1, Ordering::Relaxed);
        self.by_action[action as usize].fetch_add(1, Ordering::Relaxed);
        if matches!(action, Action::Requested | Action::Extended | Action::Planned) {
            self.asked_bytes.fetch_add(size, Ordering::Relaxed);
        }
    }

    pub(super) fn kinds(&self) -> Kinds {
        let of = |action: Action| self.by_action[action as usize].load(Ordering::Relaxed);
        Kinds {
            listed: self.listed.load(Ordering::Relaxed),
            matched: self.matched.load(Ordering::Relaxed),
            requested: of(Action::Requested),
            extended: of(Action::Extended),
            already: of(Action::Already),
            planned: of(Action::Planned),
            failed: of(Action::Failed),
            none: of(Action::None),
            deferred: of(Action::Deferred),
            asked_bytes: self.asked_bytes.load(Ordering::Relaxed),
        }
    }
}

/// Everything that working on a page needs; shared by all pages of a run.
pub(super) struct Desk<S> {
    pub(super) job: Arc<Job>,
    pub(super) sieve: Sieve,
    pub(super) actor: Actor<S>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) progress: Arc<Progress>,
    pub(super) journal: Option<Arc<Mutex<Journal>>>,
    pub(super) known: Known,
    pub(super) settled: watch::Receiver<bool>,
    /// What earlier runs saw being restored.
    pub(super) memory: Option<Memory>,
    /// Time left at which a copy is told to be expiring.
    pub(super) soon: Duration,
    /// How many of the answers among [`Desk::known`] have made their row.
    pub(super) shown: AtomicUsize,
    /// What may be spent; none if there is no budget.
    pub(super) ledger: Option<Arc<Ledger>>,
    /// What restores cost.
    pub(super) prices: Arc<Prices>,
    /// Notices when it is enough.
    pub(super) watch: Arc<Watch>,
    /// Whether the run waits for its window, and then lists again what it did not come to.
    pub(super) waits: bool,
    /// Whether only counts are wanted, and no rows.
    pub(super) mute: bool,
    /// What pages are worked on in.
    pub(super) buffers: Buffers,
}

/// Buffers that go from page to page.
pub(super) struct Buffers {
    /// For rows as text; they come back when they are written.
    text: Arc<Spare>,
    rows: Spare<Row>,
    entries: Spare<Entry>,
}

impl Buffers {
    /// Buffers for so many pages at once, with those for text from `text`.
    pub(super) fn new(text: Arc<Spare>, pages: usize) -> Self {
        Self { text, rows: Spare::new(pages, PAGE), entries: Spare::new(pages, PAGE) }
    }
}

/// What has become of a page: its rows up to the first object whose turn did not come.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// The rows as CSV.
    pub(super) text: Vec<u8>,
    /// How many they are.
    pub(super) rows: u64,
    /// What they amount to.
    pub(super) tally: Tally,
    /// Key and version of the last entry that is done.
    pub(super) last: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether entries behind it are not done: nothing that follows may be written.
    pub(super) torn: bool,
    /// Objects that failed, as the report spells them, and why.
    pub(super) failures: Vec<(String, String)>,
    /// When the last of the copies that it asked for may lapse.
    pub(super) copies_until: Option<Timestamp>,
    /// Whether a running restore or a lapsing copy was not asked for as wished.
    pub(super) undone: bool,
    /// A refusal that every further request would meet.
    pub(super) doomed: Option<StoreError>,
    /// The run has had enough.
    pub(super) enough: Option<SafetyStop>,
    /// What is left over the budget.
    pub(super) left: Left,
    /// The window shut before all were asked for, and the run waits for it.
    pub(super) shut: bool,
    /// Whether the cap on matched objects was reached: what follows is not wanted.
    pub(super) capped: bool,
}

/// An entry that the filter lets pass, or that an earlier session had to do with.
struct Entry {
    /// Its place in the page.
    index: usize,
    wanted: Wanted,
    /// Whether its row is wanted in any state.
    asked: bool,
}

/// What is known of such an entry.
enum Wanted {
    /// An earlier session has its answer.
    Answered(Outcome),
    /// Its state is known.
    Placed(Placed),
    /// Only HEAD tells its state.
    Unseen,
    /// Its turn did not come.
    Undone,
}

/// What became of one entry of a page.
#[derive(Clone, Debug, Default)]
pub(super) enum Row {
    /// The filter did not want it.
    #[default]
    Unwanted,
    /// Its turn did not come.
    Undone,
    /// Its row.
    Done(Outcome),
}

impl<S: Store> Desk<S> {
    /// Answers of an earlier session whose objects the listing has not shown.
    pub(super) fn unshown(&self) -> usize {
        let answers = self.known.values().filter(|past| matches!(past, Past::Answered(_))).count();
        answers.saturating_sub(self.shown.load(Ordering::Relaxed))
    }

    /// Filters, classifies and acts on a page; `room` is how many more objects are wanted.
    pub(super) async fn work(&self, page: &Page, room: u64) -> Result<Sheet, CheckpointError> {
        let mut sheet = Sheet::default();
        self.progress.listed(page.len() as u64);
        let mut wanted = self.place(page);
        self.head(page, &mut wanted, &mut sheet).await;
        self.expiries(page, &mut wanted, &mut sheet).await?;

        let mut rows = self.buffers.rows.take(page.len());
        rows.resize(page.len(), Row::Unwanted);
        let mut asks = Vec::new();
        let mut room = room;
        for Entry { index, wanted, asked } in wanted.drain(..) {
            if room == 0 {
                sheet.capped = true;
                rows.truncate(index);
                break;
            }
            let object = page.get(index);
            rows[index] = match wanted {
                Wanted::Answered(outcome) => self.done(outcome, object.size),
                Wanted::Undone | Wanted::Unseen => Row::Undone,
                Wanted::Placed(placed) if !asked && !self.sieve.keeps_state(placed.outcome.state) => {
                    // It makes no row, but a HEAD for it was sent all the same.
                    sheet.tally.looked(&object, &placed.outcome);
                    continue;
                }
                Wanted::Placed(placed) => match self.actor.settle(&object, placed, asked) {
                    Settled::Done(mut outcome) => {
                        if asked {
                            self.actor.presume_taken(&object, &mut outcome);
                        }
                        self.record(page, index, &outcome)?;
                        if outcome.action == Action::Failed && outcome.http_status.is_some() {
                            self.met(page, index, (Call::Head, &outcome), &mut sheet);
                        }
                        self.done(outcome, object.size)
                    }
                    Settled::Ask(fitted, outcome) => {
                        asks.push(Due { index, fitted, outcome, again: asked });
                        Row::Undone
                    }
                },
            };
            room -= 1;
        }
        self.buffers.entries.put(wanted);
        self.ask(page, asks, &mut rows, &mut sheet).await?;
        let remembered = self.remembered(page, &rows)?;
        self.write(page, &rows, remembered, &mut sheet);
        self.buffers.rows.put(rows);
        Ok(sheet)
    }

    /// The row of an object of `size` bytes, counted.
    pub(super) fn done(&self, outcome: Outcome, size: u64) -> Row {
        self.progress.count(outcome.action, size);
        Row::Done(outcome)
    }

    /// The entries to be worked on, in page order, with what the listing tells of them.
    fn place(&self, page: &Page) -> Vec<Entry> {
        // What a listing tells was true when it came, for all its entries alike.
        let now = self.clock.now();
        let mut entries = self.buffers.entries.take(page.len());
        entries.extend(page.iter().enumerate().filter_map(|(index, object)| {
            let past = self.past(page, index);
            if let Some(Past::Answered(outcome)) = past {
                self.shown.fetch_add(1, Ordering::Relaxed);
                return Some(Entry { index, wanted: Wanted::Answered(outcome.clone()), asked: true });
            }
            let asked = past.is_some();
            if let Some(outcome) = page.told(index) {
                let placed = Placed::told(outcome.clone());
                let wanted = asked || self.sieve.keeps_named(object.key);
                return wanted.then_some(Entry { index, wanted: Wanted::Placed(placed), asked });
            }
            (asked || self.sieve.keeps(&object)).then(|| {
                // That one was asked for and runs is likely, that it is archived still, or lapses as
                // soon as before, may be wrong.
                let doubtful = |placed: &Placed| match placed.outcome.state {
                    State::Archived | State::Expired => asked,
                    State::Restored => asked && self.actor.extends(),
                    _ => !asked && self.actor.looks_closer(&object, placed),
                };
                let mut seen = self.actor.seen(&object, now).filter(|placed| !doubtful(placed));
                if let (Some(placed), Some((attempts, _))) = (&mut seen, page.heads(index)) {
                    placed.outcome.attempts += attempts;
                }
                Entry { index, wanted: seen.map_or(Wanted::Unseen, Wanted::Placed), asked }
            })
        }));
        entries
    }

    fn past(&self, page: &Page, index: usize) -> Option<&Past> {
        if self.known.is_empty() {
            return None;
        }
        let (key, version) = page.id(index);
        self.known.get(&(key.to_vec(), version.to_vec()))
    }

    /// Asks by HEAD, concurrently, for what the listing did not tell.
    async fn head(&self, page: &Page, entries: &mut [Entry], sheet: &mut Sheet) {
        let unseen: Vec<(usize, usize)> = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| matches!(entry.wanted, Wanted::Unseen))
            .map(|(place, entry)| (place, entry.index))
            .collect();
        let mut heads = stream::iter(unseen)
            .map(async |(place, index)| (place, self.actor.head(&page.get(index)).await))
            .buffer_unordered(UNDER_WAY);
        while let Some((place, headed)) = heads.next().await {
            let index = entries[place].index;
            entries[place].wanted = match headed {
                // Whoever may not look has the listing's word, where there is one.
                Ok(refused) if refused.is_settled() => {
                    let seen = self.actor.seen(&page.get(index), self.clock.now());
                    Wanted::Placed(seen.unwrap_or(refused))
                }
                Ok(placed) => Wanted::Placed(placed),
                Err(none) => {
                    self.note(none, sheet);
                    Wanted::Undone
                }
            };
        }
    }

    /// Asks by HEAD, concurrently, until when copies are readable that an earlier session extended, where
    /// it came to an end before it could ask.
    async fn expiries(
        &self,
        page: &Page,
        entries: &mut [Entry],
        sheet: &mut Sheet,
    ) -> Result<(), CheckpointError> {
        let mut untold = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            if let Wanted::Answered(outcome) = &entry.wanted
                && lacks_expiry(outcome)
            {
                untold.push((place, entry.index, outcome.clone()));
            }
        }
        // What is learnt goes into the journal, which must be as it was left.
        if untold.is_empty() || !self.is_settled().await {
            return Ok(());
        }
        let mut heads = stream::iter(untold)
            .map(async |(place, index, outcome)| {
                (place, index, self.actor.extension(&page.get(index), outcome).await)
            })
            .buffer_unordered(UNDER_WAY);
        while let Some((place, index, headed)) = heads.next().await {
            entries[place].wanted = match headed {
                Ok((outcome, learnt)) => {
                    if learnt {
                        self.record(page, index, &outcome)?;
                    }
                    Wanted::Answered(outcome)
                }
                Err(none) => {
                    self.note(none, sheet);
                    Wanted::Undone
                }
            };
        }
        Ok(())
    }

    /// Waits until the books of earlier sessions have been read back; false if they are not as they
    /// were left, which ends the run.
    pub(super) async fn is_settled(&self) -> bool {
        self.settled.clone().wait_for(|settled| *settled).await.is_ok()
    }

    /// What is remembered of the objects of a page that are being restored. A few reads of a file that
    /// the system has in memory.
    fn remembered(&self, page: &Page, rows: &[Row]) -> Result<Vec<Option<Open>>, CheckpointError> {
        let Some(memory) = &self.memory else { return Ok(Vec::new()) };
        let restoring: Vec<Listed<'_>> = page
            .iter()
            .zip(rows)
            .filter(|(_, row)| matches!(row, Row::Done(outcome) if outcome.state == State::Restoring))
            .map(|(object, _)| object)
            .collect();
        // Objects that were named come in any order.
        let mut places: Vec<usize> = (0..restoring.len()).collect();
        places.sort_by_key(|place| restoring[*place].key);
        let wanted: Vec<(&[u8], &[u8])> =
            places.iter().map(|place| (restoring[*place].key, restoring[*place].version_id)).collect();
        let mut found = vec![None; restoring.len()];
        for (place, open) in places.into_iter().zip(memory.find(&wanted)?) {
            found[place] = open;
        }
        Ok(found)
    }

    /// Writes the rows up to the first entry whose turn did not come, and counts what is done.
    /// `remembered` is what is known of those that are being restored, in page order.
    fn write(&self, page: &Page, rows: &[Row], remembered: Vec<Option<Open>>, sheet: &mut Sheet) {
        let mut remembered = remembered.into_iter();
        let room = if self.mute { 0 } else { Render::room(page.len()) };
        let mut render = Render::new(&self.job.source.bucket, self.buffers.text.take(room));
        let mut done = None;
        for (index, (object, row)) in page.iter().zip(rows).enumerate() {
            match row {
                Row::Undone => {
                    sheet.torn = true;
                    break;
                }
                Row::Unwanted => {}
                Row::Done(outcome) => {
                    let open =
                        if outcome.state == State::Restoring { remembered.next().flatten() } else { None };
                    let flag = flag(&*self.actor.store, self.soon, outcome, open.as_ref());
                    let shows = match self.job.report.rows {
                        Rows::All => true,
                        Rows::Changed => !matches!(outcome.action, Action::None | Action::Deferred),
                        Rows::Failed => outcome.action == Action::Failed,
                    };
                    if shows && !self.mute {
                        render.row(&object, outcome, flag);
                        sheet.rows += 1;
                    }
                    sheet.copies_until = sheet.copies_until.max(copy_until(outcome));
                    sheet.undone |= matches!(outcome.state, State::Restoring | State::Restored)
                        && matches!(outcome.action, Action::Deferred | Action::Failed);
                    sheet.tally.add(&object, outcome, || shown_key(object.key).0.into_owned());
                    if let Some(flag) = flag {
                        sheet.tally.flag(flag, object.size);
                    }
                    if outcome.action == Action::Failed {
                        sheet.failures.push((shown_key(object.key).0.into_owned(), cause(outcome)));
                    }
                }
            }
            if let Some((_, answers)) = page.heads(index) {
                let mut looked = Outcome::seen(State::Unknown, None, Timestamp::MIN);
                looked.bill_mut().heads = answers;
                sheet.tally.looked(&object, &looked);
            }
            sheet.tally.listed += 1;
            sheet.tally.delete_markers += u64::from(object.kind == Kind::DeleteMarker);
            done = Some(index);
        }
        sheet.last = done.map(|index| page.id(index)).map(|(key, version)| (key.to_vec(), version.to_vec()));
        sheet.text = render.finish();
    }
}

/// Why an object failed, in few words: the store's, or the report's where it said nothing.
fn cause(outcome: &Outcome) -> String {
    match (outcome.http_status, &outcome.error_code, outcome.reason) {
        (Some(status), Some(code), _) => format!("{status} {code}"),
        (Some(status), None, Some(reason)) => format!("{status} {reason}"),
        (_, _, Some(reason)) => reason.to_string(),
        _ => "unknown".to_owned(),
    }
}
