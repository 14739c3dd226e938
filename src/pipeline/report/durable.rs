//! How much of a growing file is safe on disk, and how it is known again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ReportError;
use crate::model::hex;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// The durable part of a file: its first bytes, up to a length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Durable {
    /// How many bytes.
    pub len: u64,
    /// Which checksum they have, lower-case hex behind the name of its kind; empty if there are none.
    pub checksum: String,
}

impl Durable {
    /// Their SHA-256 in lower-case hexadecimal; empty if it is not known.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.checksum.strip_prefix(SHA256).unwrap_or_default()
    }

    /// Whether `file`, which stands at `path`, is long enough to hold this part.
    ///
    /// # Errors
    /// If it is shorter.
    pub(super) fn fits(&self, file: &File, path: &Path) -> Result<(), ReportError> {
        let io = |source| ReportError::Io { what: "look at", path: path.to_owned(), source };
        let found = file.metadata().map_err(io)?.len();
        if found < self.len {
            return Err(ReportError::Shortened {
                path: path.to_owned(),
                found: Some(found),
                marked: self.len,
            });
        }
        Ok(())
    }

    /// Whether this is all that the file at `path` holds; not of one that cannot be read.
    pub(super) fn is_file(&self, path: &Path) -> bool {
        let as_long = |file: &File| file.metadata().is_ok_and(|found| found.len() == self.len);
        let opened = File::open(path).ok().filter(as_long);
        opened.is_some_and(|file| self.of_file(&file, path).is_ok())
    }

    /// Reads this part of `file`, which stands at `path`, and leaves the position behind it.
    ///
    /// # Errors
    /// If the file is shorter, or its bytes are not those that were written.
    pub(super) fn of_file(&self, mut file: &File, path: &Path) -> Result<Sum, ReportError> {
        let io = |source| ReportError::Io { what: "read back", path: path.to_owned(), source };
        self.fits(file, path)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let mut sum = if self.checksum.starts_with(CRC32) { Sum::quick() } else { Sum::strong() };
        let mut piece = vec![0; PIECE.min(usize::try_from(self.len).unwrap_or(PIECE))];
        while sum.len < self.len {
            let size = piece.len().min(usize::try_from(self.len - sum.len).unwrap_or(PIECE));
            file.read_exact(&mut piece[..size]).map_err(io)?;
            sum.update(&piece[..size]);
        }
        if sum.durable() != *self {
            return Err(ReportError::Edited { path: path.to_owned(), marked: self.len });
        }
        Ok(sum)
    }
}

/// What the kinds of checksums are called.
const SHA256: &str = "sha256:";
const CRC32: &str = "crc32:";

/// Length and checksum of what was written so far.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    len: u64,
    hash: Hash,
}

#[derive(Clone, Debug)]
enum Hash {
    /// Boxed, since it is large.
    Strong(Box<Sha256>),
    Quick(crc32fast::Hasher),
}

impl Sum {
    /// SHA-256: what a reader of the report can check.
    pub(super) fn strong() -> Self {
        Self { len: 0, hash: Hash::Strong(Box::default()) }
    }

    /// CRC-32, at a tenth of the cost: finds what a crash or an editor did to a file of our own.
    pub(super) fn quick() -> Self {
        Self { len: 0, hash: Hash::Quick(crc32fast::Hasher::new()) }
    }

    /// Adds bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Strong(hash) => hash.update(bytes),
            Hash::Quick(hash) => hash.update(bytes),
        }
        self.len += bytes.len() as u64;
    }

    /// How many bytes were added.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The same as a mark says it.
    pub(super) fn durable(&self) -> Durable {
        let checksum = match &self.hash {
            _ if self.len == 0 => String::new(),
            Hash::Strong(hash) => format!("{SHA256}{}", hex(&hash.as_ref().clone().finalize())),
            Hash::Quick(hash) => format!("{CRC32}{:08x}", hash.clone().finalize()),
        };
        Durable { len: self.len, checksum }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;

    use super::*;

    fn open(path: &Path) -> File {
        OpenOptions::new().read(true).open(path).unwrap()
    }

    #[test]
    fn a_durable_part_is_known_again_and_nothing_else_is_taken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let rows: Vec<u8> = (0..3 * PIECE + 5).map(|n| b"abcdefghi\n"[n % 10]).collect();
        for mut sum in [Sum::strong(), Sum::quick()] {
            sum.update(&rows[..9]);
            sum.update(&rows[9..]);
            let durable = sum.durable();
            assert_eq!(durable.len, rows.len() as u64);
            // What lies behind it does not count.
            std::fs::write(&path, [&rows, &b"half a ro"[..]].concat()).unwrap();
            let mut file = open(&path);
            assert_eq!(durable.of_file(&file, &path).unwrap().durable(), durable);
            assert_eq!(file.stream_position().unwrap(), durable.len);
            std::fs::write(&path, &rows[1..]).unwrap();
            assert!(matches!(durable.of_file(&open(&path), &path), Err(ReportError::Shortened { .. })));
            let mut edited = rows.clone();
            edited[2 * PIECE] ^= 1;
            std::fs::write(&path, edited).unwrap();
            assert!(matches!(durable.of_file(&open(&path), &path), Err(ReportError::Edited { .. })));
        }
        std::fs::write(&path, &rows).unwrap();
        let nothing = Durable::default();
        assert_eq!(nothing.of_file(&open(&path), &path).unwrap().durable(), nothing);
    }
}
