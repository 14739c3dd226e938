//! Ends that are asked for: how long they may take, what they tell, and that they come well at the
//! worst moments.

use std::process::Command;

use defrost::pipeline::checkpoint::VARIABLE;
use defrost::sim::{Call, Fault, FaultKind};

use crate::support::{COS, Going, Keys, OSS, Ran, Rig, S3, until};
use crate::trial::{Kind, Trial, config, json, partial, restore, versions, words};

/// Minutes beyond what a stop may take, and beyond what any test waits.
const NEVER_MS: u64 = 600_000;

/// Starts the trial's line with a wish for its commit points.
fn start_at(trial: &Trial, rig: &Rig, at: &str) -> Going {
    let mut command = rig.line(trial.vendor(), &words(&trial.line));
    command.env(VARIABLE, at);
    Going::spawn(command, &rig.path("stderr"))
}

/// Waiting for the end gives up after half a minute: an attempt alone may take a whole one.
#[test]
fn a_store_that_never_answers_does_not_keep_a_stopped_run() {
    std::thread::scope(|scope| {
        for (vendor, call, skip) in [(OSS, Call::Restore, 12), (COS, Call::Head, 40), (S3, Call::List, 1)] {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
                let rig = trial.rig();
                let slow = Fault::new(FaultKind::Slow).on(call);
                rig.server.add_fault(Fault { skip, delay_ms: Some(NEVER_MS), ..slow });
                let going = trial.start(&rig);
                until("requests hang", || {
                    let counts = rig.server.ledger().counts();
                    let asked = [counts.restore, counts.head, counts.list];
                    asked[[Call::Restore, Call::Head, Call::List].iter().position(|c| *c == call).unwrap()]
                        > skip
                });
                going.signal("TERM");
                going.wait().expect(143).says(&["waiting up to 8s", "checkpoint saved: run the line below"]);
                assert!(partial(&rig).exists());
                trial.finish(&rig, Kind::Lossy);
            });
        }
    });
}

/// The line is pasted as it stands, and goes on where the run was: `--fresh` is left out.
#[test]
fn the_line_to_go_on_with_is_told_word_for_word() {
    let line = restore(S3, &["--exclude", "it's *", "--fresh"]);
    let trial = Trial::new(S3, config(S3), line);
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 9, delay_ms: Some(300), ..slow });
    let going = trial.start(&rig);
    until("some were asked for", || rig.server.ledger().counts().restore > 9);
    going.signal("INT");
    let said = going.wait().expect(130).stderr;
    let told = said.lines().last().unwrap();
    assert!(told.contains(r"'it'\''s *'") && !told.contains("--fresh"), "{told}");
    rig.server.clear_faults();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", told]).env_clear().env("HOME", rig.folder()).current_dir(rig.folder());
    Keys::GOOD.put(&mut shell);
    Ran::of(&shell.output().unwrap()).expect(0).says(&["resuming"]);
    trial.whole(&rig, Kind::Exact);
}

const CLOSING: [&str; 5] =
    ["report-sealed", "report-named", "summary-saved", "run-finished", "aside-removed"];

#[test]
fn a_signal_while_the_files_are_closed_ends_well() {
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    for point in CLOSING {
        let rig = trial.rig();
        start_at(&trial, &rig, &format!("{point} 1 TERM")).wait().expect(0);
        trial.rows(&rig, Kind::Exact);
        assert!(!partial(&rig).exists());
        assert_eq!(json(&rig.path("r.summary.json"))["exit_reason"], "complete");
    }
}

/// The second signal may come too late to be heard: the run has ended well then.
#[test]
fn a_second_signal_while_the_files_are_closed_ends_at_once_and_loses_nothing() {
    let trial = Trial::new(OSS, versions(OSS), restore(OSS, &["--versions"]));
    for pair in CLOSING.windows(2) {
        let rig = trial.rig();
        let at = format!("{} 1 TERM,{} 1 TERM,file-renamed 9 TERM", pair[0], pair[1]);
        let ran = start_at(&trial, &rig, &at).wait();
        let posts = rig.server.ledger().counts().restore;
        if ran.code == 143 {
            let ran = ran.says(&["ended at once", "run the line below to go on"]);
            assert!(ran.stderr.contains("restore oss://"), "{}", ran.stderr);
        } else {
            ran.expect(0);
        }
        if partial(&rig).exists() || !rig.path("r.summary.json").exists() {
            rig.run(OSS, &words(&trial.line)).expect(0);
        }
        trial.rows(&rig, Kind::Exact);
        assert_eq!(rig.server.ledger().counts().restore, posts, "nothing was asked for again");
    }
}

/// The journal's thread wakes by itself: the answers of a page that hangs are synced all the same.
#[test]
fn answers_are_on_disk_soon_even_if_no_further_one_comes() {
    let trial = Trial::new(S3, config(S3), restore(S3, &["--list-concurrency", "1"]));
    let rig = trial.rig();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 3, delay_ms: Some(NEVER_MS), ..slow });
    // Two pages are asked for at once, and what is asked for is synced before; then nothing comes any
    // more. The third syncing can only be the one that is due.
    let going = start_at(&trial, &rig, "journal-synced 3 KILL");
    assert_eq!(going.wait().code, -1);
    rig.server.clear_faults();
    trial.finish(&rig, Kind::Exact);
}
