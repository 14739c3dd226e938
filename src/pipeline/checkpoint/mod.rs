//! Stage 6: what is safe on disk, so that a run can go on where it was.
//!
//! # The order of writing
//! 1. An answered POST goes into the journal at once, and to the disk within [`journal::SYNC_EVERY`].
//! 2. Rows are synced, those in the report and those set aside; their durable lengths are now known.
//! 3. The mark (what is left of the listing, rows, lengths, counts) is written to a new file, synced,
//!    renamed over the old one, and its folder is synced.
//! 4. Only then are journal entries that the mark covers forgotten.
//!
//! # Going on
//! The report and the rows set aside are cut back to their marked lengths, and the listing goes on in
//! every range that the mark names. Where the journal holds an answer for an object, that answer
//! makes its row and nothing is sent.
//!
//! A mark is bound to its job by the job's identity; a mark of another job is refused with the list
//! of what differs.

mod files;
pub mod journal;
mod lock;
mod mark;
mod state;

pub(crate) use files::{publish_file, sync_folder_of};
pub use lock::{Lock, LockError};
pub use mark::{Mark, MarkedKey, MarkedRange};
pub use state::{CheckpointError, StateDir};
