//! The binary waits, hands readable objects on, and gives copies back, on an embedded store whose
//! hours are skipped: also when it is killed between any two of its writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use defrost::pipeline::checkpoint::{CommitPoint, VARIABLE};
use serde_json::Value;

use crate::support::{Ran, bare, rows};
use crate::trial::json;

const OBJECTS: usize = 90;

/// Takes its batch; fails as long as there is a file `busy`.
const TAKE: &str = "#!/bin/sh\n[ -e busy ] && exit 9\necho \"$1 $2\" >> calls\ncat >> taken.jsonl\n";

struct Ground(tempfile::TempDir);

impl Ground {
    fn new(provider: &str, bucket: &str, class: &str, wait: &str) -> Self {
        let ground = Self(tempfile::tempdir().unwrap());
        let seed = format!(
            "[[bucket]]\nname = \"{bucket}\"\nprovider = \"{provider}\"\n[bucket.generate]\ncount = {OBJECTS}\n\
             prefix = \"p/\"\nclasses = {{ {class} = 1 }}\n"
        );
        let job = format!(
            "[job]\nname = \"night\"\n[[source]]\nurl = \"{provider}://{bucket}/p/\"\npage_size = 20\n\
             [restore]\ndays = 3\n[limits]\nrestore_rate = 100_000\n[report]\npath = \"r.csv\"\n\
             [simulator]\nseed = \"seed.toml\"\n[wait]\npoll = \"30m\"\n{wait}"
        );
        std::fs::write(ground.path("seed.toml"), seed).unwrap();
        std::fs::write(ground.path("job.toml"), job).unwrap();
        std::fs::write(ground.path("take.sh"), TAKE).unwrap();
        ground
    }

    /// With a file of keys and a command.
    fn handing() -> Self {
        let wait = "ready_file = \"ready.txt\"\nbatch = 25\n\
                    on_ready = [\"sh\", \"take.sh\", \"{batch}\", \"{ready_file}\"]\n";
        Self::new("oss", "b", "ColdArchive", wait)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &[&str], at: Option<&str>) -> Ran {
        let mut command = bare(self.0.path(), line);
        command.args(["--state-dir", "state"]).env("PATH", std::env::var_os("PATH").unwrap());
        command.envs(at.map(|at| (VARIABLE, at)));
        Ran::of(&command.output().unwrap())
    }

    fn keys(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("ready.txt")).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }

    /// How often each key was handed to the command.
    fn taken(&self) -> BTreeMap<String, u32> {
        let mut taken = BTreeMap::new();
        for line in std::fs::read_to_string(self.path("taken.jsonl")).unwrap_or_default().lines() {
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!((&object["bucket"], &object["class"]), (&"b".into(), &"ColdArchive".into()));
            assert!(
                object["size"].is_u64() && object["expires_at"].is_string() && object["version_id"] == ""
            );
            *taken.entry(object["key"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        taken
    }

    fn wait_json(&self) -> Value {
        let all: Vec<PathBuf> =
            std::fs::read_dir(self.path("state")).unwrap().map(|entry| entry.unwrap().path()).collect();
        json(&all[0].join("wait.json"))["wait"].clone()
    }

    #[track_caller]
    fn all_once(&self) {
        let keys = self.keys();
        let distinct: BTreeSet<&String> = keys.iter().collect();
        assert_eq!((keys.len(), distinct.len()), (OBJECTS, OBJECTS), "each key stands once");
        assert!(self.taken().keys().eq(distinct.into_iter()), "and was handed over");
    }
}

#[test]
fn a_run_waits_for_what_it_asked_for() {
    let ground = Ground::handing();
    ground.run(&["run", "job.toml", "--until", "ready"], None).expect(0).says(&[
        "restore night",
        "90 objects ready, 0 open",
        "ready 90",
        "took 4 batches",
    ]);
    ground.all_once();
    assert!(ground.taken().values().all(|times| *times == 1));
    let calls = std::fs::read_to_string(ground.path("calls")).unwrap();
    let ready_file = ground.path("ready.txt");
    assert!(calls.starts_with("1 ") && calls.lines().count() == 4, "{calls}");
    assert!(calls.contains(ready_file.file_name().unwrap().to_str().unwrap()), "{calls}");
    let wait = ground.wait_json();
    assert_eq!((&wait["finished"], &wait["ready"], &wait["open"]), (&"ready".into(), &90.into(), &0.into()));
    // Nothing is left to wait for, and nothing is handed over twice.
    ground.run(&["wait", "job.toml"], None).expect(0);
    ground.all_once();
    assert!(ground.taken().values().all(|times| *times == 1));
}

/// A report in the order of a list leads to a memory in the order of keys.
#[test]
fn objects_that_were_named_are_waited_for_as_well() {
    let ground = Ground::handing();
    ground.run(&["plan", "job.toml", "--report", "plan.csv"], None).expect(0);
    let mut keys: Vec<String> = rows(&ground.path("plan.csv")).iter().map(|row| row["key"].clone()).collect();
    keys.reverse();
    std::fs::write(ground.path("keys.txt"), keys.join("\n")).unwrap();
    ground.run(&["run", "job.toml", "--files-from", "keys.txt"], None).expect(0);
    ground.run(&["wait", "job.toml"], None).expect(0).says(&["ready 90"]);
    ground.all_once();
    // Those asked for a little later may be ready a look later: each look brings its keys in order.
    let keys = ground.keys();
    let looks = 1 + keys.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(looks <= 3, "{looks} looks, or a look that is not in the order of keys");
    let line = ["release", "job.toml", "--files-from", "keys.txt"];
    ground.run(&line, None).expect(0).says(&["90 objects are named", "released"]);
    assert_eq!(rows(&ground.path("keys.released.csv")).len(), OBJECTS);
}

#[test]
fn a_batch_that_is_not_taken_is_handed_over_again() {
    let ground = Ground::handing();
    ground.run(&["run", "job.toml"], None).expect(0);
    std::fs::write(ground.path("busy"), "").unwrap();
    ground.run(&["wait", "job.toml", "--wait-timeout", "8h"], None).expect(6).says(&[
        "exit status: 9",
        "25 objects are handed over again",
        "the command has not taken all",
    ]);
    assert_eq!((ground.keys().len(), ground.taken().len()), (OBJECTS, 0));
    std::fs::remove_file(ground.path("busy")).unwrap();
    ground.run(&["wait", "job.toml"], None).expect(0);
    ground.all_once();
}

/// Whatever was written when a kill came: each key stands once in the file, and no more than the one
/// batch whose taking was not noted is handed over again.
#[cfg(debug_assertions)]
#[test]
fn a_killed_wait_loses_and_doubles_nothing() {
    let all = CommitPoint::OF_WAITS.iter().chain([CommitPoint::FileWritten, CommitPoint::FileRenamed].iter());
    for (point, pass) in all.flat_map(|point| (1..=7).map(move |pass| (point.name(), pass))) {
        let ground = Ground::handing();
        ground.run(&["run", "job.toml"], None).expect(0);
        let killed = ground.run(&["wait", "job.toml"], Some(&format!("{point} {pass} KILL")));
        if killed.code == 0 {
            assert!(pass > 1, "no wait passes {point}");
            continue;
        }
        ground.run(&["wait", "job.toml"], None).expect(0);
        ground.all_once();
        let again = ground.taken().values().filter(|times| **times > 1).count();
        assert!(again <= 25, "{point} {pass}: {again} objects were handed over again");
        assert!(ground.taken().values().all(|times| *times <= 2), "{point} {pass}");
    }
}

/// A second wait begins a new account of what is handed on: wherever a kill strikes then, what the next
/// run asks for is handed on from its first object.
#[cfg(debug_assertions)]
#[test]
fn a_wait_that_was_killed_as_it_began_keeps_nothing_back_from_the_next() {
    for (point, pass) in [CommitPoint::FileRenamed, CommitPoint::WaitSaved]
        .iter()
        .flat_map(|point| (1..=2).map(move |pass| (point.name(), pass)))
    {
        let ground = Ground::handing();
        ground.run(&["plan", "job.toml", "--report", "plan.csv"], None).expect(0);
        let keys: Vec<String> = rows(&ground.path("plan.csv")).iter().map(|row| row["key"].clone()).collect();
        for (name, keys) in [("one.txt", &keys[..50]), ("two.txt", &keys[50..])] {
            std::fs::write(ground.path(name), keys.join("\n")).unwrap();
        }
        ground.run(&["run", "job.toml", "--files-from", "one.txt", "--report", "one.csv"], None).expect(0);
        ground.run(&["wait", "job.toml"], None).expect(0);
        let killed = ground.run(&["wait", "job.toml"], Some(&format!("{point} {pass} KILL")));
        assert_eq!(killed.code, -1, "{point} {pass}");
        ground.run(&["run", "job.toml", "--files-from", "two.txt", "--report", "two.csv"], None).expect(0);
        ground.run(&["wait", "job.toml"], None).expect(0);
        ground.all_once();
        assert!(ground.taken().values().all(|times| *times == 1), "{point} {pass}");
    }
}

#[test]
fn copies_are_given_back_and_it_is_safe_to_repeat() {
    let ground = Ground::handing();
    ground.run(&["run", "job.toml"], None).expect(0);
    let early = ["release", "job.toml", "--from-csv", "r.csv", "--report", "early.csv"];
    ground.run(&early, None).expect(1).says(&["ArchiveRestoreNotFinished"]);
    ground.run(&["wait", "job.toml"], None).expect(0);
    ground.run(&["release", "job.toml", "--from-csv", "r.csv"], None).expect(0).says(&["released"]);
    let released = rows(&ground.path("r.released.csv"));
    assert_eq!(released.len(), OBJECTS);
    for row in &released {
        assert_eq!((row["action"].as_str(), row["state"].as_str()), ("released", "archived"));
        assert_eq!(row["http_status"], "200");
    }
    let again = ["release", "job.toml", "--from-csv", "r.csv", "--report", "again.csv"];
    ground.run(&again, None).expect(0);
    for row in rows(&ground.path("again.csv")) {
        assert_eq!((row["action"].as_str(), row["error_code"].as_str()), ("none", "ArchiveRestoreFileStale"));
    }
}

/// Sources and retries of a rehearsal have one store: what one has asked for, the next finds.
#[test]
fn several_sources_are_waited_for_in_one_store() {
    let ground = Ground::new("oss", "b", "ColdArchive", "");
    let job = std::fs::read_to_string(ground.path("job.toml")).unwrap();
    let more = "[[source]]\nurl = \"oss://b/\"\n[restore]";
    let job = job.replace("[restore]", more).replace("r.csv", "{source}.csv");
    std::fs::write(ground.path("job.toml"), job).unwrap();
    ground.run(&["run", "job.toml"], None).expect(0);
    let second = rows(&ground.path("2.csv"));
    assert!(!second.is_empty() && second.iter().all(|row| row["action"] == "already"), "{second:?}");
    ground.run(&["wait", "job.toml"], None).expect(0).says(&["90 of 90 objects ready"]);
}

#[test]
fn a_file_of_keys_that_cannot_be_written_is_told_before_the_wait() {
    let ground = Ground::handing();
    ground.run(&["run", "job.toml"], None).expect(0);
    let line = ["wait", "job.toml", "--ready-file", "none/r.txt"];
    ground.run(&line, None).expect(8).in_one_error().says(&["none/r.txt", "another --ready-file"]);
    ground.run(&["wait", "job.toml"], None).expect(0);
    ground.all_once();
}

#[test]
fn a_release_that_cannot_be_is_refused_before_anything_is_sent() {
    for (provider, bucket, class) in [("cos", "b-125", "ARCHIVE"), ("s3", "bbb", "GLACIER")] {
        let ground = Ground::new(provider, bucket, class, "");
        std::fs::write(ground.path("list.csv"), "key\np/1\n").unwrap();
        let line = ["release", "job.toml", "--from-csv", "list.csv"];
        ground.run(&line, None).expect(2).in_one_error().says(&["no call that gives a copy back"]);
        assert!(!ground.path("state").exists());
    }
    let ground = Ground::handing();
    for (list, said) in [
        ("key,bucket\np/a,b\np/b,other\n", "list.csv:3: is of the bucket `other`"),
        ("name\na\n", "has no column `key`"),
        ("key\nq/1\n", "does not begin with the prefix of the URL"),
        ("key,key_encoding\na%2,url\n", "list.csv:2: `a%2` is not percent-encoded"),
    ] {
        std::fs::write(ground.path("list.csv"), list).unwrap();
        let line = ["release", "job.toml", "--from-csv", "list.csv"];
        ground.run(&line, None).expect(2).in_one_error().says(&[said]);
        assert!(!ground.path("list.released.csv").exists());
    }
    ground.run(&["release", "job.toml"], None).expect(2).in_one_error();
    // The list may be the only report of the night.
    let list = "key\np/1\n";
    std::fs::write(ground.path("list.csv"), list).unwrap();
    let line = ["release", "job.toml", "--from-csv", "list.csv", "--report", "./list.csv"];
    ground.run(&line, None).expect(2).in_one_error().says(&["over the list", "--report"]);
    assert_eq!(std::fs::read_to_string(ground.path("list.csv")).unwrap(), list);
}

#[test]
fn a_wait_that_could_know_nothing_is_refused_before_the_run() {
    let ground = Ground::handing();
    for more in [&["--rows", "failed"][..], &["--report", "-"]] {
        let line = [&["run", "job.toml", "--until", "ready"][..], more].concat();
        ground.run(&line, None).expect(2).in_one_error().says(&["does not say what is being restored"]);
    }
    assert!(!ground.path("state").exists(), "nothing was begun");
}

#[test]
fn a_wait_without_a_run_is_told_what_to_do() {
    let ground = Ground::handing();
    let refused = ground.run(&["wait", "job.toml"], None).expect(2).in_one_error();
    refused.says(&["nothing is known to be restoring", "defrost run"]);
}
