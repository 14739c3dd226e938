//! End-to-end tests: the built binary against the simulator over real HTTP.
//!
//! One binary, since linking is what costs. Expected rows come from a model of the bucket
//! (`model.rs`), never from the program.
#![expect(
    clippy::unwrap_used,
    reason = "a faulty fixture is a failure; clippy knows `#[test]` functions, not helpers"
)]

mod support;

mod model;
mod scene;
#[cfg(unix)]
mod trial;
mod wrapped;

mod bad_fields;
mod bad_input;
mod bad_input_outside;
#[cfg(unix)]
mod campaign;
#[cfg(unix)]
mod checkpoint;
mod clocks;
mod conflicts;
mod diff;
mod earlier;
mod errors;
mod faults;
mod faulty_jobs;
mod fees;
#[cfg(unix)]
mod formats;
#[path = "../fuzz/mod.rs"]
mod fuzz;
mod handed;
mod hostile;
mod init;
mod jobs;
mod keys;
#[cfg(unix)]
mod kill;
#[cfg(all(unix, debug_assertions))]
mod lapsed;
mod legality;
#[cfg(all(unix, debug_assertions))]
mod limits;
#[cfg(unix)]
mod machine;
mod matrix;
mod month;
#[cfg(unix)]
mod names;
mod nightly;
mod nights;
#[cfg(unix)]
mod pace;
#[cfg(unix)]
mod pasted;
mod preflight;
mod ranges;
mod report;
#[cfg(unix)]
mod resume;
#[cfg(unix)]
mod rights;
mod secrets;
mod shell;
mod sources;
#[cfg(all(unix, debug_assertions))]
mod stopping;
#[cfg(unix)]
mod told;
mod wait;
#[cfg(unix)]
mod watch;
