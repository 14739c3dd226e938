//! Tencent Cloud COS.
//!
//! Sources: COS documents 436/7734 (GET Bucket), 436/35521 (GET Bucket Object versions), 436/7745
//! (HEAD Object), 436/12633 (POST Object restore), 436/7730 (error codes), 436/6224 (regions),
//! read 2026-11; and coscli v1.0.9 where it knows more than they say.

use jiff::Timestamp;

use super::answer::{self, ALREADY_RUNNING, HeadNames};
use super::ask::{self, Headers};
use super::legal::{ALL_TIERS, Law, Line, NOT_EXPEDITED};
use super::refusal::{self, Manners};
use super::xml::Form;
use super::{Credentials, Dialect, Endpoint, Options, Reply, Request};
use crate::model::{Access, Entry, Offer, Page, Position, Provider, Raise, RestoreMark, Tier, Usual};
use crate::store::{ErrorKind, Head, Listing, Refusal, RestoreAnswer, RestoreAsk, sign};

/// Which class takes what. Intelligent-Tiering needs no days: the object returns to the standard tier.
/// That a running restore may be asked for in a faster mode is documented for DEEP_ARCHIVE alone; HEAD
/// shows the mode it runs in. coscli, which spells the deep tier in a way of its own, is the source of
/// the archive tiers' names.
/// Source: COS documents 436/12633 (POST Object restore) and 436/7745, coscli v1.0.9, read 2026-11.
const LAW: Law = Law {
    xmlns: None,
    job: "CASJobParameters",
    lines: &[
        Line {
            classes: &["ARCHIVE", "MAZ_ARCHIVE"],
            access_tiers: &[],
            days: Some((1, 365)),
            tiers: ALL_TIERS,
            raise: Raise::Never,
        },
        Line {
            classes: &["DEEP_ARCHIVE", "MAZ_DEEP_ARCHIVE"],
            access_tiers: &[],
            days: Some((1, 365)),
            tiers: NOT_EXPEDITED,
            raise: Raise::Told,
        },
        Line {
            classes: TIERING,
            access_tiers: &["ARCHIVE_ACCESS"],
            days: None,
            tiers: ALL_TIERS,
            raise: Raise::Never,
        },
        Line {
            classes: TIERING,
            access_tiers: &["DEEP_ARCHIVE_ACCESS", "DEEP_ARCHIEVE_ACCESS"],
            days: None,
            tiers: NOT_EXPEDITED,
            raise: Raise::Never,
        },
        // Of a tier that is not shown, only what either would take.
        Line { classes: TIERING, access_tiers: &[""], days: None, tiers: NOT_EXPEDITED, raise: Raise::Never },
    ],
};

/// Classes whose objects have access tiers.
const TIERING: &[&str] = &["INTELLIGENT_TIERING", "MAZ_INTELLIGENT_TIERING"];

/// Access tiers that are read at once.
const ONLINE_TIERS: &[&str] = &["FREQUENT", "INFREQUENT"];

/// Classes that always need a restore.
const ARCHIVED: [&str; LAW.archived_len()] = LAW.archived();

/// Every storage class of the HEAD Object page.
const KNOWN: &[&str] = &[
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ARCHIVE",
    "DEEP_ARCHIVE",
    "COLD",
    "MAZ_STANDARD",
    "MAZ_STANDARD_IA",
    "MAZ_INTELLIGENT_TIERING",
    "MAZ_ARCHIVE",
    "MAZ_DEEP_ARCHIVE",
    "MAZ_COLD",
];

const FORM: Form = Form {
    // Documented is `%20`, and `%2B` for a plus; the Go tools undo `+` too, so nothing is lost.
    plus_is_space: true,
    token_is_encoded: false,
    // No COS document knows ListObjectsV2.
    markers_only: true,
    last_key_is_marker: false,
    // A running restore may be shown, a finished one is not.
    silence: RestoreMark::Unsaid,
    access,
};

const MANNERS: Manners =
    Manners { request_id: "x-cos-request-id", region: Some("x-cos-bucket-region"), document: None, kind };

const HEAD: HeadNames = HeadNames {
    class: "x-cos-storage-class",
    standard: "STANDARD",
    tier: Some("x-cos-storage-tier"),
    restore: "x-cos-restore",
    kind: None,
    running: Some("x-cos-restore-status"),
};

/// The dialect of Tencent Cloud COS.
#[derive(Clone, Copy, Debug)]
pub struct Cos;

impl Cos {
    /// The dialect. COS documents no requester-pays header, so no option matters.
    #[must_use]
    pub const fn new(_options: Options) -> Self {
        Self
    }
}

impl Dialect for Cos {
    fn provider(&self) -> Provider {
        Provider::Cos
    }

    fn list(&self, listing: &Listing, at: &Position) -> Request {
        ask::list(listing, at, FORM.markers_only, Headers::new())
    }

    fn head(&self, key: &[u8], version_id: &[u8]) -> Request {
        ask::head(key, version_id, Headers::new())
    }

    fn restore(&self, ask: &RestoreAsk<'_>) -> Request {
        ask::restore(ask, &LAW, Headers::new())
    }

    fn sign(&self, request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp) {
        sign::cos::sign(request, to, who, at);
    }

    fn read_page(&self, listing: &Listing, reply: Reply, entries: Vec<Entry>) -> Result<Page, Refusal> {
        refusal::page((&MANNERS, &FORM), listing.api, reply, entries, |reply| self.read_refusal(reply))
    }

    fn read_head(&self, reply: &Reply) -> Result<Head, Refusal> {
        answer::head(&MANNERS, &HEAD, access, reply)
    }

    fn read_restore(&self, reply: &Reply) -> Result<RestoreAnswer, Refusal> {
        let running = |said: &Refusal, _: &_| &*said.code == ALREADY_RUNNING;
        answer::restore(&MANNERS, reply, running, |reply| self.read_refusal(reply))
    }

    fn read_refusal(&self, reply: &Reply) -> Refusal {
        let (mut said, _) = refusal::read(&MANNERS, reply);
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
        // What offers no expedited mode is a deep archive, or may be one.
        let is_deep = !offer.tiers.contains(&Tier::Expedited);
        Some(match tier.unwrap_or(Tier::Standard) {
            Tier::Expedited if is_deep => return None,
            // Newer texts say 1 to 5 minutes, that of 2019 says 15.
            Tier::Expedited => Usual::minutes(1, 15),
            Tier::Standard if is_deep => Usual::hours(12, 24),
            Tier::Standard => Usual::hours(3, 5),
            Tier::Bulk if is_deep => Usual::hours(24, 48),
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
        false
    }

    fn default_host(&self, region: &str) -> String {
        format!("cos.{region}.myqcloud.com")
    }

    fn region_of_host(&self, host: &str) -> Option<String> {
        let host = super::bare_host(host);
        let inner = host.strip_suffix(".myqcloud.com").or_else(|| host.strip_suffix(".tencentcos.cn"))?;
        match *inner.split('.').collect::<Vec<_>>().as_slice() {
            [.., "cos" | "cos-internal", region] if region != "accelerate" => Some(region.to_owned()),
            _ => None,
        }
    }

    fn bucket_fault(&self, bucket: &str) -> Option<String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let (name, app_id) = bucket.rsplit_once('-').unwrap_or((bucket, ""));
        if app_id.is_empty() || !app_id.bytes().all(|b| b.is_ascii_digit()) {
            Some(
                "a COS bucket name ends in a hyphen and the APPID, as in `examplebucket-1250000000`"
                    .to_owned(),
            )
        } else if name.is_empty() || !name.bytes().all(|b| plain(b) || b == b'-') {
            Some("a COS bucket name has only lower-case letters, digits and hyphens".to_owned())
        } else if name.starts_with('-') || name.ends_with('-') {
            Some("a COS bucket name starts and ends with a letter or digit".to_owned())
        } else if bucket.len() > 63 {
            Some("a COS bucket name, a label of its host, has at most 63 characters".to_owned())
        } else {
            None
        }
    }
}

/// An absent class is STANDARD; a class or tier that the documents do not know is not restored.
fn access(class: &[u8], access_tier: &[u8]) -> Access {
    let among = |names: &[&str], told: &[u8]| names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(told));
    if let Some(access) = LAW.access(class, access_tier) {
        access
    } else if among(TIERING, class) {
        if among(ONLINE_TIERS, access_tier) { Access::Online } else { Access::Unrecognised }
    } else if class.is_empty() || among(KNOWN, class) {
        Access::Online
    } else {
        Access::Unrecognised
    }
}

/// The error tables of COS documents 436/7730, 436/12633 and 436/7753, read 2026-11.
fn kind(code: &str, status: u16) -> Option<ErrorKind> {
    Some(match code {
        "SlowDown" | "ServiceUnavailable" => ErrorKind::Throttled,
        "InternalError" | "RequestTimeout" => ErrorKind::Server,
        "RequestTimeTooSkewed" => ErrorKind::Skewed,
        "ExpiredToken" => ErrorKind::TokenExpired,
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" => ErrorKind::Credentials,
        "AccessDenied" | "UnavailableForLegalReasons" => ErrorKind::Denied,
        "PaymentRequired" => ErrorKind::Account,
        "NoSuchBucket" | "InvalidBucketName" => ErrorKind::NoSuchBucket,
        "NoSuchKey" | "NoSuchVersion" => ErrorKind::Gone,
        // An older text answers a restore of an online class by a plain 405 MethodNotAllowed; a
        // delete marker is a 404.
        "RestoreNonArchiveObject" | "InvalidObjectState" | "MethodNotAllowed" => ErrorKind::NotArchived,
        "MalformedXML"
        | "InvalidArgument"
        | "InvalidDigest"
        | "BadDigest"
        | "MissingRequestBodyError"
        | "InvalidDelimiter"
        | "KeyTooLong"
        | "MissingContentLength"
        | "NotImplemented" => ErrorKind::Illegal,
        ALREADY_RUNNING | "PathConflict" => ErrorKind::Other,
        "" if status == 405 => ErrorKind::NotArchived,
        // HEAD has no body, so nothing that could be illegal: this is how a lapsed token looks.
        "" if status == 400 => ErrorKind::TokenExpired,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COS: Cos = Cos;

    #[test]
    fn regions_are_read_from_hosts() {
        let told = [
            "cos.ap-guangzhou.myqcloud.com",
            "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com",
            "examplebucket-1250000000.cos.ap-guangzhou.tencentcos.cn:443",
            "examplebucket-1250000000.cos-internal.ap-guangzhou.tencentcos.cn",
        ];
        for host in told {
            assert_eq!(COS.region_of_host(host).as_deref(), Some("ap-guangzhou"), "{host}");
        }
        for host in ["b-1.cos.accelerate.myqcloud.com", "service.cos.myqcloud.com", "files.example.com"] {
            assert_eq!(COS.region_of_host(host), None, "{host}");
        }
        assert_eq!(COS.default_host("ap-guangzhou"), "cos.ap-guangzhou.myqcloud.com");
    }

    #[test]
    fn bucket_names_carry_the_app_id() {
        assert_eq!(COS.bucket_fault("examplebucket-1250000000"), None);
        assert_eq!(COS.bucket_fault("my-bucket-1250000000"), None);
        for bad in ["", "examplebucket", "-1250000000", "b-1250a", "B-1250000000", "a_b-1250000000", "a.b-1"]
        {
            assert!(COS.bucket_fault(bad).is_some(), "{bad}");
        }
    }
}
