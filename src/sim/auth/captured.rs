//! What the vendors' own Python SDKs really send, captured on loopback with dummy keys. `User-Agent`
//! and other unsigned headers that differ from call to call are left out, nothing else is changed.

use super::super::config::Dialect;
use super::sample::{Sample, Server};

const BOTO3: &str = include_str!("captured/boto3-1.44.5.http");
const OSS2: &str = include_str!("captured/oss2-2.19.1.http");
const OSS_V2: &str = include_str!("captured/alibabacloud-oss-v2-1.4.1.http");
const COS: &str = include_str!("captured/cos-python-sdk-v5-1.9.44.http");

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
