//! Budgets: what a run and a day may take, and who comes first when it is not enough.
//!
//! # Never under-counted
//! The account is a file of its own, `budget.json`, since days outlive runs. It is written in the order
//! *reserve, then settle*:
//! 1. A page's objects are granted in the purse, and what they take is counted as spent and as *open*.
//! 2. The account is on disk before the journal says that they are about to be asked for, and that is on
//!    disk before the first request leaves (see `checkpoint`). So whatever left was counted before, at
//!    whatever moment a kill comes.
//! 3. An answer closes what was open. What certainly took nothing (a refusal of the only attempt, a
//!    request that was not sent) is given back; but it may be spent again only when the journal has the
//!    answer, or the word that nothing was sent, on disk. Otherwise a crash could leave an object that
//!    the journal calls asked for, with nothing set aside for it.
//!
//! A session that goes on finds objects that the journal calls asked for, but not answered. By 2 they
//! were counted by the account of this run, so they may be asked for without being counted again; by 3
//! nothing of that was given away. What else was open when a crash came (answers that had come since the
//! account was last written) stays counted as it is. Hence a crash can count too much, by the pages under
//! way at most, where refusals were not yet given back, and never too little.
//!
//! A day begins with all that is open counted once more: requests that were counted before midnight
//! may leave after it. A clock that is set back finds its former day, of which the account keeps some.
//!
//! # Oldest first
//! A run that is over its budget defers objects, and those have the first claim the next time. Nothing is
//! remembered of single objects: a claim is a few stretches of keys (see `claims`), with what is
//! due to each, and the time since when it has been there. There are two: the *oldest* claim, which
//! only shrinks until all of it has been met, and behind it everything that was left over since, which
//! then becomes the oldest. Within a claim the stretches come in the order of keys.
//!
//! An object may be asked for if what is due to all who come before it could be paid for as well. So no
//! object is asked for at the cost of an older one, in whatever order pages come; and since nobody
//! joins the oldest claim, all of it is met after a finite number of nights: nobody starves.
//! A run that is under way over midnight keeps some of the new day for claims that it came by before (see
//! `passed`). Objects modified after a claim was made are no part of it. What is due to an object that went away
//! meanwhile stays unspent for the night. An object that alone is over a bound, or has no known price
//! where money is bounded, is deferred as well, but has no claim: all others would wait for it in vain.

mod amount;
mod claims;
mod ledger;
#[cfg(test)]
mod nights;
mod passed;
mod purse;

pub use amount::Amount;
pub use claims::{Claims, Left, Stretches};
pub use ledger::{Ledger, peek};
pub use purse::{Account, Purse, Said, Want};
