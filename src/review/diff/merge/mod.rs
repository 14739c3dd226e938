//! Rows of both reports brought together: by key, and among the versions of one key by version.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::io;

use super::DiffError;
use super::prefixes::Tree;
use super::side::{Side, Sight};
use crate::model::{Change, Comparison, change};
use crate::pipeline::report::Rows;

/// Versions of one key of each report that are held until the other report has them as well. Both have
/// them in the order of the store, the newest first, so that far fewer wait: as many as were added and
/// deleted in between. Beyond this bound the one that waits longest is told as vanished or appeared, and
/// counted as [`Comparison::unpaired`].
pub const MOST_VERSIONS: usize = 10_000;

/// How two reports are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether the reports may be of different buckets; only their keys are compared then.
    pub any_bucket: bool,
}

/// An object that has changed.
#[derive(Clone, Copy, Debug)]
pub struct Changed<'c> {
    /// The bucket, that of the new report.
    pub bucket: &'c str,
    /// What became of it.
    pub change: Change,
    /// What the old report says of it; `None` if it has no such row.
    pub old: Option<&'c Sight>,
    /// What the new one says.
    pub new: Option<&'c Sight>,
}

/// Takes the changed objects in the order of their keys.
pub type Take<'t> = dyn FnMut(&Changed<'_>) -> io::Result<()> + 't;

/// Compares two reports, each in the order of its keys, and hands every changed object to `take`.
///
/// Keys are compared as bytes, decoded where `key_encoding` says so; versions of one key by `version_id`.
/// A row without a version, of a listing without versions, goes with the newest one of the other report.
///
/// # Errors
/// If a report cannot be read, is not in order, or is of several buckets; if the buckets differ;
/// [`DiffError::Write`] if `take` fails.
pub fn compare(old: Rows, new: Rows, options: Options, take: &mut Take<'_>) -> Result<Comparison, DiffError> {
    let (mut old, mut new) = (Side::open(old)?, Side::open(new)?);
    if old.open && new.open && old.told.bucket != new.told.bucket && !options.any_bucket {
        return Err(DiffError::Buckets { old: old.told.bucket, new: new.told.bucket });
    }
    let bucket = if new.open { new.told.bucket.clone() } else { old.told.bucket.clone() };
    let mut book = Book { bucket, told: Comparison::default(), prefixes: Tree::default(), take };
    let mut waiting = (Waiting::default(), Waiting::default());
    let mut key = Vec::new();
    loop {
        let order = match (old.open, new.open) {
            (false, false) => break,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => old.sight.key.cmp(&new.sight.key),
        };
        match order {
            Ordering::Less => {
                book.note(Some(&old.sight), None)?;
                old.advance()?;
            }
            Ordering::Greater => {
                book.note(None, Some(&new.sight))?;
                new.advance()?;
            }
            Ordering::Equal => {
                key.clone_from(&old.sight.key);
                versions(&key, &mut old, &mut new, &mut waiting, &mut book)?;
            }
        }
    }
    let Book { mut told, prefixes, .. } = book;
    told.prefixes = prefixes.finish();
    (told.old, told.new) = (old.told, new.told);
    Ok(told)
}

/// Brings the rows of `key`, of which both reports have one at hand, together.
fn versions(
    key: &[u8],
    old: &mut Side,
    new: &mut Side,
    waiting: &mut (Waiting, Waiting),
    book: &mut Book<'_, '_>,
) -> Result<(), DiffError> {
    let (gone, come) = waiting;
    loop {
        let (has_old, has_new) = (old.is_at(key), new.is_at(key));
        if !has_old && !has_new {
            break;
        }
        let untold = old.sight.version.is_empty() || new.sight.version.is_empty();
        if has_old && has_new && (old.sight.version == new.sight.version || untold) {
            book.note(Some(&old.sight), Some(&new.sight))?;
            old.advance()?;
            new.advance()?;
            continue;
        }
        if has_old {
            match come.take(&old.sight.version) {
                Some(new) => book.note(Some(&old.sight), Some(&new))?,
                // Nobody is left whom it could meet.
                None if !has_new && come.is_empty() => book.note(Some(&old.sight), None)?,
                None => {
                    if let Some(longest) = gone.wait(&old.sight) {
                        book.told.unpaired += 1;
                        book.note(Some(&longest), None)?;
                    }
                }
            }
            old.advance()?;
        }
        if has_new {
            match gone.take(&new.sight.version) {
                Some(old) => book.note(Some(&old), Some(&new.sight))?,
                None if !has_old && gone.is_empty() => book.note(None, Some(&new.sight))?,
                None => {
                    if let Some(longest) = come.wait(&new.sight) {
                        book.told.unpaired += 1;
                        book.note(None, Some(&longest))?;
                    }
                }
            }
            new.advance()?;
        }
    }
    while let Some(old) = gone.longest() {
        book.note(Some(&old), None)?;
    }
    while let Some(new) = come.longest() {
        book.note(None, Some(&new))?;
    }
    Ok(())
}

/// Versions of one key that the other report has not had yet.
#[derive(Debug, Default)]
struct Waiting {
    by_version: HashMap<Vec<u8>, Sight>,
    /// In the order in which they came; some may have been taken.
    order: VecDeque<Vec<u8>>,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.by_version.is_empty()
    }

    fn take(&mut self, version: &[u8]) -> Option<Sight> {
        self.by_version.remove(version)
    }

    /// Lets `sight` wait; the one that has to go for it comes back.
    fn wait(&mut self, sight: &Sight) -> Option<Sight> {
        let twice = self.by_version.insert(sight.version.clone(), sight.clone());
        self.order.push_back(sight.version.clone());
        if twice.is_some() {
            return twice;
        }
        // Those that were taken leave their names behind.
        if self.order.len() > 2 * MOST_VERSIONS {
            let Self { by_version, order } = self;
            order.retain(|version| by_version.contains_key(version));
        }
        if self.by_version.len() > MOST_VERSIONS { self.longest() } else { None }
    }

    /// Takes the one that has waited longest.
    fn longest(&mut self) -> Option<Sight> {
        while let Some(version) = self.order.pop_front() {
            if let Some(sight) = self.by_version.remove(&version) {
                return Some(sight);
            }
        }
        None
    }
}

/// What was found so far.
struct Book<'b, 't> {
    bucket: String,
    told: Comparison,
    prefixes: Tree,
    take: &'b mut Take<'t>,
}

impl Book<'_, '_> {
    /// Notes what became of one object.
    fn note(&mut self, old: Option<&Sight>, new: Option<&Sight>) -> Result<(), DiffError> {
        let (before, after) = (old.map(Sight::seen), new.map(Sight::seen));
        let Some(change) = change(before.as_ref(), after.as_ref()) else {
            self.told.unchanged += u64::from(old.is_some() && new.is_some());
            return Ok(());
        };
        let counted = if change == Change::Vanished { old.or(new) } else { new.or(old) };
        if let Some(sight) = counted {
            let size = sight.size.unwrap_or(0);
            self.told.changes.entry(change).or_default().add(size);
            self.prefixes.add(&sight.key, change, size);
        }
        (self.take)(&Changed { bucket: &self.bucket, change, old, new }).map_err(DiffError::Write)
    }
}

#[cfg(test)]
mod tests;
