//! What a tool would do that reads pages with quick-xml's borrowed events: the measure of ours.
//!
//! It is written to be quick, not to be a straw man: nothing is allocated for a key, and where a
//! value of the page can be copied into the row as it is, it is copied without being understood.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::bodies::KEYS;

const KEY: usize = 0;
const MODIFIED: usize = 1;
const ETAG: usize = 2;
const SIZE: usize = 3;
const CLASS: usize = 4;
const RUNNING: usize = 5;
const EXPIRY: usize = 6;
const FIELDS: usize = 7;

fn field(name: &str) -> Option<usize> {
    Some(match name {
        "Key" => KEY,
        "LastModified" => MODIFIED,
        "ETag" => ETAG,
        "Size" => SIZE,
        "StorageClass" => CLASS,
        "IsRestoreInProgress" | "RestoreInfo" | "RestoreStatus" => RUNNING,
        "RestoreExpiryDate" => EXPIRY,
        _ => return None,
    })
}

/// Reads only: the slices of each entry, nothing decoded.
pub(crate) fn entries(body: &[u8]) -> Vec<[&str; FIELDS]> {
    let mut xml = Reader::from_str(std::str::from_utf8(body).expect("the body is UTF-8"));
    let mut entries = Vec::with_capacity(KEYS);
    let mut entry = [""; FIELDS];
    let mut at = None;
    loop {
        match xml.read_event().expect("the body is XML") {
            Event::Start(start) => at = field(start.name().as_ref()),
            Event::Text(text) => {
                if let (Some(at), Cow::Borrowed(text)) = (at, text.into_inner()) {
                    entry[at] = text;
                }
            }
            Event::End(end) => {
                at = None;
                if end.name().as_ref() == "Contents" {
                    entries.push(std::mem::take(&mut entry));
                }
            }
            Event::Eof => return entries,
            _ => {}
        }
    }
}

/// Reads, decodes and writes the rows of the report, by the csv crate.
pub(crate) fn rows(body: &[u8], bucket: &str, plus_is_space: bool, now: &str) -> Result<Vec<u8>> {
    let mut xml = Reader::from_str(std::str::from_utf8(body)?);
    let mut csv = csv::WriterBuilder::new()
        .buffer_capacity(64 << 10)
        .has_headers(false)
        .from_writer(Vec::with_capacity(192 << 10));
    let mut entry: [String; FIELDS] = Default::default();
    let mut encoded = false;
    let mut in_heading = false;
    let mut at = None;
    let mut key = Vec::new();
    loop {
        match xml.read_event()? {
            Event::Start(start) => {
                in_heading = start.name().as_ref() == "EncodingType";
                at = field(start.name().as_ref());
            }
            Event::Text(text) => {
                if let Some(at) = at {
                    entry[at].push_str(&text.into_inner());
                } else if in_heading {
                    encoded = text.into_inner().trim() == "url";
                }
            }
            Event::GeneralRef(name) => {
                if let Some(at) = at {
                    match name.resolve_char_ref()? {
                        Some(char) => entry[at].push(char),
                        None => entry[at]
                            .push_str(resolve_predefined_entity(&name).context("an entity of its own")?),
                    }
                }
            }
            Event::End(end) => {
                at = None;
                in_heading = false;
                if end.name().as_ref() == "Contents" {
                    let plain =
                        if encoded { url(&entry[KEY], plus_is_space, &mut key)? } else { &entry[KEY] };
                    row(&mut csv, bucket, plain, &entry, now)?;
                    entry.iter_mut().for_each(String::clear);
                }
            }
            Event::Eof => return Ok(csv.into_inner().map_err(csv::IntoInnerError::into_error)?),
            _ => {}
        }
    }
}

fn row(
    csv: &mut csv::Writer<Vec<u8>>,
    bucket: &str,
    key: &str,
    entry: &[String; FIELDS],
    now: &str,
) -> Result<()> {
    if key.chars().any(char::is_control) {
        bail!("no key of the bench needs encoding");
    }
    let [_, modified, etag, size, class, running, expiry] = entry.each_ref().map(String::as_str);
    let etag = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap_or(etag);
    let mut times = [String::new(), String::new()];
    let [modified, expiry] = {
        let [a, b] = &mut times;
        [whole_seconds(modified, a), whole_seconds(expiry, b)]
    };
    let state = match (class, running) {
        ("GLACIER" | "ColdArchive" | "ARCHIVE", "true" | "ONGOING" | "ongoing-request=\"true\"") => {
            "restoring"
        }
        ("GLACIER" | "ColdArchive" | "ARCHIVE", _) if expiry.is_empty() => "archived",
        ("GLACIER" | "ColdArchive" | "ARCHIVE", _) if expiry > now => "restored",
        ("GLACIER" | "ColdArchive" | "ARCHIVE", _) => "expired",
        _ => "readable",
    };
    for field in [bucket, key, "", "true", class, "", size, etag, modified, state, expiry, "none"] {
        csv.write_field(field)?;
    }
    for field in ["", "", "", "", "", "", "0", "", now, ""] {
        csv.write_field(field)?;
    }
    Ok(csv.write_record(None::<&[u8]>)?)
}

/// A time without its fraction of zeros.
fn whole_seconds<'t>(time: &'t str, room: &'t mut String) -> &'t str {
    match time.strip_suffix(".000Z") {
        Some(head) => {
            room.push_str(head);
            room.push('Z');
            room
        }
        None => time,
    }
}

/// Undoes URL encoding, where there is any.
fn url<'t>(text: &'t str, plus_is_space: bool, room: &'t mut Vec<u8>) -> Result<&'t str> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Ok(text);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    room.clear();
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        room.push(match byte {
            b'%' => {
                let (high, low) = (digit(bytes.next()), digit(bytes.next()));
                u8::try_from(high.zip(low).map(|(h, l)| h * 16 + l).context("a broken code")?)?
            }
            b'+' if plus_is_space => b' ',
            _ => *byte,
        });
    }
    Ok(std::str::from_utf8(room)?)
}
