//! Refusals that are answers: a restore that runs already, an object that needs none.

use defrost::sim::{BucketConfig, Config, Generate, ObjectConfig, Seeded, VersionConfig};

use crate::support::{Rig, VENDORS, Vendor};

fn bucket(vendor: Vendor) -> BucketConfig {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket
}

/// Listings of many look-alikes show no restore state: each POST then meets 409.
#[test]
fn conflict_on_every_object_of_a_prefix_is_success() {
    for vendor in VENDORS {
        let mut bucket = bucket(vendor);
        bucket.quirks.hide_restore = true;
        for number in 0..40 {
            bucket = bucket.with(ObjectConfig::new(format!("p/{number:03}"), vendor.cold).current(
                VersionConfig {
                    storage_class: Some(vendor.cold.to_owned()),
                    restore: Some(Seeded::Running),
                    ..VersionConfig::default()
                },
            ));
        }
        let rig = Rig::new(Config::default().with_bucket(bucket));
        rig.run(vendor, &["restore", &vendor.url("p/"), "--days", "2", "--report", "r.csv"]).expect(0);
        let rows = rig.rows("r.csv");
        assert_eq!(rows.len(), 40, "{vendor:?}");
        for row in rows {
            assert_eq!((row["action"].as_str(), row["state"].as_str()), ("already", "restoring"), "{row:?}");
            // COS is asked by HEAD first, which tells it without a POST.
            if rig.server.ledger().counts().restore > 0 {
                assert_eq!(
                    (row["http_status"].as_str(), row["error_code"].as_str()),
                    ("409", "RestoreAlreadyInProgress"),
                    "{row:?}"
                );
            }
        }
    }
}

#[test]
fn an_object_that_needs_no_restore_is_never_asked_for_and_never_a_failure() {
    for vendor in VENDORS {
        let mut bucket = bucket(vendor)
            .with(ObjectConfig::new("p/standard", vendor.standard))
            .with(ObjectConfig::new("p/z-last", vendor.cold));
        bucket.generate = Some(Generate {
            count: 20,
            prefix: "p/m".to_owned(),
            classes: [(vendor.cold.to_owned(), 1)].into(),
            ..Generate::default()
        });
        let rig = Rig::new(Config::default().with_bucket(bucket));
        let url = vendor.url("p/");
        rig.run(vendor, &["restore", &url, "--days", "2", "--storage-class", "any", "--report", "r.csv"])
            .expect(0);
        let rows = rig.rows("r.csv");
        assert_eq!(rows.len(), 22);
        for row in &rows {
            let wanted = if row["key"] == "p/standard" {
                ("readable", "none", "class")
            } else {
                ("restoring", "requested", "")
            };
            assert_eq!(
                (row["state"].as_str(), row["action"].as_str(), row["reason"].as_str()),
                wanted,
                "{row:?}"
            );
        }
        let posts = rig.server.ledger().restores();
        assert_eq!(posts.len(), 21);
        assert!(posts.iter().all(|post| &*post.key != b"p/standard"), "it was never asked for");
    }
}
