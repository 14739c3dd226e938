//! What the built program does at its limits: kills within a budget, exit code 3, the question before a
//! large run, and the end of working hours.

use std::path::Path;

use defrost::pipeline::checkpoint::VARIABLE;
use defrost::sim::{Call, Config, Fault, FaultKind, Generate};

use crate::scene::{denied, restore_as, scene_of};
use crate::support::{Keys, OSS, Ran, Rig, S3, VENDORS, Vendor, bare, until};
use crate::trial::{json, partial, words};

/// 96 archived objects of one MiB.
fn config(vendor: Vendor) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count: 96,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        ..Generate::default()
    });
    bucket.quirks.latency.restore = 5;
    Config::default().with_bucket(bucket)
}

fn line(vendor: Vendor, more: &[&str]) -> Vec<String> {
    let url = vendor.url("p/");
    let line = ["restore", &url, "--days", "3", "--page-size", "12"];
    let files = ["--rate-limit", "100000", "--report", "r.csv", "--state-dir", "state"];
    line.iter().chain(&files).chain(more).map(|word| (*word).to_owned()).collect()
}

fn taken(rig: &Rig) -> usize {
    rig.server.ledger().restores().iter().filter(|post| post.status == 202).count()
}

/// What the account says was spent, over all days.
fn spent(rig: &Rig) -> u64 {
    let folder = std::fs::read_dir(rig.path("state")).unwrap().next().unwrap().unwrap().path();
    let path = folder.join("budget.json");
    if !Path::exists(&path) {
        return 0;
    }
    let days = json(&path)["account"]["days"].as_object().unwrap().clone();
    days.values().map(|day| day["objects"].as_u64().unwrap()).sum()
}

/// Whether the run has ended: the next line would begin another one.
fn is_finished(rig: &Rig) -> bool {
    let folder = std::fs::read_dir(rig.path("state")).unwrap().next().unwrap().unwrap().path();
    let path = folder.join("checkpoint.json");
    path.exists() && json(&path)["finished"] == true
}

/// In a currency that the price table does not have nothing could ever be asked for.
#[test]
fn a_bound_in_another_currency_is_told_before_anything_is_sent() {
    for (vendor, flag) in [(OSS, "--run-cost"), (S3, "--daily-cost")] {
        let rig = Rig::new(config(vendor));
        let ran = rig.run(vendor, &words(&line(vendor, &[flag, "5 JPY"]))).expect(2).in_one_error();
        ran.says(&["5.00 JPY", "the price table has prices in", "--prices"]);
        assert_eq!(rig.server.ledger().counts().total, 0);
    }
}

/// Wherever a kill strikes, and however often: no more is paid for than the budget allows, and the
/// account on disk never says less than what the store took.
#[test]
fn kills_do_not_stretch_a_budget() {
    const BUDGET: usize = 40;
    let points =
        ["budget-saved", "asking-synced", "answer-written", "journal-synced", "file-written", "mark-saved"];
    std::thread::scope(|scope| {
        for (vendor, kind) in [(OSS, "--run-objects"), (S3, "--daily-objects")] {
            scope.spawn(move || {
                for (first, point) in points.iter().enumerate() {
                    let rig = Rig::new(config(vendor));
                    let line = line(vendor, &[kind, &BUDGET.to_string()]);
                    let mut kills = 0;
                    for pass in [1, 2, 3, 7] {
                        let mut command = rig.line(vendor, &words(&line));
                        let other = points[(first + pass) % points.len()];
                        command.env(VARIABLE, format!("{point} {pass} KILL,{other} {} KILL", 3 * pass));
                        let killed = Ran::of(&command.output().unwrap()).code == -1;
                        assert!(spent(&rig) >= taken(&rig) as u64, "{point} {pass}");
                        if !killed {
                            break;
                        }
                        kills += 1;
                        if is_finished(&rig) {
                            break;
                        }
                    }
                    if !is_finished(&rig) {
                        rig.run(vendor, &words(&line)).expect(0);
                    }
                    let taken = taken(&rig);
                    assert!(taken <= BUDGET, "{point}: {taken} of {BUDGET}");
                    // Every row is there, and says what became of its object.
                    let rows = rig.rows("r.csv");
                    let count = |action| rows.iter().filter(|row| row["action"] == action).count();
                    assert_eq!(rows.len(), 96);
                    assert_eq!(count("requested") + count("already"), taken, "{point}");
                    assert_eq!(count("deferred"), 96 - taken);
                    // Too much is counted by what was under way at a kill, two pages at most.
                    assert!(taken + 24 * kills >= BUDGET, "{point}: {taken} of {BUDGET}");
                }
            });
        }
    });
}

/// What a killed session asked for is paid for, even where the store shows it to nobody: that a second
/// request finds it running gives nothing back.
#[test]
fn what_a_killed_session_asked_for_stays_paid_for() {
    let mut hidden = config(OSS);
    hidden.buckets[0].quirks.hide_restore = true;
    let rig = Rig::new(hidden);
    let unseen = Fault::new(FaultKind::Error).on(Call::Head);
    rig.server.add_fault(Fault { status: Some(403), code: Some("AccessDenied".to_owned()), ..unseen });
    let line = line(OSS, &["--daily-objects", "12"]);
    let mut command = rig.line(OSS, &words(&line));
    // The others of the page are on their way then, or done.
    command.env(VARIABLE, "answer-written 2 KILL");
    assert_eq!(Ran::of(&command.output().unwrap()).code, -1);
    rig.run(OSS, &words(&line)).expect(0);
    assert!(taken(&rig) <= 12);
    assert!(spent(&rig) >= taken(&rig) as u64, "{} of {}", spent(&rig), taken(&rig));
}

/// A stop in good order gives back what it did not ask for.
#[test]
fn a_stop_gives_back_what_was_set_aside() {
    let mut slow = config(OSS);
    slow.buckets[0].quirks.latency.restore = 700;
    let rig = Rig::new(slow);
    let line = line(OSS, &["--run-objects", "40"]);
    let going = rig.start(OSS, &words(&line));
    until("some are asked for", || rig.server.ledger().counts().restore >= 1);
    going.signal("TERM");
    going.wait().expect(143);
    assert!(taken(&rig) < 40);
    assert_eq!(spent(&rig), taken(&rig) as u64);
    rig.run(OSS, &words(&line)).expect(0);
    assert_eq!(taken(&rig), 40);
}

/// A report to a stream leaves nothing to go on with, but what it spent of a day is not forgotten.
#[test]
fn a_kill_of_a_run_to_a_stream_does_not_stretch_a_day() {
    let mut slow = config(OSS);
    slow.buckets[0].quirks.latency.restore = 700;
    let rig = Rig::new(slow);
    let mut line = line(OSS, &["--daily-objects", "12"]);
    let report = line.iter().position(|word| word == "r.csv").unwrap();
    "-".clone_into(&mut line[report]);
    let going = rig.start(OSS, &words(&line));
    until("some are asked for", || rig.server.ledger().counts().restore >= 1);
    going.signal("KILL");
    assert_eq!(going.wait().code, -1);
    assert_eq!(spent(&rig), 12);
    rig.run(OSS, &words(&line)).expect(0);
    assert!(taken(&rig) <= 12, "{} of 12", taken(&rig));
}

#[test]
fn a_run_that_is_denied_ends_with_code_3_and_goes_on_when_it_may() {
    for vendor in VENDORS {
        let rig = scene_of(vendor, |bucket| bucket.generate.as_mut().unwrap().count = 300);
        rig.server.add_fault(denied());
        let ran = restore_as(&rig, vendor, Keys::GOOD, &["--state-dir", "state"]).expect(3).in_one_error();
        let ran = ran.says(&[
            "100 refusals in a row",
            "AccessDenied",
            "`p/",
            "request id",
            "grant these credentials",
        ]);
        assert!(ran.stderr.contains("run the same line again"), "{}", ran.stderr);
        // What was done until then, as at any other end, and then why no more was.
        let (table, error) = ran.stderr.split_once("error: ").unwrap();
        for piece in
            [": stopped before the end, by a safety limit\n", "\nfailed ", "\nto go on ", "defrost restore "]
        {
            assert!(table.contains(piece), "no `{piece}`:\n{table}");
        }
        assert!(error.contains("the run stopped itself"), "{error}");
        let posts = rig.server.ledger().counts().restore;
        assert!((100..150).contains(&posts), "{posts} of 300");
        assert!(partial(&rig).exists());
        rig.server.clear_faults();
        let again = restore_as(&rig, vendor, Keys::GOOD, &["--state-dir", "state"]).expect(1);
        again.says(&["resuming"]);
        let rows = rig.rows("r.csv");
        let failed = rows.iter().filter(|row| row["action"] == "failed").count();
        assert!(rows.len() == 300 && failed as u64 <= posts, "{failed}");
        assert_eq!(taken(&rig), 300 - failed);
    }
}

#[test]
fn too_many_failures_end_with_code_3() {
    let rig = scene_of(S3, |bucket| bucket.generate.as_mut().unwrap().count = 300);
    let more = ["--max-failures", "7", "--max-same-refusals", "0"];
    rig.server.add_fault(denied());
    let ran = restore_as(&rig, S3, Keys::GOOD, &more).expect(3).in_one_error();
    ran.says(&["8 of 9 objects failed, more than max_failures = 7 allows"]);
}

#[test]
fn a_large_run_is_refused_without_a_terminal_unless_it_is_told_yes() {
    for vendor in VENDORS {
        let rig = Rig::new(config(vendor));
        let asks = |more: &[&str]| {
            rig.run(vendor, &words(&line(vendor, &[&["--confirm-over", "95MiB"], more].concat())))
        };
        let refused = asks(&[]).expect(3).in_one_error();
        refused.says(&[
            "would ask for 96.0 MiB of 96 objects",
            "confirm_over = 95.0 MiB",
            "no terminal",
            "--yes",
        ]);
        assert_eq!(rig.server.ledger().counts().restore, 0);
        assert!(!rig.path("r.csv.partial").exists() && !rig.path("state").exists(), "no trace");
        // A budget below the bound is an answer of its own, and saves the counting.
        let lists = rig.server.ledger().counts().list;
        asks(&["--run-bytes", "10MiB"]).expect(0);
        assert!(rig.server.ledger().counts().list < 2 * lists && taken(&rig) == 10);
        asks(&["--fresh", "--confirm-over", "86MiB"]).expect(2);
        asks(&["--yes"]).expect(0);
        assert_eq!(taken(&rig), 96);
        // All is being restored: there is nothing to ask about.
        asks(&[]).expect(0);
    }
}

/// Counting takes a HEAD for what a listing does not tell. That nobody may send one is no signal.
#[test]
fn a_count_that_is_denied_ends_as_the_run_would() {
    let rig = scene_of(S3, |bucket| {
        let generate = bucket.generate.as_mut().unwrap();
        (generate.count, generate.classes) = (300, [("INTELLIGENT_TIERING".to_owned(), 1)].into());
    });
    rig.server.add_fault(denied().on(Call::Head));
    let line = line(S3, &["--confirm-over", "1MiB", "--storage-class", "any"]);
    rig.run(S3, &words(&line)).expect(3).in_one_error().says(&["100 refusals in a row"]);
    assert_eq!(rig.server.ledger().counts().restore, 0);
}

#[test]
fn a_run_that_was_agreed_to_is_not_asked_about_again() {
    let rig = Rig::new(config(OSS));
    let line = line(OSS, &["--confirm-over", "1MiB"]);
    let mut command = rig.line(OSS, &words(&line));
    command.arg("--yes").env(VARIABLE, "answer-written 5 KILL");
    assert_eq!(Ran::of(&command.output().unwrap()).code, -1);
    rig.run(OSS, &words(&line)).expect(0).says(&["resuming"]);
    assert_eq!(taken(&rig), 96);
}

/// Unfinished work must not look like success to whatever runs next in a script.
#[test]
fn the_end_of_working_hours_is_an_interruption() {
    let mut slow = config(S3);
    slow.buckets[0].quirks.latency.restore = 800;
    let rig = Rig::new(slow);
    let line = line(S3, &["--stop-after", "1s"]);
    let ran = rig.run(S3, &words(&line)).expect(130);
    let ran = ran.says(&["stopped before the end, after 1.0s (stop_after)", "to go on", "checkpoint saved"]);
    assert!(ran.stderr.trim_end().lines().last().unwrap().contains("restore s3://"), "{}", ran.stderr);
    assert!((1..96).contains(&taken(&rig)));
    assert!(partial(&rig).exists());
}

/// Status tells what was spent, without a request.
#[test]
fn status_and_the_closing_table_tell_what_was_spent() {
    let rig = Rig::new(config(OSS));
    let ran = rig.run(OSS, &words(&line(OSS, &["--daily-objects", "7"]))).expect(0);
    ran.says(&["spent     run 7 objects, 7.0 MiB", "deferred", "reasons: budget 89"]);
    let total = rig.server.ledger().counts().total;
    let told =
        Ran::of(&bare(rig.folder(), &["status", &OSS.url("p/"), "--state-dir", "state"]).output().unwrap());
    assert!(told.stdout.contains("spent     run 7 objects, 7.0 MiB"), "{}", told.stdout);
    assert_eq!(rig.server.ledger().counts().total, total);
}
