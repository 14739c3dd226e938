//! defrost lists object-store buckets, picks the archived objects, asks for their restore at a
//! governed rate, and leaves a CSV row for every key.
//!
//! # The way of the data
//! ```text
//! source  →  filter  →  classify  →  act  →  report  →  checkpoint
//! pages      which       where does    one     one row    what is safe
//! of keys    keys?       each stand?   POST    per key    on disk
//! ```
//! Six stages, six modules of [`pipeline`]; start reading at `pipeline/run/mod.rs`.
//!
//! # Layers
//! | layer | module | what it is |
//! | --- | --- | --- |
//! | 0 | [`model`] | nouns: page, state, outcome, tally, event, clock |
//! | 1 | [`job`] | the TOML and the flags → a checked, immutable `Job` |
//! | 1 | [`store`] | one object store: the request stack, the three dialects, signatures |
//! | 2 | [`pipeline`] | the six stages |
//! | 2 | [`review`] | finished reports looked at: the audit of one, the difference of two |
//! | 2 | [`ui`] | events → bars, lines, JSON, tables, error texts |
//! | 3 | [`cli`] | arguments, verbs, exit codes: where the layers are put together |
//! | aside | [`guide`] | the pages of `defrost guide`, and nothing else |
//! | aside | [`sim`] | an object store for rehearsals and tests; shares no wire code with [`store`] |
//!
//! `tests/layers.rs` holds the arrows between them.
//!
//! # Adding a dialect
//! 1. A variant of [`Provider`](model::Provider) with its URL scheme.
//! 2. `store/dialect/NAME.rs`: an implementation of [`Dialect`](store::dialect::Dialect), pure; its
//!    requests and replies as golden files in `tests/wire/NAME/`, from the vendor's documents.
//! 3. `store/sign/NAME.rs` if it signs in a way of its own, pinned by the vendor's vectors.
//! 4. A chain in `store/credentials/`, in the order of the vendor's own tools.
//! 5. The vendor's side in `sim/`, written from the documents and not from the client.
//! 6. A line in `tests/it/support.rs`: every suite then runs against it, too.

pub mod cli;
pub mod guide;
pub mod job;
pub mod model;
pub mod pipeline;
pub mod review;
pub mod sim;
pub mod store;
pub mod ui;
