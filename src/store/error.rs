//! What can go wrong with a store: what happened × worth another try × the vendor's own words.

use std::fmt;
use std::time::Duration;

use crate::model::Answers;

/// What happened, in the terms that decide what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No connection, reset, torn body, time-out: worth another try.
    Network,
    /// The server did not prove that it is the one meant (its certificate): nothing was asked of it.
    Untrusted,
    /// 5xx or a code that the vendor calls passing: worth another try.
    Server,
    /// The store asks to slow down: worth another try, later.
    Throttled,
    /// The signature's time is too far off the server's clock: sign again with its `Date`.
    Skewed,
    /// The security token has lapsed: renew the credentials, then try again.
    TokenExpired,
    /// Unknown access key, bad signature, bad token: no request will succeed.
    Credentials,
    /// The right to do this is missing.
    Denied,
    /// The right is missing for every object that was tried: no further one is.
    Forbidden,
    /// The account is in arrears or disabled: no request will succeed.
    Account,
    /// No such bucket.
    NoSuchBucket,
    /// No such key or version, or it is a delete marker.
    Gone,
    /// The bucket lives elsewhere; [`Refusal::region`] tells where, if the store did.
    WrongRegion,
    /// The object is in a class (or tier) that needs no restore.
    NotArchived,
    /// The store has no capacity for this kind of request (S3 Expedited).
    Quota,
    /// The store refused the request's content as malformed or illegal; repeating is pointless.
    Illegal,
    /// The reply is not what the vendor documents (a torn or foreign page): worth another try.
    Unreadable,
    /// The key cannot be sent byte for byte; nothing was sent.
    UnsafeKey,
    /// The run is stopping: the request had not been sent yet and will not be.
    Halted,
    /// Its time was over before it (or another attempt at it) could be sent.
    Late,
    /// Any other refusal.
    Other,
}

impl ErrorKind {
    /// Whether the same request may succeed if sent again.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::Network
                | Self::Server
                | Self::Throttled
                | Self::Skewed
                | Self::TokenExpired
                | Self::Unreadable
        )
    }

    /// Whether every further request of the run would meet the same refusal.
    #[must_use]
    pub const fn dooms_run(self) -> bool {
        matches!(
            self,
            Self::Credentials
                | Self::Forbidden
                | Self::Account
                | Self::NoSuchBucket
                | Self::WrongRegion
                | Self::Untrusted
        )
    }
}

/// What a store said when it did not do what was asked, as read by a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it means.
    pub kind: ErrorKind,
    /// HTTP status.
    pub status: u16,
    /// The vendor's code; empty if the answer had none (HEAD).
    pub code: Box<str>,
    /// The vendor's message, bounded in length.
    pub message: Box<str>,
    /// The vendor's request id; empty if none.
    pub request_id: Box<str>,
    /// The region (or endpoint) that the store says is the right one.
    pub region: Option<Box<str>>,
    /// `Retry-After`, where the answer had one in seconds.
    pub retry_after: Option<Duration>,
}

/// Which call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// A listing.
    List,
    /// A HEAD.
    Head,
    /// A restore POST.
    Restore,
    /// A release of a copy; it counts, and is paced, as a restore POST.
    Release,
}

impl Call {
    /// The word used in messages and the summary.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Head => "head",
            Self::Restore => "restore",
            Self::Release => "release",
        }
    }
}

/// A call that failed for good.
#[derive(Debug, thiserror::Error)]
pub struct StoreError {
    /// Which call.
    pub call: Call,
    /// What happened.
    pub kind: ErrorKind,
    /// The bucket or object it was about, printable.
    pub on: String,
    /// What the store said, if it said anything.
    pub refusal: Option<Box<Refusal>>,
    /// What the machine said, if nothing came back.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// Attempts made.
    pub attempts: u32,
    /// How they were answered.
    pub answers: Answers,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} `{}`", self.call.as_str(), self.on)?;
        if let Some(r) = &self.refusal {
            write!(f, ": {}", r.status)?;
            if !r.code.is_empty() {
                write!(f, " {}", r.code)?;
            }
            if !r.message.is_empty() {
                write!(f, " ({})", r.message)?;
            }
            if !r.request_id.is_empty() {
                write!(f, ", request id {}", r.request_id)?;
            }
        }
        if self.attempts > 1 {
            write!(f, " after {} attempts", self.attempts)?;
        }
        Ok(())
    }
}
