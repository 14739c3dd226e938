//! Layer 2: finished reports looked at, without a store and without the job that wrote them.
//!
//! Reports are read row by row through [`report::Rows`](crate::pipeline::report::Rows), so what is held
//! in memory does not grow with them. The figures that come out are nouns of
//! [`model`](crate::model); [`ui`](crate::ui) shows them.

pub mod audit;
pub mod diff;
