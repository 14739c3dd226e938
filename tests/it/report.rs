//! A report looked at: that of a run in a simulated store, and what people hand over instead.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::scene::{OBJECTS, denied, restore_as, scene, scene_of};
use crate::support::{Keys, Ran, Rig, S3, VENDORS, bare};

fn run(folder: &Path, args: &[&str]) -> Ran {
    Ran::of(&bare(folder, args).output().unwrap())
}

fn figures(rig: &Rig, file: &str) -> Value {
    serde_json::from_str(&run(rig.folder(), &["report", file, "--json"]).expect(0).stdout).unwrap()
}

fn finished(vendor: crate::support::Vendor) -> Rig {
    let rig = scene_of(vendor, |bucket| bucket.generate.as_mut().unwrap().prefix = "p/<b>/".to_owned());
    restore_as(&rig, vendor, Keys::GOOD, &[]).expect(0);
    rig
}

#[test]
fn a_run_is_told_as_it_was_on_every_store() {
    for vendor in VENDORS {
        let rig = finished(vendor);
        let told = figures(&rig, "r.csv");
        let rows = rig.rows("r.csv");
        assert_eq!(told["total"]["objects"], rows.len() as u64);
        let bytes: u64 = rows.iter().map(|row| row["size"].parse::<u64>().unwrap()).sum();
        assert_eq!(told["total"]["bytes"], bytes);
        assert_eq!(told["classes"][vendor.cold]["restoring"]["objects"], OBJECTS);
        assert_eq!(told["actions"]["requested"]["objects"], OBJECTS);
        assert_eq!((&told["seal"]["is"], &told["run"]["exit_code"]), (&"intact".into(), &0.into()));
        assert_eq!(told["run"]["target"], vendor.url(""));
        assert_eq!(told["folders"]["common"], "p/<b>/");

        let text = run(rig.folder(), &["report", "r.csv"]).expect(0);
        assert!(text.stderr.is_empty() && text.stdout.contains("intact: SHA-256"), "{text:?}");
        assert!(text.stdout.contains(&format!("requested       {OBJECTS}")), "{}", text.stdout);

        let made = run(rig.folder(), &["report", "r.csv", "--html", "page.html"]).expect(0);
        assert_eq!((made.stdout.as_str(), made.stderr.as_str()), ("", "wrote page.html\n"));
        let page = std::fs::read_to_string(rig.path("page.html")).unwrap();
        assert!(page.contains("p/&lt;b&gt;/") && !page.contains("<b>"), "{page}");
        let piped = run(rig.folder(), &["report", "r.csv", "--html", "-"]).expect(0);
        assert!(piped.stdout.starts_with("<!DOCTYPE html>") && piped.stdout.ends_with("</html>\n"));
    }
}

#[test]
fn a_page_takes_the_place_of_no_report_and_of_nothing_but_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "key,state\na,archived\n";
    std::fs::write(folder.path().join("r.csv"), rows).unwrap();
    std::fs::create_dir(folder.path().join("d")).unwrap();
    run(folder.path(), &["report", "r.csv", "--html", "./r.csv"]).expect(2).says(&["over the report"]);
    run(folder.path(), &["report", "r.csv", "--html", "d"]).expect(8).says(&["no plain file", "--html -"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("r.csv")).unwrap(), rows);
}

#[test]
fn failures_are_told_with_what_to_do() {
    let rig = scene(S3);
    rig.server.add_fault(denied());
    restore_as(&rig, S3, Keys::GOOD, &[]).expect(1);
    let text = run(rig.folder(), &["report", "r.csv"]).expect(0).stdout;
    assert!(text.contains("failed AccessDenied: 24 objects\n  grant s3:RestoreObject"), "{text}");
    let told = figures(&rig, "r.csv");
    assert_eq!(told["failures"]["rows"].as_array().unwrap().len(), 24);
    assert_eq!((&told["failures"]["left_out"], &told["run"]["exit_code"]), (&0.into(), &1.into()));
}

#[test]
fn a_report_that_was_changed_is_told_in_so_many_words() {
    let rig = finished(S3);
    let mut text = std::fs::read_to_string(rig.path("r.csv")).unwrap();
    text = text.replacen("restoring", "restored", 1);
    std::fs::write(rig.path("r.csv"), text).unwrap();
    let told = run(rig.folder(), &["report", "r.csv"]).expect(1).stdout;
    assert!(told.contains("NOT the file that the run wrote"), "{told}");
    let told = run(rig.folder(), &["report", "r.csv", "--json"]).expect(1).stdout;
    assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["seal"]["is"], "changed");
    std::fs::remove_file(rig.path("r.summary.json")).unwrap();
    let told = figures(&rig, "r.csv");
    assert_eq!((&told["seal"]["is"], &told["run"]), (&"no_summary".into(), &Value::Null));
}

#[test]
fn what_a_stopped_run_has_left_is_told_as_unfinished() {
    let rig = finished(S3);
    let text = std::fs::read(rig.path("r.csv")).unwrap();
    std::fs::remove_file(rig.path("r.csv")).unwrap();
    std::fs::write(rig.path("r.csv.partial"), &text[..text.len() - 30]).unwrap();
    let told = run(rig.folder(), &["report", "r.csv"]).expect(2);
    assert!(told.stderr.contains("`defrost report r.csv.partial` shows what there is"), "{}", told.stderr);
    let told = figures(&rig, "r.csv.partial");
    assert_eq!(
        (&told["unfinished"], &told["torn"], &told["run"]),
        (&true.into(), &true.into(), &Value::Null)
    );
    assert_eq!(told["total"]["objects"], OBJECTS - 1);
    // A faulty row in the midst of it is one, all the same.
    std::fs::write(rig.path("r.csv.partial"), "key,size\na\nb,1\n").unwrap();
    let told = run(rig.folder(), &["report", "r.csv.partial"]).expect(2);
    assert!(told.stderr.contains("line 2: it has 1 fields where 2 are named"), "{}", told.stderr);
}

#[test]
fn a_list_of_keys_comes_through_a_pipe() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare(folder.path(), &["report", "-"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"key,size\na/1,5\nb/2,6\n").unwrap();
    let ran = Ran::of(&child.wait_with_output().unwrap()).expect(0);
    assert!(ran.stdout.starts_with("report    -: 2 objects, 11 B\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("no column `state`"), "{}", ran.stdout);
}

/// A pipe that nothing comes through must not hold anybody.
#[cfg(target_os = "linux")]
#[test]
fn who_reads_can_be_stopped() {
    use crate::support::until;
    use std::process::Command;
    const TERM: u64 = 1 << 14;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.csv"), "key,state\n").unwrap();
    let scan = ["scan", "oss://b/", "--region", "cn-hangzhou", "--files-from", "-", "--report", "s.csv"];
    for line in [&["report", "-"][..], &["diff", "r.csv", "-"], &scan] {
        let mut command = bare(folder.path(), line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _open = child.stdin.take().unwrap();
        until("it listens for signals", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
            u64::from_str_radix(caught.trim(), 16).unwrap() & TERM > 0
        });
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
        assert!(sent.unwrap().success());
        until("it has ended", || child.try_wait().unwrap().is_some());
        Ran::of(&child.wait_with_output().unwrap()).expect(143);
    }
}

#[test]
fn a_file_that_is_no_report_is_two_and_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), "name,size\na,1\n").unwrap();
    std::fs::write(folder.path().join("y.csv"), "key,size\na,1\nb\n").unwrap();
    for (file, said) in [
        ("x.csv", "`x.csv` has no column `key`"),
        ("y.csv", "`y.csv`, line 3: it has 1 fields where 2 are named"),
        ("z.csv", "cannot read `z.csv`"),
        (".", "cannot read `.`"),
    ] {
        for form in [&[][..], &["--json"], &["--html", "page.html"]] {
            let ran = run(folder.path(), &[&["report", file], form].concat()).expect(2);
            assert!(ran.stdout.is_empty(), "{}", ran.stdout);
            assert!(ran.stderr.contains(said) && ran.stderr.contains("hint: "), "{}", ran.stderr);
        }
    }
    assert!(!folder.path().join("page.html").exists());
    run(folder.path(), &["report", "x.csv", "--json", "--html", "p"]).expect(2);
}

#[test]
fn a_page_that_cannot_be_written_is_eight_and_leaves_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("k.csv"), "key\na\n").unwrap();
    let ran = run(folder.path(), &["report", "k.csv", "--html", "no/page.html"]).expect(8);
    assert!(ran.stderr.contains("cannot write the page `no/page.html`"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: name another file with --html"), "{}", ran.stderr);
    std::fs::write(folder.path().join("page.html"), "old").unwrap();
    // The name under which a new page is written is taken by a folder.
    std::fs::create_dir(folder.path().join("page.html.new")).unwrap();
    run(folder.path(), &["report", "k.csv", "--html", "page.html"]).expect(8);
    assert_eq!(std::fs::read_to_string(folder.path().join("page.html")).unwrap(), "old");
}
