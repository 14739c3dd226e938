//! End-to-end tests: the built binary against the simulator over real HTTP.
//!
//! One binary, since linking is what costs. Expected rows come from a model of the bucket
//! (`model.rs`), never from the program.

mod support;

mod model;

mod conflicts;
mod keys;
mod matrix;
