//! What is killed: every verb that leaves a checkpoint, each vendor, one range and many, with and
//! without versions, and the filters that could lose a row.

use std::sync::OnceLock;

use defrost::sim::{Config, Generate, Latency, Span, Versioning};

use crate::support::{COS, OSS, Rig, Row, S3, VENDORS, Vendor};
use crate::trial::{rows_of, words};

/// A line, the bucket that it works on, and what it reports if nobody kills it.
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) vendor: Vendor,
    pub(super) restores: bool,
    pub(super) lists_many: bool,
    /// Name of the report.
    pub(super) report: &'static str,
    config: Config,
    line: Vec<String>,
    unbroken: OnceLock<Vec<Row>>,
}

impl Scenario {
    fn new(vendor: Vendor, restores: bool, ranges: u32, versions: bool, more: &[&str]) -> Self {
        let mut line: Vec<String> = Vec::new();
        let url = vendor.url("p/");
        let mut put = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
        if restores {
            put(&["restore", &url, "--days", "3", "--page-size", "20", "--concurrency", "4"]);
            put(&["--rate-limit", "100000", "--daily-objects", "100000"]);
        } else {
            put(&["scan", &url, "--page-size", "5"]);
            if vendor.scheme == "cos" {
                put(&["--head"]);
            }
        }
        put(&["--storage-class", "any", "--report", "r.csv", "--state-dir", "state"]);
        put(&["--list-concurrency", &ranges.to_string()]);
        put(if versions { &["--versions"] } else { &[] });
        put(more);
        let what = if versions { "versions" } else { "objects" };
        let name = format!("{} {} {ranges} {what} {}", vendor.scheme, line[0], more.join(" "));
        let config = config(vendor, restores, ranges, versions);
        let unbroken = OnceLock::new();
        Self {
            name: name.trim_end().to_owned(),
            vendor,
            restores,
            lists_many: ranges > 1,
            report: "r.csv",
            config,
            line,
            unbroken,
        }
    }

    /// All of them, those first that have something of their own.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for vendor in [S3, OSS, COS] {
            all.push(Self::new(vendor, true, 16, false, &["--state", "archived"]));
        }
        for vendor in [OSS, S3] {
            let mut blind = Self::new(vendor, true, 16, false, &[]);
            // Each object looks archived: what is restored is paid for a second time, but only once.
            blind.config.buckets[0].quirks.hide_restore = true;
            blind.name.push_str(" whose listings hide restores");
            all.push(blind);
        }
        for vendor in [OSS, S3, COS] {
            // Two in three of the copies lapse within six days, and what runs runs at Standard.
            let wish = ["--extend-when-left", "6d", "--raise-tier", "--tier", "Expedited", "--fit", "clamp"];
            let mut lapsing = Self::new(vendor, true, 16, false, &wish);
            let days = lapsing.line.iter().position(|word| word == "--days").unwrap();
            lapsing.line[days + 1] = "7".to_owned();
            all.push(lapsing);
        }
        for (vendor, report) in [(S3, "r.parquet"), (OSS, "r.csv.zst"), (COS, "r.jsonl.gz")] {
            all.push(Self::new(vendor, true, 16, false, &["--also", "jsonl"]).formed(report));
        }
        all.push(Self::new(OSS, true, 1, false, &["--state", "archived", "--max-objects", "50"]));
        all.push(Self::new(S3, true, 16, false, &["--rows", "changed"]));
        for (restores, ranges, versions) in [
            (true, 1, false),
            (true, 16, false),
            (true, 1, true),
            (true, 16, true),
            (false, 1, false),
            (false, 16, false),
            (false, 1, true),
            (false, 16, true),
        ] {
            all.extend(VENDORS.map(|vendor| Self::new(vendor, restores, ranges, versions, &[])));
        }
        all
    }

    /// The same with a report that is made of its rows at the end.
    fn formed(mut self, report: &'static str) -> Self {
        for word in self.line.iter_mut().filter(|word| *word == "r.csv") {
            report.clone_into(word);
        }
        let name = format!("{} into {report}", self.name);
        Self { name, report, ..self }
    }

    pub(super) fn rig(&self) -> Rig {
        Rig::new(self.config.clone())
    }

    pub(super) fn line(&self) -> Vec<&str> {
        words(&self.line)
    }

    /// The rows of a run that nobody killed.
    pub(super) fn unbroken(&self) -> &[Row] {
        self.unbroken.get_or_init(|| {
            let mut config = self.config.clone();
            config.buckets[0].quirks.latency = Latency::default();
            let rig = Rig::new(config);
            rig.run(self.vendor, &self.line()).expect(0);
            rows_of(&rig.path(self.report))
        })
    }
}

/// A bucket that keeps a run busy for a second or so: long enough for commits in the middle.
fn config(vendor: Vendor, restores: bool, ranges: u32, versions: bool) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count: if versions { 48 } else { 120 },
        prefix: "p/".to_owned(),
        seed: 7,
        classes: [(vendor.cold.to_owned(), 4), (vendor.standard.to_owned(), 1)].into(),
        ages: Some([Span(90 * 86_400), Span(900 * 86_400)]),
        restoring: 0.1,
        restored: 0.1,
        versions_per_key: versions.then_some(3),
        deleted: if versions { 0.2 } else { 0.0 },
        ..Generate::default()
    });
    if versions {
        bucket.versioning = Versioning::Enabled;
    }
    let list = match (restores, ranges) {
        (true, _) => 10,
        (false, 1) => 25,
        (false, _) => 150,
    };
    bucket.quirks.latency = Latency { list, head: 3, restore: 30 };
    crate::support::dated(Config::default().with_bucket(bucket))
}
