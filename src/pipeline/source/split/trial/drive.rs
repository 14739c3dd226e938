//! A driver that asks for pages, a store that answers after a while, and a check that every key
//! came exactly once and in order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use super::super::{Kept, Landmarks, Planner, Position, RangeId, Seen};
use super::space::scramble;

/// Sorted keys.
pub(crate) trait Keys {
    fn count(&self) -> u64;
    fn owned(&self, i: u64) -> Vec<u8>;
    /// Index of the first key that is `>= key`, or with `after` `> key`.
    fn lower_bound(&self, key: &[u8], after: bool) -> u64;
}

impl Keys for Vec<Vec<u8>> {
    fn count(&self) -> u64 {
        self.len() as u64
    }

    fn owned(&self, i: u64) -> Vec<u8> {
        self[i as usize].clone()
    }

    fn lower_bound(&self, key: &[u8], after: bool) -> u64 {
        self.partition_point(|own| if after { own.as_slice() <= key } else { own.as_slice() < key }) as u64
    }
}

/// How long a page takes; a round is [`ROUND`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Latency {
    /// One round.
    Even,
    /// Half a round, and an exponential tail of half a round on average.
    Tail,
    /// Anything, by lot, and one page in eight does not come at all.
    Wild(u64),
}

pub(crate) const ROUND: u64 = 1_000_000;

/// How a trial is run.
pub(crate) struct Setup {
    pub(crate) latency: Latency,
    /// Keys a page.
    pub(crate) page: u64,
    /// Keys of a page that the planner is shown.
    pub(crate) samples: u64,
    /// Stops after this many requests.
    pub(crate) stop: u64,
    /// Changes the number in flight now and then.
    pub(crate) sway: bool,
    /// Processor time, where it is measured.
    pub(crate) clock: fn() -> Duration,
}

impl Default for Setup {
    fn default() -> Self {
        let clock = || Duration::ZERO;
        Self { latency: Latency::Even, page: 1000, samples: 64, stop: u64::MAX, sway: false, clock }
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Virtual time in rounds.
    pub(crate) rounds: f64,
    pub(crate) requests: u64,
    /// Pages of which nothing was kept.
    pub(crate) empty: u64,
    pub(crate) cpu: Duration,
    pub(crate) marks: Landmarks,
    /// Per range, the indices kept: first and end of each page.
    pub(crate) kept: BTreeMap<RangeId, Vec<(u64, u64)>>,
    pub(crate) ranges: Vec<(RangeId, Kept)>,
    /// Most keys that waited at one time for the ranges before theirs to be done.
    pub(crate) backlog: u64,
    waiting: BTreeMap<RangeId, u64>,
    done: BTreeSet<RangeId>,
    front: Option<RangeId>,
}

impl Outcome {
    /// Takes note of `keys` keys of `range`: the first range that is not done writes its rows at once,
    /// the others wait for it.
    fn wait(&mut self, planner: &Planner, range: RangeId, keys: u64) {
        *self.waiting.entry(range).or_default() += keys;
        let mut front = self.front.or(planner.first());
        while let Some(id) = front {
            self.waiting.remove(&id);
            self.front = Some(id);
            if !self.done.contains(&id) {
                break;
            }
            front = planner.behind(id);
        }
        self.backlog = self.backlog.max(self.waiting.values().sum());
    }

    /// All pages kept, range by range in the planner's order.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (u64, u64)> {
        let empty = &[][..];
        self.ranges.iter().flat_map(move |(id, _)| self.kept.get(id).map_or(empty, Vec::as_slice)).copied()
    }

    /// Panics unless the pages kept are all the keys, once each and in order.
    pub(crate) fn check(&self, count: u64) {
        let end = self.in_order().fold(0, |at, (first, end)| {
            assert_eq!(at, first, "keys missed, doubled or out of order");
            end
        });
        assert_eq!(end, count, "keys missed at the end");
        assert!(self.ranges.iter().all(|(_, kept)| kept.done));
    }
}

/// Lists `keys` with `planner`.
pub(crate) fn drive(keys: &impl Keys, mut planner: Planner, setup: &Setup) -> Outcome {
    let mut out = Outcome::default();
    // Time of arrival, number of the request, range, first index.
    let mut wire: BinaryHeap<Reverse<(u64, u64, RangeId, u64)>> = BinaryHeap::new();
    let mut now = 0;
    loop {
        while out.requests < setup.stop {
            let start = (setup.clock)();
            let ask = planner.next();
            out.cpu += (setup.clock)() - start;
            let Some(ask) = ask else { break };
            let first = match &ask.after {
                Position::Start => 0,
                Position::After(key) => keys.lower_bound(key, true),
                Position::AfterVersion(..) | Position::Token(_) => unreachable!("no such page was given"),
            };
            out.requests += 1;
            wire.push(Reverse((now + took(setup.latency, out.requests), out.requests, ask.range, first)));
        }
        let Some(Reverse((at, ..))) = wire.peek() else { break };
        now = *at;
        // All that arrives at once is handed in at once.
        while let Some(Reverse((at, number, range, first))) = wire.peek().copied()
            && at == now
        {
            wire.pop();
            let lot = scramble(number ^ now);
            if setup.sway && lot.is_multiple_of(5) {
                planner.set_in_flight(1 + (lot >> 8) as usize % 9);
            }
            if matches!(setup.latency, Latency::Wild(_)) && lot % 8 == 1 {
                planner.failed(range);
                continue;
            }
            arrive(keys, &mut planner, setup, &mut out, (range, first));
        }
    }
    out.rounds = now as f64 / ROUND as f64;
    out.ranges = planner.ranges().collect();
    out
}

fn took(latency: Latency, number: u64) -> u64 {
    match latency {
        Latency::Even => ROUND,
        Latency::Tail => {
            let lot = ((scramble(number) >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
            ROUND / 2 + (-lot.ln() * (ROUND / 2) as f64) as u64
        }
        Latency::Wild(seed) => scramble(seed ^ number) % (ROUND * 3),
    }
}

fn arrive(
    keys: &impl Keys,
    planner: &mut Planner,
    setup: &Setup,
    out: &mut Outcome,
    (range, first): (RangeId, u64),
) {
    let to = (first + setup.page).min(keys.count());
    let n = to - first;
    let shown = setup.samples.min(n);
    let at = |s: u64| first + if shown > 1 { s * (n - 1) / (shown - 1) } else { 0 };
    let mut samples: Vec<Vec<u8>> = (0..shown).map(|s| keys.owned(at(s))).collect();
    if shown == 1 && n > 1 {
        samples.push(keys.owned(to - 1));
    }
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    let last = samples.last().map(|key| key.to_vec());
    let next = last.filter(|_| to < keys.count()).map(Position::After);
    let start = (setup.clock)();
    let verdict = planner.page(range, Seen { samples: &samples, next: next.as_ref() });
    out.cpu += (setup.clock)() - start;
    assert!(!verdict.astray);
    let end = verdict.keep_until.map_or(to, |hi| keys.lower_bound(&hi, true).min(to)).max(first);
    if end > first {
        // A few marks a page: ends of pages alone are not even, as many a page is cut short.
        let mut at = first;
        while at < end {
            let to = (at + setup.page.div_ceil(4)).min(end);
            out.marks.note(&keys.owned(to - 1), to - at);
            at = to;
        }
    } else {
        out.empty += 1;
    }
    out.kept.entry(range).or_default().push((first, end));
    if verdict.done {
        out.done.insert(range);
    }
    out.wait(planner, range, end - first);
}
