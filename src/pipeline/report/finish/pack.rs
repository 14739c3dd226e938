//! Packing a whole file.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::model::Packing;

/// How hard gzip tries, of 9: what its own program does unless told otherwise.
const GZIP_LEVEL: u32 = 6;
/// How hard zstd tries, of 19: what its own program does unless told otherwise.
pub(super) const ZSTD_LEVEL: i32 = 3;

/// What packs. One gzip member, or one zstd frame with a checksum, whatever the length: some readers
/// stop behind the first.
pub(super) enum Packer<W: Write> {
    Plain(W),
    Gzip(Box<GzEncoder<W>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, W>>),
}

impl<W: Write> Packer<W> {
    pub(super) fn new(out: W, packing: Packing) -> io::Result<Self> {
        Ok(match packing {
            Packing::Plain => Self::Plain(out),
            // Its header has neither an hour nor a name.
            Packing::Gzip => Self::Gzip(Box::new(GzEncoder::new(out, Compression::new(GZIP_LEVEL)))),
            Packing::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    /// Writes what is left.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(encoder) => encoder.finish().map(drop),
            Self::Zstd(encoder) => encoder.finish().map(drop),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}
