//! Listing over many ranges of keys at once: the same report as page after page.

use defrost::sim::{BucketConfig, Call, Config, Fault, FaultKind, Generate, Shape, Versioning};

use crate::model;
use crate::support::{Rig, Row, S3, VENDORS, Vendor};

fn config(vendor: Vendor, shape: Shape, count: u64, versions: bool) -> Config {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.versioning = if versions { Versioning::Enabled } else { Versioning::Off };
    bucket.generate = Some(Generate {
        count,
        shape,
        classes: [(vendor.cold.to_owned(), 3), (vendor.standard.to_owned(), 1)].into(),
        versions_per_key: versions.then_some(7),
        deleted: if versions { 0.2 } else { 0.0 },
        ..Generate::default()
    });
    Config::default().with_bucket(bucket)
}

/// The report without what differs from run to run.
fn report(rig: &Rig, vendor: Vendor, in_flight: &str, more: &[&str]) -> Vec<Row> {
    let url = vendor.url("");
    let mut line = vec!["scan", &url, "--storage-class", "any", "--report", "r.csv", "--page-size", "20"];
    line.extend(["--list-concurrency", in_flight, "--list-rate-limit", "100000"]);
    line.extend(more);
    rig.run(vendor, &line).expect(0);
    let mut rows = rig.rows("r.csv");
    for row in &mut rows {
        row.remove("checked_at");
    }
    rows
}

#[test]
fn many_ranges_give_the_report_of_one() {
    for vendor in VENDORS {
        for shape in [Shape::Sequential, Shape::Uuid, Shape::Dated, Shape::Zipf] {
            let config = config(vendor, shape, 900, false);
            let rig = Rig::new(config.clone());
            let expected: Vec<Vec<u8>> = config
                .expected_at(vendor.bucket, rig.server.started())
                .unwrap()
                .map(|object| object.key)
                .collect();
            let one = report(&rig, vendor, "1", &[]);
            let keys: Vec<Vec<u8>> = one.iter().map(crate::support::key_of).collect();
            assert_eq!(keys, expected, "{vendor:?} {shape:?}");
            let pages = rig.server.ledger().counts().list;
            assert_eq!(pages, 45, "page after page, nothing is asked for twice");
            for in_flight in ["4", "64"] {
                rig.server.ledger().reset();
                assert_eq!(report(&rig, vendor, in_flight, &[]), one, "{vendor:?} {shape:?} {in_flight}");
                assert!(rig.server.ledger().counts().list > pages, "it was listed in ranges");
            }
        }
    }
}

#[test]
fn ranges_never_part_the_versions_of_a_key() {
    for vendor in VENDORS {
        let config = config(vendor, Shape::Zipf, 150, true);
        let rig = Rig::new(config.clone());
        let asked =
            model::Asked { verb: model::Verb::Scan, head: false, days: 1, tier: "Standard", versions: true };
        let expected: Vec<(Vec<u8>, String)> = model::objects(&config, vendor, rig.server.started(), asked)
            .into_iter()
            .map(|object| (object.key, object.version_id))
            .collect();
        for in_flight in ["1", "3", "32"] {
            let rows = report(&rig, vendor, in_flight, &["--versions"]);
            let found: Vec<(Vec<u8>, String)> =
                rows.iter().map(|row| (crate::support::key_of(row), row["version_id"].clone())).collect();
            assert_eq!(found, expected, "{vendor:?} {in_flight}");
        }
    }
}

/// The older listing call goes on by key as well.
#[test]
fn the_older_call_lists_in_ranges_too() {
    for vendor in VENDORS {
        let rig = Rig::new(config(vendor, Shape::Uuid, 700, false));
        assert_eq!(
            report(&rig, vendor, "16", &["--list-v1"]),
            report(&rig, vendor, "1", &["--list-v1"]),
            "{vendor:?}"
        );
    }
}

/// Replies that a proxy has compressed are read like any other.
#[test]
fn compressed_pages_give_the_same_report() {
    for vendor in VENDORS {
        let mut config = config(vendor, Shape::Uuid, 700, false);
        // The same hour for both, from which dates are counted.
        config.clock.start = Some("2026-11-21T01:00:00Z".parse().unwrap());
        let plain = report(&Rig::new(config.clone()), vendor, "16", &[]);
        config.buckets[0].quirks.gzip = true;
        let rig = Rig::new(config);
        assert_eq!(report(&rig, vendor, "16", &[]), plain, "{vendor:?}");
    }
}

/// A prefix, a start and an end bound the ranges.
#[test]
fn ranges_stay_within_what_is_asked_for() {
    let rig = Rig::new(config(S3, Shape::Sequential, 900, false));
    let bounds = ["--start-after", "obj-000000000123.bin", "--end-with", "obj-000000000777.bin"];
    let many = report(&rig, S3, "32", &bounds);
    assert_eq!(many.len(), 777 - 123);
    assert_eq!(many, report(&rig, S3, "1", &bounds));
}

/// The store asks to slow down now and then: fewer ranges at once, the same report.
#[test]
fn a_store_that_asks_to_slow_down_is_listed_whole() {
    let rig = Rig::new(config(S3, Shape::Uuid, 900, false));
    let one = report(&rig, S3, "1", &[]);
    rig.server.add_fault(Fault { every: 9, ..Fault::new(FaultKind::SlowDown).on(Call::List) });
    assert_eq!(report(&rig, S3, "16", &[]), one);
}

/// What a run learnt of the bucket's shape helps the next one, and changes nothing else.
#[test]
fn a_second_run_begins_with_what_the_first_one_learnt() {
    for vendor in VENDORS {
        let rig = Rig::new(config(vendor, Shape::Dated, 900, false));
        let first = report(&rig, vendor, "16", &["--state-dir", "state"]);
        let folder = std::fs::read_dir(rig.path("state")).unwrap().next().unwrap().unwrap().path();
        let hints = std::fs::read_to_string(folder.join("hints")).unwrap();
        let keys: Vec<Vec<u8>> = hints
            .lines()
            .map(|line| {
                (0..line.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap())
                    .collect()
            })
            .collect();
        assert!(keys.len() > 100 && keys.is_sorted(), "{} evenly spaced keys", keys.len());
        assert_eq!(report(&rig, vendor, "16", &["--state-dir", "state"]), first, "{vendor:?}");
        // Hints that are no such thing cost speed, never rows.
        std::fs::write(folder.join("hints"), "zz\n00\nff\n6f\n\u{fffd}\n").unwrap();
        assert_eq!(report(&rig, vendor, "16", &["--state-dir", "state"]), first, "{vendor:?}");
    }
}
