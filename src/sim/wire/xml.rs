//! Writing elements into one buffer.

use super::encode::{Safe, push_escaped};

/// Writes elements into one buffer; text that the vendor encodes on request goes through [`Xml::key`].
#[derive(Debug)]
pub(in crate::sim) struct Xml<'o> {
    pub(in crate::sim) out: &'o mut Vec<u8>,
    /// How keys are encoded; `None` if the caller did not ask for it.
    pub(in crate::sim) safe: Option<Safe>,
}

impl Xml<'_> {
    /// Appends markup as it is.
    pub(in crate::sim) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn open(&mut self, name: &str) {
        self.out.push(b'<');
        self.raw(name);
        self.out.push(b'>');
    }

    fn close(&mut self, name: &str) {
        self.raw("</");
        self.raw(name);
        self.out.push(b'>');
    }

    /// An element with escaped text.
    pub(in crate::sim) fn text(&mut self, name: &str, text: &[u8]) {
        self.open(name);
        push_escaped(self.out, text);
        self.close(name);
    }

    /// An element with a key, prefix or marker.
    pub(in crate::sim) fn key(&mut self, name: &str, key: &[u8]) {
        self.open(name);
        match self.safe {
            Some(safe) => safe.push(self.out, key),
            None => push_escaped(self.out, key),
        }
        self.close(name);
    }

    /// An element whose text is written by `write`.
    pub(in crate::sim) fn with(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.open(name);
        write(self.out);
        self.close(name);
    }

    /// An element with a number.
    pub(in crate::sim) fn number(&mut self, name: &str, n: u64) {
        self.with(name, |out| super::date::push_number(out, n.cast_signed(), 1));
    }

    /// An element with `true` or `false`.
    pub(in crate::sim) fn flag(&mut self, name: &str, on: bool) {
        self.text(name, if on { b"true" } else { b"false" });
    }
}
