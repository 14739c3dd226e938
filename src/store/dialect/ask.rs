//! Building requests: what the three vendors' calls have in common.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use md5::{Digest, Md5};

use super::Request;
use super::legal::Law;
use crate::model::Position;
use crate::store::{ListApi, Listing, RestoreAsk};

/// Most entries a page may be asked for, with every vendor.
const MOST_KEYS: u32 = 1000;

/// Headers that a dialect puts on every request of a kind.
pub(super) type Headers = Vec<(&'static str, String)>;

/// A listing; `markers_only` where the vendor has no ListObjectsV2.
///
/// `encoding-type=url` always: XML cannot carry every byte that a key may hold.
pub(super) fn list(listing: &Listing, at: &Position, markers_only: bool, headers: Headers) -> Request {
    let mut query: Vec<(&'static str, Vec<u8>)> = Vec::with_capacity(6);
    match listing.api {
        ListApi::V2 if !markers_only => query.push(("list-type", b"2".to_vec())),
        ListApi::V1 | ListApi::V2 => {}
        ListApi::Versions => query.push(("versions", Vec::new())),
    }
    query.push(("encoding-type", b"url".to_vec()));
    query.push(("max-keys", listing.page_size.clamp(1, MOST_KEYS).to_string().into_bytes()));
    if !listing.prefix.is_empty() {
        query.push(("prefix", listing.prefix.clone()));
    }
    let (after, token) = match listing.api {
        ListApi::V2 if !markers_only => ("start-after", "continuation-token"),
        ListApi::V1 | ListApi::V2 => ("marker", "marker"),
        ListApi::Versions => ("key-marker", "key-marker"),
    };
    match at {
        Position::Start => {}
        Position::After(key) => query.push((after, key.clone())),
        Position::Token(text) => query.push((token, text.clone())),
        Position::AfterVersion(key, version) => {
            query.push((after, key.clone()));
            // COS wants its own empty marker back; the others refuse an empty one.
            if listing.api == ListApi::Versions && (markers_only || !version.is_empty()) {
                query.push(("version-id-marker", version.clone()));
            }
        }
    }
    Request { method: Method::GET, key: Vec::new(), query, headers, body: Vec::new() }
}

/// A HEAD of one object.
pub(super) fn head(key: &[u8], version_id: &[u8], headers: Headers) -> Request {
    let mut query = Vec::new();
    push_version(&mut query, version_id);
    Request { method: Method::HEAD, key: key.to_vec(), query, headers, body: Vec::new() }
}

/// A restore of one object, in the shape of the vendor's `law`.
///
/// Content-MD5 is sent to every vendor: S3's older reference and COS's common headers ask for it,
/// and OSS takes it. Source: S3 RestoreObject, COS common request headers, OSS RestoreObject
/// pages, read 2026-11.
pub(super) fn restore(ask: &RestoreAsk<'_>, law: &Law, mut headers: Headers) -> Request {
    let Law { xmlns, job, .. } = *law;
    let mut query = vec![("restore", Vec::new())];
    push_version(&mut query, ask.version_id);
    let mut body = String::from("<RestoreRequest");
    if let Some(xmlns) = xmlns {
        body.push_str(" xmlns=\"");
        body.push_str(xmlns);
        body.push('"');
    }
    body.push('>');
    if let Some(days) = ask.days {
        body.push_str("<Days>");
        body.push_str(&days.to_string());
        body.push_str("</Days>");
    }
    if let Some(tier) = ask.tier {
        for part in ["<", job, "><Tier>", tier.as_str(), "</Tier></", job, ">"] {
            body.push_str(part);
        }
    }
    body.push_str("</RestoreRequest>");
    headers.push(("content-md5", STANDARD.encode(Md5::digest(&body))));
    headers.push(("content-type", "application/xml".to_owned()));
    Request { method: Method::POST, key: ask.key.to_vec(), query, headers, body: body.into_bytes() }
}

/// A release of one object's copy.
pub(super) fn release(key: &[u8], version_id: &[u8], headers: Headers) -> Request {
    let mut query = vec![("cleanRestoredObject", Vec::new())];
    push_version(&mut query, version_id);
    Request { method: Method::POST, key: key.to_vec(), query, headers, body: Vec::new() }
}

/// A GET of one setting of the bucket.
pub(super) fn setting(name: &'static str, headers: Headers) -> Request {
    Request {
        method: Method::GET,
        key: Vec::new(),
        query: vec![(name, Vec::new())],
        headers,
        body: Vec::new(),
    }
}

fn push_version(query: &mut Vec<(&'static str, Vec<u8>)>, version_id: &[u8]) {
    if !version_id.is_empty() {
        query.push(("versionId", version_id.to_vec()));
    }
}
