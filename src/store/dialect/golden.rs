//! The three dialects against the golden files of `tests/wire`, which come from the vendors' pages.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use crate::model::{Listed, RestoreMark, Tier};
use crate::store::{ErrorKind, ListApi, Released, Taken};

/// A file of `tests/wire`.
macro_rules! wire {
    ($file:literal) => {
        include_str!(concat!("../../../tests/wire/", $file))
    };
}

fn endpoint(provider: Provider) -> Endpoint {
    let (bucket, region) = match provider {
        Provider::Oss => ("examplebucket", "cn-hangzhou"),
        Provider::Cos => ("examplebucket-1250000000", "ap-guangzhou"),
        Provider::S3 => ("examplebucket", "us-east-1"),
    };
    Endpoint {
        https: true,
        host: dialect(provider).default_host(region),
        style: Style::Virtual,
        bucket: bucket.to_owned(),
        region: region.to_owned(),
    }
}

fn dialect(provider: Provider) -> Box<dyn Dialect> {
    for_provider(provider, Options::default())
}

fn paying(provider: Provider) -> Box<dyn Dialect> {
    for_provider(provider, Options { request_payer: true, ..Options::default() })
}

fn listing(api: ListApi) -> Listing {
    Listing { prefix: "a b/\u{fc}+%".into(), api, page_size: 1000 }
}

/// The request as it goes on the wire, unsigned.
fn printed(dialect: &dyn Dialect, request: &Request) -> String {
    let to = endpoint(dialect.provider());
    let mut out = format!("{} {} HTTP/1.1\nhost: {}\n", request.method, target(request, &to), to.authority());
    for (name, value) in &request.headers {
        writeln!(out, "{name}: {value}").unwrap();
    }
    out.push('\n');
    out.push_str(std::str::from_utf8(&request.body).unwrap());
    out
}

fn asks(dialect: &dyn Dialect, request: &Request, golden: &str) {
    assert_eq!(printed(dialect, request), golden);
}

fn lists(dialect: &dyn Dialect, api: ListApi, at: &Position, golden: &str) {
    asks(dialect, &dialect.list(&listing(api), at), golden);
}

fn ask(version_id: &[u8], days: Option<u32>, tier: Option<Tier>) -> RestoreAsk<'_> {
    RestoreAsk { key: "dir/\u{fc} +%.txt".as_bytes(), version_id, days, tier, until: None }
}

fn reply(status: u16, headers: &[(&'static str, &'static str)], body: impl AsRef<[u8]>) -> Reply {
    let headers: HeaderMap = headers
        .iter()
        .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    Reply { status, headers, body: body.as_ref().to_vec() }
}

fn page(provider: Provider, api: ListApi, body: &str) -> Page {
    dialect(provider).read_page(&listing(api), reply(200, &[], body), Vec::new()).unwrap()
}

/// An entry in one line.
fn line(e: Listed<'_>) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let (key, version, class) = (text(e.key), text(e.version_id), text(e.class));
    let (tier, etag) = (text(e.access_tier), text(e.etag));
    let modified = e.last_modified.map(|t| t.to_string()).unwrap_or_default();
    let restore = match e.restore {
        RestoreMark::Ready(Some(until)) => format!("Ready({until})"),
        other => format!("{other:?}"),
    };
    format!(
        "{:?} [{key}] [{version}] {} {class}/{tier} {:?} {} {etag} {modified} {restore}",
        e.kind, e.is_latest, e.access, e.size
    )
}

fn lines(page: &Page) -> Vec<String> {
    page.iter().map(line).collect()
}

#[test]
fn oss_asks_as_documented() {
    let (free, payer) = (dialect(Provider::Oss), paying(Provider::Oss));
    let after = Position::After(b"a b/\x01".to_vec());
    let token = Position::Token(b"Cgxsb2dzL8OpAS5iaW4-".to_vec());
    let version = Position::AfterVersion(b"k/1".to_vec(), b"CAEQ".to_vec());
    lists(&*free, ListApi::V2, &Position::Start, wire!("oss/list-v2.http"));
    lists(&*free, ListApi::V2, &after, wire!("oss/list-v2-after.http"));
    lists(&*payer, ListApi::V2, &token, wire!("oss/list-v2-token.http"));
    lists(&*free, ListApi::V1, &after, wire!("oss/list-v1-after.http"));
    lists(&*free, ListApi::Versions, &version, wire!("oss/list-versions.http"));
    let key = "dir/\u{fc} +%.txt".as_bytes();
    asks(&*payer, &payer.head(key, b"xyz"), wire!("oss/head.http"));
    asks(&*free, &free.restore(&ask(b"", Some(2), None)), wire!("oss/restore-archive.http"));
    asks(&*payer, &payer.restore(&ask(b"xyz", Some(3), Some(Tier::Bulk))), wire!("oss/restore-cold.http"));
    asks(&*payer, &payer.release(key, b"xyz").unwrap(), wire!("oss/release.http"));
    asks(&*payer, &payer.direct_read().unwrap(), wire!("oss/direct-read.http"));
}

#[test]
fn direct_read_is_asked_for_where_buckets_have_it() {
    assert!(dialect(Provider::Cos).direct_read().is_none());
    assert!(dialect(Provider::S3).direct_read().is_none());
    let oss = dialect(Provider::Oss);
    let on = wire!("oss/direct-read.xml");
    let read = |status, body: &str| oss.read_direct_read(&reply(status, &[], body));
    assert!(read(200, on).unwrap());
    assert!(!read(200, &on.replace("true", "false")).unwrap());
    for (status, body, kind) in [
        (200, String::new(), ErrorKind::Unreadable),
        (200, on.replace("true", "perhaps"), ErrorKind::Unreadable),
        (200, "<html>hello</html>".to_owned(), ErrorKind::Unreadable),
        (403, "<Error><Code>AccessDenied</Code></Error>".to_owned(), ErrorKind::Denied),
        (200, "<Error><Code>AccessDenied</Code></Error>".to_owned(), ErrorKind::Denied),
    ] {
        assert_eq!(read(status, &body).unwrap_err().kind, kind, "{status} {body}");
    }
}

#[test]
fn copies_are_given_back_where_the_vendor_has_a_call_for_it() {
    assert!(dialect(Provider::Cos).release(b"k", b"").is_none());
    assert!(dialect(Provider::S3).release(b"k", b"").is_none());
    let oss = dialect(Provider::Oss);
    let id = [("x-oss-request-id", "5C3D")];
    let error = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>m</Message><RequestId>5C3D</RequestId></Error>"
        )
    };
    for (status, body, released) in [
        (200, String::new(), Some(Released::Given)),
        (409, error("ArchiveRestoreFileStale"), Some(Released::Nothing)),
        (409, error("ArchiveRestoreNotFinished"), Some(Released::Running)),
        (200, error("InternalError"), None),
        (200, "<html>hello</html>".to_owned(), None),
        (403, error("AccessDenied"), None),
    ] {
        let read = oss.read_release(&reply(status, &id, &body));
        assert_eq!(read.as_ref().ok().map(|answer| answer.released), released, "{status} {body}");
        assert!(read.is_err() || read.is_ok_and(|answer| &*answer.request_id == "5C3D"));
    }
}

/// The times that the vendors' pages name: OSS RestoreObject, COS POST Object restore, S3 "Archive
/// retrieval options".
#[test]
fn restores_take_as_long_as_the_pages_say() {
    use Tier::{Bulk, Expedited, Standard};
    let minutes = |provider, class: &str, access_tier: &str, tier| {
        let usual = dialect(provider).usual(class.as_bytes(), access_tier.as_bytes(), tier);
        usual.map(|usual| usual.latest.as_secs() / 60)
    };
    for (provider, class, access_tier, expedited, standard, bulk) in [
        (Provider::Oss, "Archive", "", Some(1), Some(1), Some(1)),
        (Provider::Oss, "ColdArchive", "", Some(60), Some(300), Some(720)),
        (Provider::Oss, "DeepColdArchive", "", Some(720), Some(2880), None),
        (Provider::Oss, "Standard", "", None, None, None),
        (Provider::Cos, "ARCHIVE", "", Some(15), Some(300), Some(720)),
        (Provider::Cos, "MAZ_DEEP_ARCHIVE", "", None, Some(1440), Some(2880)),
        (Provider::Cos, "INTELLIGENT_TIERING", "ARCHIVE_ACCESS", Some(15), Some(300), Some(720)),
        (Provider::Cos, "STANDARD", "", None, None, None),
        (Provider::S3, "GLACIER", "", Some(5), Some(300), Some(720)),
        (Provider::S3, "DEEP_ARCHIVE", "", None, Some(720), Some(2880)),
        (Provider::S3, "INTELLIGENT_TIERING", "ARCHIVE_ACCESS", Some(5), Some(300), Some(720)),
        (Provider::S3, "INTELLIGENT_TIERING", "DEEP_ARCHIVE_ACCESS", None, Some(720), Some(2880)),
        (Provider::S3, "GLACIER_IR", "", None, None, None),
    ] {
        for (tier, wanted) in [(Expedited, expedited), (Standard, standard), (Bulk, bulk)] {
            assert_eq!(minutes(provider, class, access_tier, Some(tier)), wanted, "{class} {tier}");
        }
        assert_eq!(minutes(provider, class, access_tier, None), standard, "{class}, no tier");
    }
    let soonest = |provider, class: &str, tier| {
        let usual = dialect(provider).usual(class.as_bytes(), b"", Some(tier));
        usual.map(|usual| usual.soonest.as_secs() / 3600)
    };
    for (provider, class, expedited, standard, bulk) in [
        (Provider::Oss, "coldarchive", Some(0), Some(2), Some(5)),
        (Provider::Oss, "DeepColdArchive", Some(0), Some(12), None),
        (Provider::Cos, "ARCHIVE", Some(0), Some(3), Some(5)),
        (Provider::Cos, "MAZ_DEEP_ARCHIVE", None, Some(12), Some(24)),
        // The access tier is not known: the slower one.
        (Provider::Cos, "INTELLIGENT_TIERING", None, Some(12), Some(24)),
        (Provider::S3, "GLACIER", Some(0), Some(3), Some(5)),
        (Provider::S3, "DEEP_ARCHIVE", None, Some(9), Some(12)),
        (Provider::S3, "GLACIER_IR", None, None, None),
    ] {
        for (tier, wanted) in [(Expedited, expedited), (Standard, standard), (Bulk, bulk)] {
            assert_eq!(soonest(provider, class, tier), wanted, "{class} {tier}");
        }
    }
}

#[test]
fn whatever_is_offered_has_a_time_and_nothing_else_has() {
    for provider in Provider::ALL {
        let dialect = dialect(provider);
        for class in dialect.known_classes().iter().map(|class| class.as_bytes()) {
            for access in [&b""[..], b"ARCHIVE_ACCESS", b"DEEP_ARCHIVE_ACCESS"] {
                let offer = dialect.offer(class, access);
                assert_eq!(dialect.usual(class, access, None).is_some(), offer.is_some());
                let offered =
                    |tier| offer.as_ref().is_some_and(|o| o.tiers.is_empty() || o.tiers.contains(&tier));
                for tier in Tier::ALL {
                    let usual = dialect.usual(class, access, Some(tier));
                    assert_eq!(usual.is_some(), offered(tier), "{} {tier}", class.escape_ascii());
                    assert!(usual.is_none_or(|usual| usual.soonest <= usual.latest));
                }
            }
        }
    }
}

#[test]
fn cos_asks_as_documented() {
    let cos = paying(Provider::Cos);
    let after = Position::After(b"a b/\x01".to_vec());
    // There is no version 2: both calls are the marker listing.
    for api in [ListApi::V2, ListApi::V1] {
        lists(&*cos, api, &Position::Start, wire!("cos/list.http"));
        lists(&*cos, api, &after, wire!("cos/list-after.http"));
    }
    let version = Position::AfterVersion(b"k/1".to_vec(), b"MTg0".to_vec());
    lists(&*cos, ListApi::Versions, &version, wire!("cos/list-versions.http"));
    let unversioned = Position::AfterVersion(b"k/1".to_vec(), Vec::new());
    lists(&*cos, ListApi::Versions, &unversioned, wire!("cos/list-versions-unversioned.http"));
    asks(&*cos, &cos.head("dir/\u{fc} +%.txt".as_bytes(), b""), wire!("cos/head.http"));
    asks(&*cos, &cos.restore(&ask(b"xyz", Some(7), Some(Tier::Bulk))), wire!("cos/restore.http"));
    asks(&*cos, &cos.restore(&ask(b"", None, Some(Tier::Standard))), wire!("cos/restore-tiering.http"));
}

#[test]
fn s3_asks_as_documented() {
    let (free, payer) = (dialect(Provider::S3), paying(Provider::S3));
    let after = Position::After(b"a b/\x01".to_vec());
    let token = Position::Token(b"1+x/%2By==".to_vec());
    let version = Position::AfterVersion(b"k/1".to_vec(), b"v/1".to_vec());
    let key_only = Position::AfterVersion(b"k/1".to_vec(), Vec::new());
    lists(&*free, ListApi::V2, &Position::Start, wire!("s3/list-v2.http"));
    lists(&*free, ListApi::V2, &after, wire!("s3/list-v2-after.http"));
    lists(&*payer, ListApi::V2, &token, wire!("s3/list-v2-token.http"));
    lists(&*free, ListApi::V1, &after, wire!("s3/list-v1-after.http"));
    lists(&*free, ListApi::Versions, &version, wire!("s3/list-versions.http"));
    lists(&*free, ListApi::Versions, &key_only, wire!("s3/list-versions-after.http"));
    lists(&*free, ListApi::Versions, &Position::After(b"k/1".to_vec()), wire!("s3/list-versions-after.http"));
    asks(&*payer, &payer.head("dir/\u{fc} +%.txt".as_bytes(), b"xyz"), wire!("s3/head.http"));
    asks(&*free, &free.restore(&ask(b"xyz", Some(7), Some(Tier::Bulk))), wire!("s3/restore.http"));
    asks(&*payer, &payer.restore(&ask(b"", None, Some(Tier::Standard))), wire!("s3/restore-tiering.http"));
}

#[test]
fn oss_listings_are_read() {
    let logs = [
        "Object [logs/a b+%.gz] [] true ColdArchive/ Archived 344606 35A27C2B9EAEEB6F48FD7FB5861D**** \
         2026-05-18T05:45:43Z Running",
        "Object [logs/\\xc3\\xa9\\x01.bin] [] true DeepColdArchive/ Archived 104857600 \
         797A1D7C7F8B4A1E9C9F0A3B2D1C0E4F-12 2026-01-02T03:04:05Z Ready(2026-11-27T08:15:02Z)",
    ];
    let v2 = page(Provider::Oss, ListApi::V2, wire!("oss/list-v2.xml"));
    assert_eq!(lines(&v2), logs);
    assert_eq!(v2.next(), Some(&Position::Token(b"Cgxsb2dzL8OpAS5iaW4-".to_vec())));
    let v1 = page(Provider::Oss, ListApi::V1, wire!("oss/list-v1.xml"));
    assert_eq!(lines(&v1), logs);
    assert_eq!(v1.next(), Some(&Position::After(b"logs/2024/".to_vec())));

    let versions = page(Provider::Oss, ListApi::Versions, wire!("oss/list-versions.xml"));
    assert_eq!(
        lines(&versions),
        [
            "DeleteMarker [old.tar] [CAEQMxiBgICAof2D0BYiIDJhMGE3N2M1YTI1NDQzOGY5NTkyNTI3MGYyMzJm****] true / \
             Online 0  2026-04-09T07:27:28Z Absent",
            "Object [old.tar] [CAEQMxiBgMDNoP2D0BYiIDE3MWUxNzgxZDQxNTRiODI5OGYwZGMwNGY3MzZj****] false Archive/ \
             Archived 93731 250F8A0AE989679A22926A875F0A2**** 2026-04-09T07:27:20Z Running",
            "Object [pub.txt] [CAEQGBiBgIC_jq7P9xYiIDRiZWJkNjY2Y2Q4NDQ5ZTI5ZGE5ODIxMTIyZThl****] true Standard/ \
             Online 12 C8C3F4A7A9F5A3B3D6B1C09C5A1F**** 2026-04-09T07:27:30Z Absent",
        ]
    );
    let id = b"CAEQGBiBgIC_jq7P9xYiIDRiZWJkNjY2Y2Q4NDQ5ZTI5ZGE5ODIxMTIyZThl****".to_vec();
    assert_eq!(versions.next(), Some(&Position::AfterVersion(b"pub.txt".to_vec(), id)));
}

#[test]
fn cos_listings_are_read() {
    for api in [ListApi::V2, ListApi::V1] {
        let page = page(Provider::Cos, api, wire!("cos/list.xml"));
        let etag = "9e107d9d372bb6826bd81d3542a419d6";
        assert_eq!(
            lines(&page),
            [
                format!("Object [a b/k1] [] true ARCHIVE/ Archived 1024 {etag} 2020-12-10T03:37:30Z Running"),
                format!(
                    "Object [a b/k2+] [] true INTELLIGENT_TIERING/FREQUENT Online 7 {etag} \
                     2020-12-10T03:37:31Z Absent"
                ),
                format!(
                    "Object [a b/k9] [] true DEEP_ARCHIVE/ Archived 8 {etag} 2020-12-10T03:37:32Z Unsaid"
                ),
            ]
        );
        assert_eq!(page.next(), Some(&Position::After(b"a b/k9".to_vec())));
    }
    let versions = page(Provider::Cos, ListApi::Versions, wire!("cos/list-versions.xml"));
    let etag = "9e107d9d372bb6826bd81d3542a419d6";
    assert_eq!(
        lines(&versions),
        [
            "DeleteMarker [j] [MTg0NDUxNTc1NjIzMTQ1MDAwOTk] true / Online 0  2020-12-10T03:37:32Z Absent"
                .to_owned(),
            format!("Object [j] [null] false MAZ_ARCHIVE/ Archived 1024 {etag} 2020-12-10T03:37:30Z Unsaid"),
            format!(
                "Object [k ] [MTg0NDUxNTc1NjIzMTQ1MDAwODg] true STANDARD/ Online 1 {etag} \
                 2020-12-10T03:37:31Z Absent"
            ),
        ]
    );
    let id = b"MTg0NDUxNTc1NjIzMTQ1MDAwODg".to_vec();
    assert_eq!(versions.next(), Some(&Position::AfterVersion(b"k ".to_vec(), id)));
}

#[test]
fn s3_listings_are_read() {
    let etag = "fba9dede5f27731c9771645a39863328";
    let v2 = page(Provider::S3, ListApi::V2, wire!("s3/list-v2.xml"));
    assert_eq!(
        lines(&v2),
        [
            format!(
                "Object [a b/\\xc3\\xbc+%.txt] [] true GLACIER/ Archived 434234 {etag} 2009-10-12T17:50:30Z \
                 Ready(2012-12-21T00:00:00Z)"
            ),
            format!(
                "Object [a b/running] [] true DEEP_ARCHIVE/ Archived 0 {etag}-2 2009-10-12T17:50:31Z Running"
            ),
            format!(
                "Object [a b/tiering] [] true INTELLIGENT_TIERING/ Tiering 18446744073709551615 {etag} \
                 2009-10-12T17:50:32Z Unsaid"
            ),
            format!("Object [a b/x] [] true GLACIER/ Archived 1 {etag} 2009-10-12T17:50:33Z Absent"),
        ]
    );
    // Opaque: neither `+` nor `%2B` is touched.
    assert_eq!(v2.next(), Some(&Position::Token(b"1+x/%2By==".to_vec())));

    let v1 = page(Provider::S3, ListApi::V1, wire!("s3/list-v1.xml"));
    assert_eq!(
        lines(&v1),
        [
            format!("Object [a b] [] true GLACIER_IR/ Online 434234 {etag} 2009-10-12T17:50:30Z Absent"),
            format!("Object [a c+] [] true GLACIER/ Archived 434234 {etag} 2009-10-12T17:50:30Z Absent"),
        ]
    );
    assert_eq!(v1.next(), Some(&Position::After(b"a c+".to_vec())));

    let versions = page(Provider::S3, ListApi::Versions, wire!("s3/list-versions.xml"));
    assert_eq!(
        lines(&versions),
        [
            format!(
                "Object [k] [3/L4kqtJl40Nr8X8gdRQBpUMLUo] true GLACIER/ Archived 434234 {etag} \
                 2009-10-12T17:50:30Z Running"
            ),
            "DeleteMarker [k] [null] false / Online 0  2009-11-12T17:50:30Z Absent".to_owned(),
            format!(
                "Object [k 1] [3HL4kqCxf3vjVBH40Nrjfkd] true STANDARD/ Online 1 {etag} \
                 2009-10-12T17:50:30Z Absent"
            ),
        ]
    );
    let id = b"3HL4kqCxf3vjVBH40Nrjfkd".to_vec();
    assert_eq!(versions.next(), Some(&Position::AfterVersion(b"k 1".to_vec(), id)));
}

#[test]
fn every_row_of_the_error_tables_is_known() {
    let tables = [
        (Provider::Oss, wire!("oss/errors.txt")),
        (Provider::Cos, wire!("cos/errors.txt")),
        (Provider::S3, wire!("s3/errors.txt")),
    ];
    for (provider, table) in tables {
        for row in table.lines().filter(|row| !row.starts_with('#')) {
            let words: Vec<&str> = row.split(' ').collect();
            let [status, code, kind] = words.as_slice() else { panic!("{row}") };
            let body = match *code {
                "-" => String::new(),
                code => format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"),
            };
            let said = dialect(provider).read_refusal(&reply(status.parse().unwrap(), &[], body));
            assert_eq!(format!("{:?}", said.kind), *kind, "{provider} {row}");
            assert_eq!(&*said.code, code.trim_matches('-'), "{provider} {row}");
        }
    }
}

#[test]
fn restore_answers_are_told_apart() {
    let samples = [
        (Provider::Oss, wire!("oss/error.xml"), "5374A2880232A65C23002D75"),
        (Provider::Cos, wire!("cos/error.xml"), "NTk0MjdmODlfMjQ4OGY3XzYzYzhf"),
        (Provider::S3, wire!("s3/error.xml"), "4442587FB7D0A2F9"),
    ];
    for (provider, running, id) in samples {
        let dialect = dialect(provider);
        let read = |status, body: &str| dialect.read_restore(&reply(status, &[], body));
        assert_eq!(read(202, "").unwrap().taken, Taken::Accepted);
        assert_eq!(read(200, "").unwrap().taken, Taken::Extended);
        let already = read(409, running).unwrap();
        assert_eq!((already.taken, already.status), (Taken::AlreadyRunning, 409));
        assert_eq!(already.code.as_deref(), Some("RestoreAlreadyInProgress"));
        assert_eq!(&*already.request_id, id);
        // A 409 that does not say which of its meanings it has is no success.
        assert_eq!(read(409, "").unwrap_err().kind, ErrorKind::Other);
        assert_eq!(read(204, "").unwrap_err().kind, ErrorKind::Unreadable);
        let slow = "<Error><Code>SlowDown</Code></Error>";
        assert_eq!(read(200, slow).unwrap_err().kind, ErrorKind::Throttled);
        assert_eq!(read(503, slow).unwrap_err().kind, ErrorKind::Throttled);
        // A portal's page is no answer; an empty body is one, though it be called a page.
        let page = [("content-type", "text/html; charset=utf-8")];
        let read = |body: &str| dialect.read_restore(&reply(202, &page, body));
        assert_eq!(read("").unwrap().taken, Taken::Accepted);
        assert_eq!(read("Please log in").unwrap_err().kind, ErrorKind::Unreadable);
    }
    // OSS refuses to slow a running restore down; only the finer code is documented.
    let slower = "<Error><Code>Whatever</Code><EC>0016-00000715</EC></Error>";
    let answer = dialect(Provider::Oss).read_restore(&reply(409, &[], slower)).unwrap();
    assert_eq!((answer.taken, answer.code.as_deref()), (Taken::AlreadyRunning, Some("Whatever")));
}

#[test]
fn the_right_region_is_learnt() {
    let oss = dialect(Provider::Oss).read_refusal(&reply(403, &[], wire!("oss/error-endpoint.xml")));
    assert_eq!((oss.kind, oss.region.as_deref()), (ErrorKind::WrongRegion, Some("cn-shanghai")));
    let signed = "<Error><Code>InvalidArgument</Code><EC>0002-00000226</EC></Error>";
    let oss = dialect(Provider::Oss).read_refusal(&reply(400, &[], signed));
    assert_eq!((oss.kind, oss.region), (ErrorKind::WrongRegion, None));
    let s3 = dialect(Provider::S3).read_refusal(&reply(400, &[], wire!("s3/error-region.xml")));
    assert_eq!((s3.kind, s3.region.as_deref()), (ErrorKind::WrongRegion, Some("eu-west-1")));
    let head = [("x-amz-bucket-region", "eu-west-1"), ("x-amz-request-id", "R1")];
    let s3 = dialect(Provider::S3).read_refusal(&reply(301, &head, ""));
    assert_eq!((s3.kind, s3.region.as_deref()), (ErrorKind::WrongRegion, Some("eu-west-1")));
    assert_eq!(&*s3.request_id, "R1");
}

#[test]
fn an_error_document_under_200_is_an_error() {
    for provider in Provider::ALL {
        let body =
            "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code><RequestId>R</RequestId></Error>";
        for api in [ListApi::V2, ListApi::V1, ListApi::Versions] {
            let said =
                dialect(provider).read_page(&listing(api), reply(200, &[], body), Vec::new()).unwrap_err();
            assert_eq!(
                (said.kind, &*said.code, &*said.request_id),
                (ErrorKind::Server, "InternalError", "R")
            );
        }
    }
}

#[test]
fn heads_are_read() {
    let oss = dialect(Provider::Oss);
    let ready = [
        ("x-oss-storage-class", "ColdArchive"),
        ("x-oss-restore", "ongoing-request=\"false\", expiry-date=\"Fri, 27 Nov 2026 08:15:02 GMT\""),
        ("x-oss-expiration", "expiry-date=\"Thu, 01 Jan 2099 00:00:00 GMT\", rule-id=\"r\""),
        ("x-oss-request-id", "5374A2880232A65C23002D75"),
    ];
    let head = oss.read_head(&reply(200, &ready, "")).unwrap();
    assert_eq!(head.restore, RestoreMark::Ready(Some("2026-11-27T08:15:02Z".parse().unwrap())));
    assert_eq!((head.class.as_str(), head.access), ("ColdArchive", Access::Archived));
    assert_eq!(&*head.request_id, "5374A2880232A65C23002D75");
    assert_eq!(head.running_at, None);
    let priority = [("x-oss-restore", "ongoing-request=\"true\""), ("x-oss-object-restore-priority", "Bulk")];
    assert_eq!(oss.read_head(&reply(200, &priority, "")).unwrap().running_at, Some(Tier::Bulk));
    let plain = [("x-oss-object-type", "Normal")];
    let head = oss.read_head(&reply(200, &plain, "")).unwrap();
    assert_eq!((head.class.as_str(), head.access), ("Standard", Access::Online));
    assert_eq!(head.restore, RestoreMark::Absent);

    let cos = dialect(Provider::Cos);
    let running = [
        ("x-cos-storage-class", "INTELLIGENT_TIERING"),
        ("x-cos-storage-tier", "ARCHIVE_ACCESS"),
        ("x-cos-restore", "ongoing-request=\"true\""),
        ("x-cos-restore-status", "tier=\"expedited\"; request-date=\"Fri, 27 Dec 2019 08:19:29 GMT\""),
    ];
    let head = cos.read_head(&reply(200, &running, "")).unwrap();
    assert_eq!((head.restore, head.access), (RestoreMark::Running, Access::Archived));
    assert_eq!((head.access_tier.as_str(), head.running_at), ("ARCHIVE_ACCESS", Some(Tier::Expedited)));
    let odd = [("x-cos-restore", "soon")];
    assert_eq!(cos.read_head(&reply(200, &odd, "")).unwrap_err().kind, ErrorKind::Unreadable);

    // A 200 without a header of the store's own is somebody else's.
    let page = [("content-type", "text/html"), ("etag", "\"5d\""), ("server", "nginx")];
    for provider in Provider::ALL {
        let said = dialect(provider).read_head(&reply(200, &page, "")).unwrap_err();
        assert_eq!(said.kind, ErrorKind::Unreadable);
    }

    let s3 = dialect(Provider::S3);
    let tiering = [("x-amz-storage-class", "INTELLIGENT_TIERING")];
    assert_eq!(s3.read_head(&reply(200, &tiering, "")).unwrap().access, Access::Online);
    let deep = [tiering[0], ("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS")];
    assert_eq!(s3.read_head(&reply(200, &deep, "")).unwrap().access, Access::Archived);

    // OSS sends HEAD's error document in a header: this is NoSuchKey under 404.
    let coded = [("x-oss-err", "PEVycm9yPjxDb2RlPk5vU3VjaEtleTwvQ29kZT48L0Vycm9yPg==")];
    let said = oss.read_refusal(&reply(404, &coded, ""));
    assert_eq!((said.kind, &*said.code), (ErrorKind::Gone, "NoSuchKey"));
}

proptest::proptest! {
    /// Whatever comes back, under whatever status: an answer or a refusal, never a panic.
    #[test]
    fn no_reply_makes_a_dialect_panic(
        status in 100_u16..600,
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        named in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
    ) {
        let names = ["x-oss-err", "x-oss-restore", "x-cos-restore", "x-amz-restore", "retry-after",
            "x-amz-bucket-region", "x-amz-storage-class", "x-oss-request-id"];
        let headers: HeaderMap = names
            .into_iter()
            .filter_map(|name| Some((HeaderName::from_static(name), HeaderValue::from_bytes(&named).ok()?)))
            .collect();
        for provider in Provider::ALL {
            let reply = || Reply { status, headers: headers.clone(), body: body.clone() };
            let dialect = dialect(provider);
            let said = dialect.read_refusal(&reply());
            proptest::prop_assert!(said.message.chars().count() <= 300);
            let _ = (dialect.read_head(&reply()), dialect.read_restore(&reply()));
            for api in [ListApi::V1, ListApi::V2, ListApi::Versions] {
                proptest::prop_assert!(dialect.read_page(&listing(api), reply(), Vec::new()).is_err());
            }
        }
    }
}
