//! A second run of a day, and whatever else ends where an earlier report stands: which of both is there then.

use std::collections::BTreeMap;

use defrost::sim::{Call, Config, Fault, FaultKind};

use crate::scene::{run_as, scene};
use crate::support::{Keys, OSS, Rig};
#[cfg(debug_assertions)]
use crate::support::{Ran, bare};

const SEED: &str = "[clock]\nstart = \"2026-11-21T01:00:00Z\"\n[[bucket]]\nname = \"small\"\nprovider = \"oss\"\n\
                    object = [{ key = \"a\", storage_class = \"Archive\" }, { key = \"b\", storage_class = \"Archive\" }]\n";

/// A job whose store has an hour of its own, so that no night falls into the test. A store without a bucket
/// comes along for its folder.
fn rig(report: &str) -> Rig {
    let rig = Rig::new(Config::default());
    std::fs::write(rig.path("seed.toml"), SEED).unwrap();
    job(&rig, report);
    rig
}

/// The job, with `report` in its table of that name.
fn job(rig: &Rig, report: &str) {
    let text = format!(
        "[[source]]\nurl = \"oss://small/\"\n[restore]\ndays = 2\n[simulator]\nseed = \"seed.toml\"\n[report]\n{report}"
    );
    std::fs::write(rig.path("job.toml"), text).unwrap();
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// What stands in the folder and is a report or stands beside one, by name.
fn files(rig: &Rig) -> BTreeMap<String, Vec<u8>> {
    let named = std::fs::read_dir(rig.folder()).unwrap().map(|entry| entry.unwrap());
    let is_ours = |name: &String| ending(name) != "toml" && !name.starts_with('.');
    named
        .filter(|entry| entry.path().is_file())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| is_ours(name))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

/// The id of the run whose summary stands at `name`.
fn id(rig: &Rig, name: &str) -> String {
    crate::trial::json(&rig.path(name))["run_id"].as_str().unwrap().to_owned()
}

/// Each report tells by its summary that it is as its run left it.
#[track_caller]
fn intact(rig: &Rig, reports: &[&str]) {
    for report in reports {
        let ran = run_as(rig, Keys::GOOD, &["report", report]).expect(0);
        assert!(ran.stdout.contains("checksum  intact"), "{report}:\n{}", ran.stdout);
    }
}

const DATED: &str = "path = \"{date}.csv.gz\"\nalso = [\"parquet\"]\n";

#[test]
fn a_second_run_of_a_day_keeps_the_first_ones_report() {
    let rig = rig(DATED);
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    let (first, run) = (files(&rig), id(&rig, "2026-11-21.summary.json"));
    assert_eq!(first.len(), 3);
    // Other forms may be wished for by then: those of the first run belong together.
    job(&rig, "path = \"{date}.csv.gz\"\nalso = [\"jsonl\"]\n");
    let ran = run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    let kept = format!("2026-11-21.{run}.csv.gz");
    ran.says(&[&format!("note: an earlier report of that name is kept as `{}`", rig.path(&kept).display())]);
    let second = files(&rig);
    let mut names: Vec<String> = second.keys().cloned().collect();
    names.sort_unstable();
    let mut wanted: Vec<String> =
        ["csv.gz", "parquet", "summary.json"].map(|ending| format!("2026-11-21.{run}.{ending}")).to_vec();
    wanted.extend(["csv.gz", "jsonl", "summary.json"].map(|ending| format!("2026-11-21.{ending}")));
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for ending in ["csv.gz", "parquet"] {
        let (then, now) = (format!("2026-11-21.{ending}"), format!("2026-11-21.{run}.{ending}"));
        assert!(first[&then] == second[&now], "{now}");
    }
    assert_ne!(first["2026-11-21.csv.gz"], second["2026-11-21.csv.gz"]);
    let parquet = format!("2026-11-21.{run}.parquet");
    intact(&rig, &["2026-11-21.csv.gz", "2026-11-21.jsonl", &kept, &parquet]);
    // A third one, without a summary that tells of the second: its hour names it.
    std::fs::remove_file(rig.path("2026-11-21.summary.json")).unwrap();
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    assert!(files(&rig).values().any(|bytes| *bytes == second["2026-11-21.csv.gz"]));
    assert!(files(&rig).values().any(|bytes| *bytes == second["2026-11-21.jsonl"]));
    assert_eq!(files(&rig).len(), 3 + 2 + 3);
}

#[test]
fn a_path_without_a_date_is_that_of_the_newest_report() {
    let rig = rig("path = \"r.csv\"\n");
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    let first = files(&rig);
    for _ in 0..2 {
        let ran = run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
        ran.says(&["note: the report takes the place of an earlier one"]);
        assert!(files(&rig).keys().eq(first.keys()), "nothing piles up");
    }
    assert_ne!(files(&rig)["r.csv"], first["r.csv"]);
    intact(&rig, &["r.csv"]);
}

#[test]
fn two_jobs_with_one_path_keep_apart_and_are_told_of_their_own_reports() {
    let rig = rig(DATED);
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    let run = id(&rig, "2026-11-21.summary.json");
    std::fs::copy(rig.path("job.toml"), rig.path("other.toml")).unwrap();
    run_as(&rig, Keys::GOOD, &["run", "other.toml"]).expect(0);
    let status = |file: &str| run_as(&rig, Keys::GOOD, &["status", file]).expect(0).stdout;
    assert!(status("job.toml").contains(&format!("2026-11-21.{run}.csv.gz\n")), "{}", status("job.toml"));
    assert!(status("other.toml").contains("2026-11-21.csv.gz\n"));
}

/// Killed at each moment of it, what was there is still there in the end, each file once.
#[cfg(debug_assertions)]
#[test]
fn a_kill_loses_neither_report() {
    for path in [DATED, "path = \"{date}.csv\"\nalso = [\"parquet\"]\n"] {
        let moments = [
            "earlier-moved 1",
            "earlier-moved 2",
            "earlier-kept 1",
            "form-marked 1",
            "report-named 1",
            "rows-removed 1",
            "summary-saved 1",
            "run-finished 1",
        ];
        let renamed = (1..12).map(|pass| format!("file-renamed {pass}"));
        let mut met = 0;
        for moment in moments.into_iter().map(str::to_owned).chain(renamed) {
            let rig = rig(path);
            run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
            let (first, run) = (files(&rig), id(&rig, "2026-11-21.summary.json"));
            let mut command = bare(rig.folder(), &["run", "job.toml"]);
            Keys::GOOD.put(&mut command);
            command.env(defrost::pipeline::checkpoint::VARIABLE, format!("{moment} KILL"));
            let killed = Ran::of(&command.output().unwrap()).code == -1;
            met += u32::from(killed);
            if killed && !rig.path("2026-11-21.summary.json").exists() {
                // And once more on the way.
                Ran::of(&command.output().unwrap());
            }
            run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
            let all = files(&rig);
            for (name, bytes) in first.iter().filter(|(name, _)| !name.ends_with("json")) {
                let kept = name.replacen("2026-11-21.", &format!("2026-11-21.{run}."), 1);
                assert!(all.get(&kept) == Some(bytes), "{moment}: {kept} of {:?}", all.keys());
            }
            let left = all.keys().filter(|name| ["new", "partial"].contains(&ending(name))).count();
            assert_eq!(left, 0, "{moment}: {:?}", all.keys());
            let of_a_run = all.keys().filter(|name| name.ends_with("summary.json")).count();
            assert_eq!(all.len(), of_a_run * 3, "{moment}: {:?}", all.keys());
            let ending = first.keys().next().unwrap().split_once('.').unwrap().1.to_owned();
            intact(&rig, &[&format!("2026-11-21.{ending}"), &format!("2026-11-21.{run}.{ending}")]);
        }
        assert!(met > 9, "the moments are met: {met}");
    }
}

#[test]
fn every_retry_has_its_own_report() {
    let rig = scene(OSS);
    let last_ones = Fault { skip: 17, ..Fault::new(FaultKind::Internal).on(Call::Restore).first(8) };
    crate::scene::job(&rig, OSS, "[restore]\ndays = 2\n[limits]\nmax_attempts = 1\nconcurrency = 1\n");
    rig.server.add_fault(last_ones);
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(1);
    run_as(&rig, Keys::GOOD, &["retry", "job.toml"]).expect(0);
    let (first, run) = (std::fs::read(rig.path("r.retry.csv")).unwrap(), id(&rig, "r.retry.summary.json"));
    // The same objects, which are being restored by now: the second report has nothing of what was asked for.
    run_as(&rig, Keys::GOOD, &["retry", "job.toml"]).expect(0).says(&["note: an earlier report"]);
    assert!(rig.rows("r.retry.csv").iter().all(|row| row["action"] == "already"));
    let kept = format!("r.retry.{run}.csv");
    assert!(std::fs::read(rig.path(&kept)).unwrap() == first);
    intact(&rig, &["r.retry.csv", &kept]);
    run_as(&rig, Keys::GOOD, &["retry", "job.toml", "--report", "mine.csv"]).expect(0);
    run_as(&rig, Keys::GOOD, &["retry", "job.toml", "--report", "mine.csv"]).expect(0);
    assert_eq!(files(&rig).keys().filter(|name| name.starts_with("mine")).count(), 2, "a CSV and a summary");
}

#[cfg(debug_assertions)]
#[test]
fn a_retry_that_was_killed_is_gone_on_with_before_anything_is_waited_for() {
    let rig = scene(OSS);
    crate::scene::job(&rig, OSS, "[restore]\ndays = 2\n[limits]\nmax_attempts = 1\n");
    rig.server.add_fault(Fault::new(FaultKind::Internal).on(Call::Restore).first(8));
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(1);
    let mut command = bare(rig.folder(), &["retry", "job.toml"]);
    Keys::GOOD.put(&mut command);
    command.env(defrost::pipeline::checkpoint::VARIABLE, "answer-written 3 KILL");
    Ran::of(&command.output().unwrap()).expect(-1);
    let told = run_as(&rig, Keys::GOOD, &["wait", "job.toml"]).expect(2).in_one_error();
    told.says(&["the retry of `job` is not finished", "defrost retry"]);
}

#[test]
fn every_release_has_its_own_report() {
    let rig = Rig::new(crate::trial::config(OSS));
    let line = crate::trial::restore(OSS, &[]);
    rig.run(OSS, &crate::trial::words(&line)).expect(0);
    let url = OSS.url("");
    let line = ["release", &url, "--from-csv", "r.csv"];
    rig.run(OSS, &line);
    let first = std::fs::read(rig.path("r.released.csv")).unwrap();
    let ran = rig.run(OSS, &line);
    assert!(ran.stderr.contains("note: an earlier report of that name is kept"), "{}", ran.stderr);
    let reports: Vec<Vec<u8>> = files(&rig)
        .into_iter()
        .filter(|(name, _)| name.starts_with("r.released"))
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(reports.len(), 2);
    assert!(reports.contains(&first), "what the first one gave back is on record");
    // Who names a file means that file.
    for _ in 0..2 {
        rig.run(OSS, &[&line[..], &["--report", "back.csv"]].concat());
    }
    assert_eq!(files(&rig).keys().filter(|name| name.starts_with("back")).count(), 1);
}
