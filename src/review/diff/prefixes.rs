//! Changes by prefix: the largest ones of each depth, exactly, out of a stream of keys in order.
//!
//! All keys below a prefix follow each other in listing order. So what is open at any time is one
//! prefix of each depth, and one that is left behind is counted to its end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{Change, Changes, Count, DEEPEST, PrefixChanges, Prefixes};
use crate::pipeline::report::shown_key;

/// Prefixes that are kept of each depth: those in which most objects changed.
const KEPT: usize = 100;

/// A prefix that further keys may be below.
#[derive(Debug, Default)]
struct Open {
    prefix: Vec<u8>,
    /// Everything below it.
    all: Changes,
    /// What lies in it without a further slash.
    own: Changes,
}

/// A prefix that was left behind. Of two with as many changes the one that comes first in the listing
/// is the larger one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Done {
    objects: u64,
    prefix: Reverse<Vec<u8>>,
    changes: Vec<(Change, u64, u64)>,
}

/// Those that were left behind, of one depth.
#[derive(Debug, Default)]
struct Level {
    distinct: u64,
    /// The smallest on top.
    largest: BinaryHeap<Reverse<Done>>,
}

impl Level {
    fn take(&mut self, prefix: &[u8], changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        self.distinct += 1;
        let done = Done {
            objects: changes.values().map(|count| count.objects).sum(),
            prefix: Reverse(prefix.to_vec()),
            changes: changes.iter().map(|(change, count)| (*change, count.objects, count.bytes)).collect(),
        };
        self.largest.push(Reverse(done));
        if self.largest.len() > KEPT {
            self.largest.pop();
        }
    }
}

/// Changes by prefix being counted.
#[derive(Debug)]
pub(super) struct Tree {
    /// The prefixes that the last key is below, that of no slash first.
    path: Vec<Open>,
    levels: [Level; DEEPEST],
}

impl Default for Tree {
    fn default() -> Self {
        Self { path: vec![Open::default()], levels: std::array::from_fn(|_| Level::default()) }
    }
}

impl Tree {
    /// Counts the change of an object; keys come in order.
    pub(super) fn add(&mut self, key: &[u8], change: Change, size: u64) {
        while self.path.len() > 1 && self.path.last().is_some_and(|open| !key.starts_with(&open.prefix)) {
            self.leave();
        }
        let begun = self.path.last().map_or(0, |open| open.prefix.len());
        let slashes = memchr::memchr_iter(b'/', &key[begun..]);
        for slash in slashes.take((DEEPEST + 1).saturating_sub(self.path.len())) {
            self.path.push(Open { prefix: key[..=begun + slash].to_vec(), ..Open::default() });
        }
        for open in &mut self.path {
            open.all.entry(change).or_insert(Count::default()).add(size);
        }
        if let Some(last) = self.path.last_mut() {
            last.own.entry(change).or_insert(Count::default()).add(size);
        }
    }

    /// Leaves the deepest open prefix behind.
    fn leave(&mut self) {
        let Some(open) = self.path.pop() else { return };
        let depth = self.path.len();
        for (above, level) in self.levels.iter_mut().enumerate().map(|(index, level)| (index + 1, level)) {
            if above == depth {
                level.take(&open.prefix, &open.all);
            } else if above > depth {
                level.take(&open.prefix, &open.own);
            }
        }
    }

    /// What was counted.
    pub(super) fn finish(mut self) -> Vec<Prefixes> {
        while !self.path.is_empty() {
            self.leave();
        }
        let told = |done: Done| PrefixChanges {
            prefix: shown_key(&done.prefix.0).0.into_owned(),
            changes: done
                .changes
                .into_iter()
                .map(|(change, objects, bytes)| (change, Count { objects, bytes }))
                .collect(),
        };
        let levels = self.levels.into_iter().enumerate();
        levels
            .map(|(index, level)| Prefixes {
                depth: index + 1,
                distinct: level.distinct,
                // Ascending by `Reverse`, so the largest come first.
                largest: level
                    .largest
                    .into_sorted_vec()
                    .into_iter()
                    .map(|Reverse(done)| told(done))
                    .collect(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The prefix of `key` down to `depth` slashes, by the book.
    fn prefix(key: &str, depth: usize) -> String {
        let ends: Vec<usize> = key.match_indices('/').map(|(at, _)| at + 1).take(depth).collect();
        key[..ends.last().copied().unwrap_or(0)].to_owned()
    }

    proptest! {
        /// As a map of all prefixes would count them.
        #[test]
        fn prefixes_are_counted_exactly(
            keys in proptest::collection::btree_map("[ab/]{1,14}", (0..Change::ALL.len(), 0..9u64), 0..60),
        ) {
            let mut tree = Tree::default();
            for (key, (change, size)) in &keys {
                tree.add(key.as_bytes(), Change::ALL[*change], *size);
            }
            for level in tree.finish() {
                let mut wanted: BTreeMap<String, Changes> = BTreeMap::new();
                for (key, (change, size)) in &keys {
                    let changes = wanted.entry(prefix(key, level.depth)).or_default();
                    changes.entry(Change::ALL[*change]).or_default().add(*size);
                }
                prop_assert_eq!(level.distinct, wanted.len() as u64);
                let found: BTreeMap<String, Changes> =
                    level.largest.iter().map(|p| (p.prefix.clone(), p.changes.clone())).collect();
                prop_assert_eq!(found, wanted);
                let sizes: Vec<u64> = level
                    .largest
                    .iter()
                    .map(|p| p.changes.values().map(|c| c.objects).sum())
                    .collect();
                prop_assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
            }
        }
    }

    #[test]
    fn the_largest_are_kept_and_all_are_counted() {
        let mut tree = Tree::default();
        for folder in 0..10 * KEPT {
            let times = if folder % 10 == 7 { 3 } else { 1 };
            for file in 0..times {
                tree.add(format!("{folder:05}/{file}").as_bytes(), Change::Lapsed, 1);
            }
        }
        let first = tree.finish().swap_remove(0);
        assert_eq!((first.distinct, first.largest.len()), (10 * KEPT as u64, KEPT));
        assert!(first.largest.iter().all(|prefix| prefix.changes[&Change::Lapsed].objects == 3));
        assert_eq!(first.largest[0].prefix, "00007/");
    }
}
