//! The job files of `jobs/` and the examples beside them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use defrost::cli::args::{Cli, Command};
use defrost::job::{self, ClassFilter, Job, Overrides, Rows, Verb, Versions};
use defrost::model::{Provider, Tier};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn resolve(name: &str, over: &Overrides) -> Job {
    let path = Path::new("jobs").join(name);
    job::from_file(&path, &read(name), over, &defrost::job::Env::new()).unwrap_or_else(|e| panic!("{e}"))
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
        job::from_file(&path, &text, &Overrides::default(), &defrost::job::Env::new())
            .unwrap_or_else(|e| panic!("{e}"));
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
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in lines {
        let cli = Cli::read(line.split(' ').map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(matches!(cli.verb, Command::Run(_) | Command::Check(_)), "{line}");
    }
}
