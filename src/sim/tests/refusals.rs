//! Refusals, from the vendors' error pages.

use base64::Engine as _;

use super::super::*;
use super::ground::{Answer, ask, restore, send, serve, start};

fn config() -> Config {
    let mut s3 = BucketConfig::new(Dialect::S3, "s3").with(ObjectConfig::new("k", "STANDARD"));
    s3.region = Some("eu-west-1".to_owned());
    s3.owner = Some("111122223333".to_owned());
    let link = VersionConfig { symlink: Some("k".to_owned()), ..VersionConfig::default() };
    let lost = VersionConfig { symlink: Some("nowhere".to_owned()), ..VersionConfig::default() };
    let oss = BucketConfig::new(Dialect::Oss, "oss")
        .with(ObjectConfig::new("k", "IA"))
        .with(ObjectConfig::new("cold", "Archive"))
        .with(ObjectConfig::new("link", "IA").current(link))
        .with(ObjectConfig::new("lost", "IA").current(lost));
    let cos = BucketConfig::new(Dialect::Cos, "cos").with(ObjectConfig::new("k", "COLD"));
    Config::default().with_bucket(s3).with_bucket(oss).with_bucket(cos)
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text("Code").unwrap_or(""))
}

const BODY: &str = "<RestoreRequest><Days>2</Days></RestoreRequest>";

#[tokio::test]
async fn objects_that_are_not_there_or_not_archived() {
    let server = serve(config()).await;
    for (target, status, code) in [
        ("/s3/k?restore", 403, "InvalidObjectState"),
        ("/s3/nope?restore", 404, "NoSuchKey"),
        ("/s3/k?restore&versionId=nope", 404, "NoSuchVersion"),
        ("/s3/k?restore&versionId=", 400, "InvalidArgument"),
        ("/oss/k?restore", 400, "OperationNotSupported"),
        ("/oss/link?restore", 400, "OperationNotSupported"),
        ("/oss/nope?restore", 404, "NoSuchKey"),
        ("/oss//k?restore", 400, "InvalidObjectName"),
        ("/cos/k?restore", 405, "RestoreNonArchiveObject"),
        ("/cos/nope?restore", 404, "NoSuchKey"),
        ("/none/k?restore", 404, "NoSuchBucket"),
    ] {
        assert_eq!(refused(&restore(&server, target, BODY).await), (status, code), "{target}");
    }
    let answer = ask(&server, "GET /oss/cold").await;
    assert_eq!(refused(&answer), (403, "InvalidObjectState"));
    assert_eq!(
        (answer.text("EC"), answer.header("x-oss-ec")),
        (Some("0016-00000404"), Some("0016-00000404"))
    );
}

/// One body a line that the class of its key does not take, from the pages on restore requests.
#[tokio::test]
async fn bodies_that_a_class_does_not_take() {
    let with = |bucket: BucketConfig, class: &str| bucket.with(ObjectConfig::new(class, class));
    let tiering = |bucket: BucketConfig| {
        let frozen = VersionConfig {
            storage_class: Some("INTELLIGENT_TIERING".to_owned()),
            access_tier: Some(Access::ArchiveAccess),
            ..VersionConfig::default()
        };
        with(bucket, "INTELLIGENT_TIERING").with(ObjectConfig::new("IT", "").current(frozen))
    };
    let oss = ["IA", "Archive", "ColdArchive", "DeepColdArchive"];
    let cos = ["COLD", "ARCHIVE", "DEEP_ARCHIVE"];
    let s3 = ["GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];
    let config = Config::default()
        .with_bucket(oss.iter().fold(BucketConfig::new(Dialect::Oss, "oss"), |b, class| with(b, class)))
        .with_bucket(tiering(
            cos.iter().fold(BucketConfig::new(Dialect::Cos, "cos"), |b, class| with(b, class)),
        ))
        .with_bucket(tiering(
            s3.iter().fold(BucketConfig::new(Dialect::S3, "s3"), |b, class| with(b, class)),
        ));
    let server = serve(config).await;
    let (oss, cos, s3) = ("JobParameters", "CASJobParameters", "GlacierJobParameters");
    let bad_xml = (400, "MalformedXML");
    let illegal = (400, "InvalidArgument");
    for (target, days, job, tier, expected) in [
        ("/oss/Archive", "1", oss, "Standard", bad_xml),
        ("/oss/Archive", "1", s3, "Standard", bad_xml),
        ("/oss/Archive", "8", oss, "", illegal),
        ("/oss/Archive", "0", oss, "", illegal),
        ("/oss/ColdArchive", "366", oss, "Bulk", illegal),
        ("/oss/ColdArchive", "1", oss, "Fast", illegal),
        ("/oss/ColdArchive", "1", s3, "Bulk", bad_xml),
        ("/oss/DeepColdArchive", "1", oss, "Bulk", illegal),
        ("/oss/IA", "1", oss, "", (400, "OperationNotSupported")),
        ("/cos/ARCHIVE", "366", cos, "Bulk", illegal),
        ("/cos/ARCHIVE", "", cos, "Bulk", illegal),
        ("/cos/ARCHIVE", "1", s3, "Bulk", bad_xml),
        ("/cos/DEEP_ARCHIVE", "1", cos, "Expedited", illegal),
        ("/cos/COLD", "1", cos, "Bulk", (405, "RestoreNonArchiveObject")),
        ("/cos/INTELLIGENT_TIERING", "", cos, "Bulk", (405, "RestoreNonArchiveObject")),
        ("/s3/GLACIER", "", s3, "Bulk", bad_xml),
        ("/s3/GLACIER", "0", s3, "Bulk", bad_xml),
        ("/s3/GLACIER", "1", oss, "Bulk", bad_xml),
        ("/s3/DEEP_ARCHIVE", "1", s3, "Expedited", illegal),
        ("/s3/IT", "1", s3, "Bulk", illegal),
        ("/s3/INTELLIGENT_TIERING", "", s3, "Bulk", (403, "ObjectAlreadyInActiveTierError")),
        ("/s3/GLACIER_IR", "1", s3, "Bulk", (403, "InvalidObjectState")),
    ] {
        let days = if days.is_empty() { String::new() } else { format!("<Days>{days}</Days>") };
        let job = if tier.is_empty() { String::new() } else { format!("<{job}><Tier>{tier}</Tier></{job}>") };
        let body = format!("<RestoreRequest>{days}{job}</RestoreRequest>");
        assert_eq!(
            refused(&restore(&server, &format!("{target}?restore"), &body).await),
            expected,
            "{target} {body}"
        );
    }
}

#[tokio::test]
async fn head_errors_have_no_body() {
    let server = serve(config()).await;
    let answer = ask(&server, "HEAD /oss/nope").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    let error =
        base64::engine::general_purpose::STANDARD.decode(answer.header("x-oss-err").unwrap()).unwrap();
    assert!(String::from_utf8(error).unwrap().contains("<Code>NoSuchKey</Code>"));
    let answer = ask(&server, "HEAD /s3/nope").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""));
    let answer = ask(&server, "HEAD /oss/lost").await;
    assert_eq!(answer.status, 404);
    let answer = ask(&server, "HEAD /oss/link").await;
    assert_eq!(answer.header("x-oss-object-type"), Some("Symlink"));
    assert_eq!(answer.header("x-oss-storage-class"), Some("IA"));
}

#[tokio::test]
async fn digests_are_checked_where_given() {
    let server = serve(config()).await;
    let send = |md5: &'static str| {
        let headers = format!("Host: x\r\nContent-MD5: {md5}\r\n");
        let server = &server;
        async move { send(server, "POST /cos/k?restore", &headers, BODY).await.unwrap() }
    };
    assert_eq!(refused(&send("junk").await), (400, "InvalidDigest"));
    assert_eq!(refused(&send("1B2M2Y8AsgTpgAmY7PhCfg==").await), (400, "BadDigest"));
}

#[tokio::test]
async fn the_wrong_region_and_the_wrong_owner() {
    let mut config = config();
    for bucket in &mut config.buckets {
        bucket.quirks.moved_to = Some("elsewhere".to_owned());
    }
    let server = serve(config).await;
    let answer = ask(&server, "GET /s3").await;
    assert_eq!(refused(&answer), (301, "PermanentRedirect"));
    assert_eq!(answer.header("x-amz-bucket-region"), Some("elsewhere"));
    let answer = ask(&server, "GET /oss/").await;
    assert_eq!(refused(&answer), (403, "AccessDenied"));
    assert_eq!(answer.text("Endpoint"), Some("oss-elsewhere.aliyuncs.com"));
    assert_eq!(refused(&ask(&server, "GET /cos/").await), (404, "NoSuchBucket"));
    let server = serve(self::config()).await;
    let away = send(&server, "GET /", "Host: oss.oss-cn-shanghai.aliyuncs.com\r\n", "").await.unwrap();
    assert_eq!(away.text("Endpoint"), Some("oss-cn-hangzhou.aliyuncs.com"));
    let home = send(&server, "GET /", "Host: oss.oss-cn-hangzhou.aliyuncs.com\r\n", "").await.unwrap();
    assert_eq!(home.status, 200);
    let headers = "Host: x\r\nx-amz-expected-bucket-owner: 999999999999\r\n";
    assert_eq!(refused(&send(&server, "GET /s3", headers, "").await.unwrap()), (403, "AccessDenied"));
}

#[tokio::test]
async fn a_right_can_be_missing() {
    let mut config = config();
    let reader = Credential { deny: vec![Call::Restore], ..Credential::new("reader", "x") };
    config.credentials.push(reader);
    let server = serve(config).await;
    let headers = "Host: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=reader/\r\n";
    let answer = send(&server, "POST /s3/k?restore", headers, BODY).await.unwrap();
    assert_eq!(refused(&answer), (403, "AccessDenied"));
    assert_eq!(send(&server, "GET /s3", headers, "").await.unwrap().status, 200);
}

/// Vector S2 of botocore: virtual host, us-east-1, 2 January 2026, 03:04:05.
const VECTOR: &str = "Host: examplebucket.s3.us-east-1.amazonaws.com\r\n\
    x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n\
    x-amz-date: 20260102T030405Z\r\n\
    x-amz-optional-object-attributes: RestoreStatus\r\n\
    Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request, \
    SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-optional-object-attributes, \
    Signature=2e8cc76b41abd9e48ad94408d92f837cf2cfe90276efa73a8599b6012750a8c8\r\n";
const LINE: &str = "GET /?list-type=2&prefix=a%20b%2F%C3%BC%2B%25&encoding-type=url";

async fn signed(region: &str, skew: i64, headers: &str) -> Answer {
    let mut bucket =
        BucketConfig::new(Dialect::S3, "examplebucket").with(ObjectConfig::new("a b/ü+%", "GLACIER"));
    bucket.region = Some(region.to_owned());
    let mut config = Config::default().with_bucket(bucket);
    config.credentials.push(Credential::new("AKIDEXAMPLE", "SECRETEXAMPLE"));
    config.clock.skew = skew;
    let server = start(config).await;
    send(&server, LINE, headers, "").await.unwrap()
}

#[tokio::test]
async fn signatures_are_checked() {
    let answer = signed("us-east-1", 0, VECTOR).await;
    assert_eq!((answer.status, answer.text("Key")), (200, Some("a+b/%C3%BC%2B%25")));
    let answer = signed("us-east-1", 0, &VECTOR.replace("a8c8", "a8c9")).await;
    assert_eq!(refused(&answer), (403, "SignatureDoesNotMatch"));
    let answer = signed("us-east-1", 0, &VECTOR.replace("AKIDEXAMPLE", "AKIDOTHER")).await;
    assert_eq!(refused(&answer), (403, "InvalidAccessKeyId"));
    let answer = signed("us-east-1", 1000, VECTOR).await;
    assert_eq!(refused(&answer), (403, "RequestTimeTooSkewed"));
    assert_eq!(answer.header("date"), Some("Fri, 02 Jan 2026 03:20:45 GMT"));
    let answer = signed("eu-west-1", 0, VECTOR).await;
    assert_eq!(refused(&answer), (400, "AuthorizationHeaderMalformed"));
    assert_eq!(answer.text("Region"), Some("eu-west-1"));
    let answer = signed("us-east-1", 0, "Host: examplebucket.s3.us-east-1.amazonaws.com\r\n").await;
    assert_eq!(refused(&answer), (403, "AccessDenied"));
}

#[tokio::test]
async fn connections_serve_many_requests() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = serve(config()).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let one = "HEAD /oss/k HTTP/1.1\r\nHost: x\r\n\r\n";
    let last = "HEAD /oss/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{one}{one}{last}").as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3);
    let ids: std::collections::BTreeSet<_> =
        text.lines().filter(|l| l.starts_with("x-oss-request-id")).collect();
    assert_eq!(ids.len(), 3);
    // What is no HTTP ends the connection, not the server.
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"\x16\x03\x01 hello\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(ask(&server, "HEAD /oss/k").await.status, 200);
}
