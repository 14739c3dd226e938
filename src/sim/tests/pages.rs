//! Pages against the vendors' sample documents: which elements, in which form.

use super::super::*;
use super::ground::{Answer, ask, send, serve};

/// Names of the elements within the first `name`, in order.
fn inside(page: &Answer, name: &str) -> Vec<String> {
    let text = page.text(name).unwrap_or_else(|| panic!("no {name}: {}", page.body));
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, tail)) = rest.split_once('<') {
        let (tag, tail) = tail.split_once('>').unwrap();
        let close = format!("</{tag}>");
        names.push(tag.to_owned());
        rest = tail.split_once(&close).unwrap().1;
    }
    names
}

fn versions(dialect: Dialect, class: &str) -> Config {
    let mut bucket = BucketConfig::new(dialect, "b-1250000000");
    bucket.versioning = Versioning::Enabled;
    let gone = VersionConfig { delete_marker: true, ..VersionConfig::default() };
    let old = VersionConfig {
        storage_class: Some(class.to_owned()),
        restore: Some(Seeded::Running),
        ..VersionConfig::default()
    };
    let mut object = ObjectConfig::new("old/tar", class).current(gone);
    object.versions = vec![old.clone(), VersionConfig { restore: Some(Seeded::Restored), ..old }];
    Config::default().with_bucket(bucket.with(object).with(ObjectConfig::new("pub.txt", class)))
}

#[tokio::test]
async fn oss_versions() {
    let server = serve(versions(Dialect::Oss, "ColdArchive")).await;
    let page = ask(&server, "GET /b-1250000000/?versions&encoding-type=url&max-keys=3").await;
    assert!(page.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListVersionsResult>"));
    assert_eq!(
        inside(&page, "DeleteMarker"),
        ["Key", "VersionId", "IsLatest", "LastModified", "Owner"],
        "{}",
        page.body
    );
    assert_eq!(
        inside(&page, "Version"),
        [
            "Key",
            "VersionId",
            "IsLatest",
            "LastModified",
            "ETag",
            "Type",
            "Size",
            "StorageClass",
            "RestoreInfo",
            "Owner"
        ]
    );
    assert_eq!(page.texts("RestoreInfo")[0], "ongoing-request=\"true\"");
    assert!(page.texts("RestoreInfo")[1].starts_with("ongoing-request=\"false\", expiry-date=\""));
    assert_eq!(page.texts("IsLatest"), ["true", "false", "false"]);
    assert_eq!(page.text("NextKeyMarker"), Some("old%2Ftar"));
    let id = page.text("NextVersionIdMarker").unwrap();
    assert!(id.starts_with("CAEQ") && id.len() == 64, "{id}");
    assert_eq!(page.texts("VersionId").last(), Some(&id));
    let line = format!("GET /b-1250000000/?versions&key-marker=old/tar&version-id-marker={id}");
    assert_eq!(ask(&server, &line).await.texts("Key"), ["pub.txt"]);
    // Without a version, the marker passes over the whole key.
    let page = ask(&server, "GET /b-1250000000/?versions&key-marker=old/tar").await;
    assert_eq!(page.texts("Key"), ["pub.txt"]);
    // A plain listing shows neither delete markers nor what lies beneath them.
    assert_eq!(ask(&server, "GET /b-1250000000/").await.texts("Key"), ["pub.txt"]);
}

#[tokio::test]
async fn cos_versions() {
    let server = serve(versions(Dialect::Cos, "ARCHIVE")).await;
    let page = ask(&server, "GET /b-1250000000/?versions&encoding-type=url&max-keys=2").await;
    assert_eq!(inside(&page, "DeleteMarker"), ["Key", "VersionId", "IsLatest", "LastModified", "Owner"]);
    assert_eq!(
        inside(&page, "Version"),
        ["Key", "VersionId", "IsLatest", "LastModified", "ETag", "Size", "Owner", "StorageClass"]
    );
    assert_eq!(page.text("NextKeyMarker"), Some("old/tar"));
    let id = page.text("NextVersionIdMarker").unwrap();
    let line = format!("GET /b-1250000000/?versions&key-marker=old/tar&version-id-marker={id}");
    assert_eq!(ask(&server, &line).await.texts("Key"), ["old/tar", "pub.txt"]);
}

#[tokio::test]
async fn s3_versions() {
    let server = serve(versions(Dialect::S3, "GLACIER")).await;
    let line = "GET /b-1250000000?versions&encoding-type=url&max-keys=3";
    let page = send(&server, line, "Host: x\r\nx-amz-optional-object-attributes: RestoreStatus\r\n", "")
        .await
        .unwrap();
    assert_eq!(inside(&page, "DeleteMarker"), ["Key", "VersionId", "IsLatest", "LastModified", "Owner"]);
    assert_eq!(
        inside(&page, "Version"),
        [
            "Key",
            "VersionId",
            "IsLatest",
            "LastModified",
            "ETag",
            "Size",
            "Owner",
            "StorageClass",
            "RestoreStatus"
        ]
    );
    assert_eq!(page.text("NextKeyMarker"), Some("old/tar"));
    // HEAD of one version, and of the delete marker.
    let ids = page.texts("VersionId");
    let head = ask(&server, &format!("HEAD /b-1250000000/old/tar?versionId={}", ids[1])).await;
    assert_eq!(head.header("x-amz-restore"), Some("ongoing-request=\"true\""));
    assert_eq!(head.header("x-amz-version-id"), Some(ids[1]));
    let head = ask(&server, &format!("HEAD /b-1250000000/old/tar?versionId={}", ids[0])).await;
    assert_eq!((head.status, head.header("x-amz-delete-marker")), (405, Some("true")));
    let head = ask(&server, "HEAD /b-1250000000/old/tar").await;
    assert_eq!((head.status, head.header("x-amz-delete-marker")), (404, Some("true")));
}

#[tokio::test]
async fn plain_pages() {
    let bucket = |dialect| BucketConfig::new(dialect, format!("{dialect:?}").to_lowercase());
    let config = Config::default()
        .with_bucket(
            bucket(Dialect::Oss).with(ObjectConfig::new("a/b c", "IA")).with(ObjectConfig::new("d/e", "IA")),
        )
        .with_bucket(
            bucket(Dialect::Cos)
                .with(ObjectConfig::new("a/b c", "COLD"))
                .with(ObjectConfig::new("d/e", "COLD")),
        )
        .with_bucket(
            bucket(Dialect::S3)
                .with(ObjectConfig::new("a/b c", "STANDARD"))
                .with(ObjectConfig::new("d/e", "STANDARD")),
        );
    let server = serve(config).await;
    let page = ask(&server, "GET /oss/?list-type=2&fetch-owner=true&encoding-type=url").await;
    let contents = ["Key", "LastModified", "ETag", "Type", "Size", "StorageClass", "Owner"];
    assert_eq!(inside(&page, "Contents"), contents);
    assert_eq!(page.text("Delimiter"), Some(""));
    assert_eq!(page.text("LastModified"), Some("2024-11-28T00:00:00.000Z"));
    assert!(page.text("ETag").unwrap().chars().all(|c| "\"0123456789ABCDEF".contains(c)));
    let page = ask(&server, "GET /oss/?delimiter=%2F&encoding-type=url&max-keys=1").await;
    assert_eq!(page.text("CommonPrefixes"), Some("<Prefix>a%2F</Prefix>"));
    assert_eq!((page.text("NextMarker"), page.text("Delimiter")), (Some("a%2F"), Some("%2F")));
    let page = ask(&server, "GET /oss/?delimiter=%2F&marker=a%2F").await;
    assert_eq!(page.texts("Prefix"), ["", "d/"]);

    let page = ask(&server, "GET /cos/?max-keys=1").await;
    let contents = ["Key", "LastModified", "ETag", "Size", "Owner", "StorageClass"];
    assert_eq!(inside(&page, "Contents"), contents);
    assert_eq!((page.text("EncodingType"), page.text("Delimiter")), (None, None));
    assert_eq!((page.text("Key"), page.text("NextMarker")), (Some("a/b c"), Some("a/b c")));
    assert_eq!(page.header("x-cos-bucket-region"), Some("ap-guangzhou"));

    let page = ask(&server, "GET /s3?list-type=2&start-after=a&encoding-type=url").await;
    let contents = ["Key", "LastModified", "ETag", "Size", "StorageClass"];
    assert_eq!(inside(&page, "Contents"), contents);
    assert_eq!((page.text("StartAfter"), page.text("KeyCount")), (Some("a"), Some("2")));
    // Version 1 names the next marker only with a delimiter.
    let page = ask(&server, "GET /s3?max-keys=1").await;
    assert_eq!((page.text("IsTruncated"), page.text("NextMarker")), (Some("true"), None));
    let page = ask(&server, "GET /s3?max-keys=1&delimiter=/").await;
    assert_eq!(page.text("NextMarker"), Some("a/"));
}

/// Lists all keys of a bucket with `first` and the markers of its answers.
async fn walk(server: &Server, first: &str, element: &str, parameter: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut more = String::new();
    loop {
        let page = ask(server, &format!("GET {first}{more}")).await;
        keys.extend(page.texts("Key").into_iter().map(str::to_owned));
        if page.text("IsTruncated") == Some("false") {
            return keys;
        }
        let next = page.text(element).unwrap().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        more = format!("&{parameter}={next}");
    }
}

#[tokio::test]
async fn short_and_empty_pages_lose_nothing() {
    for (dialect, line, element, parameter) in [
        (Dialect::Oss, "/b/?list-type=2&max-keys=300", "NextContinuationToken", "continuation-token"),
        (Dialect::Oss, "/b/?max-keys=300", "NextMarker", "marker"),
        (Dialect::Cos, "/b/?max-keys=300", "NextMarker", "marker"),
        (Dialect::S3, "/b?list-type=2&max-keys=300", "NextContinuationToken", "continuation-token"),
        (Dialect::S3, "/b?max-keys=300&delimiter=%01", "NextMarker", "marker"),
    ] {
        for shape in [Shape::Uuid, Shape::Zipf] {
            let mut bucket = BucketConfig::new(dialect, "b");
            bucket.generate = Some(Generate { count: 2_000, shape, ..Generate::default() });
            bucket.quirks.page_limit = Some(170);
            bucket.quirks.empty_every = Some(3);
            let server = serve(Config::default().with_bucket(bucket.clone())).await;
            let keys = walk(&server, line, element, parameter).await;
            let config = Config::default().with_bucket(bucket);
            let expected = config.expected_at("b", server.started()).unwrap();
            let expected: Vec<_> = expected.map(|e| String::from_utf8(e.key).unwrap()).collect();
            assert_eq!(keys, expected, "{dialect:?} {shape:?}");
        }
    }
}

#[tokio::test]
async fn quirks_hide_and_show() {
    let wants = "Host: x\r\nx-amz-optional-object-attributes: RestoreStatus\r\n";
    for (dialect, class, element) in
        [(Dialect::Oss, "ColdArchive", "RestoreInfo"), (Dialect::S3, "GLACIER", "RestoreStatus")]
    {
        let restored = VersionConfig {
            storage_class: Some(class.to_owned()),
            restore: Some(Seeded::Restored),
            restore_days: Some(1),
            ..VersionConfig::default()
        };
        let bucket = |name: &str| {
            BucketConfig::new(dialect, name).with(ObjectConfig::new("k", class).current(restored.clone()))
        };
        let (mut hides, mut shows) = (bucket("hides"), bucket("shows"));
        hides.quirks.hide_restore = true;
        shows.quirks.show_lapsed = true;
        let config = Config::default().with_bucket(hides).with_bucket(shows).with_bucket(bucket("plain"));
        let server = serve(config).await;
        let told = async |name: &str| {
            let page = send(&server, &format!("GET /{name}/?list-type=2"), wants, "").await.unwrap();
            page.text(element).map(str::to_owned)
        };
        assert_eq!(told("hides").await, None);
        assert!(told("plain").await.is_some());
        server.clock().advance(std::time::Duration::from_hours(72));
        assert_eq!(told("plain").await, None);
        assert!(told("shows").await.unwrap().contains("2026"));
    }
}

#[tokio::test]
async fn tiering_classes_move_back_online() {
    let frozen = VersionConfig {
        storage_class: Some("INTELLIGENT_TIERING".to_owned()),
        access_tier: Some(Access::ArchiveAccess),
        restore: Some(Seeded::Running),
        ..VersionConfig::default()
    };
    let bucket = |dialect, name: &str| {
        BucketConfig::new(dialect, name).with(ObjectConfig::new("k", "").current(frozen.clone()))
    };
    let server = serve(
        Config::default().with_bucket(bucket(Dialect::S3, "s3")).with_bucket(bucket(Dialect::Cos, "cos")),
    )
    .await;
    let head = ask(&server, "HEAD /s3/k").await;
    assert_eq!(head.header("x-amz-archive-status"), Some("ARCHIVE_ACCESS"));
    assert_eq!(head.header("x-amz-restore"), Some("ongoing-request=\"true\""));
    assert_eq!(ask(&server, "GET /cos/").await.text("StorageTier"), Some("ARCHIVE_ACCESS"));
    server.clock().advance(std::time::Duration::from_hours(5));
    let head = ask(&server, "HEAD /s3/k").await;
    assert_eq!((head.header("x-amz-archive-status"), head.header("x-amz-restore")), (None, None));
    assert_eq!(head.header("x-amz-storage-class"), Some("INTELLIGENT_TIERING"));
    assert_eq!(ask(&server, "HEAD /cos/k").await.header("x-cos-storage-tier"), Some("FREQUENT"));
}
