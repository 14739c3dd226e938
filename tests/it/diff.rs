//! Two reports compared: those of two nights in a simulated store, and what people hand over instead.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use defrost::sim::{Config, Generate};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Ran, Rig, Row, S3, VENDORS, bare, key_of};

/// A folder with the given files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(folder: &Path, args: &[&str]) -> Ran {
    Ran::of(&bare(folder, args).output().unwrap())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

const HEAD: &str =
    "bucket,key,version_id,state,size,storage_class,etag,expires_at,checked_at,flags,access_tier\n";

/// Two nights of one bucket: what the second report says of an object, and the first one of the same,
/// decides what is told, by a model of its own.
#[test]
fn what_a_night_changed_is_told_of_every_object() {
    for vendor in VENDORS {
        let mut bucket = vendor.bucket();
        bucket.generate = Some(Generate {
            count: 120,
            prefix: "p/".to_owned(),
            seed: 5,
            classes: [(vendor.cold.to_owned(), 4), (vendor.standard.to_owned(), 1)].into(),
            restored: 0.2,
            ..Generate::default()
        });
        let rig = Rig::new(Config::default().with_bucket(bucket));
        let scan = |report: &str| {
            let url = vendor.url("p/");
            let line =
                ["scan", &url, "--storage-class", "any", "--head", "--page-size", "25", "--report", report];
            rig.run(vendor, &line).expect(0);
        };
        scan("old.csv");
        let url = vendor.url("p/");
        let asked = ["restore", &url, "--days", "3", "--max-objects", "40", "--report", "r.csv"];
        rig.run(vendor, &asked).expect(0);
        rig.server.clock().advance(std::time::Duration::from_hours(24));
        scan("new.csv");
        let by_key = |name: &str| -> BTreeMap<Vec<u8>, Row> {
            rig.rows(name).into_iter().map(|row| (key_of(&row), row)).collect()
        };
        let (old, new) = (by_key("old.csv"), by_key("new.csv"));
        let changed = |was: &str, is: &str| match (was, is) {
            ("archived" | "restoring" | "expired", "restored") => Some("readable"),
            ("restored", "archived" | "expired" | "restoring") => Some("lapsed"),
            ("archived" | "expired", "restoring") => Some("restoring"),
            (was, is) if was == is || (was, is) == ("archived", "expired") => None,
            other => panic!("the model knows no {other:?}"),
        };
        let wanted: BTreeMap<Vec<u8>, &str> = old
            .iter()
            .filter_map(|(key, row)| Some((key.clone(), changed(&row["state"], &new[key]["state"])?)))
            .collect();
        assert!(wanted.len() > 20, "{}: something has changed", vendor.scheme);
        let ran = run(rig.folder(), &["diff", "old.csv", "new.csv", "--out", "c.csv", "--json"]).expect(0);
        let rows = rig.rows("c.csv");
        let found: BTreeMap<Vec<u8>, &str> =
            rows.iter().map(|row| (key_of(row), row["change"].as_str())).collect();
        assert_eq!(found, wanted, "{}", vendor.scheme);
        for row in &rows {
            let key = key_of(row);
            assert_eq!((&row["old_state"], &row["new_state"]), (&old[&key]["state"], &new[&key]["state"]));
            for column in ["expires_at", "checked_at", "size", "etag", "storage_class"] {
                assert_eq!(row[&format!("old_{column}")], old[&key][column], "{column}");
                assert_eq!(row[&format!("new_{column}")], new[&key][column], "{column}");
            }
        }
        let told = json(&ran.stdout);
        for change in ["readable", "lapsed", "restoring", "vanished"] {
            let here: Vec<&Row> = rows.iter().filter(|row| row["change"] == change).collect();
            let bytes: u64 = here.iter().map(|row| row["new_size"].parse::<u64>().unwrap()).sum();
            assert_eq!(told["changes"][change]["objects"], here.len(), "{change}");
            assert_eq!(told["changes"][change]["bytes"], bytes, "{change}");
        }
        assert_eq!(told["unchanged"], old.len() - wanted.len());
        // A report against itself, and the other way round.
        run(rig.folder(), &["diff", "old.csv", "old.csv", "--fail-on", "any"]).expect(0);
        run(rig.folder(), &["diff", "new.csv", "old.csv"]).expect(0);
    }
}

#[test]
fn a_script_learns_by_the_exit_code() {
    let old = format!("{HEAD}b,a,,restored,1,G,,,,,\nb,b,,archived,1,G,,,,,\n");
    let new = format!("{HEAD}b,a,,archived,1,G,,,,,\nb,c,,archived,1,G,,,,,\n");
    let folder = folder(&[("old.csv", &old), ("new.csv", &new)]);
    let diff = |more: &[&str]| run(folder.path(), &[&["diff", "old.csv", "new.csv"], more].concat());
    diff(&[]).expect(0);
    diff(&["--fail-on", "stuck,restoring"]).expect(0);
    diff(&["--fail-on", "lapsed"]).expect(1).says(&["--fail-on: 1 lapsed"]);
    diff(&["--fail-on", "stuck", "--fail-on", "Vanished,lapsed"]).expect(1).says(&["1 lapsed, 1 vanished"]);
    diff(&["--fail-on", "any", "--json"]).expect(1);
    for (word, hint) in [("lapsd", "did you mean `lapsed`?"), ("gone", "it can be readable, lapsed")] {
        diff(&["--fail-on", word]).expect(2).in_one_error().says(&[word, hint]);
    }
}

#[test]
fn what_is_told_is_a_table_with_its_prefixes() {
    let old = format!(
        "{HEAD}b,logs/a,,restored,1024,G,x,2026-11-30T00:00:00Z,2026-11-20T01:00:00Z,,\n\
         b,logs/b,,archived,2048,G,x,,2026-11-20T01:00:00Z,,\nb,tmp/c,,archived,1,G,x,,2026-11-20T01:00:00Z,,\n"
    );
    let new = format!(
        "{HEAD}b,logs/a,,archived,1024,G,x,,2026-12-01T01:00:00Z,,\n\
         b,logs/b,,restoring,2048,G,x,,2026-12-01T01:30:00Z,stuck,\nb,z,,readable,7,STANDARD,x,,2026-12-01T01:30:00Z,,\n"
    );
    let folder = folder(&[("old.csv", &old), ("new.csv", &new)]);
    let table = run(folder.path(), &["diff", "old.csv", "new.csv", "--depth", "1"]).expect(0).stdout;
    insta::assert_snapshot!(table, @r"
    old  old.csv
         3 rows | bucket b | checked 2026-11-20 01:00 UTC
    new  new.csv
         3 rows | bucket b | checked 2026-12-01 01:00 UTC to 2026-12-01 01:30 UTC

    change    objects    bytes
    lapsed          1  1.0 KiB
    stuck           1  2.0 KiB
    appeared        1      7 B
    vanished        1      1 B
    all             4  3.0 KiB
    unchanged 0

    prefix       objects  of these
    logs/              2  lapsed 1, stuck 1
    (no folder)        1  appeared 1
    tmp/               1  vanished 1
    ");
    let turned = run(folder.path(), &["diff", "new.csv", "old.csv"]).expect(0).stdout;
    assert!(turned.contains("note: the new report is the older one of both"), "{turned}");
}

#[test]
fn reports_come_through_pipes_and_changes_leave_by_them() {
    let old = format!("{HEAD}b,a,,restored,1,G,,,,,\n");
    let new = "key,state\na,archived\n";
    let folder = folder(&[("old.csv", &old), ("new.csv", new)]);
    for args in [["diff", "old.csv", "-", "--out", "-"], ["diff", "-", "old.csv", "--out", "-"]] {
        let mut command = bare(folder.path(), &args);
        let file = std::fs::File::open(folder.path().join("new.csv")).unwrap();
        // A report of another bucket, or of none that it names, is told apart.
        let ran = Ran::of(&command.stdin(Stdio::from(file)).output().unwrap());
        assert_eq!(ran.code, 2);
        ran.says(&["different buckets", "--any-bucket"]);
        let file = std::fs::File::open(folder.path().join("new.csv")).unwrap();
        let ran = Ran::of(&command.arg("--any-bucket").stdin(Stdio::from(file)).output().unwrap()).expect(0);
        assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
        ran.says(&["has no column bucket, version_id"]);
    }
    run(folder.path(), &["diff", "-", "-"]).expect(2).in_one_error();
    run(folder.path(), &["diff", "old.csv", "old.csv", "--json", "--out", "-"]).expect(2).in_one_error();
}

#[test]
fn what_is_no_pair_of_reports_is_told_with_the_way_out() {
    let good = format!("{HEAD}b,a,,archived,1,G,,,,,\nb,b,,archived,1,G,,,,,\n");
    let disorder = "bucket,key,state\nb,b,archived\nb,a,archived\n";
    let files = [
        ("good.csv", good.as_str()),
        ("list.csv", disorder),
        ("other.csv", "bucket,key,state\nc,a,archived\n"),
        ("stateless.csv", "bucket,key\nb,a\n"),
        ("words.csv", "bucket,key,state\nb,a,frozen\n"),
        ("short.csv", "bucket,key,state\nb,a\n"),
        ("run.csv.partial", good.as_str()),
        ("empty.csv", ""),
    ];
    let folder = folder(&files);
    for (report, pieces) in [
        ("list.csv", &["`list.csv`, line 3", "not in the order of their keys", "LC_ALL=C sort"][..]),
        ("other.csv", &["different buckets, `b` and `c`", "--any-bucket"]),
        ("stateless.csv", &["no column `state`"]),
        ("words.csv", &["line 2", "`frozen`"]),
        ("short.csv", &["line 2: it has 2 fields"]),
        ("run.csv.partial", &["a run that is not finished", "go on with the run"]),
        ("run.csv", &["no report `run.csv` yet", "run.csv.partial"]),
        ("missing.csv", &["cannot read `missing.csv`"]),
        ("empty.csv", &["no column"]),
    ] {
        let line = ["diff", "good.csv", report, "--out", "c.csv"];
        run(folder.path(), &line).expect(2).in_one_error().says(pieces);
        // Nothing half-written is left, under whatever name.
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), files.len(), "{report}: {left:?}");
    }
    run(folder.path(), &["diff", "good.csv", "good.csv", "--out", "./good.csv"])
        .expect(2)
        .in_one_error()
        .says(&["written over the report"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("good.csv")).unwrap(), good);
    run(folder.path(), &["diff", "good.csv", "good.csv", "--out", "no/c.csv"]).expect(8).in_one_error();
}

#[test]
fn a_report_that_leaves_rows_out_is_told_as_such() {
    let mut bucket = S3.bucket();
    let classes = [(S3.cold.to_owned(), 1)].into();
    bucket.generate = Some(Generate { count: 12, prefix: "p/".to_owned(), classes, ..Generate::default() });
    let rig = Rig::new(Config::default().with_bucket(bucket));
    let url = S3.url("p/");
    rig.run(S3, &["scan", &url, "--report", "all.csv"]).expect(0);
    rig.run(S3, &["restore", &url, "--days", "1", "--rows", "failed", "--report", "failed.csv"]).expect(0);
    let told = run(rig.folder(), &["diff", "all.csv", "failed.csv"]).expect(0).stdout;
    assert!(told.contains("`failed.csv` has rows of 0 of the 12 objects"), "{told}");
}
