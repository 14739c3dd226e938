//! Layer 2: the way of the data, one module a stage, in this order.
//!
//! source → filter → classify → act → report → checkpoint

pub mod source;

pub mod filter;

pub mod classify;

pub mod act;

pub mod report;

pub mod checkpoint;

pub mod account;
mod decide;
mod fit;
mod run;
mod stop;

pub use run::{Ended, Options, RunError, run};
pub use stop::{Step, Stop};
