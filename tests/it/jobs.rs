//! The job files of `jobs/`, and how bad ones are told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use defrost::cli::args::{Cli, Command};
use defrost::job::{self, ClassFilter, Fault, Faults, Job, Overrides, Place, Rows, Verb, Versions};
use defrost::model::{Provider, Tier};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn resolve(name: &str, over: &Overrides) -> Job {
    let path = Path::new("jobs").join(name);
    job::from_file(&path, &read(name), over, &|_| None).unwrap_or_else(|e| panic!("{e}"))
}

fn shipped(name: &str) -> Job {
    resolve(name, &Overrides::default())
}

/// Every TOML file of the folder but the simulator's seed.
fn job_files() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name).extension().is_some_and(|extension| extension == "toml")
                && !name.ends_with("-seed.toml")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn every_file_of_the_folder_resolves_and_is_named_after_itself() {
    let names = job_files();
    assert_eq!(names, ["audit.toml", "demo.toml", "nightly-cos.toml", "nightly-oss.toml", "nightly-s3.toml"]);
    for name in names {
        assert_eq!(format!("{}.toml", shipped(&name).name), name);
        let plan = resolve(&name, &Overrides { dry_run: true, ..Overrides::default() });
        assert_ne!(plan.verb, Verb::Restore, "{name}");
    }
}

#[test]
fn what_is_commented_out_in_a_file_is_legal_too() {
    for name in job_files() {
        let text: String = read(&name)
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                // A line that sets something, not one that says something.
                Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => rest,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let path = Path::new("jobs").join(&name);
        job::from_file(&path, &text, &Overrides::default(), &|_| None).unwrap_or_else(|e| panic!("{e}"));
    }
}

#[test]
fn the_demo() {
    let job = shipped("demo.toml");
    assert_eq!(job.verb, Verb::Restore);
    assert_eq!((job.source.provider, job.source.url().as_str()), (Provider::Oss, "oss://demo-archive/"));
    assert_eq!(job.filter.storage_class, ClassFilter::Any);
    let wish = job.wish.unwrap();
    // OSS Archive takes 1 to 7 days, ColdArchive 1 to 365. Source: OSS RestoreObject page, read 2026-11.
    assert_eq!(wish.for_class(b"Archive"), (7, Tier::Standard));
    assert_eq!(wish.for_class(b"ColdArchive"), (14, Tier::Standard));
    assert_eq!(job.report.path.as_deref(), Some("../out/demo.csv"));
    assert_eq!(job.report.folder, Path::new("jobs"));
    let simulator = job.simulator.unwrap();
    assert_eq!(simulator.seed, Path::new("jobs/demo-seed.toml"));
    assert!((simulator.speed - 60.0).abs() < f64::EPSILON);
    assert_eq!(simulator.between_runs, Duration::from_hours(72));
    assert_eq!(simulator.state_dir, job.state_dir);
    assert_eq!(job.state_dir, Path::new("jobs/.defrost/demo"));
}

#[test]
fn the_seed_of_the_demo_holds_20_000_objects() {
    let seed: toml::Table = read("demo-seed.toml").parse().unwrap();
    let bucket = &seed["bucket"][0];
    assert_eq!(bucket["name"].as_str(), Some("demo-archive"));
    let named = bucket["object"].as_array().unwrap();
    let made = bucket["generate"]["count"].as_integer().unwrap();
    assert_eq!(i64::try_from(named.len()).unwrap() + made, 20_000);
    let classes = bucket["generate"]["classes"].as_table().unwrap();
    let all = ["Archive", "ColdArchive", "DeepColdArchive", "IA", "Standard"];
    assert_eq!(classes.keys().map(String::as_str).collect::<Vec<_>>(), all);
    let has = |what: &str| {
        named.iter().any(|object| {
            let text = |key: &str| object.get(key).and_then(toml::Value::as_str).unwrap_or_default();
            text("key").contains(what) || text("key_url").contains(what)
        })
    };
    for odd in [" ", "+", "%", "\"", ",", "归", "🧊", "%0A", "%07", "=SUM"] {
        assert!(has(odd), "{odd:?}");
    }
    for state in ["running", "restored"] {
        assert!(
            named.iter().any(|object| object.get("restore").and_then(toml::Value::as_str) == Some(state))
        );
    }
}

#[test]
fn the_nightly_jobs() {
    let oss = shipped("nightly-oss.toml");
    let wish = oss.wish.as_ref().unwrap();
    assert_eq!((oss.verb, oss.source.provider), (Verb::Restore, Provider::Oss));
    assert_eq!(oss.filter.storage_class, ClassFilter::Archived);
    assert_eq!(wish.for_class(b"Archive").0, 7);
    assert_eq!(wish.for_class(b"ColdArchive"), (14, Tier::Bulk));
    assert_eq!(wish.for_class(b"DeepColdArchive"), (14, Tier::Standard));
    for (key, kept) in [("a/b.gz", true), ("x.parquet", true), ("x.csv", false), ("tmp/x.gz", false)] {
        assert_eq!(oss.filter.keeps_key(key.as_bytes()), kept, "{key}");
    }

    let cos = shipped("nightly-cos.toml");
    let wish = cos.wish.as_ref().unwrap();
    assert_eq!((cos.source.provider, cos.source.bucket.as_str()), (Provider::Cos, "media-1250000000"));
    assert_eq!(wish.for_class(b"ARCHIVE"), (5, Tier::Standard));
    assert_eq!(wish.for_class(b"DEEP_ARCHIVE"), (5, Tier::Bulk));
    assert_eq!(cos.report.rows, Rows::Changed);
    // COS allows 100 restore requests a second and bucket. Source: COS limits page, read 2026-11.
    assert!(cos.limits.restore_rate <= 100);

    let s3 = shipped("nightly-s3.toml");
    assert_eq!((s3.source.provider, s3.filter.max_objects), (Provider::S3, 500_000));
    assert_eq!(s3.filter.storage_class, ClassFilter::Named(vec!["GLACIER".into(), "DEEP_ARCHIVE".into()]));
    // S3 allows 1,000 a second, account and Region. Source: S3 user guide, "Restoring an archived object", read 2026-11.
    assert!(s3.limits.restore_rate <= 1000);
}

#[test]
fn the_audit() {
    let audit = shipped("audit.toml");
    assert_eq!((audit.verb, audit.source.versions), (Verb::Scan, Versions::All));
    assert!(audit.wish.is_none() && audit.filter.storage_class == ClassFilter::Any);
}

#[test]
fn the_reference_names_every_key_with_flag_and_variable() {
    let text = read("README.md");
    for setting in job::settings() {
        let (_, name) = setting.key.split_once('.').unwrap();
        let start = format!("| `{name}` |");
        let line =
            text.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{}", setting.key));
        let quoted = |word: &str| if word.is_empty() { String::new() } else { format!("`{word}` ") };
        let end = format!("| {}| {}|", quoted(setting.flag), quoted(setting.env));
        assert!(line.ends_with(&end), "{line}\nshould end in {end}");
    }
    let rows = text.lines().filter(|line| line.starts_with("| `") && line.matches('|').count() == 6).count();
    // One more for `[restore.class.NAME]`.
    assert_eq!(rows, job::settings().count() + 1);
}

#[test]
fn the_lines_for_cron_systemd_and_kubernetes_are_legal() {
    let mut lines: Vec<String> = Vec::new();
    for line in read("cron.example").lines().filter(|line| line.contains("defrost  defrost ")) {
        let (_, line) = line.split_once("defrost  ").unwrap();
        lines.push(line.split(" ||").next().unwrap().to_owned());
    }
    for line in read("defrost.service").lines() {
        let starts = ["ExecStart=", "ExecStartPre="].iter().find_map(|key| line.strip_prefix(key));
        lines.extend(starts.map(|line| line.replace("/usr/bin/", "")));
    }
    for line in read("cronjob.yaml").lines() {
        if let Some(args) = line.trim().strip_prefix("args: [") {
            lines.push(format!("defrost {}", args.trim_end_matches(']').replace(['"', ','], "")));
        }
    }
    assert_eq!(lines.len(), 6, "{lines:?}");
    for line in lines {
        let cli = Cli::read(line.split(' ').map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(matches!(cli.verb, Command::Run(_) | Command::Check(_)), "{line}");
    }
}

/// Line, column and what is wrong.
fn told(fault: &Fault) -> (usize, usize, String) {
    match &fault.at.place {
        Place::File { line, column, .. } => (*line, *column, fault.what.clone()),
        other => panic!("{other:?}"),
    }
}

fn faults(text: &str) -> Faults {
    job::from_file(Path::new("bad.toml"), text, &Overrides::default(), &|_| None).unwrap_err()
}

/// Line, column, key path, what is wrong, and a piece of the way out.
type Wanted<'w> = (usize, usize, &'w str, &'w str, &'w str);

fn check(text: &str, wanted: &[Wanted<'_>]) {
    let faults = faults(text);
    let found: Vec<_> = faults.as_slice().iter().map(|fault| (told(fault), fault.at.key.clone())).collect();
    assert_eq!(found.len(), wanted.len(), "{text}\n{faults}");
    for (fault, (line, column, key, what, way_out)) in faults.as_slice().iter().zip(wanted) {
        assert_eq!(told(fault), (*line, *column, (*what).to_owned()), "{text}\n{faults}");
        assert_eq!(fault.at.key, *key, "{faults}");
        let said = fault.way_out.as_deref().unwrap_or_default();
        assert!(said.contains(way_out), "{fault}\nshould hold {way_out}");
        assert!(fault.to_string().starts_with(&format!("bad.toml:{line}:{column}:")), "{fault}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let text = r#"[job]
name = "my job"

[[source]]
url = "s4://logs/2024/"
versions = "al"
page_size = "500"

[filter]
storage_class = ["Cold Archive"]
exlude = ["tmp/**"]
include = ["ok", "a[b"]
min_size = "1KB5"
older_than = 30
state = "frozen"

[restore]
days = 0
tier = "fast"
fit = true
extend_when_left = "36h"
[restore.class.ColdArchive]
dyas = 3

[limits]
restore_rate = 1.5
concurrency = [1]

[report]
path = "out/{dat}.csv"
"#;
    check(
        text,
        &[
            (2, 8, "job.name", "cannot name files and folders", "letters, digits"),
            (5, 7, "source.url", "has the unknown scheme `s4`", "did you mean `s3://logs/2024/`?"),
            (6, 12, "source.versions", "is not one of the words it can be", "did you mean `all`?"),
            (7, 13, "source.page_size", "must be a number, not text in quotes", "leave out the quotes: 500"),
            (10, 18, "filter.storage_class", "is not a storage class", "ColdArchive"),
            (11, 1, "filter.exlude", "unknown key", "did you mean `exclude`?"),
            (12, 18, "filter.include", "has a `[` without its `]` at character 2", "close it"),
            (13, 12, "filter.min_size", "is not a size: `KB5` is no unit", "10MiB"),
            (14, 14, "filter.older_than", "must be a span of time, not a number", "\"30d\" for days"),
            (15, 9, "filter.state", "is not one of the words it can be", "`archived`"),
            (18, 8, "restore.days", "is too small", "1 to 365"),
            (19, 8, "restore.tier", "is not one of the words it can be", "`Expedited`, `Standard`, `Bulk`"),
            (20, 7, "restore.fit", "must be text in quotes, not true or false", "put it in quotes"),
            (
                21,
                1,
                "restore.extend_when_left",
                "unknown key: not supported yet by this version of defrost",
                "take it out",
            ),
            (23, 1, "restore.class.ColdArchive.dyas", "unknown key", "did you mean `days`?"),
            (
                26,
                16,
                "limits.restore_rate",
                "must be a whole number, not a number with a fraction",
                "1 to 100000",
            ),
            (27, 15, "limits.concurrency", "must be a number, not a list", "1 to 4096"),
            (30, 8, "report.path", "has the unknown placeholder \"dat\"", "`{date}`"),
        ],
    );
}

#[test]
fn unknown_keys_are_refused_with_a_hint() {
    const URL: &str = "[[source]]\nurl = \"oss://b\"\n";
    for (text, key, what, way_out) in [
        ("[fliter]\nmin_size = 1\n", "fliter", "unknown table", "did you mean `[filter]`?"),
        ("[restor]\n", "restor", "unknown table", "did you mean `[restore]`?"),
        (
            "[limits]\nmin_size = 1\n",
            "limits.min_size",
            "unknown key here",
            "`min_size` belongs in `[filter]`",
        ),
        (
            "[limits]\nwindow = \"22:00-06:00\"\n",
            "limits.window",
            "unknown key: not supported yet by this version of defrost",
            "take it out",
        ),
        (
            "[wait]\nuntil = \"ready\"\n",
            "wait",
            "unknown key: not supported yet by this version of defrost",
            "take it out",
        ),
        ("[safety]\n", "safety", "unknown key: not supported yet by this version of defrost", "take it out"),
        (
            "[report]\nformat = [\"csv\"]\n",
            "report.format",
            "unknown key: not supported yet by this version of defrost",
            "take it out",
        ),
        ("[report]\nzebra = 1\n", "report.zebra", "unknown key", "`[report]` can have `path`, `rows`"),
        ("[zebra]\nx = 1\n", "zebra", "unknown table", "`[[source]]`, `[filter]`"),
        (
            "[restore]\ndays = 1\n[restore.class]\ndays = 3\n",
            "restore.class.days",
            "stands outside of a class",
            "[restore.class.ColdArchive]",
        ),
        (
            "[restore]\ndays = 1\nclass = 3\n",
            "restore.class",
            "must be a table, not a value",
            "[restore.class.NAME]",
        ),
        (
            "[restore]\ndays = 1\n[restore.class.\"A B\"]\ndays = 3\n",
            "restore.class.A B.",
            "is not a storage class",
            "ColdArchive",
        ),
        (
            "[restore]\ndays = 1\n[restore.class.a]\ndays = 3\n[restore.class.A]\n",
            "restore.class.a.",
            "stands here twice, in other letter case",
            "leave one",
        ),
        (
            "[[source]]\nurl = \"oss://c\"\n",
            "source.",
            "is the second source; a job has one",
            "defrost run a.toml b.toml",
        ),
        ("[simulator]\nspeed = 0\nseed = \"s\"\n", "simulator.speed", "is out of range", "above 0"),
        ("[simulator]\n", "simulator.seed", "is missing", "seed = "),
    ] {
        let text = format!("{URL}{text}");
        let faults = faults(&text);
        let [fault] = faults.as_slice() else { panic!("{text}\n{faults}") };
        assert_eq!((fault.at.key.as_str(), fault.what.as_str()), (key, what), "{text}");
        assert!(
            fault.way_out.as_deref().unwrap_or_default().contains(way_out),
            "{fault}\nshould hold {way_out}"
        );
        assert!(fault.line().is_some_and(|line| line > 2), "{fault}");
    }
    check(
        "days = 7\n[[source]]\nurl = \"oss://b\"\n",
        &[(1, 1, "days", "unknown key here", "`days` belongs in `[restore]`")],
    );
    check(
        "job = 7\n[[source]]\nurl = \"oss://b\"\n",
        &[(1, 1, "job", "must be a table, not a value", "`[job]`")],
    );
    check(
        "source = 7\n",
        &[
            (1, 1, "source", "must be a table, not a value", "[[source]]"),
            (1, 1, "source.url", "is missing", "url = "),
        ],
    );
    check("[[source]]\n", &[(1, 3, "source.url", "is missing", "oss://bucket/prefix")]);
    check("", &[(1, 1, "source.url", "is missing", "oss://bucket/prefix")]);
    check("[[source]]\nurl = 7\n", &[(2, 7, "source.url", "must be text in quotes, not a number", "quotes")]);
}

#[test]
fn values_that_contradict_each_other() {
    check(
        "[[source]]\nurl = \"s3://b\"\nstart_after = \"m\"\nend_with = \"a\"\nendpoint_url = \"http://10.1.2.3\"\n\
         [filter]\nmin_size = \"1MiB\"\nmax_size = \"1KiB\"\nolder_than = \"30d\"\nnewer_than = \"7d\"\n\
         storage_class = [\"any\", \"GLACIER\"]\n",
        &[
            (
                4,
                12,
                "source.end_with",
                "does not come after `start_after` (\"m\"), so no key lies between",
                "swap",
            ),
            (
                5,
                16,
                "source.endpoint_url",
                "would send signed requests unencrypted over the network",
                "allow_http = true",
            ),
            (8, 12, "filter.max_size", "is below `min_size` (1048576 bytes), so no object passes", "swap"),
            (10, 14, "filter.newer_than", "is a shorter time than `older_than`, so no object passes", "swap"),
            (11, 18, "filter.storage_class", "stands for a whole group, and others stand beside it", "alone"),
        ],
    );
}

#[test]
fn secrets_are_refused_and_never_repeated() {
    const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";
    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    let text = format!(
        "access_key_id = \"{ID}\"\n[[source]]\nurl = \"s3://{ID}:{SECRET}@b/x\"\nprofile = \"{ID}\"\nsecret_key = \"{SECRET}\"\n\
         endpoint_url = \"https://{ID}:{SECRET}@h\"\nregion = \"{ID}\"\n[credentials]\nid = \"{SECRET}\"\n[restore]\ndays = 1\n\
         [restore.class.A]\ntoken = \"{SECRET}\"\n"
    );
    let faults = faults(&text);
    let keys: Vec<&str> = faults.as_slice().iter().map(|fault| fault.at.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "access_key_id",
            "source.url",
            "source.profile",
            "source.secret_key",
            "source.endpoint_url",
            "source.region",
            "credentials",
            "restore.class.A.token"
        ]
    );
    let all = format!("{faults}\n{faults:?}");
    assert!(!all.contains(SECRET) && !all.contains(ID), "{all}");
    assert!(all.contains("environment"), "{all}");
}

#[test]
fn what_is_no_toml_is_told_with_line_and_column() {
    for (text, line, column) in [
        ("[[source]]\nurl = oss://b\n", 2, 7),
        ("[[source]]\nurl = \"oss://b\n", 2, 15),
        ("[[source]\nurl = \"oss://b\"\n", 1, 10),
        ("[[source]]\nurl = \"oss://b\"\nurl = \"oss://c\"\n", 3, 1),
        ("[[source]]\r\nurl = \"é\" x\r\n", 2, 11),
    ] {
        let faults = faults(text);
        let first = &faults.as_slice()[0];
        let (found_line, found_column, what) = told(first);
        assert_eq!((found_line, found_column), (line, column), "{text}\n{faults}");
        assert!(what.starts_with("not valid TOML: "), "{faults}");
        assert!(
            first.to_string().starts_with(&format!("bad.toml:{line}:{column}: not valid TOML: ")),
            "{first}"
        );
        assert!(!faults.to_string().contains("is missing"), "{faults}");
    }
    // What stands before the tear is looked at all the same, what comes after is not.
    let faults = faults("[filter]\nmin_size = \"x\"\n[limits\nrestore_rate = 0\n");
    let lines: Vec<Option<usize>> = faults.as_slice().iter().map(Fault::line).collect();
    assert_eq!(lines.first(), Some(&Some(2)), "{faults}");
    assert!(lines.iter().all(|line| line.is_some_and(|line| line <= 3)), "{faults}");
}

#[test]
fn any_text_is_answered_without_panic() {
    let base = read("nightly-oss.toml");
    let cut: Vec<usize> = base.char_indices().map(|(at, _)| at).step_by(7).collect();
    for at in cut {
        let (head, tail) = base.split_at(at);
        for text in [
            head.to_owned(),
            tail.to_owned(),
            format!("{head}\u{0}{tail}"),
            format!("{head}\"{tail}"),
            format!("{head}]{tail}"),
        ] {
            let _ = job::from_file(Path::new("x.toml"), &text, &Overrides::default(), &|_| None);
        }
    }
}
