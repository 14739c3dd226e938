//! A run that is broken off and gone on with, held against one that was not.

use std::path::{Path, PathBuf};

use defrost::pipeline::report::{COLUMNS, Rows};
use defrost::sim::{Config, Generate, Span, Versioning};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Going, Rig, Row, Vendor, dated, hex, key_of};

/// Columns that differ from run to run: the store names each request anew, the hour moves on, and a
/// session that goes on may have to look again.
const OWN: [&str; 3] = ["request_id", "checked_at", "attempts"];

/// A bucket of four pages of 25, in which most objects want a restore.
pub(crate) fn config(vendor: Vendor) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count: 90,
        prefix: "p/".to_owned(),
        seed: 3,
        classes: [(vendor.cold.to_owned(), 4), (vendor.standard.to_owned(), 1)].into(),
        ages: Some([Span(90 * 86_400), Span(900 * 86_400)]),
        restoring: 0.1,
        restored: 0.1,
        ..Generate::default()
    });
    bucket.quirks.latency.restore = 10;
    dated(Config::default().with_bucket(bucket))
}

/// The same in versions: several of each key, some deleted.
pub(crate) fn versions(vendor: Vendor) -> Config {
    let mut config = config(vendor);
    let bucket = &mut config.buckets[0];
    bucket.versioning = Versioning::Enabled;
    let generate = bucket.generate.as_mut().unwrap();
    (generate.count, generate.versions_per_key, generate.deleted) = (32, Some(3), 0.2);
    config
}

/// The line that restores the bucket of [`config`], with `more` behind it.
pub(crate) fn restore(vendor: Vendor, more: &[&str]) -> Vec<String> {
    let url = vendor.url("p/");
    let line = ["restore", &url, "--days", "3", "--storage-class", "any", "--page-size", "25"];
    let limits =
        ["--concurrency", "4", "--rate-limit", "100000", "--report", "r.csv", "--state-dir", "state"];
    line.iter().chain(&limits).chain(more).map(|word| (*word).to_owned()).collect()
}

pub(crate) fn scan(vendor: Vendor, more: &[&str]) -> Vec<String> {
    let url = vendor.url("p/");
    let line = ["scan", &url, "--storage-class", "any", "--page-size", "5", "--report", "r.csv"];
    line.iter().chain(&["--state-dir", "state"]).chain(more).map(|word| (*word).to_owned()).collect()
}

/// What is run, on which bucket, and what an unbroken run reports of it.
pub(crate) struct Trial {
    vendor: Vendor,
    config: Config,
    pub(crate) line: Vec<String>,
    unbroken: Vec<Row>,
}

impl Trial {
    pub(crate) fn new(vendor: Vendor, config: Config, line: Vec<String>) -> Self {
        let rig = Rig::new(config.clone());
        rig.run(vendor, &words(&line)).expect(0);
        let unbroken = rig.rows("r.csv");
        assert!(unbroken.len() > 9, "there is something to break off");
        Self { vendor, config, line, unbroken }
    }

    pub(crate) fn vendor(&self) -> Vendor {
        self.vendor
    }

    pub(crate) fn rig(&self) -> Rig {
        Rig::new(self.config.clone())
    }

    pub(crate) fn start(&self, rig: &Rig) -> Going {
        rig.start(self.vendor, &words(&self.line))
    }

    /// The same line again, which must end well with the report of an unbroken run.
    #[track_caller]
    pub(crate) fn finish(&self, rig: &Rig, kind: Kind) {
        rig.server.clear_faults();
        rig.run(self.vendor, &words(&self.line)).expect(0);
        self.whole(rig, kind);
    }

    /// How many rows of an unbroken run say `action`.
    pub(crate) fn count(&self, action: &str) -> usize {
        self.unbroken.iter().filter(|row| row["action"] == action).count()
    }

    /// The finished report against the unbroken one.
    #[track_caller]
    pub(crate) fn whole(&self, rig: &Rig, kind: Kind) {
        let rows = self.rows(rig, kind);
        assert!(!partial(rig).exists(), "nothing is left unfinished");
        let summary = json(&rig.path("r.summary.json"));
        assert!(summary["sessions"].as_u64().unwrap() > 1, "it was gone on with");
        if !self.line.iter().any(|word| word == "--rows") {
            assert_eq!(summary["tally"]["matched"]["objects"], rows);
        }
        assert_eq!(summary["report_sha256"], sha256(&rig.path("r.csv")));
    }

    /// The rows of the finished report against the unbroken one, and how many they are.
    #[track_caller]
    pub(crate) fn rows(&self, rig: &Rig, kind: Kind) -> usize {
        let found = rig.rows("r.csv");
        let keys = |rows: &[Row]| -> Vec<_> {
            rows.iter().map(|row| (key_of(row), row["version_id"].clone())).collect()
        };
        assert_eq!(keys(&found), keys(&self.unbroken), "each key once, in the order of the listing");
        for (found, wanted) in found.iter().zip(&self.unbroken) {
            let (found, wanted) = (told(found), told(wanted));
            let lost = kind == Kind::Lossy
                && wanted["action"] == "requested"
                && (found["action"].as_str(), found["state"].as_str()) == ("already", "restoring");
            assert!(lost || found == wanted, "{:?}\nfound  {found:?}\nwanted {wanted:?}", self.line);
        }
        found.len()
    }
}

/// What a session may have forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: all answers were recorded.
    Exact,
    /// Answers of the last moment: the next session finds those restores running.
    Lossy,
}

pub(crate) fn told(row: &Row) -> Row {
    row.iter()
        .filter(|(column, _)| !OWN.contains(&column.as_str()))
        .map(|(c, v)| (c.clone(), v.clone()))
        .collect()
}

/// The rows of a report, whatever its form.
#[track_caller]
pub(crate) fn rows_of(path: &Path) -> Vec<Row> {
    let mut rows = Rows::open(path).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next_row().unwrap() {
        all.push(COLUMNS.iter().map(|c| ((*c).to_owned(), row.text(c).to_owned())).collect());
    }
    all
}

pub(crate) fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

pub(crate) fn partial(rig: &Rig) -> PathBuf {
    rig.path("r.csv.partial")
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap())
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The folder of the one job that the rig's state holds.
pub(crate) fn state(rig: &Rig) -> PathBuf {
    let mut all = std::fs::read_dir(rig.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let first = all.next().unwrap();
    assert!(all.next().is_none(), "one job, one folder");
    first
}

/// SHA-256 of a file, lower-case hex.
pub(crate) fn sha256(path: &Path) -> String {
    hex(&Sha256::digest(std::fs::read(path).unwrap()))
}
