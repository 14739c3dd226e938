//! Bad input: the documented exit code, one error that names the place and a way out, nothing sent,
//! and nothing lost that was there.

use crate::scene::{job, run_as, scene, unasked};
use crate::support::{COS, Keys, OSS, Ran, S3, VENDORS, bare};

#[test]
fn faults_of_a_job_file_are_told_with_their_line_before_anything_is_sent() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        for (tail, pieces) in [
            (
                "[limits]\nrestore_rat = 5\n",
                &["job.toml:8:1: [limits] restore_rat", "did you mean `restore_rate`?"][..],
            ),
            ("[restore]\ndays = \"x\"\n", &["job.toml:8:8: [restore] days", "1 to 365"]),
            (
                "[restore]\ndays = 0\ntier = \"fast\"\n[filter]\nexclude = [\"a[b\"]\n",
                &["job.toml:8:8: ", "job.toml:9:8: ", "job.toml:11:12: ", "`Expedited`", "close it"],
            ),
            ("[restore\ndays = 3\n", &["job.toml:7:9: not valid TOML: "]),
            ("[restore]\n", &["job.toml:7:2: [restore] days", "add `days = 7`"]),
            ("[report]\nrows = \"all\"\n", &["job.toml:7:", "not valid TOML: "]),
        ] {
            job(&rig, vendor, tail);
            for verb in ["run", "check", "plan"] {
                run_as(&rig, Keys::GOOD, &[verb, "job.toml"]).expect(2).in_one_error().says(pieces);
            }
            unasked(&rig);
        }
        assert!(!rig.path(".defrost").exists(), "a faulty job leaves no state");
    }
}

#[test]
fn what_a_class_does_not_offer_is_told_with_file_class_and_bounds() {
    // Sources: OSS RestoreObject, COS POST Object restore, S3 RestoreObject pages, read 2026-11.
    for (vendor, wish, pieces) in [
        (
            OSS,
            "days = 30",
            &["job.toml: Archive keeps a restored copy 1 to 7 days, not 30", "--fit clamp"][..],
        ),
        (
            OSS,
            "days = 2\ntier = \"Bulk\"",
            &["job.toml: DeepColdArchive offers Expedited and Standard, not Bulk"],
        ),
        (
            COS,
            "days = 2\ntier = \"Expedited\"",
            &["job.toml: DEEP_ARCHIVE offers Standard and Bulk, not Expedited"],
        ),
        (
            S3,
            "days = 2\ntier = \"Expedited\"",
            &["job.toml: DEEP_ARCHIVE offers Standard and Bulk, not Expedited"],
        ),
        (
            OSS,
            "days = 2\n[restore.class.ColdArchve]\ndays = 3",
            &["job.toml: [restore.class]", "`ColdArchive`?"],
        ),
        (
            OSS,
            "days = 9\n[filter]\nstorage_class = [\"Archve\", \"Archive\"]",
            &[
                "no storage class `Archve`; did you mean `Archive`?",
                "1 to 7 days, not 9",
                "the classes are Standard, ",
            ],
        ),
        (COS, "days = 2\n[filter]\nstorage_class = [\"GLACIER\"]", &["COS has no storage class `GLACIER`"]),
    ] {
        let rig = scene(vendor);
        job(&rig, vendor, &format!("[restore]\n{wish}\n"));
        for verb in ["run", "check", "plan"] {
            run_as(&rig, Keys::GOOD, &[verb, "job.toml"]).expect(2).in_one_error().says(pieces);
        }
        unasked(&rig);
    }
    // On the line it is the class that is the place. An S3 look-alike may have classes of its own.
    let rig = scene(OSS);
    for (url, more, pieces) in [
        ("oss://test-archive", ["--days", "30"], "Archive keeps a restored copy 1 to 7 days, not 30"),
        ("oss://test-archive", ["--storage-class", "coldarchve"], "did you mean `ColdArchive`?"),
        ("s3://test-archive", ["--storage-class", "GLACER"], "did you mean `GLACIER`?"),
    ] {
        let mut line = vec!["restore", url, "--region", "cn-hangzhou", "--report", "r.csv"];
        line.extend(more);
        if more[0] != "--days" {
            line.extend(["--days", "2"]);
        }
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(&[pieces]);
    }
    unasked(&rig);
}

#[test]
fn job_files_that_cannot_be_read_are_named() {
    let rig = scene(S3);
    std::fs::create_dir(rig.path("folder.toml")).unwrap();
    std::fs::write(rig.path("bytes.toml"), [0xff, 0xfe, 0x01]).unwrap();
    std::fs::write(rig.path("long.toml"), " ".repeat((1 << 20) + 1)).unwrap();
    for (file, hint) in [
        ("none.toml", "check the path"),
        ("long.toml", "larger than 1 MiB"),
        ("folder.toml", "name a job file in this folder"),
        ("bytes.toml", "UTF-8"),
        ("r.csv/job.toml", "hint: "),
    ] {
        for verb in ["run", "check", "plan", "status"] {
            let told = run_as(&rig, Keys::GOOD, &[verb, file]).expect(2).in_one_error();
            told.says(&[&format!("cannot read the job file `{file}`"), hint]);
        }
    }
    // Each of several is told.
    let told = run_as(&rig, Keys::GOOD, &["check", "none.toml", "bytes.toml"]).expect(2);
    told.says(&["`none.toml`", "`bytes.toml`"]);
    unasked(&rig);
}

#[test]
fn urls_flags_and_variables_that_mean_nothing_are_refused() {
    let rig = scene(S3);
    for (url, pieces) in [
        ("s4://test-archive", &["URL", "did you mean `s3://test-archive`?"][..]),
        ("gs://test-archive", &["URL", "--endpoint-url"]),
        ("oss://", &["URL", "names no bucket"]),
        ("cos:///p", &["names no bucket", "`cos://p/...`"]),
        ("s3:/b/p", &["lacks the `//`", "`s3://b/p`"]),
        ("test-archive", &["does not say which store", "`s3://bucket/prefix`"]),
        ("https://b.s3.amazonaws.com/p", &["is a web address", "`s3://bucket/prefix`"]),
        ("job.toml", &["is a job file", "defrost run"]),
        ("cos://logs/p", &["`logs` cannot be the name of a bucket", "APPID", "hint: "]),
        ("oss://Logs/p", &["`Logs` cannot be the name of a bucket", "hint: "]),
        ("s3://ab/p", &["`ab` cannot be the name of a bucket", "3 to 63", "hint: "]),
    ] {
        let line = ["restore", url, "--days", "2", "--region", "cn-hangzhou", "--report", "r.csv"];
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
    }
    for (more, pieces) in [
        (&["--days", "x", "--include", "a[b"][..], &["--days \"x\"", "--include \"a[b\"", "close it"][..]),
        (&["--days", "-1"], &["--days \"-1\"", "1 to 365"]),
        (&[], &["--days: is missing", "--days 7"]),
        (
            &["--days", "2", "--rate-limit", "0", "--concurrency", "99999"],
            &["--rate-limit", "--concurrency", "4096"],
        ),
        (&["--days", "2", "--fresh", "--resume"], &["--fresh", "--resume"]),
        (&["--days", "2", "-q", "-v"], &["--quiet", "--verbose"]),
        (&["--days", "2", "--list-v1", "--list-api", "v2"], &["--list-v1", "--list-api"]),
        (&["--days", "2", "--days", "3"], &["--days"]),
        (&["--days", "2", "--dais", "3"], &["--dais", "--days"]),
        (&["--days", "2", "--endpoint-url", "http://10.1.2.3"], &["--endpoint-url", "--allow-http"]),
        (&["--days", "2", "--endpoint-url", "https://h/path"], &["--endpoint-url", "has a path"]),
        (&["--days", "2", "--region", "cn hangzhou"], &["--region", "`cn-hangzhou`"]),
        (&["--days", "2", "--start-after", "m", "--end-with", "a"], &["--end-with", "swap"]),
        (&["--days", "2", "--report", "{day}.csv"], &["--report", "`{date}`"]),
        (&["--days", "2", "--report", "out/"], &["--report", "is a folder"]),
    ] {
        let mut line = vec!["restore", "s3://test-archive"];
        line.extend(more);
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
    }
    let mut command = bare(rig.folder(), &["restore", "s3://test-archive"]);
    command.env("DEFROST_DAYS", "soon").env("DEFROST_TIER", "warm");
    let told = Ran::of(&command.output().unwrap()).expect(2).in_one_error();
    told.says(&["environment DEFROST_DAYS", "environment DEFROST_TIER", "1 to 365", "`Bulk`"]);
    unasked(&rig);
}

#[test]
fn without_a_region_oss_and_cos_have_no_address() {
    for (vendor, example) in [(OSS, "cn-hangzhou"), (COS, "ap-guangzhou")] {
        let rig = scene(vendor);
        let line = ["restore", &vendor.url(""), "--days", "2", "--report", "r.csv"];
        let told = run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error();
        told.says(&["no region is known", vendor.bucket, "--region", example]);
        unasked(&rig);
    }
}

#[test]
fn a_variable_that_was_meant_for_a_setting_is_refused() {
    let rig = scene(S3);
    job(&rig, S3, "");
    let told = |name: &str, line: &[&str]| {
        let mut command = bare(rig.folder(), line);
        Keys::GOOD.put(&mut command);
        Ran::of(&command.env(name, "x").output().unwrap())
    };
    for line in [
        &["run", "job.toml"][..],
        &["check", "job.toml"],
        &["status", "job.toml"],
        &["status", "s3://test-archive"],
        &["scan", "s3://test-archive", "--report", "r.csv"],
    ] {
        let ran = told("DEFROST_REPROT", line).expect(2).in_one_error();
        ran.says(&["environment DEFROST_REPROT: unknown variable; did you mean DEFROST_REPORT?"]);
    }
    unasked(&rig);
    // What nobody can have meant so is told, once, and the work is done.
    let ran = told("DEFROST_VERSION", &["check", "job.toml"]).expect(0);
    assert_eq!(ran.stderr.matches("warning: passed over").count(), 1, "{}", ran.stderr);
    ran.says(&["DEFROST_VERSION", "hint: "]);
    let ran = told("DEFROST_SERVICE_HOST", &["check", "job.toml"]).expect(0);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_job_is_told_in_one_error() {
    let rig = scene(S3);
    std::fs::write(rig.path("list.txt"), "a/1.bin\na/2.bin\n").unwrap();
    std::fs::write(rig.path("empty.toml"), "").unwrap();
    std::fs::create_dir(rig.path("jobs")).unwrap();
    std::fs::write(rig.path("n1.csv"), "bucket,key,state\nb,dt=1/a,archived\n").unwrap();
    std::fs::write(rig.path("n1.summary.json"), "{\n  \"format\": 1\n}\n").unwrap();
    for verb in ["run", "check", "wait", "status", "plan"] {
        for (file, pieces) in [
            ("n1.csv", &["`n1.csv` is no job file", "is a CSV", "defrost report", "--from-csv"][..]),
            ("n1.summary.json", &["`n1.summary.json` is no job file", "JSON"]),
            ("list.txt", &["`list.txt` is no job file", "lists of keys", "--files-from"]),
            ("empty.toml", &["`empty.toml` is no job file", "is empty", "defrost init"]),
            ("jobs", &["cannot read the job file `jobs`", "name a job file in this folder"]),
        ] {
            let ran = run_as(&rig, Keys::GOOD, &[verb, file]).expect(2).in_one_error().says(pieces);
            assert!(ran.stderr.lines().count() <= 3 && !ran.stderr.contains("TOML: "), "{}", ran.stderr);
        }
    }
    unasked(&rig);
}

#[test]
fn jobs_that_would_write_over_each_other_are_refused() {
    let rig = scene(S3);
    let job = |name: &str, text: &str| {
        std::fs::write(rig.path(name), format!("[[source]]\nurl = \"s3://test-archive/\"\n{text}")).unwrap();
    };
    job("a.toml", "[report]\npath = \"r.csv\"\n");
    job("b.toml", "[report]\npath = \"./r.csv\"\n");
    job("c.toml", "[job]\nname = \"a\"\n");
    for verb in ["run", "check"] {
        let run =
            |files: [&str; 2]| run_as(&rig, Keys::GOOD, &[verb, files[0], files[1]]).expect(2).in_one_error();
        run(["a.toml", "b.toml"]).says(&["`a.toml` and `b.toml` would write the same report", "{job}"]);
        run(["a.toml", "c.toml"]).says(&["`a.toml` and `c.toml` are both called `a`", "`name` in [job]"]);
        run(["a.toml", "a.toml"]).says(&["`a.toml` is named twice", "hint: "]);
    }
    let told = run_as(&rig, Keys::GOOD, &["run", "a.toml", "b.toml", "--report", "x.csv"]).expect(2);
    told.in_one_error().says(&["several jobs cannot share one report", "{job}"]);
    unasked(&rig);
}

#[test]
fn seeds_that_are_not_sound_are_told_with_line_and_field() {
    let rig = scene(S3);
    for (text, pieces) in [
        ("[[bucket]]\nname = \"x\"\nprovider = \"gcs\"\n", &["seed.toml:3: `provider`", "`oss`"][..]),
        ("[[bucket]]\nname = \"x\"\nprovidr = \"oss\"\n", &["seed.toml:3: `providr`", "`provider`"]),
        ("[[bucket]\nname = \"x\"\n", &["seed.toml:1: "]),
        ("[[fault]]\nkind = \"melt\"\n", &["seed.toml:2: `kind`", "`slow-down`"]),
    ] {
        std::fs::write(rig.path("seed.toml"), text).unwrap();
        let job = "[[source]]\nurl = \"oss://test-archive/\"\n[simulator]\nseed = \"seed.toml\"\n[report]\npath = \"r.csv\"\n";
        std::fs::write(rig.path("job.toml"), job).unwrap();
        for line in [["sim", "seed.toml"], ["run", "job.toml"], ["check", "job.toml"]] {
            let told = run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
            told.says(&["hint: `defrost sim --help` describes the seed"]);
        }
    }
    std::fs::remove_file(rig.path("seed.toml")).unwrap();
    for line in [["sim", "seed.toml"], ["run", "job.toml"], ["check", "job.toml"]] {
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(&[
            "cannot read the",
            "seed.toml`",
            "hint: ",
        ]);
    }
    let busy = rig.server.addr().to_string();
    let told = run_as(&rig, Keys::GOOD, &["sim", "--addr", &busy]).expect(2).in_one_error();
    told.says(&[&format!("cannot listen on `{busy}`"), "hint: choose another place with --addr"]);
    let told = run_as(&rig, Keys::GOOD, &["sim", "--addr", "0.0.0.0:0"]).expect(2).in_one_error();
    told.says(&["--expose"]);
    unasked(&rig);
}
