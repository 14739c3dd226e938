//! Tencent Cloud COS.
//!
//! Sources: COS documents 436/7734 (GET Bucket), 436/35521 (GET Bucket Object versions), 436/7745
//! (HEAD Object), 436/12633 (POST Object restore), 436/7730 (error codes), 436/6224 (regions),
//! read 2026-11; and coscli v1.0.9 where it knows more than they say.

use jiff::Timestamp;

use super::answer::{self, ALREADY_RUNNING, HeadNames};
use super::ask::{self, Headers};
use super::refusal::{self, Manners};
use super::xml::Form;
use super::{Credentials, Dialect, Endpoint, Options, Reply, Request};
use crate::model::{Access, Offer, Page, Position, Provider, RestoreMark, Tier};
use crate::store::{ErrorKind, Head, Listing, Refusal, RestoreAnswer, RestoreAsk, sign};

/// Classes that always need a restore.
const ARCHIVED: &[&str] = &["ARCHIVE", "DEEP_ARCHIVE", "MAZ_ARCHIVE", "MAZ_DEEP_ARCHIVE"];

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

/// What the deep archive of any kind offers.
const DEEP: &[Tier] = &[Tier::Standard, Tier::Bulk];

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
        ask::restore(ask, None, "CASJobParameters", Headers::new())
    }

    fn sign(&self, request: &mut Request, to: &Endpoint, who: &Credentials, at: Timestamp) {
        sign::cos::sign(request, to, who, at);
    }

    fn read_page(&self, listing: &Listing, reply: Reply) -> Result<Page, Refusal> {
        refusal::page(&MANNERS, &FORM, listing.api, reply, |reply| self.read_refusal(reply))
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
        match shelf(class, access_tier)? {
            Shelf::Archive => Some(Offer { days: Some(1..=365), tiers: &Tier::ALL }),
            Shelf::Deep => Some(Offer { days: Some(1..=365), tiers: DEEP }),
            Shelf::TieringArchive => Some(Offer { days: None, tiers: &Tier::ALL }),
            // Of an unknown tier, only what either would take.
            Shelf::TieringDeep | Shelf::TieringUntold => Some(Offer { days: None, tiers: DEEP }),
            Shelf::Online => None,
        }
    }

    fn archived_classes(&self) -> &'static [&'static str] {
        ARCHIVED
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

/// Where a class keeps its objects.
#[derive(Clone, Copy)]
enum Shelf {
    Online,
    Archive,
    Deep,
    TieringArchive,
    TieringDeep,
    TieringUntold,
}

/// `None` for a class or tier that the documents do not know. An absent class is STANDARD.
fn shelf(class: &[u8], access_tier: &[u8]) -> Option<Shelf> {
    let is = |name: &str| class.eq_ignore_ascii_case(name.as_bytes());
    let tier = |name: &str| access_tier.eq_ignore_ascii_case(name.as_bytes());
    let shelf = if is("ARCHIVE") || is("MAZ_ARCHIVE") {
        Shelf::Archive
    } else if is("DEEP_ARCHIVE") || is("MAZ_DEEP_ARCHIVE") {
        Shelf::Deep
    } else if is("INTELLIGENT_TIERING") || is("MAZ_INTELLIGENT_TIERING") {
        if access_tier.is_empty() {
            Shelf::TieringUntold
        } else if tier("FREQUENT") || tier("INFREQUENT") {
            Shelf::Online
        } else if tier("ARCHIVE_ACCESS") {
            Shelf::TieringArchive
        } else if tier("DEEP_ARCHIVE_ACCESS") || tier("DEEP_ARCHIEVE_ACCESS") {
            // The second spelling is coscli's.
            Shelf::TieringDeep
        } else {
            return None;
        }
    } else if class.is_empty() || KNOWN.iter().any(|name| is(name)) {
        Shelf::Online
    } else {
        return None;
    };
    Some(shelf)
}

fn access(class: &[u8], access_tier: &[u8]) -> Access {
    match shelf(class, access_tier) {
        Some(Shelf::Online) => Access::Online,
        Some(Shelf::Archive | Shelf::Deep | Shelf::TieringArchive | Shelf::TieringDeep) => Access::Archived,
        Some(Shelf::TieringUntold) => Access::Tiering,
        None => Access::Unrecognised,
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
    fn each_class_offers_its_own() {
        let days = Some(1..=365);
        for class in ["ARCHIVE", "MAZ_ARCHIVE", "archive"] {
            let offer = Offer { days: days.clone(), tiers: &[Tier::Expedited, Tier::Standard, Tier::Bulk] };
            assert_eq!(COS.offer(class.as_bytes(), b""), Some(offer), "{class}");
        }
        for class in ["DEEP_ARCHIVE", "MAZ_DEEP_ARCHIVE"] {
            let offer = Offer { days: days.clone(), tiers: &[Tier::Standard, Tier::Bulk] };
            assert_eq!(COS.offer(class.as_bytes(), b""), Some(offer), "{class}");
        }
        for class in ["INTELLIGENT_TIERING", "MAZ_INTELLIGENT_TIERING"] {
            let class = class.as_bytes();
            assert_eq!(COS.offer(class, b"ARCHIVE_ACCESS"), Some(Offer { days: None, tiers: &Tier::ALL }));
            for deep in ["DEEP_ARCHIVE_ACCESS", "DEEP_ARCHIEVE_ACCESS"] {
                assert_eq!(COS.access(class, deep.as_bytes()), Access::Archived);
                let offer = Offer { days: None, tiers: &[Tier::Standard, Tier::Bulk] };
                assert_eq!(COS.offer(class, deep.as_bytes()), Some(offer));
            }
            assert_eq!(COS.offer(class, b"FREQUENT"), None);
            assert_eq!(COS.access(class, b"INFREQUENT"), Access::Online);
            assert_eq!(COS.access(class, b""), Access::Tiering);
            assert_eq!(COS.access(class, b"NEW_TIER"), Access::Unrecognised);
        }
        for online in ["STANDARD", "STANDARD_IA", "COLD", "MAZ_STANDARD", "MAZ_COLD", ""] {
            assert_eq!(COS.offer(online.as_bytes(), b""), None, "{online}");
            assert_eq!(COS.access(online.as_bytes(), b""), Access::Online, "{online}");
        }
        assert_eq!(COS.access(b"COLD_ARCHIVE", b""), Access::Unrecognised);
        assert!(COS.archived_classes().iter().all(|class| COS.offer(class.as_bytes(), b"").is_some()));
    }

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
