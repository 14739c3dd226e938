//! Runs that are stopped, aborted or killed, and then started again by the same line: the report
//! must be the one that an unbroken run writes.

use std::collections::BTreeSet;

use defrost::sim::{Call, Fault, FaultKind};
use serde_json::Value;

use crate::support::{COS, Going, OSS, Ran, Rig, S3, VENDORS, bare, hex, rows, until};
use crate::trial::{Kind, Trial, config, json, partial, restore, scan, state, told, versions, words};

/// Long enough that a run cannot end before the signal comes, short enough to be drained.
const SLOW_MS: u64 = 700;
/// Longer than any test waits: who gets an answer after this has not been aborted.
const ENDLESS_MS: u64 = 120_000;

/// Makes all restores slow but the first `k`.
fn stall(rig: &Rig, k: u64, delay_ms: u64) {
    let slow = Fault { skip: k, delay_ms: Some(delay_ms), ..Fault::new(FaultKind::Slow).on(Call::Restore) };
    rig.server.add_fault(slow);
}

fn posts(rig: &Rig) -> u64 {
    rig.server.ledger().counts().restore
}

/// Key and version of every POST that was accepted, both in hexadecimal.
fn answered(rig: &Rig) -> Vec<(String, String)> {
    let posts = rig.server.ledger().restores();
    posts
        .iter()
        .filter(|post| post.status < 300)
        .map(|post| (hex(&post.key), hex(post.version_id.as_bytes())))
        .collect()
}

/// Whether journal or mark tell of every answered POST.
fn all_recorded(rig: &Rig) -> bool {
    let state = state(rig);
    let mark = json(&state.join("checkpoint.json"));
    let after = mark["mark"]["after"]["hex"].as_str().unwrap_or_default().to_owned();
    let journal = std::fs::read_to_string(state.join("journal.jsonl")).unwrap();
    let known: BTreeSet<(String, String)> = journal
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|entry| {
            let answer = &entry["said"]["answered"];
            let hex = |field: &str| answer[field]["hex"].as_str().unwrap_or_default().to_owned();
            (hex("key"), hex("version"))
        })
        .collect();
    answered(rig).into_iter().all(|post| known.contains(&post) || post.0 <= after)
}

#[track_caller]
fn once_each(posts: &[(String, String)]) {
    let distinct: BTreeSet<_> = posts.iter().collect();
    assert_eq!(distinct.len(), posts.len(), "an object was asked for twice");
}

#[track_caller]
fn unfinished(rig: &Rig) {
    assert!(partial(rig).exists(), "what was done is kept");
    assert!(!rig.path("r.csv").exists(), "nothing looks finished");
    assert!(!rig.path("r.summary.json").exists());
}

/// The first signal: what is in flight comes back, and nothing is asked for twice.
fn drained(trial: &Trial, k: u64, signal: &str, code: i32) {
    let rig = trial.rig();
    stall(&rig, k, SLOW_MS);
    let going = trial.start(&rig);
    until("so many were asked for", || posts(&rig) > k);
    going.signal(signal);
    going.wait().expect(code).says(&["checkpoint saved: run the line below"]);
    unfinished(&rig);
    let before = posts(&rig);
    assert!(before <= k + 4, "{before} were sent, of which {k} before the signal and 4 in flight");
    trial.finish(&rig, Kind::Exact);
    once_each(&answered(&rig));
}

#[test]
fn a_drained_restore_goes_on() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
                for (k, signal, code) in
                    [(0, "INT", 130), (9, "TERM", 143), (21, "INT", 130), (40, "TERM", 143)]
                {
                    drained(&trial, k, signal, code);
                }
            });
        }
    });
}

#[test]
fn a_drained_restore_of_versions_goes_on() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let trial = Trial::new(vendor, versions(vendor), restore(vendor, &["--versions"]));
                for k in [2, 17, 31] {
                    drained(&trial, k, "INT", 130);
                }
            });
        }
    });
}

/// Stops a run without a drain while requests are in flight that never come back.
fn cut_short(trial: &Trial, k: u64, stop: impl FnOnce(&Rig, Going)) {
    let rig = trial.rig();
    stall(&rig, k, ENDLESS_MS);
    let going = trial.start(&rig);
    until("all that will be answered is recorded", || {
        answered(&rig).len() as u64 == k && posts(&rig) > k && all_recorded(&rig)
    });
    stop(&rig, going);
    unfinished(&rig);
    trial.finish(&rig, Kind::Exact);
    once_each(&answered(&rig));
}

fn two_signals(first: &'static str, second: &'static str, code: i32) -> impl FnOnce(&Rig, Going) {
    move |_, going| {
        going.signal(first);
        until("the first signal was heard", || going.said().contains("stopping"));
        going.signal(second);
        going.wait().expect(code).says(&["checkpoint saved: run the line below"]);
    }
}

#[test]
fn the_second_signal_does_not_wait_and_loses_nothing() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
                cut_short(&trial, 11, two_signals("INT", "INT", 130));
                cut_short(&trial, 33, two_signals("TERM", "TERM", 143));
            });
        }
    });
}

#[test]
fn after_kill_9_no_recorded_answer_is_asked_for_again() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
                for k in [1, 20, 43] {
                    cut_short(&trial, k, |_, going| going.kill());
                }
                let trial = Trial::new(vendor, versions(vendor), restore(vendor, &["--versions"]));
                cut_short(&trial, 29, |_, going| going.kill());
            });
        }
    });
}

#[test]
fn a_run_killed_again_and_again_ends_with_every_row() {
    const MOST: u32 = 60;
    std::thread::scope(|scope| {
        for (vendor, step) in [(OSS, 5), (COS, 11), (S3, 7)] {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &[]));
                let rig = trial.rig();
                let mut sessions = 0;
                loop {
                    sessions += 1;
                    assert!(sessions < MOST, "it gets on each time");
                    let before = posts(&rig);
                    let mut going = trial.start(&rig);
                    until("it got on or is done", || posts(&rig) >= before + step || going.ended());
                    if going.ended() {
                        going.wait().expect(0);
                        break;
                    }
                    going.kill();
                }
                assert!(sessions > 3, "it was killed {sessions} times");
                trial.whole(&rig, Kind::Lossy);
            });
        }
    });
}

#[test]
fn an_interrupted_listing_goes_on() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let head: &[&str] = if vendor.scheme == "cos" { &["--head"] } else { &[] };
                let trial = Trial::new(vendor, config(vendor), scan(vendor, head));
                for (pages, signal) in [(0, "INT"), (1, "KILL"), (9, "TERM"), (16, "KILL")] {
                    let rig = trial.rig();
                    let slow = Fault::new(FaultKind::Slow).on(Call::List);
                    rig.server.add_fault(Fault { skip: pages, delay_ms: Some(ENDLESS_MS), ..slow });
                    let going = trial.start(&rig);
                    until("the listing hangs", || rig.server.ledger().counts().list > pages);
                    match signal {
                        "KILL" => {
                            until("the report is begun", || state_is_there(&rig));
                            going.kill();
                        }
                        signal => {
                            going.signal(signal);
                            going.wait().expect(if signal == "INT" { 130 } else { 143 });
                        }
                    }
                    unfinished(&rig);
                    trial.finish(&rig, Kind::Exact);
                    assert_eq!(posts(&rig), 0);
                }
            });
        }
    });
}

fn state_is_there(rig: &Rig) -> bool {
    rig.path("state").exists() && state(rig).join("checkpoint.json").exists()
}

#[test]
fn what_was_selected_stays_selected() {
    let more: [&[&str]; 6] = [
        &["--max-objects", "40"],
        &["--older-than", "200d"],
        &["--rows", "changed"],
        &["--state", "archived", "--max-objects", "35"],
        &["--include", "*[0-6].bin", "--exclude", "*3.bin"],
        &["--start-after", "p/obj-000000000007.bin", "--end-with", "p/obj-000000000077.bin"],
    ];
    std::thread::scope(|scope| {
        for (index, more) in more.into_iter().enumerate() {
            scope.spawn(move || {
                let vendor = VENDORS[index % 3];
                let trial = Trial::new(vendor, config(vendor), restore(vendor, more));
                drained(&trial, 5, "INT", 130);
                cut_short(&trial, 13, |_, going| going.kill());
            });
        }
    });
}

#[test]
fn a_job_file_goes_on_from_any_folder() {
    let config = config(S3);
    let job = |rig: &Rig| {
        let folder = rig.path("jobs");
        std::fs::create_dir(&folder).unwrap();
        let text = format!(
            "[[source]]\nurl = \"s3://{}/p/\"\nregion = \"{}\"\nendpoint_url = \"{}\"\npage_size = 25\n\
             [filter]\nstorage_class = [\"any\"]\n[restore]\ndays = 3\n[limits]\nconcurrency = 4\n\
             restore_rate = 100_000\n[report]\npath = \"reports/night.csv\"\n",
            S3.bucket,
            S3.region,
            rig.server.url()
        );
        std::fs::write(folder.join("night.toml"), text).unwrap();
    };
    let unbroken = Rig::new(config.clone());
    job(&unbroken);
    Ran::of(&unbroken.command(&["run", "jobs/night.toml"]).output().unwrap()).expect(0);
    let rig = Rig::new(config);
    job(&rig);
    stall(&rig, 12, SLOW_MS);
    let going = Going::spawn(rig.command(&["run", "jobs/night.toml"]), &rig.path("stderr"));
    until("so many were asked for", || posts(&rig) > 12);
    going.signal("INT");
    going.wait().expect(130);
    rig.server.clear_faults();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = rig.path("jobs/night.toml");
    let mut command = bare(elsewhere.path(), &["run", file.to_str().unwrap()]);
    for (name, value) in rig.command(&[]).get_envs() {
        command.env(name, value.unwrap());
    }
    Ran::of(&command.output().unwrap()).expect(0);
    let told = |rig: &Rig| rows(&rig.path("jobs/reports/night.csv")).iter().map(told).collect::<Vec<_>>();
    assert_eq!(told(&rig), told(&unbroken));
    once_each(&answered(&rig));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing is left elsewhere");
}

/// A pause that the store ordered is no reason to keep the terminal waiting.
#[test]
fn a_signal_ends_a_pause_that_the_store_ordered() {
    std::thread::scope(|scope| {
        for (vendor, call, skip) in [(OSS, Call::Restore, 6), (COS, Call::Head, 30), (S3, Call::List, 2)] {
            scope.spawn(move || {
                let trial = Trial::new(vendor, config(vendor), restore(vendor, &["-v"]));
                let rig = trial.rig();
                let slow = Fault::new(FaultKind::SlowDown).on(call);
                rig.server.add_fault(Fault { skip, retry_after: Some(250), ..slow });
                let going = trial.start(&rig);
                until("it was told to slow down", || going.said().contains("slow"));
                going.signal("INT");
                going.wait().expect(130);
                unfinished(&rig);
                trial.finish(&rig, Kind::Exact);
                once_each(&answered(&rig));
            });
        }
    });
}

#[test]
fn a_stop_while_objects_are_asked_for_their_state_goes_on() {
    let trial = Trial::new(COS, config(COS), restore(COS, &[]));
    for (skip, signal) in [(0, "INT"), (33, "INT"), (60, "KILL")] {
        let rig = trial.rig();
        let delay_ms = Some(if signal == "KILL" { ENDLESS_MS } else { SLOW_MS });
        rig.server.add_fault(Fault { skip, delay_ms, ..Fault::new(FaultKind::Slow).on(Call::Head) });
        let going = trial.start(&rig);
        until("a HEAD hangs", || rig.server.ledger().counts().head > skip);
        if signal == "KILL" {
            until("what was answered is recorded", || all_recorded(&rig));
            going.kill();
        } else {
            going.signal(signal);
            going.wait().expect(130);
        }
        unfinished(&rig);
        // Another page's requests may have been under way when the kill came.
        trial.finish(&rig, if signal == "KILL" { Kind::Lossy } else { Kind::Exact });
        once_each(&answered(&rig));
    }
}

#[test]
fn a_run_killed_while_it_makes_its_files_starts_well() {
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    let files =
        ["state", "state/*/lock", "r.csv.partial", "state/*/journal.jsonl", "state/*/checkpoint.json"];
    for file in files {
        let rig = trial.rig();
        let mut going = trial.start(&rig);
        until("the file is there", || {
            let there = match file.strip_prefix("state/*/") {
                Some(name) => std::fs::read_dir(rig.path("state"))
                    .is_ok_and(|mut all| all.any(|folder| folder.unwrap().path().join(name).exists())),
                None => rig.path(file).exists(),
            };
            there || going.ended()
        });
        going.kill();
        rig.run(S3, &words(&trial.line)).expect(0);
        trial.rows(&rig, Kind::Lossy);
    }
}
