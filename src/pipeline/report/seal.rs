//! What a Parquet file of ours says of its own rows, so that it is known when they are read back whether
//! they are those that were written. Its pages have no checksums of their own.

use std::fmt;

/// Who made a file, as the file says it. Others keep what files say of themselves, and name themselves
/// here: only together with this the seal is meant.
pub(super) const CREATED_BY: &str = concat!("defrost version ", env!("CARGO_PKG_VERSION"));
/// How [`CREATED_BY`] begins in files of any version.
pub(super) const CREATOR: &str = "defrost version ";
/// Under which name the seal stands in a file.
pub(super) const SEAL: &str = "defrost.crc32";

/// A checksum over fields, as the CSV spells them.
#[derive(Clone, Debug, Default)]
pub(super) struct Seal {
    hash: crc32fast::Hasher,
}

impl Seal {
    /// Adds the next field.
    pub(super) fn field(&mut self, field: &[u8]) {
        self.hash.update(field);
        // No text holds this byte.
        self.hash.update(b"\xff");
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.hash.clone().finalize())
    }
}
