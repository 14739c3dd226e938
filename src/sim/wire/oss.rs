//! Documents and headers of OSS. Sources: the ListObjects, ListObjectsV2, ListObjectVersions and
//! HeadObject pages, read 2026-11.

use super::super::bucket::{Bucket, Marks};
use super::super::mark::Phase;
use super::super::version::Version;
use super::date::{Secs, push_iso, push_rfc1123, rfc1123};
use super::listing::{Asked, Kind};
use super::page::Page;
use super::xml::Xml;

const OWNER: &str = "<Owner><ID>1686240967192623</ID><DisplayName>1686240967192623</DisplayName></Owner>";

/// The answer to GetBucketArchiveDirectRead. Source: its page, read 2026-11.
pub(in crate::sim) fn direct_read(bucket: &Bucket) -> Vec<u8> {
    let mut out = Vec::new();
    let mut xml = Xml { out: &mut out, safe: None };
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ArchiveDirectReadConfiguration>");
    xml.text("Enabled", if bucket.direct_read { b"true" } else { b"false" });
    xml.raw("</ArchiveDirectReadConfiguration>");
    out
}

/// Appends the restore state in the words of `x-oss-restore`; `false` if there is nothing to say.
fn push_restore(out: &mut Vec<u8>, bucket: &Bucket, version: &Version<'_>, now: Secs) -> bool {
    let until = match version.phase(now) {
        Phase::Running(_) => {
            out.extend_from_slice(b"ongoing-request=\"true\"");
            return true;
        }
        Phase::Ready(mark) => mark.expires,
        Phase::Lapsed(mark) if bucket.quirks.show_lapsed => mark.expires,
        Phase::Lapsed(_) | Phase::Frozen | Phase::Online(_) => None,
    };
    let Some(until) = until else { return false };
    out.extend_from_slice(b"ongoing-request=\"false\", expiry-date=\"");
    push_rfc1123(out, until);
    out.push(b'"');
    true
}

/// `Type` and `x-oss-object-type`.
const fn kind(version: &Version<'_>) -> &'static str {
    match (version.symlink, version.parts()) {
        (Some(_), _) => "Symlink",
        (None, Some(_)) => "Multipart",
        (None, None) => "Normal",
    }
}

fn entry(xml: &mut Xml<'_>, bucket: &Bucket, version: &Version<'_>, now: Secs) {
    xml.with("LastModified", |out| push_iso(out, version.modified));
    if version.delete_marker {
        return;
    }
    xml.with("ETag", |out| {
        out.push(b'"');
        version.push_etag(out, bucket.dialect);
        out.push(b'"');
    });
    xml.text("Type", kind(version).as_bytes());
    xml.number("Size", version.size);
    xml.text("StorageClass", version.class.name().as_bytes());
    if !bucket.quirks.hide_restore {
        let before = xml.out.len();
        xml.raw("<RestoreInfo>");
        if push_restore(xml.out, bucket, version, now) {
            xml.raw("</RestoreInfo>");
        } else {
            xml.out.truncate(before);
        }
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
    let space = if bucket.quirks.xmlns == Some(true) {
        " xmlns=\"http://doc.oss-cn-hangzhou.aliyuncs.com\""
    } else {
        ""
    };
    xml.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<");
    xml.raw(root);
    xml.raw(space);
    xml.raw(">\n");
    xml.text("Name", bucket.name.as_bytes());
    xml.key("Prefix", &asked.prefix);
    match asked.kind {
        Kind::V1 => xml.key("Marker", &asked.after),
        Kind::V2 => {
            if let Some(start) = &asked.start_after {
                xml.key("StartAfter", start);
            }
            if let Some(token) = &asked.token {
                xml.key("ContinuationToken", token);
            }
        }
        Kind::Versions => {
            xml.key("KeyMarker", &asked.after);
            xml.text("VersionIdMarker", asked.after_version.as_deref().unwrap_or(&[]));
        }
    }
    xml.number("MaxKeys", u64::try_from(asked.max_keys).unwrap_or(0));
    xml.key("Delimiter", asked.delimiter.as_deref().unwrap_or(&[]));
    if asked.safe.is_some() {
        xml.text("EncodingType", b"url");
    }
    xml.flag("IsTruncated", page.truncated);
    if page.truncated {
        match asked.kind {
            Kind::V1 => xml.key("NextMarker", &page.next),
            Kind::V2 => xml.key("NextContinuationToken", &asked.next_token(bucket.dialect, page)),
            Kind::Versions => {
                xml.key("NextKeyMarker", &page.next);
                xml.with("NextVersionIdMarker", |out| {
                    if let Some(at) = page.next_version {
                        bucket.push_id(out, bucket.version(at, marks).id);
                    }
                });
            }
        }
    }
    xml.raw("\n");
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
        entry(&mut xml, bucket, &version, now);
        if asked.owner {
            xml.raw(OWNER);
        }
        xml.raw("</");
        xml.raw(name);
        xml.raw(">\n");
    }
    for prefix in page.prefixes() {
        xml.raw("<CommonPrefixes>");
        xml.key("Prefix", prefix);
        xml.raw("</CommonPrefixes>\n");
    }
    if asked.kind == Kind::V2 {
        xml.number("KeyCount", u64::try_from(page.len()).unwrap_or(0));
    }
    xml.raw("</");
    xml.raw(root);
    xml.raw(">\n");
}

/// Headers of a HEAD answer.
pub(in crate::sim) fn head(bucket: &Bucket, version: &Version<'_>, now: Secs) -> Vec<(&'static str, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut etag = vec![b'"'];
    version.push_etag(&mut etag, bucket.dialect);
    etag.push(b'"');
    let mut id = Vec::new();
    bucket.push_id(&mut id, version.id);
    let mut headers = vec![
        ("content-length", version.size.to_string()),
        ("content-type", "application/octet-stream".to_owned()),
        ("accept-ranges", "bytes".to_owned()),
        ("etag", text(etag)),
        ("last-modified", rfc1123(version.modified)),
        ("x-oss-object-type", kind(version).to_owned()),
        ("x-oss-storage-class", version.class.name().to_owned()),
        ("x-oss-hash-crc64ecma", version.lot.to_string()),
        ("x-oss-version-id", text(id)),
    ];
    let mut state = Vec::new();
    if push_restore(&mut state, bucket, version, now) {
        headers.push(("x-oss-restore", text(state)));
    }
    headers
}
