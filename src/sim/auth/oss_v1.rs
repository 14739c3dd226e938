//! OSS signature version 1 in the header: what older SDKs send unless told otherwise.
//!
//! Source: OSS "Include signatures in the Authorization header", error pages 0002-00000061 to
//! -00000063 and 0002-00000502, -00000503, and the signers of the official Python SDKs; read 2026-11.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::config::Credential;
use super::super::wire::date::{Secs, parse_basic, parse_rfc1123};
use super::super::wire::encode::Params;
use super::{Denial, Scope, Signed, digest, headers, oss};

/// Parameters that are part of the signed resource: those that the official SDKs name. All others
/// (`list-type`, `prefix`, `max-keys`, `marker` …) are not signed. Sorted.
const SUBRESOURCES: [&str; 88] = [
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketArchiveDirectRead",
    "bucketInfo",
    "callback",
    "callback-var",
    "cleanRestoredObject",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "group",
    "httpsConfig",
    "inventory",
    "inventoryId",
    "lifecycle",
    "link",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectInfo",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "publicAccessBlock",
    "qos",
    "qosInfo",
    "qosRequester",
    "redundancyTransition",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "requesterQosInfo",
    "resourceGroup",
    "resourcePool",
    "resourcePoolBuckets",
    "resourcePoolInfo",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "worm",
    "wormExtend",
    "wormId",
    "x-oss-ac-forward-allow",
    "x-oss-ac-source-ip",
    "x-oss-ac-subnet-mask",
    "x-oss-ac-vpc-id",
    "x-oss-access-point-name",
    "x-oss-async-process",
    "x-oss-process",
    "x-oss-redundancy-transition-taskid",
    "x-oss-request-payer",
    "x-oss-target-redundancy-type",
    "x-oss-traffic-limit",
    "x-oss-write-get-object-response",
];

/// Finds who signed `request`; `rest` is what follows `OSS ` in the header.
pub(super) fn verify<'r>(
    request: &Signed<'_>,
    scope: &Scope<'r>,
    params: &Params,
    rest: &str,
) -> Result<&'r Credential, Denial> {
    let (access_key_id, provided) = rest
        .split_once(':')
        .filter(|(id, _)| !id.trim().is_empty())
        .ok_or_else(|| Denial::Malformed("Authorization is not `OSS <key>:<signature>`".to_owned()))?;
    let (date, signed_at) = date(request)?;
    let credential = scope.credential(access_key_id)?;
    scope.admit_time(signed_at)?;
    scope.admit_token(credential, headers::value(request.headers, "x-oss-security-token").as_deref())?;

    let plain = |name: &str| headers::text(request.headers, name).unwrap_or_default();
    let mut to_sign =
        format!("{}\n{}\n{}\n{date}\n", request.method, plain("content-md5"), plain("content-type"))
            .into_bytes();
    for name in headers::names(request.headers, "x-oss-") {
        let value = headers::value(request.headers, name).unwrap_or_default();
        headers::push_line(&mut to_sign, name, &value);
    }
    to_sign.extend_from_slice(&oss::resource(request, scope));
    push_subresources(&mut to_sign, params);

    let computed = STANDARD.encode(digest::hmac_sha1(credential.secret_key.as_bytes(), &to_sign));
    if computed == provided {
        return Ok(credential);
    }
    Err(Denial::WrongSignature {
        access_key_id: access_key_id.to_owned(),
        provided: provided.to_owned(),
        string_to_sign: headers::lossy(to_sign),
        canonical_request: String::new(),
    })
}

/// The date as it is signed and what it means: `x-oss-date` if it is there, else `Date`.
fn date(request: &Signed<'_>) -> Result<(String, Secs), Denial> {
    let text = headers::text(request.headers, "x-oss-date")
        .or_else(|| headers::text(request.headers, "date"))
        .ok_or(Denial::Undated)?;
    let secs = parse_rfc1123(&text).or_else(|| parse_basic(&text)).ok_or(Denial::Undated)?;
    Ok((text, secs))
}

/// Appends `?name=value&name`, decoded and sorted; nothing if no parameter counts.
fn push_subresources(out: &mut Vec<u8>, params: &Params) {
    let mut pairs: Vec<(&str, &[u8])> =
        params.iter().filter(|(name, _)| SUBRESOURCES.binary_search(name).is_ok()).collect();
    pairs.sort_unstable();
    for (at, (name, value)) in pairs.into_iter().enumerate() {
        out.push(if at == 0 { b'?' } else { b'&' });
        out.extend_from_slice(name.as_bytes());
        if !value.is_empty() {
            out.push(b'=');
            out.extend_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_can_be_searched() {
        assert!(SUBRESOURCES.is_sorted());
    }
}
