//! One request on its way: attempts, what their answers change, and when another one makes sense.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Client, Counters, UNTOLD};
use crate::model::{Answers, Event, Notice};
use crate::store::credentials::CredentialError;
use crate::store::dialect::{Credentials, Request};
use crate::store::pace::Leave;
use crate::store::retry::{self, Tries};
use crate::store::transport::{Received, SendError};
use crate::store::{Answered, Call, ErrorKind, Refusal, StoreError};

/// Longest piece of a key shown in an error.
const SHOWN_KEY: usize = 200;
/// A skew below this is left to the server's own tolerance.
const SMALLEST_SKEW: SignedDuration = SignedDuration::from_secs(1);

/// No store takes a signature whose time is off by 15 minutes; a little less, for what is lost on
/// the way. COS calls a clock that is so far behind "Request has expired", under the code of a
/// missing right, and a HEAD brings no code at all. Sources: OSS error 0002-00000504, COS "Error
/// codes", S3 "Error responses", read 2026-11.
const LARGEST_SKEW: SignedDuration = SignedDuration::from_mins(14);

/// How often a request that waits for its turn looks whether it may still leave.
const LOOK_AT_HOUR: Duration = Duration::from_millis(200);

/// One attempt that brought no answer.
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
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

impl Client {
    /// Sends `request` as often as it takes, and reads the answer with `read`.
    pub(super) async fn call<T: Send>(
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
            // Those that wait for their turn give it up at once, and take no token.
            () = self.late(until) => return Err(Fault::bare(ErrorKind::Late)),
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
        let at = self.signing_time();
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

    /// The time to sign with: this machine's, until the store has refused it. From then on the store's,
    /// carried on by the monotonic clock, so that a clock that is set again and again costs a request one
    /// attempt and not all it has.
    fn signing_time(&self) -> Timestamp {
        let own = || self.clock.now();
        match self.store_origin.load(Ordering::Relaxed) {
            UNTOLD => own(),
            origin => Timestamp::from_second(origin.saturating_add(self.monotonic_seconds()))
                .unwrap_or_else(|_| own()),
        }
    }

    fn monotonic_seconds(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_secs()).unwrap_or(i64::MAX)
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
                let origin = server_time.as_second().saturating_sub(self.monotonic_seconds());
                self.store_origin.store(origin, Ordering::Relaxed);
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

    /// The error that `fault` comes to.
    pub(super) fn failed(
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

    /// Waits until the hour by which a request must have left; for ever without one. The hour is looked at
    /// again and again: a clock that was set makes a long sleep end at the wrong time.
    async fn late(&self, until: Option<Timestamp>) {
        let Some(until) = until else { return std::future::pending().await };
        while self.clock.now() < until {
            self.clock.sleep(LOOK_AT_HOUR).await;
        }
    }

    /// Comes back once nothing more is to be sent.
    pub(super) async fn halted(&self) {
        let mut halt = self.halt.subscribe();
        // The sender lives as long as `self`, so waiting can only end with the wish come true.
        let _ = halt.wait_for(|halted| *halted).await;
    }
}

impl Fault {
    /// One of which no more is known.
    pub(super) const fn bare(kind: ErrorKind) -> Self {
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
