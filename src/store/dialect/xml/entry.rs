//! What the elements of a listing mean, for both readers.

use jiff::Timestamp;

use super::super::{dates, mark};
use super::Form;
use crate::model::{Access, Entry, Kind, RestoreMark, Span};
use crate::store::ListApi;

/// What an element of the listing's root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Top {
    /// An entry of this kind.
    Entry(Kind),
    /// A value that tells how the listing goes on.
    Paging(Paging),
    /// Known to need no reading, or unknown.
    Other,
    /// An entry that does not belong into this listing.
    Misplaced,
}

/// A value that tells how the listing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paging {
    Truncated,
    Encoding,
    Token,
    Marker,
    KeyMarker,
    VersionMarker,
}

impl Top {
    /// By local name. COS once wrote `Encoding-Type`, see the older text of GET Bucket.
    pub(super) fn of(name: &[u8], api: ListApi) -> Self {
        let versions = api == ListApi::Versions;
        match name {
            b"Contents" if !versions => Self::Entry(Kind::Object),
            b"Version" if versions => Self::Entry(Kind::Object),
            b"DeleteMarker" if versions => Self::Entry(Kind::DeleteMarker),
            b"Contents" | b"Version" | b"DeleteMarker" => Self::Misplaced,
            b"IsTruncated" => Self::Paging(Paging::Truncated),
            b"EncodingType" | b"Encoding-Type" => Self::Paging(Paging::Encoding),
            b"NextContinuationToken" => Self::Paging(Paging::Token),
            b"NextMarker" => Self::Paging(Paging::Marker),
            b"NextKeyMarker" => Self::Paging(Paging::KeyMarker),
            b"NextVersionIdMarker" => Self::Paging(Paging::VersionMarker),
            _ => Self::Other,
        }
    }
}

/// What an element of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Key,
    VersionId,
    IsLatest,
    LastModified,
    ETag,
    Size,
    Class,
    Tier,
    Type,
    /// OSS: the text of the `x-oss-restore` header.
    RestoreInfo,
    /// S3: two elements, see [`Inner`]; COS: one word.
    RestoreStatus,
    Other,
}

impl Field {
    /// By local name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"Key" => Self::Key,
            b"VersionId" => Self::VersionId,
            b"IsLatest" => Self::IsLatest,
            b"LastModified" => Self::LastModified,
            b"ETag" => Self::ETag,
            b"Size" => Self::Size,
            b"StorageClass" => Self::Class,
            b"StorageTier" => Self::Tier,
            b"Type" => Self::Type,
            b"RestoreInfo" => Self::RestoreInfo,
            b"RestoreStatus" => Self::RestoreStatus,
            _ => Self::Other,
        }
    }
}

/// What an element of S3's `RestoreStatus` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    InProgress,
    Expiry,
    Other,
}

impl Inner {
    /// By local name.
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"IsRestoreInProgress" => Self::InProgress,
            b"RestoreExpiryDate" => Self::Expiry,
            _ => Self::Other,
        }
    }
}

/// What a listing tells of an entry's restore; nothing at first.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    mark: Option<RestoreMark>,
    in_progress: Option<bool>,
    ready: Option<RestoreMark>,
}

/// An entry being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Draft {
    entry: Entry,
    latest: Option<bool>,
    told: Told,
}

impl Draft {
    pub(super) fn new(kind: Kind) -> Self {
        Self { entry: Entry { kind, ..Entry::default() }, ..Self::default() }
    }

    /// Takes a field: `value` is its text, decoded but for URL encoding, and `at` where that text
    /// lies in the page's buffer. The last of repeated fields counts.
    ///
    /// # Errors
    /// Why the value is not in the vendor's form.
    #[inline]
    pub(super) fn take(&mut self, field: Field, value: &[u8], at: Span) -> Result<(), &'static str> {
        match field {
            Field::Key => self.entry.key = at,
            Field::VersionId => self.entry.version_id = at,
            Field::Class => self.entry.class = at,
            Field::Tier => self.entry.access_tier = at,
            Field::ETag => {
                self.entry.etag = match value {
                    [b'"', .., b'"'] => Span { start: at.start + 1, len: at.len - 2 },
                    _ => at,
                }
            }
            Field::LastModified => self.entry.last_modified = dates::iso(value),
            Field::Size => self.entry.size = number(value).ok_or("a size is not a number")?,
            Field::IsLatest => self.latest = Some(flag(value).ok_or("IsLatest is not true or false")?),
            Field::Type => {
                if self.entry.kind == Kind::Object && value.eq_ignore_ascii_case(b"Symlink") {
                    self.entry.kind = Kind::Symlink;
                }
            }
            Field::RestoreInfo => {
                if !value.trim_ascii().is_empty() {
                    self.told.mark = Some(mark::read(value).unwrap_or(RestoreMark::Unsaid));
                }
            }
            Field::RestoreStatus => {
                // COS: an undocumented word, of which `ONGOING` is known, and its misspelling in
                // coscli's restore_objects.go. Anything else is left to HEAD.
                let word = value.trim_ascii();
                if word.eq_ignore_ascii_case(b"ONGOING") || word.eq_ignore_ascii_case(b"ONGING") {
                    self.told.mark = Some(RestoreMark::Running);
                } else if !word.is_empty() {
                    self.told.mark = Some(RestoreMark::Unsaid);
                }
            }
            Field::Other => {}
        }
        Ok(())
    }

    /// Takes an element of S3's `RestoreStatus`.
    ///
    /// # Errors
    /// Why the value is not in the vendor's form.
    pub(super) fn take_inner(&mut self, inner: Inner, value: &[u8]) -> Result<(), &'static str> {
        match inner {
            Inner::InProgress => {
                self.told.in_progress = Some(flag(value).ok_or("IsRestoreInProgress is not true or false")?);
            }
            Inner::Expiry => {
                if !value.is_empty() {
                    self.told.ready = Some(RestoreMark::Ready(dates::iso(value)));
                }
            }
            Inner::Other => {}
        }
        Ok(())
    }

    /// As [`Draft::take`] of `LastModified`, already read.
    #[inline]
    pub(super) const fn modified(&mut self, time: Timestamp) {
        self.entry.last_modified = Some(time);
    }

    /// As [`Draft::take`] of `Size`, already read.
    #[inline]
    pub(super) const fn sized(&mut self, size: u64) {
        self.entry.size = size;
    }

    /// As [`Draft::take_inner`] of `RestoreExpiryDate`, already read.
    #[inline]
    pub(super) const fn ready(&mut self, until: Timestamp) {
        self.told.ready = Some(RestoreMark::Ready(Some(until)));
    }

    fn mark(&self) -> Option<RestoreMark> {
        match (self.told.in_progress, self.told.ready) {
            (Some(true), _) => Some(RestoreMark::Running),
            (Some(false), ready @ Some(_)) => ready,
            // Half a status: S3 does not document it, HEAD will tell.
            (Some(false), None) | (None, Some(_)) => Some(RestoreMark::Unsaid),
            (None, None) => self.told.mark,
        }
    }
}

/// Completes drafts, remembering what the last class meant: most neighbours share it.
#[derive(Debug)]
pub(super) struct Finisher<'f> {
    form: &'f Form,
    api: ListApi,
    last: Option<(Span, Span, Access)>,
}

impl<'f> Finisher<'f> {
    pub(super) const fn new(form: &'f Form, api: ListApi) -> Self {
        Self { form, api, last: None }
    }

    /// Completes the entry of `draft`, whose spans lie in `text`, the class and the tier decoded.
    ///
    /// # Errors
    /// What the entry lacks.
    pub(super) fn finish<'d>(
        &mut self,
        draft: &'d mut Draft,
        text: &[u8],
    ) -> Result<&'d Entry, &'static str> {
        let told = draft.mark();
        let entry = &mut draft.entry;
        if entry.key.len == 0 {
            return Err("an entry has no key");
        }
        entry.is_latest = match (self.api, draft.latest) {
            (ListApi::Versions, None) => return Err("a version does not tell whether it is the latest"),
            (ListApi::Versions, Some(latest)) => latest,
            (ListApi::V1 | ListApi::V2, _) => true,
        };
        if entry.kind == Kind::DeleteMarker {
            entry.class = Span::default();
            entry.restore = RestoreMark::Absent;
            return Ok(entry);
        }
        entry.access = self.access(entry.class, entry.access_tier, text);
        entry.restore = told.unwrap_or(match entry.access {
            Access::Archived => self.form.silence,
            Access::Tiering => RestoreMark::Unsaid,
            Access::Online | Access::Unrecognised => RestoreMark::Absent,
        });
        Ok(entry)
    }

    fn access(&mut self, class: Span, tier: Span, text: &[u8]) -> Access {
        let (class_name, tier_name) = (class.of(text), tier.of(text));
        if let Some((c, t, access)) = self.last
            && c.of(text) == class_name
            && t.of(text) == tier_name
        {
            return access;
        }
        let access = (self.form.access)(class_name, tier_name);
        self.last = Some((class, tier, access));
        access
    }
}

/// A decimal number of bytes.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |n, &b| n.checked_mul(10)?.checked_add(u64::from(char::from(b).to_digit(10)?)))
}

/// `true` or `false`, in any letter case: some compatible stores print them as Python does.
pub(super) fn flag(text: &[u8]) -> Option<bool> {
    match text.trim_ascii() {
        t if t.eq_ignore_ascii_case(b"true") => Some(true),
        t if t.eq_ignore_ascii_case(b"false") => Some(false),
        _ => None,
    }
}
