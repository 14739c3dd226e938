//! The policies of the guide's page on rights name what a job calls for, and nothing else.
//!
//! What a job calls is what the simulator's ledger has after it. Which right a call takes is the
//! vendors' word, in [`RIGHTS`].

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use defrost::job::{Overrides, Verb};
use defrost::sim::{Call, Config, Counts, Generate, ObjectConfig, Seeded, Span, VersionConfig};
use serde_json::Value;

use crate::support::{COS, OSS, Rig, S3, Vendor};
use crate::wait::{Campaign, bucket, hourly};

/// The right that each call takes. Sources, all read 2026-11: OSS "Authorization syntax and elements",
/// GetBucketArchiveDirectRead, ossutil unrestore; COS GET Bucket, GET Bucket Object versions, HEAD Object, POST
/// Object restore; S3 "Required permissions for Amazon S3 API operations".
const RIGHTS: &[(&str, Call, &str)] = &[
    ("oss", Call::List, "oss:ListObjects"),
    ("oss", Call::Versions, "oss:ListObjectVersions"),
    ("oss", Call::Head, "oss:GetObject"),
    ("oss", Call::Restore, "oss:RestoreObject"),
    ("oss", Call::Release, "oss:CleanRestoredObject"),
    ("oss", Call::Other, "oss:GetBucketArchiveDirectRead"),
    ("cos", Call::List, "name/cos:GetBucket"),
    ("cos", Call::Versions, "name/cos:GetBucketObjectVersions"),
    ("cos", Call::Head, "name/cos:HeadObject"),
    ("cos", Call::Restore, "name/cos:PostObjectRestore"),
    ("s3", Call::List, "s3:ListBucket"),
    ("s3", Call::Versions, "s3:ListBucketVersions"),
    ("s3", Call::Head, "s3:GetObject"),
    ("s3", Call::Restore, "s3:RestoreObject"),
];

/// The rights that the calls in `counts` take.
fn rights(vendor: Vendor, counts: &Counts) -> BTreeSet<String> {
    let made = |call: Call| match call {
        Call::List => counts.list,
        Call::Versions => counts.versions,
        Call::Head => counts.head,
        Call::Restore => counts.restore,
        Call::Release => counts.release,
        Call::Other => counts.other,
    };
    let taken = Call::ALL.into_iter().filter(|call| made(*call) > 0);
    taken.map(|call| right(vendor, call).to_owned()).collect()
}

fn right(vendor: Vendor, call: Call) -> &'static str {
    let found = RIGHTS.iter().find(|(scheme, known, _)| *scheme == vendor.scheme && *known == call);
    found.unwrap_or_else(|| panic!("{}: which right does {call:?} take?", vendor.scheme)).2
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/rights.md")).unwrap()
}

/// The policy below the heading of `vendor` that names `job`.
fn policy(vendor: Vendor, job: &str) -> Value {
    let page = page();
    let name = format!("### {}: ", vendor.scheme.to_uppercase());
    let sections = page.split("\n### ").map(|section| format!("### {section}"));
    let mut found = sections.filter_map(|section| {
        let jobs = section.strip_prefix(&name)?.lines().next()?;
        jobs.split(", ").any(|known| known == job).then(|| section.clone())
    });
    let section = found.next().unwrap_or_else(|| panic!("no policy for {job} on {}", vendor.scheme));
    assert!(found.next().is_none(), "two policies for {job} on {}", vendor.scheme);
    let (_, text) = section.split_once("```json\n").unwrap();
    let (text, _) = text.split_once("```").unwrap();
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{job} on {}: {error}", vendor.scheme))
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(word) => vec![word.clone()],
        Value::Array(words) => words.iter().flat_map(self::words).collect(),
        other => panic!("`{other}` is no word and no list of words"),
    }
}

/// Each statement: what it allows, on what, and its condition. Names of fields are in lower case on COS.
fn statements(policy: &Value) -> Vec<(Vec<String>, Vec<String>, Value)> {
    let field = |object: &Value, name: &str| -> Value {
        let found = object.as_object().unwrap().iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or(Value::Null, |(_, value)| value.clone())
    };
    let all = field(policy, "Statement");
    let all = all.as_array().expect("a list of statements");
    all.iter()
        .map(|statement| {
            assert!(field(statement, "Effect").as_str().unwrap().eq_ignore_ascii_case("allow"));
            let on = words(&field(statement, "Resource"));
            (words(&field(statement, "Action")), on, field(statement, "Condition"))
        })
        .collect()
}

/// One object that is archived, and one whose copy lapses within two days.
fn two_objects(vendor: Vendor) -> Config {
    let copy = VersionConfig {
        restore: Some(Seeded::Restored),
        restore_days: Some(2),
        restore_ago: Some(Span(36 * 3600)),
        storage_class: Some(vendor.cold.to_owned()),
        ..VersionConfig::default()
    };
    let bucket = vendor.bucket();
    let bucket = bucket.with(ObjectConfig::new("p/archived", vendor.cold));
    Config::default().with_bucket(bucket.with(ObjectConfig::new("p/copy", vendor.cold).current(copy)))
}

fn audit(vendor: Vendor, more: &[&str]) -> Counts {
    let rig = Rig::new(two_objects(vendor));
    let url = vendor.url("p/");
    rig.run(vendor, &[&["scan", &url, "--report", "r.csv"], more].concat()).expect(0);
    rig.server.ledger().counts()
}

fn campaign(vendor: Vendor) -> Counts {
    let rig = Rig::new(two_objects(vendor));
    let url = vendor.url("p/");
    let line = ["restore", &url, "--days", "3", "--extend-when-left", "2d", "--report", "r.csv"];
    rig.run(vendor, &line).expect(0);
    let actions: Vec<String> = rig.rows("r.csv").iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["requested", "extended"], "{}: both kinds of request", vendor.scheme);
    rig.server.ledger().counts()
}

fn wait(vendor: Vendor) -> Counts {
    let generate =
        Generate { count: 30, classes: [(vendor.cold.to_owned(), 1)].into(), ..Generate::default() };
    let campaign = Campaign::new(vendor, Verb::Restore, bucket(vendor, generate), Overrides::default());
    campaign.run();
    campaign.rig.server.ledger().reset();
    let waited = campaign.wait(&hourly()).unwrap();
    assert_eq!(waited.mark.ready, 30);
    campaign.rig.server.ledger().counts()
}

fn release(vendor: Vendor) -> Counts {
    let rig = Rig::new(two_objects(vendor));
    fs::write(rig.path("done.csv"), "key\np/copy\n").unwrap();
    rig.run(vendor, &["release", &vendor.url("p/"), "--from-csv", "done.csv"]).expect(0);
    rig.server.ledger().counts()
}

/// The policy allows just what the calls take.
#[track_caller]
fn agrees(vendor: Vendor, job: &str, counts: &Counts) {
    let allowed: BTreeSet<String> =
        statements(&policy(vendor, job)).into_iter().flat_map(|(actions, ..)| actions).collect();
    assert_eq!(allowed, rights(vendor, counts), "{job} on {}; calls: {counts:?}", vendor.scheme);
}

#[test]
fn an_audit_takes_what_its_policy_allows() {
    agrees(OSS, "audit", &audit(OSS, &[]));
    agrees(COS, "audit", &audit(COS, &["--head"]));
    agrees(S3, "audit", &audit(S3, &[]));
    // What the page says of an audit without `--head`.
    assert_eq!(audit(COS, &[]).head, 0);
}

#[test]
fn a_campaign_takes_what_its_policy_allows() {
    for vendor in [OSS, COS, S3] {
        agrees(vendor, "campaign", &campaign(vendor));
    }
}

#[test]
fn a_wait_takes_what_its_policy_allows() {
    for vendor in [OSS, COS, S3] {
        agrees(vendor, "wait", &wait(vendor));
    }
}

#[test]
fn a_release_takes_what_its_policy_allows() {
    agrees(OSS, "release", &release(OSS));
}

#[test]
fn rights_that_the_text_adds_are_those_that_are_taken() {
    let page = page();
    for vendor in [OSS, COS, S3] {
        let counts = audit(vendor, &["--versions"]);
        assert!(counts.versions > 0 && counts.list == 0, "{counts:?}");
        let said = format!("With `--versions`: `{}`", right(vendor, Call::Versions));
        assert!(page.contains(&said), "the page does not say: {said}");
    }
    let rig = Rig::new(two_objects(OSS));
    crate::scene::job(&rig, OSS, "[restore]\ndays = 3\n");
    let ran = rig.command(&["check", "job.toml", "--online"]).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(rig.server.ledger().counts().other > 0);
    assert!(page.contains(&format!("`{}` on the bucket", right(OSS, Call::Other))));
}

#[test]
fn every_policy_is_narrowed_to_a_bucket_and_a_prefix() {
    let places = [
        (OSS, "acs:oss:*:*:logs-archive", "acs:oss:*:*:logs-archive/2024/*", "oss:Prefix", "2024/"),
        (
            COS,
            "qcs::cos:ap-guangzhou:uid/1250000000:media-1250000000/*",
            "qcs::cos:ap-guangzhou:uid/1250000000:media-1250000000/raw/*",
            "cos:prefix",
            "raw/",
        ),
        (S3, "arn:aws:s3:::my-bucket", "arn:aws:s3:::my-bucket/datasets/*", "s3:prefix", "datasets/"),
    ];
    let mut seen = 0;
    for (vendor, whole, below, key, prefix) in places {
        for job in ["audit", "campaign", "wait", "release"] {
            if job == "release" && vendor.scheme != "oss" {
                continue;
            }
            for (actions, on, condition) in statements(&policy(vendor, job)) {
                let lists = actions == [right(vendor, Call::List)];
                assert_eq!(on, [if lists { whole } else { below }], "{job}: {actions:?}");
                assert!(actions.iter().all(|action| !action.contains('*')), "{actions:?}");
                if lists {
                    let (_, test) = condition.as_object().unwrap().iter().next().unwrap();
                    let values = words(&test[key]);
                    assert!(values.iter().any(|value| value.trim_end_matches('*') == prefix), "{values:?}");
                } else {
                    assert!(condition.is_null(), "{condition}");
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 12, "only {seen} statements");
}
