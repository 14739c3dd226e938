//! Alibaba Cloud OSS.
//!
//! Sources: OSS API pages ListObjectsV2, ListObjects, ListObjectVersions, HeadObject,
//! RestoreObject, CleanRestoredObject, GetBucketArchiveDirectRead,
//! "Regions and endpoints", and the error pages named below, read 2026-11.

use jiff::Timestamp;

use super::answer::{self, ALREADY_RUNNING, HeadNames};
use super::ask::{self, Headers};
use super::legal::{ALL_TIERS, Law, Line};
use super::refusal::{self, Manners};
use super::xml::{ErrorDocument, Form};
use super::{Credentials, Dialect, Endpoint, Options, Reply, Request};
use crate::model::{Access, Entry, Offer, Page, Position, Provider, Raise, RestoreMark, Tier, Usual};
use crate::store::{ErrorKind, Head, Listing, Refusal, ReleaseAnswer, RestoreAnswer, RestoreAsk, sign};

/// Which class takes what. `JobParameters` on Archive is 400 `MalformedXML`; a request on a readable
/// copy adds days, up to the last number of them in all; only newer pages let a running restore be
/// asked for at a higher priority, and none says that HEAD shows the one it runs at.
/// Source: OSS pages RestoreObject and "Restore objects for access", read 2026-11.
const LAW: Law = Law {
    xmlns: None,
    job: "JobParameters",
    lines: &[
        Line {
            classes: &["Archive"],
            access_tiers: &[],
            days: Some((1, 7)),
            tiers: &[],
            raise: Raise::Never,
        },
        Line {
            classes: &["ColdArchive"],
            access_tiers: &[],
            days: Some((1, 365)),
            tiers: ALL_TIERS,
            raise: Raise::Untold,
        },
        Line {
            classes: &["DeepColdArchive"],
            access_tiers: &[],
            days: Some((1, 365)),
            tiers: &[Tier::Expedited, Tier::Standard],
            raise: Raise::Untold,
        },
    ],
};

/// Classes that need a restore.
const ARCHIVED: [&str; LAW.archived_len()] = LAW.archived();

/// Every storage class; old samples print them in upper case.
const KNOWN: &[&str] = &["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"];

const FORM: Form = Form {
    // The SDKs disagree about `+`, so the server must print `%20` and `%2B`.
    plus_is_space: false,
    token_is_encoded: true,
    markers_only: false,
    // NextMarker is there whenever a page is truncated.
    last_key_is_marker: false,
    silence: RestoreMark::Absent,
    access,
};

const DIRECT_FORM: Form = Form { access: direct_access, ..FORM };

const MANNERS: Manners =
    Manners { request_id: "x-oss-request-id", region: None, document: Some("x-oss-err"), kind };

const HEAD: HeadNames = HeadNames {
    class: "x-oss-storage-class",
    standard: "Standard",
    tier: None,
    restore: "x-oss-restore",
    // Source: OSS HeadObject page, read 2026-11.
    kind: Some("x-oss-object-type"),
    running: Some("x-oss-object-restore-priority"),
};

/// The dialect of Alibaba Cloud OSS.
#[derive(Debug)]
pub struct Oss {
    options: Options,
    key: sign::DayKey,
}

impl Oss {
    /// The dialect, with these options.
    #[must_use]
    pub const fn new(options: Options) -> Self {
        Self { options, key: sign::DayKey::new() }
    }

    const fn form(&self) -> &'static Form {
        if self.options.archive_direct_read { &DIRECT_FORM } else { &FORM }
    }

    fn headers(&self) -> Headers {
        if self.options.request_payer {
            vec![("x-oss-request-payer", "requester".to_owned())]
        } else {
            Vec::new()
        }
    }
}

impl Dialect for Oss {
    fn provider(&self) -> Provider {
        Provider::Oss
    }

    fn list(&self, listing: &Listing, at: &Position) -> Request {
        ask::list(listing, at, FORM.markers_only, self.headers())
    }

    fn head(&self, key: &[u8], version_id: &[u8]) -> Request {
        ask::head(key, version_id, self.headers())
    }

    fn restore(&self, ask: &RestoreAsk<'_>) -> Request {
        ask::restore(ask, &LAW, self.headers())
    }

    fn sign(&self, request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp) {
        sign::oss::sign(request, to, who, at, &self.key);
    }

    fn read_page(&self, listing: &Listing, reply: Reply, entries: Vec<Entry>) -> Result<Page, Refusal> {
        refusal::page((&MANNERS, self.form()), listing.api, reply, entries, |reply| self.read_refusal(reply))
    }

    fn read_head(&self, reply: &Reply) -> Result<Head, Refusal> {
        answer::head(&MANNERS, &HEAD, self.form().access, reply)
    }

    fn read_restore(&self, reply: &Reply) -> Result<RestoreAnswer, Refusal> {
        let running = |said: &Refusal, document: &ErrorDocument| {
            // 0016-00000715: a running restore is not slowed down; its code is not documented.
            &*said.code == ALREADY_RUNNING || (reply.status == 409 && document.ec == "0016-00000715")
        };
        answer::restore(&MANNERS, reply, running, |reply| self.read_refusal(reply))
    }

    fn read_refusal(&self, reply: &Reply) -> Refusal {
        let (mut said, document) = refusal::read(&MANNERS, reply);
        // "The signing region in credential is invalid": the code that goes with it is not
        // documented. Source: OSS error pages 0002-00000226 and -228.
        let signed_elsewhere = matches!(document.ec.as_str(), "0002-00000226" | "0002-00000228");
        // "… must be addressed using the specified endpoint" comes as a mere AccessDenied.
        let sent_elsewhere = &*said.code == "AccessDenied" && said.region.is_some();
        if signed_elsewhere || sent_elsewhere {
            said.kind = ErrorKind::WrongRegion;
        }
        refusal::prefer_region(&mut said, |host| self.region_of_host(host));
        said
    }

    /// Milliseconds in a header of their own. Source: OSS "Limits and performance metrics", read
    /// 2026-11.
    fn delays(&self, reply: &Reply) -> bool {
        let told = refusal::header(&reply.headers, "x-oss-qos-delay-time");
        told.parse::<u64>().is_ok_and(|millis| millis > 0)
    }

    fn access(&self, class: &[u8], access_tier: &[u8]) -> Access {
        (self.form().access)(class, access_tier)
    }

    fn offer(&self, class: &[u8], access_tier: &[u8]) -> Option<Offer> {
        LAW.offer(class, access_tier).filter(|_| !(self.options.archive_direct_read && is_direct(class)))
    }

    fn usual(&self, class: &[u8], access_tier: &[u8], tier: Option<Tier>) -> Option<Usual> {
        let offer = self.offer(class, access_tier)?;
        if offer.tiers.is_empty() {
            // Older texts say up to four hours.
            return Some(Usual::minutes(1, 1));
        }
        let is_deep = class.eq_ignore_ascii_case(b"DeepColdArchive");
        let tier = tier.unwrap_or(Tier::Standard);
        offer.tiers.contains(&tier).then(|| match tier {
            Tier::Expedited if is_deep => Usual::hours(0, 12),
            Tier::Expedited => Usual::hours(0, 1),
            Tier::Standard if is_deep => Usual::hours(12, 48),
            Tier::Standard => Usual::hours(2, 5),
            Tier::Bulk => Usual::hours(5, 12),
        })
    }

    fn release(&self, key: &[u8], version_id: &[u8]) -> Option<Request> {
        Some(ask::release(key, version_id, self.headers()))
    }

    fn read_release(&self, reply: &Reply) -> Result<ReleaseAnswer, Refusal> {
        answer::release(&MANNERS, reply, |reply| self.read_refusal(reply))
    }

    fn direct_read(&self) -> Option<Request> {
        Some(ask::setting("bucketArchiveDirectRead", self.headers()))
    }

    fn read_direct_read(&self, reply: &Reply) -> Result<bool, Refusal> {
        answer::direct_read(&MANNERS, reply, |reply| self.read_refusal(reply))
    }

    fn archived_classes(&self) -> &'static [&'static str] {
        // Archive stands first in the law.
        if self.options.archive_direct_read { &ARCHIVED[1..] } else { &ARCHIVED }
    }

    fn known_classes(&self) -> &'static [&'static str] {
        KNOWN
    }

    fn listing_tells_state(&self) -> bool {
        true
    }

    fn default_host(&self, region: &str) -> String {
        // `oss-cn-hangzhou`, the endpoint's label, is often taken for the region.
        format!("oss-{}.aliyuncs.com", region.strip_prefix("oss-").unwrap_or(region))
    }

    fn region_of_host(&self, host: &str) -> Option<String> {
        let host = super::bare_host(host);
        let labels: Vec<&str> = host.strip_suffix(".aliyuncs.com")?.split('.').collect();
        let region = match labels.as_slice() {
            // Dual stack: `cn-hangzhou.oss.aliyuncs.com`.
            [.., region, "oss"] => region,
            [.., label] => {
                let label = label.strip_prefix("oss-")?;
                label.strip_suffix("-internal").unwrap_or(label)
            }
            [] => return None,
        };
        // Acceleration and cloud box hosts carry no region.
        let named = region.contains('-') && !region.starts_with("accelerate");
        named.then(|| region.to_owned())
    }

    fn bucket_fault(&self, bucket: &str) -> Option<String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(3..=63).contains(&bucket.len()) {
            Some("an OSS bucket name has 3 to 63 characters".to_owned())
        } else if !bucket.bytes().all(|b| plain(b) || b == b'-') {
            Some("an OSS bucket name has only lower-case letters, digits and hyphens".to_owned())
        } else if bucket.starts_with('-') || bucket.ends_with('-') {
            Some("an OSS bucket name starts and ends with a letter or digit".to_owned())
        } else {
            None
        }
    }
}

/// An absent class is Standard: old HEAD samples leave the header out.
fn access(class: &[u8], access_tier: &[u8]) -> Access {
    let is = |name: &&str| class.eq_ignore_ascii_case(name.as_bytes());
    if let Some(access) = LAW.access(class, access_tier) {
        access
    } else if class.is_empty() || KNOWN.iter().any(is) {
        Access::Online
    } else {
        Access::Unrecognised
    }
}

/// The same in a bucket with archive direct read, where an object of the class Archive is read at once;
/// the colder ones are not. Source: OSS pages "Direct reading of Archive objects" and
/// PutBucketArchiveDirectRead, read 2026-11.
fn direct_access(class: &[u8], access_tier: &[u8]) -> Access {
    if is_direct(class) { Access::Online } else { access(class, access_tier) }
}

const fn is_direct(class: &[u8]) -> bool {
    class.eq_ignore_ascii_case(b"Archive")
}

/// The error tables of the OSS pages on RestoreObject, HeadObject, delete markers, "HTTP status
/// code 503", "429 error" and signature version 4, read 2026-11.
fn kind(code: &str, _status: u16) -> Option<ErrorKind> {
    Some(match code {
        "TotalQpsLimitExceeded"
        | "MetaOperationQpsLimitExceeded"
        | "PartitionQpsLimitted"
        | "DownloadTrafficRateLimitExceeded"
        | "UploadTrafficRateLimitExceeded"
        | "ActiveRequestLimitExceeded"
        | "CpuLimitExceeded"
        | "ServiceUnavailable"
        | "QpsLimitExceeded"
        | "SlowDown" => ErrorKind::Throttled,
        // The official SDKs try again on BadRequest.
        "InternalError" | "BadRequest" | "RequestTimeout" => ErrorKind::Server,
        "RequestTimeTooSkewed" => ErrorKind::Skewed,
        "SecurityTokenExpired" => ErrorKind::TokenExpired,
        "InvalidAccessKeyId" | "InvalidSecurityToken" | "SignatureDoesNotMatch" => ErrorKind::Credentials,
        "AccessDenied" | "PublicEndpointForbidden" => ErrorKind::Denied,
        "UserDisable" => ErrorKind::Account,
        "NoSuchBucket" | "InvalidBucketName" => ErrorKind::NoSuchBucket,
        "NoSuchKey" | "NoSuchVersion" | "SymlinkTargetNotExist" | "MethodNotAllowed" => ErrorKind::Gone,
        // Restore of a class that needs none. (`InvalidObjectState` is another thing in OSS: a
        // read of a frozen object.)
        "OperationNotSupported" => ErrorKind::NotArchived,
        "MalformedXML"
        | "InvalidArgument"
        | "InvalidObjectName"
        | "InvalidDigest"
        | "InvalidTargetType"
        | "SecondLevelDomainForbidden" => ErrorKind::Illegal,
        ALREADY_RUNNING | "InvalidObjectState" | "ArchiveRestoreFileStale" | "ArchiveRestoreNotFinished" => {
            ErrorKind::Other
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static OSS: Oss = Oss::new(Options { request_payer: false, archive_direct_read: false });

    #[test]
    fn with_direct_read_archive_needs_no_restore_and_the_colder_classes_do() {
        let direct = Oss::new(Options { archive_direct_read: true, ..Options::default() });
        assert_eq!(direct.archived_classes(), ["ColdArchive", "DeepColdArchive"]);
        for class in ["Archive", "ARCHIVE", "ColdArchive", "DeepColdArchive", "IA", "DeepArchive"] {
            let is_archive = class.eq_ignore_ascii_case("Archive");
            let access = if is_archive { Access::Online } else { OSS.access(class.as_bytes(), b"") };
            assert_eq!(direct.access(class.as_bytes(), b""), access, "{class}");
            let offer = OSS.offer(class.as_bytes(), b"").filter(|_| !is_archive);
            assert_eq!(direct.offer(class.as_bytes(), b""), offer, "{class}");
        }
    }

    #[test]
    fn a_request_that_was_let_wait_is_known() {
        let reply = |told: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("x-oss-qos-delay-time", told.parse().unwrap());
            Reply { status: 200, headers, body: Vec::new() }
        };
        assert!(OSS.delays(&reply("180")));
        for calm in ["0", "", "soon"] {
            assert!(!OSS.delays(&reply(calm)), "{calm}");
        }
        assert!(!OSS.delays(&Reply { status: 200, headers: http::HeaderMap::new(), body: Vec::new() }));
    }

    #[test]
    fn regions_are_read_from_hosts() {
        let told = [
            ("oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
            ("OSS-CN-Hangzhou-internal.aliyuncs.com:443", "cn-hangzhou"),
            ("examplebucket.oss-ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
            ("cn-hangzhou.oss.aliyuncs.com", "cn-hangzhou"),
        ];
        for (host, region) in told {
            assert_eq!(OSS.region_of_host(host).as_deref(), Some(region), "{host}");
        }
        let untold = [
            "oss-accelerate.aliyuncs.com",
            "oss-accelerate-overseas.aliyuncs.com",
            "cb-1.cn-hangzhou.oss-cloudbox.aliyuncs.com",
            "files.example.com",
            "127.0.0.1:9000",
        ];
        for host in untold {
            assert_eq!(OSS.region_of_host(host), None, "{host}");
        }
        for region in ["cn-hangzhou", "oss-cn-hangzhou"] {
            assert_eq!(OSS.default_host(region), "oss-cn-hangzhou.aliyuncs.com");
        }
    }

    #[test]
    fn bucket_names_are_checked() {
        for good in ["abc", "my-bucket-1", &"a".repeat(63)] {
            assert_eq!(OSS.bucket_fault(good), None, "{good}");
        }
        for bad in ["", "ab", &"a".repeat(64), "Bucket", "a.bucket", "-abc", "abc-", "a/b", "a_b"] {
            assert!(OSS.bucket_fault(bad).is_some(), "{bad}");
        }
    }
}
