//! Whether a request is signed by someone the simulator knows.
//!
//! Written from the vendors' pages, apart from the client's signers: were the two to share code,
//! a fault in it would let them agree on a signature that no store accepts.
//!
//! | vendor | accepted | file |
//! | --- | --- | --- |
//! | OSS | V4 in the header or in the query, V1 in the header | `oss.rs`, `oss_v1.rs` |
//! | COS | `q-sign-algorithm=sha1` in the header or in the query | `cos.rs` |
//! | S3 | Signature Version 4 in the header or in the query | `s3.rs` |
//!
//! Tolerant where the vendors are: order of headers and of query parameters, headers that are not
//! signed, `+` or `%20` for a space in the query, a parameter without value with or without `=`.
//! Strict where they are: date and region of the scope, clock, windows, session tokens.

mod cos;
mod digest;
mod headers;
mod oss;
mod oss_v1;
mod s3;
mod v4;

#[cfg(test)]
mod captured;
#[cfg(test)]
mod sample;

use super::config::{Credential, Dialect};
use super::wire::date::Secs;

/// Seconds by which a request may be off the server's clock, either way. The three vendors agree on
/// 15 minutes (OSS error 0002-00000504, COS error codes page, S3 error responses page).
pub(in crate::sim) const MAX_SKEW: Secs = 900;

/// A request as it came over the wire.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Signed<'r> {
    /// The method, upper case.
    pub method: &'r str,
    /// Path and query exactly as received, such as `/dir/%C3%BC?restore`.
    pub target: &'r str,
    /// The headers, `Host` and `Authorization` among them.
    pub headers: &'r http::HeaderMap,
    /// The whole body.
    pub body: &'r [u8],
}

impl<'r> Signed<'r> {
    /// The raw path, at least `/`.
    fn path(&self) -> &'r str {
        let path = self.target.split_once('?').map_or(self.target, |(path, _)| path);
        if path.is_empty() { "/" } else { path }
    }

    /// The raw query, without the `?`.
    fn query(&self) -> &'r str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// What the request is checked against.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim) struct Scope<'r> {
    /// Whose scheme applies.
    pub provider: Dialect,
    /// The bucket addressed; empty for a call to the service itself.
    pub bucket: &'r str,
    /// Whether the bucket stood in the Host, not in the path.
    pub virtual_host: bool,
    /// The region of the bucket; empty accepts any.
    pub region: &'r str,
    /// The server's clock.
    pub now: Secs,
    /// Who may call.
    pub credentials: &'r [Credential],
}

impl<'r> Scope<'r> {
    fn credential(&self, access_key_id: &str) -> Result<&'r Credential, Denial> {
        self.credentials
            .iter()
            .find(|known| known.access_key_id == access_key_id)
            .ok_or_else(|| Denial::UnknownKey { access_key_id: access_key_id.to_owned() })
    }

    /// Checks the token that came along against the one that belongs to `credential`. An empty token
    /// counts as none. This comes before the signature: the stores find the secret of a temporary
    /// pair through its token.
    fn admit_token(&self, credential: &Credential, sent: Option<&[u8]>) -> Result<(), Denial> {
        let wanted = credential.session_token.as_deref().map(str::as_bytes);
        if sent.filter(|token| !token.is_empty()) != wanted {
            return Err(Denial::BadToken);
        }
        match credential.expires {
            Some(expires) if expires.as_second() <= self.now => Err(Denial::ExpiredToken),
            _ => Ok(()),
        }
    }

    /// Refuses a request that was signed too far from the server's clock.
    fn admit_time(&self, request_time: Secs) -> Result<(), Denial> {
        if (self.now - request_time).abs() > MAX_SKEW {
            return Err(Denial::Skewed { request_time, server_time: self.now });
        }
        Ok(())
    }
}

/// Why a request is refused, and what each vendor calls it. Statuses and codes marked "guess" are
/// made up where the vendor's pages are silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Denial {
    /// No signature at all. 403 `AccessDenied` on all three.
    Missing,
    /// A scheme that is not served, such as S3 Signature Version 2. OSS: 403 `AccessDenied` (EC
    /// 0002-00000061); COS: 403 (guess: `AccessDenied`); S3: 400 `InvalidRequest` "The authorization
    /// mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    Unsupported(String),
    /// The signature's own fields cannot be read or contradict each other. OSS: 400
    /// `InvalidArgument` (EC 0002-00000201 to -00000228); COS: 400 (guess: `InvalidArgument`); S3: 400
    /// `AuthorizationHeaderMalformed`, in the query `AuthorizationQueryParametersError`.
    Malformed(String),
    /// The date is absent or unreadable. OSS: 403 `AccessDenied` (EC 0002-00000502, -00000503); S3:
    /// 403 `AccessDenied` "AWS authentication requires a valid Date or x-amz-date header". COS has
    /// no date of its own.
    Undated,
    /// Nobody has this access key. 403 `InvalidAccessKeyId` on all three.
    UnknownKey {
        /// The key as given.
        access_key_id: String,
    },
    /// The signature is another one. 403 `SignatureDoesNotMatch` on all three.
    WrongSignature {
        /// The key that it should be of.
        access_key_id: String,
        /// The signature as given.
        provided: String,
        /// What the server signed.
        string_to_sign: String,
        /// What the server derived the string from; on COS the `HttpString` (its error body calls it
        /// `FormatString`); empty for OSS V1, which has none.
        canonical_request: String,
    },
    /// The signature is right, but the body has another digest than the signed header says. S3 only:
    /// 400 `XAmzContentSHA256Mismatch`.
    WrongBody {
        /// The digest of the header, hex.
        claimed: String,
        /// The digest of the body, hex.
        computed: String,
    },
    /// Signed more than [`MAX_SKEW`] away from the server's clock. 403 `RequestTimeTooSkewed` on all
    /// three; for a presigned URL that is not valid yet S3 says 403 `AccessDenied`.
    Skewed {
        /// When it says it was signed.
        request_time: Secs,
        /// What the server's clock says.
        server_time: Secs,
    },
    /// The window of a presigned URL, or on COS of any signature, has closed. 403 `AccessDenied`
    /// "Request has expired" on all three.
    Expired {
        /// When it closed.
        expires: Secs,
        /// What the server's clock says.
        server_time: Secs,
    },
    /// Signed for another region. OSS: 400 `InvalidArgument` "The signing region in credential is
    /// invalid." (EC 0002-00000228, in the query -00000226); S3: 400 `AuthorizationHeaderMalformed`
    /// with `Region` in the body. COS signs no region.
    WrongRegion {
        /// Where the bucket is.
        expected: String,
        /// What the signature says.
        got: String,
    },
    /// Headers that must be signed are not. S3 only: 403 `AccessDenied` "There were headers present in
    /// the request which were not signed", with `HeadersNotSigned` in the body.
    Unsigned {
        /// Their names, as in `x-amz-a, x-amz-b`.
        names: String,
    },
    /// The session token is absent, another one, or sent along with a long-lived key. OSS: 403
    /// `InvalidSecurityToken`; COS: 403 (guess: `InvalidAccessKeyId`); S3: 400 `InvalidToken`.
    BadToken,
    /// The session has lapsed. OSS: 403 (guess: `SecurityTokenExpired`); COS and S3: 400 `ExpiredToken`.
    ExpiredToken,
}

/// Finds who signed `request`.
///
/// # Errors
/// Why it is refused; the first reason found. The order is that of the stores as far as they show
/// it: form, scope, key, clock, token, signature, body.
pub(in crate::sim) fn verify<'r>(request: &Signed<'_>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    match scope.provider {
        Dialect::Oss => oss::verify(request, scope),
        Dialect::Cos => cos::verify(request, scope),
        Dialect::S3 => s3::verify(request, scope),
    }
}
