//! An answer before it goes out.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// An answer before it goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::sim) struct Reply {
    pub(in crate::sim) status: u16,
    /// Lower-case names.
    pub(in crate::sim) headers: Vec<(&'static str, String)>,
    pub(in crate::sim) body: Vec<u8>,
}

impl Reply {
    /// An answer without headers and body.
    pub(in crate::sim) const fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// A page.
    pub(in crate::sim) fn page(body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("content-type", "application/xml".to_owned())], body }
    }

    /// The same with its body compressed.
    pub(in crate::sim) fn gzipped(mut self) -> Self {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory cannot fail.
        if let Ok(body) = packed.write_all(&self.body).and_then(|()| packed.finish()) {
            self.body = body;
            return self.with("content-encoding", "gzip");
        }
        self
    }

    /// The same with one more header.
    pub(in crate::sim) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_compressed_body_says_so_and_comes_back() {
        let body = b"<Key>a</Key>".repeat(1000);
        let packed = Reply::page(body.clone()).gzipped();
        assert!(packed.body.len() < body.len() / 10);
        assert!(packed.headers.contains(&("content-encoding", "gzip".to_owned())));
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, body);
    }
}
