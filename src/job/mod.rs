//! Layer 1: what the user asked for, checked.
//!
//! [`file`] is the TOML as written, [`units`] reads sizes, spans and rates, [`resolve`] lays flags
//! over file over defaults and reports every fault at once, and [`Job`] is the immutable result.

mod spec;

pub use spec::{
    ClassFilter, ClassWish, Filter, Fit, GlobRule, Job, Limits, ReportSpec, Rows, SimulatorSpec, Source,
    Verb, Versions, Wish,
};
