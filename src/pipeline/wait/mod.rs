//! Beside the six stages: what is remembered of objects that are being restored, and the wait for
//! them to become readable.
//!
//! | file | |
//! | --- | --- |
//! | [`memory`](Memory) | which objects are being restored, and since when: a file in the state folder |
//! | `merge` | a finished report goes into the memory |
//! | `retried` | and so does what a retry left restoring |
//! | `flag` | which rows are told to be stuck, or about to lapse |
//! | `look` | one look at open objects: which stretches are listed, when HEAD is sent |
//! | `outbox`, `hand` | what became readable: the file of keys, the command |
//! | `watch`, [`mark`](WaitMark) | the wait from look to look, and how far it is |

mod ended;
mod flag;
mod hand;
mod look;
mod mark;
mod memory;
mod merge;
mod outbox;
mod retried;
mod sorted;
mod survey;
mod watch;

pub use ended::{WaitEnd, WaitError, Waited};
pub use flag::{flag, is_stuck, promised, soon};
pub use mark::WaitMark;
pub use memory::{Memory, Open, Records, Tail, Writer};
pub use merge::{MergeError, merge, remembered, target, tells_all};
pub use watch::wait;
