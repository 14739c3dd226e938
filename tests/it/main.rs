//! Tests of the whole, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a faulty fixture is a failure; clippy knows `#[test]` functions, not helpers"
)]

mod faulty_jobs;
mod jobs;
