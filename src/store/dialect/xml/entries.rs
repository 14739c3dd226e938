//! The entries of a page, by learnt gaps.
//!
//! What stands between two values of an entry, say `</Key><LastModified>`, is the same in every
//! entry, layout, `Owner` and the step into the next entry included. So a gap is parsed once, tag
//! by tag, and remembered with the place it leads to; from then on it is one comparison of bytes.
//! A gap that is not known yet is parsed again, so no order or presence of elements is presumed.
//! The same bytes met in the same place (path of open elements) parse alike, hence the shortcut
//! accepts nothing that the long way would not. It may miss: an element that holds text in one entry
//! and elements in another, which no vendor prints, is handed over.

use jiff::Timestamp;

use super::super::dates;
use super::Form;
use super::entry::{Draft, Field, Finisher, Inner, Top};
use super::scan::{Cursor, DEEPEST, Open, Value};
use super::text::starts_with;
use crate::model::{Entry, Kind};
use crate::store::ListApi;

/// A guess at the bytes of one entry, to size the list of entries by.
const BYTES_AN_ENTRY: usize = 256;
/// No vendor's page lists more.
const MOST: usize = 1000;

/// Most places that are remembered, far above the dozen of any vendor; beyond, pages are handed
/// over.
const MOST_PLACES: usize = 64;

/// Most gaps remembered behind one place.
const MOST_GAPS: usize = 8;

/// What the text at a place is for.
#[derive(Clone, Copy)]
enum Use {
    Field(Field),
    Inner(Inner),
    Nothing,
}

/// A place where a value stands.
struct Place<'t> {
    /// Names of the open elements, the entry's first, the value's own last.
    path: Vec<&'t [u8]>,
    /// Whether the element is an empty tag.
    empty: bool,
    /// What the value is for.
    purpose: Use,
    /// The value met here last: many repeat.
    last: &'t [u8],
    /// The gaps met behind it.
    gaps: Vec<Gap<'t>>,
}

/// What stands between two values.
#[derive(Clone, Copy)]
struct Gap<'t> {
    bytes: &'t [u8],
    /// The place behind it.
    to: usize,
    /// The kind of the entry that begins in it, if one does.
    begins: Option<Kind>,
}

/// Where the long way through a gap led.
enum Way<'t> {
    /// To a value.
    On(Gap<'t>),
    /// To the end of the last entry of a row.
    Out,
}

/// Reads entries, remembering gaps.
pub(super) struct Entries<'t, 'f> {
    api: ListApi,
    places: Vec<Place<'t>>,
    finisher: Finisher<'f>,
    found: Vec<Entry>,
    escaped: bool,
    scratch: Vec<u8>,
}

impl<'t, 'f> Entries<'t, 'f> {
    /// Reads those of `text` into the buffer `found`, whatever it holds.
    pub(super) fn new(form: &'f Form, api: ListApi, text: &[u8], mut found: Vec<Entry>) -> Self {
        found.clear();
        found.reserve((text.len() / BYTES_AN_ENTRY + 1).min(MOST));
        Self {
            api,
            places: Vec::new(),
            finisher: Finisher::new(form, api),
            found,
            escaped: false,
            scratch: Vec::new(),
        }
    }

    /// The entries, and whether some key or version id has references to undo.
    pub(super) fn found(self) -> (Vec<Entry>, bool) {
        (self.found, self.escaped)
    }

    /// Reads the entry whose opening tag has just been passed, and all that follow it directly.
    pub(super) fn read(&mut self, cursor: &mut Cursor<'t>, name: &'t [u8]) -> Option<()> {
        let Top::Entry(kind) = Top::of(name, self.api) else { return None };
        let mut draft = Draft::new(kind);
        // An entry without values would have no key.
        let Way::On(first) = self.long_way(cursor, vec![name])? else { return None };
        if first.begins.is_some() {
            return None;
        }
        let mut here = first.to;
        loop {
            self.value(here, cursor, &mut draft)?;
            let gap = match self.known_gap(here, cursor) {
                Some(gap) => gap,
                None => match self.new_gap(here, cursor)? {
                    Way::On(gap) => gap,
                    Way::Out => {
                        self.found.push(*self.finisher.finish(&mut draft, cursor.text).ok()?);
                        return Some(());
                    }
                },
            };
            if let Some(kind) = gap.begins {
                self.found.push(*self.finisher.finish(&mut draft, cursor.text).ok()?);
                draft = Draft::new(kind);
            }
            here = gap.to;
        }
    }

    #[inline]
    fn known_gap(&self, here: usize, cursor: &mut Cursor<'t>) -> Option<Gap<'t>> {
        let rest = cursor.rest();
        let gap = *self.places[here].gaps.iter().find(|gap| starts_with(rest, gap.bytes))?;
        cursor.at += gap.bytes.len();
        Some(gap)
    }

    #[cold]
    fn new_gap(&mut self, here: usize, cursor: &mut Cursor<'t>) -> Option<Way<'t>> {
        let mut path = self.places[here].path.clone();
        let name = path.pop()?;
        let start = cursor.at;
        if !self.places[here].empty {
            cursor.close(name)?;
        }
        let way = self.long_way(cursor, path)?;
        let Way::On(gap) = way else { return Some(way) };
        let gap = Gap { bytes: &cursor.text[start..cursor.at], ..gap };
        if self.places[here].gaps.len() < MOST_GAPS {
            self.places[here].gaps.push(gap);
        }
        Some(Way::On(gap))
    }

    /// Goes tag by tag to the next value, `path` being the elements open so far.
    fn long_way(&mut self, cursor: &mut Cursor<'t>, mut path: Vec<&'t [u8]>) -> Option<Way<'t>> {
        let mut begins = None;
        loop {
            let Some(tag) = cursor.open()? else {
                cursor.close(path.pop()?)?;
                if !path.is_empty() {
                    continue;
                }
                if begins.is_some() {
                    // An entry without values.
                    return None;
                }
                let before = cursor.at;
                if let Some(tag) = cursor.open()?
                    && let Top::Entry(kind) = Top::of(tag.name, self.api)
                    && !tag.empty
                {
                    begins = Some(kind);
                    path.push(tag.name);
                    continue;
                }
                cursor.at = before;
                return Some(Way::Out);
            };
            let purpose = purpose(&path, &tag)?;
            path.push(tag.name);
            if path.len() > DEEPEST {
                return None;
            }
            if tag.empty || holds_text(purpose, cursor.rest())? {
                let to = self.place(path, tag.empty, purpose)?;
                return Some(Way::On(Gap { bytes: &[], to, begins }));
            }
        }
    }

    fn place(&mut self, path: Vec<&'t [u8]>, empty: bool, purpose: Use) -> Option<usize> {
        let known = self.places.iter().position(|place| place.path == path && place.empty == empty);
        if known.is_some() {
            return known;
        }
        self.places.push(Place { path, empty, purpose, last: b"", gaps: Vec::new() });
        (self.places.len() <= MOST_PLACES).then(|| self.places.len() - 1)
    }

    /// Reads the value at `here`, up to its end.
    #[inline]
    fn value(&mut self, here: usize, cursor: &mut Cursor<'t>, draft: &mut Draft) -> Option<()> {
        let place = &mut self.places[here];
        let (start, rest) = (cursor.at, cursor.rest());
        match place.purpose {
            _ if place.empty => {}
            // Values that tell their own end are not searched for it.
            Use::Field(Field::LastModified) => {
                if let Some(time) = date(rest) {
                    cursor.at += dates::ISO_LEN;
                    draft.modified(time);
                    return Some(());
                }
            }
            Use::Field(Field::Size) => {
                if let Some((size, len)) = digits(rest) {
                    cursor.at += len;
                    draft.sized(size);
                    return Some(());
                }
            }
            Use::Inner(Inner::Expiry) => {
                if let Some(time) = date(rest) {
                    cursor.at += dates::ISO_LEN;
                    draft.ready(time);
                    return Some(());
                }
            }
            Use::Field(Field::ETag) => {
                if let Some(tag) = quoted(rest) {
                    cursor.at += tag.len() + 2 * QUOTE.len();
                    let tag = Value { raw: tag, start: start + QUOTE.len(), escaped: false };
                    return draft.take(Field::ETag, tag.raw, tag.span()?).ok();
                }
            }
            _ => {}
        }
        let value = if place.empty {
            Value { raw: &[], start, escaped: false }
        } else if rest.get(place.last.len()) == Some(&b'<') && starts_with(rest, place.last) {
            cursor.at += place.last.len();
            Value { raw: &rest[..place.last.len()], start, escaped: false }
        } else {
            let value = cursor.text()?;
            if !value.escaped {
                place.last = value.raw;
            }
            value
        };
        match place.purpose {
            Use::Nothing => Some(()),
            Use::Inner(inner) => draft.take_inner(inner, value.decoded(&mut self.scratch)).ok(),
            Use::Field(field) if value.escaped => self.take_escaped(draft, field, &value),
            Use::Field(field) => draft.take(field, value.raw, value.span()?).ok(),
        }
    }

    /// Takes a field with references. What is kept as text is undone with the whole page; what is
    /// read here and now is read from a copy.
    #[cold]
    fn take_escaped(&mut self, draft: &mut Draft, field: Field, value: &Value<'t>) -> Option<()> {
        match field {
            Field::Key | Field::VersionId => self.escaped = true,
            // No class has one, and entity tags only as quotes.
            Field::Class | Field::Tier | Field::ETag => return None,
            _ => {}
        }
        draft.take(field, value.decoded(&mut self.scratch), value.span()?).ok()
    }
}

/// A quote as S3 and COS print those of entity tags.
const QUOTE: &[u8] = b"&quot;";

/// The date at the start of `text`, if it is one in the usual form and nothing else.
#[inline]
fn date(text: &[u8]) -> Option<Timestamp> {
    let (date, end) = text.split_at_checked(dates::ISO_LEN)?;
    if end.first() != Some(&b'<') {
        return None;
    }
    dates::iso_millis(date)
}

/// The number at the start of `text` and its digits, if they are one to nineteen and nothing else
/// follows: so many cannot overflow.
#[inline]
fn digits(text: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (len, &byte) in text.iter().take(20).enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (byte == b'<' && len > 0).then_some((number, len));
        }
        if len == 19 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    None
}

/// The entity tag at the start of `text`, if it stands between two [`QUOTE`]s and holds neither
/// quotes nor references.
#[inline]
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let tag = text.strip_prefix(QUOTE)?;
    let len = memchr::memchr3(b'&', b'<', b'"', tag)?;
    (starts_with(&tag[len..], QUOTE) && tag.get(len + QUOTE.len()) == Some(&b'<')).then(|| &tag[..len])
}

/// What the text of `tag` is for, within the elements of `path`.
fn purpose(path: &[&[u8]], tag: &Open<'_>) -> Option<Use> {
    let purpose = match path {
        [_] => match Field::of(tag.name) {
            Field::Other => Use::Nothing,
            field => Use::Field(field),
        },
        [_, b"RestoreStatus"] => match Inner::of(tag.name) {
            Inner::Other => Use::Nothing,
            inner => Use::Inner(inner),
        },
        _ => Use::Nothing,
    };
    (!matches!(purpose, Use::Nothing) || tag.plain()).then_some(purpose)
}

/// Whether the element that begins before `rest` holds text rather than elements.
fn holds_text(purpose: Use, rest: &[u8]) -> Option<bool> {
    match purpose {
        Use::Field(Field::RestoreStatus) | Use::Nothing => {
            let end = memchr::memchr(b'<', rest)?;
            Some(*rest.get(end + 1)? == b'/')
        }
        Use::Field(_) | Use::Inner(_) => Some(true),
    }
}
