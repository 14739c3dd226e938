//! Evenly spaced keys: what an earlier run left for this one, and what this one leaves.

use std::collections::BTreeMap;

/// Hints that a range must span before they are trusted more than its own pages.
const ENOUGH: f64 = 2.0;
/// Pages and gaps of the whole run by which a range's own experience is steadied.
const STEADY: f64 = 2.0;

/// Keys of an earlier listing, evenly spaced then.
///
/// Only the spacing is used, as a guess of how much lies between two keys. Keys that are gone, and
/// whole regions that were filled or emptied since, cost balance and nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Quantiles {
    keys: Vec<Vec<u8>>,
    /// Pages listed, and the gaps between hints that they covered.
    pages: f64,
    gaps: f64,
}

/// A stretch of keys measured in gaps between hints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) lo: f64,
    pub(super) hi: f64,
    /// Pages a gap.
    scale: f64,
}

impl Quantiles {
    /// Those of `hints` that `wanted` allows; order and doubles do not matter.
    pub(super) fn new(hints: &[Vec<u8>], wanted: impl Fn(&[u8]) -> bool) -> Self {
        let mut keys: Vec<Vec<u8>> = hints.iter().filter(|key| wanted(key)).cloned().collect();
        keys.sort();
        keys.dedup();
        Self { keys, pages: 0.0, gaps: 0.0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many gaps lie below `key`.
    pub(super) fn rank(&self, key: &[u8]) -> f64 {
        let at = self.keys.partition_point(|hint| hint.as_slice() <= key);
        let part = match (at.checked_sub(1).and_then(|n| self.keys.get(n)), self.keys.get(at)) {
            (Some(below), Some(above)) => part(below, above, key),
            _ => 0.0,
        };
        at as f64 + part
    }

    /// A page has covered the gaps from `from` to `to`.
    pub(super) fn covered(&mut self, from: f64, to: f64) {
        self.pages += 1.0;
        self.gaps += (to - from).max(0.0);
    }

    /// The range between two ranks, if it spans enough hints; `pages` were listed over `gaps` of it.
    pub(super) fn stretch(&self, lo: f64, hi: Option<f64>, pages: f64, gaps: f64) -> Option<Stretch> {
        let hi = hi.unwrap_or(self.keys.len() as f64 + 1.0);
        if self.keys.is_empty() || hi - lo < ENOUGH {
            return None;
        }
        let common = self.common();
        Some(Stretch { lo, hi, scale: (pages + common * STEADY) / (gaps + STEADY) })
    }

    /// Pages between two hints, so far.
    fn common(&self) -> f64 {
        (self.pages + 1.0) / (self.gaps + 1.0)
    }

    /// Pages to expect where hints are too few to count; endless without any.
    pub(super) fn between(&self) -> f64 {
        if self.keys.is_empty() { f64::MAX } else { self.common() }
    }

    /// Up to `count` hints that part what lies `ahead` pages behind the start of `stretch` evenly, at
    /// most `most` pages from one to the next.
    pub(super) fn cuts(&self, stretch: Stretch, count: usize, ahead: f64, most: f64) -> Vec<Vec<u8>> {
        let from = stretch.lo + ahead / stretch.scale;
        let step = ((stretch.hi - from) / (count + 1) as f64).min(most / stretch.scale);
        let mut out: Vec<Vec<u8>> = Vec::with_capacity(count);
        for n in 1..=count {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
            let at = (from + step * n as f64).round() as usize;
            if let Some(key) = at.checked_sub(1).and_then(|at| self.keys.get(at)) {
                out.push(key.clone());
            }
        }
        out
    }
}

impl Stretch {
    /// Pages expected in it.
    pub(super) fn pages(self) -> f64 {
        (self.hi - self.lo) * self.scale
    }
}

/// How far `key` lies from `below` to `above`, read as fractions: decimal or hexadecimal ones if that
/// is what the three show where they differ, of bytes otherwise.
fn part(below: &[u8], above: &[u8], key: &[u8]) -> f64 {
    const READ: usize = 10;
    let shared = below.iter().zip(above).take_while(|(a, b)| a == b).count();
    let [below, above, key] = [below, above, key].map(|text| {
        let tail = text.get(shared..).unwrap_or_default();
        tail.get(..READ).unwrap_or(tail)
    });
    let all = |class: fn(&u8) -> bool| {
        [below, above, key]
            .iter()
            .all(|text| text.iter().take_while(|b| b.is_ascii_alphanumeric()).all(class))
    };
    let base = if all(u8::is_ascii_digit) {
        10
    } else if all(u8::is_ascii_hexdigit) {
        16
    } else {
        256
    };
    let digit = |byte: u8| match (base, char::from(byte).to_digit(16)) {
        (256, _) => f64::from(byte),
        (_, Some(digit)) => f64::from(digit),
        (_, None) => 0.0,
    };
    let value = |text: &[u8]| text.iter().rev().fold(0.0, |sum, byte| (sum + digit(*byte)) / f64::from(base));
    let (from, to) = (value(below), value(above));
    if to > from { ((value(key) - from) / (to - from)).clamp(0.0, 0.99) } else { 0.0 }
}

/// Marks kept while a listing runs; beyond this small ones are joined.
const MARKS: usize = 8192;
/// Longest key that makes a mark, in bytes. No vendor allows more than 1,024; a store that makes keys
/// up as long as a body may be would fill the memory with marks.
const LONGEST_MARK: usize = 4 << 10;

/// Collects evenly spaced keys of a running listing, in whatever order its pages come, to be the
/// hints of the next run.
#[derive(Clone, Debug, Default)]
pub struct Landmarks {
    /// Key → keys listed since the mark before it.
    marks: BTreeMap<Vec<u8>, u64>,
}

impl Landmarks {
    /// Takes note of `keys` keys of one page, the last of which is `last`.
    pub fn note(&mut self, last: &[u8], keys: u64) {
        if keys == 0 || last.len() > LONGEST_MARK {
            return;
        }
        *self.marks.entry(last.to_vec()).or_default() += keys;
        if self.marks.len() > MARKS {
            // Marks are joined by weight, so that all are about equal however often that happened.
            let grain = self.marks.values().sum::<u64>() / (MARKS as u64 / 2);
            let mut carried = 0;
            let mut last = None;
            for (key, keys) in std::mem::take(&mut self.marks) {
                carried += keys;
                if carried >= grain {
                    self.marks.insert(key, std::mem::take(&mut carried));
                } else {
                    last = Some(key);
                }
            }
            if let Some(last) = last.filter(|_| carried > 0) {
                self.marks.insert(last, carried);
            }
        }
    }

    /// Up to `count` keys that part everything noted so far into equal pieces, ascending.
    #[must_use]
    pub fn spaced(&self, count: usize) -> Vec<Vec<u8>> {
        let total: u64 = self.marks.values().sum();
        let mut out = Vec::new();
        let mut sum = 0;
        for (key, keys) in &self.marks {
            sum += keys;
            // Piece number `out.len() + 1` is full here.
            let full = u128::from(sum) * (count as u128 + 1) >= u128::from(total) * (out.len() as u128 + 1);
            if full && sum < total && out.len() < count {
                out.push(key.clone());
            }
        }
        out
    }

    /// What was noted.
    #[cfg(test)]
    fn marks(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.marks.iter().map(|(key, keys)| (key.as_slice(), *keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Vec<u8> {
        format!("k{n:06}").into_bytes()
    }

    #[test]
    fn landmarks_are_evenly_spaced_and_bounded() {
        let mut marks = Landmarks::default();
        // Pages come from 7 places by turns.
        for page in 0..70_000_u64 {
            let at = page % 7 * 10_000 + page / 7;
            marks.note(&key(at), 10);
        }
        assert!(marks.marks().count() <= MARKS);
        assert_eq!(marks.marks().map(|(_, keys)| keys).sum::<u64>(), 700_000);
        let spaced = marks.spaced(9);
        assert_eq!(spaced.len(), 9);
        for (n, got) in (1..).zip(&spaced) {
            let got: u64 = std::str::from_utf8(&got[1..]).unwrap().parse().unwrap();
            assert!(got.abs_diff(n * 7_000) < 70, "{n} {got}");
        }
    }

    #[test]
    fn keys_without_measure_make_no_marks() {
        let mut marks = Landmarks::default();
        marks.note(&vec![b'k'; LONGEST_MARK + 1], 10);
        assert_eq!(marks.marks().count(), 0);
        marks.note(&vec![b'k'; LONGEST_MARK], 10);
        assert_eq!(marks.marks().count(), 1);
    }

    #[test]
    fn few_marks_make_few_hints() {
        assert!(Landmarks::default().spaced(10).is_empty());
        let mut marks = Landmarks::default();
        marks.note(b"a", 5);
        marks.note(b"b", 5);
        // The last key parts nothing.
        assert_eq!(marks.spaced(10), [b"a".to_vec()]);
    }

    #[test]
    fn ranks_rise_with_keys() {
        let hints: Vec<_> = (1..10).map(|n| key(n * 100)).collect();
        let q = Quantiles::new(&hints, |_| true);
        let ranks: Vec<_> = (0..1100).map(|n| q.rank(&key(n))).collect();
        assert!(ranks.is_sorted());
        assert!((q.rank(&key(300)) - 3.0).abs() < 1e-9);
        assert!((q.rank(&key(350)) - 3.5).abs() < 0.01);
        let whole = q.stretch(0.0, None, 0.0, 0.0).unwrap();
        assert_eq!(q.cuts(whole, 4, 0.0, f64::MAX), [2, 4, 6, 8].map(|n| key(n * 100)));
        assert!(q.stretch(1.0, Some(2.5), 0.0, 0.0).is_none());
    }
}
