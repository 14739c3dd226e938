//! Stage 6: what is safe on disk, so that a run can go on where it was.
//!
//! # The order of writing
//! 1. An answered POST goes into the journal at once, and to the disk within [`journal::SYNC_EVERY`].
//! 2. Rows are synced; the report's durable length is now known.
//! 3. The mark (position, rows, length, counts) is written to a new file, synced, renamed over the
//!    old one, and its folder is synced.
//! 4. Only then are journal entries up to the mark forgotten.
//!
//! # Going on
//! The report is cut back to the marked length and the listing goes on after the marked key. Where
//! the journal holds an answer for an object, that answer makes its row and nothing is sent.
//!
//! A mark is bound to its job by the job's identity; a mark of another job is refused with the list
//! of what differs.

mod files;
pub mod journal;
mod lock;
mod mark;
mod state;

pub(crate) use files::{replace_file, sync_folder_of};
pub use lock::{Lock, LockError};
pub use mark::{Mark, MarkedKey};
pub use state::{CheckpointError, StateDir};
