//! Layer 2: the way of the data, one module a stage, in this order.
//!
//! source → filter → classify → act → report → checkpoint

pub mod source;

pub mod filter;

pub mod classify;

pub mod act;

pub mod report;

pub mod checkpoint;

pub mod release;

pub mod wait;

pub mod account;
pub mod budget;
pub mod command;
mod decide;
mod fit;
pub mod forecast;
mod run;
pub mod safety;
mod stop;
pub mod window;

pub use run::{Ended, Options, RunError, Why, run};
pub use stop::{Step, Stop};
