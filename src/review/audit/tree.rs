//! Objects and bytes by folder, in bounded memory.
//!
//! A folder is what keys have in common up to a slash. Counts go to the folder that is open, and from
//! there to its parent when it closes, so that a row in order costs a comparison with the key before it.
//! When there are too many folders, those that are closed and lightest are merged into their parents:
//! what a parent counts holds all that is in it, so nothing is lost but the name.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::{Count, State};

/// Folders that are kept at most.
const MOST_FOLDERS: usize = 8_192;
/// Levels below the bucket that are told apart.
const DEEPEST: usize = 16;
/// Longest name of a folder, in bytes; keys of the three stores have at most 1,024.
const LONGEST_NAME: usize = 1_024;
/// The lightest of this many leaves is never merged into its parent: in a report in order, each folder
/// with a larger share than one in so many is kept.
const LEAST_LEAVES: usize = 50;

/// Objects and bytes by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct States([Count; State::ALL.len()]);

impl States {
    /// Adds one object of `size` bytes.
    pub(super) const fn add(&mut self, state: State, size: u64) {
        self.0[state as usize].add(size);
    }

    /// Adds others.
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| mine.merge(theirs));
    }

    /// Takes others away, which were added before.
    pub(super) fn less(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            mine.objects = mine.objects.saturating_sub(theirs.objects);
            mine.bytes = mine.bytes.saturating_sub(theirs.bytes);
        }
    }

    /// All of them as one.
    pub(super) fn total(&self) -> Count {
        self.0.iter().fold(Count::default(), |mut sum, &count| {
            sum.merge(count);
            sum
        })
    }

    /// Those that there are.
    pub(super) fn told(&self) -> BTreeMap<State, Count> {
        let each = State::ALL.iter().map(|&state| (state, self.0[state as usize]));
        each.filter(|(_, count)| count.objects > 0).collect()
    }

    /// What must be restored before it can be read.
    fn archived(&self) -> Count {
        let mut archived = self.0[State::Archived as usize];
        archived.merge(self.0[State::Expired as usize]);
        archived
    }
}

/// By what folders are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// All that is in them.
    All,
    /// What is archived.
    Archived,
}

impl Weight {
    /// The weight of `states`: bytes, and an object weighs one more, so that empty ones count and sizes
    /// need not be known.
    pub(super) fn of(self, states: &States) -> u64 {
        let count = match self {
            Self::All => states.total(),
            Self::Archived => states.archived(),
        };
        count.bytes.saturating_add(count.objects)
    }
}

/// A folder and what is in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    /// All that is in it, at any depth.
    pub(super) total: States,
    /// Folders in it, but for those that were merged into it.
    pub(super) children: BTreeMap<Box<[u8]>, Folder>,
}

/// A folder that the last key is in. It stands here while it is open, and not among the children of its
/// parent.
#[derive(Debug)]
struct Open {
    folder: Folder,
    name: Box<[u8]>,
    /// Behind which byte of the key it ends; 0 for the bucket.
    end: usize,
    /// What was added since it was opened.
    fresh: States,
}

/// The folders of a report.
#[derive(Debug)]
pub(super) struct Tree {
    most: usize,
    root: Folder,
    /// The bucket, then folder by folder.
    open: Vec<Open>,
    last: Vec<u8>,
    folders: usize,
    was_merged: bool,
    disordered: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self::of(MOST_FOLDERS)
    }
}

impl Tree {
    fn of(most: usize) -> Self {
        Self {
            most,
            root: Folder::default(),
            open: Vec::new(),
            last: Vec::new(),
            folders: 0,
            was_merged: false,
            disordered: false,
        }
    }

    /// Counts one object.
    pub(super) fn add(&mut self, bucket: &[u8], key: &[u8], state: State, size: u64) {
        if self.open.first().is_none_or(|open| *open.name != *bucket) {
            self.disordered |= self.root.children.contains_key(bucket);
            self.close_all();
            self.enter(bucket, 0);
            self.last.clear();
        }
        let same = self.last.iter().zip(key).take_while(|(a, b)| a == b).count();
        self.disordered |= key[same..].first() < self.last[same..].first();
        while self.open.last().is_some_and(|open| open.end > same) {
            self.close();
        }
        let mut from = self.open.last().map_or(0, |open| open.end);
        while self.open.len() <= DEEPEST
            && let Some(at) = memchr::memchr(b'/', &key[from..]).filter(|&at| at <= LONGEST_NAME)
        {
            self.enter(&key[from..from + at], from + at + 1);
            from += at + 1;
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        match self.open.last_mut() {
            Some(open) => open.fresh.add(state, size),
            None => self.root.total.add(state, size),
        }
    }

    fn enter(&mut self, name: &[u8], end: usize) {
        let parent = self.open.last_mut().map_or(&mut self.root, |open| &mut open.folder);
        let (name, folder) = parent.children.remove_entry(name).unwrap_or_else(|| {
            self.folders += 1;
            (name.into(), Folder::default())
        });
        self.open.push(Open { folder, name, end, fresh: States::default() });
        if self.folders > self.most {
            self.merge();
        }
    }

    fn close(&mut self) {
        let Some(Open { mut folder, name, fresh, .. }) = self.open.pop() else { return };
        folder.total.merge(&fresh);
        let (children, total) = match self.open.last_mut() {
            Some(parent) => (&mut parent.folder.children, &mut parent.fresh),
            None => (&mut self.root.children, &mut self.root.total),
        };
        total.merge(&fresh);
        children.insert(name, folder);
    }

    fn close_all(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    /// Merges the lightest folders into their parents until a quarter of the room is free. Those that are
    /// open stay, for they are not full yet.
    fn merge(&mut self) {
        self.was_merged = true;
        while self.folders > self.most / 4 * 3 {
            let mut leaves = [Vec::new(), Vec::new()];
            let parts = || self.open.iter().map(|open| &open.folder).chain([&self.root]);
            parts().for_each(|folder| weigh_leaves(folder, &mut leaves));
            let each = (leaves[0].len() / 4).max(LEAST_LEAVES);
            if leaves[0].len() <= 2 * each {
                return;
            }
            let mut keep = leaves.map(|mut weights| {
                weights.sort_unstable_by_key(|&weight| Reverse(weight));
                let least = weights[each - 1];
                let above = weights.partition_point(|&weight| weight > least);
                Keep { least, equal: each - above }
            });
            let gone = &mut self.folders;
            drop_leaves(&mut self.root, &mut keep, gone);
            for open in &mut self.open {
                drop_leaves(&mut open.folder, &mut keep, gone);
            }
        }
    }

    /// The whole, its buckets below it; and whether a folder may have more than it is told.
    pub(super) fn finish(mut self) -> (Folder, bool) {
        self.close_all();
        (self.root, self.was_merged && self.disordered)
    }
}

/// Which leaves stay, by one weight.
struct Keep {
    /// The lightest that stay.
    least: u64,
    /// So many of those that are as light.
    equal: usize,
}

impl Keep {
    fn takes(&mut self, weight: u64) -> bool {
        let takes = weight > self.least || (weight == self.least && self.equal > 0);
        self.equal -= usize::from(takes && weight == self.least);
        takes
    }
}

const WEIGHTS: [Weight; 2] = [Weight::All, Weight::Archived];

fn weigh_leaves(folder: &Folder, into: &mut [Vec<u64>; 2]) {
    for child in folder.children.values() {
        if child.children.is_empty() {
            into.iter_mut().zip(WEIGHTS).for_each(|(weights, weight)| weights.push(weight.of(&child.total)));
        } else {
            weigh_leaves(child, into);
        }
    }
}

fn drop_leaves(folder: &mut Folder, keep: &mut [Keep; 2], folders: &mut usize) {
    folder.children.retain(|_, child| {
        if !child.children.is_empty() {
            drop_leaves(child, keep, folders);
            return true;
        }
        // Both are asked, so that each keeps its count.
        let [all, archived] = keep;
        let stays =
            all.takes(Weight::All.of(&child.total)) | archived.takes(Weight::Archived.of(&child.total));
        *folders -= usize::from(!stays);
        stays
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every folder that keys name and what is in it, by the book.
    fn counted(keys: &[(String, u64)]) -> BTreeMap<String, Count> {
        let mut folders: BTreeMap<String, Count> = BTreeMap::new();
        for (key, size) in keys {
            folders.entry(String::new()).or_default().add(*size);
            for (at, _) in key.match_indices('/') {
                folders.entry(key[..=at].to_owned()).or_default().add(*size);
            }
        }
        folders
    }

    fn told(folder: &Folder, path: &str, into: &mut BTreeMap<String, Count>) {
        into.insert(path.to_owned(), folder.total.total());
        for (name, child) in &folder.children {
            told(child, &format!("{path}{}/", std::str::from_utf8(name).unwrap()), into);
        }
    }

    fn tree(most: usize, keys: &[(String, u64)]) -> (BTreeMap<String, Count>, bool) {
        let mut tree = Tree::of(most);
        for (key, size) in keys {
            tree.add(b"b", key.as_bytes(), State::Archived, *size);
        }
        let (root, at_least) = tree.finish();
        let mut folders = BTreeMap::new();
        if let Some(bucket) = root.children.get(&b"b"[..]) {
            told(bucket, "", &mut folders);
        }
        (folders, at_least)
    }

    proptest! {
        #[test]
        fn folders_have_what_is_in_them(
            keys in proptest::collection::vec(("[ab/]{0,9}", 0_u64..100), 0..60),
            sorted: bool,
        ) {
            let mut keys = keys;
            if sorted {
                keys.sort();
            }
            let (folders, at_least) = tree(usize::MAX, &keys);
            prop_assert_eq!(folders, counted(&keys));
            prop_assert!(!at_least);
        }

        #[test]
        fn merged_folders_are_the_light_ones_and_what_stays_is_exact(
            keys in proptest::collection::vec(("[a-h]{1,2}/[a-h]{1,2}/([a-h]{1,2}/)?f", 1_u64..1_000), 300..600),
            heavy in "[a-h]{2}/[a-h]/f",
            sorted: bool,
        ) {
            let mut keys = keys;
            let sum: u64 = keys.iter().map(|(_, size)| size).sum();
            keys.push((heavy.clone(), sum / 10));
            if sorted {
                keys.sort();
            }
            let expected = counted(&keys);
            let (folders, at_least) = tree(200, &keys);
            prop_assert!(folders.len() <= 201, "{} folders", folders.len());
            prop_assert_eq!(at_least, !sorted && expected.len() > 201);
            prop_assert_eq!(folders[""], expected[""]);
            let path = &heavy[..=heavy.rfind('/').unwrap()];
            for (folder, count) in &folders {
                if at_least {
                    prop_assert!(count.objects <= expected[folder].objects, "{}", folder);
                } else {
                    prop_assert_eq!(*count, expected[folder], "{}", folder);
                }
            }
            prop_assert!(folders.contains_key(path), "{} is gone", path);
        }
    }

    #[test]
    fn buckets_are_folders_of_their_own() {
        let mut tree = Tree::default();
        for (bucket, key) in [("b", "x/1"), ("b", "x/2"), ("c", "x/1"), ("b", "y/1")] {
            tree.add(bucket.as_bytes(), key.as_bytes(), State::Readable, 1);
        }
        let (root, _) = tree.finish();
        let objects = |bucket: &str| root.children[bucket.as_bytes()].total.total().objects;
        assert_eq!((root.total.total().objects, objects("b"), objects("c")), (4, 3, 1));
        assert_eq!(root.children[&b"b"[..]].children[&b"x"[..]].total.total().objects, 2);
    }

    #[test]
    fn a_key_of_slashes_has_so_many_folders_and_no_more_than_are_told_apart() {
        let mut tree = Tree::default();
        tree.add(b"b", &[b'/'; 4_000], State::Readable, 1);
        let (root, _) = tree.finish();
        let (mut depth, mut folder) = (0, &root);
        while let Some(child) = folder.children.values().next() {
            assert_eq!(child.total.total().objects, 1);
            (depth, folder) = (depth + 1, child);
        }
        assert_eq!(depth, 1 + DEEPEST);
    }
}
