//! Which folders are shown: as few as say most.
//!
//! One share is split again and again: the heaviest folder that is not told apart yet gets a share of its
//! own, and its parent keeps the rest. So each object is in one share, large folders are told as deep as
//! they are large, and many small ones are told as their parent.

use super::tree::{Folder, States, Weight};
use crate::model::Share;
use crate::pipeline::report::shown_key;

/// Shares that are shown at most.
const MOST: usize = 20;
/// A folder gets a share of its own if it has this part of the whole, one in so many.
const WORTH: u64 = 33;

/// A share while it is being split.
struct Part<'t> {
    path: Vec<u8>,
    rest: States,
    folder: &'t Folder,
    /// Which folders in it have a share of their own.
    split: Vec<&'t [u8]>,
}

impl<'t> Part<'t> {
    fn of(path: Vec<u8>, folder: &'t Folder) -> Self {
        Self { path, rest: folder.total, folder, split: Vec::new() }
    }

    /// The heaviest folder in it that has no share of its own.
    fn heaviest(&self, weight: Weight) -> Option<(u64, &'t [u8], &'t Folder)> {
        let children = self.folder.children.iter().filter(|(name, _)| !self.split.contains(&&***name));
        // Of equals the first by name.
        children
            .map(|(name, child)| (weight.of(&child.total), &**name, child))
            .rev()
            .max_by_key(|(weight, ..)| *weight)
    }
}

/// The parts of `base`, which stands at `path`, the heaviest first; nothing of parts without weight.
pub(super) fn shares(base: &Folder, path: &[u8], weight: Weight) -> Vec<Share> {
    let whole = weight.of(&base.total);
    if whole == 0 {
        return Vec::new();
    }
    let worth = (whole / WORTH).max(1);
    let mut parts = vec![Part::of(path.to_vec(), base)];
    // In a folder of many small ones, the largest of them are still the best answer that there is.
    let small = parts[0].heaviest(weight).is_none_or(|(most, ..)| most < worth);
    let least = if small { 1 } else { worth };
    while parts.len() < MOST {
        let heaviest = (0..parts.len()).filter_map(|at| Some((at, parts[at].heaviest(weight)?)));
        let heaviest = heaviest.max_by_key(|(at, (weight, ..))| (*weight, std::cmp::Reverse(*at)));
        let Some((at, (_, name, child))) = heaviest.filter(|(_, (weight, ..))| *weight >= least) else {
            break;
        };
        let part = &mut parts[at];
        part.rest.less(&child.total);
        part.split.push(name);
        let path = [&part.path, name, b"/"].concat();
        parts.push(Part::of(path, child));
    }
    let mut shares: Vec<(u64, Share)> = parts
        .into_iter()
        .map(|part| (weight.of(&part.rest), part))
        .filter(|(weight, _)| *weight > 0)
        .map(|(weight, part)| (weight, told(&part)))
        .collect();
    shares.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.prefix.cmp(&y.prefix)));
    shares.into_iter().map(|(_, share)| share).collect()
}

fn told(part: &Part<'_>) -> Share {
    Share {
        prefix: shown_key(&part.path).0.into_owned(),
        is_rest: !part.split.is_empty(),
        total: part.rest.total(),
        states: part.rest.told(),
    }
}

/// The deepest folder below `folder` that everything is in, and its path; `path` is that of `folder`.
pub(super) fn common(mut folder: &Folder, mut path: Vec<u8>) -> (&Folder, Vec<u8>) {
    while let Some((name, child)) = folder.children.iter().next()
        && child.total.total().objects == folder.total.total().objects
    {
        path.extend_from_slice(name);
        path.push(b'/');
        folder = child;
    }
    (folder, path)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;
    use crate::model::State;

    fn tree(keys: &[(&str, State, u64)]) -> Folder {
        let mut tree = Tree::default();
        for (key, state, size) in keys {
            tree.add(b"b", key.as_bytes(), *state, *size);
        }
        let (mut root, _) = tree.finish();
        root.children.remove(&b"b"[..]).unwrap()
    }

    fn shown(folder: &Folder, weight: Weight) -> Vec<(String, bool, u64)> {
        let shares = shares(folder, b"", weight);
        shares.into_iter().map(|share| (share.prefix, share.is_rest, share.total.objects)).collect()
    }

    fn share(prefix: &str, is_rest: bool, objects: u64) -> (String, bool, u64) {
        (prefix.to_owned(), is_rest, objects)
    }

    #[test]
    fn large_folders_are_told_deeper_and_each_object_once() {
        let folder = tree(&[
            ("logs/2024/a", State::Archived, 600),
            ("logs/2025/a", State::Archived, 200),
            ("logs/2025/b", State::Readable, 50),
            ("logs/x", State::Archived, 5),
            ("tiny/x", State::Archived, 1),
            ("top", State::Archived, 40),
        ]);
        assert_eq!(
            shown(&folder, Weight::All),
            [
                share("logs/2024/", false, 1),
                share("logs/2025/", false, 2),
                share("", true, 2),
                share("logs/", true, 1),
            ]
        );
        let archived = shares(&folder, b"", Weight::Archived);
        assert_eq!(archived[1].archived().bytes, 200);
        assert_eq!(archived[1].total.bytes, 250);
    }

    #[test]
    fn many_small_folders_are_the_largest_of_them_and_the_rest() {
        let keys: Vec<(String, State, u64)> =
            (0..1_000).map(|n| (format!("{n:03}/x"), State::Archived, 1_000 + n)).collect();
        let keys: Vec<(&str, State, u64)> = keys.iter().map(|(k, s, n)| (k.as_str(), *s, *n)).collect();
        let shown = shown(&tree(&keys), Weight::All);
        assert_eq!(shown.len(), MOST);
        assert_eq!(shown[0], share("", true, 1_000 - (MOST as u64 - 1)));
        assert_eq!(shown[1], share("999/", false, 1));
        // In folders that are all large enough, small ones stay with their parent.
        let folder = tree(&[("a/1/x", State::Archived, 100), ("a/2/x", State::Archived, 1)]);
        assert_eq!(shares(&folder, b"", Weight::All).len(), 2);
    }

    #[test]
    fn what_all_keys_begin_with_is_found() {
        let folder = tree(&[("a/b/c/1", State::Archived, 1), ("a/b/d/1", State::Archived, 1)]);
        let (base, path) = common(&folder, Vec::new());
        assert_eq!((path.as_slice(), base.children.len()), (&b"a/b/"[..], 2));
        let nothing = Folder::default();
        let (base, path) = common(&nothing, Vec::new());
        assert!(path.is_empty() && base.children.is_empty());
    }
}
