//! What the vendors' own SDKs for Python and Node really send, captured on loopback with dummy keys. `User-Agent`
//! and other unsigned headers that differ from call to call are left out, nothing else is changed.

use super::super::config::Dialect;
use super::sample::{Sample, Server};
use super::{Denial, MAX_SKEW};

const BOTO3: &str = include_str!("captured/boto3-1.44.5.http");
const OSS2: &str = include_str!("captured/oss2-2.19.1.http");
const OSS_V2: &str = include_str!("captured/alibabacloud-oss-v2-1.4.1.http");
const COS: &str = include_str!("captured/cos-python-sdk-v5-1.9.44.http");

const ALI_OSS: &str = include_str!("captured/ali-oss-6.23.0.http");
const AWS_JS: &str = include_str!("captured/aws-sdk-js-3.1169.0.http");
const COS_JS: &str = include_str!("captured/cos-nodejs-sdk-v5-3.0.0.http");

/// The requests of one file: name, server, request.
fn requests(provider: Dialect, file: &'static str) -> Vec<(&'static str, Server, Sample)> {
    file.strip_suffix('\n')
        .expect("a last newline")
        .split("\n===\n")
        .map(|text| one(provider, text))
        .collect()
}

fn one(provider: Dialect, text: &'static str) -> (&'static str, Server, Sample) {
    let notes: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("# ")).collect();
    let note = |name: &str| notes.iter().find_map(|note| note.strip_prefix(name)?.strip_prefix(' '));
    let bucket = note("bucket").filter(|name| *name != "-").unwrap_or_default();
    let region = note("region").expect("a region");
    let now = note("now").and_then(|text| text.parse().ok()).expect("the hour");
    let mut server = Server::new(provider, bucket, note("virtual") == Some("yes"), region, now);
    server.credential.session_token = note("token").map(str::to_owned);
    let start = text.find("\n# region ").and_then(|at| text[at + 1..].find('\n').map(|end| at + end + 2));
    let mut request = &text[start.expect("a region")..];
    while request.starts_with("# ") {
        request = request.split_once('\n').expect("a request").1;
    }
    (notes[0], server, Sample::parse(request))
}

fn all_pin(provider: Dialect, file: &'static str, number: usize) {
    let requests = requests(provider, file);
    assert_eq!(requests.len(), number);
    for (name, server, sample) in requests {
        println!("{name}");
        if name.contains("folded on the way") {
            server.refuses_signature(&sample, "the path");
        } else {
            server.pins(&sample);
        }
    }
}

#[test]
fn boto3() {
    all_pin(Dialect::S3, BOTO3, 14);
}

#[test]
fn oss2() {
    all_pin(Dialect::Oss, OSS2, 36);
}

/// One of them is refused, and rightly so: the SDK signs `/examplebucket/a/../b/./c.txt`, then its
/// HTTP library folds the dots and sends `/examplebucket/b/c.txt`, which is another object.
#[test]
fn alibabacloud_oss_v2() {
    all_pin(Dialect::Oss, OSS_V2, 29);
}

#[test]
fn cos_python_sdk_v5() {
    all_pin(Dialect::Cos, COS, 22);
}

#[test]
fn aws_sdk_js() {
    all_pin(Dialect::S3, AWS_JS, 7);
}

/// Versions 1 and 4. The key with dots is folded on the way here too.
#[test]
fn ali_oss() {
    all_pin(Dialect::Oss, ALI_OSS, 14);
}

/// Signs the host with its port, unlike the one for Python.
#[test]
fn cos_nodejs_sdk_v5() {
    all_pin(Dialect::Cos, COS_JS, 7);
}

/// The request of that name.
fn named(provider: Dialect, file: &'static str, wanted: &str) -> (Server, Sample) {
    let found = requests(provider, file).into_iter().find(|(name, ..)| *name == wanted);
    let (_, server, sample) = found.expect("a request of that name");
    (server, sample)
}

/// A presigned URL of 600 seconds: valid to the second, and not for a client whose clock is ahead.
#[test]
fn presigned_urls_lapse() {
    for (provider, file, name, lifetime) in [
        (Dialect::S3, BOTO3, "ListObjectsV2 presigned, path", "X-Amz-Expires=600"),
        (Dialect::Oss, OSS2, "GetObject presigned, V4, path", "x-oss-expires=600"),
    ] {
        let (server, sample) = named(provider, file, name);
        let signed_at = server.now;
        let at = |now| server.clone().at(now).check(&sample);
        assert_eq!(at(signed_at + 600), Ok(()));
        assert_eq!(at(signed_at - MAX_SKEW), Ok(()));
        let expires = signed_at + 600;
        assert_eq!(at(expires + 1), Err(Denial::Expired { expires, server_time: expires + 1 }));
        let early = signed_at - MAX_SKEW - 1;
        assert_eq!(at(early), Err(Denial::Skewed { request_time: signed_at, server_time: early }));

        let longer = |seconds: &str| sample.clone().target(lifetime, &lifetime.replace("600", seconds));
        server.refuses_signature(&longer("601"), "the lifetime");
        for bad in ["604801", "-1", "a-day"] {
            assert!(matches!(server.check(&longer(bad)), Err(Denial::Malformed(_))), "{bad}");
        }
        assert!(matches!(server.check(&longer("")), Err(Denial::Malformed(_))));
    }
}

#[test]
fn presigned_urls_carry_their_token() {
    for (provider, file, name) in [
        (Dialect::S3, BOTO3, "HeadObject presigned with a session token, path"),
        (Dialect::Oss, OSS2, "GetObject presigned, V4 with a token, path"),
        (Dialect::Cos, COS, "GetObject presigned, own domain with a token"),
    ] {
        let (server, sample) = named(provider, file, name);
        let other = server.clone().token("TOKENEXAMPLF");
        assert_eq!(other.check(&sample), Err(Denial::BadToken), "{name}");
        let mut bare = server.clone();
        bare.credential.session_token = None;
        assert_eq!(bare.check(&sample), Err(Denial::BadToken), "{name}");
        let elsewhere = Server { region: "elsewhere".to_owned(), ..server };
        let verdict = elsewhere.check(&sample);
        assert_eq!(matches!(verdict, Err(Denial::WrongRegion { .. })), provider != Dialect::Cos, "{name}");
    }
}
