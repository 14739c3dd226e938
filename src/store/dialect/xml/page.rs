//! From what a reader found to a [`Page`]: URL decoding, and how the listing goes on.

use super::Form;
use super::entry::{Paging, flag};
use crate::model::{Entry, Page, Position, Span};
use crate::store::ListApi;

/// What the root of a listing tells about paging.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heading {
    truncated: Option<bool>,
    encoded: bool,
    token: Span,
    marker: Span,
    key_marker: Span,
    version_marker: Span,
}

impl Heading {
    /// Takes a value, decoded but for URL encoding; the last of repeated values counts.
    ///
    /// # Errors
    /// Why the value is not in the vendor's form.
    pub(super) fn take(&mut self, field: Paging, value: &[u8], at: Span) -> Result<(), &'static str> {
        match field {
            Paging::Truncated => {
                self.truncated = Some(flag(value).ok_or("IsTruncated is not true or false")?);
            }
            Paging::Encoding => self.encoded = value.trim_ascii().eq_ignore_ascii_case(b"url"),
            Paging::Token => self.token = at,
            Paging::Marker => self.marker = at,
            Paging::KeyMarker => self.key_marker = at,
            Paging::VersionMarker => self.version_marker = at,
        }
        Ok(())
    }

    /// The spans that a reader may still have to unescape.
    pub(super) fn spans(&mut self) -> [&mut Span; 4] {
        [&mut self.token, &mut self.marker, &mut self.key_marker, &mut self.version_marker]
    }
}

/// The page made of `entries`, whose spans lie in `text`.
///
/// # Errors
/// Why the page cannot be used: bad URL encoding, or truncated without telling where to go on.
pub(super) fn finish(
    form: &Form,
    api: ListApi,
    mut text: Vec<u8>,
    mut entries: Vec<Entry>,
    mut heading: Heading,
) -> Result<Page, &'static str> {
    let truncated = heading.truncated.ok_or("the page does not tell whether it is truncated")?;
    if heading.encoded {
        let plus = form.plus_is_space;
        let mut undo = |span: &mut Span| -> Result<(), &'static str> {
            *span = super::text::undo_url(&mut text, *span, plus).ok_or("a key is not URL-encoded")?;
            Ok(())
        };
        for entry in &mut entries {
            undo(&mut entry.key)?;
        }
        undo(&mut heading.marker)?;
        undo(&mut heading.key_marker)?;
        if form.token_is_encoded {
            undo(&mut heading.token)?;
        }
    }
    let next = if truncated {
        let next = go_on(form, api, &text, &entries, &heading);
        Some(next.ok_or("the page is truncated and does not tell where to go on")?)
    } else {
        None
    };
    Ok(Page::new(text, entries, next))
}

/// Where a truncated listing goes on. An empty marker is none: asking with it would start anew.
fn go_on(form: &Form, api: ListApi, text: &[u8], entries: &[Entry], heading: &Heading) -> Option<Position> {
    let told = |span: Span| (span.len > 0).then(|| span.of(text).to_vec());
    match api {
        ListApi::V2 if !form.markers_only => told(heading.token).map(Position::Token),
        ListApi::V1 | ListApi::V2 => {
            let last = || told(entries.last()?.key).filter(|_| form.last_key_is_marker);
            told(heading.marker).or_else(last).map(Position::After)
        }
        ListApi::Versions => {
            // COS has called it NextMarker here, see the older text of GET Bucket Object versions.
            let key = told(heading.key_marker).or_else(|| told(heading.marker))?;
            Some(Position::AfterVersion(key, heading.version_marker.of(text).to_vec()))
        }
    }
}
