//! Objects by name: rows in the order of the list, faults told by line before anything is sent, and a
//! run that goes on after a kill as if there had been none.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use defrost::pipeline::checkpoint::VARIABLE;
use defrost::sim::{BucketConfig, Config, Generate, Latency, Versioning};

use crate::scene::{run_as, scene, unasked};
use crate::support::{COS, Keys, OSS, Ran, Rig, Row, S3, VENDORS, Vendor, decoded};

/// The keys of the bucket, in listing order.
fn keys(rig: &Rig, vendor: Vendor) -> Vec<String> {
    rig.run(vendor, &["scan", &vendor.url(""), "--storage-class", "any", "--report", "all.csv"]).expect(0);
    rig.rows("all.csv").iter().map(|row| row["key"].clone()).collect()
}

fn column<'r>(rows: &'r [Row], name: &str) -> Vec<&'r str> {
    rows.iter().map(|row| row[name].as_str()).collect()
}

/// Requests since `before`: listings, HEADs, restores.
fn sent(rig: &Rig, before: (u64, u64, u64)) -> (u64, u64, u64) {
    let counts = rig.server.ledger().counts();
    (counts.list - before.0, counts.head - before.1, counts.restore - before.2)
}

#[test]
fn rows_stand_in_the_order_of_the_list_and_tell_what_a_listing_tells() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let all = keys(&rig, vendor);
        let before = sent(&rig, (0, 0, 0));
        // Backwards; one name twice in a row, one of them again at the end; one that is not there.
        let mut list: Vec<&str> = all.iter().rev().map(String::as_str).collect();
        list.insert(3, list[3]);
        list.insert(7, "p/not there, \"really\"");
        list.push(list[0]);
        std::fs::write(rig.path("keys.txt"), format!("\r\n{}\r\n\n", list.join("\r\n"))).unwrap();
        let url = vendor.url("p/");
        let line = ["scan", &url, "-i", "keys.txt", "--report", "named.csv", "--page-size", "7"];
        rig.run(vendor, &line).expect(0);
        list.remove(4);
        let rows = rig.rows("named.csv");
        assert_eq!(column(&rows, "key"), list, "{vendor:?}");
        assert_eq!(sent(&rig, before), (0, list.len() as u64, 0), "one HEAD a name, and nothing else");
        assert_eq!(column(&rows, "attempts"), vec!["1"; list.len()]);
        let listed: BTreeMap<String, Row> =
            rig.rows("all.csv").into_iter().map(|row| (row["key"].clone(), row)).collect();
        for row in &rows {
            let Some(listed) = listed.get(&row["key"]) else {
                assert_eq!((row["state"].as_str(), row["action"].as_str()), ("missing", "none"));
                continue;
            };
            for name in ["bucket", "storage_class", "size", "etag", "last_modified", "state", "is_latest"] {
                if (vendor.scheme, name) == ("cos", "state") {
                    // Its listings do not tell.
                    assert_eq!(row[name], "archived");
                    continue;
                }
                // Listings tell thousandths of a second, headers do not.
                let whole = |row: &Row| {
                    row[name].split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned()
                };
                assert_eq!(whole(row), whole(listed), "{vendor:?} {name}");
            }
        }
        // With NUL bytes, from standard input.
        let nul = list.join("\0");
        let url = vendor.url("");
        let line = ["scan", &url, "--files-from", "-", "-0", "--report", "nul.csv"];
        piped(&rig, vendor, &line, nul.as_bytes()).expect(0);
        assert_eq!(column(&rig.rows("nul.csv"), "key"), list);
    }
}

/// Runs `args` with `input` on standard input.
fn piped(rig: &Rig, vendor: Vendor, args: &[&str], input: &[u8]) -> Ran {
    let mut command = rig.line(vendor, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ran::of(&child.wait_with_output().unwrap())
}

#[test]
fn named_objects_are_restored_and_what_is_missing_has_failed() {
    for vendor in VENDORS {
        let rig = scene(vendor);
        let all = keys(&rig, vendor);
        let before = sent(&rig, (0, 0, 0));
        let list = [&all[9], "p/gone", &all[2], &all[5]].join("\n");
        std::fs::write(rig.path("keys.txt"), list).unwrap();
        let url = vendor.url("");
        let line = ["restore", &url, "--files-from", "keys.txt", "--days", "2", "--report", "some.csv"];
        rig.run(vendor, &line).expect(1);
        let rows = rig.rows("some.csv");
        assert_eq!(column(&rows, "action"), ["requested", "failed", "requested", "requested"]);
        assert_eq!(column(&rows, "reason")[1], "gone");
        assert_eq!(column(&rows, "state")[1], "missing");
        assert_eq!(sent(&rig, before), (0, 4, 3));
        // An earlier report is a list as well; what is being restored is left alone.
        let line = ["restore", &url, "--from-csv", "some.csv", "--days", "2", "--report", "again.csv"];
        rig.run(vendor, &line).expect(1);
        assert_eq!(column(&rig.rows("again.csv"), "action"), ["already", "failed", "already", "already"]);
        assert_eq!(sent(&rig, before), (0, 8, 3));
        // Patterns and states choose among the names.
        let line = ["scan", &url, "--from-csv", "some.csv", "--state", "missing", "--report", "gone.csv"];
        rig.run(vendor, &line).expect(0);
        assert_eq!(column(&rig.rows("gone.csv"), "key"), ["p/gone"]);
        let line = ["scan", &url, "--from-csv", "some.csv", "--exclude", "gone", "--report", "rest.csv"];
        rig.run(vendor, &line).expect(0);
        assert_eq!(rig.rows("rest.csv").len(), 3);
    }
}

#[test]
fn versions_and_odd_keys_come_from_a_csv() {
    let mut bucket = BucketConfig::new(S3.dialect, S3.bucket);
    bucket.region = Some(S3.region.to_owned());
    bucket.versioning = Versioning::Enabled;
    bucket.generate = Some(Generate {
        count: 6,
        prefix: "v/\n\u{7}".to_owned(),
        classes: [(S3.cold.to_owned(), 1)].into(),
        versions_per_key: Some(3),
        ..Generate::default()
    });
    let rig = Rig::new(Config::default().with_bucket(bucket));
    let url = S3.url("");
    rig.run(S3, &["scan", &url, "--versions", "--report", "all.csv"]).expect(0);
    let listed = rig.rows("all.csv");
    assert!(listed.len() > 6 && listed.iter().all(|row| row["key_encoding"] == "url"));
    rig.run(S3, &["scan", &url, "--from-csv", "all.csv", "--report", "named.csv"]).expect(0);
    let named = rig.rows("named.csv");
    for name in ["key", "key_encoding", "version_id", "is_latest", "size", "etag", "state"] {
        assert_eq!(column(&named, name), column(&listed, name), "{name}");
    }
    let key = String::from_utf8(decoded(&listed[0]["key"])).unwrap();
    assert!(key.starts_with("v/\n"));
    // A restore names the version.
    rig.run(S3, &["restore", &url, "--from-csv", "all.csv", "--days", "2", "--report", "r.csv"]).expect(0);
    assert_eq!(rig.server.ledger().restores().len(), listed.len());
}

#[test]
fn faulty_lists_are_told_by_line_and_nothing_is_sent() {
    let rig = scene(S3);
    std::fs::create_dir(rig.path("folder")).unwrap();
    let long = format!("p/a\np/{}\n", "x".repeat(2000));
    let open = format!("key\n\"{}\n", "x,\n".repeat(1 << 20));
    let lists: &[(&str, &[u8], &[&str])] = &[
        ("--files-from", b"", &["list: names no object"]),
        ("--files-from", b"\n\r\n\n", &["list: names no object"]),
        ("--files-from", b"p/a\ns3://test-archive/p/b\n", &["list:2: is a URL", "the key alone"]),
        ("--files-from", b"p/a\n\np/\xff\n", &["list:3: is not UTF-8", "key_encoding"]),
        ("--files-from", b"p/a\0p/b\0", &["list:1: has a NUL byte", "--null"]),
        ("--files-from", b"\xff\xfep\0/\0", &["list: is UTF-16", "UTF-8"]),
        ("--files-from", long.as_bytes(), &["list:2: `p/xxx", "longer than 1024 bytes"]),
        (
            "--files-from",
            b"p/a\nq/b\n",
            &["list:2: `q/b` does not begin with the prefix of the URL, `p/`", "whole keys"],
        ),
        ("--from-csv", b"", &["list: is empty", "`key`"]),
        ("--from-csv", b"name\na\n", &["list:1: has no column `key`", "--files-from"]),
        ("--from-csv", b"key,key\np/a,b\n", &["list:1: has the column `key` twice"]),
        ("--from-csv", b"key\n", &["list: names no object"]),
        (
            "--from-csv",
            b"key,bucket\np/a,test-archive\np/b,other\n",
            &["list:3: is of the bucket `other`", "apart"],
        ),
        ("--from-csv", b"key\np/a\np/b,c\n", &["list:3: has 2 columns, and the header 1", "quote"]),
        ("--from-csv", b"key\np/\xff\n", &["list:2: is not UTF-8", "%XX"]),
        ("--from-csv", b"key,key_encoding\np/%2,url\n", &["list:2: `p/%2` is not percent-encoded", "%25"]),
        ("--from-csv", b"key,key_encoding\np/a,hex\n", &["list:2: has the unknown `key_encoding` `hex`"]),
        ("--from-csv", b"key,version_id\np/a,x y\n", &["list:2: has a version id that is none"]),
        ("--from-csv", b"key,size\n,5\n", &["list:2: has no key"]),
        (
            "--from-csv",
            open.as_bytes(),
            &["list:2: cannot be read: a row has more than a million bytes", "quote"],
        ),
    ];
    let url = S3.url("p/");
    let place = rig.place(S3);
    let mut tail = vec!["--days", "2", "--report", "r.csv", "--state-dir", "state"];
    tail.extend(place.iter().map(String::as_str));
    for (flag, bytes, pieces) in lists {
        std::fs::write(rig.path("list"), bytes).unwrap();
        let line: Vec<&str> =
            ["restore", &url, flag, "list"].into_iter().chain(tail.iter().copied()).collect();
        run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error().says(pieces);
        unasked(&rig);
    }
    for (list, pieces) in [
        ("none", &["none: cannot be read", "check the path"][..]),
        ("folder", &["folder: cannot be read", "name a file in this folder"]),
        ("-", &["standard input: names no object"]),
    ] {
        for flag in ["--files-from", "--from-csv"] {
            let line: Vec<&str> =
                ["restore", &url, flag, list].into_iter().chain(tail.iter().copied()).collect();
            let told = run_as(&rig, Keys::GOOD, &line).expect(2).in_one_error();
            if (flag, list) != ("--from-csv", "-") {
                told.says(pieces);
            }
        }
    }
    let text = format!("[[source]]\nurl = \"{url}\"\nfrom_csv = \"folder/../list\"\n[restore]\ndays = 2\n");
    std::fs::write(rig.path("job.toml"), text).unwrap();
    for verb in ["check", "run", "plan"] {
        run_as(&rig, Keys::GOOD, &[verb, "job.toml"])
            .expect(2)
            .in_one_error()
            .says(&["list:2: cannot be read"]);
    }
    unasked(&rig);
}

/// Enough named objects, backwards, to be killed among.
fn campaign(vendor: Vendor) -> (Rig, usize) {
    let mut bucket = BucketConfig::new(vendor.dialect, vendor.bucket);
    bucket.region = Some(vendor.region.to_owned());
    bucket.generate = Some(Generate {
        count: 120,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 4), (vendor.standard.to_owned(), 1)].into(),
        restored: 0.1,
        ..Generate::default()
    });
    let rig = Rig::new(crate::support::dated(Config::default().with_bucket(bucket.clone())));
    let mut list = keys(&rig, vendor);
    list.reverse();
    list.insert(50, "p/gone".to_owned());
    bucket.quirks.latency = Latency { list: 0, head: 2, restore: 15 };
    let rig = Rig::new(crate::support::dated(Config::default().with_bucket(bucket)));
    std::fs::write(rig.path("keys.txt"), list.join("\n")).unwrap();
    (rig, list.len())
}

const LINE: [&str; 14] = [
    "--days",
    "3",
    "--page-size",
    "10",
    "--concurrency",
    "4",
    "--rate-limit",
    "100000",
    "--report",
    "r.csv",
    "--state-dir",
    "state",
    "--files-from",
    "keys.txt",
];

#[cfg(debug_assertions)]
#[test]
fn a_killed_run_goes_on_at_its_place_in_the_list() {
    const POINTS: [&str; 12] = [
        "mark-saved 1",
        "mark-saved 2",
        "mark-saved 4",
        "asking-synced 1",
        "asking-synced 5",
        "answer-written 1",
        "answer-written 37",
        "answer-written 80",
        "journal-synced 3",
        "rows-synced 3",
        "report-sealed 1",
        "report-named 1",
    ];
    for (turn, vendor) in [OSS, COS, S3].into_iter().enumerate() {
        let url = vendor.url("");
        let line: Vec<&str> = ["restore", &url].into_iter().chain(LINE).collect();
        let (calm, names) = campaign(vendor);
        calm.run(vendor, &line).expect(1);
        let wanted = calm.rows("r.csv");
        assert_eq!(wanted.len(), names);
        let told = |rows: &[Row]| -> Vec<[String; 5]> {
            let of = |row: &Row| ["key", "state", "action", "reason", "size"].map(|name| row[name].clone());
            // Whether an answer that a kill swallowed was a first or a second one is all that may differ.
            rows.iter()
                .map(of)
                .map(|mut row| {
                    if row[2] == "already" {
                        row[2] = "requested".to_owned();
                    }
                    row
                })
                .collect()
        };
        for point in POINTS.iter().skip(turn).step_by(3) {
            let (rig, _) = campaign(vendor);
            for _ in 0..2 {
                let mut command = rig.line(vendor, &line);
                Ran::of(&command.env(VARIABLE, format!("{point} KILL")).output().unwrap());
            }
            rig.run(vendor, &line).expect(1);
            let rows = rig.rows("r.csv");
            assert_eq!(told(&rows), told(&wanted), "{vendor:?} {point}");
            let mut asked = BTreeMap::new();
            for post in rig.server.ledger().restores() {
                *asked.entry(post.key.to_vec()).or_insert(0) += 1;
            }
            assert!(asked.values().all(|times| *times <= 1), "{vendor:?} {point}: {asked:?}");
        }
    }
}

#[cfg(debug_assertions)]
#[test]
fn an_edited_list_is_refused_and_standard_input_is_kept() {
    let (rig, names) = campaign(OSS);
    let url = OSS.url("");
    let broken_off = |rig: &Rig, line: &[&str], at: &str, input: &[u8]| {
        let mut command = rig.line(OSS, line);
        command.env(VARIABLE, format!("{at} TERM")).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::of(&child.wait_with_output().unwrap()).expect(143);
    };
    let line: Vec<&str> = ["restore", &url].into_iter().chain(LINE).collect();
    broken_off(&rig, &line, "answer-written 20", b"");
    let list = std::fs::read_to_string(rig.path("keys.txt")).unwrap();
    std::fs::write(rig.path("keys.txt"), format!("{list}\np/more\n")).unwrap();
    rig.run(OSS, &line).expect(2).in_one_error().says(&["key_list was `lines ", "--fresh"]);
    std::fs::write(rig.path("keys.txt"), &list).unwrap();
    rig.run(OSS, &line).expect(1);
    assert_eq!(rig.rows("r.csv").len(), names);

    let (rig, _) = campaign(OSS);
    let line: Vec<&str> = line.iter().map(|word| if *word == "keys.txt" { "-" } else { word }).collect();
    broken_off(&rig, &line, "answer-written 20", list.as_bytes());
    broken_off(&rig, &line, "answer-written 15", b"");
    // Whoever has no list any more goes on with the copy; another list is another run.
    piped(&rig, OSS, &line, b"p/other\n").expect(2).says(&["key_list was"]);
    piped(&rig, OSS, &line, list.as_bytes()).expect(1);
    assert_eq!(rig.rows("r.csv").len(), names);
}
