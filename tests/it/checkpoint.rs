//! State that a crash, a disk or a hand left behind: gone on with where that is safe, refused with
//! the way out where it is not.

use std::path::PathBuf;

use defrost::sim::{Call, Fault, FaultKind};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{COS, OSS, Ran, Rig, S3, VENDORS, hex, until};
use crate::trial::{Kind, Trial, config, json, partial, restore, state, words};

fn mark_path(rig: &Rig) -> PathBuf {
    state(rig).join("checkpoint.json")
}

/// Changes the mark as this version would have written it.
fn edit_mark(rig: &Rig, change: impl FnOnce(&mut Value)) {
    let path = mark_path(rig);
    let mut envelope = json(&path);
    change(&mut envelope["mark"]);
    let mark = serde_json::to_string(&envelope["mark"]).unwrap();
    let (format, sum) = (&envelope["format"], hex(&Sha256::digest(mark.as_bytes())));
    let finished = !envelope["mark"]["finished"].is_null();
    let text =
        format!("{{\"format\":{format},\"finished\":{finished},\"sha256\":\"{sum}\",\"mark\":{mark}}}");
    std::fs::write(path, text).unwrap();
}

/// A rig with a run that was stopped after some thirty POSTs.
fn stopped(trial: &Trial) -> Rig {
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 30, delay_ms: Some(500), ..slow });
    let going = trial.start(&rig);
    until("some were asked for", || rig.server.ledger().counts().restore > 30);
    going.signal("INT");
    going.wait().expect(130);
    rig.server.clear_faults();
    rig
}

fn trial() -> Trial {
    Trial::new(S3, config(S3), restore(S3, &[]))
}

#[test]
fn a_crash_between_naming_the_report_and_marking_it_finished() {
    for vendor in VENDORS {
        let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
        let rig = trial.rig();
        rig.run(vendor, &words(&restore(vendor, &[]))).expect(0);
        let (posts, report) =
            (rig.server.ledger().counts().restore, std::fs::read(rig.path("r.csv")).unwrap());
        for summary_too in [false, true] {
            edit_mark(&rig, |mark| mark["finished"] = Value::Null);
            if !summary_too {
                std::fs::remove_file(rig.path("r.summary.json")).unwrap();
            }
            trial.finish(&rig, Kind::Exact);
            assert_eq!(rig.server.ledger().counts().restore, posts, "nothing is asked for again");
            assert_eq!(std::fs::read(rig.path("r.csv")).unwrap(), report);
            edit_mark(&rig, |mark| assert_eq!(mark["finished"], "complete"));
        }
    }
}

#[test]
fn a_finished_run_is_not_gone_on_with() {
    let rig = Rig::new(config(OSS));
    let line = restore(OSS, &[]);
    rig.run(OSS, &words(&line)).expect(0);
    let first = json(&rig.path("r.summary.json"));
    rig.run(OSS, &words(&line)).expect(0);
    let second = json(&rig.path("r.summary.json"));
    assert_ne!(first["run_id"], second["run_id"]);
    assert_eq!(second["sessions"], 1);
    assert_eq!(second["tally"]["listed"], first["tally"]["listed"], "it listed from the beginning");
    assert!(rig.rows("r.csv").iter().all(|row| row["action"] != "requested"), "all of them run already");
}

#[test]
fn rows_behind_the_mark_are_written_again() {
    let trial = trial();
    let rig = stopped(&trial);
    let mut report = std::fs::read(partial(&rig)).unwrap();
    report.extend_from_slice(b"test-archive,p/half a row that a crash le");
    std::fs::write(partial(&rig), report).unwrap();
    trial.finish(&rig, Kind::Exact);
}

#[test]
fn a_report_that_was_cut_or_removed_is_told() {
    let trial = trial();
    let line = restore(S3, &[]);
    let rig = stopped(&trial);
    let whole = std::fs::read(partial(&rig)).unwrap();
    std::fs::write(partial(&rig), &whole[..whole.len() - 1]).unwrap();
    let cut = format!("holds only {} bytes", whole.len() - 1);
    rig.run(S3, &words(&line)).expect(8).says(&["r.csv.partial", &cut, "--fresh"]);
    std::fs::remove_file(partial(&rig)).unwrap();
    rig.run(S3, &words(&line)).expect(8).says(&["r.csv.partial", "is gone", "put the file back", "--fresh"]);
    // Put back as told, it is as good as ever.
    std::fs::write(partial(&rig), &whole).unwrap();
    trial.finish(&rig, Kind::Exact);
}

#[test]
fn a_damaged_checkpoint_is_told_and_fresh_starts_over() {
    let trial = trial();
    let line = restore(S3, &[]);
    let rig = stopped(&trial);
    let path = mark_path(&rig);
    let whole = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let text = String::from_utf8(whole.clone()).unwrap();
    assert!(text.contains("\"format\":7"));
    let of_format =
        |number: &str| text.replacen("\"format\":7", &format!("\"format\":{number}"), 1).into_bytes();
    let damage = [
        (flipped(whole.len() / 2), "is damaged"),
        (flipped(whole.len() - 9), "is damaged"),
        (whole[..whole.len() / 2].to_vec(), "is damaged"),
        (Vec::new(), "is damaged"),
        (vec![0; whole.len()], "is damaged"),
        (b"\xff\xfe".to_vec(), "is damaged"),
        (of_format("99"), "has format 99; this version reads formats 6 and 7"),
        (of_format("99"), "a newer defrost wrote it: finish that run with it"),
        (of_format("2"), "an older defrost wrote it: finish that run with it"),
    ];
    for (bytes, said) in damage {
        std::fs::write(&path, bytes).unwrap();
        rig.run(S3, &words(&line)).expect(8).says(&["checkpoint.json", said, "--fresh"]);
    }
    let before = json_of(&whole)["mark"]["run_id"].clone();
    rig.run(S3, &words(&restore(S3, &["--fresh"]))).expect(0);
    let summary = json(&rig.path("r.summary.json"));
    assert_ne!(summary["run_id"], before);
    assert_eq!(summary["sessions"], 1);
    assert_eq!(rig.rows("r.csv").len(), 90);
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn fresh_forgets_an_unfinished_run() {
    let trial = Trial::new(COS, config(COS), restore(COS, &[]));
    let rig = stopped(&trial);
    rig.run(COS, &words(&restore(COS, &["--fresh"]))).expect(0);
    assert_eq!(json(&rig.path("r.summary.json"))["sessions"], 1);
    assert_eq!(rig.rows("r.csv").len(), 90);
    assert!(!partial(&rig).exists());
}

#[test]
fn a_journal_whose_last_line_is_torn_loses_that_line_only() {
    let trial = trial();
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 10, delay_ms: Some(120_000), ..slow });
    let going = trial.start(&rig);
    let journal = || std::fs::read(state(&rig).join("journal.jsonl")).unwrap_or_default();
    let answers = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches("\"answered\"").count();
    until("ten answers are journaled", || {
        // Before them stand the run's id and what was about to be asked for, page by page.
        rig.server.ledger().restores().len() == 10 && answers(&journal()) == 10
    });
    going.kill();
    let whole = journal();
    std::fs::write(state(&rig).join("journal.jsonl"), &whole[..whole.len() - 30]).unwrap();
    trial.finish(&rig, Kind::Lossy);
    let posts = rig.server.ledger().restores();
    let twice = posts.iter().filter(|post| posts.iter().filter(|other| other.key == post.key).count() > 1);
    assert_eq!(twice.count(), 0, "the listing shows the one that was forgotten as running");
    let already = rig.rows("r.csv").iter().filter(|row| row["action"] == "already").count();
    let seeded = trial.count("already");
    assert_eq!(already, seeded + 1);
}

#[test]
fn a_journal_that_is_not_ours_is_told() {
    let trial = trial();
    let rig = stopped(&trial);
    std::fs::write(state(&rig).join("journal.jsonl"), "what is this?\n").unwrap();
    rig.run(S3, &words(&restore(S3, &[]))).expect(8).says(&["journal.jsonl", "line 1", "--fresh"]);
}

#[test]
fn another_job_is_refused_with_every_difference() {
    let trial = trial();
    let rig = stopped(&trial);
    let changed = |from: &str, to: &str| -> Vec<String> {
        restore(S3, &[]).into_iter().map(|word| if word == from { to.to_owned() } else { word }).collect()
    };
    let cases: [(Vec<String>, &[&str]); 6] = [
        (changed("3", "4"), &["days was `3`, now `4`"]),
        (changed("any", "GLACIER"), &["storage_class was `any`, now `glacier`"]),
        (restore(S3, &["--tier", "Bulk"]), &["tier was `Standard`, now `Bulk`"]),
        (restore(S3, &["--older-than", "1d"]), &["older_than was not set, now `86400s`"]),
        (changed("r.csv", "s.csv"), &["report was `r.csv`, now `s.csv`"]),
        (
            restore(S3, &["--versions", "--exclude", "x y", "--max-objects", "7"]),
            &[
                "versions was `current`, now `all`",
                "include/exclude was not set, now `-\"x y\"`",
                "max_objects was `0`, now `7`",
            ],
        ),
    ];
    for (line, pieces) in cases {
        let posts = rig.server.ledger().counts().total;
        rig.run(S3, &words(&line)).expect(2).says(pieces).says(&["--fresh", "--state-dir"]);
        assert_eq!(rig.server.ledger().counts().total, posts, "nothing was sent");
    }
    // A URL names its own state, so another one is another job from the start.
    rig.run(S3, &["scan", &S3.url("p/"), "--report", "-", "--state-dir", "state"]).expect(0);
    // Limits are not part of the job.
    let mut line = restore(S3, &["--max-attempts", "3", "--list-rate-limit", "50", "--head-rate-limit", "9"]);
    for word in &mut line {
        match word.as_str() {
            "4" => "16".clone_into(word),
            "100000" => "900".clone_into(word),
            "25" => "1000".clone_into(word),
            _ => {}
        }
    }
    rig.run(S3, &words(&line)).expect(0);
    assert_eq!(json(&rig.path("r.summary.json"))["sessions"], 2);
    assert_eq!(rig.rows("r.csv").len(), 90);
}

#[test]
fn older_than_counts_from_the_first_session() {
    // Page after page, so that the sessions part the keys at one place.
    let line = restore(S3, &["--older-than", "300d", "--rows", "all", "--list-concurrency", "1"]);
    let trial = Trial::new(S3, config(S3), line.clone());
    let rig = stopped(&trial);
    // As if the first session had been a hundred days ago: from there on only older objects pass.
    edit_mark(&rig, |mark| {
        let at: jiff::Timestamp = mark["started_at"].as_str().unwrap().parse().unwrap();
        let hours = jiff::SignedDuration::from_hours(-24 * 100);
        mark["started_at"] = Value::String(at.checked_add(hours).unwrap().to_string());
    });
    let before = std::fs::read_to_string(partial(&rig)).unwrap();
    let last = json(&mark_path(&rig))["mark"]["ranges"][0]["after"]["shown"].as_str().unwrap().to_owned();
    rig.run(S3, &words(&line)).expect(0);
    let after = std::fs::read_to_string(rig.path("r.csv")).unwrap();
    assert!(after.starts_with(&before), "the first session's rows stand");
    let now = rig.server.started();
    let limit = now.checked_add(jiff::SignedDuration::from_hours(-24 * 400)).unwrap();
    let (mut young, mut old) = (0, 0);
    for row in rig.rows("r.csv") {
        let modified: jiff::Timestamp = row["last_modified"].parse().unwrap();
        if row["key"] <= last {
            young += u32::from(modified > limit);
        } else {
            assert!(modified <= limit, "{row:?}");
            old += 1;
        }
    }
    assert!(young > 0 && old > 0, "both sessions selected something: {young}, {old}");
}

#[test]
fn a_second_run_is_kept_out_while_the_first_goes_on() {
    let line = restore(S3, &["--list-concurrency", "1"]);
    let trial = Trial::new(S3, config(S3), line.clone());
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 3, delay_ms: Some(120_000), ..slow });
    let going = trial.start(&rig);
    // Four POSTs hang, and the listing is as far ahead as it may be.
    until("it is under way", || {
        let counts = rig.server.ledger().counts();
        (counts.restore, counts.list) == (7, 3)
    });
    let asked = rig.server.ledger().counts().total;
    let pid = format!("process {}", going.id());
    rig.run(S3, &words(&line)).expect(7).says(&["another run of this job is under way", &pid]);
    rig.run(S3, &words(&restore(S3, &["--fresh"]))).expect(7).says(&[&pid]);
    assert_eq!(rig.server.ledger().counts().total, asked, "nothing was sent");
    // Another job of the same bucket is free to run.
    rig.run(S3, &["scan", &S3.url("p/"), "--report", "-", "--state-dir", "state"]).expect(0);
    going.kill();
    let mark: Value = json(&first_state(&rig).join("checkpoint.json"));
    assert_eq!(mark["mark"]["finished"], Value::Null);
    rig.server.clear_faults();
    // The lock of the dead is free.
    rig.run(S3, &words(&line)).expect(0);
    assert_eq!(json(&rig.path("r.summary.json"))["sessions"], 2);
    assert_eq!(rig.rows("r.csv").len(), 90);
}

/// What becomes of a file's content; `None` if it goes.
type Edit<'e> = &'e dyn Fn(&[u8]) -> Option<Vec<u8>>;

/// Nothing is guessed, nothing is changed: put back as it was, each file is as good as ever.
#[test]
fn edited_files_are_refused_by_name_and_left_alone() {
    let trial = trial();
    let rig = stopped(&trial);
    let journal = state(&rig).join("journal.jsonl");
    let middle = |whole: &[u8]| {
        let mut bytes = whole.to_vec();
        bytes[whole.len() / 2] ^= 1;
        Some(bytes)
    };
    let stranger = |whole: &[u8]| {
        let (text, id) = (String::from_utf8(whole.to_vec()).unwrap(), "20200101T000000Z-0000");
        let said = format!("{{\"begun\":{{\"run_id\":\"{id}\"}}}}");
        let sum = &hex(&Sha256::digest(said.as_bytes()))[..16];
        let rest = text.split_once('\n').unwrap().1;
        Some(format!("{{\"sum\":\"{sum}\",\"said\":{said}}}\n{rest}").into_bytes())
    };
    let edits: [(PathBuf, Edit<'_>, &str); 6] = [
        (partial(&rig), &middle, "are not those that the checkpoint counts"),
        (partial(&rig), &|_| Some(b"a report of somebody else".to_vec()), "the checkpoint counts"),
        (journal.clone(), &middle, "is damaged: line "),
        (journal.clone(), &|_| Some(Vec::new()), "its beginning is gone"),
        (journal.clone(), &|_| None, "it is gone"),
        (journal, &stranger, "it belongs to the run 20200101T000000Z-0000"),
    ];
    for (path, edit, said) in edits {
        let whole = std::fs::read(&path).unwrap();
        let paid = rig.server.ledger().counts().restore;
        match edit(&whole) {
            Some(bytes) => std::fs::write(&path, bytes).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        let name = path.file_name().unwrap().to_string_lossy();
        rig.run(S3, &words(&restore(S3, &[]))).expect(8).says(&[&name, said, "--fresh"]);
        assert_eq!(rig.server.ledger().counts().restore, paid, "nothing was paid for");
        std::fs::write(&path, whole).unwrap();
    }
    trial.finish(&rig, Kind::Exact);
}

#[test]
fn two_jobs_never_write_one_report() {
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 3, first: Some(9), delay_ms: Some(1_500), ..slow });
    let going = trial.start(&rig);
    until("it is under way", || rig.server.ledger().counts().restore > 3);
    let other = ["scan", &S3.url("p/obj"), "--report", "r.csv", "--state-dir", "state"];
    rig.run(S3, &other).expect(7).says(&["another run is writing the report", "r.csv.partial", "--report"]);
    going.wait().expect(0);
    assert_eq!(trial.rows(&rig, Kind::Exact), 90);
}

/// What was asked for and has been deleted since has no row, but is not passed over in silence.
#[test]
fn an_answer_for_an_object_that_is_gone_is_told() {
    let line = restore(S3, &["--list-concurrency", "1"]);
    let trial = Trial::new(S3, config(S3), line.clone());
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 30, delay_ms: Some(120_000), ..slow });
    let going = trial.start(&rig);
    until("thirty were answered", || rig.server.ledger().counts().by_status.get(&202) == Some(&30));
    until("the last answers are journaled", || {
        let journal = std::fs::read_to_string(state(&rig).join("journal.jsonl")).unwrap();
        journal.matches("\"answered\"").count() == 30
    });
    going.kill();
    // The same store, but for all objects behind the thirtieth.
    let mut fewer = config(S3);
    fewer.buckets[0].generate.as_mut().unwrap().count = 30;
    let later = Rig::new(fewer);
    edit_mark(&rig, |mark| {
        for field in mark["identity"].as_array_mut().unwrap() {
            if field[0] == "endpoint_url" {
                field[1] = Value::String(later.server.url());
            }
        }
    });
    let mut command = later.line(S3, &words(&line));
    Ran::of(&command.current_dir(rig.folder()).output().unwrap())
        .expect(0)
        .says(&["objects that an earlier session had an answer for are not listed any more"]);
}

/// The folder of the restore, where there is one of another job, too.
fn first_state(rig: &Rig) -> PathBuf {
    let mut all = std::fs::read_dir(rig.path("state")).unwrap().map(|entry| entry.unwrap().path());
    all.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("restore")).unwrap()
}
