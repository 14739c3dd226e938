//! Stage 6: what is safe on disk, so that a run can go on where it was, and the order in which it
//! got there.
//!
//! | file | | |
//! | --- | --- | --- |
//! | `checkpoint.json` | [`mark`](Mark) | how far the report is durable, and what is left |
//! | `journal.jsonl` | [`journal`] | what happened since: what was asked for, and each answer |
//! | `aside.csv.zst` | [`Spill`](crate::pipeline::report::Spill) | rows that wait for those in front of them |
//! | `lock` | [`Lock`] | one run at a time |
//! | `budget.json` | [`budget`](super::budget) | what was spent, by run and by day, and who comes first the next time |
//! | `hints` | | what the next listing may know of the keys; nothing but speed depends on it |
//! | `restoring` | [`wait`](crate::pipeline::wait) | which objects were being restored when last looked at, and since when |
//! | `wait.json`, `ready-*.jsonl` | [`wait`](crate::pipeline::wait) | how far a wait is, and what became readable |
//! | `live.json` | [`LiveFile`] | what the process at work does, about once a second, for `status`; never synced, gone with its lock |
//! | `release.json`, `release.lock` | [`LiveFile`] | the same of a release, which may go on beside a run |
//! | `last-run.json` | | what the next run may know of this one: see `decide`; without it, a request may be sent once too often |
//!
//! # The order of writing
//! While a run goes on:
//! 0. Where there is a budget, what the requests of a page take is on disk as spent before anything
//!    else: see [`budget`](super::budget).
//! 1. Before the requests of a page leave, the journal says which objects are about to be asked for,
//!    and is synced. What a crash leaves of them is then looked at by the next session, whatever state
//!    it finds them in, and by HEAD before any is asked for again. A stop in good order says which of
//!    them were not asked for.
//! 2. Each answer goes into the journal at once, and to the disk within [`journal::SYNC_EVERY`].
//! 3. A commit, twice a second, over what was written when it began, while more is written: the rows of the
//!    report are synced, then those that wait. What is durable of both is now known.
//! 4. The mark over them is written to a new file, synced, renamed over the old one, and the folder
//!    is synced. From here on the next session begins behind these rows.
//! 5. Only then journal lines that the mark covers are forgotten; and where rows wait no more, their space is
//!    given back, before more is written.
//!
//! At the end: a commit whose mark calls the report sealed; an earlier report that stands there and is to be
//! kept gets another name, with the files beside it, its summary the last; the report gets its final name,
//! and its folder is synced; the summary is put beside it; what the next run may know of this one is left; the
//! mark says that the run is finished; the rows set aside and their file go; hints are left.
//!
//! A report that is to stand in another form than plain CSV is made of the sealed rows under a name of
//! its own (`x.parquet.new`) and synced, and so are files that are wanted besides; a mark says what is in
//! them; they get their final names; only then the rows of which they were made are removed. Until then
//! a crash leaves the rows, of which the same bytes are made again.
//!
//! At the beginning of a run that does not go on with an unfinished one: that one's mark goes first,
//! then report and journal make room for new ones, then the first mark is saved.
//!
//! # What a crash leaves
//! | it comes after | the next session finds |
//! | --- | --- |
//! | 1 | objects that may have been asked for: listing and HEAD tell which; none is filtered out for it |
//! | 2 | answers: they make the rows of their objects, and nothing is sent for these |
//! | 3 | rows behind the old mark: they are cut off and made again, from the journal where it knows |
//! | 4 | journal lines that the mark covers: they are not looked at |
//! | an earlier report's first new name | its summary, which tells what of it has still to be moved |
//! | sealing, naming | a whole report under either name: its length and checksum tell; it is closed again |
//! | making another form of it | the sealed rows: the form is made anew |
//! | the rows' removal | the finished file: its length and checksum tell |
//! | the finished mark | a finished run |
//!
//! [`CommitPoint`] names these moments; `tests/it/kill/` kills runs at each of them.
//!
//! # What is refused
//! Every file carries a checksum over what is counted on: the mark over itself and over the durable
//! parts of the report and of the rows that wait, the journal over each line. What does not fit is
//! refused by the name of the file, with the way out, and nothing is changed. A mark is bound to its
//! job by the job's identity; a mark of another job is refused with the list of what differs. Which
//! versions read which files stands in `mark.rs`.
//!
//! # When there is nothing to go on with
//! A run whose copies may all have lapsed ([`Unfinished::lapsed`]) begins anew: what its report calls
//! requested is archived again. Its partial report is kept under another name, and its state in a folder
//! `lapsed-…` beside the new one.

mod fault;
mod files;
mod gaps;
pub mod journal;
mod last;
mod line;
mod live;
mod lock;
mod mark;
mod point;
mod scribe;
mod state;

pub use fault::CheckpointError;
pub(crate) use files::{Fresh, private_folder, publish_file, publish_readable, sync_folder_of};
pub(in crate::pipeline) use files::{Whole, private, replace_file};
pub use gaps::Gaps;
pub use line::{ObjectId, Recorded};
pub use live::LiveFile;
pub use lock::{Lock, LockError};
pub(in crate::pipeline) use mark::copy_until;
pub use mark::{FinishedFile, Mark, MarkedKey, MarkedRange};
pub(crate) use point::pass;
pub use point::{CommitPoint, VARIABLE};
pub use state::{StateDir, Unfinished};
