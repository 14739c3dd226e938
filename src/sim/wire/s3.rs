//! Documents and headers of S3. Sources: the ListObjects, ListObjectsV2, ListObjectVersions and
//! HeadObject API pages and botocore's service model, read 2026-11.

use super::super::bucket::{Bucket, Marks};
use super::super::class::Access;
use super::super::config::Versioning;
use super::super::mark::Phase;
use super::super::version::Version;
use super::date::{Secs, push_iso, rfc1123};
use super::listing::{Asked, Kind};
use super::page::Page;
use super::xml::Xml;

const OWNER: &str =
    "<Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>";

fn entry(xml: &mut Xml<'_>, bucket: &Bucket, version: &Version<'_>, asked: &Asked, now: Secs) {
    xml.with("LastModified", |out| push_iso(out, version.modified));
    if version.delete_marker {
        return xml.raw(OWNER);
    }
    xml.with("ETag", |out| {
        out.extend_from_slice(b"&quot;");
        version.push_etag(out, bucket.dialect);
        out.extend_from_slice(b"&quot;");
    });
    xml.number("Size", version.size);
    if asked.owner {
        xml.raw(OWNER);
    }
    xml.text("StorageClass", version.class.name().as_bytes());
    if asked.restore && !bucket.quirks.hide_restore {
        restore(xml, bucket, version, now);
    }
}

fn restore(xml: &mut Xml<'_>, bucket: &Bucket, version: &Version<'_>, now: Secs) {
    let until = match version.phase(now) {
        Phase::Running(_) => {
            return xml.raw("<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>");
        }
        Phase::Ready(mark) => mark.expires,
        Phase::Lapsed(mark) if bucket.quirks.show_lapsed => mark.expires,
        Phase::Lapsed(_) | Phase::Frozen | Phase::Online(_) => None,
    };
    if let Some(until) = until {
        xml.raw("<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>");
        xml.with("RestoreExpiryDate", |out| push_iso(out, until));
        xml.raw("</RestoreStatus>");
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
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    xml.raw(root);
    if bucket.quirks.xmlns != Some(false) {
        xml.raw(" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"");
    }
    xml.raw(">");
    xml.text("Name", bucket.name.as_bytes());
    xml.key("Prefix", &asked.prefix);
    match asked.kind {
        Kind::V1 => xml.key("Marker", &asked.after),
        Kind::V2 => {
            if let Some(start) = &asked.start_after {
                xml.key("StartAfter", start);
            }
            if let Some(token) = &asked.token {
                xml.text("ContinuationToken", token);
            }
        }
        Kind::Versions => {
            xml.key("KeyMarker", &asked.after);
            xml.text("VersionIdMarker", asked.after_version.as_deref().unwrap_or(&[]));
        }
    }
    if page.truncated {
        match asked.kind {
            // Source: ListObjects API page: only with a delimiter; else the last key serves. A page
            // without keys would lead nowhere, so it names the marker in any case.
            Kind::V1 if asked.delimiter.is_none() && !page.rows.is_empty() => {}
            Kind::V1 => xml.key("NextMarker", &page.next),
            Kind::V2 => xml.text("NextContinuationToken", &asked.next_token(bucket.dialect, page)),
            Kind::Versions => {
                xml.key("NextKeyMarker", &page.next);
                if let Some(at) = page.next_version {
                    xml.with("NextVersionIdMarker", |out| bucket.push_id(out, bucket.version(at, marks).id));
                }
            }
        }
    }
    if asked.kind == Kind::V2 {
        xml.number("KeyCount", u64::try_from(page.len()).unwrap_or(0));
    }
    xml.number("MaxKeys", u64::try_from(asked.max_keys).unwrap_or(0));
    if let Some(delimiter) = &asked.delimiter {
        xml.key("Delimiter", delimiter);
    }
    if asked.safe.is_some() {
        xml.text("EncodingType", b"url");
    }
    xml.flag("IsTruncated", page.truncated);
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
        entry(&mut xml, bucket, &version, asked, now);
        xml.raw("</");
        xml.raw(name);
        xml.raw(">");
    }
    for prefix in page.prefixes() {
        xml.raw("<CommonPrefixes>");
        xml.key("Prefix", prefix);
        xml.raw("</CommonPrefixes>");
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
        ("content-type", "binary/octet-stream".to_owned()),
        ("accept-ranges", "bytes".to_owned()),
        ("etag", text(etag)),
        ("last-modified", rfc1123(version.modified)),
        ("x-amz-server-side-encryption", "AES256".to_owned()),
    ];
    if bucket.versioning != Versioning::Off {
        let mut id = Vec::new();
        bucket.push_id(&mut id, version.id);
        headers.push(("x-amz-version-id", text(id)));
    }
    if !version.class.is_standard() {
        headers.push(("x-amz-storage-class", version.class.name().to_owned()));
    }
    if let Some(access @ (Access::ArchiveAccess | Access::DeepArchiveAccess)) = version.access(now) {
        headers.push(("x-amz-archive-status", access.as_str().to_owned()));
    }
    let until = match version.phase(now) {
        Phase::Running(_) => {
            headers.push(("x-amz-restore", "ongoing-request=\"true\"".to_owned()));
            None
        }
        Phase::Ready(mark) => mark.expires,
        Phase::Lapsed(mark) if bucket.quirks.show_lapsed => mark.expires,
        Phase::Lapsed(_) | Phase::Frozen | Phase::Online(_) => None,
    };
    if let Some(until) = until {
        let state = format!("ongoing-request=\"false\", expiry-date=\"{}\"", rfc1123(until));
        headers.push(("x-amz-restore", state));
    }
    headers
}
