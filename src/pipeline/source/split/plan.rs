//! What one range's own pages say about the rest of it, and where to cut it.

use super::letter;
use super::lore::Lore;
use super::model::{Model, hex_like};

/// Pages expected among siblings of which nothing is known yet.
const UNKNOWN: f64 = 64.0;
/// The same once a fan of letters has been thrown over them.
const FANNED: f64 = 4.0;
/// Cuts are written to this part of a page.
const GRAIN: f64 = 0.25;

/// A range as its plan sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    /// Bytes that every key begins with.
    pub(super) prefix: usize,
    /// Last key listed.
    pub(super) lo: &'a [u8],
    /// Last key wanted.
    pub(super) hi: Option<&'a [u8]>,
}

/// The rest of one range as far as it can be told.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    model: Model,
    lo: f64,
    hi: f64,
    /// What a page covers.
    speed: f64,
    /// Cuts that part the page's own folder from its siblings, level by level, ascending.
    spine: Vec<Vec<u8>>,
    /// Offset at which the siblings of the outermost level differ.
    edge: usize,
    fanned: bool,
}

/// Offset of the first character in which keys of the range can differ.
fn edge(b: Bounds<'_>) -> usize {
    let Some(hi) = b.hi else { return b.prefix };
    let shared = letter::common(b.lo, hi).max(b.prefix);
    // `a/0` is the end of all that begins with `a//`: one further.
    let step = |key: &[u8]| key.get(shared..).and_then(letter::first);
    match (step(b.lo), step(hi)) {
        (Some((c, len)), Some((above, size)))
            if hi.len() == shared + size && letter::successor(c) == Some(above) =>
        {
            shared + len
        }
        _ => shared,
    }
}

impl Plan {
    /// Learns from the samples of the page that ended at `lo`.
    pub(super) fn learn(b: Bounds<'_>, samples: &[&[u8]], fanned: bool, lore: &Lore) -> Self {
        let edge = edge(b);
        let depth = match (samples.first(), samples.last()) {
            (Some(first), Some(last)) => letter::common(first, last),
            _ => edge,
        };
        let digit = b.lo.get(edge).is_some_and(u8::is_ascii_digit) || hex_like(b.lo, edge);
        let numeric = edge >= depth || (b.hi.is_some() && digit);
        let base = b.lo.get(..if numeric { edge } else { depth }).unwrap_or(b.lo);
        let model = Model::learn(base, samples, lore);
        let lo = model.position(b.lo);
        let hi = b.hi.map_or(1.0, |hi| model.position(hi));
        let inside = samples.iter().filter(|key| key.starts_with(base)).count();
        let from = samples.iter().find(|key| key.starts_with(base)).map_or(lo, |key| model.position(key));
        let share = inside.saturating_sub(1) as f64 / samples.len().saturating_sub(1).max(1) as f64;
        let speed = if share > 0.0 { (lo - from) / share } else { 0.0 };
        let spine = if numeric { Vec::new() } else { spine(b, edge, depth) };
        Self { model, lo, hi, speed, spine, edge, fanned }
    }

    /// Pages left where the page's density holds.
    fn near(&self) -> f64 {
        if self.speed > 0.0 { ((self.hi - self.lo) / self.speed).max(0.0) } else { 0.0 }
    }

    pub(super) fn is_structural(&self) -> bool {
        !self.spine.is_empty()
    }

    /// Pages left, roughly.
    pub(super) fn remaining(&self) -> f64 {
        let unknown = match (self.is_structural(), self.fanned) {
            (false, _) => 0.0,
            (true, false) => UNKNOWN,
            (true, true) => FANNED,
        };
        self.near() + unknown
    }

    /// Up to `count` cuts, ascending, `ahead` pages or more behind the last key listed, at most `most`
    /// pages from one to the next. Says too whether a fan of letters is among them.
    pub(super) fn cuts(&self, b: Bounds<'_>, count: usize, ahead: f64, most: f64) -> (Vec<Vec<u8>>, bool) {
        let mut cuts: Vec<Vec<u8>> = self.spine.iter().take(count).cloned().collect();
        let mut left = count - cuts.len();
        let mut fan = false;
        if self.is_structural() && !self.fanned && left > 1 {
            let letters = fan_of(b, self.edge, left.div_ceil(2));
            left -= letters.len();
            fan = true;
            cuts.extend(letters);
        }
        if self.speed > 0.0 && left > 0 {
            let from = self.lo + ahead * self.speed;
            let step = ((self.hi - from) / (left + 1) as f64).min(most * self.speed);
            if step > 0.0 {
                for n in 1..=left {
                    cuts.push(self.model.key(from + step * n as f64, self.speed * GRAIN));
                }
            }
        }
        (cuts, fan)
    }

    /// A key halfway to the end, as positions go.
    pub(super) fn middle(&self) -> Option<Vec<u8>> {
        let half = (self.hi - self.lo) / 2.0;
        (half > 0.0).then(|| self.model.key(self.lo + half, half / 2.0))
    }

    /// The range ends at `hi` now.
    pub(super) fn shrink(&mut self, hi: &[u8]) {
        self.hi = self.model.position(hi);
        self.spine.clear();
    }
}

/// Ends of the folders around the page, innermost first: at delimiters, after digits, and at every
/// character of the innermost name.
fn spine(b: Bounds<'_>, edge: usize, depth: usize) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = depth;
    let mut innermost = true;
    while at > edge {
        let Some((c, from)) = letter::last(b.lo, at) else { break };
        let ascii = u8::try_from(c).unwrap_or(b'x');
        let delimiter = ascii < 0x80 && !ascii.is_ascii_alphanumeric();
        let digit = ascii.is_ascii_digit();
        if (innermost || delimiter || digit || from <= edge)
            && let Some(cut) = b.lo.get(..at).and_then(|head| letter::raised(head, b.prefix))
            && b.hi.is_none_or(|hi| cut.as_slice() < hi)
            && out.last().is_none_or(|last| *last < cut)
        {
            out.push(cut);
        }
        if delimiter && at < depth {
            innermost = false;
        }
        at = from;
    }
    out
}

/// Cuts in front of the letters above the range's own at its edge.
fn fan_of(b: Bounds<'_>, edge: usize, count: usize) -> Vec<Vec<u8>> {
    let Some((own, _)) = b.lo.get(edge..).and_then(letter::first) else { return Vec::new() };
    let head = b.lo.get(..edge).unwrap_or_default();
    let all: Vec<Vec<u8>> = (b'0'..=b'9')
        .chain(b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .filter(|c| u32::from(*c) > own)
        .map(|c| [head, &[c]].concat())
        .filter(|m| b.hi.is_none_or(|hi| m.as_slice() < hi))
        .collect();
    let count = count.min(all.len());
    (0..count).filter_map(|n| all.get(n * all.len() / count).cloned()).collect()
}
