//! Stage 5: one row a key, in listing order, whatever the concurrency; and the summary beside it.
//!
//! While a run is unfinished its CSV carries the suffix `.partial`, so that nobody takes half a
//! report for a whole one. [`Report::sync`] says how many bytes are safe on disk; the checkpoint is
//! written over that and never over more.

mod cache;
mod csv;
mod durable;
mod order;
mod read;
mod sink;
mod spill;
mod summary;
mod time;

pub use self::csv::{COLUMNS, Render, shown_key};
pub use durable::Durable;
pub use order::{Order, Reached, Segment};
pub(in crate::pipeline) use read::Again;
pub use read::{Place, ReadError, Row, Rows};
pub use sink::{Report, ReportError};
pub use spill::{Extent, Spill};
pub(crate) use summary::Facts;
pub use summary::{Summary, Verdict};
