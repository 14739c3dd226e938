//! Objects in key order out of a report that is in the order of a list of names.
//!
//! A part of them at a time is sorted in memory and put into a file of its own, in the form of the
//! memory; the files are then read side by side. Few objects need no file.

use std::path::{Path, PathBuf};

use super::memory::{Memory, Open, Records, Tail, Writer};
use crate::pipeline::checkpoint::CheckpointError;

/// Objects that are sorted at a time; some 20 MB.
const PART: usize = 100_000;

/// Takes objects in any order.
#[derive(Debug)]
pub(super) struct Sorter {
    folder: PathBuf,
    part: usize,
    held: Vec<Open>,
    files: Vec<PathBuf>,
}

impl Sorter {
    /// Nothing yet; files go into `folder`.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder, part: PART, held: Vec::new(), files: Vec::new() }
    }

    /// Takes an object.
    pub(super) fn put(&mut self, open: Open) -> Result<(), CheckpointError> {
        self.held.push(open);
        if self.held.len() >= self.part {
            self.set_aside()?;
        }
        Ok(())
    }

    fn sort(held: &mut [Open]) {
        // Of an object that was named twice, what was asked for tells more than what was seen.
        held.sort_by(|a, b| (&a.key, &a.version, !a.asked).cmp(&(&b.key, &b.version, !b.asked)));
    }

    fn set_aside(&mut self) -> Result<(), CheckpointError> {
        Self::sort(&mut self.held);
        let path = self.folder.join(format!("restoring.part-{}", self.files.len()));
        let mut writer = Writer::begin(&path)?;
        for open in self.held.drain(..) {
            writer.put(&open)?;
        }
        writer.publish(Tail::default())?;
        self.files.push(path);
        Ok(())
    }

    /// All of them in key order, each once.
    pub(super) fn sorted(mut self) -> Result<Sorted, CheckpointError> {
        let mut parts = Vec::new();
        if self.files.is_empty() {
            Self::sort(&mut self.held);
            parts.push(Part::Held(std::mem::take(&mut self.held).into_iter()));
        } else {
            self.set_aside()?;
            for path in &self.files {
                parts.extend(Memory::open(path)?.map(|memory| memory.records()).transpose()?.map(Part::File));
            }
        }
        let heads = parts.iter_mut().map(Part::next).collect::<Result<_, _>>()?;
        Ok(Sorted { files: std::mem::take(&mut self.files), parts, heads, last: None })
    }
}

impl Drop for Sorter {
    fn drop(&mut self) {
        remove(&self.files);
    }
}

/// What is left by a crash is written over by the next run that needs it.
fn remove(files: &[PathBuf]) {
    for path in files {
        let _ = std::fs::remove_file::<&Path>(path);
    }
}

#[derive(Debug)]
enum Part {
    Held(std::vec::IntoIter<Open>),
    File(Records),
}

impl Part {
    fn next(&mut self) -> Result<Option<Open>, CheckpointError> {
        match self {
            Self::Held(held) => Ok(held.next()),
            Self::File(records) => records.next(),
        }
    }
}

/// Objects in key order, each once.
#[derive(Debug)]
pub(super) struct Sorted {
    files: Vec<PathBuf>,
    parts: Vec<Part>,
    heads: Vec<Option<Open>>,
    last: Option<(Vec<u8>, Vec<u8>)>,
}

impl Sorted {
    /// The next one.
    pub(super) fn next(&mut self) -> Result<Option<Open>, CheckpointError> {
        loop {
            let first = (0..self.heads.len()).filter(|at| self.heads[*at].is_some()).min_by_key(|at| {
                self.heads[*at].as_ref().map(|open| (&open.key, &open.version, !open.asked))
            });
            let Some(at) = first else { return Ok(None) };
            let next = self.parts[at].next()?;
            let Some(open) = std::mem::replace(&mut self.heads[at], next) else { return Ok(None) };
            let id = (open.key.clone(), open.version.clone());
            if self.last.as_ref() != Some(&id) {
                self.last = Some(id);
                return Ok(Some(open));
            }
        }
    }
}

impl Drop for Sorted {
    fn drop(&mut self) {
        remove(&self.files);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_the_order_each_comes_once_in_key_order(
            named in proptest::collection::vec((0_u8..40, any::<bool>()), 0..60), part in 1_usize..70,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut sorter = Sorter::new(folder.path().to_owned());
            sorter.part = part;
            let mut wanted: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
            for (key, asked) in named {
                let key = vec![key];
                *wanted.entry(key.clone()).or_default() |= asked;
                let since = Timestamp::UNIX_EPOCH;
                let (class, access_tier) = (String::new(), String::new());
                sorter.put(Open { key, version: Vec::new(), class, access_tier, tier: None, asked, since }).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            let mut found = Vec::new();
            while let Some(open) = sorted.next().unwrap() {
                found.push((open.key, open.asked));
            }
            prop_assert_eq!(found, wanted.into_iter().collect::<Vec<_>>());
            drop(sorted);
            prop_assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
        }
    }
}
