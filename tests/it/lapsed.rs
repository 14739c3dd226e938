//! A run that was broken off and comes back when its copies have lapsed: it starts anew, says so, and
//! keeps what it had. The hour is that of an embedded simulator, which is moved on by hand.

use std::path::{Path, PathBuf};

use defrost::pipeline::checkpoint::VARIABLE;
use serde_json::Value;

use crate::support::{Ran, Row, bare, rows};
use crate::trial::json;

/// Restores take long enough for the signal to come before the last one is answered.
const SEED: &str = "[[bucket]]\nname = \"b\"\nprovider = \"oss\"\n[bucket.generate]\ncount = 60\n\
                    prefix = \"p/\"\nclasses = { ColdArchive = 1 }\n\
                    [bucket.quirks]\nlatency = { restore = 40 }\n";
const JOB: &str = "[[source]]\nurl = \"oss://b/p/\"\npage_size = 20\n[restore]\ndays = 3\n\
                   [limits]\nconcurrency = 4\nrestore_rate = 100_000\nlist_concurrency = 1\n\
                   [report]\npath = \"r.csv\"\n[simulator]\nseed = \"seed.toml\"\n";

struct Night(tempfile::TempDir);

impl Night {
    /// A night that was broken off by SIGTERM after some thirty answers.
    fn broken_off() -> Self {
        let night = Self(tempfile::tempdir().unwrap());
        std::fs::write(night.path("seed.toml"), SEED).unwrap();
        std::fs::write(night.path("job.toml"), JOB).unwrap();
        night.run(Some("answer-written 30 TERM")).expect(143);
        assert!(night.path("r.csv.partial").exists());
        night
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, at: Option<&str>) -> Ran {
        let mut command = bare(self.0.path(), &["run", "job.toml", "--state-dir", "state"]);
        command.envs(at.map(|at| (VARIABLE, at)));
        Ran::of(&command.output().unwrap())
    }

    fn state(&self) -> PathBuf {
        std::fs::read_dir(self.path("state")).unwrap().next().unwrap().unwrap().path()
    }

    /// Moves the hour of store and tool on.
    fn wait(&self, hours: i64) {
        let path = self.state().join("simulator.json");
        let mut state = json(&path);
        let now: jiff::Timestamp = state["now"].as_str().unwrap().parse().unwrap();
        let then = now.checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        state["now"] = Value::String(then.to_string());
        std::fs::write(&path, serde_json::to_vec(&state).unwrap()).unwrap();
    }

    fn run_id(&self) -> String {
        json(&self.state().join("checkpoint.json"))["mark"]["run_id"].as_str().unwrap().to_owned()
    }

    fn kept(&self, run_id: &str) -> PathBuf {
        self.path(&format!("r.csv.{run_id}.partial"))
    }
}

fn requested(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row["action"] == "requested").count()
}

#[test]
fn a_run_whose_copies_have_lapsed_starts_anew_and_keeps_what_it_had() {
    let night = Night::broken_off();
    let (run_id, partial) = (night.run_id(), std::fs::read(night.path("r.csv.partial")).unwrap());
    night.wait(24 * 5);
    let kept = night.kept(&run_id);
    night.run(None).expect(0).says(&["starting anew", "may have lapsed", &kept.to_string_lossy()]);
    assert_eq!(std::fs::read(&kept).unwrap(), partial);
    assert_ne!(night.run_id(), run_id);
    let summary = json(&night.path("r.summary.json"));
    assert_eq!(summary["sessions"], 1);
    // All are archived again, so that all are asked for.
    assert_eq!(requested(&rows(&night.path("r.csv"))), 60);
    let put_by = night.state().join(format!("lapsed-{run_id}"));
    let journal = std::fs::read_to_string(put_by.join("journal.jsonl")).unwrap();
    assert!(journal.matches("\"answered\"").count() >= 30, "nothing that was recorded is lost");
    assert!(put_by.join("checkpoint.json").exists());
}

#[test]
fn while_copies_are_there_a_run_goes_on() {
    let night = Night::broken_off();
    let run_id = night.run_id();
    night.wait(24 * 3 - 1);
    let ran = night.run(None).expect(0).says(&["resuming"]);
    assert!(!ran.stderr.contains("starting anew"));
    assert_eq!(night.run_id(), run_id);
    assert_eq!(requested(&rows(&night.path("r.csv"))), 60, "in both sessions together");
    assert!(!night.kept(&run_id).exists());
}

/// Whichever file has been put by when a crash comes, the next run starts anew and nothing is lost.
#[test]
fn a_crash_while_a_lapsed_run_is_put_by() {
    for at in
        ["lapsed-report-kept 1 KILL", "mark-forgotten 1 KILL", "report-made 1 KILL", "mark-saved 1 KILL"]
    {
        let night = Night::broken_off();
        let (run_id, partial) = (night.run_id(), std::fs::read(night.path("r.csv.partial")).unwrap());
        night.wait(24 * 5);
        night.run(Some(at)).expect(-1);
        night.run(None).expect(0);
        assert_eq!(std::fs::read(night.kept(&run_id)).unwrap(), partial, "{at}");
        assert_eq!(requested(&rows(&night.path("r.csv"))), 60, "{at}");
        assert!(Path::exists(&night.state().join(format!("lapsed-{run_id}/journal.jsonl"))), "{at}");
    }
}
