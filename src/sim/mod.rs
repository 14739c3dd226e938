//! An object store for rehearsals and tests: OSS, COS and S3 over real HTTP/1.1 on loopback.
//!
//! It shares no wire code with the client: what one writes and the other reads must agree with the
//! vendor's documents, not with each other. All it knows of the rest of the crate is
//! [`Clock`](crate::model::Clock).
//!
//! # The way of a request
//! ```text
//! server  →  route    →  fault   →  auth  →  serve        →  wire
//! socket     bucket,     what       who      list, head,     the vendor's
//!            key, call   goes       may?     restore         documents
//!                        wrong?
//! ```
//! A [`Config`] says what the buckets hold. Objects made by formula cost no memory; a restore
//! leaves a [`Mark`] beside the formula, and the state of an object is computed from its mark and
//! the [`SimClock`] when someone looks.

mod auth;
mod bucket;
mod check;
mod class;
mod clock;
mod config;
mod expect;
mod fault;
mod fees;
mod fixed;
mod generate;
mod ledger;
mod mangle;
mod mark;
mod restore;
mod route;
mod scripted;
mod serve;
mod server;
mod socket;
mod state;
mod units;
mod version;
mod wire;

#[cfg(test)]
mod tests;

pub use check::ConfigError;
pub use class::{Access, Class, Tier};
pub use clock::SimClock;
pub use config::{
    AuthClock, BucketConfig, Call, ClockConfig, Config, Credential, Dialect, Extension, Latency,
    ObjectConfig, Quirks, Seeded, VersionConfig, Versioning,
};
pub use expect::Expected;
pub use fault::{Fault, FaultKind};
pub use fees::{Fees, Kind};
pub use generate::{Generate, Shape};
pub use ledger::{Counts, Ledger, RestoreRecord};
pub use mark::{Mark, Phase};
pub use server::{Server, SimError};
pub use state::{Changed, State};
pub use units::{Sized, Span};
