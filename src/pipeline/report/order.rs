//! Listing order out of many ranges: which text may go into the report now, and what must wait.
//!
//! Ranges of the key space are worked on at the same time, and each brings its pages in order. The
//! first range writes straight into the report; the rows of the others are set aside in a file. When
//! their turn comes they are moved piece by piece, so that what else arrives need not wait for all of
//! them. What is held in memory is a few pages that overtook others of their own range, and a list of
//! where the rest lies.
//!
//! Pure: it says what is to be done with a piece of text, and somebody else does it.

use std::collections::{BTreeMap, VecDeque};

use super::spill::Extent;
use crate::pipeline::source::{Placing, RangeId};

/// How far a range is done: the last key written (exclusive for what follows), with its version in
/// listings of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The key.
    pub key: Vec<u8>,
    /// The version; empty outside of listings of versions.
    pub version: Vec<u8>,
}

/// One range and what is set aside for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Which range.
    pub id: RangeId,
    /// How far its rows are written; `None` at the beginning of the listing.
    pub reached: Option<Reached>,
    /// Where it ends, inclusive; `None` at the end of the listing.
    pub until: Option<Vec<u8>>,
    /// Rows set aside in front of [`Segment::reached`], in order.
    pub aside: VecDeque<Extent>,
    /// Whether nothing more will come.
    pub done: bool,
}

/// Pages of one range that overtook an earlier one.
#[derive(Debug)]
struct Queue<T> {
    next: u64,
    early: BTreeMap<u64, T>,
    /// Whether a page was left undone: what follows is not written in this session.
    torn: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { next: 0, early: BTreeMap::new(), torn: false }
    }
}

/// The ranges of a listing in key order; they tile what is left of it.
#[derive(Debug)]
pub struct Order<T> {
    segments: Vec<Segment>,
    queues: BTreeMap<RangeId, Queue<T>>,
}

impl<T> Order<T> {
    /// The order over `segments`, which tile the listing in key order.
    #[must_use]
    pub fn new(segments: Vec<Segment>) -> Self {
        let mut order = Self { segments, queues: BTreeMap::new() };
        order.drop_written();
        order
    }

    /// What is left of the listing, in key order; empty when all of it stands in the report.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Takes note that `range` ends at `at` now, and that `new` goes on behind it.
    pub fn cut(&mut self, range: RangeId, new: RangeId, at: Vec<u8>) {
        let Some(index) = self.find(range) else { return };
        let until = self.segments[index].until.replace(at.clone());
        let reached = Some(Reached { key: at, version: Vec::new() });
        let behind = Segment { id: new, reached, until, aside: VecDeque::new(), done: false };
        self.segments.insert(index + 1, behind);
    }

    /// Takes note that all that is left is one range, `onto`: no other one has brought a page.
    pub fn collapse(&mut self, onto: RangeId) {
        let until = self.segments.last().and_then(|segment| segment.until.clone());
        self.segments.retain(|segment| segment.id == onto || segment.done || !segment.aside.is_empty());
        if let Some(index) = self.find(onto) {
            self.segments[index].until = until;
        }
    }

    /// Takes a page and returns those of its range whose turn has come, in order.
    pub fn take(&mut self, placing: &Placing, page: T) -> Vec<T> {
        let queue = self.queues.entry(placing.range).or_default();
        queue.early.insert(placing.number, page);
        let mut ready = Vec::new();
        while !queue.torn
            && let Some(page) = queue.early.remove(&queue.next)
        {
            queue.next += 1;
            ready.push(page);
        }
        ready
    }

    /// Whether text of `range` goes straight into the report: it is the first, and all that it had set
    /// aside has been moved.
    #[must_use]
    pub fn is_front(&self, range: RangeId) -> bool {
        self.segments.first().is_some_and(|front| front.id == range && front.aside.is_empty())
    }

    /// Takes note that the rows of `range` are written up to `reached`, set aside at `aside` unless
    /// they went into the report.
    pub fn written(&mut self, range: RangeId, reached: Option<Reached>, aside: Option<Extent>) {
        let Some(index) = self.find(range) else { return };
        let segment = &mut self.segments[index];
        if reached.is_some() {
            segment.reached = reached;
        }
        if let Some(extent) = aside {
            match segment.aside.back_mut() {
                Some(last) if last.end() == extent.start => last.len += extent.len,
                _ => segment.aside.push_back(extent),
            }
        }
    }

    /// Takes note that a page of `range` was left undone at its end: nothing behind it is written.
    pub fn tear(&mut self, range: RangeId) {
        self.queues.entry(range).or_default().torn = true;
    }

    /// Takes note that `range` is done.
    pub fn finish(&mut self, range: RangeId) {
        self.queues.remove(&range);
        let Some(index) = self.find(range) else { return };
        self.segments[index].done = true;
        if index > 0 && index + 1 < self.segments.len() {
            // Its rows wait together with those of the range behind it, so that the list of ranges
            // stays as short as the work in progress.
            let mut done = self.segments.remove(index);
            let behind = &mut self.segments[index];
            done.aside.append(&mut behind.aside);
            behind.aside = done.aside;
        }
        self.drop_written();
    }

    /// What may be moved into the report now, in order: all that the first range has set aside.
    pub fn movable(&self) -> impl Iterator<Item = Extent> {
        self.segments.first().into_iter().flat_map(|front| front.aside.iter().copied())
    }

    /// Takes note that the first `len` bytes of what is [movable](Self::movable) stand in the report; they
    /// lie within its first extent.
    pub fn moved(&mut self, len: u64) {
        let Some(front) = self.segments.first_mut() else { return };
        if let Some(extent) = front.aside.front_mut() {
            extent.start += len;
            extent.len = extent.len.saturating_sub(len);
            if extent.len == 0 {
                front.aside.pop_front();
            }
        }
        self.drop_written();
    }

    /// Forgets the ranges at the front that are done and stand in the report.
    fn drop_written(&mut self) {
        let written = self.segments.iter().take_while(|segment| segment.done && segment.aside.is_empty());
        let count = written.count();
        self.segments.drain(..count);
    }

    fn find(&self, range: RangeId) -> Option<usize> {
        self.segments.iter().position(|segment| segment.id == range)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole() -> Order<Vec<u8>> {
        Order::new(vec![Segment {
            id: RangeId(0),
            reached: None,
            until: None,
            aside: VecDeque::new(),
            done: false,
        }])
    }

    /// Keys are the numbers below 200 as text; a page is some keys of a range.
    fn key(number: u32) -> Vec<u8> {
        format!("{number:03}").into_bytes()
    }

    proptest! {
        /// However ranges are cut, whichever page comes first, and however little is moved between two
        /// pages: the report holds every key once, in order, and the segments tile what is left.
        #[test]
        fn the_report_is_in_order(
            choices in proptest::collection::vec((0u32..1000, 1u32..30, any::<bool>()), 1..200),
            moves in 0u64..4,
        ) {
            let mut order = whole();
            let (mut report, mut aside) = (Vec::<u8>::new(), Vec::<u8>::new());
            // (id, next key, end, number of the next page)
            let mut ranges = vec![(RangeId(0), 0u32, 200u32, 0u64)];
            let mut in_work: Vec<(Placing, u32, u32)> = Vec::new();
            let mut ids = 1;
            let mut step = |order: &mut Order<Vec<u8>>, placing: Placing, from: u32, to: u32| {
                let text: Vec<u8> = (from..to).flat_map(key).collect();
                // The page carries its own end, as a sheet does.
                let mut page = to.to_be_bytes().to_vec();
                page.push(u8::from(placing.last));
                page.extend(text);
                for page in order.take(&placing, page) {
                    let to = u32::from_be_bytes(page[..4].try_into().unwrap());
                    let (last, text) = (page[4] == 1, &page[5..]);
                    let extent = if order.is_front(placing.range) {
                        report.extend_from_slice(text);
                        None
                    } else {
                        aside.extend_from_slice(text);
                        Some(Extent { start: (aside.len() - text.len()) as u64, len: text.len() as u64 })
                    };
                    let reached = (to > 0).then(|| Reached { key: key(to - 1), version: Vec::new() });
                    order.written(placing.range, reached, extent);
                    if last {
                        order.finish(placing.range);
                    }
                }
                // In the end all is moved, up to two keys at a time.
                let mut moves = if order.segments().iter().all(|segment| segment.done) { u64::MAX } else { moves };
                while moves > 0 {
                    let Some(extent) = order.movable().next() else { break };
                    let piece = Extent { len: extent.len.min(6), ..extent };
                    let [from, to] = [piece.start, piece.end()].map(|at| usize::try_from(at).unwrap());
                    report.extend_from_slice(&aside[from..to]);
                    order.moved(piece.len);
                    moves -= 1;
                }
                report.clone()
            };
            for (pick, size, cut) in choices.into_iter().cycle() {
                if ranges.is_empty() && in_work.is_empty() {
                    break;
                }
                let pick = pick as usize;
                if cut && !in_work.is_empty() {
                    let (placing, from, to) = in_work.swap_remove(pick % in_work.len());
                    step(&mut order, placing, from, to);
                    continue;
                }
                if ranges.is_empty() {
                    let (placing, from, to) = in_work.swap_remove(pick % in_work.len());
                    step(&mut order, placing, from, to);
                    continue;
                }
                let at = pick % ranges.len();
                let (id, next, end, number) = ranges[at];
                if end - next > size + 1 && pick.is_multiple_of(3) {
                    // Cut behind the next page.
                    let middle = next + size;
                    order.cut(id, RangeId(ids), key(middle - 1));
                    ranges[at].2 = middle;
                    ranges.push((RangeId(ids), middle, end, 0));
                    ids += 1;
                    continue;
                }
                let to = (next + size).min(end);
                let last = to == end;
                in_work.push((Placing { range: id, number, last }, next, to));
                ranges[at] = (id, to, end, number + 1);
                if last {
                    ranges.swap_remove(at);
                }
            }
            let wanted: Vec<u8> = (0..200).flat_map(key).collect();
            prop_assert!(order.segments().is_empty());
            prop_assert_eq!(report, wanted);
        }
    }

    #[test]
    fn behind_a_torn_page_nothing_is_written() {
        let mut order = whole();
        let placing = |number| Placing { range: RangeId(0), number, last: false };
        assert_eq!(order.take(&placing(0), b"a".to_vec()), [b"a".to_vec()]);
        order.tear(RangeId(0));
        assert!(order.take(&placing(1), b"b".to_vec()).is_empty());
        assert!(order.segments()[0].reached.is_none() && !order.segments()[0].done);
    }

    #[test]
    fn finished_ranges_do_not_pile_up() {
        let mut order = whole();
        for n in 1..=50 {
            order.cut(RangeId(n - 1), RangeId(n), key(u32::try_from(n).unwrap()));
        }
        for n in 1..50 {
            let placing = Placing { range: RangeId(n), number: 0, last: true };
            assert_eq!(order.take(&placing, Vec::new()).len(), 1);
            order.written(RangeId(n), None, Some(Extent { start: n * 10, len: 10 }));
            order.finish(RangeId(n));
        }
        assert_eq!(order.movable().next(), None, "the front is not done");
        assert_eq!(order.segments().len(), 2, "the front and the last");
        assert_eq!(order.segments()[1].aside, [Extent { start: 10, len: 490 }]);
    }

    #[test]
    fn the_first_range_writes_behind_what_it_had_set_aside() {
        let mut order = whole();
        order.cut(RangeId(0), RangeId(1), key(100));
        order.written(RangeId(1), None, Some(Extent { start: 0, len: 10 }));
        order.finish(RangeId(0));
        assert!(!order.is_front(RangeId(1)), "ten bytes go first");
        order.moved(4);
        assert!(!order.is_front(RangeId(1)));
        assert_eq!(order.movable().collect::<Vec<_>>(), [Extent { start: 4, len: 6 }]);
        order.written(RangeId(1), None, Some(Extent { start: 10, len: 5 }));
        assert_eq!(order.movable().collect::<Vec<_>>(), [Extent { start: 4, len: 11 }]);
        order.moved(11);
        assert!(order.is_front(RangeId(1)));
        // The same after a resumption.
        let waits = Segment {
            aside: [Extent { start: 7, len: 1 }].into(),
            done: true,
            ..order.segments()[0].clone()
        };
        let mut again = Order::<()>::new(vec![waits]);
        assert_eq!(again.movable().count(), 1);
        again.moved(1);
        assert!(again.segments().is_empty());
    }
}
