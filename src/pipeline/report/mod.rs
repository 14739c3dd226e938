//! Stage 5: one row a key, in listing order, whatever the concurrency; and the summary beside it.
//!
//! While a run is unfinished its CSV carries the suffix `.partial`, so that nobody takes half a
//! report for a whole one. [`Unsynced::sync`] says how many bytes are safe on disk; the checkpoint is
//! written over that and never over more.
//!
//! A report grows as plain CSV, which alone can be cut back to any row. When the listing is through, it is
//! made into the [form](crate::model::Form) that its name asks for, in one pass: see [`Report::make`].

mod beside;
mod cache;
mod columns;
mod csv;
mod durable;
mod earlier;
mod finish;
mod order;
mod read;
mod seal;
mod sink;
mod spill;
mod summary;
mod time;
mod unsynced;

pub use self::csv::{Render, shown_key};
pub use columns::COLUMNS;
pub use durable::Durable;
pub use earlier::{Earlier, report_of};
pub use finish::About;
pub use order::{Order, Reached, Segment};
pub(in crate::pipeline) use read::Again;
pub use read::{Place, ReadError, Row, Rows};
pub use sink::{Finished, Report, ReportError};
pub use spill::{Extent, Spill};
pub(crate) use summary::Facts;
pub use summary::{AlsoWritten, Summary, Verdict};
pub use unsynced::Unsynced;
