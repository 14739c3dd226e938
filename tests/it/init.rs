//! `init` as a script uses it, without a terminal, and the demo that it writes.

use crate::support::{Ran, bare};

fn run(folder: &std::path::Path, args: &[&str]) -> Ran {
    Ran::of(&bare(folder, args).output().unwrap())
}

#[test]
fn flags_make_a_file_that_passes_check() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let line =
        ["init", "--url", "oss://logs-archive/2024/", "--region", "cn-hangzhou", "--days", "30", "x y.toml"];
    let made = run(here, &line).expect(0).says(&["wrote 'x y.toml'", "defrost check 'x y.toml' --online"]);
    assert!(made.stderr.contains("0 22 * * * ") && made.stdout.is_empty(), "{}", made.stderr);
    assert!(made.stderr.contains(&*here.to_string_lossy()), "cron knows no working folder");
    run(here, &["check", "x y.toml"]).expect(0);
    // What was written is not written over.
    let before = std::fs::read(here.join("x y.toml")).unwrap();
    run(here, &line).expect(2).in_one_error().says(&["`x y.toml`", "--force"]);
    assert_eq!(std::fs::read(here.join("x y.toml")).unwrap(), before);
    let mut again = line.to_vec();
    again.extend(["--force", "--tier", "Bulk"]);
    run(here, &again).expect(0);
    assert_ne!(std::fs::read(here.join("x y.toml")).unwrap(), before);
    let shown = run(here, &["init", "--url", "s3://my-bucket/", "--audit", "-"]).expect(0);
    assert!(shown.stdout.contains("[[source]]") && !shown.stdout.contains("[restore]\n"), "{}", shown.stdout);
    assert_eq!(shown.stderr, "");
}

#[test]
fn without_a_terminal_what_is_needed_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (line, pieces) in [
        (&["init"][..], &["--url and --region", "defrost init --url"][..]),
        (&["init", "--url", "cos://media-1250000000"], &["--region"]),
        (&["init", "--url", "logs", "--region", "x"], &["[[source]] url", "does not say which store"]),
        (
            &["init", "--url", "oss://logs-1", "--region", "hangzhou"],
            &["[[source]] region = \"hangzhou\"", "is not a region of OSS", "`cn-hangzhou`"],
        ),
        (
            &["init", "--url", "s3://b-1", "--report", "~/r.csv"],
            &["[report] path = \"~/r.csv\"", "only a shell resolves", "whole path"],
        ),
        (&["init", "--url", "s3://b-1", "--days", "400"], &["[restore] days = 400", "1 to 365"]),
        (&["init", "--url", "s3://b-1", "--at", "25:00"], &["--at", "00:00 to 23:59"]),
        (&["init", "--url", "s3://b-1", "--storage-class", "GLACER"], &["`GLACER`", "`GLACIER`?"]),
        (&["init", "--url", "s3://b-1", "none/x.toml"], &["`none/x.toml`", "make its folder first"]),
        (&["init", "--demo", "--url", "s3://b"], &["--demo", "--url"]),
    ] {
        let ran = run(here, line).in_one_error().says(pieces);
        assert!([2, 8].contains(&ran.code), "{line:?}: {}", ran.code);
    }
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 0, "something was written");
}

#[test]
fn the_demo_needs_no_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    run(here, &["init", "--demo"]).expect(0).says(&["defrost run defrost-demo/demo.toml"]);
    run(here, &["check", "defrost-demo/demo.toml"]).expect(0);
    run(here, &["plan", "defrost-demo/demo.toml"]).expect(0).says(&["20,000"]);
    run(here, &["init", "--demo"]).expect(2).in_one_error().says(&["demo.toml", "--force"]);
}
