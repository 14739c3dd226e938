//! Stores and networks that lie, break off, stall or lead astray: each fault in each call of each
//! vendor, once and for good, and what came of it.
//!
//! `cargo test --test it hostile -- --nocapture` prints the tables.

mod binary;
mod cell;
mod fault;
pub(crate) mod ground;
mod network;
mod odd;
mod storm;
mod table;
