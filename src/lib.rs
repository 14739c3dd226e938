//! defrost lists object-store buckets, picks the archived objects, asks for their restore at a
//! governed rate, and leaves a CSV row for every key.
//!
//! # The way of the data
//! ```text
//! source  →  filter  →  classify  →  act  →  report  →  checkpoint
//! pages      which       where does    one     one row    what is safe
//! of keys    keys?       each stand?   POST    per key    on disk
//! ```
//! Six stages, six files in [`pipeline`]; start reading at `pipeline/run.rs`.
//!
//! # Layers
//! | layer | module | what it is |
//! | --- | --- | --- |
//! | 0 | [`model`] | nouns: page, state, outcome, tally, event, clock |
//! | 1 | [`job`] | the TOML and the flags → a checked, immutable `Job` |
//! | 1 | [`store`] | one object store: the request stack, the three dialects, signatures |
//! | 2 | [`pipeline`] | the six stages |
//! | 2 | [`ui`] | events → bars, lines, JSON, tables, error texts |
//! | 3 | [`cli`] | arguments, verbs, exit codes: where the layers are put together |
//! | aside | [`sim`] | an object store for rehearsals and tests; shares no wire code with [`store`] |
//!
//! `tests/layers.rs` holds the arrows between them.

pub mod cli;
pub mod job;
pub mod model;
pub mod pipeline;
pub mod sim;
pub mod store;
pub mod ui;
