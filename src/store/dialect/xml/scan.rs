//! The fast page reader: from tag to tag with `memchr`, values stay where they lie.
//!
//! It takes the documented form of a listing and nothing else: an XML declaration, elements
//! without attributes (but for one `xmlns` on the root), plain names, layout, the five predefined
//! entities and numeric references. Everything else is `None`: handed over, with the body as it
//! came, to the event reader, which alone judges what is legal and what is a fault.

use memchr::{memchr, memchr2, memmem};

use super::Form;
use super::entry::{Draft, Field, Finisher, Inner, Paging, Top};
use super::events::root;
use super::page::{self, Heading};
use super::text::{references_known, unescape, unescaped};
use crate::model::{Entry, Kind, Page, Span};
use crate::store::ListApi;

/// Elements within elements that are passed over; the vendors' stop at two.
const DEEPEST: u32 = 8;

/// A guess at the bytes of one entry, to size the page's entries by.
const BYTES_AN_ENTRY: usize = 384;

/// Reads a page; hands the body back if it is not in the documented form.
///
/// The inner error is final: the body was well-formed, but [`page::finish`] cannot use it.
pub(super) fn read(form: &Form, api: ListApi, body: Vec<u8>) -> Result<Result<Page, &'static str>, Vec<u8>> {
    let Some(mut found) = Scan::over(form, api, &body) else { return Err(body) };
    let mut text = body;
    if found.escaped {
        for entry in &mut found.entries {
            entry.key = unescape(&mut text, entry.key);
            entry.version_id = unescape(&mut text, entry.version_id);
        }
        for span in found.heading.spans() {
            *span = unescape(&mut text, *span);
        }
    }
    Ok(page::finish(form, api, text, found.entries, found.heading))
}

/// What a scan found; the spans hold text as it came.
struct Found {
    entries: Vec<Entry>,
    heading: Heading,
    /// Whether some key or marker has references to undo.
    escaped: bool,
}

/// A tag that opens an element.
struct Open<'t> {
    name: &'t [u8],
    empty: bool,
}

fn span(start: usize, end: usize) -> Option<Span> {
    Some(Span { start: u32::try_from(start).ok()?, len: u32::try_from(end - start).ok()? })
}

struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    escaped: bool,
    scratch: Vec<u8>,
}

impl<'t> Scan<'t> {
    fn over(form: &Form, api: ListApi, text: &'t [u8]) -> Option<Found> {
        u32::try_from(text.len()).ok()?;
        std::str::from_utf8(text).ok()?;
        let mut scan = Self { text, at: 0, escaped: false, scratch: Vec::new() };
        scan.prolog(root(api).as_bytes())?;
        let mut entries = Vec::with_capacity(text.len() / BYTES_AN_ENTRY + 1);
        let mut heading = Heading::default();
        let mut finisher = Finisher::new(form, api);
        while let Some(tag) = scan.open()? {
            match Top::of(tag.name, api) {
                Top::Entry(kind) => {
                    let draft = scan.entry(kind, &tag)?;
                    entries.push(finisher.finish(&draft, text).ok()?);
                }
                Top::Paging(field) => scan.paging(field, &tag, &mut heading)?,
                Top::Other => scan.skip(&tag, 0)?,
                Top::Misplaced => return None,
            }
        }
        scan.close(root(api).as_bytes())?;
        scan.blanks();
        (scan.at == text.len()).then_some(Found { entries, heading, escaped: scan.escaped })
    }

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

    fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    fn expect(&mut self, bytes: &[u8]) -> Option<()> {
        if !self.rest().starts_with(bytes) {
            return None;
        }
        self.at += bytes.len();
        Some(())
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    /// The next tag within a container: an opening one, or none before an end tag.
    #[inline]
    #[expect(clippy::option_option, reason = "outside: handed over; inside: the container ends")]
    fn open(&mut self) -> Option<Option<Open<'t>>> {
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
    #[inline]
    fn close(&mut self, name: &[u8]) -> Option<()> {
        let rest = self.rest();
        let end = name.len() + 2;
        if *rest.get(end)? != b'>' || rest[0] != b'<' || rest[1] != b'/' || &rest[2..end] != name {
            return None;
        }
        self.at += end + 1;
        Some(())
    }

    /// The value of an element without elements, as it came, and its end tag.
    #[inline]
    fn value(&mut self, tag: &Open<'t>) -> Option<(&'t [u8], Span, bool)> {
        if tag.empty {
            return Some((&[], span(self.at, self.at)?, false));
        }
        let start = self.at;
        let rest = self.rest();
        let mut end = memchr2(b'<', b'&', rest)?;
        let escaped = rest[end] == b'&';
        if escaped {
            end += memchr(b'<', &rest[end..])?;
            if !references_known(&rest[..end]) {
                return None;
            }
        }
        self.at += end;
        self.close(tag.name)?;
        Some((&rest[..end], span(start, start + end)?, escaped))
    }

    /// Passes over an element of no interest.
    fn skip(&mut self, tag: &Open<'t>, depth: u32) -> Option<()> {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'_';
        if depth == DEEPEST || !tag.name.first()?.is_ascii_alphabetic() || !tag.name.iter().all(plain) {
            return None;
        }
        if tag.empty {
            return Some(());
        }
        // Most hold text only.
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

    fn paging(&mut self, field: Paging, tag: &Open<'t>, heading: &mut Heading) -> Option<()> {
        let (raw, at, escaped) = self.value(tag)?;
        self.escaped |= escaped;
        heading.take(field, self.decoded(raw, escaped), at).ok()
    }

    /// A value with its references undone, for reading; its bytes in the page are left alone.
    fn decoded<'s>(&'s mut self, raw: &'t [u8], escaped: bool) -> &'s [u8]
    where
        't: 's,
    {
        if escaped { unescaped(raw, &mut self.scratch) } else { raw }
    }

    #[inline]
    fn entry(&mut self, kind: Kind, entry: &Open<'t>) -> Option<Draft> {
        let mut draft = Draft::new(kind);
        if entry.empty {
            return None;
        }
        while let Some(tag) = self.open()? {
            match Field::of(tag.name) {
                Field::Other => self.skip(&tag, 0)?,
                Field::RestoreStatus => self.restore_status(&mut draft, &tag)?,
                field => {
                    let (raw, at, escaped) = self.value(&tag)?;
                    if escaped {
                        self.take_escaped(&mut draft, field, raw, at)?;
                    } else {
                        draft.take(field, raw, at).ok()?;
                    }
                }
            }
        }
        self.close(entry.name)?;
        Some(draft)
    }

    /// A field with references. What is kept as text is undone later, with the page's; what is
    /// read here and now is read from a copy.
    fn take_escaped(&mut self, draft: &mut Draft, field: Field, raw: &'t [u8], at: Span) -> Option<()> {
        match field {
            Field::Key | Field::VersionId => self.escaped = true,
            Field::ETag => {
                // S3 and COS print the quotes so; inside there is nothing to undo.
                let tag = raw.strip_prefix(b"&quot;")?.strip_suffix(b"&quot;")?;
                if memchr2(b'&', b'"', tag).is_some() {
                    return None;
                }
                let start = at.start + 6;
                let quoteless = Span { start, len: u32::try_from(tag.len()).ok()? };
                return draft.take(field, tag, quoteless).ok();
            }
            // No class has one.
            Field::Class | Field::Tier => return None,
            _ => {}
        }
        draft.take(field, self.decoded(raw, true), at).ok()
    }

    /// `RestoreStatus` holds elements (S3) or a word (COS).
    fn restore_status(&mut self, draft: &mut Draft, status: &Open<'t>) -> Option<()> {
        if status.empty {
            return Some(());
        }
        let before = self.at;
        if let Some((raw, at, escaped)) = self.value(status) {
            return draft.take(Field::RestoreStatus, self.decoded(raw, escaped), at).ok();
        }
        self.at = before;
        while let Some(tag) = self.open()? {
            match Inner::of(tag.name) {
                Inner::Other => self.skip(&tag, 1)?,
                inner => {
                    let (raw, _, escaped) = self.value(&tag)?;
                    draft.take_inner(inner, self.decoded(raw, escaped)).ok()?;
                }
            }
        }
        self.close(status.name)
    }
}
