//! Percent-encoding, and the request target that goes on the wire.
//!
//! The three vendors agree: every byte but the unreserved ones of RFC 3986 (`A-Z a-z 0-9 - . _ ~`)
//! is written `%XX` in upper case; a path keeps its `/`, a query value does not. A space is `%20`,
//! never `+`, which servers read differently in paths and in queries.
//! Source: OSS "Recommend to use signature version 4", COS "Request signature" (436/7778) and the
//! S3 API page "Authenticating requests: using the Authorization header", read 2026-11.

use super::{Endpoint, Request, Style};
use crate::model::push_percent;

/// `bytes` as a part of a path: `/` stays as it is.
#[must_use]
pub fn path(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_percent(&mut out, bytes, true);
    out
}

/// `bytes` as a name or value of a query: `/` is encoded too.
#[must_use]
pub fn query(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_percent(&mut out, bytes, false);
    out
}

/// The path of the request target before encoding: what the server sees after decoding it.
#[must_use]
pub fn raw_path(request: &Request, to: &Endpoint) -> Vec<u8> {
    let mut raw = vec![b'/'];
    if to.style == Style::Path {
        raw.extend_from_slice(to.bucket.as_bytes());
        raw.push(b'/');
    }
    raw.extend_from_slice(&request.key);
    raw
}

/// The request target in origin form, byte for byte as it must be sent.
///
/// `/bucket/key?query` in path style, `/key?query` otherwise; a call on the bucket ends in the
/// slash. The query keeps the order of the request, and a pair without value is its bare name.
#[must_use]
pub fn target(request: &Request, to: &Endpoint) -> String {
    let mut out = path(&raw_path(request, to));
    let mut before = '?';
    for (name, value) in &request.query {
        out.push(before);
        push_percent(&mut out, name.as_bytes(), false);
        if !value.is_empty() {
            out.push('=');
            push_percent(&mut out, value, false);
        }
        before = '&';
    }
    out
}

/// Whether a parser that follows the WHATWG URL rules (the `url` crate does, hence reqwest) would
/// send another path than the one in `target`.
///
/// It resolves `.` and `..` segments, also where a dot is written `%2e`: a restore POST for
/// `a/../b` would restore, and bill, another object. Such a key must be refused.
#[must_use]
pub fn folds(target: &str) -> bool {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    path.split('/').any(|segment| {
        // A segment of dots has at most six characters, so most need no copy.
        segment.len() <= "%2e%2e".len()
            && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::*;

    fn endpoint(style: Style) -> Endpoint {
        Endpoint {
            https: true,
            host: "oss-cn-hangzhou.aliyuncs.com".into(),
            style,
            bucket: "examplebucket".into(),
            region: "cn-hangzhou".into(),
        }
    }

    fn request(key: &[u8], query: Vec<(&'static str, Vec<u8>)>) -> Request {
        Request { method: Method::GET, key: key.to_vec(), query, headers: vec![], body: vec![] }
    }

    #[test]
    fn the_target_of_a_key_names_the_bucket_in_path_style_only() {
        let ask =
            request("dir/ü +%.txt".as_bytes(), vec![("restore", vec![]), ("versionId", b"xyz".to_vec())]);
        let tail = "/dir/%C3%BC%20%2B%25.txt?restore&versionId=xyz";
        assert_eq!(target(&ask, &endpoint(Style::Virtual)), tail);
        assert_eq!(target(&ask, &endpoint(Style::Domain)), tail);
        assert_eq!(target(&ask, &endpoint(Style::Path)), format!("/examplebucket{tail}"));
    }

    #[test]
    fn the_target_of_a_bucket_keeps_the_order_of_the_query() {
        let ask = request(
            b"",
            vec![
                ("list-type", b"2".to_vec()),
                ("prefix", "a b/ü+%".as_bytes().to_vec()),
                ("encoding-type", b"url".to_vec()),
            ],
        );
        let tail = "?list-type=2&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url";
        assert_eq!(target(&ask, &endpoint(Style::Virtual)), format!("/{tail}"));
        assert_eq!(target(&ask, &endpoint(Style::Path)), format!("/examplebucket/{tail}"));
    }

    #[test]
    fn dot_segments_are_found_however_they_are_written() {
        for bad in ["/a/../b", "/a/./b", "/a/%2e%2E/b", "/..", "/.", "/a/.", "/.%2e/b", "/%2E?x=1"] {
            assert!(folds(bad), "{bad}");
        }
        for good in ["/", "/a/.../b", "/.a/b", "/a//b", "/a/b..", "/a?prefix=/../", "/%252e/b", "/%2e%2e%2e"]
        {
            assert!(!folds(good), "{good}");
        }
    }

    proptest! {
        /// `folds` must agree with the parser it speaks about.
        #[test]
        fn folds_is_what_the_url_crate_does(key in proptest::collection::vec(
            prop_oneof![Just(b'.'), Just(b'/'), Just(b'%'), Just(b'2'), Just(b'e'), Just(b'\\'), any::<u8>()], 0..12,
        )) {
            let target = target(&request(&key, vec![("restore", vec![])]), &endpoint(Style::Virtual));
            let url = reqwest::Url::parse(&format!("https://b.example.com{target}")).unwrap();
            let sent = format!("{}?{}", url.path(), url.query().unwrap());
            prop_assert_eq!(sent == target, !folds(&target), "{} became {}", target, sent);
        }

        #[test]
        fn every_byte_survives_the_way_there_and_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = query(&bytes);
            let mut back = Vec::new();
            let mut rest = text.as_bytes();
            while let Some((&first, tail)) = rest.split_first() {
                if first == b'%' {
                    back.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                    rest = &tail[2..];
                } else {
                    prop_assert!(first.is_ascii_alphanumeric() || b"-._~".contains(&first));
                    back.push(first);
                    rest = tail;
                }
            }
            prop_assert_eq!(back, bytes);
        }
    }
}
