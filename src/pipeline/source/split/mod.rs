//! Listing one bucket or prefix over many key ranges at once, without knowing its keys.
//!
//! A listing is a chain: each page tells where the next one starts, so its speed is one page a round
//! trip whatever the machine. It becomes parallel by parting the keys into ranges (lo, hi] and
//! following one chain in each. A start-after (or marker) is exclusive, so a range that begins
//! behind any made-up key `m`, and one that ends with `m`, meet without a gap and without asking
//! whether `m` exists. What is hard is to choose `m`: nobody knows which keys there are. Cutting at
//! the middle of the bytes reached 4 to 27 % of the ideal time in our trials, as most of what bytes
//! can spell no key begins with.
//!
//! [`Planner`] is a state machine: no I/O, no clock, no chance. The driver calls
//! [`next`](Planner::next) for a page to ask for, hands in what came with [`page`](Planner::page) (or
//! [`failed`](Planner::failed)), and drops the keys above [`Verdict::keep_until`].
//!
//! # Invariants
//! - The ranges, in the order of [`ranges`](Planner::ranges), tile the span at all times; that is
//!   the checkpoint, and [`resume`](Planner::resume) goes on from it.
//! - A cut lowers the end of one range and makes ranges directly behind it. It may happen while the
//!   page of the range is on the wire: the end that holds is the one at arrival. So a bad guess
//!   costs a short page, never a key.
//! - A finished range is never cut. Hence [`behind`](Planner::behind) a finished range is final, and
//!   output in key order needs no more than to follow that chain from [`first`](Planner::first).
//! - Cuts are keys, and in a listing of versions a key-marker without a version passes over all
//!   versions of its key: no cut falls between the versions of one key, and a range whose page ends
//!   among the versions of its last key is not done.
//! - Cuts are text that every store accepts, see `letter.rs`. Keys that are not text are listed like
//!   all others; no cut is copied from one.
//!
//! # How cuts are chosen
//! 1. Nothing is parted before a page says that there is more, nor if the rest looks like four pages.
//! 2. Each page shows which characters stand at which place. Read as digits of a mixed-radix number,
//!    they turn keys into positions; what one page covers is the speed, and what lies between the
//!    last key and the end of the range is that many pages (`model.rs`, `plan.rs`). Places are
//!    counted from where keys *of the range* can first differ. Counting from where keys of the page
//!    do peels off one sibling folder a round trip.
//! 3. If the page lies in one folder and the range reaches beyond it, nothing is known of what is
//!    beside. The range is cut at the end of each folder around the page, and a fan of letters is
//!    thrown over the outermost level, once.
//! 4. Guesses that proved empty are not made again at the same place of a path (`lore.rs`): that is
//!    how leading zeros, and months that end at 12, are learned. Characters that have run through
//!    all their values several times within one page are not guessed beyond what was seen.
//! 5. Idle requests cut where the most is left, piece by piece, down to half a page (`fill.rs`).
//!    A range that lists on and on although little was expected is cut in the middle: no estimate
//!    can leave a request idle for good.
//! 6. Keys of an earlier run ([`Landmarks`]) replace the guesses where a range spans two or more of
//!    them (`quantile.rs`). They are used as a measure of how much lies where, so not each of them
//!    becomes a cut.
//! 7. A long listing is worked on from the front, in pieces of some dozens of pages: what is listed far
//!    behind the first range must wait on disk for its turn in the report, and be moved there at the
//!    end. Near its end all ranges are worked on, so that none of them is the last.
//! 8. A page that runs on into a range nobody has asked for yet swallows it.
//!
//! `cargo bench -- latency` prints what this reaches, in virtual time and over HTTP.

mod fill;
mod letter;
mod lore;
mod model;
mod plan;
mod planner;
mod quantile;
mod range;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

pub use planner::{Ask, Kept, Planner, Seen, Span, Torn, Verdict};
pub use quantile::Landmarks;
pub use range::RangeId;

#[cfg(test)]
use crate::model::Position;
