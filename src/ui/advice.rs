//! One line of advice per error code: what to change, or why nothing need be.
//!
//! Sources: the error-code and restore pages of the three vendors (OSS RestoreObject, OSS error
//! responses and HTTP status 503/429; COS POST Object restore and error codes; S3 RestoreObject
//! and error responses), and NetApp StorageGRID's for `InvalidTier`; read 2026-11.

use crate::model::{Provider, Reason};

const AS_IT_IS: &str = "this class or tier needs no restore: the object can be read as it is";
const MOVED_ON: &str = "not archived any more, or not in that tier: scan again to see its state";
const SLOWER: &str = "lower --rate-limit, then run the same line again for what is still open";
const LATER: &str = "the store kept failing: run the same line again for what is still open";
const GONE: &str = "not in the store: deleted since, or a list of names has it wrong";
const NOT_LEGAL: &str = "days or tier not legal for this class: see --days, --tier, --fit clamp";
const NO_CAPACITY: &str = "no capacity for this tier now: take --expedited-fallback or --tier Standard";
const UNSIGNED: &str = "the signature is not accepted: check credentials, --profile and --region";
const LAPSED: &str = "the security token has lapsed: renew it, then run the same line again";
const ARREARS: &str = "the account is in arrears or disabled: settle that with the vendor first";
const ELSEWHERE: &str = "the bucket lives in another region: set --region";

/// Vendor codes of all three stores and what to do about them; the exact code comes first.
const ADVICE: &[(&str, &str)] = &[
    ("RestoreNonArchiveObject", AS_IT_IS),
    ("OperationNotSupported", AS_IT_IS),
    ("ObjectAlreadyInActiveTierError", AS_IT_IS),
    ("InvalidObjectState", MOVED_ON),
    ("MethodNotAllowed", "a delete marker, or an object that takes no restore: nothing to do"),
    ("GlacierExpeditedRetrievalNotAvailable", NO_CAPACITY),
    ("InvalidTier", "the store does not offer this tier: take --tier Standard or Bulk"),
    ("SlowDown", SLOWER),
    ("TooManyRequests", SLOWER),
    ("TooManyRequestsException", SLOWER),
    ("Throttling", SLOWER),
    ("ThrottlingException", SLOWER),
    ("RequestLimitExceeded", SLOWER),
    ("BandwidthLimitExceeded", SLOWER),
    ("QpsLimitExceeded", SLOWER),
    ("TotalQpsLimitExceeded", SLOWER),
    ("MetaOperationQpsLimitExceeded", SLOWER),
    // Spelt so by the vendor.
    ("PartitionQpsLimitted", SLOWER),
    ("ActiveRequestLimitExceeded", SLOWER),
    ("CpuLimitExceeded", SLOWER),
    ("NoSuchKey", GONE),
    ("NoSuchVersion", GONE),
    ("NoSuchBucket", "no such bucket: check its name, --region and --endpoint-url"),
    ("MalformedXML", NOT_LEGAL),
    ("InvalidArgument", NOT_LEGAL),
    ("InvalidRequest", NOT_LEGAL),
    ("InvalidAccessKeyId", UNSIGNED),
    ("SignatureDoesNotMatch", UNSIGNED),
    ("InvalidSecurityToken", LAPSED),
    ("SecurityTokenExpired", LAPSED),
    ("ExpiredToken", LAPSED),
    ("InvalidToken", LAPSED),
    ("RequestTimeTooSkewed", "this machine's clock is off by more than 15 minutes: set it"),
    ("PermanentRedirect", ELSEWHERE),
    ("TemporaryRedirect", ELSEWHERE),
    ("AuthorizationHeaderMalformed", ELSEWHERE),
    ("PaymentRequired", ARREARS),
    ("UserDisable", ARREARS),
    ("AccountProblem", ARREARS),
    ("PublicEndpointForbidden", "closed to this account: set --endpoint-url (internal, or your own domain)"),
    ("SecondLevelDomainForbidden", "this endpoint refuses path style: leave --path-style out"),
    ("InternalError", LATER),
    ("ServiceUnavailable", LATER),
    ("RequestTimeout", LATER),
    ("UnavailableForLegalReasons", "the vendor withholds this object: ask its support"),
    ("SymlinkTargetNotExist", "a symbolic link without a proper target: nothing to do"),
    ("InvalidTargetType", "a symbolic link without a proper target: nothing to do"),
];

/// Advice for `code`: a vendor's error code, or the word of a [`Reason`] where the vendor sent no
/// code (the keys of [`Tally::errors`](crate::model::Tally::errors)). `None` where there is nothing
/// better to say than the code itself. A fragment without a full stop, in ASCII, of one line.
#[must_use]
pub fn advice(provider: Option<Provider>, code: &str) -> Option<&'static str> {
    if code == "AccessDenied" {
        return Some(denied(provider));
    }
    let by_code = ADVICE.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice);
    by_code.or_else(|| by_reason(provider, Reason::from_word(code)?))
}

/// Advice where no vendor code came back.
const fn by_reason(provider: Option<Provider>, reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Denied => denied_without_code(provider),
        Reason::TierNotOffered => "the class does not offer this tier: see --tier, or --fit clamp",
        Reason::DaysOutOfRange => "the class does not allow that many days: see --days, or --fit clamp",
        Reason::Gone => GONE,
        Reason::Throttled => SLOWER,
        Reason::Quota => NO_CAPACITY,
        Reason::Network => "the store could not be reached: run the same line again for what is still open",
        Reason::Refused => "the store refused the request: see http_status and request_id in the report",
        Reason::UnsafeKey => "cannot be sent byte for byte: use the vendor's own tool, and --exclude it here",
        Reason::Interrupted | Reason::Budget | Reason::Window => "run the same line again to go on",
        Reason::Class | Reason::StillValid => return None,
    })
}

/// The right to restore, as each vendor names it, and the one for HEAD, which may be what was
/// denied. Sources: the permission sections of RestoreObject and HeadObject (OSS), POST Object
/// restore and HEAD Object (COS), RestoreObject and HeadObject (S3).
const fn denied(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Provider::Oss) => "grant oss:RestoreObject on these keys (HEAD needs oss:GetObject)",
        Some(Provider::Cos) => "grant name/cos:PostObjectRestore on these keys (HEAD: name/cos:HeadObject)",
        Some(Provider::S3) => "grant s3:RestoreObject on these keys (HEAD needs s3:GetObject)",
        None => "grant oss:RestoreObject, name/cos:PostObjectRestore or s3:RestoreObject",
    }
}

/// The rights where the refusal bore no code: an answer to HEAD has no body to bear one.
const fn denied_without_code(provider: Option<Provider>) -> &'static str {
    match provider {
        Some(Provider::Oss) => "HEAD denied: grant oss:GetObject (restore: oss:RestoreObject)",
        Some(Provider::Cos) => "HEAD denied: grant name/cos:HeadObject (restore: name/cos:PostObjectRestore)",
        Some(Provider::S3) => "HEAD denied: grant s3:GetObject (restore: s3:RestoreObject)",
        None => "grant oss:RestoreObject, name/cos:PostObjectRestore or s3:RestoreObject",
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::WIDTH;
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
    fn advice_is_one_line_of_ascii_and_codes_stand_once() {
        let providers = [None, Some(Provider::Oss), Some(Provider::Cos), Some(Provider::S3)];
        let reasons = Reason::ALL.iter().flat_map(|reason| providers.map(|p| advice(p, reason.as_str())));
        for text in ADVICE.iter().map(|(_, text)| *text).chain(reasons.flatten()) {
            assert!(text.is_ascii() && !text.ends_with('.') && text.len() <= WIDTH - 2, "{text}");
        }
        for (i, (code, _)) in ADVICE.iter().enumerate() {
            assert!(ADVICE[..i].iter().all(|(before, _)| before != code), "{code} twice");
        }
    }
}
