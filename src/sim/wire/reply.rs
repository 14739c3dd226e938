//! An answer before it goes out.

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

    /// The same with one more header.
    pub(in crate::sim) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
