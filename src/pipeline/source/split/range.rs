//! The ranges: a chain in key order that tiles the key space, and what is known of each.

use super::plan::{Bounds, Plan};
use crate::model::Position;

/// Names a range for as long as its planner lives. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeId(pub(super) u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// May be asked for its next page.
    Ready,
    /// Its page is on the wire.
    Flying,
    /// Nothing is left of it.
    Done,
}

/// One range (lo, hi].
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// Where the next request begins.
    pub(super) at: Position,
    /// The key of `at`: the last one listed, or the cut that the range begins behind.
    pub(super) lo: Vec<u8>,
    pub(super) hi: Option<Vec<u8>>,
    pub(super) state: State,
    /// The range that lies directly behind this one.
    pub(super) next: Option<RangeId>,
    /// Whether anybody outside has heard of it.
    pub(super) known: bool,
    /// Pages listed, in all and since the last cut.
    pub(super) pages: u32,
    pub(super) uncut: u32,
    /// Pages listed where hints did not reach.
    pub(super) lost: u32,
    /// Pages still expected, the one in flight included.
    pub(super) left: f64,
    /// Pages expected with some confidence: for this many, others are made to wait.
    pub(super) sure: f64,
    /// Whether a fan of letters has been thrown over its surroundings.
    pub(super) fanned: bool,
    /// Bytes of the cut it begins behind that were copied from real keys.
    pub(super) real: Option<usize>,
    /// Ranks of its first `lo`, of `lo` and of `hi` among the hints.
    pub(super) ranks: (f64, f64, Option<f64>),
    /// What its pages say; `None` before the first.
    pub(super) plan: Option<Plan>,
}

impl Range {
    pub(super) fn new(at: Position, lo: Vec<u8>, hi: Option<Vec<u8>>, left: f64) -> Self {
        Self {
            at,
            lo,
            hi,
            state: State::Ready,
            next: None,
            known: false,
            pages: 0,
            uncut: 0,
            lost: 0,
            left,
            sure: left,
            fanned: false,
            real: None,
            ranks: (0.0, 0.0, None),
            plan: None,
        }
    }

    pub(super) fn bounds(&self, prefix: usize) -> Bounds<'_> {
        Bounds { prefix, lo: &self.lo, hi: self.hi.as_deref() }
    }

    /// Pages on the wire, 0 or 1.
    pub(super) fn ahead(&self) -> f64 {
        if self.state == State::Flying { 1.0 } else { 0.0 }
    }

    /// Whether a page that goes on at `next`, and whose last key is `last`, has reached the end.
    pub(super) fn ends(&self, last: Option<&[u8]>, next: Option<&Position>) -> bool {
        let (Some(hi), Some(next)) = (&self.hi, next) else { return next.is_none() };
        let hi = hi.as_slice();
        last.is_some_and(|last| last > hi)
            || match next {
                Position::Start => false,
                Position::After(key) => key.as_slice() >= hi,
                // More versions of the last key may follow, and they belong here.
                Position::AfterVersion(key, _) => key.as_slice() > hi,
                Position::Token(_) => last == Some(hi),
            }
    }
}

/// All ranges by number, chained in key order.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    slots: Vec<Option<Box<Range>>>,
    pub(super) first: Option<RangeId>,
}

impl Chain {
    pub(super) fn get(&self, id: RangeId) -> Option<&Range> {
        self.slots.get(id.0 as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: RangeId) -> Option<&mut Range> {
        self.slots.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Adds `range` directly behind `before`, or in front of all.
    pub(super) fn insert(&mut self, mut range: Range, before: Option<RangeId>) -> RangeId {
        let id = RangeId(u32::try_from(self.slots.len()).unwrap_or(u32::MAX));
        let link = match before.and_then(|before| self.get_mut(before)) {
            Some(before) => &mut before.next,
            None => &mut self.first,
        };
        range.next = link.replace(id);
        self.slots.push(Some(Box::new(range)));
        id
    }

    /// Takes out the range behind `before`, or the first one.
    pub(super) fn remove(&mut self, before: Option<RangeId>) -> Option<Box<Range>> {
        let id = match before {
            Some(before) => self.get(before)?.next?,
            None => self.first?,
        };
        let range = self.slots.get_mut(id.0 as usize)?.take()?;
        match before.and_then(|before| self.get_mut(before)) {
            Some(before) => before.next = range.next,
            None => self.first = range.next,
        }
        Some(range)
    }

    /// Ranges in key order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RangeId, &Range)> {
        let step = |id: Option<RangeId>| id.and_then(|id| Some((id, self.get(id)?)));
        std::iter::successors(step(self.first), move |(_, range)| step(range.next))
    }

    /// Ranges ever made.
    pub(super) fn made(&self) -> usize {
        self.slots.len()
    }
}
