//! Stage 1: pages of keys, in key order, one prefetched while the last is worked on.

pub mod split;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::model::{Page, Position};
use crate::store::{Listing, Store, StoreError};

/// Pages that wait for the next stage. With the one being worked on and the one being listed, this
/// times the page size is what the pipeline holds in memory.
const PAGES_AHEAD: usize = 2;
/// Truncated pages without any entry in a row after which a listing is given up. Stores may send
/// some (a prefix thinned out by deletions), but none sends a thousand.
const MAX_EMPTY_PAGES: u32 = 1000;

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
    /// Truncated pages without entries, one after the other.
    #[error("the store sent {MAX_EMPTY_PAGES} empty pages in a row, each claiming that more would follow")]
    Empty,
}

/// What part of the bucket is listed.
#[derive(Clone, Debug)]
pub struct Span {
    /// Prefix, call and page size.
    pub listing: Listing,
    /// Where to start.
    pub from: Position,
    /// The last key wanted, inclusive; `None` for all.
    pub until: Option<Vec<u8>>,
}

/// A running listing. Dropping it ends the listing.
#[derive(Debug)]
pub struct Source {
    pages: mpsc::Receiver<Result<Page, SourceError>>,
    task: AbortHandle,
}

impl Source {
    /// Starts listing `span` of `store`.
    pub fn start<S: Store + 'static>(store: Arc<S>, span: Span) -> Self {
        let (send, pages) = mpsc::channel(PAGES_AHEAD);
        let task = tokio::spawn(async move {
            if let Err(error) = list(&*store, &span, &send).await {
                // A closed channel means that nobody wants the error any more.
                let _ = send.send(Err(error)).await;
            }
        });
        Self { pages, task: task.abort_handle() }
    }

    /// The next page; `None` at the end of the listing. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Page, SourceError>> {
        self.pages.recv().await
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn list<S: Store>(
    store: &S,
    span: &Span,
    send: &mpsc::Sender<Result<Page, SourceError>>,
) -> Result<(), SourceError> {
    let mut at = span.from.clone();
    let mut pages = 0;
    let mut empty = 0;
    loop {
        let page = store.list(&span.listing, &at).await?.answer;
        pages += 1;
        let next = page.next().cloned();
        let past_end = match (&span.until, page.len().checked_sub(1)) {
            (Some(until), Some(last)) => page.get(last).key > until.as_slice(),
            _ => false,
        };
        empty = if page.is_empty() { empty + 1 } else { 0 };
        if send.send(Ok(page)).await.is_err() || past_end {
            return Ok(());
        }
        match next {
            None => return Ok(()),
            Some(next) if next == at => return Err(SourceError::Repeated { pages }),
            Some(_) if empty >= MAX_EMPTY_PAGES => return Err(SourceError::Empty),
            Some(next) => at = next,
        }
    }
}
