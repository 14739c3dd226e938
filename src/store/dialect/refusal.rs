//! Reading refusals: the vendor's code first, the status second, the prose never.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;

use super::xml::{self, ErrorDocument};
use super::{Reply, dates};
use crate::store::{ErrorKind, Refusal};

/// Longest message kept of a store's answer, in characters.
const MESSAGE_CHARS: usize = 300;

/// Longest code, request id or region kept, in characters; the vendors' are below 80.
const WORD_CHARS: usize = 128;

/// Where one vendor puts what it says of a refusal.
#[derive(Debug)]
pub(super) struct Manners {
    /// The header with the request id.
    pub(super) request_id: &'static str,
    /// The header with the right region, where the vendor has one.
    pub(super) region: Option<&'static str>,
    /// The header with the error document in base64, where the vendor sends one for HEAD.
    pub(super) document: Option<&'static str>,
    /// What the vendor's codes mean, and a status without any code (`""`) where the vendor has its
    /// own use for it; `None` for what is not in its tables.
    pub(super) kind: fn(code: &str, status: u16) -> Option<ErrorKind>,
}

/// The value of a header, empty if it is absent or not text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().trim()
}

/// Reads any reply that is not a success, together with the document that it held.
pub(super) fn read(manners: &Manners, reply: &Reply) -> (Refusal, ErrorDocument) {
    let document = ErrorDocument::read(&reply.body)
        .or_else(|| {
            let coded = header(&reply.headers, manners.document?);
            ErrorDocument::read(&STANDARD.decode(coded).ok()?)
        })
        .unwrap_or_default();
    let told = header(&reply.headers, manners.request_id);
    let request_id = if told.is_empty() { document.request_id.as_str() } else { told };
    let region = [
        manners.region.map(|name| header(&reply.headers, name)).unwrap_or_default(),
        &document.region,
        &document.endpoint,
        redirected(&reply.headers),
    ]
    .into_iter()
    .find(|place| is_place(place));
    let refusal = Refusal {
        kind: (manners.kind)(&document.code, reply.status).unwrap_or_else(|| by_status(reply.status)),
        status: reply.status,
        code: bounded(&document.code, WORD_CHARS),
        message: bounded(&document.message, MESSAGE_CHARS),
        request_id: bounded(request_id, WORD_CHARS),
        region: region.map(Into::into),
        retry_after: retry_after(&reply.headers),
    };
    (refusal, document)
}

/// Puts the region's name in place of the endpoint that the store named, where that tells it.
pub(super) fn prefer_region(said: &mut Refusal, region_of: impl FnOnce(&str) -> Option<String>) {
    if let Some(place) = &said.region
        && let Some(region) = region_of(place)
    {
        said.region = Some(region.into());
    }
}

/// The refusal for a reply that cannot be read, `why` in a few words.
pub(super) fn unreadable(manners: &Manners, status: u16, headers: &HeaderMap, why: &str) -> Refusal {
    Refusal {
        kind: ErrorKind::Unreadable,
        status,
        code: Box::default(),
        message: why.into(),
        request_id: bounded(header(headers, manners.request_id), WORD_CHARS),
        region: None,
        retry_after: None,
    }
}

/// The request id of a reply, bounded.
pub(super) fn request_id(manners: &Manners, headers: &HeaderMap) -> Box<str> {
    bounded(header(headers, manners.request_id), WORD_CHARS)
}

/// Reads a page, with `entries` for what it lists, or says what the reply is instead; `refuse` reads error
/// documents.
pub(super) fn page(
    (manners, form): (&Manners, &xml::Form),
    api: crate::store::ListApi,
    reply: Reply,
    entries: Vec<crate::model::Entry>,
    refuse: impl FnOnce(&Reply) -> Refusal,
) -> Result<crate::model::Page, Refusal> {
    let Reply { status, headers, body } = reply;
    match xml::read(form, api, body, entries) {
        Ok(page) => Ok(page),
        Err(xml::Fault::Refused(body)) => Err(refuse(&Reply { status, headers, body })),
        Err(xml::Fault::Unreadable(why)) => Err(unreadable(manners, status, &headers, why)),
    }
}

/// What a status means where no code says more (HEAD, proxies, codes of other makers).
///
/// 405 is what OSS and S3 answer for a delete marker; 503 is how all three throttle.
/// Source: OSS "HTTP status code 503", COS "Error codes", S3 "Error responses", read 2026-11.
fn by_status(status: u16) -> ErrorKind {
    match status {
        301 | 302 | 303 | 307 | 308 => ErrorKind::WrongRegion,
        400 | 411 | 501 => ErrorKind::Illegal,
        // No vendor documents it; their SDKs try again with fresh credentials.
        401 => ErrorKind::TokenExpired,
        402 => ErrorKind::Account,
        403 => ErrorKind::Denied,
        404 | 405 | 410 => ErrorKind::Gone,
        429 | 503 | 509 => ErrorKind::Throttled,
        408 | 500..=599 => ErrorKind::Server,
        _ => ErrorKind::Other,
    }
}

/// Whether a region or endpoint that a store names looks like one: it may be shown.
fn is_place(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= WORD_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b))
}

/// `Retry-After` in seconds, or as a date beside the reply's own. Source: RFC 9110 §10.2.3.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = header(headers, "retry-after");
    let seconds = told.parse::<u32>().ok().or_else(|| {
        let until = dates::http(told.as_bytes())?;
        let now = dates::http(header(headers, "date").as_bytes())?;
        u32::try_from(until.duration_since(now).as_secs()).ok()
    })?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// Host and port of a `Location`; empty if there is none, or it stays on the same host.
fn redirected(headers: &HeaderMap) -> &str {
    let (_, rest) = header(headers, "location").split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// At most `most` characters of `text`, in one line.
fn bounded(text: &str, most: usize) -> Box<str> {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Manners = Manners {
        request_id: "x-test-request-id",
        region: Some("x-test-region"),
        document: Some("x-test-err"),
        kind: |code, _| (code == "Known").then_some(ErrorKind::Quota),
    };

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Reply { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_code_decides_before_the_status() {
        let (known, _) = read(&PLAIN, &reply(404, &[], "<Error><Code>Known</Code></Error>"));
        assert_eq!((known.kind, &*known.code), (ErrorKind::Quota, "Known"));
        let (unknown, _) = read(&PLAIN, &reply(404, &[], "<Error><Code>New</Code></Error>"));
        assert_eq!((unknown.kind, &*unknown.code), (ErrorKind::Gone, "New"));
        let (proxy, _) = read(&PLAIN, &reply(502, &[], "<html>Bad gateway</html>"));
        assert_eq!((proxy.kind, &*proxy.code, &*proxy.message), (ErrorKind::Server, "", ""));
    }

    #[test]
    fn headers_speak_where_the_body_is_silent() {
        let coded = STANDARD.encode("<Error><Code>Known</Code><RequestId>inner</RequestId></Error>");
        let headers = [("x-test-err", coded.as_str()), ("retry-after", "7"), ("x-test-region", "eu-west-1")];
        let (refusal, _) = read(&PLAIN, &reply(403, &headers, ""));
        assert_eq!(refusal.kind, ErrorKind::Quota);
        assert_eq!(&*refusal.request_id, "inner");
        assert_eq!(refusal.region.as_deref(), Some("eu-west-1"));
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
        let headers = [("retry-after", "Fri, 27 Nov 2026 08:15:02 GMT"), ("x-test-request-id", "outer")];
        let (refusal, _) = read(&PLAIN, &reply(503, &headers, "<Error><RequestId>inner</RequestId></Error>"));
        assert_eq!((refusal.kind, refusal.retry_after), (ErrorKind::Throttled, None));
        assert_eq!(&*refusal.request_id, "outer");
        let headers = [headers[0], ("date", "Fri, 27 Nov 2026 08:14:22 GMT")];
        let (refusal, _) = read(&PLAIN, &reply(503, &headers, ""));
        assert_eq!(refusal.retry_after, Some(Duration::from_secs(40)));
        let (refusal, _) =
            read(&PLAIN, &reply(503, &[headers[0], ("date", "Sat, 28 Nov 2026 00:00:00 GMT")], ""));
        assert_eq!(refusal.retry_after, None, "long past");
    }

    #[test]
    fn a_redirect_tells_where_it_leads() {
        for (to, place) in [
            ("https://other.example:8443/b/?x=1", Some("other.example:8443")),
            ("http://user:word@10.0.0.1/", Some("10.0.0.1")),
            ("/login", None),
            ("https://", None),
            ("https://a b/", None),
        ] {
            let (refusal, _) = read(&PLAIN, &reply(307, &[("location", to)], ""));
            assert_eq!((refusal.kind, refusal.region.as_deref()), (ErrorKind::WrongRegion, place), "{to}");
        }
    }

    #[test]
    fn what_a_store_says_is_bounded() {
        let body = format!(
            "<Error><Code>{0}</Code><Message>{0}\n\u{1b}[2J</Message><Endpoint>a b</Endpoint></Error>",
            "\u{fc}".repeat(5_000)
        );
        let (refusal, _) = read(&PLAIN, &reply(400, &[], &body));
        assert_eq!(refusal.message.chars().count(), MESSAGE_CHARS);
        assert_eq!(refusal.code.chars().count(), WORD_CHARS);
        assert_eq!(refusal.region, None);
        let (refusal, _) = read(&PLAIN, &reply(400, &[], "<Error><Message>a\nb\u{1b}c</Message></Error>"));
        assert_eq!(&*refusal.message, "a b c");
    }
}
