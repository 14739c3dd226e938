//! The page reader: the hot path of a listing, and the reader of error documents.
//!
//! Two readers must agree. `scan` walks the body from tag to tag with `memchr`, leaves every
//! value where it lies and decodes it in place; it takes the documented form only, and hands over
//! at the first thing that is not (an attribute, a comment, CDATA, a prefixed name, a fault).
//! `events` is a plain event reader that takes everything legal, and is the only one that says
//! that a page is unreadable. So the fast reader can never accept what the slow one refuses by a
//! rule of its own, and a torn page is always a fault: no root end tag, no page.

#[cfg(test)]
mod agree;
mod entries;
mod entry;
mod error;
mod events;
mod page;
mod scan;
mod setting;
mod text;

pub(super) use error::ErrorDocument;
pub(super) use setting::setting;

use super::super::ListApi;
use crate::model::{Access, Entry, Page, RestoreMark};

/// In which ways a vendor's listing differs from the others'.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Whether URL encoding writes a space as `+`.
    pub plus_is_space: bool,
    /// Whether the continuation token is URL-encoded like the keys.
    pub token_is_encoded: bool,
    /// Whether every listing goes on by marker, ListObjectsV2 not being known.
    pub markers_only: bool,
    /// Whether a truncated version 1 page may leave out its marker, the last key standing in.
    pub last_key_is_marker: bool,
    /// What it means that the listing tells nothing of an archived entry's restore.
    pub silence: RestoreMark,
    /// What a class and an access tier mean for reading.
    pub access: fn(&[u8], &[u8]) -> Access,
}

/// Why a reply is not a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is an error document; here it is.
    Refused(Vec<u8>),
    /// It is torn, mislabelled, or not in the vendor's form; why, in a few words.
    Unreadable(&'static str),
}

/// Reads a page. `entries` is a buffer for what it lists, used if it is in the documented form; what it holds is
/// forgotten.
///
/// # Errors
/// [`Fault`]: what the body is instead.
pub fn read(form: &Form, api: ListApi, body: Vec<u8>, entries: Vec<Entry>) -> Result<Page, Fault> {
    match scan::read(form, api, body, entries) {
        Ok(read) => read.map_err(Fault::Unreadable),
        Err(body) => read_by_events(form, api, body),
    }
}

/// Reads a page with the fast reader alone; the outer error hands back a body that is not in the
/// documented form. For benches, and to compare the two.
///
/// # Errors
/// The body, untouched; within, [`Fault`].
pub fn read_by_scan(form: &Form, api: ListApi, body: Vec<u8>) -> Result<Result<Page, Fault>, Vec<u8>> {
    scan::read(form, api, body, Vec::new()).map(|read| read.map_err(Fault::Unreadable))
}

/// Reads a page with the event reader alone; for benches, and to compare the two.
///
/// # Errors
/// [`Fault`]: what the body is instead.
pub fn read_by_events(form: &Form, api: ListApi, body: Vec<u8>) -> Result<Page, Fault> {
    match events::read(form, api, &body) {
        Ok(page) => Ok(page),
        Err(events::Fault::Refused) => Err(Fault::Refused(body)),
        Err(events::Fault::Unreadable(why)) => Err(Fault::Unreadable(why)),
    }
}
