//! The general page reader: takes everything legal, copies the values it keeps.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::Form;
use super::entry::{Draft, Field, Finisher, Inner, Top};
use super::page::{self, Heading};
use crate::model::{Entry, Kind, Page, Span};
use crate::store::ListApi;

/// Why a document is not a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its root is `Error`.
    Refused,
    /// Anything else, in a few words.
    Unreadable(&'static str),
}

impl From<quick_xml::Error> for Fault {
    fn from(_: quick_xml::Error) -> Self {
        Self::Unreadable("the reply is not well-formed XML")
    }
}

impl From<&'static str> for Fault {
    fn from(why: &'static str) -> Self {
        Self::Unreadable(why)
    }
}

/// Most attributes of an element; the vendors' listings have one, on the root. The reader compares
/// each with all before it, so a tag of many would take for ever.
const MOST_ATTRIBUTES: usize = 32;

/// Elements within elements; the vendors' stop at three.
const DEEPEST: u32 = 64;

const TORN: Fault = Fault::Unreadable("the reply ends too early");

/// The name of the root element that `api` is answered with.
pub(super) const fn root(api: ListApi) -> &'static str {
    match api {
        ListApi::V1 | ListApi::V2 => "ListBucketResult",
        ListApi::Versions => "ListVersionsResult",
    }
}

/// Reads a page.
pub(super) fn read(form: &Form, api: ListApi, body: &[u8]) -> Result<Page, Fault> {
    if u32::try_from(body.len()).is_err() {
        return Err("the reply is larger than 4 GiB".into());
    }
    let text = std::str::from_utf8(body).map_err(|_| "the reply is not UTF-8")?;
    let mut reader = Events {
        xml: Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)),
        kept: Vec::with_capacity(body.len() / 2),
    };
    let empty = loop {
        let start = match reader.next()? {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => continue,
            // No listing has one, and what it may declare is nothing to be read.
            Event::DocType(_) => return Err("the reply declares a document type".into()),
            Event::Text(text) if blank(&text) => continue,
            Event::Eof => return Err(TORN),
            _ => return Err("the reply is not an XML document".into()),
        };
        let name = start.0.local_name();
        if name.as_ref() == "Error" {
            return Err(Fault::Refused);
        }
        if name.as_ref() != root(api) {
            return Err("the reply is not a listing".into());
        }
        break start.1;
    };
    let (entries, heading) = if empty { Default::default() } else { reader.listing(form, api)? };
    reader.nothing_more()?;
    Ok(page::finish(form, api, reader.kept, entries, heading)?)
}

/// Whether text between elements is only layout.
fn blank(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_whitespace())
}

/// An element met inside another.
enum Child<'x> {
    Full(BytesStart<'x>),
    Empty(BytesStart<'x>),
}

impl<'x> Child<'x> {
    const fn start(&self) -> &BytesStart<'x> {
        match self {
            Self::Full(start) | Self::Empty(start) => start,
        }
    }

    /// What the element's local name means, by `meaning`.
    fn meant<T>(&self, meaning: impl FnOnce(&[u8]) -> T) -> T {
        meaning(self.start().local_name().as_ref().as_bytes())
    }
}

struct Events<'x> {
    xml: Reader<&'x [u8]>,
    kept: Vec<u8>,
}

impl<'x> Events<'x> {
    /// The next event; attributes, which mean nothing to us, must at least be well-formed.
    fn next(&mut self) -> Result<Event<'x>, Fault> {
        let event = self.xml.read_event()?;
        if let Event::Start(start) | Event::Empty(start) = &event
            && !start.attributes_raw().is_empty()
        {
            for (number, attribute) in start.attributes().enumerate() {
                attribute.map_err(quick_xml::Error::from)?;
                if number == MOST_ATTRIBUTES {
                    return Err("an element has too many attributes".into());
                }
            }
        }
        Ok(event)
    }

    /// The next element within a container; `None` at the container's end.
    fn child(&mut self) -> Result<Option<Child<'x>>, Fault> {
        loop {
            return match self.next()? {
                Event::Start(start) => Ok(Some(Child::Full(start))),
                Event::Empty(start) => Ok(Some(Child::Empty(start))),
                Event::End(_) => Ok(None),
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Text(text) if blank(&text) => continue,
                Event::Eof => Err(TORN),
                _ => Err("text stands between the elements of the listing".into()),
            };
        }
    }

    /// The value of an element without elements.
    fn value(&mut self, child: &Child<'_>) -> Result<Span, Fault> {
        let start = self.kept.len();
        if matches!(child, Child::Full(_)) {
            loop {
                match self.next()? {
                    Event::Text(text) => self.kept.extend_from_slice(text.as_bytes()),
                    Event::CData(text) => self.kept.extend_from_slice(text.as_bytes()),
                    Event::GeneralRef(name) => self.resolve(&name)?,
                    Event::Comment(_) | Event::PI(_) => {}
                    Event::End(_) => break,
                    Event::Eof => return Err(TORN),
                    _ => return Err("an element stands within a value".into()),
                }
            }
        }
        self.span(start)
    }

    fn resolve(&mut self, name: &BytesRef<'_>) -> Result<(), Fault> {
        if let Some(character) = name.resolve_char_ref()? {
            self.kept.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        } else if let Some(text) = resolve_predefined_entity(name) {
            self.kept.extend_from_slice(text.as_bytes());
        } else {
            return Err("the reply has an unknown entity".into());
        }
        Ok(())
    }

    fn span(&self, start: usize) -> Result<Span, Fault> {
        let narrow = |n| u32::try_from(n).map_err(|_| Fault::Unreadable("the reply is larger than 4 GiB"));
        Ok(Span { start: narrow(start)?, len: narrow(self.kept.len() - start)? })
    }

    /// Passes over an element with all that is in it.
    fn skip(&mut self, child: &Child<'_>) -> Result<(), Fault> {
        let mut depth = u32::from(matches!(child, Child::Full(_)));
        while depth > 0 {
            match self.next()? {
                Event::Start(_) if depth == DEEPEST => return Err("elements are nested too deep".into()),
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err(TORN),
                _ => {}
            }
        }
        Ok(())
    }

    /// The inside of the root.
    fn listing(&mut self, form: &Form, api: ListApi) -> Result<(Vec<Entry>, Heading), Fault> {
        let mut entries = Vec::new();
        let mut heading = Heading::default();
        let mut finisher = Finisher::new(form, api);
        while let Some(child) = self.child()? {
            match child.meant(|name| Top::of(name, api)) {
                Top::Entry(kind) => {
                    let mut draft = self.entry(kind, &child)?;
                    entries.push(*finisher.finish(&mut draft, &self.kept)?);
                }
                Top::Paging(field) => {
                    let at = self.value(&child)?;
                    heading.take(field, at.of(&self.kept), at)?;
                }
                Top::Other => self.skip(&child)?,
                Top::Misplaced => return Err("an entry stands in the wrong kind of listing".into()),
            }
        }
        Ok((entries, heading))
    }

    fn entry(&mut self, kind: Kind, entry: &Child<'_>) -> Result<Draft, Fault> {
        let mut draft = Draft::new(kind);
        if matches!(entry, Child::Empty(_)) {
            return Ok(draft);
        }
        while let Some(child) = self.child()? {
            match child.meant(Field::of) {
                Field::Other => self.skip(&child)?,
                Field::RestoreStatus => self.restore_status(&mut draft, &child)?,
                field => {
                    let at = self.value(&child)?;
                    draft.take(field, at.of(&self.kept), at)?;
                }
            }
        }
        Ok(draft)
    }

    /// `RestoreStatus` holds elements (S3) or a word (COS).
    fn restore_status(&mut self, draft: &mut Draft, status: &Child<'_>) -> Result<(), Fault> {
        if matches!(status, Child::Empty(_)) {
            return Ok(());
        }
        let start = self.kept.len();
        loop {
            let child = match self.next()? {
                Event::Start(start) => Child::Full(start),
                Event::Empty(start) => Child::Empty(start),
                Event::Text(text) => {
                    self.kept.extend_from_slice(text.as_bytes());
                    continue;
                }
                Event::CData(text) => {
                    self.kept.extend_from_slice(text.as_bytes());
                    continue;
                }
                Event::GeneralRef(name) => {
                    self.resolve(&name)?;
                    continue;
                }
                Event::Comment(_) | Event::PI(_) => continue,
                Event::End(_) => break,
                Event::Eof => return Err(TORN),
                _ => return Err("the reply is not well-formed XML".into()),
            };
            match child.meant(Inner::of) {
                Inner::Other => self.skip(&child)?,
                inner => {
                    // The text around the elements must stay one piece: read behind it, cut after.
                    let before = self.kept.len();
                    let at = self.value(&child)?;
                    draft.take_inner(inner, at.of(&self.kept))?;
                    self.kept.truncate(before);
                }
            }
        }
        let at = self.span(start)?;
        draft.take(Field::RestoreStatus, at.of(&self.kept), at)?;
        self.kept.truncate(start);
        Ok(())
    }

    /// Behind the root there may be layout and comments, nothing else.
    fn nothing_more(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if blank(&text) => {}
                _ => return Err("something stands behind the listing".into()),
            }
        }
    }
}
