//! Stores that fail on purpose: what passes is healed, what does not is told in the row or by the
//! exit code, and nothing is lost.

use std::path::PathBuf;

use defrost::sim::{Call, Config, Credential, Fault, FaultKind, ObjectConfig};
use serde_json::Value;

use crate::support::{COS, Ran, Rig, Row, S3, VENDORS, Vendor};

/// Objects in the bucket, five of them on a page.
const OBJECTS: u64 = 12;

fn config(vendor: Vendor) -> Config {
    let mut bucket = vendor.bucket();
    for number in 0..OBJECTS {
        bucket = bucket.with(ObjectConfig::new(format!("p/{number:02}"), vendor.cold));
    }
    Config::default().with_bucket(bucket)
}

fn rig(vendor: Vendor, faults: impl IntoIterator<Item = Fault>) -> Rig {
    let mut config = config(vendor);
    config.faults.extend(faults);
    Rig::new(config)
}

fn night(rig: &Rig, vendor: Vendor, more: &[&str]) -> Ran {
    let url = vendor.url("p/");
    let mut line = vec!["restore", &url, "--days", "3", "--page-size", "5", "--report", "r.csv"];
    // Page after page, so that the number of a request tells which page it asks for.
    line.extend(["--rate-limit", "100000", "--list-rate-limit", "100000", "--list-concurrency", "1"]);
    line.extend(more);
    rig.run(vendor, &line)
}

fn summary(rig: &Rig) -> Value {
    serde_json::from_slice(&std::fs::read(rig.path("r.summary.json")).unwrap()).unwrap()
}

fn partial(rig: &Rig) -> PathBuf {
    rig.path("r.csv.partial")
}

fn posts(rig: &Rig) -> u64 {
    rig.server.ledger().counts().restore
}

/// Requests that a restore needs beside the POST: COS listings do not tell the state.
fn heads(vendor: Vendor) -> u64 {
    u64::from(vendor.scheme == "cos")
}

/// Columns of a row, joined.
fn cells(row: &Row, columns: &[&str]) -> String {
    columns.iter().map(|column| row[*column].as_str()).collect::<Vec<_>>().join(" ")
}

const WHAT: [&str; 5] = ["state", "action", "reason", "http_status", "error_code"];

/// Every object was asked for, in order; `attempts` requests each.
#[track_caller]
fn all_requested(rig: &Rig, attempts: Option<u64>) {
    let rows = rig.rows("r.csv");
    assert_eq!(rows.len() as u64, OBJECTS);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["key"], format!("p/{number:02}"));
        assert_eq!(cells(row, &WHAT), "restoring requested  202 ", "{row:?}");
        if let Some(attempts) = attempts {
            assert_eq!(row["attempts"], attempts.to_string(), "{row:?}");
        }
    }
    assert!(!partial(rig).exists());
}

/// Runs `test` for each vendor at the same time: most of it is waiting.
fn each_vendor(test: impl Fn(Vendor) + Sync) {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            let test = &test;
            scope.spawn(move || test(vendor));
        }
    });
}

fn once_per_key(kind: FaultKind) -> Fault {
    Fault { per_key: true, delay_ms: Some(30), ..Fault::new(kind).on(Call::Restore).first(1) }
}

#[test]
fn a_restore_that_fails_once_is_asked_for_again() {
    let kinds = [
        (FaultKind::SlowDown, true),
        (FaultKind::Bare503, true),
        (FaultKind::Internal, false),
        (FaultKind::ErrorIn200, false),
        (FaultKind::Reset, false),
        (FaultKind::Stall, false),
    ];
    each_vendor(|vendor| {
        for (kind, throttles) in kinds {
            let rig = rig(vendor, [once_per_key(kind)]);
            night(&rig, vendor, &[]).expect(0);
            all_requested(&rig, Some(2 + heads(vendor)));
            let requests = &summary(&rig)["requests"];
            assert_eq!(requests["restore"], 2 * OBJECTS, "{kind:?}");
            assert_eq!(requests["retries"], OBJECTS, "{kind:?}");
            assert_eq!(requests["throttled"], if throttles { OBJECTS } else { 0 }, "{kind:?}");
            assert_eq!(posts(&rig), 2 * OBJECTS, "{kind:?}");
        }
    });
}

#[test]
fn a_restore_whose_answer_is_lost_runs_already() {
    each_vendor(|vendor| {
        let rig = rig(vendor, [once_per_key(FaultKind::LostAnswer)]);
        night(&rig, vendor, &[]).expect(0);
        for row in rig.rows("r.csv") {
            let code = "restoring already  409 RestoreAlreadyInProgress";
            assert_eq!(cells(&row, &WHAT), code, "{row:?}");
            assert_eq!(row["attempts"], (2 + heads(vendor)).to_string());
        }
        assert_eq!(summary(&rig)["tally"]["actions"]["already"]["objects"], OBJECTS);
    });
}

#[test]
fn a_restore_that_was_answered_is_not_asked_for_again() {
    each_vendor(|vendor| {
        // The status came, the rest of the answer did not.
        for kind in [FaultKind::Cut, FaultKind::Overstated] {
            let rig = rig(vendor, [once_per_key(kind)]);
            night(&rig, vendor, &[]).expect(0);
            all_requested(&rig, Some(1 + heads(vendor)));
            assert_eq!(posts(&rig), OBJECTS, "{kind:?}: once each");
        }
    });
}

#[test]
fn a_page_that_fails_is_asked_for_again() {
    let kinds = [
        FaultKind::SlowDown,
        FaultKind::Bare503,
        FaultKind::Internal,
        FaultKind::ErrorIn200,
        FaultKind::Reset,
        FaultKind::LostAnswer,
        FaultKind::Cut,
        FaultKind::Torn,
        FaultKind::Stall,
    ];
    each_vendor(|vendor| {
        for kind in kinds {
            // The first and the third request, which is for the second page.
            let fault = Fault { delay_ms: Some(30), ..Fault::new(kind).on(Call::List) };
            let later = Fault { skip: 1, ..fault.clone().first(1) };
            let rig = rig(vendor, [fault.first(1), later]);
            night(&rig, vendor, &[]).expect(0);
            all_requested(&rig, Some(1 + heads(vendor)));
            let requests = &summary(&rig)["requests"];
            assert_eq!((&requests["list"], &requests["retries"]), (&5.into(), &2.into()), "{kind:?}");
        }
        let fault = Fault::new(FaultKind::Torn).on(Call::Versions).first(2);
        let rig = rig(vendor, [fault]);
        night(&rig, vendor, &["--versions"]).expect(0);
        all_requested(&rig, Some(1 + heads(vendor)));
    });
}

#[test]
fn a_head_that_fails_once_is_asked_for_again() {
    let fault = Fault { per_key: true, ..Fault::new(FaultKind::SlowDown).on(Call::Head).first(1) };
    let rig = rig(COS, [fault, Fault::new(FaultKind::Reset).on(Call::Head).key("p/04").first(1)]);
    night(&rig, COS, &[]).expect(0);
    all_requested(&rig, None);
    assert_eq!(summary(&rig)["requests"]["head"], 2 * OBJECTS + 1);
}

#[test]
fn empty_pages_are_passed_over() {
    each_vendor(|vendor| {
        let rig = rig(vendor, [Fault::new(FaultKind::EmptyPage).on(Call::List).every(2)]);
        night(&rig, vendor, &[]).expect(0);
        all_requested(&rig, Some(1 + heads(vendor)));
        assert!(summary(&rig)["requests"]["list"].as_u64().unwrap() > 3);
    });
}

#[test]
fn what_stays_broken_fails_its_own_row_and_no_other() {
    each_vendor(|vendor| {
        let on = |kind, key: &str| Fault::new(kind).on(Call::Restore).key(key);
        let rig = rig(
            vendor,
            [
                on(FaultKind::SlowDown, "p/03"),
                on(FaultKind::Reset, "p/05"),
                on(FaultKind::Internal, "p/07"),
                on(FaultKind::Bare503, "p/11"),
            ],
        );
        night(&rig, vendor, &["--max-attempts", "3"]).expect(1);
        let rows = rig.rows("r.csv");
        assert_eq!(rows.len() as u64, OBJECTS);
        for row in &rows {
            let wanted = match row["key"].as_str() {
                "p/03" => {
                    assert!(!row["error_code"].is_empty(), "{row:?}");
                    "failed throttled 503"
                }
                "p/05" => "failed network ",
                "p/07" => "failed network 500",
                "p/11" => "failed throttled 503",
                _ => "requested  202",
            };
            assert_eq!(cells(row, &["action", "reason", "http_status"]), wanted, "{row:?}");
            if row["action"] == "failed" {
                assert_eq!(row["state"], "archived", "nothing was changed: {row:?}");
                let attempts: u64 = row["attempts"].parse().unwrap();
                // While others are served, a refusal for pace is no failed attempt.
                let more = row["reason"] == "throttled";
                let at_least = 3 + heads(vendor);
                assert!(attempts == at_least || (more && attempts > at_least), "{row:?}");
            }
        }
        let summary = summary(&rig);
        assert_eq!(summary["exit_code"], 1);
        assert_eq!(summary["tally"]["actions"]["failed"]["objects"], 4);
        let (throttled, retries) = (&summary["requests"]["throttled"], &summary["requests"]["retries"]);
        let throttled = throttled.as_u64().unwrap();
        assert!(throttled >= 6, "each of them, the last one too");
        assert_eq!(retries.as_u64().unwrap(), throttled + 2);
        // The next night takes what failed.
        rig.server.clear_faults();
        night(&rig, vendor, &[]).expect(0);
        let requested = rig.rows("r.csv").iter().filter(|row| row["action"] == "requested").count();
        assert_eq!(requested, 4);
    });
}

#[test]
fn a_listing_that_cannot_go_on_is_no_success_and_is_gone_on_with() {
    let kinds =
        [FaultKind::SlowDown, FaultKind::Internal, FaultKind::Reset, FaultKind::Torn, FaultKind::ErrorIn200];
    each_vendor(|vendor| {
        for kind in kinds {
            for skip in [0, 2] {
                let rig = rig(vendor, [Fault { skip, ..Fault::new(kind).on(Call::List) }]);
                night(&rig, vendor, &["--max-attempts", "2"])
                    .expect(1)
                    .says(&["error: cannot list `", "run the same line again"]);
                assert!(partial(&rig).exists() && !rig.path("r.csv").exists());
                assert_eq!(posts(&rig), skip * 5, "what was listed was worked on");
                rig.server.clear_faults();
                night(&rig, vendor, &["--max-attempts", "2"]).expect(0);
                all_requested(&rig, Some(1 + heads(vendor)));
                assert_eq!(posts(&rig), OBJECTS, "once each");
                assert_eq!(summary(&rig)["sessions"], 2);
            }
        }
    });
}

#[test]
fn a_store_that_is_not_there_is_told() {
    let rig = rig(S3, []);
    let line = ["scan", "s3://b-b/", "--report", "r.csv", "--max-attempts", "2", "--region", "us-east-1"];
    let mut command = rig.command(&line);
    // Port 9 (discard) is served nowhere.
    command.args(["--endpoint-url", "http://127.0.0.1:9"]);
    Ran::of(&command.output().unwrap()).expect(1).says(&["cannot connect", "2 attempts", "--endpoint-url"]);
    assert!(partial(&rig).exists() && !rig.path("r.csv").exists());
}

#[test]
fn a_repeated_marker_ends_the_run() {
    each_vendor(|vendor| {
        for versions in [false, true] {
            let call = if versions { Call::Versions } else { Call::List };
            let more: &[&str] = if versions { &["--versions"] } else { &[] };
            let rig = rig(vendor, [Fault { skip: 1, ..Fault::new(FaultKind::RepeatToken).on(call) }]);
            night(&rig, vendor, more).expect(1).says(&["repeated a continuation marker", "--list-v1"]);
            assert!(partial(&rig).exists() && !rig.path("r.csv").exists());
            rig.server.clear_faults();
            night(&rig, vendor, more).expect(0);
            all_requested(&rig, Some(1 + heads(vendor)));
            assert_eq!(posts(&rig), OBJECTS, "once each");
        }
    });
}

#[test]
fn retry_after_is_obeyed() {
    each_vendor(|vendor| {
        let slow =
            Fault { skip: 3, retry_after: Some(1), ..Fault::new(FaultKind::SlowDown).on(Call::Restore) };
        let rig = rig(vendor, [slow.first(1)]);
        night(&rig, vendor, &["--concurrency", "1"]).expect(0).says(&["slow"]);
        all_requested(&rig, None);
        let posts = rig.server.ledger().restores();
        assert_eq!(posts.len() as u64, OBJECTS + 1);
        let told = posts.iter().position(|post| post.status == 503).unwrap();
        // Not only the one that was told: no request of that kind.
        let pause = posts[told + 1].at.duration_since(posts[told].at);
        assert!(pause >= jiff::SignedDuration::from_secs(1), "the next one came after {pause:#}");
        assert_eq!(summary(&rig)["requests"]["throttled"], 1);
    });
}

#[test]
fn a_clock_that_is_off_is_healed() {
    each_vendor(|vendor| {
        for skew in [3 * 3600, -2 * 86_400] {
            let mut config = config(vendor);
            config.clock.skew = skew;
            let rig = Rig::new(config);
            night(&rig, vendor, &[]).expect(0);
            all_requested(&rig, Some(1 + heads(vendor)));
            assert_eq!(summary(&rig)["requests"]["retries"], 1, "the first request found it");
        }
    });
}

#[test]
fn a_clock_that_cannot_be_healed_stops_the_run() {
    each_vendor(|vendor| {
        // The store finds the time wrong, but by its own Date it is right.
        let fault = Fault { skip: 4, ..Fault::new(FaultKind::Skewed).on(Call::Restore) };
        let rig = rig(vendor, [fault]);
        night(&rig, vendor, &[]).expect(4).says(&["RequestTimeTooSkewed", "clock"]);
        assert!(partial(&rig).exists() && !rig.path("r.csv").exists());
        rig.server.clear_faults();
        night(&rig, vendor, &[]).expect(0);
        all_requested(&rig, Some(1 + heads(vendor)));
    });
}

#[test]
fn a_token_that_lapsed_for_good_stops_the_run_until_there_is_a_new_one() {
    each_vendor(|vendor| {
        for call in [Call::List, Call::Restore] {
            let fault = Fault { skip: 1, ..Fault::new(FaultKind::ExpiredToken).on(call) };
            let rig = rig(vendor, [fault]);
            night(&rig, vendor, &["--concurrency", "2"]).expect(4).says(&["token"]);
            assert!(partial(&rig).exists() && !rig.path("r.csv").exists());
            rig.server.clear_faults();
            night(&rig, vendor, &["--concurrency", "2"]).expect(0);
            all_requested(&rig, Some(1 + heads(vendor)));
        }
    });
}

/// Keys from a program that hands out another pair each time it is asked.
#[cfg(unix)]
#[test]
fn a_token_that_lapsed_is_renewed_once_for_all_requests() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut config = config(S3);
    let pair = |number: u32| (format!("AKIDrenewed{number:08}"), format!("renewed/secret+{number}"));
    for number in 1..=9 {
        let (id, secret) = pair(number);
        config.credentials.push(Credential::new(id, secret));
    }
    config.faults.push(Fault { skip: 2, ..Fault::new(FaultKind::ExpiredToken).on(Call::Restore).first(3) });
    let rig = Rig::new(config);
    let script = rig.path("keys.sh");
    let text = "#!/bin/sh\nn=$(cat count 2>/dev/null || echo 0); n=$((n+1)); echo $n > count\n\
        echo \"{\\\"Version\\\":1,\\\"AccessKeyId\\\":\\\"AKIDrenewed0000000$n\\\",\\\"SecretAccessKey\\\":\\\"renewed/secret+$n\\\"}\"\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::create_dir(rig.path(".aws")).unwrap();
    let profile = format!("[default]\nregion = us-east-1\ncredential_process = {}\n", script.display());
    std::fs::write(rig.path(".aws/config"), profile).unwrap();
    let url = S3.url("p/");
    let mut command =
        rig.command(&["restore", &url, "--days", "3", "--report", "r.csv", "--concurrency", "4"]);
    command.args(["--endpoint-url", &rig.server.url()]).env("PATH", "/usr/bin:/bin");
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    Ran::of(&command.output().unwrap()).expect(0);
    all_requested(&rig, None);
    let asked = std::fs::read_to_string(rig.path("count")).unwrap();
    assert!(["2", "3", "4"].contains(&asked.trim()), "asked {asked} times");
}

#[test]
fn no_capacity_for_the_fastest_tier_is_told_at_once() {
    let rig = rig(S3, [Fault::new(FaultKind::NoCapacity).on(Call::Restore).key("p/02")]);
    night(&rig, S3, &["--tier", "Expedited", "--storage-class", S3.cold]).expect(1);
    for row in rig.rows("r.csv") {
        let wanted = if row["key"] == "p/02" {
            "failed quota 503 GlacierExpeditedRetrievalNotAvailable 1"
        } else {
            "requested  202  1"
        };
        assert_eq!(cells(&row, &["action", "reason", "http_status", "error_code", "attempts"]), wanted);
    }
}
