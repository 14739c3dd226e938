//! Job files, and the URLs of command lines.

use std::path::Path;

use defrost::job::{self, Overrides, TypedGlob, Verb};

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
    "[safety]",
    "[wait]",
    "max_failures = \"5%\"",
    "until = \"ready:95%\"",
    "window = \"22:00-06:00 Asia/Shanghai\"",
    "daily_cost = \"200 CNY\"",
    "run_bytes = \"40TB\"",
    "time_zone = \"UTC\"",
    "key_list = \"-\"",
    "from_csv = \"f.csv\"",
    "on_ready = [\"{ready_file}\"]",
    "24:00",
    "ready:",
    "0.5%",
    "none",
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
            assert!(job.limits.head_concurrency > 0 && job.wait.batch > 0);
            assert!(job.wait.poll <= job.wait.timeout && !job.wait.poll.is_zero());
            assert!(job.window.is_none_or(|window| window.from != window.to));
            assert!(job.stop_after.is_none_or(|span| !span.is_zero()));
            let spends = job.verb != Verb::Scan;
            assert!(spends || (job.budget.run.is_none() && job.budget.day.is_none()));
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
            "[job]\ntime_zone = \"Asia/Shanghai\"\nprices = \"p.toml\"\n[[source]]\nurl = \"oss://b-b/\"\n\
             key_list = \"k.txt\"\nkey_list_nul = true\n[restore]\ndays = 7\nextend_when_left = \"36h\"\n\
             raise_tier = true\nexpedited_fallback = true\n[limits]\nrun_objects = 1_000\nrun_bytes = \"1TB\"\n\
             run_cost = \"20 CNY\"\ndaily_objects = 5\ndaily_bytes = \"40TB\"\ndaily_cost = \"0.5 CNY\"\n\
             window = \"22:00-06:00 Asia/Shanghai\"\noutside_window = \"end\"\nstop_after = \"6h\"\n\
             head_concurrency = 5\n[safety]\nmax_failures = \"5%\"\nmax_same_refusals = 50\nconfirm_over = \"10TB\"\n\
             [wait]\nuntil = \"ready:95%\"\npoll = \"5m\"\ntimeout = \"24h\"\nready_file = \"r.txt\"\n\
             on_ready = [\"x\", \"{ready_file}\"]\nbatch = 100\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .into()
    }

    fn words(&self) -> &'static [&'static str] {
        WORDS
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input);
        judged(job::from_file(Path::new("job.toml"), &text, &Overrides::default(), &defrost::job::Env::new()))
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
            globs: lines
                .next()
                .map(|pattern| TypedGlob { include: true, pattern, from: None })
                .into_iter()
                .collect(),
            older_than: lines.next(),
            min_size: lines.next(),
            report: lines.next().filter(|name| name.contains(".csv")),
            region: Some("cn-hangzhou".to_owned()),
            ..Overrides::default()
        };
        judged(job::from_url(Verb::Restore, &url, &over, &defrost::job::Env::new()))
    }
}
