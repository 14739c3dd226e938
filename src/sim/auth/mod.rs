//! Who may call: stands in until the signatures are checked.

use super::wire::date::Secs;
use super::{Credential, Dialect};

/// A request as it came.
#[derive(Debug)]
pub(in crate::sim) struct Signed<'r> {
    pub(in crate::sim) method: &'r str,
    /// Raw path and query, exactly as on the wire.
    pub(in crate::sim) target: &'r str,
    pub(in crate::sim) headers: &'r http::HeaderMap,
    pub(in crate::sim) body: &'r [u8],
}

/// What the request must be signed for.
#[derive(Debug)]
pub(in crate::sim) struct Scope<'r> {
    pub(in crate::sim) provider: Dialect,
    /// Empty if the request names none.
    pub(in crate::sim) bucket: &'r str,
    /// The bucket stood in the Host, not in the path.
    pub(in crate::sim) virtual_host: bool,
    pub(in crate::sim) region: &'r str,
    pub(in crate::sim) now: Secs,
    pub(in crate::sim) credentials: &'r [Credential],
}

/// Why a request is refused.
#[derive(Debug)]
pub(in crate::sim) enum Denial {
    Missing,
    UnknownKey { access_key_id: String },
    WrongSignature { string_to_sign: String, canonical_request: String },
    Skewed { request_time: Secs, server_time: Secs },
    WrongRegion { expected: String, got: String },
    Malformed(String),
    BadToken,
    ExpiredToken,
}

/// Finds who signed `request`.
pub(in crate::sim) fn verify<'r>(request: &Signed<'r>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    let header = request.headers.get("authorization").and_then(|v| v.to_str().ok()).ok_or(Denial::Missing)?;
    scope
        .credentials
        .iter()
        .find(|c| header.contains(&c.access_key_id))
        .ok_or_else(|| Denial::UnknownKey { access_key_id: String::new() })
}
