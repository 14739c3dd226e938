//! The listing task: asks for what the planner wants, and tells pages and cuts.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};

use super::concurrency::Concurrency;
use super::spacing::Spacing;
use super::split::{self, Kept, Landmarks, Planner, Seen};
use super::trail::{Trail, orderly};
use super::{Extent, Placed, Placing, Range, RangeId, SourceError, Told};
use crate::model::{Clock, Page, Position};
use crate::store::{ListApi, Listing, Store, StoreError};

/// Truncated pages without any entry in a row after which a listing is given up. Stores may send
/// some (a prefix thinned out by deletions), but none sends a thousand.
const MAX_EMPTY_PAGES: u32 = 1000;
/// Keys left for the next listing, at most.
const HINTS: usize = 1024;
/// Keys of a page that the planner is shown.
const SAMPLES: usize = 64;

/// A listing under way.
pub(super) struct Lister<S> {
    store: Arc<S>,
    listing: Listing,
    /// The last key wanted of all.
    until: Option<Vec<u8>>,
    planner: Planner,
    marks: Landmarks,
    ranges: HashMap<split::RangeId, Known>,
    /// The next name to give out.
    fresh: u64,
    /// How many requests may be in flight.
    concurrency: Concurrency,
    /// How often the store asked to slow down.
    throttled: u64,
    room: Arc<Semaphore>,
    /// Permits in circulation for requests, those for pages that are worked on not among them. Those that are
    /// too many are taken out as they come back.
    granted: usize,
    /// So many are never taken out: they are little memory, and only the store asks for fewer requests, not
    /// for fewer pages that wait here for one another.
    least: usize,
    clock: Arc<dyn Clock>,
    spacing: Spacing,
    send: mpsc::Sender<Told>,
    wire: JoinSet<Box<Arrived>>,
}

/// A range that has been asked for.
struct Known {
    id: RangeId,
    /// Pages told of.
    pages: u64,
    /// Pages without an entry in a row.
    empty: u32,
    trail: Trail,
}

/// A page, or why it did not come.
struct Arrived {
    range: split::RangeId,
    at: Position,
    page: Result<Page, StoreError>,
    /// When it was asked for and when it was whole, on the monotonic clock.
    began: Duration,
    came: Duration,
    permit: OwnedSemaphorePermit,
}

/// What woke the loop.
enum Woken {
    Arrived(Result<Box<Arrived>, JoinError>),
    Room(OwnedSemaphorePermit),
}

impl<S: Store + 'static> Lister<S> {
    pub(super) fn new(
        store: Arc<S>,
        listing: Listing,
        extent: &Extent,
        (room, clock): (Arc<Semaphore>, Arc<dyn Clock>),
        send: mpsc::Sender<Told>,
    ) -> Result<Self, SourceError> {
        let until = extent.ranges.last().and_then(|range| range.until.clone());
        let kept = extent.ranges.iter().map(|range| Kept {
            at: range.from.clone(),
            lo: key_of(&range.from).unwrap_or_default().to_vec(),
            hi: range.until.clone(),
            done: false,
        });
        let most = extent.in_flight.max(1);
        let concurrency = Concurrency::new(most);
        let planner = Planner::resume(listing.prefix.clone(), kept, concurrency.limit(), &extent.hints)
            .map_err(|split::Torn(at)| SourceError::Overlap { at })?;
        let ranges = planner
            .ranges()
            .zip(&extent.ranges)
            .map(|((split, _), Range { id, from, .. })| (split, Known::new(*id, from)))
            .collect();
        let fresh = extent.fresh;
        let throttled = store.requests().throttled;
        Ok(Self {
            store,
            listing,
            until,
            planner,
            marks: Landmarks::default(),
            ranges,
            fresh,
            throttled,
            room,
            granted: most,
            least: concurrency.limit(),
            clock,
            spacing: Spacing::new(),
            send,
            wire: JoinSet::new(),
            concurrency,
        })
    }

    /// Lists to the end, and says which keys part the listing into equal pieces. Ends early, and well,
    /// when nobody wants pages any more.
    pub(super) async fn list(mut self) -> Result<Vec<Vec<u8>>, SourceError> {
        self.fit();
        // Whether the planner may want another page: until it says no.
        let mut hungry = true;
        while !self.planner.is_done() {
            let turn = self.turn();
            let woken = tokio::select! {
                biased;
                Some(arrived) = self.wire.join_next() => Woken::Arrived(arrived),
                Ok(permit) = turn, if hungry => Woken::Room(permit),
                else => return Ok(Vec::new()),
            };
            match woken {
                Woken::Arrived(arrived) => {
                    hungry = true;
                    let arrived = arrived.map_err(|_| SourceError::Died)?;
                    if !self.take(*arrived).await? {
                        return Ok(Vec::new());
                    }
                }
                Woken::Room(permit) if self.granted > self.permits() => {
                    permit.forget();
                    self.granted -= 1;
                }
                Woken::Room(permit) => match self.ask(permit).await {
                    Some(wanted) => hungry = wanted,
                    None => return Ok(Vec::new()),
                },
            }
        }
        Ok(self.marks.spaced(HINTS))
    }

    /// Waits for the next request's turn, and for room for its page.
    fn turn(&self) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + use<S> {
        let (clock, room) = (Arc::clone(&self.clock), Arc::clone(&self.room));
        let pause = self.spacing.pause(clock.monotonic());
        async move {
            if !pause.is_zero() {
                clock.sleep(pause).await;
            }
            room.acquire_owned().await
        }
    }

    /// Sends one request if one is wanted; `None` if nobody wants pages any more.
    async fn ask(&mut self, permit: OwnedSemaphorePermit) -> Option<bool> {
        let Some(split::Ask { range, after }) = self.planner.next() else {
            return Some(false);
        };
        if !self.ranges.contains_key(&range) && !self.announce(range, &after).await {
            return None;
        }
        let began = self.clock.monotonic();
        self.spacing.left(began, self.concurrency.limit());
        let (store, listing, clock) =
            (Arc::clone(&self.store), self.listing.clone(), Arc::clone(&self.clock));
        self.wire.spawn(async move {
            let page = store.list(&listing, &after).await.map(|answered| answered.answer);
            let came = clock.monotonic();
            Box::new(Arrived { range, at: after, page, began, came, permit })
        });
        Some(true)
    }

    /// Tells of a range that a cut has made, before its first page is asked for.
    async fn announce(&mut self, range: split::RangeId, after: &Position) -> bool {
        // What lies between it and the nearest range that has been told of is still part of that.
        let mut before = None;
        let mut at = self.planner.first();
        while let Some(id) = at.filter(|id| *id != range) {
            before = self.ranges.get(&id).map(|known| known.id).or(before);
            at = self.planner.behind(id);
        }
        let new = RangeId(self.fresh);
        self.fresh += 1;
        self.ranges.insert(range, Known::new(new, after));
        match (before, key_of(after)) {
            (Some(range), Some(key)) => {
                self.send.send(Told::Cut { range, new, at: key.to_vec() }).await.is_ok()
            }
            _ => unreachable!("a cut lies behind a range that has been asked for, at a key"),
        }
    }

    /// Takes a page in and tells of it; false if nobody wants pages any more.
    async fn take(&mut self, arrived: Arrived) -> Result<bool, SourceError> {
        let Arrived { range, at, page, began, came, permit } = arrived;
        let mut page = page?;
        self.spacing.arrived(came.saturating_sub(began));
        let now = self.clock.monotonic();
        self.concurrency.took_in(now.saturating_sub(began), now.saturating_sub(came), self.wire.len());
        let throttled = self.store.requests().throttled;
        if throttled > self.throttled {
            self.throttled = throttled;
            self.concurrency.slow_down();
        }
        self.fit();
        orderly(&page, &self.listing.prefix, self.listing.api == ListApi::Versions)?;
        let samples = samples(&page);
        let next = page.next().cloned();
        let verdict = self.planner.page(range, Seen { samples: &samples, next: next.as_ref() });
        if verdict.astray && self.collapse().await {
            return Ok(true);
        }
        let Some(known) = self.ranges.get_mut(&range) else {
            // A range given up by a collapse.
            return Ok(true);
        };
        known.trail.follow(&page)?;
        known.empty = if page.is_empty() { known.empty + 1 } else { 0 };
        if let Some(until) = &verdict.keep_until {
            page.drop_after(until);
        }
        note(&mut self.marks, &page);
        let placing = Placing { range: known.id, number: known.pages, last: verdict.done };
        known.pages += 1;
        let (pages, empty) = (known.pages, known.empty);
        if verdict.done {
            self.ranges.remove(&range);
            self.retire();
        }
        if self.send.send(Told::Page(Placed { placing, page, permit })).await.is_err() {
            return Ok(false);
        }
        if !verdict.done && next.as_ref() == Some(&at) {
            return Err(SourceError::Repeated { pages });
        }
        if empty >= MAX_EMPTY_PAGES {
            return Err(SourceError::Empty);
        }
        Ok(true)
    }

    /// Fits what may be in flight, and what may stand in memory besides, to what is of use.
    fn fit(&mut self) {
        self.planner.set_in_flight(self.concurrency.limit());
        let permits = self.permits();
        if let Some(more) = permits.checked_sub(self.granted) {
            self.room.add_permits(more);
            self.granted = permits;
        } else {
            self.granted -= self.room.forget_permits(self.granted - permits);
        }
    }

    /// Permits that requests may have.
    fn permits(&self) -> usize {
        self.concurrency.limit().max(self.least)
    }

    /// Lets the planner forget what is done at the front.
    fn retire(&mut self) {
        let mut first = self.planner.first();
        loop {
            let next = self.planner.retire_first();
            if next == first {
                return;
            }
            first = next;
        }
    }

    /// The store does not go on where it is asked to. If no range but the first has brought a page
    /// yet, all that is left is listed as one range, by the store's own continuation; false if it
    /// is too late for that.
    async fn collapse(&mut self) -> bool {
        let Some((first, kept)) = self.planner.ranges().next() else { return false };
        let others = self.ranges.iter().filter(|(split, _)| **split != first);
        let late = others.clone().any(|(_, known)| known.pages > 0);
        if late || others.count() == 0 || kept.done {
            return false;
        }
        let Some(mut known) = self.ranges.remove(&first) else { return false };
        let whole = Kept { hi: self.until.clone(), ..kept };
        let Ok(planner) = Planner::resume(self.listing.prefix.clone(), [whole], 1, &[]) else {
            return false;
        };
        self.planner = planner;
        self.wire = JoinSet::new();
        self.concurrency = Concurrency::new(1);
        known.empty = 0;
        let onto = known.id;
        self.ranges = self.planner.first().map(|split| (split, known)).into_iter().collect();
        self.send.send(Told::Collapse { onto }).await.is_ok()
    }
}

impl Known {
    fn new(id: RangeId, from: &Position) -> Self {
        Self { id, pages: 0, empty: 0, trail: Trail::after(from) }
    }
}

/// Notes where the quarters of a page end: pages alone are not even, since many are cut short.
fn note(marks: &mut Landmarks, page: &Page) {
    let mut from = 0;
    while from < page.len() {
        let to = (from + page.len().div_ceil(4)).min(page.len());
        marks.note(page.get(to - 1).key, (to - from) as u64);
        from = to;
    }
}

/// Some evenly spaced keys of a page, the first and the last among them.
fn samples(page: &Page) -> Vec<&[u8]> {
    let Some(last) = page.len().checked_sub(1) else { return Vec::new() };
    let count = page.len().min(SAMPLES);
    (0..count).map(|n| page.get(if count > 1 { n * last / (count - 1) } else { last }).key).collect()
}

/// The key of a position, where it has one.
fn key_of(at: &Position) -> Option<&[u8]> {
    match at {
        Position::After(key) | Position::AfterVersion(key, _) => Some(key),
        Position::Start | Position::Token(_) => None,
    }
}
