//! One line of advice per error code: what to change, or why nothing need be.
//!
//! Sources: the error-code and restore pages of the three vendors (OSS RestoreObject, OSS error
//! responses and 0016-… pages; COS POST Object restore and error codes; S3 RestoreObject and error
//! responses), read 2026-11.

use crate::model::{Provider, Reason};

/// Advice for `code`: a vendor's error code, or the word of a [`Reason`] where the vendor sent no
/// code (the keys of [`Tally::errors`](crate::model::Tally::errors)). `None` where there is nothing
/// better to say than the code itself. A fragment without a full stop, in ASCII.
#[must_use]
pub fn advice(provider: Option<Provider>, code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" => return Some(denied(provider)),
        "RestoreNonArchiveObject" | "OperationNotSupported" | "ObjectAlreadyInActiveTierError" => {
            "this class or tier needs no restore: the object is readable as it is"
        }
        "InvalidObjectState" => {
            "not archived any more, or not in that tier; scan again to see where the object stands now"
        }
        "MethodNotAllowed" => "a delete marker or an object that takes no restore; nothing to do",
        "GlacierExpeditedRetrievalNotAvailable" => {
            "no Expedited capacity now: take --tier Standard, or run the same line again later"
        }
        "InvalidTier" => "the store does not offer this tier: take --tier Standard or Bulk",
        "SlowDown"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "QpsLimitExceeded"
        | "TotalQpsLimitExceeded"
        | "MetaOperationQpsLimitExceeded"
        | "PartitionQpsLimitted"
        | "ActiveRequestLimitExceeded"
        | "CpuLimitExceeded" => {
            "the store asked to slow down until the attempts ran out: lower --rate-limit, then run the \
             same line again"
        }
        "NoSuchKey" | "NoSuchVersion" => "deleted after it was listed; nothing to do",
        "NoSuchBucket" => "no such bucket: check its name, --region and --endpoint-url",
        "MalformedXML" | "InvalidArgument" | "InvalidRequest" => {
            "days or tier not legal for this class: see --days and --tier, or let --fit clamp choose"
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthorizationHeaderMalformed" => {
            "check the credentials, --profile and --region: the store does not accept the signature"
        }
        "InvalidSecurityToken" | "SecurityTokenExpired" | "ExpiredToken" | "InvalidToken" => {
            "the security token has lapsed: renew the credentials, then run the same line again"
        }
        "RequestTimeTooSkewed" => "this machine's clock is off by more than 15 minutes: set it",
        "PermanentRedirect" | "TemporaryRedirect" => "the bucket lives in another region: set --region",
        "PaymentRequired" | "UserDisable" | "AccountProblem" => {
            "the account is in arrears or disabled: settle that with the vendor first"
        }
        "PublicEndpointForbidden" => {
            "this account may not use the public endpoint: set --endpoint-url to an internal one or an own \
             domain"
        }
        "SecondLevelDomainForbidden" => "this endpoint refuses path style: leave --path-style out",
        "InternalError" | "ServiceUnavailable" | "RequestTimeout" => {
            "the store kept failing: run the same line again, it asks for what is still open"
        }
        "UnavailableForLegalReasons" => "the vendor withholds this object; ask its support",
        "SymlinkTargetNotExist" | "InvalidTargetType" => {
            "a symbolic link without a proper target; nothing to do"
        }
        word => return by_reason(provider, Reason::from_word(word)?),
    })
}

/// Advice where no vendor code came back.
const fn by_reason(provider: Option<Provider>, reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Denied => denied(provider),
        Reason::TierNotOffered => "the class does not offer this tier: see --tier, or --fit clamp",
        Reason::DaysOutOfRange => "the class does not allow that many days: see --days, or --fit clamp",
        Reason::Gone => "deleted after it was listed; nothing to do",
        Reason::Throttled => {
            "the store asked to slow down until the attempts ran out: lower --rate-limit, then run the \
             same line again"
        }
        Reason::Quota => "no capacity for this tier now: take --tier Standard, or run again later",
        Reason::Network => {
            "the store could not be reached: run the same line again, it asks for what is still open"
        }
        Reason::Refused => "the store refused the request: see http_status and request_id in the report",
        Reason::UnsafeKey => {
            "the key cannot be sent byte for byte and another object might be hit: use the vendor's own tool"
        }
        Reason::Interrupted | Reason::Budget | Reason::Window => "run the same line again to go on",
        Reason::Class | Reason::StillValid => return None,
    })
}

const fn denied(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Provider::Oss) => {
            "grant oss:RestoreObject on these keys (and oss:GetObject if states are read by HEAD)"
        }
        Some(Provider::Cos) => {
            "grant name/cos:PostObjectRestore on these keys (and name/cos:HeadObject if states are read by \
             HEAD)"
        }
        Some(Provider::S3) => {
            "grant s3:RestoreObject on these keys (and s3:GetObject if states are read by HEAD); see the \
             bucket policy, too"
        }
        None => "grant oss:RestoreObject, name/cos:PostObjectRestore or s3:RestoreObject on these keys",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_that_is_missing_is_named_as_the_vendor_names_it() {
        for (provider, right) in [
            (Provider::Oss, "oss:RestoreObject"),
            (Provider::Cos, "name/cos:PostObjectRestore"),
            (Provider::S3, "s3:RestoreObject"),
        ] {
            assert!(advice(Some(provider), "AccessDenied").unwrap().contains(right));
            assert!(advice(Some(provider), "denied").unwrap().contains(right));
            assert!(advice(None, "AccessDenied").unwrap().contains(right));
        }
    }

    #[test]
    fn every_reason_that_can_fail_an_object_has_advice() {
        for &reason in Reason::ALL {
            let silent = matches!(reason, Reason::Class | Reason::StillValid);
            assert_eq!(advice(None, reason.as_str()).is_none(), silent, "{reason}");
        }
        assert_eq!(advice(None, "SomethingNew"), None);
    }

    #[test]
    fn advice_is_ascii_and_no_sentence() {
        for code in
            ["AccessDenied", "SlowDown", "InvalidObjectState", "unsafe_key", "PublicEndpointForbidden"]
        {
            let text = advice(Some(Provider::S3), code).unwrap();
            assert!(text.is_ascii() && !text.ends_with('.') && !text.contains("  "), "{text}");
        }
    }
}
