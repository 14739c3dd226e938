//! Faults of the machine: what was paid for is on disk or told, and the next session ends with the
//! report of a run in peace.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};

use defrost::pipeline::checkpoint::{CommitPoint, VARIABLE};
use defrost::sim::{Call, Fault, FaultKind};

use crate::support::{COS, Going, Keys, OSS, Ran, Rig, S3, Vendor, bare, until};
use crate::trial::{Kind, Trial, config, partial, restore, scan, state, versions, words};

/// Runs `line` under a shell that first says `limit`.
fn limited(rig: &Rig, vendor: Vendor, limit: &str, line: &[String]) -> Ran {
    let mut command = Command::new("sh");
    let script = format!("{limit}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_defrost")]).args(line).args(rig.place(vendor));
    command.env_clear().env("HOME", rig.folder()).env("DEFROST_NO_METADATA", "1");
    command.current_dir(rig.folder()).stdin(Stdio::null());
    Keys::GOOD.put(&mut command);
    Ran::of(&command.output().unwrap())
}

/// No object was asked for twice, as far as the store took the request.
#[track_caller]
fn once_each(rig: &Rig) {
    let mut seen = BTreeSet::new();
    for post in rig.server.ledger().restores().iter().filter(|post| post.status < 300) {
        assert!(seen.insert((post.key.clone(), post.version_id.clone())), "asked for twice");
    }
}

/// A limit on the size of files stands in for a full disk: it strikes each file at each of its
/// lengths, one after the other, and needs no rights.
fn full_disk(vendor: Vendor, trial: &Trial, first: usize, step: usize) {
    for (struck, blocks) in (first..).step_by(step).enumerate() {
        let rig = trial.rig();
        let ran = limited(&rig, vendor, &format!("trap '' XFSZ; ulimit -f {blocks}"), &trial.line);
        if ran.code == 0 {
            assert!(struck > 5, "the limit was in the way of nothing");
            trial.rows(&rig, Kind::Exact);
            return;
        }
        let at = format!("{vendor:?}, {blocks} blocks");
        assert!(blocks < 400, "{at}: it never fits");
        let ran = ran.expect(8).in_one_error();
        assert!(ran.stderr.contains("File too large"), "{at}: no cause\n{}", ran.stderr);
        let named = ["state/", "r.csv.partial", "r.summary.json"].iter().any(|f| ran.stderr.contains(f));
        assert!(named, "{at}: which file?\n{}", ran.stderr);
        assert!(!rig.path("r.csv").exists() || !partial(&rig).exists(), "{at}");
        rig.run(vendor, &words(&trial.line)).expect(0);
        trial.rows(&rig, Kind::Lossy);
        once_each(&rig);
    }
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_of_a_restore() {
    full_disk(S3, &Trial::new(S3, config(S3), restore(S3, &[])), 0, 4);
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_of_versions() {
    let (config, line) = (versions(OSS), restore(OSS, &["--versions"]));
    full_disk(OSS, &Trial::new(OSS, config, line), 1, 5);
}

#[test]
fn a_disk_that_is_full_at_any_write_loses_nothing_of_a_scan() {
    full_disk(COS, &Trial::new(COS, config(COS), scan(COS, &[])), 0, 3);
}

/// Where nothing can be made, not even by the administrator, nothing is asked for.
#[cfg(target_os = "linux")]
#[test]
fn read_only_places_are_told_before_the_first_request() {
    let rig = Rig::new(config(S3));
    for (flag, place) in [("--report", "/sys/r.csv"), ("--state-dir", "/sys/state")] {
        let line: Vec<&str> = vec!["restore", "s3://test-archive/p/", "--days", "2", flag, place];
        rig.run(S3, &line).expect(8).in_one_error().says(&[place, "hint: make room or rights for it"]);
        assert_eq!(rig.server.ledger().counts().list, 0);
    }
}

/// Folders that can be written no more, from each point between two writes on.
#[cfg(target_os = "linux")]
#[test]
fn folders_that_turn_read_only_at_any_write_lose_nothing() {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65_534;
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    // What the administrator starts may write everywhere: then the run is somebody else's.
    let tools = tempfile::tempdir().unwrap();
    let everyone = Permissions::from_mode(0o755);
    std::fs::set_permissions(tools.path(), everyone.clone()).unwrap();
    let binary = tools.path().join("defrost");
    std::fs::copy(env!("CARGO_BIN_EXE_defrost"), &binary).unwrap();
    let mut refused = 0;
    for point in CommitPoint::ALL {
        let rig = trial.rig();
        let is_root = std::fs::metadata(rig.folder()).unwrap().uid() == 0;
        let command = |at: Option<String>| {
            let mut command = Command::new(&binary);
            command.args(&trial.line).args(rig.place(S3)).current_dir(rig.folder()).env_clear();
            command
                .env("HOME", rig.folder())
                .env("DEFROST_NO_METADATA", "1")
                .envs(at.map(|at| (VARIABLE, at)));
            Keys::GOOD.put(&mut command);
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        if is_root {
            chown(rig.folder(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut going =
            Going::spawn(command(Some(format!("{} 1 STOP", point.name()))), &tools.path().join("stderr"));
        let stat = format!("/proc/{}/stat", going.id());
        let stopped = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        until("it stops or ends", || going.ended() || stopped());
        let folders = || {
            let jobs = std::fs::read_dir(rig.path("state")).into_iter().flatten();
            let jobs = jobs.map(|job| job.unwrap().path());
            jobs.chain([rig.path("state"), rig.folder().to_owned()]).filter(|folder| folder.exists())
        };
        folders().for_each(|folder| std::fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap());
        if !going.ended() {
            going.signal("CONT");
        }
        let ran = going.wait();
        folders().for_each(|folder| std::fs::set_permissions(folder, everyone.clone()).unwrap());
        if ran.code != 0 {
            refused += 1;
            let ran = ran.expect(8).in_one_error();
            assert!(ran.stderr.contains("Permission denied"), "{point:?}: no cause\n{}", ran.stderr);
            Ran::of(&command(None).output().unwrap()).expect(0);
        }
        trial.rows(&rig, Kind::Lossy);
        once_each(&rig);
    }
    assert!(refused > 8, "folders were in the way of {refused} runs only");
}

/// Somebody clears the folder of the reports in the middle of a run.
#[test]
fn a_report_that_vanishes_is_told_and_nothing_is_paid_for_twice() {
    let line: Vec<String> = restore(S3, &[])
        .into_iter()
        .map(|word| if word == "r.csv" { "out/r.csv".to_owned() } else { word })
        .collect();
    let rig = Rig::new(config(S3));
    std::fs::create_dir(rig.path("out")).unwrap();
    let slow = Fault::new(FaultKind::Slow).on(Call::Restore);
    rig.server.add_fault(Fault { skip: 20, delay_ms: Some(500), ..slow });
    let going = rig.start(S3, &words(&line));
    until("some are asked for", || rig.server.ledger().counts().restore > 20);
    std::fs::remove_dir_all(rig.path("out")).unwrap();
    rig.server.clear_faults();
    going.wait().expect(8).in_one_error().says(&["out/r.csv"]);
    // The state knows of the report; without it nothing is guessed.
    std::fs::create_dir(rig.path("out")).unwrap();
    let told = rig.run(S3, &words(&line)).expect(8).in_one_error();
    told.says(&["the unfinished report", "out/r.csv.partial` is gone", "--fresh"]);
    let fresh: Vec<&str> = words(&line).into_iter().chain(["--fresh"]).collect();
    rig.run(S3, &fresh).expect(0);
    once_each(&rig);
    assert_eq!(rig.rows("out/r.csv").len(), 90);
}

/// As a service manager may start it: no terminal, no stdin, neither stdout nor stderr.
#[test]
fn closed_streams_are_no_reason_to_fail() {
    let trial = Trial::new(S3, config(S3), restore(S3, &[]));
    let rig = trial.rig();
    limited(&rig, S3, "exec <&- >&- 2>&-", &trial.line).expect(0);
    assert_eq!(trial.rows(&rig, Kind::Exact), 90);
    // None of the run's files took the place of a stream and got its words.
    let mark = std::fs::read_to_string(state(&rig).join("checkpoint.json")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&mark).is_ok());
}

/// A report on stdout whose reader takes its time waits for it.
#[test]
fn a_full_pipe_is_waited_for() {
    let rig = Rig::new({
        let mut config = config(S3);
        // More rows than a pipe holds.
        config.buckets[0].generate.as_mut().unwrap().count = 1500;
        config
    });
    let place = rig.place(S3);
    let mut line = vec!["scan", "s3://test-archive/p/", "--storage-class", "any", "--report", "-"];
    line.extend(["--list-rate-limit", "1000", "--page-size", "100"]);
    line.extend(place.iter().map(String::as_str));
    let mut command = bare(rig.folder(), &line);
    Keys::GOOD.put(&mut command);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let listed = || rig.server.ledger().counts().list;
    until("the pipe is full: no page is asked for any more", || {
        let before = listed();
        std::thread::sleep(std::time::Duration::from_millis(200));
        before > 0 && listed() == before
    });
    assert!(listed() < 15, "it went on without its reader");
    assert!(child.try_wait().unwrap().is_none(), "it waits");
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text.lines().count(), 1501);
}

/// With few open files fewer requests are in flight; with hardly any the run does not begin.
#[test]
fn open_files_are_not_exceeded() {
    let line = restore(S3, &[]).into_iter().map(|word| if word == "4" { "300".to_owned() } else { word });
    let trial = Trial::new(S3, config(S3), line.collect());
    for files in [40, 64] {
        let rig = trial.rig();
        let ran = limited(&rig, S3, &format!("ulimit -n {files}"), &trial.line).expect(0);
        ran.says(&[&format!("note: this process may open {files} files only")]);
        assert_eq!(trial.rows(&rig, Kind::Exact), 90);
    }
    let rig = trial.rig();
    let ran = limited(&rig, S3, "ulimit -n 30", &trial.line).expect(8).in_one_error();
    ran.says(&["may open 30 files only", "hint: raise the limit: `ulimit -n 1024`"]);
    assert_eq!(rig.server.ledger().counts().list, 0);
}
