//! `check JOB --online`: each finding against a store, or a machine, that gives rise to it. Nothing is
//! restored by it, whatever it finds.

use defrost::sim::{Call, Fault, FaultKind};
use serde_json::Value;

use crate::scene::{
    LAPSED, NO_HEAD, NO_LIST, NO_RESTORE, NO_SETTINGS, UNKNOWN, WRONG, job, run_as, scene, scene_of,
    skewed_scene,
};
use crate::support::{COS, Going, Keys, OSS, Ran, Rig, S3, VENDORS, Vendor, bare, until};

/// What a restore asks for.
const WISH: &str = "[restore]\ndays = 2\n";

/// A finding: what it is about, what it comes to, text and way out.
type Found = (String, String, String, String);

fn findings(ran: &Ran) -> Vec<Found> {
    ran.stderr
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["event"] == "finding")
        .enumerate()
        .map(|(index, line)| {
            assert_eq!(line["number"], index + 1);
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            (text("about"), text("grade"), text("text"), text("way_out"))
        })
        .collect()
}

fn check(rig: &Rig, keys: Keys) -> (Ran, Vec<Found>) {
    let ran = run_as(rig, keys, &["check", "job.toml", "--online", "--json-log"]);
    let found = findings(&ran);
    for secret in [keys.secret, keys.token.unwrap_or(keys.secret)] {
        assert!(!ran.stderr.contains(secret), "a secret was told");
    }
    harmless(rig);
    (ran, found)
}

/// Nothing was restored, and nothing is left behind.
#[track_caller]
fn harmless(rig: &Rig) {
    let taken = rig.server.ledger().restores();
    assert!(taken.iter().all(|record| !matches!(record.status, 200 | 202)), "{taken:?}");
    assert!(taken.iter().all(|record| record.key.starts_with(b"p/defrost-preflight-")
        || record.key.starts_with(b"defrost-preflight-")));
    assert!(!rig.path("r.csv.partial").exists() && !rig.path("state").exists());
}

/// The one finding about `about`.
#[track_caller]
fn of<'f>(found: &'f [Found], about: &str) -> &'f Found {
    let mut all = found.iter().filter(|found| found.0 == about);
    let first = all.next().unwrap_or_else(|| panic!("nothing about {about}: {found:?}"));
    assert!(all.next().is_none(), "{found:?}");
    first
}

/// `about` is a fault that says `text` and whose way out says `way`; nothing else is one.
#[track_caller]
fn only_fault(found: &[Found], about: &str, text: &str, way: &str) {
    for (other, grade, said, _) in found {
        assert_eq!(grade == "fault", other == about, "{other}: {grade}: {said}");
    }
    let (_, _, said, way_out) = of(found, about);
    assert!(said.contains(text), "{said}");
    assert!(way_out.contains(way), "{way_out}");
}

#[test]
fn a_job_that_can_do_its_work_has_no_fault() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        job(&rig, vendor, WISH);
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(0);
        let about: Vec<&str> = found.iter().map(|found| found.0.as_str()).collect();
        let remote = ["credentials", "endpoint", "list", "clock", "head", "restore", "legality"];
        assert_eq!(about[..7], remote, "{}", vendor.scheme);
        for (about, grade, text, _) in &found {
            assert_eq!(grade, "ok", "{about}: {text}");
        }
        assert!(of(&found, "restore").2.contains("does not prove"), "it says what it does not prove");
        let counts = rig.server.ledger().counts();
        assert_eq!((counts.list, counts.head, counts.restore), (1, 1, 1));
        // For people: numbered, and the same again.
        let ran = run_as(&rig, Keys::GOOD, &["check", "job.toml", "--online"]).expect(0);
        ran.says(&[" 1. credentials: ok: from ", " 6. restore: ok: ", "0 faults, 0 warnings"]);
    }
}

#[test]
fn a_scan_needs_no_right_to_restore() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        job(&rig, vendor, "");
        let (ran, found) = check(&rig, NO_RESTORE);
        ran.expect(0);
        assert!(found.iter().all(|found| found.0 != "restore" && found.0 != "head"), "{found:?}");
        assert_eq!(rig.server.ledger().counts().restore, 0);
    }
}

#[test]
fn missing_rights_are_four_and_named() {
    for (vendor, list, restore) in [
        (OSS, "oss:ListObjects", "oss:RestoreObject"),
        (COS, "name/cos:GetBucket", "name/cos:PostObjectRestore"),
        (S3, "s3:ListBucket", "s3:RestoreObject"),
    ] {
        let rig = scene(vendor);
        job(&rig, vendor, WISH);
        let (ran, found) = check(&rig, NO_LIST);
        ran.expect(4);
        only_fault(&found, "list", "AccessDenied", list);
        // S3 tells a missing key to those alone who may list: the probe says nothing then.
        let grade = if vendor.scheme == "s3" { "warning" } else { "ok" };
        assert_eq!(of(&found, "restore").1, grade);
        let (ran, found) = check(&rig, NO_RESTORE);
        ran.expect(4);
        only_fault(&found, "restore", "AccessDenied", restore);
        let (ran, found) = check(&rig, NO_HEAD);
        if vendor.scheme == "cos" {
            // Only HEAD tells the state there.
            ran.expect(4);
            only_fault(&found, "head", "403", "name/cos:HeadObject");
        } else {
            ran.expect(0);
            assert_eq!(of(&found, "head").1, "warning");
        }
    }
}

#[test]
fn credentials_that_are_missing_unknown_or_lapsed_are_four() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        job(&rig, vendor, WISH);
        for keys in [UNKNOWN, WRONG, LAPSED] {
            let (ran, found) = check(&rig, keys);
            ran.expect(4);
            only_fault(&found, "identity", "cannot list", "");
            assert!(found.iter().all(|found| found.0 != "restore"), "nothing further is asked");
        }
        // None at all.
        let ran =
            Ran::of(&bare(rig.folder(), &["check", "job.toml", "--online", "--json-log"]).output().unwrap());
        let found = findings(&ran);
        ran.expect(4);
        only_fault(&found, "credentials", "no credentials", "");
        harmless(&rig);
    }
}

#[test]
fn a_bucket_that_is_elsewhere_is_two_and_the_place_is_named() {
    for vendor in VENDORS {
        let rig = scene_of(vendor, |bucket| bucket.quirks.moved_to = Some("eu-west-9".to_owned()));
        job(&rig, vendor, WISH);
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(2);
        // COS answers as if there were no such bucket, and names no other place.
        let way = if vendor.scheme == "cos" { "region" } else { "--region eu-west-9" };
        only_fault(&found, "endpoint", "cannot list", way);
    }
}

#[test]
fn a_region_that_is_signed_wrong_is_two_and_the_right_one_is_named() {
    for (vendor, way) in [(OSS, "--region"), (S3, "--region us-east-1")] {
        let rig = scene(vendor);
        job(&rig, Vendor { region: "xx-elsewhere-1", ..vendor }, WISH);
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(2);
        only_fault(&found, "endpoint", "cannot list", way);
    }
}

#[test]
fn a_store_that_is_not_there_is_a_fault_of_the_endpoint() {
    let rig = scene(S3);
    let text = "[[source]]\nurl = \"s3://b-b/\"\nregion = \"us-east-1\"\nendpoint_url = \"http://127.0.0.1:9\"\n\
                [report]\npath = \"r.csv\"\n[limits]\nmax_attempts = 2\n";
    std::fs::write(rig.path("job.toml"), text).unwrap();
    let (ran, found) = check(&rig, Keys::GOOD);
    ran.expect(1);
    only_fault(&found, "endpoint", "cannot connect", "--endpoint-url");
}

#[test]
fn a_clock_that_is_off_is_told_and_healed() {
    for vendor in VENDORS {
        for (skew, way) in [(3 * 3600, "behind"), (-2 * 86_400, "ahead of"), (60, "behind")] {
            let rig = skewed_scene(vendor, skew);
            job(&rig, vendor, WISH);
            let (ran, found) = check(&rig, Keys::GOOD);
            ran.expect(0);
            let (_, grade, text, _) = of(&found, "clock");
            assert_eq!(grade, "warning");
            assert!(text.contains(way), "{text}");
            assert_eq!(of(&found, "restore").1, "ok");
        }
    }
}

#[test]
fn an_answer_that_tells_nothing_of_rights_is_a_warning() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        job(&rig, vendor, "[restore]\ndays = 2\n[limits]\nmax_attempts = 1\n");
        rig.server.add_fault(Fault::new(FaultKind::Internal).on(Call::Restore));
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(0);
        let (_, grade, text, _) = of(&found, "restore");
        assert_eq!(grade, "warning", "{text}");
    }
}

#[test]
fn an_empty_prefix_and_classes_left_alone_are_warnings() {
    let rig = scene_of(OSS, |bucket| bucket.generate = None);
    job(&rig, OSS, "[restore]\ndays = 30\nfit = \"skip\"\n");
    let (ran, found) = check(&rig, Keys::GOOD);
    ran.expect(0);
    assert_eq!(of(&found, "head").1, "warning");
    let (_, grade, text, _) = of(&found, "legality");
    assert_eq!(grade, "warning");
    assert!(text.contains("left alone: Archive (days_out_of_range)"), "{text}");
    assert!(text.contains("ColdArchive 30 days Standard"), "{text}");
    assert_eq!(of(&found, "restore").1, "ok");
}

#[test]
fn direct_read_of_archives_is_held_against_the_bucket() {
    for (on, said, keys, code, grade, text, way) in [
        (false, false, Keys::GOOD, 0, "ok", "is off", ""),
        (true, true, Keys::GOOD, 0, "ok", "is on", ""),
        (true, false, Keys::GOOD, 0, "warning", "Archive objects can be read at once", "or pay twice"),
        (false, true, Keys::GOOD, 2, "fault", "is off in this bucket", "archive_direct_read = false"),
        (true, false, NO_SETTINGS, 0, "ok", "not known (403 AccessDenied", ""),
        (false, true, NO_SETTINGS, 0, "warning", "called readable", "oss:GetBucketArchiveDirectRead"),
    ] {
        let rig = scene_of(OSS, |bucket| bucket.archive_direct_read = on);
        job(&rig, OSS, WISH);
        let path = rig.path("job.toml");
        let text_of = std::fs::read_to_string(&path).unwrap();
        let setting = format!("archive_direct_read = {said}\n[report]");
        std::fs::write(&path, text_of.replacen("[report]", &setting, 1)).unwrap();
        let (ran, found) = check(&rig, keys);
        ran.expect(code);
        let (_, is, told, way_out) = of(&found, "archive direct read");
        assert_eq!(is, grade, "{on} {said}: {told}");
        assert!(told.contains(text) && way_out.contains(way), "{told}: {way_out}");
        assert!(
            found.iter().all(|found| found.1 != "fault" || found.0 == "archive direct read"),
            "{found:?}"
        );
        assert_eq!(rig.server.ledger().counts().other, 1, "one question");
    }
}

#[test]
fn direct_read_is_not_asked_for_where_it_changes_nothing() {
    for (vendor, filter) in [(OSS, "[filter]\nstorage_class = [\"ColdArchive\"]\n"), (COS, ""), (S3, "")] {
        let rig = scene(vendor);
        job(&rig, vendor, &format!("{WISH}{filter}"));
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(0);
        assert!(found.iter().all(|found| found.0 != "archive direct read"), "{found:?}");
        assert_eq!(rig.server.ledger().counts().other, 0);
    }
}

#[test]
fn a_run_that_is_under_way_is_told() {
    let rig = scene_of(S3, |bucket| bucket.quirks.latency.restore = 200);
    job(&rig, S3, "[restore]\ndays = 2\n[limits]\nconcurrency = 1\n");
    let mut command = bare(rig.folder(), &["run", "job.toml"]);
    Keys::GOOD.put(&mut command);
    let run = Going::spawn(command, &rig.path("stderr"));
    until("a restore was asked for", || rig.server.ledger().counts().restore > 0);
    let ran = run_as(&rig, Keys::GOOD, &["check", "job.toml", "--online", "--json-log"]);
    let found = findings(&ran);
    let (_, grade, text, _) = of(&found, "lock");
    assert_eq!(grade, "warning");
    assert!(text.contains(&format!("process {}", run.id())), "{text}");
    run.kill();
}

#[test]
fn paths_that_cannot_be_written_are_eight() {
    let rig = scene(S3);
    job(&rig, S3, WISH);
    let text = std::fs::read_to_string(rig.path("job.toml")).unwrap();
    std::fs::write(rig.path("file"), "").unwrap();
    std::fs::create_dir(rig.path("folder.csv")).unwrap();
    for (path, said) in [("file/r.csv", "is not a folder"), ("folder.csv", "is a folder")] {
        std::fs::write(rig.path("job.toml"), text.replace("\"r.csv\"", &format!("{path:?}"))).unwrap();
        let (ran, found) = check(&rig, Keys::GOOD);
        ran.expect(8);
        only_fault(&found, "report", said, "name another");
    }
    std::fs::write(rig.path("job.toml"), text).unwrap();
    let args = ["check", "job.toml", "--online", "--json-log"];
    let ran = run_as(&rig, Keys::GOOD, &args);
    assert!(findings(&ran).iter().any(|found| found.0 == "disk" && found.2.contains("a million rows")));
}
