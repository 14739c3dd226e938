//! Watching a run: what `status` tells from another terminal while it goes on and after its end, and
//! what a terminal shows.

use std::process::{Command, Stdio};

use defrost::model::{Clock, SystemClock};
use defrost::sim::{BucketConfig, Call, Config, Fault, FaultKind, Generate};
use jiff::ToSpan;
use serde_json::Value;

use crate::scene::{run_as, scene};
use crate::support::{Going, Keys, OSS, Ran, Rig, S3, bare, until};
use crate::trial::{Kind, Trial, config, json, restore, state, words};

/// What a watch says while there is nothing to watch.
const WAITS: &str = "nothing is under way: waiting for a run to begin";
/// Beyond what any test waits.
const NEVER_MS: u64 = 600_000;

/// Every request of this kind but the first ones hangs.
fn hangs(call: Call, skip: u64) -> Fault {
    let fault = Fault::new(FaultKind::Slow).on(call);
    Fault { skip, delay_ms: Some(NEVER_MS), ..fault }
}

/// What `status` says of a job or URL, as text and as JSON.
fn status(rig: &Rig, target: &str) -> (String, Value) {
    let line = ["status", target, "--state-dir", "state"];
    let text = Ran::of(&bare(rig.folder(), &line).output().unwrap()).expect(0).stdout;
    let line = [&line[..], &["--json"]].concat();
    let said = Ran::of(&bare(rig.folder(), &line).output().unwrap()).expect(0).stdout;
    assert_eq!(said.lines().count(), 1, "{said}");
    (text, serde_json::from_str(&said).unwrap())
}

/// Looks until `status` says so, and returns what it said.
#[track_caller]
fn told(rig: &Rig, target: &str, what: &str, holds: impl Fn(&Value) -> bool) -> (String, Value) {
    until(what, || holds(&status(rig, target).1));
    // What is looked for lasts: nothing moves on while requests hang.
    status(rig, target)
}

/// Sums of what a summary's timeline tells.
fn timeline(summary: &Value, field: &str) -> u64 {
    summary["timeline"]["samples"].as_array().unwrap().iter().map(|s| s[field].as_u64().unwrap()).sum()
}

#[test]
fn a_run_is_seen_from_another_terminal_while_it_works_while_it_stops_and_when_it_has() {
    let trial = Trial::new(S3, config(S3), restore(S3, &["--list-concurrency", "1"]));
    let rig = trial.rig();
    let url = S3.url("p/");
    let (text, said) = status(&rig, &url);
    assert!(text.contains("state     never run\n") && said["state"] == "never_run", "{text}");
    rig.server.add_fault(hangs(Call::Restore, 5));
    let going = trial.start(&rig);
    let (text, said) = told(&rig, &url, "five answers are told", |said| {
        said["run"]["progress"]["kinds"]["requested"] == 5 && said["run"]["progress"]["in_flight"] == 4
    });
    assert_eq!((&said["state"], &said["pid"]), (&"running".into(), &going.id().into()));
    assert_eq!((&said["run"]["phase"], &said["run"]["rate"]), (&"running".into(), &100_000.into()));
    assert!(said["run"]["progress"]["kinds"]["asked_bytes"].as_u64() > Some(0));
    assert!(said["run"]["progress"]["eta"].is_null(), "nobody knows what is to come: {said}");
    for piece in [&format!("running, process {}", going.id()), "sent 9", "4 in flight", "requested 5"] {
        assert!(text.contains(piece), "no `{piece}`:\n{text}");
    }
    let file = std::fs::read_to_string(state(&rig).join("live.json")).unwrap();
    assert!(!file.contains(crate::support::SECRET_KEY) && !file.contains("p/"), "{file}");

    going.signal("INT");
    let (text, _) = told(&rig, &url, "it is stopping", |said| said["run"]["phase"] == "draining");
    assert!(text.contains("now       stopping: requests in flight may come back for up to 8s"), "{text}");
    going.wait().expect(130);
    let (text, said) = status(&rig, &url);
    assert_eq!(
        (&said["state"], &said["run"], &said["pid"]),
        (&"interrupted".into(), &Value::Null, &Value::Null)
    );
    assert!(text.contains("state     interrupted; run the same line again to go on\n"), "{text}");
    assert!(!state(&rig).join("live.json").exists(), "nothing is left of it");

    trial.finish(&rig, Kind::Lossy);
    let (_, said) = status(&rig, &url);
    assert_eq!((&said["state"], &said["ended"]), (&"finished".into(), &"complete".into()));
    let summary = json(&rig.path("r.summary.json"));
    assert_eq!(timeline(&summary, "restores"), summary["requests"]["restore"].as_u64().unwrap());
    assert!(timeline(&summary, "listed") >= summary["tally"]["listed"].as_u64().unwrap());
    // The next night is told what to expect.
    rig.server.add_fault(hangs(Call::List, 1));
    let going = trial.start(&rig);
    let (text, said) = told(&rig, &url, "the first page is told", |said| {
        said["run"]["progress"]["kinds"]["listed"].as_u64() > Some(0)
    });
    let expected = &said["run"]["progress"]["expected"];
    assert_eq!(expected["last_run_listed"], summary["tally"]["listed"], "{said}");
    assert!(text.contains(&format!("of ~{} keys", summary["tally"]["listed"])), "{text}");
    going.kill();
}

#[test]
fn a_killed_run_does_not_look_alive() {
    let trial = Trial::new(OSS, config(OSS), restore(OSS, &[]));
    let rig = trial.rig();
    let url = OSS.url("p/");
    rig.server.add_fault(hangs(Call::Restore, 5));
    let going = trial.start(&rig);
    told(&rig, &url, "it is at work", |said| said["run"]["progress"]["kinds"]["requested"] == 5);
    going.kill();
    let live = state(&rig).join("live.json");
    assert!(live.exists(), "it had no time to take it away");
    let (text, said) = status(&rig, &url);
    assert_eq!(
        (&said["state"], &said["run"], &said["pid"]),
        (&"interrupted".into(), &Value::Null, &Value::Null)
    );
    assert!(!text.contains("in flight"), "{text}");
    // Whoever watches it waits for it to be gone on with, until that is too long.
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let watch = bare(rig.folder(), &["status", &url, "--state-dir", "state", "--watch"]);
        let watch = Going::spawn(watch, &rig.path("watched"));
        until("it waits", || watch.said().contains(WAITS));
        watch.signal(signal);
        assert_eq!(watch.wait().expect(code).stderr.lines().count(), 1, "one calm line");
    }
    trial.finish(&rig, Kind::Lossy);
    assert!(!live.exists());
    let summary = json(&rig.path("r.summary.json"));
    let samples = timeline(&summary, "restores");
    assert!(samples >= rig.server.ledger().counts().restore - 9, "what the mark knew of is kept: {samples}");
}

#[test]
fn watching_begins_and_ends_with_the_run() {
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    let rig = trial.rig();
    let url = S3.url("p/");
    // Before the run begins: it is waited for.
    let mut watch = bare(rig.folder(), &["status", &url, "--state-dir", "state", "-w"]);
    let waits = std::fs::File::create(rig.path("watched")).unwrap();
    let watch = watch.stdout(Stdio::piped()).stderr(waits).spawn().unwrap();
    let said = || std::fs::read_to_string(rig.path("watched")).unwrap();
    until("it waits", || said().contains(WAITS));
    rig.server.add_fault(hangs(Call::Restore, 5));
    let going = trial.start(&rig);
    told(&rig, &url, "it is at work", |said| said["run"]["progress"]["kinds"]["requested"] == 5);
    going.signal("INT");
    going.signal("INT");
    going.wait().expect(130);
    let watched = Ran::of(&watch.wait_with_output().unwrap()).expect(0);
    assert_eq!(said().lines().count(), 1, "one calm line: {}", said());
    let name = state(&rig).file_name().unwrap().to_string_lossy().into_owned();
    if let Some((first, _)) = watched.stdout.split_once("\njob  ") {
        assert!(first.contains(&format!(" {name}: ")) && first.contains("in flight"), "{first}");
    }
    let (_, last) = watched.stdout.rsplit_once("target  ").unwrap();
    assert!(last.contains("state     interrupted"), "{}", watched.stdout);
}

#[test]
fn a_run_that_waits_for_its_window_says_until_when() {
    let rig = scene(OSS);
    let now = SystemClock::new().now();
    let hour = |hours: i64| (now + hours.hours()).strftime("%H:00").to_string();
    let window = format!("[restore]\ndays = 2\n[limits]\nwindow = \"{}-{} UTC\"\n", hour(3), hour(5));
    crate::scene::job(&rig, OSS, &window);
    let mut command = rig.command(&["run", "job.toml", "--state-dir", "state"]);
    Keys::GOOD.put(&mut command);
    let going = Going::spawn(command, &rig.path("stderr"));
    let (text, said) = told(&rig, "job.toml", "it waits", |said| said["run"]["phase"] == "waiting");
    let until: jiff::Timestamp = said["run"]["until"].as_str().unwrap().parse().unwrap();
    assert_eq!(until.strftime("%H:%M").to_string(), hour(3));
    assert!(text.contains(&format!("now       waiting for the window, which opens at {until}")), "{text}");
    going.signal("TERM");
    going.wait().expect(143);
    assert_eq!(status(&rig, "job.toml").1["state"], "interrupted");
}

#[test]
fn a_wait_is_told_while_it_goes_on_and_when_it_was_left() {
    let rig = scene(OSS);
    crate::scene::job(&rig, OSS, "[restore]\ndays = 2\n");
    run_as(&rig, Keys::GOOD, &["run", "job.toml", "--state-dir", "state"]).expect(0);
    let said = status(&rig, "job.toml").1;
    assert!(said["wait"].is_null(), "nobody has waited yet: {said}");
    let going = Going::spawn(
        rig.command(&["wait", "job.toml", "--state-dir", "state", "--poll", "1h"]),
        &rig.path("stderr"),
    );
    let (text, said) = told(&rig, "job.toml", "it waits", |said| said["wait"]["next_poll"].is_string());
    assert_eq!((&said["state"], &said["pid"]), (&"waiting".into(), &going.id().into()));
    assert_eq!((&said["wait"]["running"], &said["wait"]["open"]), (&true.into(), &25.into()));
    assert!(text.contains("0 of 25 objects\nnext look "), "{text}");
    going.signal("INT");
    going.wait().expect(130);
    let (text, said) = status(&rig, "job.toml");
    assert_eq!((&said["state"], &said["wait"]["running"]), (&"finished".into(), &false.into()));
    assert!(text.contains("wait      left unfinished: `defrost wait` goes on with it"), "{text}");
}

#[test]
fn what_other_sources_took_of_a_day_is_told() {
    let bucket = |name: &str| {
        let mut bucket = BucketConfig::new(S3.dialect, name);
        bucket.region = Some(S3.region.to_owned());
        let classes = [(S3.cold.to_owned(), 1)].into();
        bucket.generate = Some(Generate { count: 30, classes, ..Generate::default() });
        bucket
    };
    let rig = Rig::new(Config::default().with_bucket(bucket("first-b")).with_bucket(bucket("second-b")));
    let place = format!("region = \"{}\"\nendpoint_url = \"{}\"\n", S3.region, rig.server.url());
    let text = format!(
        "[job]\nname = \"night\"\n[[source]]\nurl = \"s3://first-b/\"\n{place}[[source]]\n\
         url = \"s3://second-b/\"\n{place}[restore]\ndays = 2\n[limits]\ndaily_objects = 40\n\
         [report]\npath = \"{{source}}.csv\"\n"
    );
    std::fs::write(rig.path("job.toml"), text).unwrap();
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    let told = run_as(&rig, Keys::GOOD, &["status", "job.toml"]).expect(0).stdout;
    for elsewhere in [10, 30] {
        let line = format!("\n          {elsewhere} objects, ");
        assert!(told.contains(&line), "{line:?} in\n{told}");
    }
    let told = run_as(&rig, Keys::GOOD, &["status", "job.toml", "--json"]).expect(0).stdout;
    let elsewhere: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["elsewhere"]["objects"].clone())
        .collect();
    assert_eq!(elsewhere, [10, 30]);
}

#[test]
fn a_release_is_told_while_it_goes_on() {
    let rig = scene(OSS);
    crate::scene::job(&rig, OSS, "[restore]\ndays = 2\n");
    run_as(&rig, Keys::GOOD, &["run", "job.toml", "--state-dir", "state"]).expect(0);
    rig.server.add_fault(hangs(Call::Release, 0));
    let line = ["release", "job.toml", "--state-dir", "state", "--from-csv", "r.csv", "--report", "back.csv"];
    let going = Going::spawn(rig.command(&line), &rig.path("stderr"));
    let (text, said) = told(&rig, "job.toml", "it is told", |said| said["release"].is_object());
    assert_eq!((&said["state"], &said["release"]["named"]), (&"finished".into(), &25.into()));
    assert_eq!(said["release"]["pid"], going.id());
    assert!(
        text.contains("0 of 25 objects · released 0") || text.contains("0 of 25 objects | released 0"),
        "{text}"
    );
    going.kill();
    assert!(status(&rig, "job.toml").1["release"].is_null());
}

/// `script` of util-linux brings a terminal along; it is part of every Debian.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_of_fifty_columns_shows_one_calm_screen() {
    let mut shape = config(S3);
    shape.buckets[0].quirks.latency.restore = 60;
    for color in [true, false] {
        let rig = Rig::new(shape.clone());
        let line = [&restore(S3, &[])[..], &rig.place(S3)[..]].concat();
        let shell = format!("stty cols 50 rows 24; exec {}", quoted(&words(&line)));
        let mut command = Command::new("script");
        command.args(["-qec", &shell, "/dev/null"]).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm");
        command.env("LANG", "C.UTF-8").env("HOME", rig.folder()).current_dir(rig.folder());
        if !color {
            command.env("NO_COLOR", "1");
        }
        Keys::GOOD.put(&mut command);
        let ran = Ran::of(&command.output().unwrap()).expect(0);
        let shown = &ran.stdout;
        assert_eq!(shown.contains("\u{1b}[36m"), color, "{shown}");
        for piece in ["listing   ", "restores  ", "/s", "in flight", "answers   "] {
            assert!(shown.contains(piece), "no `{piece}`:\n{shown}");
        }
        // Every screen begins where it clears the last one; what comes after the last is the table.
        let screens: Vec<&str> = shown.split("\u{1b}[J").collect();
        assert!(screens.len() > 3, "it was drawn again: {shown}");
        for screen in &screens[..screens.len() - 1] {
            for row in plain(screen).lines() {
                assert!(row.chars().count() < 50, "{row:?} is too wide:\n{shown}");
            }
        }
        let table = screens[screens.len() - 1];
        assert!(table.contains("report ") && !table.contains("listing  "), "the bars are gone:\n{table}");
        assert_eq!(rig.rows("r.csv").len(), 90);
    }
}

/// The binary and its line as one line of a shell.
fn quoted(line: &[&str]) -> String {
    let words = [&[env!("CARGO_BIN_EXE_defrost")], line].concat();
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

/// `text` without what steers a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
            '\r' => {}
            c => plain.push(c),
        }
    }
    plain
}
