//! Layer 1: talking to one object store.
//!
//! [`Store`] is what the pipeline sees: list a page, HEAD a key, ask for a restore. Its one
//! implementation, [`Client`](client::Client), stacks (outside in) retry → permit → token →
//! sign → send → read whole body → parse. What differs between vendors is a [`Dialect`](dialect::Dialect):
//! pure functions from question to request and from reply to answer.

mod body;
pub mod client;
pub mod credentials;
pub mod dialect;
mod endpoint;
pub mod error;
mod pace;
mod retry;
pub mod sign;
mod tls;
mod transport;
mod trial;
pub mod webhook;

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;

pub use endpoint::{EndpointError, Whereabouts};
pub use error::{Call, ErrorKind, Refusal, StoreError};

use crate::model::{Access, Answers, Offer, Page, Position, Rates, RequestCounts, RestoreMark, Tier};

/// Which listing call is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ListApi {
    /// ListObjectsV2 (COS, which has none, is asked with its marker listing).
    #[default]
    V2,
    /// ListObjects, version 1.
    V1,
    /// ListObjectVersions.
    Versions,
}

/// What is listed; fixed for a whole run.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only keys that start with these bytes; empty for the whole bucket.
    pub prefix: Vec<u8>,
    /// Which call.
    pub api: ListApi,
    /// Entries asked for a page, 1–1000.
    pub page_size: u32,
}

/// What HEAD tells of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Storage class in the vendor's spelling (the standard class where the header is absent).
    pub class: String,
    /// What the class and tier mean for reading.
    pub access: Access,
    /// Intelligent-Tiering access tier; empty if none.
    pub access_tier: String,
    /// Restore state; never [`RestoreMark::Unsaid`].
    pub restore: RestoreMark,
    /// Size in bytes; 0 where the answer does not tell.
    pub size: u64,
    /// Entity tag without its quotes; empty where the answer does not tell.
    pub etag: String,
    /// Last modification, where the answer tells.
    pub last_modified: Option<Timestamp>,
    /// Whether the object is a symbolic link, of whose target all the rest is told.
    pub symlink: bool,
    /// The tier at which a restore runs, where the vendor tells.
    pub running_at: Option<Tier>,
    /// HTTP status.
    pub status: u16,
    /// The vendor's request id.
    pub request_id: Box<str>,
}

/// A restore request for one object; tier and days are already fitted to its class.
#[derive(Clone, Copy, Debug)]
pub struct RestoreAsk<'a> {
    /// The key, exact bytes.
    pub key: &'a [u8],
    /// The version id; empty for the current version.
    pub version_id: &'a [u8],
    /// Days the copy shall live; `None` where the class must not be given any.
    pub days: Option<u32>,
    /// The tier; `None` where the class must not be given any.
    pub tier: Option<Tier>,
    /// From this moment on no attempt leaves: the request then ends with [`ErrorKind::Late`]. `None` for
    /// whenever.
    pub until: Option<Timestamp>,
}

/// How the store took a restore request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// 202: a restore has begun.
    Accepted,
    /// 200: a readable copy was there, its expiry was moved.
    Extended,
    /// 409 `RestoreAlreadyInProgress`: the wish is being met already.
    AlreadyRunning,
}

/// The store's answer to a restore request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreAnswer {
    /// How it was taken.
    pub taken: Taken,
    /// HTTP status.
    pub status: u16,
    /// The vendor's code, where the answer had one.
    pub code: Option<Box<str>>,
    /// The vendor's request id.
    pub request_id: Box<str>,
}

/// What became of the copy that was to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// The copy was there and is gone.
    Given,
    /// There was none: never restored, or lapsed.
    Nothing,
    /// The restore is still running, and cannot be called off.
    Running,
}

/// The store's answer to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseAnswer {
    /// What became of the copy.
    pub released: Released,
    /// HTTP status.
    pub status: u16,
    /// The vendor's code, where the answer had one.
    pub code: Option<Box<str>>,
    /// The vendor's request id.
    pub request_id: Box<str>,
}

/// An answer together with what it took to get it.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// Requests sent for it, the successful one included.
    pub attempts: u32,
    /// How they were answered.
    pub answers: Answers,
}

/// One object store, one bucket.
///
/// Every method retries what is worth retrying by itself; an error is final. No method panics on
/// anything that a server sends. Dropping a future abandons the request; the server may have
/// carried it out all the same.
pub trait Store: Send + Sync {
    /// One page of `listing`, from `at` on.
    fn list(
        &self,
        listing: &Listing,
        at: &Position,
    ) -> impl Future<Output = Result<Answered<Page>, StoreError>> + Send;

    /// The state of one object; `version_id` empty for the current version.
    fn head(
        &self,
        key: &[u8],
        version_id: &[u8],
    ) -> impl Future<Output = Result<Answered<Head>, StoreError>> + Send;

    /// Asks for one restore. 409 `RestoreAlreadyInProgress` is an answer, not an error.
    fn restore(
        &self,
        ask: RestoreAsk<'_>,
    ) -> impl Future<Output = Result<Answered<RestoreAnswer>, StoreError>> + Send;

    /// Gives a readable copy back before it lapses. Safe to repeat. To be asked only of a store that
    /// [`Store::can_release`]; any other answers [`ErrorKind::Illegal`], and nothing is sent.
    fn release(
        &self,
        key: &[u8],
        version_id: &[u8],
    ) -> impl Future<Output = Result<Answered<ReleaseAnswer>, StoreError>> + Send;

    /// Whether the store has a call that gives copies back.
    fn can_release(&self) -> bool;

    /// How long a restore of this class may take by the vendor's word, the longest of
    /// [`Dialect::usual`](dialect::Dialect::usual).
    fn usual_time(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Duration>;

    /// Whether a request for `key` would reach exactly that key. Pure; sends nothing.
    fn addressable(&self, key: &[u8]) -> bool;

    /// What `class` (with `access_tier`) accepts in a restore request; `None` if it takes none.
    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer>;

    /// Sends nothing more: requests in flight come back as ever, those still waiting for their
    /// turn (or for a retry) end with [`ErrorKind::Halted`].
    fn halt(&self);

    /// Requests sent so far.
    fn requests(&self) -> RequestCounts;

    /// Restore requests on the wire now.
    fn restores_in_flight(&self) -> u32;

    /// Requests a second that are let go now, by kind; zeros where nobody paces.
    fn rates(&self) -> Rates {
        Rates::default()
    }

    /// How long from now no restore request leaves, since the store asked for that; zero if it did not.
    fn restores_held(&self) -> Duration {
        Duration::ZERO
    }
}
