//! Every error that the command line and a job file can bring, as a person reads it: one snapshot a family,
//! made by provoking each. Those that a run ends with stand beside `src/cli/exit`.

use std::fmt::Write as _;
use std::path::Path;

use defrost::job::{self, Overrides};
use tempfile::TempDir;

use crate::support::{Ran, bare};

/// Values of every kind that TOML knows; no setting takes them all.
const VALUES: [&str; 9] = ["\"x y\"", "\"\"", "0", "-1", "1.5", "true", "[]", "[\"\", 7]", "2030-01-01"];

/// A job file in which `key` has `value`, and nothing else can be wrong.
fn with(key: &str, value: &str) -> String {
    let (table, name) = key.rsplit_once('.').unwrap();
    let line = format!("{name} = {value}\n");
    let source = "[[source]]\nurl = \"s3://logs/2024/\"\n";
    let days = if key == "restore.days" { "" } else { "days = 7\n" };
    match table {
        "source" if name == "url" => format!("[[source]]\n{line}[restore]\n{days}"),
        "source" => format!("{source}{line}[restore]\n{days}"),
        "restore" => format!("{source}[restore]\n{days}{line}"),
        _ => format!("{source}[restore]\n{days}[{table}]\n{line}"),
    }
}

#[test]
fn values_of_a_job_file() {
    let mut told = String::new();
    let keys = job::settings().map(|setting| setting.key);
    for key in keys.chain(["restore.class.GLACIER.days", "restore.class.GLACIER.tier"]) {
        let mut refused = 0;
        for value in VALUES {
            let text = with(key, value);
            let Err(faults) = job::from_file(
                Path::new("job.toml"),
                &text,
                &Overrides::default(),
                &defrost::job::Env::new(),
            ) else {
                continue;
            };
            for fault in faults.as_slice() {
                assert!(fault.way_out.is_some(), "no way out: {fault}");
                writeln!(told, "{value:<12} {fault}").unwrap();
                refused += 1;
            }
        }
        assert!(refused > 0, "{key} takes everything");
    }
    insta::assert_snapshot!("values_of_a_job_file", told);
}

#[test]
fn faults_of_a_whole_job_file() {
    let source = "[[source]]\nurl = \"s3://logs/2024/\"\n";
    let mut told = String::new();
    for text in [
        "",
        "[restore]\ndays = 7\n",
        "[restore\n",
        "[[source]]\nurl = \"s3://logs\"\n[restore]\n",
        &format!("{source}[limits]\nrestore_rat = 5\n"),
        &format!("{source}[limit]\nrestore_rate = 5\n"),
        &format!("{source}restore_rate = 5\n"),
        &format!("{source}secret_key = \"x\"\n"),
        &format!("{source}profile = \"AKIAIOSFODNN7EXAMPLE\"\n"),
        &format!("{source}inventory = \"x\"\n"),
        &format!("{source}[restore]\ndays = 7\nextend = \"2d\"\n"),
        &format!("{source}[restore]\ndays = 7\n[restore.class.GLACIER]\nday = 3\n"),
        &format!("{source}[filter]\nmin_size = \"2MiB\"\nmax_size = \"1MiB\"\n"),
        &format!("{source}[filter]\nolder_than = \"30d\"\nnewer_than = \"7d\"\n"),
        &format!("{source}[filter]\nstorage_class = [\"any\", \"GLACIER\"]\n"),
        &format!("{source}[filter]\nexclude = [\"a[b\", \"{{a,b\", \"\"]\n"),
        &format!("{source}[limits]\nrun_cost = \"5 USD\"\n"),
        &format!("{source}[restore]\ndays = 7\n[limits]\nrun_cost = \"5 USD\"\ndaily_cost = \"5 CNY\"\n"),
        &format!("{source}[restore]\ndays = 7\n[limits]\noutside_window = \"end\"\n"),
        &format!("{source}[restore]\ndays = 7\n[wait]\npoll = \"2h\"\ntimeout = \"1h\"\n"),
        &format!("{source}[restore]\ndays = 7\nextend_when_left = \"9d\"\n"),
        &format!("{source}key_list = \"k\"\nfrom_csv = \"c\"\n"),
        &format!("{source}key_list = \"k\"\nstart_after = \"a\"\n"),
        "[[source]]\nurl = \"gs://logs\"\n",
        "[[source]]\nurl = \"s3:/logs\"\n",
        "[[source]]\nurl = \"https://logs.s3.amazonaws.com/\"\n",
        "[[source]]\nurl = \"s3://key:secret@logs/\"\n",
        "[[source]]\nname = \"a\"\nurl = \"s3://a\"\n[[source]]\nname = \"a\"\nurl = \"s3://b\"\n",
    ] {
        let faults =
            job::all_from_file(Path::new("job.toml"), text, &Overrides::default(), &defrost::job::Env::new())
                .map(|_| ())
                .expect_err(text);
        writeln!(told, "{}\n{faults}\n", text.replace('\n', " | ")).unwrap();
    }
    insta::assert_snapshot!("faults_of_a_whole_job_file", told);
}

/// Runs the lines in a folder with a few files, and tells what each says.
fn lines(folder: &TempDir, lines: &[&[&str]]) -> String {
    let mut told = String::new();
    for line in lines {
        let ran = Ran::of(&bare(folder.path(), line).output().unwrap());
        assert_ne!(ran.code, 0, "{line:?} is right");
        assert_ne!(ran.code, 255, "{line:?} would stop xargs");
        assert_eq!(ran.stdout, "", "{line:?}: errors belong to stderr");
        let stderr = ran.stderr.replace(&*folder.path().to_string_lossy(), "FOLDER");
        writeln!(told, "$ defrost {}\n{}= {}\n", line.join(" "), stderr, ran.code).unwrap();
    }
    told
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let source = "[[source]]\nurl = \"s3://logs/2024/\"\nregion = \"us-east-1\"\n";
    let second = "[[source]]\nname = \"b\"\nurl = \"s3://other/\"\n";
    for (name, text) in [
        ("audit.toml", source.to_owned()),
        ("restore.toml", format!("{source}[restore]\ndays = 7\n")),
        ("two.toml", format!("{source}{second}[restore]\ndays = 7\n")),
        ("failed.toml", format!("{source}[restore]\ndays = 7\n[report]\nrows = \"failed\"\n")),
        ("plan.json", "{}".to_owned()),
        ("seed.toml", "[[bucket]]\n".to_owned()),
        ("demo.toml", format!("{source}[simulator]\nseed = \"none.toml\"\n")),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn usage_of_the_command_line() {
    let told = lines(
        &folder(),
        &[
            &["rum"],
            &["scan"],
            &["scan", "logs"],
            &["scan", "s3://logs", "--reprot", "x.csv"],
            &["scan", "s3://logs", "--color", "blue"],
            &["scan", "s3://logs", "-q", "-v"],
            &["scan", "s3://logs", "--page-size", "many"],
            &["scan", "s3://logs", "--files-from", "a", "--from-csv", "b"],
            &["restore", "s3://logs"],
            &["restore", "s3://logs", "--days", "x", "--tier", "fast", "--fit", "maybe"],
            &["restore", "oss://logs"],
            &["restore", "s3://logs", "--days", "7", "--endpoint-url", "http://storage.example.com"],
            &["run"],
            &["run", "none.toml"],
            &["run", "."],
            &["run", "audit.toml", "restore.toml", "--report", "x.csv"],
            &["run", "audit.toml", "restore.toml", "--plan", "plan.json"],
            &["guide", "nothing"],
            &["explain", "RestoreAlredyInProgress"],
            &["explain", "Xyzzy"],
            &["completions", "tcsh"],
            &["status", "none.toml"],
        ],
    );
    insta::assert_snapshot!("usage_of_the_command_line", told);
}

#[test]
fn verbs_that_cannot_do_it() {
    let told = lines(
        &folder(),
        &[
            &["plan", "audit.toml"],
            &["plan", "two.toml", "--json"],
            &["plan", "restore.toml", "--json", "--report", "-"],
            &["plan", "restore.toml", "--out", "none/plan.json"],
            &["run", "restore.toml", "--plan", "none.json"],
            &["run", "restore.toml", "--plan", "plan.json"],
            &["run", "two.toml", "--plan", "plan.json"],
            &["run", "demo.toml"],
            &["wait", "audit.toml"],
            &["wait", "restore.toml"],
            &["wait", "failed.toml"],
            &["retry", "restore.toml"],
            &["retry", "restore.toml", "--files-from", "x"],
            &["retry", "restore.toml", "--from-csv", "-"],
            &["retry", "restore.toml", "audit.toml", "--from-csv", "x.csv"],
            &["retry", "restore.toml", "--from-csv", "none.csv"],
            &["release", "oss://logs", "--region", "cn-hangzhou"],
            &["release", "s3://logs", "--from-csv", "x.csv"],
            &["release", "oss://logs", "--region", "cn-hangzhou", "--from-csv", "none.csv"],
            &["sim", "--seed", "none.toml"],
            &["sim", "--seed", "seed.toml"],
            &["sim", "--addr", "0.0.0.0:0"],
            &["run", "restore.toml", "--report", "none/x/y.csv"],
        ],
    );
    insta::assert_snapshot!("verbs_that_cannot_do_it", told);
}

#[test]
fn explanations() {
    let folder = folder();
    let mut told = String::new();
    for line in [
        &["explain", "partitionqpslimitted"][..],
        &["explain", "MalformedXML"],
        &["explain", "stuck"],
        &["explain", "3"],
        &["explain", "InvalidTier", "--json"],
        &["explain"],
    ] {
        let ran = Ran::of(&bare(folder.path(), line).output().unwrap()).expect(0);
        writeln!(told, "$ defrost {}\n{}", line.join(" "), ran.stdout).unwrap();
    }
    insta::assert_snapshot!("explanations", told);
}
