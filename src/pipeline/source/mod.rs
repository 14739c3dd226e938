//! Stage 1: pages of keys, from many ranges of the key space at once.
//!
//! [`split`] plans which range is listed where, without knowing the keys; `list` carries the plan out.
//! The pages of a range come in key order; the ranges tile the listing, and each new one is told of
//! before its first page, so that the report can be put into listing order.

mod concurrency;
mod list;
mod named;
pub mod names;
mod spacing;
pub mod split;
mod trail;

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;

use self::list::Lister;
pub(in crate::pipeline) use self::names::Name;
pub use self::names::{Names, NamesError};
pub(in crate::pipeline) use self::trail::{Trail, orderly};
use crate::job::Verb;
use crate::model::{Clock, Page, Position};
use crate::store::{Listing, Store, StoreError};

/// Messages that may wait for the next stage; pages are bounded by their permits as well.
const WAITING: usize = 16;

/// Why a listing could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The store refused or could not be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store sent the same continuation twice: following it would list for ever.
    #[error("the store repeated a continuation marker after {pages} pages; following it would list for ever")]
    Repeated {
        /// Pages listed before.
        pages: u64,
    },
    /// A key came at or before the one ahead of it, within a page or from page to page: rows would be
    /// doubled or lost, and following such a listing might take for ever.
    #[error("the store went back to `{first}` after `{last}` in its listing; defrost needs keys in order")]
    Backwards {
        /// The key before, or the key to go on after.
        last: String,
        /// The key that came.
        first: String,
    },
    /// A page showed a key that was not asked for: restoring it would cost what nobody wanted to pay.
    #[error("the store listed `{key}`, which does not begin with `{prefix}` as it was asked")]
    Astray {
        /// The key.
        key: String,
        /// The prefix.
        prefix: String,
    },
    /// The listing ended without a word.
    #[error("the listing ended unexpectedly; this is a bug in defrost")]
    Died,
    /// Truncated pages without entries, one after the other.
    #[error("the store sent a thousand empty pages in a row, each claiming that more would follow")]
    Empty,
    /// The list of names cannot be read on.
    #[error(transparent)]
    Names(#[from] NamesError),
    /// The list of names was edited while it was worked through.
    #[error("`{list}` was changed while the run worked through it")]
    Edited {
        /// The list.
        list: String,
    },
    /// The ranges to go on with are out of order.
    #[error("the checkpoint's key ranges overlap or are out of order at number {at}")]
    Overlap {
        /// Which one, from 0.
        at: usize,
    },
}

/// Names a range of keys; never given out twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeId(pub u64);

/// A stretch of the listing that is still to be listed.
#[derive(Clone, Debug)]
pub struct Range {
    /// Its name.
    pub id: RangeId,
    /// Where to start.
    pub from: Position,
    /// The last key wanted, inclusive; `None` for all.
    pub until: Option<Vec<u8>>,
}

/// The place of a page in the listing.
#[derive(Clone, Debug)]
pub struct Placing {
    /// The range.
    pub range: RangeId,
    /// The page's number within the range, from 0 in each session.
    pub number: u64,
    /// Whether the range ends with it.
    pub last: bool,
}

/// A page, its place, and its share of the memory that pages may take: given back when dropped.
#[derive(Debug)]
pub struct Placed {
    /// Its place.
    pub placing: Placing,
    /// The page.
    pub page: Page,
    /// Its share.
    pub permit: OwnedSemaphorePermit,
}

/// What is to be listed, and how many requests at a time may.
#[derive(Clone, Debug)]
pub struct Extent {
    /// Ranges in key order that do not overlap.
    pub ranges: Vec<Range>,
    /// The first name that may be given to a new range.
    pub fresh: u64,
    /// Requests in flight, at least 1.
    pub in_flight: usize,
    /// Evenly spaced keys of an earlier listing; nothing but speed depends on them.
    pub hints: Vec<Vec<u8>>,
}

/// How named objects are looked at.
#[derive(Clone, Debug)]
pub struct Looking {
    /// What the run is: what is not there has failed in a restore only.
    pub verb: Verb,
    /// Tells when an object was looked at.
    pub clock: Arc<dyn Clock>,
    /// Pages looked at side by side, at least 1.
    pub pages: usize,
    /// Names a page, at least 1.
    pub page_size: usize,
}

/// What a listing tells.
#[derive(Debug)]
pub enum Told {
    /// `range` ends at `at` from now on, and `new` goes on behind it.
    Cut {
        /// The range that was cut.
        range: RangeId,
        /// What lies behind the cut.
        new: RangeId,
        /// The last key of `range`, inclusive.
        at: Vec<u8>,
    },
    /// All that is left is listed as this one range: the store does not go on where it is asked to.
    Collapse {
        /// The range that goes on.
        onto: RangeId,
    },
    /// A page.
    Page(Placed),
    /// The listing cannot go on.
    Failed(SourceError),
    /// The listing is done. It is told, since a channel closes after a panic as well.
    End {
        /// Evenly spaced keys of what was listed, for the next listing.
        hints: Vec<Vec<u8>>,
    },
}

/// A running listing. Dropping it ends the listing.
#[derive(Debug)]
pub struct Source {
    told: mpsc::Receiver<Told>,
    task: AbortHandle,
}

impl Source {
    /// Starts listing `extent` of `store`. Pages that are anywhere between the store and the report
    /// hold a permit of `room` each. It is this listing's alone and has at least as many as may be in
    /// flight; those that are of no use for a while are taken out and put back.
    pub fn start<S: Store + 'static>(
        store: Arc<S>,
        listing: Listing,
        extent: Extent,
        room: Arc<Semaphore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (send, told) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let listed = match Lister::new(store, listing, &extent, (room, clock), send.clone()) {
                Ok(lister) => lister.list().await,
                Err(error) => Err(error),
            };
            // A closed channel means that nobody wants to know any more.
            let _ = send.send(listed.map_or_else(Told::Failed, |hints| Told::End { hints })).await;
        });
        Self { told, task: task.abort_handle() }
    }

    /// Starts looking at the objects that `names` names, behind the place at which `range` begins; at none
    /// if there is no range. Pages hold permits of `room` as in a listing.
    pub fn named<S: Store + 'static>(
        store: Arc<S>,
        names: Arc<Names>,
        range: Option<Range>,
        how: Looking,
        room: Arc<Semaphore>,
    ) -> Self {
        let (send, told) = mpsc::channel(WAITING);
        let task = tokio::spawn(async move {
            let looked = match range {
                Some(range) => named::look(store, &names, &range, how, room, &send).await,
                None => Ok(()),
            };
            let _ = send.send(looked.map_or_else(Told::Failed, |()| Told::End { hints: Vec::new() })).await;
        });
        Self { told, task: task.abort_handle() }
    }

    /// What comes next. Not to be asked again after [`Told::End`] or [`Told::Failed`]. Cancel safe.
    pub async fn next(&mut self) -> Told {
        self.told.recv().await.unwrap_or(Told::Failed(SourceError::Died))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}
