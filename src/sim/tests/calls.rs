//! Whole answers through a socket: list → head → restore for each vendor.

use std::time::Duration;

use super::super::*;
use super::ground::{ask, restore, send, serve};
use crate::model::Clock;

fn config(dialect: Dialect, class: &str) -> Config {
    let bucket = BucketConfig::new(dialect, "bkt-1250000000")
        .with(ObjectConfig::new("a b+%ü/1", class))
        .with(ObjectConfig::new("a/../b", class))
        .with(ObjectConfig::with_key_url("c%01", class));
    Config::default().with_bucket(bucket)
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn oss_list_head_restore() {
    let server = serve(config(Dialect::Oss, "ColdArchive")).await;
    let page = ask(&server, "GET /bkt-1250000000/?list-type=2&encoding-type=url&max-keys=2").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.texts("Key"), ["a%20b%2B%25%C3%BC%2F1", "a%2F..%2Fb"]);
    assert_eq!(page.text("IsTruncated"), Some("true"));
    assert_eq!(page.text("KeyCount"), Some("2"));
    assert!(!page.body.contains("<Owner>") && !page.body.contains("RestoreInfo"));
    let token = page.text("NextContinuationToken").unwrap();
    let line = format!("GET /bkt-1250000000/?list-type=2&encoding-type=url&continuation-token={token}");
    let page = ask(&server, &line).await;
    assert_eq!(page.texts("Key"), ["c%01"]);
    assert_eq!(page.text("MaxKeys"), Some("100"));

    let head = ask(&server, "HEAD /bkt-1250000000/a/../b").await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("x-oss-storage-class"), Some("ColdArchive"));
    assert_eq!(head.header("x-oss-restore"), None);
    assert_eq!(head.header("x-oss-version-id"), Some("null"));
    assert_eq!(head.header("date"), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
    assert_eq!(head.header("content-length"), Some("1048576"));
    assert_eq!(head.header("x-oss-request-id").unwrap().len(), 24);

    let body =
        "<RestoreRequest><Days>2</Days><JobParameters><Tier>Bulk</Tier></JobParameters></RestoreRequest>";
    let target = "/bkt-1250000000/a/../b?restore";
    let first = restore(&server, target, body).await;
    assert_eq!((first.status, first.body.as_str()), (202, ""));
    assert_eq!(first.header("x-oss-object-restore-priority"), Some("Bulk"));
    let again = restore(&server, target, body).await;
    assert_eq!((again.status, again.text("Code")), (409, Some("RestoreAlreadyInProgress")));
    assert_eq!(again.text("EC"), Some("0016-00000701"));
    assert_eq!(again.text("RequestId"), again.header("x-oss-request-id"));
    assert_eq!(again.text("HostId"), Some("127.0.0.1"));
    let head = ask(&server, "HEAD /bkt-1250000000/a/../b").await;
    assert_eq!(head.header("x-oss-restore"), Some("ongoing-request=\"true\""));
    server.clock().advance(12 * HOUR);
    let page = ask(&server, "GET /bkt-1250000000/?list-type=2&prefix=a/").await;
    let ready = "ongoing-request=\"false\", expiry-date=\"Sun, 04 Jan 2026 12:00:00 GMT\"";
    assert_eq!(page.text("RestoreInfo"), Some(ready));
    let longer = restore(&server, target, body).await;
    assert_eq!(longer.status, 200);
    assert_eq!(server.clock().now().to_string(), "2026-01-02T12:00:00Z");
    let counts = server.ledger().counts();
    assert_eq!((counts.list, counts.head, counts.restore, counts.total), (3, 2, 3, 8));
    let asked = server.ledger().restores();
    assert_eq!(asked.iter().map(|r| r.status).collect::<Vec<_>>(), [202, 409, 200]);
    assert_eq!((&*asked[0].key, asked[0].days, asked[0].tier), (&b"a/../b"[..], Some(2), Some(Tier::Bulk)));
    server.stop().await;
}

/// Source: OSS CleanRestoredObject page, read 2026-11.
#[tokio::test]
async fn oss_gives_a_copy_back() {
    let server = serve(config(Dialect::Oss, "ColdArchive")).await;
    let target = "POST /bkt-1250000000/c%01?cleanRestoredObject";
    let refused = |answer: &super::ground::Answer| (answer.status, answer.text("Code").unwrap().to_owned());
    assert_eq!(refused(&ask(&server, target).await), (409, "ArchiveRestoreFileStale".to_owned()));
    restore(&server, "/bkt-1250000000/c%01?restore", "<RestoreRequest><Days>2</Days></RestoreRequest>").await;
    let early = ask(&server, target).await;
    assert_eq!(refused(&early), (409, "ArchiveRestoreNotFinished".to_owned()));
    assert_eq!(early.text("EC"), Some("0016-00000719"));
    server.clock().advance(5 * HOUR);
    assert!(ask(&server, "HEAD /bkt-1250000000/c%01").await.header("x-oss-restore").is_some());
    let given = ask(&server, target).await;
    assert_eq!((given.status, given.body.as_str()), (200, ""));
    assert_eq!(ask(&server, "HEAD /bkt-1250000000/c%01").await.header("x-oss-restore"), None);
    assert_eq!(refused(&ask(&server, target).await), (409, "ArchiveRestoreFileStale".to_owned()));
    assert_eq!(server.ledger().counts().release, 4);
    server.stop().await;
}

#[tokio::test]
async fn cos_list_head_restore() {
    let server = serve(config(Dialect::Cos, "ARCHIVE")).await;
    let page = ask(&server, "GET /bkt-1250000000/?encoding-type=url&max-keys=1").await;
    assert_eq!(page.texts("Key"), ["a%20b%2B%25%C3%BC/1"]);
    assert_eq!(page.text("NextMarker"), Some("a%20b%2B%25%C3%BC/1"));
    assert_eq!(page.text("Owner"), Some("<ID>1250000000</ID><DisplayName>1250000000</DisplayName>"));
    let line = "GET /?encoding-type=url&marker=a+b%2B%25%C3%BC/1";
    let page =
        send(&server, line, "Host: bkt-1250000000.cos.ap-guangzhou.myqcloud.com\r\n", "").await.unwrap();
    assert_eq!(page.texts("Key"), ["a/../b", "c%01"]);
    let body = "<RestoreRequest><Days>7</Days><CASJobParameters><Tier>Expedited</Tier></CASJobParameters></RestoreRequest>";
    let first = restore(&server, "/bkt-1250000000/c%01?restore", body).await;
    assert_eq!(first.status, 202);
    assert_eq!(first.header("content-length"), Some("0"));
    let again = restore(&server, "/bkt-1250000000/c%01?restore", body).await;
    assert_eq!((again.status, again.text("Code")), (409, Some("RestoreAlreadyInProgress")));
    assert_eq!(again.text("TraceId"), again.header("x-cos-trace-id"));
    let head = ask(&server, "HEAD /bkt-1250000000/c%01").await;
    assert_eq!(head.header("x-cos-restore"), Some("ongoing-request=\"true\""));
    let status = "tier=\"expedited\"; request-date=\"Fri, 02 Jan 2026 00:00:00 GMT\"";
    assert_eq!(head.header("x-cos-restore-status"), Some(status));
    let page = ask(&server, "GET /bkt-1250000000/?prefix=c").await;
    assert_eq!(page.text("RestoreStatus"), Some("ONGOING"));
    server.clock().advance(HOUR);
    let head = ask(&server, "HEAD /bkt-1250000000/c%01").await;
    let ready = "ongoing-request=\"false\", expiry-date=\"Fri, 09 Jan 2026 16:00:00 GMT\"";
    assert_eq!(head.header("x-cos-restore"), Some(ready));
    let page = ask(&server, "GET /bkt-1250000000/?prefix=c").await;
    assert_eq!(page.text("RestoreStatus"), None);
    server.stop().await;
}

#[tokio::test]
async fn s3_list_head_restore() {
    let server = serve(config(Dialect::S3, "GLACIER")).await;
    let line = "GET /bkt-1250000000?list-type=2&encoding-type=url&max-keys=1";
    let page = ask(&server, line).await;
    assert_eq!(page.texts("Key"), ["a+b%2B%25%C3%BC/1"]);
    assert!(page.body.contains("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    let body = "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>7</Days><GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters></RestoreRequest>";
    assert_eq!(restore(&server, "/bkt-1250000000/c%01?restore", body).await.status, 202);
    let again = restore(&server, "/bkt-1250000000/c%01?restore=", body).await;
    assert_eq!((again.status, again.text("Code")), (409, Some("RestoreAlreadyInProgress")));
    assert_eq!(again.text("RequestId"), again.header("x-amz-request-id"));
    let wants = "Host: 127.0.0.1\r\nx-amz-optional-object-attributes: RestoreStatus\r\n";
    let line = "GET /bkt-1250000000?list-type=2&prefix=c";
    let page = send(&server, line, wants, "").await.unwrap();
    assert_eq!(page.text("RestoreStatus"), Some("<IsRestoreInProgress>true</IsRestoreInProgress>"));
    assert_eq!(ask(&server, line).await.text("RestoreStatus"), None);
    server.clock().advance(12 * HOUR);
    let page = send(&server, line, wants, "").await.unwrap();
    assert_eq!(page.text("RestoreExpiryDate"), Some("2026-01-10T00:00:00.000Z"));
    let head = ask(&server, "HEAD /bkt-1250000000/c%01").await;
    let ready = "ongoing-request=\"false\", expiry-date=\"Sat, 10 Jan 2026 00:00:00 GMT\"";
    assert_eq!(head.header("x-amz-restore"), Some(ready));
    assert_eq!(head.header("x-amz-storage-class"), Some("GLACIER"));
    server.stop().await;
}
