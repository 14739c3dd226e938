//! The parts of a job, one file each, from every place where they may be written, with their
//! defaults.
//!
//! A part that has a fault in it is filled up with a default all the same: the fault is noted, so
//! no job comes of it, and the other parts are still looked at.

mod filter;
mod limits;
mod report;
mod simulator;
mod source;
mod wish;

pub(super) use filter::filter;
pub(super) use limits::limits;
pub(super) use report::{report, state_dir};
pub(super) use simulator::simulator;
pub(super) use source::{bucket_url, source};
pub(super) use wish::wish;

use super::fault::Problem;
use super::read::{self, Value};

fn text_flag(flag: Option<&String>) -> Option<Value> {
    flag.map(|text| Value::Typed(text.clone()))
}

/// A whole number whose upper bound fits 32 bits.
fn small(value: &Value, least: u64, most: u64, unit: &str) -> Result<u32, Problem> {
    read::whole(value, least..=most, unit).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}
