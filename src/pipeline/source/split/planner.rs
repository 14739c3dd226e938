//! Which range is asked next, and what is done with a page.

use std::collections::BTreeSet;

use super::letter;
use super::lore::Lore;
use super::plan::Plan;
use super::quantile::{Quantiles, Stretch};
use super::range::{Chain, Range, RangeId, State};
use crate::model::Position;

/// The stretch of keys that is listed.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// What every key begins with.
    pub prefix: Vec<u8>,
    /// Where to start.
    pub from: Position,
    /// The last key wanted, inclusive; `None` for all.
    pub until: Option<Vec<u8>>,
}

/// A page that should be asked for now.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The range that the page belongs to.
    pub range: RangeId,
    /// Where the page starts.
    pub after: Position,
}

/// A page as the planner needs to see it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// About 64 evenly spaced keys of the page, first and last included, ascending. All keys of the
    /// page do as well. Empty only if the page is.
    pub samples: &'a [&'a [u8]],
    /// Where the listing goes on; `None` if the page says that nothing follows.
    pub next: Option<&'a Position>,
}

/// What to do with a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Keys above this one belong to other ranges and are to be dropped; `None` keeps all.
    pub keep_until: Option<Vec<u8>>,
    /// Whether the range is finished. It will not be asked for again, nor cut.
    pub done: bool,
    /// The page holds keys from before the place it was asked from: the store does not heed it, or
    /// does not list in byte order. Such a store can only be listed as one range, by tokens.
    pub astray: bool,
}

/// A range as a checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where its next page starts.
    pub at: Position,
    /// The key of that place: the last one listed, or the end of the range before.
    pub lo: Vec<u8>,
    /// The last key that belongs to it, inclusive; `None` for no end.
    pub hi: Option<Vec<u8>>,
    /// Whether it is finished.
    pub done: bool,
}

/// Saved ranges that cannot be gone on with: they overlap, or are out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saved key ranges overlap or are out of order at range {0}")]
pub struct Torn(pub usize);

/// Pages expected in a range of which nothing is known.
const UNKNOWN: f64 = 64.0;

/// Doublings after which an estimate is believed whatever the hints say.
const STEPS: u32 = 20;

/// See [the module](super).
#[derive(Clone, Debug)]
pub struct Planner {
    pub(super) prefix: Vec<u8>,
    pub(super) in_flight: usize,
    pub(super) flying: usize,
    pub(super) chain: Chain,
    /// Ranges that may be asked, oldest first: what has begun is finished before more is begun.
    pub(super) ready: BTreeSet<RangeId>,
    /// Ranges that are not done.
    pub(super) active: Vec<RangeId>,
    /// Whether anything has happened since idle requests last looked for work in vain.
    pub(super) news: bool,
    /// Pages that each request in flight has before it, if all are shared evenly.
    pub(super) fair: f64,
    pub(super) pages: u64,
    pub(super) lore: Lore,
    pub(super) hints: Quantiles,
    /// In a long listing the ranges that are near its front, in key order; `None` if all are.
    pub(super) near: Option<Vec<RangeId>>,
}

impl Planner {
    /// A planner for all of `span`, with up to `in_flight` requests at a time (at least one).
    ///
    /// `hints` are keys of an earlier listing that were evenly spaced then. Nothing but speed
    /// depends on them: any bytes in any order are allowed.
    #[must_use]
    pub fn new(span: Span, in_flight: usize, hints: &[Vec<u8>]) -> Self {
        let lo = key_of(&span.from).unwrap_or_default().to_vec();
        let range = Range::new(span.from, lo, span.until, UNKNOWN);
        Self::over(span.prefix, vec![range], in_flight, hints)
    }

    /// Goes on with what [`ranges`](Self::ranges) told of an earlier planner over the same prefix.
    ///
    /// # Errors
    /// [`Torn`] if the ranges are not in key order or overlap.
    pub fn resume(
        prefix: Vec<u8>,
        ranges: impl IntoIterator<Item = Kept>,
        in_flight: usize,
        hints: &[Vec<u8>],
    ) -> Result<Self, Torn> {
        let mut all: Vec<Range> = Vec::new();
        for (n, kept) in ranges.into_iter().enumerate() {
            let follows = all.last().is_none_or(|before| before.hi.as_ref().is_some_and(|hi| *hi <= kept.lo));
            if !follows || kept.hi.as_ref().is_some_and(|hi| *hi < kept.lo) {
                return Err(Torn(n));
            }
            let mut range = Range::new(kept.at, kept.lo, kept.hi, UNKNOWN);
            range.known = true;
            if kept.done {
                range.state = State::Done;
            }
            all.push(range);
        }
        Ok(Self::over(prefix, all, in_flight, hints))
    }

    fn over(prefix: Vec<u8>, ranges: Vec<Range>, in_flight: usize, hints: &[Vec<u8>]) -> Self {
        let lowest = ranges.first().map(|range| range.lo.clone()).unwrap_or_default();
        let highest = ranges.last().and_then(|range| range.hi.clone());
        let hints = Quantiles::new(hints, |key| {
            key.starts_with(&prefix)
                && key > lowest.as_slice()
                && highest.as_deref().is_none_or(|hi: &[u8]| key < hi)
        });
        let mut planner = Self {
            prefix,
            in_flight: in_flight.max(1),
            flying: 0,
            chain: Chain::default(),
            ready: BTreeSet::new(),
            active: Vec::new(),
            news: true,
            fair: f64::MAX,
            pages: 0,
            lore: Lore::default(),
            hints,
            near: None,
        };
        let mut before = None;
        for range in ranges {
            before = Some(planner.add(range, before));
        }
        planner
    }

    /// Puts a range into the chain, and to work unless it is done.
    pub(super) fn add(&mut self, mut range: Range, before: Option<RangeId>) -> RangeId {
        let lo = self.hints.rank(&range.lo);
        range.ranks = (lo, lo, range.hi.as_ref().map(|hi| self.hints.rank(hi)));
        if let Some(stretch) = self.hints.stretch(lo, range.ranks.2, 0.0, 0.0) {
            range.left = stretch.pages();
        }
        let done = range.state == State::Done;
        let id = self.chain.insert(range, before);
        if !done {
            self.ready.insert(id);
            self.active.push(id);
        }
        id
    }

    /// The page to ask for now; `None` if none can be asked before another one has come back. Never
    /// two pages of one range at a time.
    ///
    /// Everything that has arrived should be handed in before, so that cuts are made with all that
    /// is known.
    #[expect(
        clippy::should_implement_trait,
        reason = "not an iterator: what it gives depends on what came back"
    )]
    pub fn next(&mut self) -> Option<Ask> {
        let idle = self.in_flight.checked_sub(self.flying).filter(|idle| *idle > 0)?;
        if self.news {
            self.news = false;
            self.fill(idle);
        }
        let id = self.pick()?;
        self.ready.remove(&id);
        let range = self.chain.get_mut(id)?;
        range.state = State::Flying;
        range.known = true;
        self.flying += 1;
        Some(Ask { range: id, after: range.at.clone() })
    }

    /// Of the ranges that are ready and near the first one, or the oldest if all are near: what has
    /// begun is finished before more is begun, so that few ranges are open at a time. Unless another one
    /// would hold up the end.
    fn pick(&self) -> Option<RangeId> {
        let left = |id: &RangeId| self.chain.get(*id).map_or(0.0, |range| range.left);
        let or_longest = |first: Option<RangeId>, longest: Option<RangeId>| {
            longest.filter(|id| left(id) > self.fair).or(first)
        };
        let longer = |a: &RangeId, b: &RangeId| left(a).total_cmp(&left(b));
        let near = self.near.as_deref().unwrap_or_default();
        let near = near.iter().copied().filter(|id| self.ready.contains(id));
        or_longest(near.clone().next(), near.max_by(longer))
            .or_else(|| or_longest(self.ready.first().copied(), self.ready.iter().copied().max_by(longer)))
    }

    /// A page that was asked for has arrived.
    pub fn page(&mut self, id: RangeId, seen: Seen<'_>) -> Verdict {
        let Some(range) = self.chain.get_mut(id).filter(|range| range.state == State::Flying) else {
            // Never asked for: nothing of it is wanted.
            return Verdict { keep_until: Some(Vec::new()), done: true, astray: false };
        };
        self.flying -= 1;
        self.news = true;
        self.pages += 1;
        range.pages += 1;
        range.uncut += 1;
        let first = seen.samples.first().copied();
        let last = seen.samples.last().copied();
        let within = matches!(range.at, Position::AfterVersion(..));
        let fresh = matches!(range.at, Position::Start);
        let astray = first.is_some_and(|key| {
            !fresh && (key < range.lo.as_slice() || (!within && key == range.lo.as_slice()))
        });
        self.lore.note(seen.samples);
        if let (1, Some(real)) = (range.pages, range.real) {
            let real = first.map_or(real, |key| real.max(letter::common(key, &range.lo)));
            if first.is_none_or(|key| !key.starts_with(&range.lo)) {
                self.lore.vain(&range.lo, real);
            }
        }
        if self.absorb(id, last, seen.next) {
            return self.finish(id, astray);
        }
        let Some(range) = self.chain.get_mut(id) else {
            return Verdict { keep_until: None, done: true, astray };
        };
        if let Some(next) = seen.next {
            range.at = next.clone();
            if let Some(key) = key_of(next).or(last).filter(|key| *key > range.lo.as_slice()) {
                range.lo = key.to_vec();
            }
        }
        range.state = State::Ready;
        let rank = self.hints.rank(&range.lo);
        self.hints.covered(range.ranks.1, rank);
        range.ranks.1 = rank;
        let plan = Plan::learn(range.bounds(self.prefix.len()), seen.samples, range.fanned, &self.lore);
        let own = plan.remaining();
        range.plan = Some(plan);
        let gaps = rank - range.ranks.0;
        let stretch = self.hints.stretch(rank, range.ranks.2, f64::from(range.pages), gaps);
        range.left = stretch.map_or(own, Stretch::pages);
        range.sure = range.left;
        if stretch.is_none() {
            // Where hints are too far apart to tell, there should be little; believe in more as
            // more is found.
            range.lost += 1;
            let belief = f64::from(range.lost.min(STEPS)).exp2();
            range.sure = own.min(self.hints.between() * belief);
        }
        let keep_until = range.hi.clone();
        self.ready.insert(id);
        Verdict { keep_until, done: false, astray }
    }

    /// Whether the page has finished its range. If it runs on into ranges that nobody has asked for
    /// yet, they become part of this one: what was listed need not be listed twice.
    fn absorb(&mut self, id: RangeId, last: Option<&[u8]>, next: Option<&Position>) -> bool {
        loop {
            let Some(range) = self.chain.get(id) else { return true };
            if !range.ends(last, next) {
                return false;
            }
            let untouched = |id: &RangeId| self.chain.get(*id).is_some_and(|range| !range.known);
            let Some(behind) = range.next.filter(untouched) else { return true };
            self.ready.remove(&behind);
            self.active.retain(|active| *active != behind);
            let Some(behind) = self.chain.remove(Some(id)) else { return true };
            if let Some(range) = self.chain.get_mut(id) {
                range.hi = behind.hi;
                range.ranks.2 = behind.ranks.2;
            }
        }
    }

    fn finish(&mut self, id: RangeId, astray: bool) -> Verdict {
        self.active.retain(|active| *active != id);
        let keep_until = self.chain.get_mut(id).and_then(|range| {
            range.state = State::Done;
            range.plan = None;
            range.left = 0.0;
            range.hi.clone()
        });
        Verdict { keep_until, done: true, astray }
    }

    /// A page that was asked for will not come; it may be asked for again.
    pub fn failed(&mut self, id: RangeId) {
        if let Some(range) = self.chain.get_mut(id).filter(|range| range.state == State::Flying) {
            range.state = State::Ready;
            self.flying -= 1;
            self.news = true;
            self.ready.insert(id);
        }
    }

    /// From now on up to `n` requests at a time (at least one). More may be on the wire for a while.
    pub fn set_in_flight(&mut self, n: usize) {
        self.news |= n > self.in_flight;
        self.in_flight = n.max(1);
    }

    /// The ranges in key order. At any time they tile the span: what lies between the end of one
    /// and the `lo` of the next has been listed.
    pub fn ranges(&self) -> impl Iterator<Item = (RangeId, Kept)> {
        self.chain.iter().map(|(id, range)| {
            let kept = Kept {
                at: range.at.clone(),
                lo: range.lo.clone(),
                hi: range.hi.clone(),
                done: range.state == State::Done,
            };
            (id, kept)
        })
    }

    /// The range with the lowest keys that is still held.
    #[must_use]
    pub fn first(&self) -> Option<RangeId> {
        self.chain.first
    }

    /// The range whose keys follow those of `id`. Final once `id` is done; before, a cut may put a
    /// new one in between.
    #[must_use]
    pub fn behind(&self, id: RangeId) -> Option<RangeId> {
        self.chain.get(id)?.next
    }

    /// Forgets the first range, if it is done: all of it is safe, and [`ranges`](Self::ranges) need
    /// not tell of it any more. Says which range is the first one then.
    pub fn retire_first(&mut self) -> Option<RangeId> {
        let first = self.chain.get(self.chain.first?)?;
        if first.state == State::Done {
            self.chain.remove(None);
        }
        self.chain.first
    }

    /// Whether everything has been listed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.active.is_empty()
    }
}

/// The key of a position, where it has one.
fn key_of(at: &Position) -> Option<&[u8]> {
    match at {
        Position::After(key) | Position::AfterVersion(key, _) => Some(key),
        Position::Start | Position::Token(_) => None,
    }
}
