//! One page of a listing, held in one buffer.
//!
//! A page owns a single byte buffer; every field of every entry is a [`Span`] of it. Reading a
//! thousand keys thus takes two buffers, and a page can travel between tasks without
//! lifetimes. [`Listed`] is the borrowed view that the pipeline works with.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use super::{Answers, Outcome};

/// A piece of a page's buffer. The empty span stands for "not told".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
}

impl Span {
    /// The bytes of `text` that this span names.
    ///
    /// # Panics
    /// If the span was made for another buffer.
    #[must_use]
    pub fn of(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..self.start as usize + self.len as usize]
    }
}

/// What kind of thing an entry of a listing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// An object or one of its versions.
    #[default]
    Object,
    /// A delete marker of a versioned bucket; it has no data and can never be restored.
    DeleteMarker,
    /// A symbolic link (OSS); its target is restored, never the link.
    Symlink,
}

/// Whether the data of an entry can be read as it is, judged by its storage class and, where
/// the listing shows one, its access tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Readable at any time.
    #[default]
    Online,
    /// Must be restored before it can be read.
    Archived,
    /// Intelligent-Tiering whose tier the listing does not show: only HEAD tells.
    Tiering,
    /// A class this version of defrost does not know; reported, never restored.
    Unrecognised,
}

/// What the listing (or HEAD) says about a restore of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestoreMark {
    /// The answer cannot tell for this entry; HEAD can.
    Unsaid,
    /// Neither a running restore nor a readable copy.
    #[default]
    Absent,
    /// A restore is running.
    Running,
    /// A readable copy exists, until this time where the store names one.
    Ready(Option<Timestamp>),
}

/// One entry of a [`Page`]; the spans point into the page's buffer and hold decoded bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// Object, delete marker or symlink.
    pub kind: Kind,
    /// The key, exact bytes after URL-decoding.
    pub key: Span,
    /// The version id; empty in unversioned listings and buckets.
    pub version_id: Span,
    /// Whether this is the current version; always true in unversioned listings.
    pub is_latest: bool,
    /// Storage class in the vendor's spelling; empty for delete markers.
    pub class: Span,
    /// What the class (and tier) mean for reading.
    pub access: Access,
    /// Intelligent-Tiering access tier where the listing shows it.
    pub access_tier: Span,
    /// Size in bytes.
    pub size: u64,
    /// Entity tag without its quotes.
    pub etag: Span,
    /// Last modification; `None` if absent or not a date.
    pub last_modified: Option<Timestamp>,
    /// Restore state as told by the listing.
    pub restore: RestoreMark,
}

/// A borrowed view of one entry.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'p> {
    /// Object, delete marker or symlink.
    pub kind: Kind,
    /// The key, exact bytes.
    pub key: &'p [u8],
    /// The version id; empty where there is none.
    pub version_id: &'p [u8],
    /// Whether this is the current version.
    pub is_latest: bool,
    /// Storage class in the vendor's spelling.
    pub class: &'p [u8],
    /// What the class (and tier) mean for reading.
    pub access: Access,
    /// Intelligent-Tiering access tier, empty if not shown.
    pub access_tier: &'p [u8],
    /// Size in bytes.
    pub size: u64,
    /// Entity tag without quotes.
    pub etag: &'p [u8],
    /// Last modification.
    pub last_modified: Option<Timestamp>,
    /// Restore state as told.
    pub restore: RestoreMark,
}

/// Where a listing goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// From the beginning of the prefix.
    #[default]
    Start,
    /// After this key, exclusive. The key need not exist.
    After(Vec<u8>),
    /// After this version of this key, exclusive; listings of versions only.
    AfterVersion(Vec<u8>, Vec<u8>),
    /// By the store's opaque continuation token.
    Token(Vec<u8>),
}

/// The place of an object in a list of names: its number, from 1, as text that sorts by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place([u8; PLACE_LEN]);

const PLACE_HEAD: &[u8; 6] = b"entry ";
const PLACE_DIGITS: usize = 12;
const PLACE_LEN: usize = PLACE_HEAD.len() + PLACE_DIGITS;

impl Place {
    /// The place of the `number`-th object.
    #[must_use]
    pub fn new(number: u64) -> Self {
        let mut text = [b'0'; PLACE_LEN];
        text[..PLACE_HEAD.len()].copy_from_slice(PLACE_HEAD);
        let mut rest = number;
        for digit in text[PLACE_HEAD.len()..].iter_mut().rev() {
            // Below ten.
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        Self(text)
    }

    /// The number of the place whose text is `text`; `None` if it is none.
    #[must_use]
    pub fn number(text: &[u8]) -> Option<u64> {
        let digits = text.strip_prefix(PLACE_HEAD).filter(|digits| digits.len() == PLACE_DIGITS)?;
        let plain = digits.iter().all(u8::is_ascii_digit);
        plain.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    /// The text.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What a page of named objects holds beside its entries.
#[derive(Debug, Default)]
pub struct Named {
    /// The place of each entry in the list of names.
    pub places: Vec<Place>,
    /// What became already of entries, by index: those that are not there, or that could not be looked
    /// at. Nothing but the key of such an entry is known.
    pub told: BTreeMap<usize, Outcome>,
    /// What it took to look at the others, by index: requests sent, and how they were answered.
    pub heads: BTreeMap<usize, (u32, Answers)>,
}

/// Whoever lent a page its buffers.
pub trait Lender: fmt::Debug + Send + Sync {
    /// Takes the buffers back, when the page is dropped.
    fn give_back(&self, text: Vec<u8>, entries: Vec<Entry>);
}

/// One page of a listing, in key order (versions of a key newest first).
#[derive(Debug, Default)]
pub struct Page {
    text: Vec<u8>,
    entries: Vec<Entry>,
    next: Option<Position>,
    lender: Option<Box<dyn Lender>>,
    named: Option<Box<Named>>,
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(lender) = self.lender.take() {
            lender.give_back(std::mem::take(&mut self.text), std::mem::take(&mut self.entries));
        }
    }
}

impl Page {
    /// A page over `text`, whose entries' spans all point into it.
    #[must_use]
    pub const fn new(text: Vec<u8>, entries: Vec<Entry>, next: Option<Position>) -> Self {
        Self { text, entries, next, lender: None, named: None }
    }

    /// A page of objects that were named, not listed, in the order in which they were.
    #[must_use]
    pub fn of_names(text: Vec<u8>, entries: Vec<Entry>, named: Named) -> Self {
        Self { text, entries, next: None, lender: None, named: Some(Box::new(named)) }
    }

    /// What became already of the entry at `index`, if it was named and is not there, or could not be
    /// looked at.
    #[must_use]
    pub fn told(&self, index: usize) -> Option<&Outcome> {
        self.named.as_ref()?.told.get(&index)
    }

    /// What it took to look at the entry at `index`, if it was named and is there: requests sent, and how
    /// they were answered.
    #[must_use]
    pub fn heads(&self, index: usize) -> Option<(u32, Answers)> {
        self.named.as_ref()?.heads.get(&index).copied()
    }

    /// What names the entry at `index` among all of its run, and sorts as the rows do: key and version,
    /// or its place in the list of names, where a key may stand twice and in any order.
    ///
    /// # Panics
    /// If `index` is not below [`Page::len`].
    #[must_use]
    pub fn id(&self, index: usize) -> (&[u8], &[u8]) {
        if let Some(place) = self.named.as_ref().and_then(|named| named.places.get(index)) {
            return (place.as_bytes(), b"");
        }
        let object = self.get(index);
        (object.key, object.version_id)
    }

    /// The page, whose buffers go back to `lender` when it is dropped.
    #[must_use]
    pub fn lent_by(mut self, lender: impl Lender + 'static) -> Self {
        self.lender = Some(Box::new(lender));
        self
    }

    /// Where the next page starts; `None` at the end of the listing.
    #[must_use]
    pub const fn next(&self) -> Option<&Position> {
        self.next.as_ref()
    }

    /// Number of entries, delete markers included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the page holds no entry; a truncated page may be empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry at `index`, as a view.
    ///
    /// # Panics
    /// If `index` is not below [`Page::len`].
    #[must_use]
    pub fn get(&self, index: usize) -> Listed<'_> {
        let e = &self.entries[index];
        let text = self.text.as_slice();
        Listed {
            kind: e.kind,
            key: e.key.of(text),
            version_id: e.version_id.of(text),
            is_latest: e.is_latest,
            class: e.class.of(text),
            access: e.access,
            access_tier: e.access_tier.of(text),
            size: e.size,
            etag: e.etag.of(text),
            last_modified: e.last_modified,
            restore: e.restore,
        }
    }

    /// Drops the entries whose keys come after `key`; the page's keys must be in order.
    pub fn drop_after(&mut self, key: &[u8]) {
        let text = self.text.as_slice();
        let kept = self.entries.partition_point(|entry| entry.key.of(text) <= key);
        self.entries.truncate(kept);
    }

    /// All entries in listing order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Listed<'_>> + DoubleEndedIterator {
        (0..self.len()).map(|i| self.get(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_by_number_and_come_back() {
        let numbers = [0, 1, 9, 10, 999, 1000, 123_456_789_012];
        let places: Vec<Place> = numbers.iter().map(|number| Place::new(*number)).collect();
        assert!(places.is_sorted());
        for (place, number) in places.iter().zip(numbers) {
            assert_eq!(Place::number(place.as_bytes()), Some(number));
        }
        assert_eq!(places[3].as_bytes(), b"entry 000000000010");
        for text in [&b"entry 10"[..], b"entry 00000000001x", b"", b"a/b"] {
            assert_eq!(Place::number(text), None);
        }
    }
}
