//! Job files, and the URLs of command lines.

use std::path::Path;

use defrost::job::{self, Overrides, Verb};

use super::Target;

const WORDS: &[&str] = &[
    "[[source]]",
    "[restore]",
    "[restore.class.GLACIER]",
    "[filter]",
    "[report]",
    "[limits]",
    "[simulator]",
    "url = ",
    "\"s3://b/\"",
    "oss://",
    "cos://",
    "days = ",
    "tier = \"Bulk\"",
    "restore_rate = \"5/s\"",
    "include = [\"**/*.{a,b}\"]",
    "older_than = \"30d\"",
    "min_size = \"5MiB\"",
    "{date:%Y}",
    "{",
    "**",
    "[!a-z]",
    "\"\"\"",
    "'",
    "\\",
    "\\u{0}",
    "= inf",
    "= nan",
    "= 1979-05-27T07:32:00Z",
    "\n",
    "#",
    "\u{0}",
    "\u{202e}",
    "@",
    "%2F",
    "?",
];

/// Both ways a job comes in.
pub(super) struct Files;
pub(super) struct Lines;

/// A job that was accepted means something; one that was not says why.
fn judged(job: Result<job::Job, job::Faults>) -> bool {
    match job {
        Ok(job) => {
            assert!(!job.identity().is_empty() && !job.source.bucket.is_empty());
            assert!(job.limits.restore_rate > 0 && job.limits.max_attempts > 0);
            true
        }
        Err(faults) => {
            assert!(!faults.as_slice().is_empty() && !faults.to_string().is_empty());
            false
        }
    }
}

impl Target for Files {
    fn name(&self) -> String {
        "job files".to_owned()
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        [
            include_str!("../../jobs/audit.toml"),
            include_str!("../../jobs/nightly-cos.toml"),
            include_str!("../../jobs/nightly-oss.toml"),
            include_str!("../../jobs/nightly-s3.toml"),
            "[[source]]\nurl = \"s3://b-b/p/\"\nregion = \"r\"\nendpoint_url = \"http://127.0.0.1:9\"\n\
             [filter]\nstorage_class = [\"GLACIER\"]\ninclude = [\"**/*.gz\"]\nolder_than = \"30d\"\n\
             [restore]\ndays = 3\ntier = \"Bulk\"\n[limits]\nrestore_rate = \"50/s\"\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        judged(job::from_file(Path::new("job.toml"), &text, &Overrides::default(), &|_| None))
    }
}

impl Target for Lines {
    fn name(&self) -> String {
        "URLs and flags".to_owned()
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        [
            "s3://b-b/p/\n3\n50/s\n**/*.gz\n30d\n5MiB\nGLACIER=7",
            "oss://b-b/logs/2024/%20\n365\n100\n!a*\n1h30m\n0\nr-{date}.csv",
            "cos://b-1250000000\n1\n1\n[a-c]?\n26w\n1500MB\nr.csv",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        let mut lines = text.split('\n').map(str::to_owned);
        let url = lines.next().unwrap_or_default();
        let over = Overrides {
            days: lines.next(),
            restore_rate: lines.next(),
            globs: lines.next().map(|glob| (true, glob)).into_iter().collect(),
            older_than: lines.next(),
            min_size: lines.next(),
            report: lines.next().filter(|name| name.contains(".csv")),
            region: Some("r".to_owned()),
            ..Overrides::default()
        };
        judged(job::from_url(Verb::Restore, &url, &over, &|_| None))
    }
}
