//! Listings of a store of numbers: in ranges, by its own continuation, and as fast as pages are taken in.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::WAITING;
use super::*;
use crate::model::{Entry, Offer, RequestCounts, Span, SystemClock, Tier};
use crate::pipeline::report::{Order, Segment};
use crate::pipeline::source::Source;
use crate::store::{Answered, Head, ReleaseAnswer, RestoreAnswer, RestoreAsk};

/// A store of numbered keys that may disregard where it is asked to go on by key.
#[derive(Default)]
struct Numbers {
    count: usize,
    heeds_keys: bool,
    /// What a page takes.
    takes: Duration,
    /// The request, by number, that the store asks to slow down at.
    slows_at: Option<usize>,
    flying: AtomicUsize,
    /// How many were in flight when each request came, itself counted.
    levels: Mutex<Vec<usize>>,
}

const PAGE: usize = 10;

fn key(number: usize) -> Vec<u8> {
    format!("{number:05}").into_bytes()
}

impl Store for Numbers {
    async fn list(&self, _: &Listing, at: &Position) -> Result<Answered<Page>, StoreError> {
        let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.levels.lock().unwrap().push(flying);
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
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
        self.flying.fetch_sub(1, Ordering::SeqCst);
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
        let came = self.levels.lock().unwrap().len();
        let throttled = u64::from(self.slows_at.is_some_and(|at| came > at));
        RequestCounts { throttled, ..RequestCounts::default() }
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
    let whole = Segment { id: first, reached: None, until: None, aside: VecDeque::default(), done: false };
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
    let (keys, cuts, collapsed) =
        listed(Numbers { count: 1003, heeds_keys: true, ..Numbers::default() }).await;
    assert_eq!(keys, (0..1003).map(key).collect::<Vec<_>>());
    assert!(cuts > 0 && !collapsed);
}

#[tokio::test]
async fn a_store_that_does_not_is_listed_by_its_own_continuation() {
    let (keys, cuts, collapsed) = listed(Numbers { count: 1003, ..Numbers::default() }).await;
    assert_eq!(keys, (0..1003).map(key).collect::<Vec<_>>());
    assert!(cuts > 0 && collapsed, "it was tried, and noticed");
}

/// A listing of at most so many requests in flight, with room for so many pages besides, of a store that takes
/// 50 ms a page.
fn numbers(in_flight: usize, besides: usize, slows_at: Option<usize>) -> (Arc<Numbers>, Source) {
    let takes = Duration::from_millis(50);
    let store = Arc::new(Numbers { count: 30_000, heeds_keys: true, takes, slows_at, ..Numbers::default() });
    let extent = Extent {
        ranges: vec![Range { id: RangeId(0), from: Position::Start, until: None }],
        fresh: 1,
        in_flight,
        hints: (0..300).map(|n| key(n * 100)).collect(),
    };
    let room = Arc::new(Semaphore::new(in_flight + besides));
    let clock = Arc::new(SystemClock::default());
    let source = Source::start(Arc::clone(&store), Listing::default(), extent, room, clock);
    (store, source)
}

/// How many of 256 that may be were in flight at each request, where each page keeps its taker busy for so
/// long.
async fn levels(busy: Duration, slows_at: Option<usize>) -> Vec<usize> {
    let (store, mut source) = numbers(256, 100, slows_at);
    loop {
        match source.next().await {
            Told::Page(_) if !busy.is_zero() => tokio::time::sleep(busy).await,
            Told::End { .. } => return store.levels.lock().unwrap().clone(),
            Told::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
}

const BUSY: Duration = Duration::from_millis(20);

#[tokio::test(start_paused = true)]
async fn as_many_requests_are_in_flight_as_pages_are_taken_in() {
    assert_eq!(levels(Duration::ZERO, None).await.into_iter().max(), Some(256));
    // 64 at first; the pages that find room in the channel are in time and make some more.
    let most = levels(BUSY, None).await.into_iter().max().unwrap();
    assert!((64..64 + WAITING).contains(&most), "{most}");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_asks_to_slow_down_gets_less_than_was_in_flight() {
    let levels = levels(BUSY, Some(1000)).await;
    let before = levels[500..1000].iter().max().unwrap();
    // Those in flight come back first.
    let after = levels[1000 + 80..1000 + 100].iter().max().unwrap();
    assert!((60..80).contains(before) && *after <= before * 4 / 5, "{before}, then {after}");
}

#[tokio::test(start_paused = true)]
async fn pages_that_nobody_is_done_with_count_as_requests_in_flight() {
    let (store, mut source) = numbers(256, 4, None);
    let mut kept = Vec::new();
    while kept.len() < 60 {
        if let Told::Page(page) = source.next().await {
            kept.push(page);
        }
    }
    tokio::time::sleep(Duration::from_mins(1)).await;
    // 64 at first and four pages that may be worked on, and one more for each two from the 64th on.
    let asked = store.levels.lock().unwrap().len();
    assert!((64 + 4..64 + 4 + 6).contains(&asked), "{asked}");
    let mut count: usize = kept.drain(..).map(|placed| placed.page.len()).sum();
    loop {
        match source.next().await {
            Told::Page(placed) => count += placed.page.len(),
            Told::End { .. } => break,
            Told::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
    assert_eq!(count, store.count);
    assert_eq!(store.levels.lock().unwrap().iter().max(), Some(&256));
}
