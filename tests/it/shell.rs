//! As a shell sees it: help, completions, what goes to stdout and what to stderr, pipes whose reader
//! leaves, `status` through the life of a job, and JSON lines that are all JSON.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use defrost::sim::{BucketConfig, Call, Config, Fault, FaultKind, Generate};
use serde_json::Value;

use crate::support::{Keys, Ran, Rig, S3, VENDORS, Vendor, bare};

const VERBS: [&str; 11] =
    ["scan", "plan", "restore", "run", "status", "diff", "check", "sim", "guide", "explain", "completions"];

fn rig(vendor: Vendor) -> Rig {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.generate = Some(Generate {
        count: 9,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        ..Generate::default()
    });
    Rig::new(Config::default().with_bucket(bucket))
}

fn plain(args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let ran = Ran::of(&bare(folder.path(), args).output().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?} left a file");
    ran
}

#[test]
fn help_goes_to_stdout_and_is_no_failure() {
    let mut lines = vec![vec!["--help"], vec!["-h"], vec!["help"]];
    for verb in VERBS {
        lines.extend([vec![verb, "--help"], vec![verb, "-h"], vec!["help", verb]]);
    }
    for line in lines {
        let ran = plain(&line).expect(0);
        assert!(ran.stdout.contains("Usage: defrost") && ran.stderr.is_empty(), "{line:?}\n{ran:?}");
        if let Some(verb) = VERBS.iter().find(|verb| line.contains(verb)) {
            assert!(ran.stdout.contains(&format!("Usage: defrost {verb}")), "{line:?}\n{ran:?}");
        }
    }
    let version = format!("defrost {}\n", env!("CARGO_PKG_VERSION"));
    for flag in ["--version", "-V"] {
        let ran = plain(&[flag]).expect(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (version.as_str(), ""));
    }
}

#[test]
fn a_line_without_a_verb_or_with_a_wrong_one_is_two_and_leaves_stdout_alone() {
    for line in
        [&[][..], &["thaw"], &["scan"], &["run"], &["status"], &["check"], &["completions"], &["--colour"]]
    {
        let ran = plain(line).expect(2);
        assert!(ran.stdout.is_empty(), "{line:?}: {}", ran.stdout);
        assert!(ran.stderr.contains("Usage: defrost"), "{line:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("--help"), "{line:?}: {}", ran.stderr);
    }
}

#[test]
fn help_and_readme_tell_the_same_exit_codes() {
    let help = plain(&["--help"]).expect(0).stdout;
    let (_, table) = help.split_once("Exit codes:\n").unwrap();
    let told: Vec<&str> = table
        .lines()
        .map_while(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<u8>().is_ok())
        .collect();
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n## Exit codes\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let documented: Vec<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
        .filter(|cell| cell.starts_with(|c: char| c.is_ascii_digit()))
        .flat_map(|cell| cell.split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(told, documented);
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = plain(&["completions", shell]).expect(0);
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        for verb in VERBS {
            assert!(ran.stdout.contains(verb), "{shell}: {verb}");
        }
        // Whichever of the shells is there says whether it can read its script.
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        let spawned = Command::new(shell).arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else { continue };
        child.stdin.take().unwrap().write_all(ran.stdout.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
    }
}

#[test]
fn the_guide_is_listed_and_its_pages_are_shown_whole() {
    let list = plain(&["guide"]).expect(0);
    assert!(list.stderr.is_empty(), "{}", list.stderr);
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide");
    let mut seen = 0;
    for entry in std::fs::read_dir(pages).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let lines: Vec<&str> =
            list.stdout.lines().filter(|l| l.starts_with(&format!("  {name}  "))).collect();
        assert_eq!(lines.len(), 1, "{name} in\n{}", list.stdout);
        assert!(lines[0].len() <= 100, "{}", lines[0]);
        let shown = plain(&["guide", name]).expect(0);
        assert!(shown.stderr.is_empty(), "{}", shown.stderr);
        assert_eq!(shown.stdout, std::fs::read_to_string(&path).unwrap());
        seen += 1;
    }
    assert_eq!(list.stdout.lines().filter(|line| line.starts_with("  ")).count(), seen);
}

#[test]
fn the_guide_is_searched_for_a_word() {
    let found = plain(&["guide", "--search", "UNSAFE_key"]).expect(0);
    let pages: Vec<&str> = found.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(pages.contains(&"columns") && pages.contains(&"troubleshooting"), "{}", found.stdout);
    assert!(found.stdout.lines().all(|line| line.contains("unsafe_key")), "{}", found.stdout);
    let none = plain(&["guide", "--search", "no such word"]).expect(2);
    assert!(none.stdout.is_empty());
    none.in_one_error();
}

#[test]
fn a_page_that_is_not_there_is_two_and_names_those_that_are() {
    for (line, said) in [
        (&["guide", "promisse"][..], "tip: a similar value exists: 'promises'"),
        (&["guide", "nothing"], "[possible values: first-audit"),
        (&["guide", "promises", "promises"], "unexpected argument"),
    ] {
        let ran = plain(line).expect(2);
        assert!(ran.stdout.is_empty() && ran.stderr.contains(said), "{line:?}: {ran:?}");
    }
    let ran = plain(&["guide", "nothing", "--json-log"]).expect(2);
    let told = json(&ran);
    assert_eq!(told.last().unwrap()["exit"], 2);
    assert!(told.last().unwrap()["error"].as_str().unwrap().contains("promises"), "{}", ran.stderr);
}

#[test]
fn the_jobs_that_come_along_are_sound() {
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let mut line = vec!["check".to_owned()];
    for entry in std::fs::read_dir(jobs).unwrap() {
        let path = entry.unwrap().path();
        let is_seed = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("-seed"));
        if path.extension().is_some_and(|extension| extension == "toml") && !is_seed {
            line.push(path.to_str().unwrap().to_owned());
        }
    }
    assert!(line.len() > 4, "{line:?}");
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let ran = plain(&line).expect(0);
    assert_eq!(ran.stderr.lines().filter(|line| line.contains(": ok, ")).count(), line.len() - 1);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    assert!(!ran.stderr.contains("as things stand here"), "{}", ran.stderr);
    let quiet = plain(&[&line[..], &["-q"]].concat()).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn check_tells_what_the_place_lacks_without_failing() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("job.toml");
    std::fs::write(&job, "[[source]]\nurl = \"oss://b-1/\"\n").unwrap();
    let ran = plain(&["check", job.to_str().unwrap()]).expect(0);
    assert!(ran.stderr.contains(": ok, scan of oss://b-1/\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("as things stand here, no region is known"), "{}", ran.stderr);
}

#[test]
fn a_report_on_stdout_is_csv_and_nothing_else() {
    for vendor in VENDORS {
        let rig = rig(vendor);
        let url = vendor.url("");
        for verb in [&["scan"][..], &["plan"], &["restore", "--days", "2"]] {
            for loud in ["-vv", "--json-log", "-q"] {
                let line = [verb, &[&url, "--report", "-", loud]].concat();
                let ran = rig.run(vendor, &line).expect(0);
                let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
                let header: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
                assert_eq!((header[0].as_str(), header.len()), ("bucket", 22));
                assert_eq!(reader.records().map(Result::unwrap).count(), 9, "{line:?}");
                assert!(!ran.stderr.contains("p/obj"), "{}", ran.stderr);
                if verb[0] != "restore" {
                    assert_eq!(rig.server.ledger().counts().restore, 0, "{line:?} pays for nothing");
                }
                // A stream leaves no report and no checkpoint.
                assert_eq!(std::fs::read_dir(rig.folder()).unwrap().count(), 0, "{line:?}");
            }
        }
        let told = rig.run(vendor, &["scan", &url, "--report", "-"]).expect(0);
        told.says(&["report stdout\n", "report    stdout\n"]);
        let told = rig.run(vendor, &["scan", &url, "--report", "-", "--json-log"]).expect(0);
        assert!(json(&told)[0]["report"].is_null(), "{}", told.stderr);
    }
}

/// Runs `command` with a stdout or stderr that nobody reads.
fn unread(mut command: Command, stdout: bool) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    if stdout {
        command.stdout(writer).stderr(Stdio::piped())
    } else {
        command.stderr(writer).stdout(Stdio::piped())
    };
    Ran::of(&command.spawn().unwrap().wait_with_output().unwrap())
}

#[test]
fn a_reader_that_leaves_early_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    for line in [
        &["completions", "bash"][..],
        &["guide"],
        &["guide", "promises"],
        &["status", "s3://test-archive/"],
        &["sim", "--print-seed"],
        &["--help"],
        &["scan", "--help"],
        &["--version"],
    ] {
        let ran = unread(bare(folder.path(), line), true).expect(0);
        assert!(ran.stderr.is_empty(), "{line:?}: {}", ran.stderr);
    }
    // Messages that nobody reads do not stop the work.
    for vendor in VENDORS {
        let rig = rig(vendor);
        let mut command =
            rig.command(&["restore", &vendor.url(""), "--days", "2", "--report", "r.csv", "-vv"]);
        command.args(rig.place(vendor));
        unread(command, false).expect(0);
        assert_eq!(rig.rows("r.csv").len(), 9);
    }
}

#[test]
fn status_follows_a_job_through_its_life() {
    for vendor in VENDORS {
        let rig = rig(vendor);
        let job = format!(
            "[job]\nname = \"night\"\n[[source]]\nurl = \"{}\"\nregion = \"{}\"\nendpoint_url = \"{}\"\npage_size = 3\n\
             [restore]\ndays = 2\n[limits]\nlist_concurrency = 1\n[report]\npath = \"r.csv\"\n",
            vendor.url(""),
            vendor.region,
            rig.server.url()
        );
        std::fs::write(rig.path("job.toml"), job).unwrap();
        let run = |args: &[&str]| Ran::of(&rig.command(args).output().unwrap());
        let status = |pieces: &[&str]| {
            let ran = run(&["status", "job.toml"]).expect(0);
            for piece in pieces {
                assert!(ran.stdout.contains(piece), "no `{piece}` in\n{}", ran.stdout);
            }
            assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        };
        status(&["night", "never run"]);
        assert!(!rig.path(".defrost").exists(), "looking makes nothing");

        rig.server.add_fault(Fault {
            skip: 2,
            status: Some(403),
            code: Some("AccessDenied".to_owned()),
            ..Fault::new(FaultKind::Error).on(Call::List)
        });
        run(&["run", "job.toml"]).expect(4);
        status(&["night", "interrupted", "rows      6\n", "requested 6", "r.csv.partial"]);
        rig.server.clear_faults();
        let asked = rig.server.ledger().counts().total;
        status(&["interrupted"]);
        assert_eq!(rig.server.ledger().counts().total, asked, "status asks no store");

        run(&["run", "job.toml"]).expect(0);
        status(&["night", "finished", "rows      9\n", "requested 9", "r.csv\n"]);
        assert_eq!(rig.rows("r.csv").len(), 9);
    }
}

/// Every line of stderr as JSON.
#[track_caller]
fn json(ran: &Ran) -> Vec<Value> {
    ran.stderr
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(value["time"].is_string() && value["event"].is_string(), "{line}");
            value
        })
        .collect()
}

#[test]
fn a_json_log_is_json_to_the_last_line() {
    let rig = rig(S3);
    std::fs::write(rig.path("bad.toml"), "[[source]]\nurl = \"s4://b\"\nx = 1\n").unwrap();
    std::fs::write(rig.path("good.toml"), "[[source]]\nurl = \"s3://test-archive\"\n").unwrap();
    let place = rig.place(S3);
    let place: Vec<&str> = place.iter().map(String::as_str).collect();
    for loud in [&["--json-log"][..], &["--json-log", "-vv"], &["-q", "--json-log"]] {
        for (line, code, said) in [
            (&["restore", "s3://test-archive/", "--days", "2", "--report", "r.csv"][..], 0, ""),
            (&["scan", "s3://nosuch-bucket/"], 2, "NoSuchBucket"),
            (&["scan", "s3://test-archive/", "--report", "bad.toml/x.csv"], 8, "cannot write the report"),
            (&["run", "bad.toml"], 2, "bad.toml:2:7: "),
            (&["run", "good.toml", "none.toml"], 2, "cannot read the job file"),
        ] {
            let line = [line, &place, loud].concat();
            let mut command = bare(rig.folder(), &line);
            Keys::GOOD.put(&mut command);
            let ran = Ran::of(&command.output().unwrap()).expect(code);
            let told = json(&ran);
            let last = told.last().unwrap();
            if code == 0 {
                assert_eq!(last["event"], "finished", "{line:?}");
                continue;
            }
            assert_eq!((&last["event"], &last["exit"]), (&"failed".into(), &code.into()), "{line:?}");
            let text = format!("{} {}", last["error"], last["causes"]);
            assert!(text.contains(said), "{line:?}: {text}");
            assert!(last["hint"].is_string() || text.contains("; "), "{line:?}: {last}");
        }
        for (line, code) in [
            (&["check", "good.toml"][..], 0),
            (&["check", "good.toml", "bad.toml", "none.toml"], 2),
            (&["status", "none.toml"], 2),
            (&["sim", "none.toml"], 2),
            (&["plan", "good.toml"], 2),
            (&["thaw"], 2),
            (&["restore", "s3://b", "--dais", "2"], 2),
            (&["scan"], 2),
            (&[], 2),
        ] {
            let line = [line, loud].concat();
            let ran = Ran::of(&bare(rig.folder(), &line).output().unwrap()).expect(code);
            let told = json(&ran);
            if code != 0 {
                let last = told.last().unwrap();
                assert_eq!((&last["event"], &last["exit"]), (&"failed".into(), &code.into()), "{line:?}");
                assert!(!last["error"].as_str().unwrap().is_empty(), "{line:?}");
            }
        }
    }
}
