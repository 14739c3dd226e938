//! Work for idle requests: which ranges are cut, and into how many pieces.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::letter;
use super::plan::Plan;
use super::planner::Planner;
use super::range::{Range, RangeId, State};
use crate::model::Position;

/// A piece smaller than this part of a page is not worth a request.
const WORTH: f64 = 0.55;
/// A listing that looks no longer than this many pages is not parted.
const SMALL: f64 = 4.0;
/// A range is long if it holds this many times its fair share.
const LONG: f64 = 1.5;
/// Pages by which it must be longer besides: the end of a listing is uneven in any case.
const SLACK: f64 = 3.0;
/// Pages that a range lists without being cut before it is cut blindly, if requests are idle:
/// whatever its estimate says, it is wrong.
const PATIENCE: u32 = 8;
/// A long listing is worked on from the front: this many pages for each request in flight are near.
/// What is listed far behind the first range has to wait on disk for its turn in the report.
const NEAR: f64 = 48.0;
/// A listing is long if there are this many times as many pages. At its end it is none any more: then
/// all ranges are near.
const FAR: f64 = 2.0;
/// Pages listed for each request in flight before a listing may seem long: first impressions are wild.
const IMPRESSIONS: u64 = 8;
/// Pages listed for each cut made, at least: where guesses are poor, a cut more costs more than it brings.
const CUTS: u64 = 8;
/// In a long listing a range is not parted into pieces of fewer pages than this: there is other work.
const PIECE: f64 = 12.0;

impl Planner {
    /// Looks over the ranges that are near when `idle` requests could be sent, and makes new ranges for
    /// those that have none.
    pub(super) fn fill(&mut self, idle: usize) {
        if self.is_small() {
            return;
        }
        let sure = |id: &RangeId| self.chain.get(*id).map_or(0.0, |range| range.sure);
        self.fair = self.active.iter().map(sure).sum::<f64>() / self.in_flight as f64;
        self.trim();
        self.near = self.look(0);
        let ready = self
            .near
            .as_ref()
            .map_or(self.ready.len(), |near| near.iter().filter(|id| self.ready.contains(id)).count());
        let wanted = idle.saturating_sub(ready);
        if wanted == 0 {
            return;
        }
        let made = self.part_largest(wanted);
        self.break_up(wanted.saturating_sub(made));
        if self.near.is_some() {
            self.near = self.look(idle);
        }
    }

    /// The ranges that are near, in key order: those that begin within so many pages of the first one
    /// that all requests are busy with them, and more until `ready` of them can be asked. `None` if all
    /// are, since the listing is not long.
    fn look(&self, ready: usize) -> Option<Vec<RangeId>> {
        let few = self.chain.made() as u64 <= self.pages / CUTS;
        let long = few && self.fair > FAR * NEAR && self.pages >= IMPRESSIONS * self.in_flight as u64;
        if !long {
            return None;
        }
        let room = NEAR * self.in_flight as f64;
        let (mut near, mut pages, mut found) = (Vec::new(), 0.0, 0);
        for (id, range) in self.chain.iter().filter(|(_, range)| range.state != State::Done) {
            if pages > room && found >= ready {
                break;
            }
            pages += range.left;
            found += usize::from(range.state == State::Ready);
            near.push(id);
        }
        Some(near)
    }

    /// Makes up to `wanted` new ranges of those that are near: piece by piece, the largest first. Says
    /// how many were made.
    fn part_largest(&mut self, wanted: usize) -> usize {
        let (most, least) = if self.near.is_some() { (NEAR, PIECE) } else { (f64::MAX, WORTH) };
        // Largest piece first; of equal ones the one in front in a long listing, else the youngest, of
        // which least is known. f64 that are not negative order like their bits.
        let mut heap = BinaryHeap::new();
        for (place, id) in self.near.as_ref().unwrap_or(&self.active).iter().enumerate() {
            let Some(range) = self.chain.get(*id) else { continue };
            let place = Reverse(if self.near.is_some() { place } else { usize::MAX - id.0 as usize });
            let left = range.left - range.ahead();
            let known = range.plan.is_some() || self.stretch(range).is_some();
            if known && left > 0.0 {
                let piece = (left / 2.0).min(most);
                heap.push((piece.to_bits(), place, *id, 1_usize, left.to_bits()));
            }
        }
        let mut pieces: Vec<(RangeId, usize)> = Vec::new();
        for _ in 0..wanted {
            let Some((piece, place, id, cuts, left)) = heap.pop() else { break };
            if f64::from_bits(piece) < least {
                break;
            }
            let smaller = (f64::from_bits(left) / (cuts + 2) as f64).min(most);
            heap.push((smaller.to_bits(), place, id, cuts + 1, left));
            pieces.push((id, cuts));
        }
        // Each range stands there once for each cut; the highest count is what it got.
        pieces.sort_unstable();
        let mut made = 0;
        for (n, (id, cuts)) in pieces.iter().enumerate() {
            if pieces.get(n + 1).is_none_or(|(next, _)| next != id) {
                made += self.cut(*id, *cuts, most);
            }
        }
        made
    }

    /// Parts ranges that would be listed long after all others. Only where hints tell how much there
    /// is elsewhere: without, estimates are too wild to cut before a request is idle.
    fn trim(&mut self) {
        if self.hints.is_empty() {
            return;
        }
        let long: Vec<(RangeId, f64)> = self
            .active
            .iter()
            .filter_map(|id| Some((*id, self.chain.get(*id)?)))
            .filter(|(_, range)| range.uncut > 1 && range.sure > LONG * self.fair + SLACK)
            .map(|(id, range)| (id, range.sure))
            .collect();
        for (id, left) in long {
            let room = (2 * self.in_flight).saturating_sub(self.active.len());
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few pieces")]
            let cuts = (left / self.fair.max(1.0)) as usize;
            self.cut(id, cuts.min(room), f64::MAX);
        }
    }

    /// Whether the whole listing seems too short to part it.
    fn is_small(&self) -> bool {
        let [only] = self.active.as_slice() else { return false };
        self.chain.get(*only).is_some_and(|range| {
            let sure = range.plan.as_ref().is_some_and(|plan| !plan.is_structural());
            self.chain.made() == 1 && (sure || self.stretch(range).is_some()) && range.left <= SMALL
        })
    }

    fn stretch(&self, range: &Range) -> Option<super::quantile::Stretch> {
        let (from, lo, hi) = range.ranks;
        self.hints.stretch(lo, hi, f64::from(range.pages), lo - from)
    }

    /// Cuts a range in up to `cuts` places, into even pieces of at most `most` pages and what is left
    /// behind them. Says how many ranges were made.
    fn cut(&mut self, id: RangeId, cuts: usize, most: f64) -> usize {
        let Some(range) = self.chain.get(id) else { return 0 };
        let ahead = range.ahead();
        let bounds = range.bounds(self.prefix.len());
        let (places, fan) = match (self.stretch(range), &range.plan) {
            (Some(stretch), _) => (self.hints.cuts(stretch, cuts, ahead, most), false),
            (None, Some(plan)) => plan.cuts(bounds, cuts, ahead, most),
            (None, None) => (Vec::new(), false),
        };
        let share = ((range.left - ahead) / (cuts + 1) as f64).min(most);
        let rest = (range.left - ahead - share * cuts as f64).max(share);
        self.part(id, places, share, rest, fan)
    }

    /// Ranges that list on and on although little was expected of them are cut in the middle.
    fn break_up(&mut self, idle: usize) {
        let stuck: Vec<RangeId> = self
            .active
            .iter()
            .copied()
            .filter(|id| self.chain.get(*id).is_some_and(|range| range.uncut > PATIENCE))
            .take(idle)
            .collect();
        for id in stuck {
            let Some(range) = self.chain.get(id) else { continue };
            let inside = |m: &Vec<u8>| *m > range.lo && range.hi.as_ref().is_none_or(|hi| m < hi);
            let cut = range.plan.as_ref().and_then(Plan::middle).filter(inside);
            let cut = cut.or_else(|| letter::between(&range.lo, range.hi.as_deref(), self.prefix.len()));
            let left = range.left.max(f64::from(PATIENCE));
            self.part(id, cut.into_iter().collect(), left / 2.0, left / 2.0, false);
        }
    }

    /// Parts a range at those of `places` that lie inside it; `share` pages are expected in each
    /// new piece, `rest` in the last one. A cut only lowers the end of the range, so a page on the wire does not mind.
    fn part(&mut self, id: RangeId, mut places: Vec<Vec<u8>>, share: f64, rest: f64, fan: bool) -> usize {
        let prefix = self.prefix.len();
        let Some(range) = self.chain.get_mut(id).filter(|range| range.state != State::Done) else { return 0 };
        range.fanned |= fan;
        let head = &self.prefix;
        places.retain(|m| {
            m.starts_with(head)
                && *m > range.lo
                && range.hi.as_ref().is_none_or(|hi| m < hi)
                && letter::sendable(m, prefix)
        });
        places.sort();
        places.dedup();
        let Some(first) = places.first() else { return 0 };
        let end = range.hi.replace(first.clone());
        range.left = share + range.ahead();
        range.sure = range.left;
        range.uncut = 0;
        range.ranks.2 = Some(self.hints.rank(first));
        if let Some(plan) = &mut range.plan {
            plan.shrink(first);
        }
        let (lo, fanned) = (range.lo.clone(), range.fanned);
        let ends: Vec<_> = places.iter().skip(1).cloned().map(Some).chain([end]).collect();
        let made = places.len();
        let mut before = id;
        for (n, (m, end)) in places.into_iter().zip(ends).enumerate() {
            let share = if n + 1 == made { rest } else { share };
            let mut range = Range::new(Position::After(m.clone()), m, end, share);
            range.fanned = fanned;
            range.real = Some(letter::common(&lo, &range.lo));
            before = self.add(range, Some(before));
        }
        made
    }
}
