//! One version of a key: what it is, and where it stands at an hour.

use super::class::{Access, Class, Vault};
use super::config::Dialect;
use super::generate::scramble;
use super::mark::{Mark, Phase};
use super::wire::date::Secs;

/// Objects from this size on count as uploaded in parts of [`PART`].
const MULTIPART: u64 = 1 << 30;
const PART: u64 = 64 << 20;

/// Which key: a named object or a number of the formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) made: bool,
    pub(super) index: u64,
}

/// Which version of a key; ordinal 0 is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct At {
    pub(super) slot: Slot,
    pub(super) ordinal: u32,
}

/// A version id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Id<'b> {
    /// Written while the bucket kept no versions.
    Null,
    /// As the seed says.
    Named(&'b str),
    /// Made from a number, in the vendor's shape.
    Made(u64),
}

/// All about one version.
#[derive(Clone, Debug)]
pub(super) struct Version<'b> {
    pub(super) id: Id<'b>,
    pub(super) latest: bool,
    pub(super) delete_marker: bool,
    pub(super) class: &'b Class,
    pub(super) access: Option<Access>,
    pub(super) size: u64,
    pub(super) modified: Secs,
    /// What the ETag is made from.
    pub(super) lot: u64,
    pub(super) symlink: Option<&'b [u8]>,
    pub(super) mark: Option<Mark>,
}

impl Version<'_> {
    /// Where it stands at `now`.
    pub(super) fn phase(&self, now: Secs) -> Phase {
        Mark::phase_of(self.mark, now)
    }

    /// Its access tier at `now`: a restore of a tiering class moves the object back online.
    pub(super) fn access(&self, now: Secs) -> Option<Access> {
        if !self.class.is_tiering() {
            return None;
        }
        match self.phase(now) {
            Phase::Online(_) => Some(Access::Frequent),
            _ => Some(self.access.unwrap_or(Access::Frequent)),
        }
    }

    /// The archive that it lies in at `now`, if any.
    pub(super) fn vault(&self, dialect: Dialect, now: Secs) -> Option<Vault> {
        self.class.vault(dialect, self.access(now))
    }

    /// Number of parts of a multipart upload.
    pub(super) const fn parts(&self) -> Option<u64> {
        if self.size >= MULTIPART { Some(self.size.div_ceil(PART)) } else { None }
    }

    /// Appends the ETag without quotes.
    pub(super) fn push_etag(&self, out: &mut Vec<u8>, dialect: Dialect) {
        let digits: &[u8; 16] =
            if dialect == Dialect::Oss { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut text = [0; 32];
        let words = [scramble(self.lot).to_be_bytes(), scramble(!self.lot).to_be_bytes()];
        for (pair, byte) in text.chunks_exact_mut(2).zip(words.as_flattened()) {
            pair[0] = digits[usize::from(byte >> 4)];
            pair[1] = digits[usize::from(byte & 15)];
        }
        out.extend_from_slice(&text);
        if let Some(parts) = self.parts() {
            out.extend_from_slice(format!("-{parts}").as_bytes());
        }
    }
}
