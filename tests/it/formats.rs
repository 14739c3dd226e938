//! Reports in forms other than plain CSV: made of the sealed rows whatever kills the making, and taken by
//! every verb that reads a report.

use defrost::pipeline::checkpoint::{CommitPoint, VARIABLE};

use crate::support::{OSS, Ran, Rig, Row, S3, Vendor};
use crate::trial::{config, json, restore, rows_of, scan, sha256, state, words};

const FORMS: [&str; 7] = ["csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst", "parquet"];

/// `line` with its report named `r.FORM`, and `more` behind it.
fn named(line: &[String], form: &str, more: &[&str]) -> Vec<String> {
    let name = |word: &String| if word == "r.csv" { format!("r.{form}") } else { word.clone() };
    line.iter().map(name).chain(more.iter().map(|word| (*word).to_owned())).collect()
}

/// Runs `line`, to be killed at the `pass`-th pass of `point`.
#[track_caller]
fn killed(rig: &Rig, vendor: Vendor, line: &[String], point: CommitPoint, pass: u32) -> Ran {
    let mut command = rig.line(vendor, &words(line));
    command.env(VARIABLE, format!("{} {pass} KILL", point.name()));
    Ran::of(&command.output().unwrap())
}

/// Nothing but the finished files stands there, and the summary tells their sums.
#[track_caller]
fn whole(rig: &Rig, form: &str, also: &[&str]) -> Vec<Row> {
    let (report, summary) = (rig.path(&format!("r.{form}")), json(&rig.path("r.summary.json")));
    assert_eq!(summary["report"], format!("r.{form}"));
    assert_eq!(summary["report_sha256"], sha256(&report));
    let found = rows_of(&report);
    for (index, form) in also.iter().enumerate() {
        let path = rig.path(&format!("r.{form}"));
        assert_eq!(summary["also"][index]["file"], format!("r.{form}"));
        assert_eq!(summary["also"][index]["sha256"], sha256(&path));
        assert_eq!(rows_of(&path), found, "{form}");
    }
    assert_eq!(summary["tally"]["matched"]["objects"], found.len());
    for entry in std::fs::read_dir(rig.folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let left_over = [".new", ".partial"].iter().any(|ending| name.ends_with(ending));
        assert!(!left_over, "{name} is left over");
    }
    found
}

#[test]
fn all_forms_at_once_hold_the_same_rows_in_the_order_of_the_listing() {
    let rig = Rig::new(config(S3));
    let line = named(
        &restore(S3, &[]),
        "parquet",
        &["--also", "csv,csv.gz,csv.zst", "--also", "jsonl,.JSONL.GZ,ndjson.zst"],
    );
    rig.run(S3, &words(&line)).expect(0);
    let found = whole(&rig, "parquet", &["csv", "csv.gz", "csv.zst", "jsonl", "jsonl.gz", "jsonl.zst"]);
    assert_eq!(found, rig.rows("r.csv"));
    assert!(found.len() > 50 && found.is_sorted_by_key(|row| row["key"].clone()));
    // The next run knows what the last one asked for, from whichever form.
    rig.run(S3, &words(&line)).expect(0);
    assert!(rows_of(&rig.path("r.parquet")).iter().all(|row| row["action"] != "requested"));
}

#[cfg(debug_assertions)]
#[test]
fn killed_at_every_moment_of_the_making_the_same_bytes_come_out() {
    let line = scan(OSS, &[]);
    // What has been written to disk when the mark says that the report is sealed is begun anew.
    let moments = [
        (CommitPoint::ReportSealed, 1),
        (CommitPoint::FormMarked, 1),
        (CommitPoint::ReportNamed, 1),
        (CommitPoint::RowsRemoved, 1),
        (CommitPoint::SummarySaved, 1),
        (CommitPoint::RunFinished, 1),
    ];
    for form in FORMS {
        let also: &[&str] = if form == "csv" { &["parquet", "jsonl.gz"] } else { &["csv"] };
        let line = named(&line, form, &["--also", &also.join(",")]);
        for (point, pass) in moments {
            let plain = form == "csv";
            if plain && point == CommitPoint::RowsRemoved {
                continue;
            }
            let rig = Rig::new(config(OSS));
            let ran = killed(&rig, OSS, &line, point, pass);
            assert_eq!(ran.code, -1, "{form} at {}: {}", point.name(), ran.stderr);
            let other = rig.path("r.other");
            let made = [format!("r.{form}.new"), format!("r.{form}")];
            let made = made.iter().map(|name| rig.path(name)).find(|path| path.exists());
            if let Some(made) = &made {
                std::fs::copy(made, &other).unwrap();
            }
            if point == CommitPoint::RunFinished {
                whole(&rig, form, also);
                continue;
            }
            // A second kill, in the middle of what is made anew; then in peace.
            killed(&rig, OSS, &line, CommitPoint::FileWritten, 2);
            let listed = rig.server.ledger().counts().total;
            rig.run(OSS, &words(&line)).expect(0);
            assert_eq!(rig.server.ledger().counts().total, listed, "nothing is listed again");
            whole(&rig, form, also);
            if made.is_some() {
                let again = std::fs::read(rig.path(&format!("r.{form}"))).unwrap();
                assert!(std::fs::read(&other).unwrap() == again, "{form} at {}: other bytes", point.name());
            }
        }
    }
}

/// Other forms are wished for after a kill in the making: nothing of the former ones is left, in name or half made.
#[cfg(debug_assertions)]
#[test]
fn forms_that_are_not_wished_for_any_more_are_not_left_behind() {
    let line = scan(OSS, &[]);
    let written = (1..20).map(|pass| (CommitPoint::FileWritten, pass));
    let points = [CommitPoint::FormMarked, CommitPoint::ReportNamed, CommitPoint::SummarySaved];
    let moments: Vec<_> = points.into_iter().map(|point| (point, 1)).chain(written).collect();
    for form in ["csv", "parquet"] {
        let (before, after) = (["jsonl", "csv.gz"], ["csv.zst", "jsonl.gz"]);
        let first = named(&line, form, &["--also", &before.join(",")]);
        let second = named(&line, form, &["--also", &after.join(",")]);
        let mut met = 0;
        for (point, pass) in &moments {
            let rig = Rig::new(config(OSS));
            // What somebody else made there stays.
            std::fs::write(rig.path("r.ndjson"), "mine").unwrap();
            if killed(&rig, OSS, &first, *point, *pass).code == 0 {
                continue;
            }
            let mark = std::fs::read_to_string(state(&rig).join("checkpoint.json")).unwrap_or_default();
            if mark.replace('\\', "").contains("\"finished\":\"complete\"") {
                // What comes after that is a run of its own.
                break;
            }
            met += 1;
            let named =
                rig.path(&format!("r.{form}")).exists() && !rig.path(&format!("r.{form}.partial")).exists();
            rig.run(OSS, &words(&second)).expect(0);
            // Once their rows are gone, the files are those that the run was to make then.
            let also = if named && form != "csv" { before } else { after };
            whole(&rig, form, &also);
            let mut found: Vec<String> = std::fs::read_dir(rig.folder())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.starts_with("r."))
                .collect();
            found.sort_unstable();
            let mut wanted = vec![format!("r.{form}"), "r.ndjson".to_owned(), "r.summary.json".to_owned()];
            wanted.extend(also.map(|form| format!("r.{form}")));
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{form}, {} {pass}", point.name());
        }
        assert!(met > points.len(), "{met}");
    }
}

#[cfg(debug_assertions)]
#[test]
fn rows_that_were_sealed_and_spoilt_are_refused() {
    let rig = Rig::new(config(OSS));
    let line = named(&scan(OSS, &[]), "parquet", &[]);
    killed(&rig, OSS, &line, CommitPoint::ReportSealed, 1);
    let partial = rig.path("r.parquet.partial");
    let mut text = std::fs::read(&partial).unwrap();
    let last = text.len() - 2;
    text[last] ^= 1;
    std::fs::write(&partial, &text).unwrap();
    rig.run(OSS, &words(&line)).expect(8).in_one_error().says(&["r.parquet.partial", "--fresh"]);
    // And a finished one that somebody changed before the run could say that it is finished.
    text[last] ^= 1;
    std::fs::write(&partial, &text).unwrap();
    killed(&rig, OSS, &line, CommitPoint::RowsRemoved, 1);
    assert!(!partial.exists());
    let mut made = std::fs::read(rig.path("r.parquet")).unwrap();
    made[9] ^= 1;
    std::fs::write(rig.path("r.parquet"), &made).unwrap();
    rig.run(OSS, &words(&line)).expect(8).in_one_error().says(&["r.parquet"]);
    made[9] ^= 1;
    std::fs::write(rig.path("r.parquet"), &made).unwrap();
    rig.run(OSS, &words(&line)).expect(0);
    whole(&rig, "parquet", &[]);
}

#[test]
fn lists_retries_waits_and_releases_take_any_form() {
    for form in ["parquet", "csv.zst", "jsonl.gz"] {
        let rig = Rig::new(config(OSS));
        let line = named(&restore(OSS, &[]), form, &[]);
        rig.run(OSS, &words(&line)).expect(0);
        let (report, url) = (format!("r.{form}"), OSS.url("p/"));
        let wanted = rows_of(&rig.path(&report));
        let list = ["scan", &url, "--from-csv", &report, "--report", "again.csv", "--state-dir", "other"];
        rig.run(OSS, &list).expect(0);
        let keys = |rows: &[Row]| rows.iter().map(|row| row["key"].clone()).collect::<Vec<_>>();
        assert_eq!(keys(&rig.rows("again.csv")), keys(&wanted));
        let ran = rig.run(OSS, &["release", &OSS.url(""), "--from-csv", &report]);
        assert!([0, 1].contains(&ran.code), "{}", ran.stderr);
        assert_eq!(rig.rows("r.released.csv").len(), wanted.len());
        // A damaged list is told before anything is asked for.
        let path = rig.path(&report);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        let before = rig.server.ledger().counts().total;
        rig.run(OSS, &list).expect(2).in_one_error().says(&[&report, "cut short"]);
        assert_eq!(rig.server.ledger().counts().total, before);
    }
}

#[test]
fn names_that_tell_no_form_are_refused_with_those_that_do() {
    let rig = Rig::new(config(OSS));
    let url = OSS.url("p/");
    for (flag, value, told) in [
        ("--report", "r.xlsx", "ends in `.xlsx`, which is no form of a report"),
        ("--report", "r.parquet.gz", "ends in `.gz`, which is no form of a report"),
        ("--also", "xlsx", "is no form of a report"),
        ("--also", "csv", "is the form of the report itself"),
        ("--also", "parquet,parquet", "stands there twice"),
    ] {
        let ran = rig.run(OSS, &["scan", &url, flag, value]).expect(2).in_one_error();
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
        if told.contains("no form") {
            ran.says(&["csv, csv.gz, csv.zst, jsonl, jsonl.gz, jsonl.zst, parquet"]);
        }
    }
    let both = ["scan", &url, "--report", "-", "--also", "parquet"];
    rig.run(OSS, &both).expect(2).says(&["the report goes to stdout"]);
    assert!(!state_exists(&rig));
}

fn state_exists(rig: &Rig) -> bool {
    rig.path("state").exists() && state(rig).exists()
}
