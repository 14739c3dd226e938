//! S3 Signature Version 4, in the header or in the query.
//!
//! Source: S3 API reference "Authenticating Requests: Using the Authorization Header" and "… Using
//! Query Parameters", "Error responses", and botocore's `S3SigV4Auth`; read 2026-11. Version 2 and
//! chunked uploads are refused.

use super::super::config::Credential;
use super::super::wire::date::parse_rfc1123;
use super::super::wire::encode::{PATH, Params, decode};
use super::v4::{self, Claim, Flavour};
use super::{Denial, Scope, Signed, digest, headers};

const FLAVOUR: Flavour =
    Flavour { algorithm: "AWS4-HMAC-SHA256", prefix: "AWS4", service: "s3", terminator: "aws4_request" };

const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Finds who signed `request`.
pub(super) fn verify<'r>(request: &Signed<'_>, scope: &Scope<'r>) -> Result<&'r Credential, Denial> {
    let params = Params::parse(request.query());
    let authorization = headers::text(request.headers, "authorization").filter(|text| !text.is_empty());
    let presigned = params.has("X-Amz-Algorithm") || params.has("X-Amz-Signature");
    match authorization {
        Some(_) if presigned => {
            Err(Denial::Malformed("only one way of signing is allowed: header or query".to_owned()))
        }
        Some(text) => match text.split_once(' ') {
            Some((word, rest)) if word == FLAVOUR.algorithm => in_header(request, scope, &params, rest),
            Some((word, _)) => Err(Denial::Unsupported(word.to_owned())),
            None => Err(Denial::Unsupported(text)),
        },
        None if presigned => in_query(request, scope, &params),
        None if params.has("AWSAccessKeyId") => Err(Denial::Unsupported("version 2 in the query".to_owned())),
        None => Err(Denial::Missing),
    }
}

fn in_header<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    rest: &str,
) -> Result<&'r Credential, Denial> {
    let fields = v4::fields(rest, &["Credential", "SignedHeaders", "Signature"])?;
    let claim = Claim {
        credential: v4::required(&fields, "Credential")?,
        signature: v4::required(&fields, "Signature")?,
        names: Some(v4::required(&fields, "SignedHeaders")?),
        stamp: headers::text(request.headers, "x-amz-date").or_else(|| {
            let date = headers::text(request.headers, "date")?;
            parse_rfc1123(&date).map(v4::basic).or(Some(date))
        }),
        lifetime: None,
        token: headers::value(request.headers, "x-amz-security-token"),
    };
    let claimed = headers::text(request.headers, "x-amz-content-sha256")
        .ok_or_else(|| Denial::Malformed("x-amz-content-sha256 is missing".to_owned()))?;
    let is_digest = claimed.len() == 64 && claimed.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digest && claimed != UNSIGNED {
        return Err(Denial::Malformed(format!(
            "x-amz-content-sha256 is `{claimed}`, neither {UNSIGNED} nor a SHA-256"
        )));
    }
    let credential = judge(request, scope, params, &claim, &claimed)?;
    if is_digest {
        let computed = digest::sha256_hex(request.body);
        if computed != claimed {
            return Err(Denial::WrongBody { claimed, computed });
        }
    }
    Ok(credential)
}

fn in_query<'r>(request: &Signed<'_>, scope: &Scope<'r>, params: &Params) -> Result<&'r Credential, Denial> {
    let need = |name: &str| {
        let value = params.text(name).filter(|value| !value.is_empty());
        value
            .map(std::borrow::Cow::into_owned)
            .ok_or_else(|| Denial::Malformed(format!("the parameter `{name}` is missing")))
    };
    let algorithm = need("X-Amz-Algorithm")?;
    if algorithm != FLAVOUR.algorithm {
        return Err(Denial::Unsupported(algorithm));
    }
    let claim = Claim {
        credential: need("X-Amz-Credential")?,
        signature: need("X-Amz-Signature")?,
        names: Some(need("X-Amz-SignedHeaders")?),
        stamp: Some(need("X-Amz-Date")?),
        lifetime: Some(need("X-Amz-Expires")?),
        token: params.get("X-Amz-Security-Token").map(<[u8]>::to_vec),
    };
    judge(request, scope, params, &claim, UNSIGNED)
}

fn judge<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    claim: &Claim,
    payload: &str,
) -> Result<&'r Credential, Denial> {
    let names = headers::list(claim.names.as_deref().unwrap_or_default());
    let admitted = FLAVOUR.admit(claim, scope)?;
    let signed = |name: &str| names.iter().any(|listed| listed == name);
    let mut unsigned: Vec<&str> =
        headers::names(request.headers, "x-amz-").into_iter().filter(|name| !signed(name)).collect();
    if !signed("host") {
        unsigned.insert(0, "host");
    }
    if !unsigned.is_empty() {
        return Err(Denial::Unsigned { names: unsigned.join(", ") });
    }

    // Each segment is encoded once, `//`, `.` and `..` stay, and a `+` in a path is a plus. Path
    // style or not, and with or without a slash after the bucket, the path counts as received.
    let path = decode(request.path().as_bytes(), false);
    let mut canonical = format!(
        "{}\n{}\n{}\n",
        request.method,
        PATH.text(&path),
        v4::canonical_query(params, Some("X-Amz-Signature"), false)
    )
    .into_bytes();
    for name in &names {
        let value = headers::value(request.headers, name)
            .ok_or_else(|| Denial::Malformed(format!("`{name}` is listed as signed but was not sent")))?;
        headers::push_line(&mut canonical, name, &single_spaced(&value));
    }
    canonical.extend_from_slice(format!("\n{}\n{payload}", names.join(";")).as_bytes());
    FLAVOUR.compare(&admitted, canonical)
}

/// The value with runs of spaces made one, as the canonical headers have it.
fn single_spaced(value: &[u8]) -> Vec<u8> {
    let mut out = value.to_vec();
    out.dedup_by(|next, before| *next == b' ' && *before == b' ');
    out
}
