//! A [`Store`] over HTTP for any dialect: the one place where the request stack is stacked.
//!
//! Outside in: retry → permit → token → sign → send → read whole body → parse. An attempt ends
//! when its reply is parsed, so a torn page is asked for again; each attempt is signed anew; nothing
//! is held during a backoff.

mod sending;

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use self::sending::Fault;
use super::body::Share;
use super::credentials::{CredentialError, CredentialSource, Environment};
use super::dialect::{Dialect, Endpoint};
pub use super::pace::Allowance;
use super::pace::Pace;
pub use super::transport::{Patience, TransportError};
use super::transport::{Received, Transport};
use super::trial::{Trial, Turn};
use super::{
    Answered, Call, ErrorKind, Head, Listing, ReleaseAnswer, RestoreAnswer, RestoreAsk, Store, StoreError,
};
use crate::model::{Answers, Clock, Offer, Page, Position, Rates, RequestCounts, Tell, Tier};

/// No answer has told the store's time yet.
const UNTOLD: i64 = i64::MIN;

/// Everything a client needs to know besides the dialect.
#[derive(Debug)]
pub struct Settings {
    /// Where requests go.
    pub endpoint: Endpoint,
    /// Variables, for the certificates that they may name.
    pub env: Environment,
    /// Where keys come from.
    pub credentials: CredentialSource,
    /// List requests.
    pub list: Allowance,
    /// HEAD requests.
    pub head: Allowance,
    /// Restore POSTs.
    pub restore: Allowance,
    /// Attempts for one request, at least 1.
    pub max_attempts: u32,
    /// How long the server is waited for.
    pub patience: Patience,
}

#[derive(Debug, Default)]
struct Counters {
    list: AtomicU64,
    head: AtomicU64,
    restore: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
    restores_in_flight: AtomicU32,
    lists: Mutex<Answers>,
}

/// A store over HTTP.
pub struct Client {
    dialect: Box<dyn Dialect>,
    transport: Transport,
    credentials: CredentialSource,
    pace: Pace,
    trial: Trial,
    max_attempts: u32,
    clock: Arc<dyn Clock>,
    tell: Arc<dyn Tell>,
    counters: Counters,
    /// The store's time at zero of [`Clock::monotonic`], in Unix seconds, once it has refused a
    /// signature for its time; [`UNTOLD`] as long as this machine's own time will do.
    store_origin: AtomicI64,
    /// How far the store's clock was ahead by its last answer; [`UNTOLD`] before one told.
    ahead_seconds: AtomicI64,
    halt: watch::Sender<bool>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("endpoint", self.transport.endpoint()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for one bucket.
    ///
    /// # Errors
    /// If the certificates of this machine, or those that the environment names, cannot be read.
    pub fn new(
        dialect: Box<dyn Dialect>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        tell: Arc<dyn Tell>,
    ) -> Result<Self, TransportError> {
        Ok(Self {
            dialect,
            transport: Transport::new(settings.endpoint, &settings.env, settings.patience)?,
            credentials: settings.credentials,
            pace: Pace::new(settings.list, settings.head, settings.restore, Arc::clone(&clock)),
            trial: Trial::default(),
            max_attempts: settings.max_attempts.max(1),
            clock,
            tell,
            counters: Counters::default(),
            store_origin: AtomicI64::new(UNTOLD),
            ahead_seconds: AtomicI64::new(UNTOLD),
            halt: watch::Sender::new(false),
        })
    }

    /// Where the credentials in use come from, and until when they are good where that is told; `None`
    /// before the first request. Never a secret.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, Option<Timestamp>)> {
        self.credentials.origin()
    }

    /// Fetches the credentials, which else the first request does.
    ///
    /// # Errors
    /// [`CredentialError`] if no source has any, or one is broken.
    pub async fn prove_credentials(&self) -> Result<(), CredentialError> {
        self.credentials.get().await.map(drop)
    }

    /// How far the store's clock is ahead of this machine's, to the second, by the last answer that
    /// told; negative if it is behind.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        let seconds = self.ahead_seconds.load(Ordering::Relaxed);
        (seconds != UNTOLD).then(|| SignedDuration::from_secs(seconds))
    }

    /// Whether the bucket lets archived objects be read without a restore, asked at the pace of listings;
    /// `None` where buckets have no such setting, and nothing is sent.
    ///
    /// # Errors
    /// As for any request; a right of its own is needed.
    pub async fn direct_read(&self) -> Option<Result<bool, StoreError>> {
        let request = self.dialect.direct_read()?;
        let read = |Received { reply, .. }: Received| self.dialect.read_direct_read(&reply);
        Some(self.call(Call::List, None, request, read).await.map(|answered| answered.answer))
    }

    /// Where requests go.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        self.transport.endpoint()
    }
}

impl Store for Client {
    async fn list(&self, listing: &Listing, at: &Position) -> Result<Answered<Page>, StoreError> {
        self.call(Call::List, None, self.dialect.list(listing, at), |Received { reply, share }| {
            match reply.status {
                200 => {
                    let entries = share.as_ref().map(Share::entries).unwrap_or_default();
                    self.dialect.read_page(listing, reply, entries).map(|page| match share {
                        Some(share) => page.lent_by(share),
                        None => page,
                    })
                }
                _ => Err(self.dialect.read_refusal(&reply)),
            }
        })
        .await
    }

    async fn head(&self, key: &[u8], version_id: &[u8]) -> Result<Answered<Head>, StoreError> {
        self.call(Call::Head, None, self.dialect.head(key, version_id), |Received { reply, .. }| match reply
            .status
        {
            200 => self.dialect.read_head(&reply),
            _ => Err(self.dialect.read_refusal(&reply)),
        })
        .await
    }

    async fn restore(&self, ask: RestoreAsk<'_>) -> Result<Answered<RestoreAnswer>, StoreError> {
        let request = self.dialect.restore(&ask);
        let unsent = |kind| self.failed(Call::Restore, &request, Fault::bare(kind), (0, Answers::default()));
        let turn = tokio::select! {
            biased;
            () = self.halted() => return Err(unsent(ErrorKind::Halted)),
            turn = self.trial.turn() => turn,
        };
        if let Turn::Closed = turn {
            return Err(unsent(ErrorKind::Forbidden));
        }
        let ended = self
            .call(Call::Restore, ask.until, request, |Received { reply, .. }| {
                self.dialect.read_restore(&reply)
            })
            .await;
        if let Turn::Alone { .. } = turn
            && self.trial.judge(ended.as_ref().err().map(|error| error.kind))
        {
            return ended.map_err(|error| StoreError { kind: ErrorKind::Forbidden, ..error });
        }
        ended
    }

    async fn release(&self, key: &[u8], version_id: &[u8]) -> Result<Answered<ReleaseAnswer>, StoreError> {
        let Some(request) = self.dialect.release(key, version_id) else {
            let none = self.dialect.head(key, version_id);
            return Err(self.failed(
                Call::Release,
                &none,
                Fault::bare(ErrorKind::Illegal),
                (0, Answers::default()),
            ));
        };
        self.call(Call::Release, None, request, |Received { reply, .. }| self.dialect.read_release(&reply))
            .await
    }

    fn can_release(&self) -> bool {
        self.dialect.release(b"k", b"").is_some()
    }

    fn usual_time(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Duration> {
        self.dialect.usual(class, access_tier, tier).map(|usual| usual.latest)
    }

    fn addressable(&self, key: &[u8]) -> bool {
        self.transport.url(&self.dialect.head(key, b"")).is_some()
    }

    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer> {
        self.dialect.offer(class, access_tier)
    }

    fn halt(&self) {
        self.halt.send_replace(true);
    }

    fn requests(&self) -> RequestCounts {
        let c = &self.counters;
        RequestCounts {
            list: c.list.load(Ordering::Relaxed),
            head: c.head.load(Ordering::Relaxed),
            restore: c.restore.load(Ordering::Relaxed),
            retries: c.retries.load(Ordering::Relaxed),
            throttled: c.throttled.load(Ordering::Relaxed),
            slow_downs: self.pace.slow_downs(),
            lowest_restore_rate: self.pace.lowest_restore_rate(),
            lists: *c.lists.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn rates(&self) -> Rates {
        self.pace.rates()
    }

    fn restores_held(&self) -> Duration {
        self.pace.held(Call::Restore)
    }

    fn restores_in_flight(&self) -> u32 {
        self.counters.restores_in_flight.load(Ordering::Relaxed)
    }
}
