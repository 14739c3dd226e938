//! Refused signatures in each vendor's words. Which of them are guesses stands at [`Denial`].

use super::super::auth::Denial;
use super::super::config::Dialect;
use super::date::iso;
use super::fail::{Fail, fail};

/// A denial as `dialect` words it.
pub(in crate::sim) fn denial(dialect: Dialect, denial: Denial) -> Fail {
    let oss = dialect == Dialect::Oss;
    match denial {
        Denial::Missing => fail(403, "AccessDenied", "Access Denied", ""),
        Denial::Unsupported(what) => match dialect {
            Dialect::S3 => fail(
                400,
                "InvalidRequest",
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
                "",
            ),
            Dialect::Oss | Dialect::Cos => fail(403, "AccessDenied", &what, "0002-00000061"),
        },
        Denial::Malformed(what) => match dialect {
            Dialect::S3 => fail(400, "AuthorizationHeaderMalformed", &what, ""),
            Dialect::Oss | Dialect::Cos => fail(400, "InvalidArgument", &what, "0002-00000202"),
        },
        Denial::Undated => {
            let what = "Authentication requires a valid date header";
            fail(403, "AccessDenied", what, "0002-00000502")
        }
        Denial::UnknownKey { access_key_id } => {
            let what = "The Access Key Id you provided does not exist in our records.";
            let name = if oss { "OSSAccessKeyId" } else { "AWSAccessKeyId" };
            fail(403, "InvalidAccessKeyId", what, "0002-00000902").with(name, access_key_id)
        }
        Denial::WrongSignature { access_key_id, provided, string_to_sign, canonical_request } => {
            let what = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
            let id = if oss { "OSSAccessKeyId" } else { "AWSAccessKeyId" };
            let canonical = if dialect == Dialect::Cos { "FormatString" } else { "CanonicalRequest" };
            fail(403, "SignatureDoesNotMatch", what, "0002-00000201")
                .with(id, access_key_id)
                .with("SignatureProvided", provided)
                .with("StringToSign", string_to_sign)
                .with(canonical, canonical_request)
        }
        Denial::WrongBody { claimed, computed } => {
            let what = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            fail(400, "XAmzContentSHA256Mismatch", what, "")
                .with("ClientComputedContentSHA256", claimed)
                .with("S3ComputedContentSHA256", computed)
        }
        Denial::Skewed { request_time, server_time } => {
            let what = "The difference between the request time and the current time is too large.";
            fail(403, "RequestTimeTooSkewed", what, "0002-00000504")
                .with("RequestTime", iso(request_time))
                .with("ServerTime", iso(server_time))
                .with("MaxAllowedSkewMilliseconds", "900000")
        }
        Denial::Expired { expires, server_time } => {
            fail(403, "AccessDenied", "Request has expired", "0002-00000069")
                .with("Expires", iso(expires))
                .with("ServerTime", iso(server_time))
        }
        Denial::WrongRegion { expected, got } => match dialect {
            // Seen in the wild: issues 29 and 85 of alibabacloud-oss-go-sdk-v2.
            Dialect::Oss => fail(
                400,
                "InvalidArgument",
                "Invalid signing region in Authorization header.",
                "0002-00000226",
            ),
            Dialect::Cos => fail(403, "AccessDenied", "Access Denied.", ""),
            Dialect::S3 => {
                let what = format!(
                    "The authorization header is malformed; the region '{got}' is wrong; expecting '{expected}'"
                );
                fail(400, "AuthorizationHeaderMalformed", &what, "")
                    .with("Region", expected.clone())
                    .header("x-amz-bucket-region", expected)
            }
        },
        Denial::Unsigned { names } => {
            let what = "There were headers present in the request which were not signed";
            fail(403, "AccessDenied", what, "").with("HeadersNotSigned", names)
        }
        // The ECs of OSS as seen in the wild: matrixone issue 12445, MoviePilot issue 6295.
        Denial::BadToken => match dialect {
            Dialect::Oss => fail(
                403,
                "InvalidSecurityToken",
                "The security token you provided is invalid.",
                "0002-00000006",
            ),
            Dialect::Cos => fail(403, "InvalidAccessKeyId", "The security token is not valid.", ""),
            Dialect::S3 => {
                fail(400, "InvalidToken", "The provided token is malformed or otherwise invalid.", "")
            }
        },
        Denial::ExpiredToken => match dialect {
            Dialect::Oss => fail(
                403,
                "SecurityTokenExpired",
                "The security token you provided has expired.",
                "0002-00000007",
            ),
            Dialect::Cos | Dialect::S3 => fail(400, "ExpiredToken", "The provided token has expired.", ""),
        },
    }
}
