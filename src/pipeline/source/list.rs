//! The listing task: asks for what the planner wants, and tells pages and cuts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinSet};

use super::intake::Intake;
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
    /// Most requests in flight, as the job says, and as many as the store bears now.
    most: usize,
    now: usize,
    /// Pages since the store last asked to slow down, and how often it did.
    calm: usize,
    throttled: u64,
    room: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    spacing: Spacing,
    intake: Intake,
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
    took: Duration,
    /// When it was whole, on the monotonic clock.
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
        let most = extent.in_flight.max(1);
        let until = extent.ranges.last().and_then(|range| range.until.clone());
        let kept = extent.ranges.iter().map(|range| Kept {
            at: range.from.clone(),
            lo: key_of(&range.from).unwrap_or_default().to_vec(),
            hi: range.until.clone(),
            done: false,
        });
        let intake = Intake::new(most);
        let planner = Planner::resume(listing.prefix.clone(), kept, intake.now(), &extent.hints)
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
            most,
            now: most,
            calm: 0,
            throttled,
            room,
            clock,
            spacing: Spacing::new(),
            intake,
            send,
            wire: JoinSet::new(),
        })
    }

    /// Lists to the end, and says which keys part the listing into equal pieces. Ends early, and well,
    /// when nobody wants pages any more.
    pub(super) async fn list(mut self) -> Result<Vec<Vec<u8>>, SourceError> {
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
        self.spacing.left(began, self.in_flight());
        let (store, listing, clock) =
            (Arc::clone(&self.store), self.listing.clone(), Arc::clone(&self.clock));
        self.wire.spawn(async move {
            let page = store.list(&listing, &after).await.map(|answered| answered.answer);
            let came = clock.monotonic();
            Box::new(Arrived { range, at: after, page, took: came.saturating_sub(began), came, permit })
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
        let Arrived { range, at, page, took, came, permit } = arrived;
        let mut page = page?;
        self.spacing.arrived(took);
        self.intake.took_in(self.clock.monotonic().saturating_sub(came));
        self.breathe();
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

    /// Fewer requests in flight when the store asks to slow down, one more after each calm round.
    fn breathe(&mut self) {
        let throttled = self.store.requests().throttled;
        if throttled > self.throttled {
            self.throttled = throttled;
            self.now = (self.now * 3 / 4).max(1);
            self.calm = 0;
        } else {
            self.calm += 1;
            if self.calm >= self.now && self.now < self.most {
                self.now += 1;
                self.calm = 0;
            }
        }
        self.planner.set_in_flight(self.in_flight());
    }

    /// Requests that may be in flight: what the store bears, and what this machine takes in.
    fn in_flight(&self) -> usize {
        self.now.min(self.intake.now())
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
        (self.most, self.now) = (1, 1);
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::model::{Entry, Offer, RequestCounts, Span, SystemClock, Tier};
    use crate::pipeline::report::{Order, Segment};
    use crate::pipeline::source::Source;
    use crate::store::{Answered, Head, ReleaseAnswer, RestoreAnswer, RestoreAsk};

    /// A store of numbered keys that may disregard where it is asked to go on by key.
    struct Numbers {
        count: usize,
        heeds_keys: bool,
    }

    const PAGE: usize = 10;

    fn key(number: usize) -> Vec<u8> {
        format!("{number:05}").into_bytes()
    }

    impl Store for Numbers {
        async fn list(&self, _: &Listing, at: &Position) -> Result<Answered<Page>, StoreError> {
            let number = |text: &[u8]| std::str::from_utf8(text).unwrap().parse::<usize>().unwrap();
            let from = match at {
                Position::Token(token) => number(token),
                Position::After(after) if self.heeds_keys => {
                    (0..self.count).find(|n| key(*n) > *after).unwrap_or(self.count)
                }
                _ => 0,
            };
            let to = (from + PAGE).min(self.count);
            let text: Vec<u8> = (from..to).flat_map(key).collect();
            let entry = |n: usize| {
                let start = u32::try_from(5 * (n - from)).unwrap();
                Entry { key: Span { start, len: 5 }, ..Entry::default() }
            };
            let entries = (from..to).map(entry).collect();
            let next = (to < self.count).then(|| Position::Token(to.to_string().into_bytes()));
            // The others get on with theirs meanwhile.
            tokio::task::yield_now().await;
            Ok(Answered {
                answer: Page::new(text, entries, next),
                attempts: 1,
                answers: crate::model::Answers::default(),
            })
        }

        async fn head(&self, _: &[u8], _: &[u8]) -> Result<Answered<Head>, StoreError> {
            unreachable!("a listing asks for pages only")
        }

        async fn restore(&self, _: RestoreAsk<'_>) -> Result<Answered<RestoreAnswer>, StoreError> {
            unreachable!("a listing asks for pages only")
        }

        async fn release(&self, _: &[u8], _: &[u8]) -> Result<Answered<ReleaseAnswer>, StoreError> {
            unreachable!("a listing asks for pages only")
        }

        fn can_release(&self) -> bool {
            false
        }

        fn usual_time(&self, _: &[u8], _: &[u8], _: Option<Tier>) -> Option<Duration> {
            None
        }

        fn addressable(&self, _: &[u8]) -> bool {
            true
        }

        fn offer(&self, _: &[u8], _: &[u8]) -> Option<Offer> {
            None
        }

        fn halt(&self) {}

        fn requests(&self) -> RequestCounts {
            RequestCounts::default()
        }

        fn restores_in_flight(&self) -> u32 {
            0
        }
    }

    /// Lists with 16 requests in flight and puts the keys in order as the report does.
    async fn listed(store: Numbers) -> (Vec<Vec<u8>>, usize, bool) {
        let first = RangeId(0);
        let extent = Extent {
            ranges: vec![Range { id: first, from: Position::Start, until: None }],
            fresh: 1,
            in_flight: 16,
            hints: Vec::new(),
        };
        let whole =
            Segment { id: first, reached: None, until: None, aside: VecDeque::default(), done: false };
        let mut order: Order<Vec<Vec<u8>>> = Order::new(vec![whole]);
        // Keys by range, to be put in order by the cuts told of.
        let mut chain = vec![first];
        let mut keys: HashMap<RangeId, Vec<Vec<u8>>> = HashMap::new();
        let (mut cuts, mut collapsed) = (0, false);
        let mut source = Source::start(
            Arc::new(store),
            Listing::default(),
            extent,
            Arc::new(Semaphore::new(20)),
            Arc::new(SystemClock::default()),
        );
        loop {
            match source.next().await {
                Told::Cut { range, new, at } => {
                    order.cut(range, new, at);
                    let place = chain.iter().position(|id| *id == range).unwrap();
                    chain.insert(place + 1, new);
                    cuts += 1;
                }
                Told::Collapse { onto } => {
                    order.collapse(onto);
                    collapsed = true;
                    assert_eq!(order.segments().len(), 1);
                }
                Told::Page(Placed { placing, page, .. }) => {
                    let page = page.iter().map(|entry| entry.key.to_vec()).collect();
                    for page in order.take(&placing, page) {
                        keys.entry(placing.range).or_default().extend(page);
                    }
                    if placing.last {
                        order.finish(placing.range);
                    }
                }
                Told::End { .. } => break,
                Told::Failed(error) => panic!("{error}"),
            }
        }
        assert!(order.segments().is_empty(), "nothing is left");
        (chain.iter().flat_map(|id| keys.remove(id).unwrap_or_default()).collect(), cuts, collapsed)
    }

    #[tokio::test]
    async fn a_store_that_goes_on_where_it_is_asked_to_is_listed_in_ranges() {
        let (keys, cuts, collapsed) = listed(Numbers { count: 1003, heeds_keys: true }).await;
        assert_eq!(keys, (0..1003).map(key).collect::<Vec<_>>());
        assert!(cuts > 0 && !collapsed);
    }

    #[tokio::test]
    async fn a_store_that_does_not_is_listed_by_its_own_continuation() {
        let (keys, cuts, collapsed) = listed(Numbers { count: 1003, heeds_keys: false }).await;
        assert_eq!(keys, (0..1003).map(key).collect::<Vec<_>>());
        assert!(cuts > 0 && collapsed, "it was tried, and noticed");
    }
}
