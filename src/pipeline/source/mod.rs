//! Stage 1: pages of keys, in key order, one prefetched while the last is worked on.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::report::shown_key;
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
    /// A page began at or before the key at which the one before it ended: its rows would be doubled,
    /// and following it might list for ever.
    #[error("the store went back to `{first}` after `{last}` in its listing; defrost needs keys in order")]
    Backwards {
        /// The last key of the page before, or the key to go on after.
        last: String,
        /// The first key of the page.
        first: String,
    },
    /// The listing ended without a word.
    #[error("the listing ended unexpectedly; this is a bug in defrost")]
    Died,
    /// Truncated pages without entries, one after the other.
    #[error("the store sent {MAX_EMPTY_PAGES} empty pages in a row, each claiming that more would follow")]
    Empty,
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

/// A running listing. Dropping it ends the listing.
#[derive(Debug)]
pub struct Source {
    pages: mpsc::Receiver<Told>,
    task: AbortHandle,
    ended: bool,
}

/// What the listing task tells. Its end is told, since a channel closes after a panic as well.
enum Told {
    Page(Placed),
    Failed(SourceError),
    End,
}

impl Source {
    /// Starts listing `ranges` of `store`, in order. Pages that are anywhere between the store and
    /// the report hold a permit of `room` each.
    pub fn start<S: Store + 'static>(
        store: Arc<S>,
        listing: Listing,
        ranges: Vec<Range>,
        room: Arc<Semaphore>,
    ) -> Self {
        let (send, pages) = mpsc::channel(PAGES_AHEAD);
        let task = tokio::spawn(async move {
            let mut last = Told::End;
            for range in ranges {
                if let Err(error) = list(&*store, &listing, range, &room, &send).await {
                    last = Told::Failed(error);
                    break;
                }
            }
            // A closed channel means that nobody wants to know any more.
            let _ = send.send(last).await;
        });
        Self { pages, task: task.abort_handle(), ended: false }
    }

    /// The next page; `None` at the end of the listing. Cancel safe.
    pub async fn next(&mut self) -> Option<Result<Placed, SourceError>> {
        if self.ended {
            return None;
        }
        match self.pages.recv().await {
            Some(Told::Page(page)) => Some(Ok(page)),
            Some(Told::Failed(error)) => Some(Err(error)),
            Some(Told::End) => {
                self.ended = true;
                None
            }
            None => Some(Err(SourceError::Died)),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn list<S: Store>(
    store: &S,
    listing: &Listing,
    range: Range,
    room: &Arc<Semaphore>,
    send: &mpsc::Sender<Told>,
) -> Result<(), SourceError> {
    let mut at = range.from;
    let mut trail = Trail::after(&at);
    let mut pages = 0;
    let mut empty = 0;
    loop {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            unreachable!("nobody closes the semaphore");
        };
        let page = store.list(listing, &at).await?.answer;
        let number = pages;
        pages += 1;
        let next = page.next().cloned();
        trail.follow(&page)?;
        let past_end = match (&range.until, page.len().checked_sub(1)) {
            (Some(until), Some(last)) => page.get(last).key > until.as_slice(),
            _ => false,
        };
        empty = if page.is_empty() { empty + 1 } else { 0 };
        let last = past_end || next.is_none();
        let placing = Placing { range: range.id, number, last };
        if send.send(Told::Page(Placed { placing, page, permit })).await.is_err() || last {
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

/// How far a listing has come, to tell a store that ignores where it was asked to go on.
struct Trail {
    last: Option<Vec<u8>>,
    /// Whether the next page may begin with the last key: other versions of it may follow.
    same_key: bool,
}

impl Trail {
    fn after(at: &Position) -> Self {
        match at {
            Position::Start | Position::Token(_) => Self { last: None, same_key: false },
            Position::After(key) => Self { last: Some(key.clone()), same_key: false },
            Position::AfterVersion(key, _) => Self { last: Some(key.clone()), same_key: true },
        }
    }

    /// Takes the next page's keys.
    fn follow(&mut self, page: &Page) -> Result<(), SourceError> {
        let Some(end) = page.len().checked_sub(1) else {
            return Ok(());
        };
        let first = page.get(0).key;
        if let Some(last) = &self.last
            && (first < last.as_slice() || (first == last.as_slice() && !self.same_key))
        {
            let shown = |key: &[u8]| shown_key(key).0.into_owned();
            return Err(SourceError::Backwards { last: shown(last), first: shown(first) });
        }
        self.last = Some(page.get(end).key.to_vec());
        self.same_key = matches!(page.next(), Some(Position::AfterVersion(..)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entry, Span};

    fn page(keys: &[&str], next: Option<Position>) -> Page {
        let text: Vec<u8> = keys.concat().into_bytes();
        let mut start = 0;
        let entries = keys
            .iter()
            .map(|key| {
                let len = u32::try_from(key.len()).unwrap();
                let entry = Entry { key: Span { start, len }, ..Entry::default() };
                start += len;
                entry
            })
            .collect();
        Page::new(text, entries, next)
    }

    fn token(text: &str) -> Position {
        Position::Token(text.into())
    }

    #[test]
    fn a_page_that_goes_back_is_refused() {
        let mut trail = Trail::after(&Position::Start);
        trail.follow(&page(&["b", "d"], Some(token("1")))).unwrap();
        trail.follow(&page(&[], Some(token("2")))).unwrap();
        trail.follow(&page(&["e"], Some(token("3")))).unwrap();
        for again in ["b", "e"] {
            let error = trail.follow(&page(&[again], Some(token("4")))).unwrap_err();
            assert!(matches!(error, SourceError::Backwards { .. }), "{error}");
        }
    }

    #[test]
    fn a_store_that_ignores_where_to_go_on_is_refused() {
        let mut trail = Trail::after(&Position::After(b"m".to_vec()));
        assert!(trail.follow(&page(&["a", "z"], None)).is_err());
        assert!(Trail::after(&Position::After(b"m".to_vec())).follow(&page(&["m"], None)).is_err());
    }

    #[test]
    fn versions_of_one_key_may_go_over_pages() {
        let next = Some(Position::AfterVersion(b"b".to_vec(), b"2".to_vec()));
        let mut trail = Trail::after(&Position::AfterVersion(b"b".to_vec(), b"1".to_vec()));
        trail.follow(&page(&["b", "b"], next.clone())).unwrap();
        trail.follow(&page(&["b", "c"], next)).unwrap();
        assert!(trail.follow(&page(&["b"], None)).is_err());
    }
}
