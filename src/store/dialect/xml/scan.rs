//! The fast page reader: from tag to tag, values stay where they lie.
//!
//! It takes the documented form of a listing and nothing else: an XML declaration, elements
//! without attributes (but for one `xmlns` on the root), plain names, layout, the five predefined
//! entities and numeric references. Everything else is `None`: handed over, with the body as it
//! came, to the event reader, which alone judges what is legal and what is a fault.
//!
//! This file reads the document around the entries; [`entries`](super::entries) reads those.

use memchr::{memchr, memchr2, memmem};

use super::Form;
use super::entries::Entries;
use super::entry::Top;
use super::events::root;
use super::page::{self, Heading};
use super::text::{references_known, unescape, unescaped};
use crate::model::{Entry, Page, Span};
use crate::store::ListApi;

/// Elements within elements that are passed over; the vendors' stop at two.
pub(super) const DEEPEST: usize = 8;

/// Reads a page, its entries into `entries`; hands the body back if it is not in the documented form.
///
/// The inner error is final: the body was well-formed, but [`page::finish`] cannot use it.
pub(super) fn read(
    form: &Form,
    api: ListApi,
    body: Vec<u8>,
    entries: Vec<Entry>,
) -> Result<Result<Page, &'static str>, Vec<u8>> {
    let Some((mut found, mut heading, escaped)) = document(form, api, &body, entries) else {
        return Err(body);
    };
    let mut text = body;
    if escaped {
        for entry in &mut found {
            entry.key = unescape(&mut text, entry.key);
            entry.version_id = unescape(&mut text, entry.version_id);
        }
        for span in heading.spans() {
            *span = unescape(&mut text, *span);
        }
    }
    Ok(page::finish(form, api, text, found, heading))
}

/// The entries and the heading, spans holding text as it came, and whether some key or marker has
/// references to undo.
fn document(
    form: &Form,
    api: ListApi,
    text: &[u8],
    entries: Vec<Entry>,
) -> Option<(Vec<Entry>, Heading, bool)> {
    u32::try_from(text.len()).ok()?;
    std::str::from_utf8(text).ok()?;
    let mut cursor = Cursor { text, at: 0 };
    cursor.prolog(root(api).as_bytes())?;
    let mut entries = Entries::new(form, api, text, entries);
    let mut heading = Heading::default();
    let mut scratch = Vec::new();
    let mut escaped = false;
    while let Some(tag) = cursor.open()? {
        match Top::of(tag.name, api) {
            Top::Entry(_) if tag.empty => return None,
            Top::Entry(_) => entries.read(&mut cursor, tag.name)?,
            Top::Paging(field) => {
                let value = cursor.value(&tag)?;
                escaped |= value.escaped;
                heading.take(field, value.decoded(&mut scratch), value.span()?).ok()?;
            }
            Top::Other => cursor.skip(&tag, 0)?,
            Top::Misplaced => return None,
        }
    }
    cursor.close(root(api).as_bytes())?;
    cursor.blanks();
    let (found, keys_escaped) = entries.found();
    (cursor.at == text.len()).then_some((found, heading, escaped | keys_escaped))
}

/// A tag that opens an element.
pub(super) struct Open<'t> {
    pub(super) name: &'t [u8],
    pub(super) empty: bool,
}

impl Open<'_> {
    /// Whether the name is one that needs no thought; prefixes, attributes, comments are not.
    pub(super) fn plain(&self) -> bool {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        self.name.first().is_some_and(u8::is_ascii_alphabetic) && self.name.iter().all(plain)
    }
}

/// The text of an element, as it came.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    pub(super) raw: &'t [u8],
    pub(super) start: usize,
    pub(super) escaped: bool,
}

impl<'t> Value<'t> {
    /// Where the text lies.
    pub(super) fn span(&self) -> Option<Span> {
        Some(Span { start: u32::try_from(self.start).ok()?, len: u32::try_from(self.raw.len()).ok()? })
    }

    /// The text with its references undone, for reading; the page is left as it is.
    pub(super) fn decoded<'s>(&self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        't: 's,
    {
        if self.escaped { unescaped(self.raw, scratch) } else { self.raw }
    }
}

/// A place in the body. Every step is `None` where the body leaves the documented form.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    /// The declaration and the root's tag.
    fn prolog(&mut self, root: &[u8]) -> Option<()> {
        if self.text.starts_with(b"<?xml ") {
            self.at = memmem::find(self.text, b"?>")? + 2;
        }
        self.blanks();
        self.expect(b"<")?;
        self.expect(root)?;
        if self.rest().starts_with(b" xmlns=\"") {
            self.at += b" xmlns=\"".len();
            let value = &self.rest()[..memchr(b'"', self.rest())?];
            if memchr2(b'<', b'&', value).is_some() {
                return None;
            }
            self.at += value.len() + 1;
        }
        self.expect(b">")
    }

    pub(super) fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        if !self.rest().starts_with(bytes) {
            return None;
        }
        self.at += bytes.len();
        Some(())
    }

    pub(super) fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// The next tag within a container: an opening one, or none before an end tag.
    #[expect(clippy::option_option, reason = "outside: handed over; inside: the container ends")]
    pub(super) fn open(&mut self) -> Option<Option<Open<'t>>> {
        self.blanks();
        let rest = self.rest();
        if *rest.first()? != b'<' {
            return None;
        }
        if *rest.get(1)? == b'/' {
            return Some(None);
        }
        let end = memchr(b'>', rest)?;
        self.at += end + 1;
        match &rest[1..end] {
            [name @ .., b'/'] => Some(Some(Open { name, empty: true })),
            name => Some(Some(Open { name, empty: false })),
        }
    }

    /// The end tag of `name`.
    pub(super) fn close(&mut self, name: &[u8]) -> Option<()> {
        self.expect(b"</")?;
        self.expect(name)?;
        self.expect(b">")
    }

    /// Text up to the next tag.
    #[inline]
    pub(super) fn text(&mut self) -> Option<Value<'t>> {
        let (start, rest) = (self.at, self.rest());
        let mut end = memchr2(b'<', b'&', rest)?;
        let escaped = rest[end] == b'&';
        if escaped {
            end += memchr(b'<', &rest[end..])?;
            if !references_known(&rest[..end]) {
                return None;
            }
        }
        self.at += end;
        Some(Value { raw: &rest[..end], start, escaped })
    }

    /// The text of an element without elements, and its end tag.
    fn value(&mut self, tag: &Open<'t>) -> Option<Value<'t>> {
        if tag.empty {
            return Some(Value { raw: &[], start: self.at, escaped: false });
        }
        let value = self.text()?;
        self.close(tag.name)?;
        Some(value)
    }

    /// Passes over an element of no interest.
    fn skip(&mut self, tag: &Open<'t>, depth: usize) -> Option<()> {
        if depth == DEEPEST || !tag.plain() {
            return None;
        }
        if tag.empty {
            return Some(());
        }
        let before = self.at;
        if self.value(tag).is_some() {
            return Some(());
        }
        self.at = before;
        while let Some(child) = self.open()? {
            self.skip(&child, depth + 1)?;
        }
        self.close(tag.name)
    }
}
