//! Beside the six stages: what is remembered of objects that are being restored, and the wait for
//! them to become readable.

mod flag;
mod memory;
mod merge;

pub use flag::{flag, is_stuck, promised, soon};
pub use memory::{Memory, Open, Records, Tail, Writer};
pub use merge::{MergeError, merge, remembered, target, tells_all};
