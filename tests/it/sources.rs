//! Several sources in one job file, and retries of what failed.

use defrost::pipeline::checkpoint::VARIABLE;
use defrost::sim::{BucketConfig, Call, Config, Fault, FaultKind, Generate};

use crate::scene::{job, run_as, scene, unasked};
use crate::support::{Keys, OSS, Ran, Rig, S3, VENDORS};

/// Two buckets of one store, and a job file over both.
fn two(report: &str) -> Rig {
    let bucket = |name: &str, count| {
        let mut bucket = BucketConfig::new(S3.dialect, name);
        bucket.region = Some(S3.region.to_owned());
        bucket.generate = Some(Generate {
            count,
            prefix: "p/".to_owned(),
            classes: [(S3.cold.to_owned(), 1)].into(),
            ..Generate::default()
        });
        bucket
    };
    let rig =
        Rig::new(Config::default().with_bucket(bucket("first-b", 30)).with_bucket(bucket("second-b", 40)));
    let place = format!("region = \"{}\"\nendpoint_url = \"{}\"\n", S3.region, rig.server.url());
    let text = format!(
        "[job]\nname = \"night\"\n[[source]]\nurl = \"s3://first-b/\"\n{place}[[source]]\nname = \"logs\"\n\
         url = \"s3://second-b/p/\"\npage_size = 10\n{place}[restore]\ndays = 2\n[report]\npath = \"{report}\"\n"
    );
    std::fs::write(rig.path("job.toml"), text).unwrap();
    rig
}

#[test]
fn each_source_is_a_run_of_its_own() {
    let rig = two("{source}.csv");
    run_as(&rig, Keys::GOOD, &["check", "job.toml"]).expect(0).says(&["s3://first-b/", "s3://second-b/p/"]);
    run_as(&rig, Keys::GOOD, &["plan", "job.toml"]).expect(0);
    assert_eq!((rig.rows("1.plan.csv").len(), rig.rows("logs.plan.csv").len()), (30, 40));
    for more in [&["--json"][..], &["--out", "plan.json"]] {
        let line: Vec<&str> = ["plan", "job.toml"].iter().chain(more).copied().collect();
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(&["several sources"]);
    }
    assert_eq!(rig.server.ledger().restores().len(), 0);
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    assert_eq!((rig.rows("1.csv").len(), rig.rows("logs.csv").len()), (30, 40));
    assert_eq!(rig.server.ledger().restores().len(), 70);
    for name in ["night.1", "night.logs"] {
        assert!(rig.path(".defrost").join(name).join("checkpoint.json").exists(), "{name}");
    }
    let told = run_as(&rig, Keys::GOOD, &["status", "job.toml"]).expect(0);
    assert!(told.stdout.contains("night.1") && told.stdout.contains("night.logs"), "{}", told.stdout);
    // Both are waited for, one after the other.
    let told =
        run_as(&rig, Keys::GOOD, &["wait", "job.toml", "--wait-timeout", "1s", "--poll", "1s"]).expect(6);
    told.says(&["night.1", "night.logs"]);
    run_as(&rig, Keys::GOOD, &["run", "job.toml", "--report", "{job}.csv"]).expect(0);
    assert_eq!((rig.rows("night.1.csv").len(), rig.rows("night.logs.csv").len()), (30, 40));
    assert_eq!(rig.server.ledger().restores().len(), 70, "nothing is asked for twice");
}

#[cfg(debug_assertions)]
#[test]
fn the_second_source_goes_on_where_it_was_killed() {
    let rig = two("{job}.csv");
    let mut command = crate::support::bare(rig.folder(), &["run", "job.toml"]);
    Keys::GOOD.put(&mut command);
    command.env(VARIABLE, "answer-written 50 KILL");
    Ran::of(&command.output().unwrap());
    assert_eq!(rig.rows("night.1.csv").len(), 30);
    assert!(!rig.path("night.logs.csv").exists());
    run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
    assert_eq!((rig.rows("night.1.csv").len(), rig.rows("night.logs.csv").len()), (30, 40));
    assert_eq!(rig.server.ledger().restores().len(), 70);
}

#[test]
fn sources_that_would_meet_are_refused() {
    let rig = two("x.csv");
    let told = run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(2).in_one_error();
    told.says(&["job.toml:16:8: [report] path", "several sources", "{source}"]);
    std::fs::write(rig.path("r.csv"), crate::scene::PRECIOUS).unwrap();
    for (sources, pieces) in [
        (
            "[[source]]\nname = \"2\"\nurl = \"s3://a\"\n[[source]]\nurl = \"s3://b\"\n",
            &["job.toml:4:1: [[source]]: has the name of another source", "its own `name`"][..],
        ),
        (
            "[[source]]\nname = \"a b\"\nurl = \"s3://a\"\n[[source]]\nurl = \"s4://b\"\n",
            &["job.toml:2:8: [[source]] name", "job.toml:5:7: [[source]] url", "letters, digits"],
        ),
        ("[[source]]\nurl = \"s3://a\"\n[[source]]\n", &["job.toml:3:1: [[source]] url: is missing"]),
        ("source = [1, 2]\n", &["job.toml:1:1: source: must be a table"]),
    ] {
        std::fs::write(rig.path("job.toml"), sources).unwrap();
        for verb in ["run", "check", "status"] {
            run_as(&rig, Keys::GOOD, &[verb, "job.toml"]).expect(2).in_one_error().says(pieces);
        }
    }
    std::fs::write(rig.path("job.toml"), "[[source]]\nurl = \"s3://a\"\n[[source]]\nurl = \"s3://b\"\n")
        .unwrap();
    for (flag, value) in
        [("--files-from", "k"), ("--from-csv", "-"), ("--report", "x.csv"), ("--report", "-")]
    {
        let told = run_as(&rig, Keys::GOOD, &["run", "job.toml", flag, value]).expect(2);
        told.in_one_error().says(&[flag, "several sources"]);
    }
    unasked(&rig);
}

#[test]
fn a_retry_asks_for_what_failed_and_for_nothing_else() {
    for vendor in VENDORS {
        let mut bucket = vendor.bucket();
        bucket.generate = Some(Generate {
            count: 25,
            prefix: "p/".to_owned(),
            classes: [(vendor.cold.to_owned(), 1)].into(),
            ..Generate::default()
        });
        let mut config = Config::default().with_bucket(bucket);
        config.faults.push(Fault { every: 3, ..Fault::new(FaultKind::Internal).on(Call::Restore).first(8) });
        let rig = Rig::new(config);
        job(&rig, vendor, "[restore]\ndays = 2\n[limits]\nmax_attempts = 1\n");
        for line in [&["retry", "job.toml"][..], &["retry", "job.toml", "--dry-run"]] {
            let told = run_as(&rig, Keys::GOOD, line).expect(2).in_one_error();
            told.says(&["`job.toml` has not been run yet", "defrost run job.toml"]);
        }
        assert_eq!(rig.server.ledger().counts().total, 0);
        run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(1);
        let report = rig.rows("r.csv");
        let failed: Vec<&str> =
            report.iter().filter(|row| row["action"] == "failed").map(|row| row["key"].as_str()).collect();
        assert_eq!((report.len(), failed.len()), (25, 8));
        let before = rig.server.ledger().counts();
        run_as(&rig, Keys::GOOD, &["retry", "job.toml", "-n"]).expect(0);
        let asked = rig.server.ledger().restores().len();
        run_as(&rig, Keys::GOOD, &["retry", "job.toml"]).expect(0);
        let counts = rig.server.ledger().counts();
        assert_eq!(counts.list, before.list, "nothing is listed");
        assert_eq!(rig.server.ledger().restores().len() - asked, failed.len(), "{vendor:?}");
        let rows = rig.rows("r.retry.csv");
        assert_eq!(rows.iter().map(|row| row["key"].as_str()).collect::<Vec<_>>(), failed);
        assert!(rows.iter().all(|row| row["action"] == "requested"));
        assert_eq!(rig.rows("r.csv"), report, "the report of the run stays");
        let told = run_as(&rig, Keys::GOOD, &["status", "job.toml"]).expect(0);
        assert!(told.stdout.contains("job-retry"), "{}", told.stdout);
        // What a retry could not do either is in its own report.
        let told = run_as(&rig, Keys::GOOD, &["retry", "job.toml", "--from-csv", "r.retry.csv"]).expect(0);
        told.says(&["nothing failed"]);
        assert_eq!(rig.server.ledger().restores().len() - asked, failed.len());
    }
}

#[test]
fn a_retry_needs_a_report_that_says_what_failed() {
    let rig = scene(OSS);
    job(&rig, OSS, "[restore]\ndays = 2\n");
    std::fs::write(rig.path("keys.csv"), "key\np/a\n").unwrap();
    for (more, pieces) in [
        (&["--from-csv", "none.csv"][..], &["none.csv: cannot be read", "check the path"][..]),
        (&["--from-csv", "keys.csv"], &["keys.csv:1: has no column `action`", "--from-csv"]),
        (&["--from-csv", "-"], &["--from-csv", "reads its report twice"]),
        (&["--files-from", "keys.csv"], &["--files-from", "from a report"]),
    ] {
        let line: Vec<&str> = ["retry", "job.toml"].iter().chain(more).copied().collect();
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
    }
    unasked(&rig);
}

#[test]
fn what_a_day_may_take_is_shared_by_all_sources_and_retries() {
    let rig = two("{source}.csv");
    let text = std::fs::read_to_string(rig.path("job.toml")).unwrap();
    std::fs::write(rig.path("job.toml"), format!("{text}[limits]\ndaily_objects = 45\n")).unwrap();
    for _ in 0..2 {
        run_as(&rig, Keys::GOOD, &["run", "job.toml"]).expect(0);
        assert_eq!(rig.server.ledger().restores().len(), 45, "30 of the first, 15 of the second");
    }
    let deferred = rig.rows("logs.csv").iter().filter(|row| row["action"] == "deferred").count();
    assert_eq!(deferred, 25);
    // What is deferred has not failed, and a retry finds the same day as spent as the run did.
    run_as(&rig, Keys::GOOD, &["retry", "job.toml"]).expect(0).says(&["nothing failed"]);
    let mut text = std::fs::read_to_string(rig.path("logs.csv")).unwrap();
    text = text.replace(",deferred,", ",failed,");
    std::fs::write(rig.path("logs.csv"), text).unwrap();
    run_as(&rig, Keys::GOOD, &["retry", "job.toml"]).expect(0);
    assert_eq!(rig.server.ledger().restores().len(), 45);
    assert_eq!(rig.rows("logs.retry.csv").iter().filter(|row| row["action"] == "deferred").count(), 25);
}
