//! Documents and headers of COS. Sources: the GET Bucket, GET Bucket Object versions and HEAD
//! Object pages, read 2026-11; `RestoreStatus` in listings is only known from the vendor's Go SDK.

use super::super::bucket::{Bucket, Marks};
use super::super::config::Versioning;
use super::super::mark::Phase;
use super::super::version::Version;
use super::date::{Secs, push_iso, rfc1123};
use super::listing::{Asked, Kind};
use super::page::Page;
use super::xml::Xml;

/// The APPID, which is the owner: what follows the last dash of the bucket's name.
fn owner(bucket: &Bucket) -> &str {
    bucket.owner.as_deref().or_else(|| Some(bucket.name.rsplit_once('-')?.1)).unwrap_or("1250000000")
}

fn entry(xml: &mut Xml<'_>, bucket: &Bucket, version: &Version<'_>, kind: Kind, now: Secs) {
    xml.with("LastModified", |out| push_iso(out, version.modified));
    if !version.delete_marker {
        xml.with("ETag", |out| {
            out.extend_from_slice(b"&quot;");
            version.push_etag(out, bucket.dialect);
            out.extend_from_slice(b"&quot;");
        });
        xml.number("Size", version.size);
    }
    xml.raw("<Owner>");
    xml.text("ID", owner(bucket).as_bytes());
    xml.text("DisplayName", owner(bucket).as_bytes());
    xml.raw("</Owner>");
    if version.delete_marker {
        return;
    }
    xml.text("StorageClass", version.class.name().as_bytes());
    if let Some(access) = version.access(now) {
        xml.text("StorageTier", access.as_str().as_bytes());
    }
    let running = matches!(version.phase(now), Phase::Running(_));
    if running && kind != Kind::Versions && !bucket.quirks.hide_restore {
        xml.text("RestoreStatus", b"ONGOING");
    }
}

/// Writes a page.
pub(in crate::sim) fn list(
    out: &mut Vec<u8>,
    bucket: &Bucket,
    asked: &Asked,
    page: &Page,
    marks: &Marks,
    now: Secs,
) {
    let mut xml = Xml { out, safe: asked.safe };
    let root = if asked.kind == Kind::Versions { "ListVersionsResult" } else { "ListBucketResult" };
    xml.raw("<?xml version='1.0' encoding='utf-8' ?>\n<");
    xml.raw(root);
    if bucket.quirks.xmlns == Some(true) {
        xml.raw(" xmlns=\"http://www.qcloud.com/document/product/436/7751\"");
    }
    xml.raw(">\n");
    xml.text("Name", bucket.name.as_bytes());
    if asked.safe.is_some() {
        xml.text("EncodingType", b"url");
    }
    xml.key("Prefix", &asked.prefix);
    if asked.kind == Kind::Versions {
        xml.key("KeyMarker", &asked.after);
        xml.text("VersionIdMarker", asked.after_version.as_deref().unwrap_or(&[]));
    } else {
        xml.key("Marker", &asked.after);
    }
    xml.number("MaxKeys", u64::try_from(asked.max_keys).unwrap_or(0));
    if let Some(delimiter) = &asked.delimiter {
        xml.key("Delimiter", delimiter);
    }
    xml.flag("IsTruncated", page.truncated);
    if page.truncated && asked.kind == Kind::Versions {
        xml.key("NextKeyMarker", &page.next);
        xml.with("NextVersionIdMarker", |out| {
            if let Some(at) = page.next_version {
                bucket.push_id(out, bucket.version(at, marks).id);
            }
        });
    } else if page.truncated {
        xml.key("NextMarker", &page.next);
    }
    xml.raw("\n");
    for prefix in page.prefixes() {
        xml.raw("<CommonPrefixes>");
        xml.key("Prefix", prefix);
        xml.raw("</CommonPrefixes>\n");
    }
    for row in &page.rows {
        let version = bucket.version(row.at, marks);
        let name = match asked.kind {
            Kind::V1 | Kind::V2 => "Contents",
            Kind::Versions if version.delete_marker => "DeleteMarker",
            Kind::Versions => "Version",
        };
        xml.raw("<");
        xml.raw(name);
        xml.raw(">");
        xml.key("Key", page.key(row));
        if asked.kind == Kind::Versions {
            xml.with("VersionId", |out| bucket.push_id(out, version.id));
            xml.flag("IsLatest", version.latest);
        }
        entry(&mut xml, bucket, &version, asked.kind, now);
        xml.raw("</");
        xml.raw(name);
        xml.raw(">\n");
    }
    xml.raw("</");
    xml.raw(root);
    xml.raw(">");
}

/// Headers of a HEAD answer.
pub(in crate::sim) fn head(bucket: &Bucket, version: &Version<'_>, now: Secs) -> Vec<(&'static str, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut etag = vec![b'"'];
    version.push_etag(&mut etag, bucket.dialect);
    etag.push(b'"');
    let mut headers = vec![
        ("content-length", version.size.to_string()),
        ("content-type", "application/octet-stream".to_owned()),
        ("accept-ranges", "bytes".to_owned()),
        ("etag", text(etag)),
        ("last-modified", rfc1123(version.modified)),
        ("x-cos-hash-crc64ecma", version.lot.to_string()),
    ];
    if bucket.versioning != Versioning::Off {
        let mut id = Vec::new();
        bucket.push_id(&mut id, version.id);
        headers.push(("x-cos-version-id", text(id)));
    }
    if !version.class.is_standard() {
        headers.push(("x-cos-storage-class", version.class.name().to_owned()));
    }
    if let Some(access) = version.access(now) {
        headers.push(("x-cos-storage-tier", access.as_str().to_owned()));
    }
    match version.phase(now) {
        Phase::Running(mark) => {
            headers.push(("x-cos-restore", "ongoing-request=\"true\"".to_owned()));
            let tier = mark.tier.as_str().to_ascii_lowercase();
            let status = format!("tier=\"{tier}\"; request-date=\"{}\"", rfc1123(mark.asked));
            headers.push(("x-cos-restore-status", status));
        }
        Phase::Ready(mark) => headers.extend(ready(mark.expires)),
        Phase::Lapsed(mark) if bucket.quirks.show_lapsed => headers.extend(ready(mark.expires)),
        Phase::Lapsed(_) | Phase::Frozen | Phase::Online(_) => {}
    }
    headers
}

fn ready(expires: Option<Secs>) -> Option<(&'static str, String)> {
    let text = format!("ongoing-request=\"false\", expiry-date=\"{}\"", rfc1123(expires?));
    Some(("x-cos-restore", text))
}
