//! How each vendor wants to be asked, and what its answers mean. Pure: no network, no clock.
//!
//! One file per vendor ([`Oss`], [`Cos`], [`S3`]), each an implementation of [`Dialect`]: its form
//! of listing, headers, error table, classes and hosts. What the three have in common stands
//! beside them: `ask` builds requests, `answer` reads HEAD and restore replies, `refusal` reads
//! what is not a success, [`xml`] reads pages and error documents. Signatures live in
//! [`sign`](super::sign). To add a vendor, copy a file and its folder of `tests/wire`.

mod answer;
mod ask;
mod cos;
mod dates;
pub mod encoding;
#[cfg(test)]
mod golden;
mod legal;
mod mark;
mod oss;
mod quota;
mod refusal;
mod s3;
pub mod xml;

pub use cos::Cos;
pub use encoding::target;
pub use oss::Oss;
pub use quota::quota;
pub use s3::S3;

use std::fmt;

use http::{HeaderMap, Method};
use jiff::Timestamp;

use super::{Head, Listing, Refusal, ReleaseAnswer, RestoreAnswer, RestoreAsk};
use crate::model::{Access, Entry, Offer, Page, Position, Provider, Tier, Usual};

/// A request before it has an authority and a signature. `Debug` leaves out what headers hold: once
/// signed, that is a signature and perhaps a token.
#[derive(Clone)]
pub struct Request {
    /// GET, HEAD or POST.
    pub method: Method,
    /// The key, exact bytes, not encoded; empty for calls on the bucket.
    pub key: Vec<u8>,
    /// Query pairs, not encoded, in wire order. A pair without value is sent as its bare name.
    pub query: Vec<(&'static str, Vec<u8>)>,
    /// Headers besides `Host`, lower-case names. The signature adds its own.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for GET and HEAD.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("key", &self.key.escape_ascii().to_string())
            .field("query", &self.query)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// A whole reply: the body has been read to its end.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

/// How the bucket stands in the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `bucket.host/key`, the vendors' normal form.
    Virtual,
    /// `host/bucket/key`, for IP addresses, custom endpoints and dotted buckets under TLS.
    Path,
    /// `host/key`, where the host is the bucket's own domain.
    Domain,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether TLS is spoken.
    pub https: bool,
    /// Host without the bucket label, and `:port` where it is not the scheme's own.
    pub host: String,
    /// How the bucket stands in the URL.
    pub style: Style,
    /// The bucket (COS: with its APPID suffix).
    pub bucket: String,
    /// The region that goes into the signature.
    pub region: String,
}

impl Endpoint {
    /// The `Host` header: bucket label, host, port.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.style {
            Style::Virtual => format!("{}.{}", self.bucket, self.host),
            Style::Path | Style::Domain => self.host.clone(),
        }
    }
}

/// Long-lived or temporary keys. Neither `Debug` nor `Display` shows the secret parts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id (public).
    pub access_key_id: String,
    /// Secret key.
    pub secret_key: String,
    /// STS token of temporary keys.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(redacted)")
    }
}

/// One vendor's way of asking and answering.
pub trait Dialect: Send + Sync + fmt::Debug {
    /// Which vendor.
    fn provider(&self) -> Provider;

    /// The request for one page.
    fn list(&self, listing: &Listing, at: &Position) -> Request;

    /// The request for one object's state; `version_id` empty for the current version.
    fn head(&self, key: &[u8], version_id: &[u8]) -> Request;

    /// The restore request for one object.
    fn restore(&self, ask: &RestoreAsk<'_>) -> Request;

    /// Signs `request` for `to` at the time `at`, adding headers.
    fn sign(&self, request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp);

    /// Reads a 200 reply to [`Dialect::list`]. The reply's body becomes (or feeds) the page's buffer,
    /// and `entries` is a buffer that may be used for what it lists.
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`](super::ErrorKind::Unreadable) for a page that is torn, mislabelled or not in the vendor's form,
    /// and what the body says if it is an error document under status 200.
    fn read_page(&self, listing: &Listing, reply: Reply, entries: Vec<Entry>) -> Result<Page, Refusal>;

    /// Reads a 200 reply to [`Dialect::head`].
    ///
    /// # Errors
    /// [`ErrorKind::Unreadable`](super::ErrorKind::Unreadable) if a restore header is not in the vendor's form.
    fn read_head(&self, reply: &Reply) -> Result<Head, Refusal>;

    /// Reads any reply to [`Dialect::restore`].
    ///
    /// # Errors
    /// The refusal, classified by the vendor's code first and the status second.
    fn read_restore(&self, reply: &Reply) -> Result<RestoreAnswer, Refusal>;

    /// Reads any reply that is not a success.
    fn read_refusal(&self, reply: &Reply) -> Refusal;

    /// Whether the store says in an answer, whatever else that is, that it has let the request wait for
    /// the sake of a bound on traffic: the caller goes too fast.
    fn delays(&self, _reply: &Reply) -> bool {
        false
    }

    /// What a storage class, with the access tier where shown, means for reading.
    fn access(&self, class: &[u8], access_tier: &[u8]) -> Access;

    /// What a class accepts in a restore request; `None` if it takes none.
    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer>;

    /// How long a restore of this class takes until the copy is readable: the shortest and the longest
    /// that the vendor names for the tier; for no tier, for a request that names none. `None` if the
    /// class needs no restore, or does not offer the tier.
    fn usual(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Usual>;

    /// The request that gives a readable copy back before it lapses; `None` if the vendor has no such
    /// call. `version_id` empty for the current version.
    fn release(&self, _key: &[u8], _version_id: &[u8]) -> Option<Request> {
        None
    }

    /// Reads any reply to [`Dialect::release`].
    ///
    /// # Errors
    /// The refusal, classified by the vendor's code first and the status second.
    fn read_release(&self, reply: &Reply) -> Result<ReleaseAnswer, Refusal> {
        Err(self.read_refusal(reply))
    }

    /// The request that asks whether the bucket lets archived objects be read without a restore; `None` if
    /// the vendor's buckets have no such setting.
    fn direct_read(&self) -> Option<Request> {
        None
    }

    /// Reads any reply to [`Dialect::direct_read`]: whether they may be read so.
    ///
    /// # Errors
    /// The refusal, classified by the vendor's code first and the status second;
    /// [`ErrorKind::Unreadable`](super::ErrorKind::Unreadable) if the reply tells neither.
    fn read_direct_read(&self, reply: &Reply) -> Result<bool, Refusal> {
        Err(self.read_refusal(reply))
    }

    /// The classes that always need a restore, vendor spelling; the default class filter.
    fn archived_classes(&self) -> &'static [&'static str];

    /// Every class name the vendor documents, vendor spelling; for checks and spelling hints.
    fn known_classes(&self) -> &'static [&'static str];

    /// Whether listings show the whole restore state of archived objects (COS listings do not).
    fn listing_tells_state(&self) -> bool;

    /// The vendor's public host (without bucket label) for `region`.
    fn default_host(&self, region: &str) -> String;

    /// The region that a vendor host name carries, if it does.
    fn region_of_host(&self, host: &str) -> Option<String>;

    /// Why `bucket` cannot be a bucket name of this vendor, if it cannot.
    fn bucket_fault(&self, bucket: &str) -> Option<String>;
}

/// What a job may ask of every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the requester pays, in buckets set up so.
    pub request_payer: bool,
    /// Whether the bucket lets objects of the class Archive be read without a restore, for a fee. Only
    /// OSS has that, as a property of the bucket that no listing and no HEAD shows.
    pub archive_direct_read: bool,
}

/// The dialect of `provider`.
#[must_use]
pub fn for_provider(provider: Provider, options: Options) -> Box<dyn Dialect> {
    match provider {
        Provider::Oss => Box::new(Oss::new(options)),
        Provider::Cos => Box::new(Cos::new(options)),
        Provider::S3 => Box::new(S3::new(options)),
    }
}

/// `host` without its port, as names are compared.
fn bare_host(host: &str) -> String {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.trim_end_matches('.').to_ascii_lowercase()
}
