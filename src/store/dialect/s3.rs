//! Amazon S3, and the stores that speak like it.
//!
//! Sources: S3 API reference pages ListObjectsV2, ListObjects, ListObjectVersions, HeadObject,
//! RestoreObject and "Error responses", read 2026-11; botocore 1.43.11 service model.

use jiff::Timestamp;

use super::answer::{self, ALREADY_RUNNING, HeadNames};
use super::ask::{self, Headers};
use super::legal::{ALL_TIERS, Law, Line, NOT_EXPEDITED};
use super::refusal::{self, Manners};
use super::xml::Form;
use super::{Credentials, Dialect, Endpoint, Options, Reply, Request};
use crate::model::{Access, Entry, Offer, Page, Position, Provider, Raise, RestoreMark, Tier, Usual};
use crate::store::{ErrorKind, Head, Listing, Refusal, RestoreAnswer, RestoreAsk, sign};

/// Most days that are asked for. S3 names no upper bound; a hundred years keeps dates in range.
const MOST_DAYS: u32 = 36_500;

/// Which class takes what; GLACIER_IR needs no restore. Intelligent-Tiering must be given no days: the
/// object moves back online. A running restore may be asked for at a faster tier with the same days;
/// at which tier it runs, no answer shows.
/// Source: S3 pages RestoreObject, "Archive retrieval options" and "Upgrading the speed of an
/// in-progress restore", read 2026-11.
const LAW: Law = Law {
    xmlns: Some("http://s3.amazonaws.com/doc/2006-03-01/"),
    job: "GlacierJobParameters",
    lines: &[
        Line {
            classes: &["GLACIER"],
            access_tiers: &[],
            days: Some((1, MOST_DAYS)),
            tiers: ALL_TIERS,
            raise: Raise::Untold,
        },
        Line {
            classes: &["DEEP_ARCHIVE"],
            access_tiers: &[],
            days: Some((1, MOST_DAYS)),
            tiers: NOT_EXPEDITED,
            raise: Raise::Untold,
        },
        Line {
            classes: TIERING,
            access_tiers: &["ARCHIVE_ACCESS"],
            days: None,
            tiers: ALL_TIERS,
            raise: Raise::Untold,
        },
        Line {
            classes: TIERING,
            access_tiers: &["DEEP_ARCHIVE_ACCESS"],
            days: None,
            tiers: NOT_EXPEDITED,
            raise: Raise::Untold,
        },
        // Of a tier that is not shown, only what either would take.
        Line { classes: TIERING, access_tiers: &[""], days: None, tiers: NOT_EXPEDITED, raise: Raise::Never },
    ],
};

/// Classes whose objects have access tiers.
const TIERING: &[&str] = &["INTELLIGENT_TIERING"];

/// Classes that always need a restore.
const ARCHIVED: [&str; LAW.archived_len()] = LAW.archived();

/// Every storage class of the HeadObject page.
const KNOWN: &[&str] = &[
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
    "FSX_OPENZFS",
    "FSX_ONTAP",
];

const FORM: Form = Form {
    plus_is_space: true,
    // Tokens and version ids are opaque: they may hold `+` and `/`, and are not encoded.
    token_is_encoded: false,
    markers_only: false,
    // Without a delimiter, version 1 leaves the marker out.
    last_key_is_marker: true,
    // "Never restored", "lapsed" and "does not know the header" look the same.
    silence: RestoreMark::Absent,
    access,
};

const MANNERS: Manners =
    Manners { request_id: "x-amz-request-id", region: Some("x-amz-bucket-region"), document: None, kind };

const HEAD: HeadNames = HeadNames {
    class: "x-amz-storage-class",
    standard: "STANDARD",
    tier: Some("x-amz-archive-status"),
    restore: "x-amz-restore",
    kind: None,
    running: None,
};

/// The dialect of Amazon S3.
#[derive(Debug)]
pub struct S3 {
    options: Options,
    key: sign::DayKey,
}

impl S3 {
    /// The dialect, with these options.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options, key: sign::DayKey::new() }
    }

    fn headers(&self) -> Headers {
        if self.options.request_payer {
            vec![("x-amz-request-payer", "requester".to_owned())]
        } else {
            Vec::new()
        }
    }
}

impl Dialect for S3 {
    fn provider(&self) -> Provider {
        Provider::S3
    }

    fn list(&self, listing: &Listing, at: &Position) -> Request {
        let mut headers = self.headers();
        // Without it, no listing shows restore state.
        headers.push(("x-amz-optional-object-attributes", "RestoreStatus".to_owned()));
        ask::list(listing, at, FORM.markers_only, headers)
    }

    fn head(&self, key: &[u8], version_id: &[u8]) -> Request {
        ask::head(key, version_id, self.headers())
    }

    fn restore(&self, ask: &RestoreAsk<'_>) -> Request {
        ask::restore(ask, &LAW, self.headers())
    }

    fn sign(&self, request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp) {
        sign::v4::sign(request, to, who, at, &self.key);
    }

    fn read_page(&self, listing: &Listing, reply: Reply, entries: Vec<Entry>) -> Result<Page, Refusal> {
        refusal::page((&MANNERS, &FORM), listing.api, reply, entries, |reply| self.read_refusal(reply))
    }

    fn read_head(&self, reply: &Reply) -> Result<Head, Refusal> {
        let mut head = answer::head(&MANNERS, &HEAD, access, reply)?;
        // HEAD always names the archive tiers, so silence means an online one.
        if head.access == Access::Tiering {
            head.access = Access::Online;
        }
        Ok(head)
    }

    fn read_restore(&self, reply: &Reply) -> Result<RestoreAnswer, Refusal> {
        let running = |said: &Refusal, _: &_| &*said.code == ALREADY_RUNNING;
        answer::restore(&MANNERS, reply, running, |reply| self.read_refusal(reply))
    }

    fn read_refusal(&self, reply: &Reply) -> Refusal {
        let (mut said, _) = refusal::read(&MANNERS, reply);
        if &*said.code == "AuthorizationHeaderMalformed" && said.region.is_none() {
            // Not the region, then, but the header's other part: the access key.
            said.kind = ErrorKind::Credentials;
        }
        refusal::prefer_region(&mut said, |host| self.region_of_host(host));
        said
    }

    fn access(&self, class: &[u8], access_tier: &[u8]) -> Access {
        access(class, access_tier)
    }

    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer> {
        LAW.offer(class, access_tier)
    }

    fn usual(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Usual> {
        let offer = self.offer(class, access_tier)?;
        // What offers no expedited tier is a deep archive, or may be one.
        let is_deep = !offer.tiers.contains(&Tier::Expedited);
        Some(match tier.unwrap_or(Tier::Standard) {
            Tier::Expedited if is_deep => return None,
            Tier::Expedited => Usual::minutes(1, 5),
            Tier::Standard if is_deep => Usual::hours(9, 12),
            Tier::Standard => Usual::hours(3, 5),
            Tier::Bulk if is_deep => Usual::hours(12, 48),
            Tier::Bulk => Usual::hours(5, 12),
        })
    }

    fn archived_classes(&self) -> &'static [&'static str] {
        &ARCHIVED
    }

    fn known_classes(&self) -> &'static [&'static str] {
        KNOWN
    }

    fn listing_tells_state(&self) -> bool {
        true
    }

    fn default_host(&self, region: &str) -> String {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        format!("s3.{region}.amazonaws.com{suffix}")
    }

    fn region_of_host(&self, host: &str) -> Option<String> {
        let host = super::bare_host(host);
        let inner = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let region = match *inner.split('.').collect::<Vec<_>>().as_slice() {
            [.., "s3" | "s3-fips", "dualstack", region] | [.., "s3" | "s3-fips", region] => region,
            // The host of old, which serves the first region.
            [.., "s3"] => "us-east-1",
            // `s3-eu-west-1`, also old.
            [.., label] => label.strip_prefix("s3-").filter(|r| *r != "accelerate" && *r != "fips")?,
            [] => return None,
        };
        region.contains('-').then(|| region.to_owned())
    }

    fn bucket_fault(&self, bucket: &str) -> Option<String> {
        // Today's rule is 3 to 63 of `[a-z0-9.-]`; buckets of before 2018 may be longer and may
        // have capitals and underscores, and still exist.
        let plain = |b: u8| b.is_ascii_alphanumeric();
        if !(3..=255).contains(&bucket.len()) {
            Some("an S3 bucket name has 3 to 63 characters".to_owned())
        } else if !bucket.bytes().all(|b| plain(b) || b"-._".contains(&b)) {
            Some("an S3 bucket name has only letters, digits, hyphens, dots and underscores".to_owned())
        } else if bucket.contains("..") {
            Some("an S3 bucket name has no two dots together".to_owned())
        } else if bucket.parse::<std::net::Ipv4Addr>().is_ok() {
            Some("an S3 bucket name does not look like an IP address".to_owned())
        } else {
            None
        }
    }
}

/// An absent class is STANDARD.
fn access(class: &[u8], access_tier: &[u8]) -> Access {
    let is = |name: &&str| class.eq_ignore_ascii_case(name.as_bytes());
    if let Some(access) = LAW.access(class, access_tier) {
        access
        // Frequent, infrequent and archive instant access are all read at once.
    } else if class.is_empty() || KNOWN.iter().any(is) {
        Access::Online
    } else {
        Access::Unrecognised
    }
}

/// The error tables of S3's RestoreObject, HeadObject and "Error responses" pages, read 2026-11,
/// with the throttling codes of botocore and what compatible stores add.
fn kind(code: &str, status: u16) -> Option<ErrorKind> {
    Some(match code {
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottledException"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        // "Service is unable to handle request": the twin of SlowDown, with its status.
        | "EC2ThrottledException"
        | "ServiceUnavailable" => ErrorKind::Throttled,
        "InternalError"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "PriorRequestNotComplete"
        | "TransactionInProgressException"
        | "OperationAborted"
        | "BadDigest" => ErrorKind::Server,
        "GlacierExpeditedRetrievalNotAvailable" => ErrorKind::Quota,
        "RequestTimeTooSkewed" => ErrorKind::Skewed,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => ErrorKind::TokenExpired,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidSecurity" => {
            ErrorKind::Credentials
        }
        "AccessDenied" | "AllAccessDisabled" => ErrorKind::Denied,
        "AccountProblem" | "NotSignedUp" | "InvalidPayer" => ErrorKind::Account,
        "NoSuchBucket" | "InvalidBucketName" => ErrorKind::NoSuchBucket,
        // 405 MethodNotAllowed answers the version id of a delete marker.
        "NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" => ErrorKind::Gone,
        "PermanentRedirect" | "Redirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
            ErrorKind::WrongRegion
        }
        "InvalidObjectState" | "ObjectAlreadyInActiveTierError" => ErrorKind::NotArchived,
        // InvalidTier is StorageGRID's answer to Expedited.
        "MalformedXML"
        | "InvalidArgument"
        | "InvalidRequest"
        | "InvalidDigest"
        | "InvalidTier"
        | "KeyTooLongError"
        | "MissingContentLength"
        | "NotImplemented" => ErrorKind::Illegal,
        ALREADY_RUNNING => ErrorKind::Other,
        // HEAD has no body, so nothing that could be illegal: this is how a lapsed token looks.
        "" if status == 400 => ErrorKind::TokenExpired,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static S3: S3 = super::S3::new(Options { request_payer: false, archive_direct_read: false });

    #[test]
    fn regions_are_read_from_hosts() {
        let told = [
            ("s3.us-east-1.amazonaws.com", "us-east-1"),
            ("s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("my.bucket.s3.eu-west-1.amazonaws.com:443", "eu-west-1"),
            ("s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("s3-fips.dualstack.us-east-2.amazonaws.com", "us-east-2"),
            ("bucket.s3-eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3.amazonaws.com", "us-east-1"),
        ];
        for (host, region) in told {
            assert_eq!(S3.region_of_host(host).as_deref(), Some(region), "{host}");
        }
        for host in ["bucket.s3-accelerate.amazonaws.com", "minio.local:9000", "s3.fr-par.scw.cloud"] {
            assert_eq!(S3.region_of_host(host), None, "{host}");
        }
        assert_eq!(S3.default_host("eu-west-1"), "s3.eu-west-1.amazonaws.com");
        assert_eq!(S3.default_host("cn-north-1"), "s3.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn bucket_names_are_checked() {
        for good in ["abc", "my.bucket-1", "Old_Bucket"] {
            assert_eq!(S3.bucket_fault(good), None, "{good}");
        }
        for bad in ["", "ab", "a/b/c", "a..b", "10.0.0.1", "b\u{fc}cket", "bucket?x"] {
            assert!(S3.bucket_fault(bad).is_some(), "{bad}");
        }
    }
}
