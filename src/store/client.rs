//! A [`Store`] over HTTP for any dialect: the one place where the request stack is stacked.
//!
//! Outside in: retry → permit → token → sign → send → read whole body → parse. An attempt ends
//! when its reply is parsed, so a torn page is asked for again; each attempt is signed anew; nothing
//! is held during a backoff.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::credentials::{CredentialError, CredentialSource, Environment};
use super::dialect::{Credentials, Dialect, Endpoint, Request};
pub use super::pace::Allowance;
use super::pace::{Leave, Pace};
use super::retry::{self, Tries};
pub use super::transport::{Patience, TransportError};
use super::transport::{Received, SendError, Transport};
use super::trial::{Trial, Turn};
use super::{
    Answered, Call, ErrorKind, Head, Listing, Refusal, ReleaseAnswer, RestoreAnswer, RestoreAsk, Store,
    StoreError,
};
use crate::model::{Answers, Clock, Event, Notice, Offer, Page, Position, Rates, RequestCounts, Tell, Tier};

/// Longest piece of a key shown in an error.
const SHOWN_KEY: usize = 200;
/// A skew below this is left to the server's own tolerance.
const SMALLEST_SKEW: SignedDuration = SignedDuration::from_secs(1);

/// No store takes a signature whose time is off by 15 minutes; a little less, for what is lost on
/// the way. COS calls a clock that is so far behind "Request has expired", under the code of a
/// missing right, and a HEAD brings no code at all. Sources: OSS error 0002-00000504, COS "Error
/// codes", S3 "Error responses", read 2026-11.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_mins(14);

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

/// One attempt that brought no answer.
struct Fault {
    kind: ErrorKind,
    refusal: Option<Box<Refusal>>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// The server's own time, for healing skew.
    server_time: Option<Timestamp>,
    /// What the attempt was signed with, if it came that far.
    signed: Option<Signed>,
}

/// What an attempt was signed with.
struct Signed {
    keys: Arc<Credentials>,
    at: Timestamp,
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
    /// What is added to this machine's time in signatures.
    skew_seconds: AtomicI64,
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
            transport: Transport::new(
                settings.endpoint,
                &settings.env,
                settings.list.in_flight,
                settings.patience,
            )?,
            credentials: settings.credentials,
            pace: Pace::new(settings.list, settings.head, settings.restore, Arc::clone(&clock)),
            trial: Trial::default(),
            max_attempts: settings.max_attempts.max(1),
            clock,
            tell,
            counters: Counters::default(),
            skew_seconds: AtomicI64::new(0),
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

    /// Sends `request` as often as it takes, and reads the answer with `read`.
    async fn call<T: Send>(
        &self,
        call: Call,
        until: Option<Timestamp>,
        request: Request,
        read: impl Fn(Received) -> Result<T, Refusal> + Send + Sync,
    ) -> Result<Answered<T>, StoreError> {
        let (mut attempts, mut answers) = (0, Answers::default());
        let mut tries = Tries::new(self.pace.progress(call));
        loop {
            let fault = match self.attempt(call, until, &request, &read, (&mut attempts, &mut answers)).await
            {
                Ok(answer) => return Ok(Answered { answer, attempts, answers }),
                Err(fault) => fault,
            };
            let again = tries.again(fault.kind, self.pace.progress(call), self.max_attempts);
            let pause = if again { self.pause_after(&fault, attempts).await } else { None };
            let Some(pause) = pause else {
                return Err(self.failed(call, &request, fault, (attempts, answers)));
            };
            self.counters.retries.fetch_add(1, Ordering::Relaxed);
            self.tell.tell(Event::Notice(Notice::Retrying {
                call: call.as_str(),
                cause: fault.words(),
                attempt: attempts,
                pause,
            }));
            tokio::select! {
                biased;
                () = self.halted() => {
                    let halted = Fault { kind: ErrorKind::Halted, ..fault };
                    return Err(self.failed(call, &request, halted, (attempts, answers)));
                }
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// One attempt, from permit to parsed answer.
    async fn attempt<T>(
        &self,
        call: Call,
        until: Option<Timestamp>,
        request: &Request,
        read: &(impl Fn(Received) -> Result<T, Refusal> + Send + Sync),
        (attempts, answers): (&mut u32, &mut Answers),
    ) -> Result<T, Fault> {
        let leave = tokio::select! {
            biased;
            () = self.halted() => return Err(Fault::bare(ErrorKind::Halted)),
            leave = self.pace.enter(call) => leave,
        };
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Err(Fault::bare(ErrorKind::Late));
        }
        let credentials = self
            .credentials
            .get()
            .await
            .map_err(|e| Fault { cause: Some(Box::new(e)), ..Fault::bare(ErrorKind::Credentials) })?;
        let mut signed = request.clone();
        let skew = SignedDuration::from_secs(self.skew_seconds.load(Ordering::Relaxed));
        let at = self.clock.now().saturating_add(skew).unwrap_or_else(|_| self.clock.now());
        self.dialect.sign(&mut signed, self.transport.endpoint(), &credentials, at);

        let counter = match call {
            Call::List => &self.counters.list,
            Call::Head => &self.counters.head,
            Call::Restore | Call::Release => &self.counters.restore,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        *attempts += 1;
        let on_wire = InFlight::new(call, &self.counters);
        let sent = self.transport.send(signed).await;
        drop(on_wire);
        let mut answered = Answers::default();
        match &sent {
            Ok(received) => answered.note(received.reply.status),
            Err(SendError::Torn(reply, ..)) => answered.note(reply.status),
            Err(SendError::Network(..)) => answered.silent = 1,
            // These were not sent.
            Err(SendError::UnsafeKey | SendError::Untrusted(..)) => {}
        }
        answers.merge(answered);
        if call == Call::List {
            self.counters.lists.lock().unwrap_or_else(PoisonError::into_inner).merge(answered);
        }
        let received = match sent {
            Ok(received) => received,
            // The store has said that it did what was asked. To ask again for the sake of the rest
            // would be paid for: OSS adds the days once more.
            Err(SendError::Torn(reply, ..)) if call == Call::Restore && matches!(reply.status, 200 | 202) => {
                Received { reply: *reply, share: None }
            }
            Err(e) => {
                let kind = match &e {
                    SendError::UnsafeKey => return Err(Fault::bare(ErrorKind::UnsafeKey)),
                    SendError::Untrusted(..) => ErrorKind::Untrusted,
                    SendError::Network(..) | SendError::Torn(..) => ErrorKind::Network,
                };
                return Err(Fault { cause: Some(Box::new(e)), ..Fault::bare(kind) });
            }
        };
        let server_time =
            received.reply.headers.get("date").and_then(|d| d.to_str().ok()).and_then(http_date);
        if let Some(told) = server_time {
            let ahead = told.duration_since(self.clock.now()).as_secs();
            self.ahead_seconds.store(ahead, Ordering::Relaxed);
        }
        let delayed = self.dialect.delays(&received.reply);
        let answer = read(received);
        self.pace_by(call, &leave, delayed, answer.as_ref().err());
        answer.map_err(|refusal| {
            let late = server_time.is_some_and(|t| t.duration_since(at).abs() > LARGEST_SKEW);
            let denied = refusal.kind == ErrorKind::Denied;
            Fault {
                kind: if denied && late { ErrorKind::Skewed } else { refusal.kind },
                refusal: Some(Box::new(refusal)),
                cause: None,
                server_time,
                signed: Some(Signed { keys: credentials, at }),
            }
        })
    }

    /// Lets an answer set the pace of what follows.
    fn pace_by(&self, call: Call, leave: &Leave<'_>, delayed: bool, refusal: Option<&Refusal>) {
        let throttled = refusal.filter(|refusal| refusal.kind == ErrorKind::Throttled);
        if throttled.is_some() {
            self.counters.throttled.fetch_add(1, Ordering::Relaxed);
        } else {
            self.pace.taken(call, leave);
        }
        if throttled.is_none() && !delayed {
            return;
        }
        let ordered = throttled.and_then(|refusal| refusal.retry_after).map(retry::obeyed);
        if let Some(ordered) = ordered {
            self.pace.hold(call, ordered);
        }
        let lower = self.pace.refused(call, leave);
        if lower.is_some() || ordered.is_some() {
            let rate = lower.unwrap_or_else(|| self.pace.rate(call));
            let pause = ordered.unwrap_or_default();
            self.tell.tell(Event::Notice(Notice::SlowedDown { call: call.as_str(), rate, pause }));
        }
    }

    /// Heals what can be healed after a failed attempt; `None` if the failure is final.
    async fn pause_after(&self, fault: &Fault, attempts: u32) -> Option<Duration> {
        match fault.kind {
            ErrorKind::Skewed => {
                let server_time = fault.server_time?;
                // Compared with the time in the signature, not with the clock: meanwhile another
                // request may have found the skew, or somebody may have set the machine's clock.
                if server_time.duration_since(fault.signed.as_ref()?.at).abs() < SMALLEST_SKEW {
                    return None;
                }
                let off = server_time.duration_since(self.clock.now());
                self.skew_seconds.store(off.as_secs(), Ordering::Relaxed);
                return Some(Duration::ZERO);
            }
            ErrorKind::TokenExpired => {
                // The keys that this attempt used: those held now may be new already, and good.
                let renewed = self.credentials.renew(&fault.signed.as_ref()?.keys).await;
                // A source that cannot answer now may do so before the attempts are used up.
                if let Err(CredentialError::Lapsed { .. }) = renewed {
                    return None;
                }
            }
            _ => {}
        }
        let ordered = fault.refusal.as_ref().and_then(|r| r.retry_after).map(retry::obeyed);
        Some(retry::pause(attempts, ordered, rand::random::<f64>()))
    }

    fn failed(
        &self,
        call: Call,
        request: &Request,
        fault: Fault,
        (attempts, answers): (u32, Answers),
    ) -> StoreError {
        let endpoint = self.transport.endpoint();
        let key: String = String::from_utf8_lossy(&request.key)
            .chars()
            .take(SHOWN_KEY)
            .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
            .collect();
        let on = format!("{}://{}/{key}", self.dialect.provider(), endpoint.bucket);
        StoreError {
            call,
            kind: fault.kind,
            on,
            refusal: fault.refusal,
            cause: fault.cause,
            attempts,
            answers,
        }
    }

    async fn halted(&self) {
        let mut halt = self.halt.subscribe();
        // The sender lives as long as `self`, so waiting can only end with the wish come true.
        let _ = halt.wait_for(|halted| *halted).await;
    }
}

impl Store for Client {
    async fn list(&self, listing: &Listing, at: &Position) -> Result<Answered<Page>, StoreError> {
        self.call(Call::List, None, self.dialect.list(listing, at), |Received { reply, share }| {
            match reply.status {
                200 => self.dialect.read_page(listing, reply).map(|page| match share {
                    Some(share) => page.lent_by(share),
                    None => page,
                }),
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

    fn restores_in_flight(&self) -> u32 {
        self.counters.restores_in_flight.load(Ordering::Relaxed)
    }
}

impl Fault {
    const fn bare(kind: ErrorKind) -> Self {
        Self { kind, refusal: None, cause: None, server_time: None, signed: None }
    }

    /// A few words for a progress line.
    fn words(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return format!("{} {}", refusal.status, refusal.code).trim_end().to_owned();
        }
        match &self.cause {
            Some(cause) => match cause.source() {
                Some(root) => format!("{cause}: {root}"),
                None => cause.to_string(),
            },
            None => format!("{:?}", self.kind),
        }
    }
}

/// Counts a restore as in flight for as long as it lives.
struct InFlight<'c>(Option<&'c AtomicU32>);

impl<'c> InFlight<'c> {
    fn new(call: Call, counters: &'c Counters) -> Self {
        let counter = (call == Call::Restore).then_some(&counters.restores_in_flight);
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Self(counter)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Reads an HTTP date such as `Fri, 27 Nov 2026 08:15:02 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp())
}
