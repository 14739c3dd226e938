//! Bodies on their way in, and the memory that they may take.
//!
//! When the machine is slower than the network, every request in flight ends up with a whole page
//! waiting to be read. So large bodies share a fixed amount of memory: one that finds none left stays
//! with the network for the time being. What a page took it gives back when it is dropped, that is,
//! when its rows are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::{Entry, Lender, Spare};

/// A page of 1,000 keys with every optional field is about 1 MB; a key may take 3 KB encoded.
pub(super) const MAX_BODY: usize = 16 << 20;
/// Bodies up to this size take no share.
const SMALL: usize = 32 << 10;
/// Memory that is shared, however many requests may be in flight. More would bring nothing: a body that waits
/// is mostly there, since its connection has read as much of it as it takes at a time, and those that are
/// worked on are few.
const SHARED: usize = 10 << 20;
/// A share is waited for this long. Beyond that memory is not what a run waits for but requests that
/// follow from a page, and servers give up readers that do not read; the number of requests in flight
/// bounds memory then.
const PATIENCE: Duration = Duration::from_secs(10);
/// Shares are counted in pieces of this size.
const PIECE: usize = 1 << 10;

/// Buffers kept for bodies to come, and as many for the entries that are read from them.
const SPARE: usize = 8;
/// Larger ones are not kept: no vendor's page needs them.
const LARGEST_SPARE: usize = 2 << 20;
/// Their sizes are multiples of this, so that one does for the next page as well, which is never as long
/// to the byte.
const ROUND: usize = 64 << 10;
/// Larger buffers for entries are not kept, in entries: a page lists a thousand, and one that grew with them
/// has room for twice as many at most.
const LARGEST_ENTRIES: usize = 2000;

/// A body's share of the memory; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    _permit: OwnedSemaphorePermit,
    spare: Arc<Buffers>,
}

/// Buffers that go from page to page.
#[derive(Debug)]
struct Buffers {
    bodies: Spare,
    entries: Spare<Entry>,
}

impl Share {
    /// A buffer for the entries of the body.
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.spare.entries.take(0)
    }
}

impl Lender for Share {
    fn give_back(&self, text: Vec<u8>, entries: Vec<Entry>) {
        self.spare.bodies.put(text);
        self.spare.entries.put(entries);
    }
}

/// Why a body could not be read to its end, and what there is of it.
#[derive(Debug)]
pub(super) enum BodyError {
    /// It broke off.
    Torn(Vec<u8>, reqwest::Error),
    /// It is larger than [`MAX_BODY`].
    TooLarge(Vec<u8>),
}

/// The memory for bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    /// The size of the last large body, for those that do not announce theirs.
    usual: AtomicUsize,
    spare: Arc<Buffers>,
}

impl Bodies {
    /// All of it free.
    pub(super) fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(SHARED / PIECE)),
            usual: AtomicUsize::new(0),
            spare: Arc::new(Buffers {
                bodies: Spare::new(SPARE, LARGEST_SPARE),
                entries: Spare::new(SPARE, LARGEST_ENTRIES),
            }),
        }
    }

    /// Reads a body to its end.
    pub(super) async fn read(&self, mut response: Response) -> Result<(Vec<u8>, Option<Share>), BodyError> {
        let announced = response.content_length().and_then(|n| usize::try_from(n).ok());
        if announced.is_some_and(|size| size > MAX_BODY) {
            return Err(BodyError::TooLarge(Vec::new()));
        }
        let mut body = Vec::with_capacity(announced.unwrap_or(0).min(SMALL));
        let mut share = None;
        let mut large = false;
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => return Err(BodyError::Torn(body, error)),
            };
            let size = body.len() + chunk.len();
            if size > MAX_BODY {
                return Err(BodyError::TooLarge(body));
            }
            if size > SMALL && !large {
                large = true;
                let size = announced.unwrap_or_else(|| self.usual.load(Ordering::Relaxed)).max(size);
                share = self.share(size).await;
                if share.is_some() {
                    let begun =
                        std::mem::replace(&mut body, self.spare.bodies.take(size.next_multiple_of(ROUND)));
                    body.extend_from_slice(&begun);
                } else {
                    body.reserve_exact(size - body.len());
                }
            }
            body.extend_from_slice(&chunk);
        }
        if large {
            self.usual.store(body.len(), Ordering::Relaxed);
        }
        Ok((body, share))
    }

    /// Room for a body of `size` bytes; none if there was none in [`PATIENCE`].
    async fn share(&self, size: usize) -> Option<Share> {
        let pieces = u32::try_from(size.min(SHARED) / PIECE).ok()?;
        let room = Arc::clone(&self.room).acquire_many_owned(pieces);
        let permit = tokio::time::timeout(PATIENCE, room).await.ok()?.ok()?;
        Some(Share { _permit: permit, spare: Arc::clone(&self.spare) })
    }
}
