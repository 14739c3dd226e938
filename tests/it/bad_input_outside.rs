//! Bad surroundings: keys, rights, regions, networks and disks. The documented exit code, one error
//! that names the place and a way out, no restore sent that was not meant, and nothing lost.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

use defrost::sim::{Call, Fault, FaultKind};

use crate::scene::{
    LAPSED, NO_HEAD, NO_LIST, NO_RESTORE, OBJECTS, PRECIOUS, UNKNOWN, WRONG, restore_as, run_as, scene,
    scene_of, skewed_scene, unasked, unharmed,
};
use crate::support::{COS, Keys, OSS, Ran, S3, VENDORS, Vendor, bare};

#[test]
fn missing_and_half_set_credentials_are_told_by_name() {
    for (vendor, id, secret) in [
        (OSS, "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"),
        (COS, "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
        (S3, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    ] {
        let rig = scene(vendor);
        let (url, place) = (vendor.url(""), rig.place(vendor));
        let mut line = vec!["restore", &url, "--days", "2", "--report", "r.csv"];
        line.extend(place.iter().map(String::as_str));
        let run = |env: &[(&str, &str)], more: &[&str]| {
            let mut command = bare(rig.folder(), &[&line[..], more].concat());
            command.envs(env.iter().copied());
            Ran::of(&command.output().unwrap()).expect(4).in_one_error()
        };
        run(&[], &[]).says(&["no credentials for", &format!("hint: set {id} and {secret}"), "--profile"]);
        run(&[(id, "x")], &[]).says(&[&format!("`{id}` is set but `{secret}` is not"), "hint: "]);
        run(&[(secret, "x")], &[]).says(&[&format!("`{secret}` is set but `{id}` is not"), "hint: "]);
        let good = [(id, Keys::GOOD.id), (secret, Keys::GOOD.secret)];
        run(&good, &["--profile", "nobody"]).says(&["no profile `nobody`", "looked at ~/.", "--profile"]);
        unasked(&rig);
    }
}

#[test]
fn keys_that_the_store_refuses_end_the_run_before_any_restore() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let right = ["oss:ListObjects", "name/cos:GetBucket", "s3:ListBucket"]
            .into_iter()
            .find(|right| right.contains(if vendor.scheme == "cos" { "cos:" } else { vendor.scheme }))
            .unwrap();
        for (keys, pieces) in [
            (
                WRONG,
                &["SignatureDoesNotMatch", "hint: the secret key does not belong to this access key id"][..],
            ),
            (UNKNOWN, &["InvalidAccessKeyId", "hint: check access key id"]),
            (LAPSED, &["xpired", "hint: get a new security token"]),
            (NO_LIST, &["AccessDenied", right]),
        ] {
            let told = restore_as(&rig, vendor, keys, &["--fresh"]).expect(4).in_one_error().says(pieces);
            told.says(&[&format!("error: cannot list `{}`", vendor.url("")), "request id"]);
            unharmed(&rig);
        }
        // The same line with the right keys gets everything done.
        restore_as(&rig, vendor, Keys::GOOD, &["--rate-limit", "1000"]).expect(0);
        assert_eq!(rig.rows("r.csv").len() as u64, OBJECTS);
        assert_eq!(rig.server.ledger().counts().restore, OBJECTS);
    }
}

#[test]
fn a_missing_right_to_restore_is_met_after_ten_requests() {
    for (vendor, right) in
        [(OSS, "oss:RestoreObject"), (COS, "name/cos:PostObjectRestore"), (S3, "s3:RestoreObject")]
    {
        let rig = scene(vendor);
        let more = ["--rate-limit", "1000"];
        let told = restore_as(&rig, vendor, NO_RESTORE, &more).expect(4).in_one_error();
        told.says(&["403 AccessDenied", "the first restore requests were all denied", right]);
        assert_eq!(rig.server.ledger().counts().restore, 10);
        assert_eq!(rig.server.ledger().counts().restore_peak, 1, "one by one");
        // Whoever was given the right goes on with the same line.
        restore_as(&rig, vendor, Keys::GOOD, &more).expect(1);
        let rows = rig.rows("r.csv");
        let of = |action: &str| rows.iter().filter(|row| row["action"] == action).count() as u64;
        assert_eq!((of("failed"), of("requested")), (9, OBJECTS - 9), "rows that were made stay");
    }
}

#[test]
fn a_right_that_some_keys_lack_ends_no_run() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let code = || Some("AccessDenied".to_owned());
        let denied = |first| Fault {
            status: Some(403),
            code: code(),
            ..Fault::new(FaultKind::Error).on(Call::Restore).first(first)
        };
        rig.server.add_fault(denied(9));
        restore_as(&rig, vendor, Keys::GOOD, &["--rate-limit", "1000"]).expect(1).says(&["denied 9"]);
        assert_eq!(rig.server.ledger().counts().restore, OBJECTS);
    }
}

#[test]
fn a_denied_right_is_four_and_stands_in_every_row() {
    for (vendor, keys, few, state, right, posts) in [
        // Fewer than would end the run.
        (OSS, NO_RESTORE, true, "archived", "oss:RestoreObject", 4),
        (COS, NO_RESTORE, true, "archived", "name/cos:PostObjectRestore", 4),
        (S3, NO_RESTORE, true, "archived", "s3:RestoreObject", 4),
        // COS tells the state only by HEAD: without it nothing is asked for blindly.
        (COS, NO_HEAD, false, "unknown", "HEAD denied: grant name/cos:HeadObject", 0),
    ] {
        let objects = if few { 4 } else { OBJECTS };
        let rig = scene_of(vendor, |bucket| {
            if let Some(generate) = &mut bucket.generate {
                generate.count = objects;
            }
        });
        let told = restore_as(&rig, vendor, keys, &["--rate-limit", "1000"]).expect(4);
        told.says(&[&format!("denied {objects}"), right, "its request id: "]);
        let rows = rig.rows("r.csv");
        assert_eq!(rows.len() as u64, objects);
        for row in rows {
            let told = (row["state"].as_str(), row["action"].as_str(), row["reason"].as_str());
            assert_eq!(told, (state, "failed", "denied"), "{row:?}");
            assert_eq!(row["http_status"], "403", "{row:?}");
        }
        assert_eq!(rig.server.ledger().counts().restore, posts);
    }
}

#[test]
fn a_wrong_region_and_a_missing_bucket_are_two_and_name_the_way() {
    for (vendor, pieces) in [
        (
            OSS,
            &[
                "error: cannot list `oss://test-archive/`",
                "egion",
                "hint: name the bucket's own region with --region",
            ][..],
        ),
        (
            S3,
            &[
                "error: cannot list `s3://test-archive/`",
                "hint: the store names `us-east-1`: pass --region us-east-1",
            ],
        ),
    ] {
        let rig = scene(vendor);
        let (url, endpoint) = (vendor.url(""), rig.server.url());
        let line = ["restore", &url, "--days", "2", "--report", "r.csv", "--region", "xx-elsewhere-1"];
        let line = [&line[..], &["--endpoint-url", &endpoint]].concat();
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
        unharmed(&rig);
    }
    for vendor in VENDORS {
        // The bucket has moved: each vendor answers as it does from the wrong region.
        let rig = scene_of(vendor, |bucket| bucket.quirks.moved_to = Some("eu-west-9".to_owned()));
        let told = restore_as(&rig, vendor, Keys::GOOD, &[]).expect(2).in_one_error();
        told.says(&[&format!("error: cannot list `{}`", vendor.url("")), "egion"]);
        unharmed(&rig);
        let missing = Vendor { bucket: "nosuch-1250000000", ..vendor };
        let told = restore_as(&rig, missing, Keys::GOOD, &[]).expect(2).in_one_error();
        told.says(&["nosuch-1250000000", "404 NoSuchBucket", "hint: check the bucket's name in the URL"]);
        unharmed(&rig);
    }
}

#[test]
fn a_store_that_cannot_be_reached_is_one_and_named_with_its_port() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (url, endpoint) = (vendor.url(""), format!("http://{closed}"));
        let line = ["restore", &url, "--days", "2", "--report", "r.csv", "--region", vendor.region];
        let line = [&line[..], &["--max-attempts", "2", "--endpoint-url", &endpoint]].concat();
        let told = run_as(&rig, Keys::GOOD, &line).expect(1).in_one_error();
        told.says(&[
            &format!("cannot connect to {closed}"),
            "after 2 attempts",
            "refused",
            "hint: check network",
        ]);
        unasked(&rig);
        // Putting the endpoint right is not another job: nothing had been done.
        restore_as(&rig, vendor, Keys::GOOD, &["--rate-limit", "1000"]).expect(0);
        assert_eq!(rig.rows("r.csv").len() as u64, OBJECTS);
    }
}

#[test]
fn a_store_that_keeps_failing_is_one_and_the_way_out_fits() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        for (kind, hint) in [
            (FaultKind::SlowDown, "hint: lower --list-rate-limit"),
            (FaultKind::Internal, "hint: the store keeps failing"),
            (FaultKind::Torn, "hint: the store keeps failing"),
            (FaultKind::Reset, "hint: check network"),
        ] {
            rig.server.add_fault(Fault::new(kind).on(Call::List));
            let told =
                restore_as(&rig, vendor, Keys::GOOD, &["--max-attempts", "2"]).expect(1).in_one_error();
            told.says(&["error: cannot list", "after 2 attempts", hint, "run the same line again"]);
            rig.server.clear_faults();
            unharmed(&rig);
        }
    }
}

#[test]
fn places_that_cannot_be_written_are_told_before_the_first_request() {
    let rig = scene(OSS);
    std::fs::write(rig.path("file"), "x").unwrap();
    std::fs::create_dir_all(rig.path("folder")).unwrap();
    std::fs::create_dir_all(rig.path("taken.summary.json")).unwrap();
    std::fs::create_dir_all(rig.path("part.csv.partial")).unwrap();
    let (url, place) = (OSS.url(""), rig.place(OSS));
    for (more, pieces) in [
        (["--report", "file/r.csv"], &["cannot write the report `file/r.csv`", "file` is not a folder"][..]),
        (["--report", "folder"], &["cannot write the report `folder`", "folder` is a folder"]),
        (["--report", "taken.csv"], &["taken.summary.json` is a folder"]),
        (["--report", "part.csv"], &["cannot create the report", "part.csv.partial"]),
        (["--state-dir", "file"], &["cannot make the state folder `file/"]),
        // A device must never be replaced by a file, as a rename would by root's hand.
        #[cfg(unix)]
        (["--report", "/dev/null"], &["`/dev/null` is not a plain file", "--report -"]),
    ] {
        let mut line = vec!["restore", &url, "--days", "2"];
        line.extend(place.iter().map(String::as_str));
        line.extend(more);
        run_as(&rig, Keys::GOOD, &line).expect(8).in_one_error().says(pieces).says(&["hint: "]);
        unasked(&rig);
    }
}

#[cfg(unix)]
#[test]
fn a_report_to_a_pipe_that_nobody_reads_is_eight() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let (url, place) = (vendor.url(""), rig.place(vendor));
        let mut line = vec!["restore", &url, "--days", "2", "--report", "-"];
        line.extend(place.iter().map(String::as_str));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = bare(rig.folder(), &line);
        Keys::GOOD.put(&mut command);
        let told = Ran::of(&command.stdout(writer).output().unwrap()).expect(8).in_one_error();
        told.says(&["cannot write the report `-`", "hint: let the reader of stdout read to the end"]);
        unharmed(&rig);
    }
}

#[test]
fn a_wrong_clock_is_healed_and_told_where_it_cannot_be() {
    for vendor in VENDORS {
        // COS calls a signature that a slow clock made stale `AccessDenied`.
        for hours in [-3, 3] {
            let rig = skewed_scene(vendor, hours * 3600);
            let told =
                restore_as(&rig, vendor, Keys::GOOD, &["--max-attempts", "1"]).expect(4).in_one_error();
            told.says(&["error: cannot list", "hint: set this machine's clock"]);
            unharmed(&rig);
            restore_as(&rig, vendor, Keys::GOOD, &["--rate-limit", "1000"]).expect(0);
            assert_eq!(rig.server.ledger().counts().restore, OBJECTS);
            // A right that is missing stays so, whatever the clock.
            let told = restore_as(&rig, vendor, NO_LIST, &["--fresh"]).expect(4).in_one_error();
            told.says(&["AccessDenied", "hint: grant these credentials"]);
        }
    }
}

/// Every file below `folder` with its content, but for locks.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "lock") {
                found.insert(path.display().to_string(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn an_unfinished_run_outlives_bad_lines_and_bad_keys() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        rig.server.add_fault(Fault {
            skip: 2,
            status: Some(403),
            code: Some("AccessDenied".to_owned()),
            ..Fault::new(FaultKind::Error).on(Call::List)
        });
        let small = ["--page-size", "5", "--rate-limit", "1000", "--list-concurrency", "1"];
        restore_as(&rig, vendor, Keys::GOOD, &small).expect(4).in_one_error();
        rig.server.clear_faults();
        let done = rig.server.ledger().counts().restore;
        assert_eq!(done, 10, "two pages were worked on");
        assert_eq!(std::fs::read_to_string(rig.path("r.csv")).unwrap(), PRECIOUS);
        let before = files(rig.folder());

        // Usage faults, and another wish, leave every file as it is.
        for (more, pieces) in [
            (&["--tier", "fast"][..], &["--tier \"fast\""][..]),
            (&["--exclude", "a[b"], &["--exclude"]),
            (&["--storage-class", "Nonesuch"], &["Nonesuch"]),
            (
                &["--storage-class", "any"],
                &["was started as another job", "storage_class was `archived`, now `any`", "--fresh"],
            ),
        ] {
            if vendor.scheme == "s3" && more.contains(&"Nonesuch") {
                continue;
            }
            let more = [&small[..], more].concat();
            restore_as(&rig, vendor, Keys::GOOD, &more).expect(2).in_one_error().says(pieces);
            assert_eq!(files(rig.folder()), before, "{more:?}");
        }
        for keys in [WRONG, UNKNOWN, NO_LIST] {
            restore_as(&rig, vendor, keys, &small).expect(4).in_one_error();
        }
        assert_eq!(rig.server.ledger().counts().restore, done, "nothing was sent meanwhile");

        restore_as(&rig, vendor, Keys::GOOD, &small).expect(0);
        let rows = rig.rows("r.csv");
        assert_eq!(rows.len() as u64, OBJECTS);
        assert!(rows.iter().all(|row| row["action"] == "requested"), "{rows:?}");
        assert_eq!(rig.server.ledger().counts().restore, OBJECTS, "each object was asked for once");
    }
}
