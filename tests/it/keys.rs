//! Odd keys: listed, reported and restored as themselves, or refused before anything is sent.

use std::collections::BTreeSet;

use defrost::sim::{BucketConfig, Config, Dialect, ObjectConfig};

use crate::support::{Rig, S3, VENDORS, Vendor, key_of};

/// Keys that travel as they are.
const SAFE: [&[u8]; 21] = [
    b"//x",
    b"a%2Fb",
    b"a+b c",
    b"a b+c%20d",
    b"b",
    b"a/b",
    "\u{fc}".as_bytes(),
    "\u{1f9ca}/\u{65e5}\u{672c}".as_bytes(),
    b"control-\x01",
    b"new\nline",
    b"carriage\rreturn",
    b"quote\"quote",
    b"comma,comma",
    b"semi;colon&amp=1?x#y",
    b"<tag>&amp;]]>",
    b"...",
    b".hidden",
    b"a/..b/c..",
    b"trailing/",
    b" leading and trailing ",
    b"tab\t|back\\slash'",
];

/// Keys whose path a URL parser folds into another object's.
const UNSAFE: [&[u8]; 6] = [b"a/../b", b"a/./b", b"..", b".", b"../b", b"a/.."];

fn url_encoded(key: &[u8]) -> String {
    key.iter().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

fn config(vendor: Vendor, keys: &BTreeSet<Vec<u8>>) -> Config {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    for key in keys {
        bucket = bucket.with(ObjectConfig::with_key_url(url_encoded(key), vendor.cold));
    }
    Config::default().with_bucket(bucket)
}

/// All keys, with one of the greatest length that the vendor allows (COS 850 bytes, OSS 1,023, S3 1,024).
fn keys(vendor: Vendor) -> BTreeSet<Vec<u8>> {
    let longest = match vendor.dialect {
        Dialect::Cos => 850,
        Dialect::Oss => 1023,
        Dialect::S3 => 1024,
    };
    let long = "\u{fc}".repeat(longest / 2) + if longest % 2 == 1 { "x" } else { "" };
    assert_eq!(long.len(), longest);
    let all = SAFE.iter().chain(&UNSAFE).map(|key| key.to_vec()).chain([long.into_bytes()]);
    // OSS and COS take no key that begins with a slash; S3 does.
    all.filter(|key| vendor.dialect == Dialect::S3 || !key.starts_with(b"/"))
        .chain([b"p//x".to_vec()])
        .collect()
}

fn each_key_is_itself(vendor: Vendor, style: &[&str], endpoint_host: &str) {
    let keys = keys(vendor);
    let rig = Rig::new(config(vendor, &keys));
    let endpoint = format!("http://{endpoint_host}:{}", rig.server.addr().port());
    let run = |args: &[&str], code: i32| {
        let mut command = rig.command(args);
        command
            .args(["--region", vendor.region, "--endpoint-url", &endpoint, "--report", "r.csv"])
            .args(style);
        crate::support::Ran::of(&command.output().expect("the binary runs")).expect(code);
        rig.rows("r.csv")
    };
    let url = vendor.url("");

    for page_size in ["1000", "1", "3"] {
        let rows = run(&["scan", &url, "--page-size", page_size], 0);
        let listed: Vec<Vec<u8>> = rows.iter().map(key_of).collect();
        assert_eq!(listed, keys.iter().cloned().collect::<Vec<_>>(), "{vendor:?}, pages of {page_size}");
    }

    let rows = run(&["restore", &url, "--days", "2"], 1);
    let posted: BTreeSet<Vec<u8>> =
        rig.server.ledger().restores().iter().map(|post| post.key.to_vec()).collect();
    let safe: BTreeSet<Vec<u8>> =
        keys.iter().filter(|key| !UNSAFE.contains(&key.as_slice())).cloned().collect();
    assert_eq!(posted, safe, "{vendor:?}: every safe key was asked for as itself, no other object ever");
    assert_eq!(rig.server.ledger().restores().len(), safe.len());
    for row in &rows {
        let told = (row["action"].as_str(), row["reason"].as_str(), row["http_status"].as_str());
        let wanted =
            if safe.contains(&key_of(row)) { ("requested", "", "202") } else { ("failed", "unsafe_key", "") };
        assert_eq!(told, wanted, "{row:?}");
    }
    assert_eq!(rows.len(), keys.len());
}

#[test]
fn path_style() {
    for vendor in VENDORS {
        each_key_is_itself(vendor, &[], "127.0.0.1");
    }
}

#[test]
fn virtual_host_style() {
    for vendor in VENDORS {
        each_key_is_itself(vendor, &["--path-style=false"], "localhost");
    }
}

/// A prefix is bytes, not a pattern, and may hold anything that a key may.
#[test]
fn odd_prefixes() {
    let keys = keys(S3);
    let rig = Rig::new(config(S3, &keys));
    for prefix in ["//", "a b+", "a%2F", "\u{fc}", "quote\"", "a/../", "new\n"] {
        rig.run(S3, &["scan", &S3.url(prefix), "--report", "r.csv"]).expect(0);
        let listed: Vec<Vec<u8>> = rig.rows("r.csv").iter().map(key_of).collect();
        let wanted: Vec<Vec<u8>> =
            keys.iter().filter(|key| key.starts_with(prefix.as_bytes())).cloned().collect();
        assert!(!wanted.is_empty(), "the test asks for something");
        assert_eq!(listed, wanted, "prefix {prefix:?}");
    }
}
