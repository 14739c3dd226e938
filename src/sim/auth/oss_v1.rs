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
/// (`list-type`, `prefix`, `max-keys`, `marker` …) are not signed.
const SUBRESOURCES: &str = "
    accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead bucketInfo callback
    callback-var cleanRestoredObject cloudboxes cname comp continuation-token cors delete encryption
    endTime group httpsConfig inventory inventoryId lifecycle link live location logging metaQuery
    objectInfo objectMeta partNumber policy position publicAccessBlock qos qosInfo qosRequester
    redundancyTransition referer regionList replication replicationLocation replicationProgress
    requestPayment requesterQosInfo resourceGroup resourcePool resourcePoolBuckets resourcePoolInfo
    response-cache-control response-content-disposition response-content-encoding
    response-content-language response-content-type response-expires restore security-token sequential
    startTime stat status style styleName symlink tagging transferAcceleration uploadId uploads
    versionId versioning versions vod website worm wormExtend wormId x-oss-ac-forward-allow
    x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id x-oss-access-point-name x-oss-async-process
    x-oss-process x-oss-redundancy-transition-taskid x-oss-request-payer x-oss-target-redundancy-type
    x-oss-traffic-limit x-oss-write-get-object-response";

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
        string_to_sign: headers::lossy(&to_sign),
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
    let counts = |name: &str| SUBRESOURCES.split_ascii_whitespace().any(|known| known == name);
    let mut pairs: Vec<(&str, &[u8])> = params.iter().filter(|(name, _)| counts(name)).collect();
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
    use super::super::super::config::Dialect;
    use super::super::MAX_SKEW;
    use super::super::sample::{Sample, Server};
    use super::*;

    // Made with the official Python SDK v2 1.4.1 and checked against oss2, for 2025-01-02T03:04:05Z.
    const NOW: i64 = 1_735_787_045;
    const LIST: &str = "GET /?list-type=2&max-keys=1000&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url";

    fn server() -> Server {
        Server::new(Dialect::Oss, "examplebucket", true, "cn-hangzhou", NOW)
    }

    fn sample(head: &str, signature: &str) -> Sample {
        Sample::parse(&format!(
            "{head}
Host: examplebucket.oss-cn-hangzhou.aliyuncs.com
Date: Thu, 02 Jan 2025 03:04:05 GMT
Authorization: OSS AKIDEXAMPLE:{signature}"
        ))
    }

    fn list() -> Sample {
        sample(LIST, "u1bnGyyZkI1ebrx0HjLThVvFHG8=")
    }

    fn restore() -> Sample {
        let head = "POST /dir/%C3%BC%20%2B%25.txt?restore&versionId=xyz
Content-Type: application/xml
Content-MD5: spWivc0xWGi0NAfTppQLSA==";
        sample(head, "/yKk3N0NL13dXalVOF1o0uG9v6I=")
    }

    fn with_token() -> Sample {
        sample(LIST, "8/27opsMV/20NJYvL/X2HDVLNkc=").with("x-oss-security-token", "STSTOKENEXAMPLE")
    }

    #[test]
    fn accepts_the_vectors() {
        server().pins(&list());
        server().pins(&restore());
        server().token("STSTOKENEXAMPLE").pins(&with_token());
        let versions = "GET /?versions&max-keys=1000&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url\
                        &key-marker=k%2F1&version-id-marker=CAEQ";
        server().pins(&sample(versions, "Qs6SS9snKNiShPcEvxOjn7n1P6Y="));
        server().pins(&sample("HEAD /dir/%C3%BC%20%2B%25.txt", "fO8i20nmlQKiyCdqKIgYQabjTPE="));
    }

    #[test]
    fn signs_the_strings_of_the_page() {
        let date = "Thu, 02 Jan 2025 03:04:05 GMT";
        assert_eq!(server().canonical(&list()).1, format!("GET\n\n\n{date}\n/examplebucket/"));
        assert_eq!(
            server().canonical(&restore()).1,
            format!(
                "POST\nspWivc0xWGi0NAfTppQLSA==\napplication/xml\n{date}\n\
                 /examplebucket/dir/ü +%.txt?restore&versionId=xyz"
            )
        );
        assert_eq!(
            server().token("STSTOKENEXAMPLE").canonical(&with_token()).1,
            format!("GET\n\n\n{date}\nx-oss-security-token:STSTOKENEXAMPLE\n/examplebucket/")
        );
    }

    #[test]
    fn refuses_one_changed_byte() {
        for (sample, changed) in [
            (list().target("/?", "/?restore&"), "a sub-resource added"),
            (restore().target("xyz", "xyy"), "a sub-resource"),
            (restore().target("%C3%BC", "%C3%BD"), "the path"),
            (restore().with("content-type", "application/xmk"), "content-type"),
            (restore().without("content-md5"), "content-md5"),
            (list().with("x-oss-request-payer", "requester"), "an x-oss header added"),
            (list().with("date", "Thu, 02 Jan 2025 03:04:06 GMT"), "the second"),
            (list().edit("authorization", "u1bn", "u1bm"), "the signature"),
        ] {
            server().refuses_signature(&sample, changed);
        }
        // Version 1 leaves the rest of the query open.
        assert_eq!(server().check(&list().target("max-keys=1000", "max-keys=1")), Ok(()));
    }

    #[test]
    fn wants_a_date_a_key_and_a_token() {
        assert_eq!(server().check(&list().without("date")), Err(Denial::Undated));
        assert_eq!(server().check(&list().with("date", "yesterday")), Err(Denial::Undated));
        let nobody = list().edit("authorization", "AKIDEXAMPLE", "");
        assert!(matches!(server().check(&nobody), Err(Denial::Malformed(_))));
        assert_eq!(server().token("T").check(&list()), Err(Denial::BadToken));
        assert_eq!(server().check(&with_token()), Err(Denial::BadToken));
        for off in [-MAX_SKEW - 1, MAX_SKEW + 1] {
            assert!(matches!(server().at(NOW + off).check(&list()), Err(Denial::Skewed { .. })), "{off}");
        }
    }
}
