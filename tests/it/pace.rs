//! Stores that take less than the job asks for, and tokens that lapse while a run goes on: every object
//! is asked for once, none fails.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use defrost::model::{Clock as _, SystemClock};
use defrost::sim::{AuthClock, Call, Config, Credential, Fault, FaultKind, Generate, RestoreRecord};
use jiff::{SignedDuration, Timestamp};

use crate::support::{COS, OSS, Ran, Rig, S3, VENDORS, Vendor, bare};
use crate::trial::json;

fn config(vendor: Vendor, count: u64) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        ..Generate::default()
    });
    Config::default().with_bucket(bucket)
}

/// Each key was taken once, whatever else was said to it.
#[track_caller]
fn taken_once(records: &[RestoreRecord], objects: u64) {
    let mut taken = BTreeMap::<&[u8], u32>::new();
    for record in records.iter().filter(|record| matches!(record.status, 200 | 202 | 409)) {
        *taken.entry(&record.key).or_default() += 1;
    }
    assert_eq!(taken.len() as u64, objects);
    assert!(taken.values().all(|&times| times == 1));
}

#[test]
fn a_store_that_takes_less_than_the_job_asks_for_gets_what_it_takes() {
    const OBJECTS: u64 = 400;
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let mut config = config(vendor, OBJECTS);
                config.buckets[0].quirks.restore_rate = Some(60);
                let rig = Rig::new(config);
                let url = vendor.url("");
                let line = ["restore", &url, "--days", "3", "--report", "r.csv", "--json-log"];
                let rate = ["--rate-limit", "5000", "--max-attempts", "3"];
                let told = rig.run(vendor, &[&line[..], &rate].concat()).expect(0);
                let rows = rig.rows("r.csv");
                assert_eq!(rows.len() as u64, OBJECTS);
                assert!(rows.iter().all(|row| row["action"] == "requested"));
                let records = rig.server.ledger().restores();
                taken_once(&records, OBJECTS);
                // The first half of the objects is given to finding the rate.
                let mut taken = 0;
                let settled = records.iter().skip_while(|record| {
                    taken += u64::from(record.status == 202);
                    taken <= OBJECTS / 2
                });
                let statuses: Vec<u16> = settled.map(|record| record.status).collect();
                let refused = statuses.iter().filter(|status| **status == 503).count();
                let share = refused as f64 / statuses.len() as f64;
                // In real time, on a busy machine, after seconds; `store::pace::model` has the figure proper.
                assert!(share < 0.15, "{}: {share} refused once settled", vendor.scheme);

                let requests = &json(&rig.path("r.summary.json"))["requests"];
                let (downs, lowest) = (&requests["slow_downs"], &requests["lowest_restore_rate"]);
                assert!(downs.as_u64().unwrap() >= 1, "{requests}");
                assert!((1..5000).contains(&lowest.as_u64().unwrap()), "{requests}");
                assert!(requests["throttled"].as_u64().unwrap() >= downs.as_u64().unwrap());
                told.says(&["\"event\":\"slowed_down\",\"call\":\"restore\",\"rate\":"]);
            });
        }
    });
}

#[test]
fn a_store_that_refuses_each_fiftieth_request_is_asked_no_slower_for_that() {
    const OBJECTS: u64 = 1500;
    let mut config = config(S3, OBJECTS);
    config.faults.push(Fault::new(FaultKind::SlowDown).on(Call::Restore).every(50));
    let rig = Rig::new(config);
    let url = S3.url("");
    let line = ["restore", &url, "--days", "3", "--report", "r.csv", "--rate-limit", "1000"];
    rig.run(S3, &line).expect(0);
    assert!(rig.rows("r.csv").iter().all(|row| row["action"] == "requested"));
    let records = rig.server.ledger().restores();
    taken_once(&records, OBJECTS);
    let refused = records.iter().filter(|record| record.status == 503).count();
    assert_eq!(refused as u64, OBJECTS / 49, "of each fifty, 49 were taken");
    let requests = &json(&rig.path("r.summary.json"))["requests"];
    assert_eq!(requests["throttled"], refused);
    // The first refusal asks whether it is the rate, and the others say that it is not. A machine that was
    // busy with something else for seconds may ask once more.
    assert!((1..=3).contains(&requests["slow_downs"].as_u64().unwrap()), "{requests}");
    assert!(requests["lowest_restore_rate"].as_u64().unwrap() >= 512, "{requests}");
}

#[test]
fn listings_and_heads_are_slowed_in_lanes_of_their_own() {
    let mut config = config(COS, 150);
    config.buckets[0].quirks.head_rate = Some(30);
    let rig = Rig::new(config);
    let url = COS.url("");
    let line = ["restore", &url, "--days", "3", "--report", "r.csv", "--json-log", "--rate-limit", "5000"];
    let told = rig.run(COS, &line).expect(0);
    assert!(rig.rows("r.csv").iter().all(|row| row["action"] == "requested"));
    assert!(told.stderr.contains("\"event\":\"slowed_down\",\"call\":\"head\""), "{}", told.stderr);
    assert!(!told.stderr.contains("\"event\":\"slowed_down\",\"call\":\"restore\""), "{}", told.stderr);
    let summary = json(&rig.path("r.summary.json"));
    assert!(summary["requests"]["lowest_restore_rate"].is_null());
}

#[test]
fn answers_that_were_delayed_slow_the_lane_and_fail_nothing() {
    let mut config = config(OSS, 60);
    let mut delayed = Fault::edit("no such text", "").on(Call::Restore).every(10);
    delayed.headers.insert("x-oss-qos-delay-time".to_owned(), "250".to_owned());
    config.faults.push(delayed);
    let rig = Rig::new(config);
    let url = OSS.url("");
    let line = ["restore", &url, "--days", "3", "--report", "r.csv", "--rate-limit", "1000"];
    rig.run(OSS, &line).expect(0);
    taken_once(&rig.server.ledger().restores(), 60);
    let requests = &json(&rig.path("r.summary.json"))["requests"];
    assert!(requests["slow_downs"].as_u64().unwrap() > 0, "{requests}");
    assert_eq!((&requests["throttled"], &requests["retries"]), (&0.into(), &0.into()));
}

/// Simulated seconds a real second.
const SPEED: f64 = 60.0;
/// Minutes for which there are tokens.
const MINUTES: u32 = 600;
/// Seconds by which the next pair is handed out before the last one lapses.
const AHEAD: i64 = 5;

/// The temporary pair of a minute.
fn pair(minute: u32) -> Credential {
    let mut pair = Credential::new(format!("AKIDminute{minute:08}"), format!("secret/of+{minute}"));
    pair.session_token = Some(format!("token/of+{minute}=="));
    pair
}

/// Hands out the pair of the store's present minute, as each vendor's source does.
struct Issuer<'r> {
    rig: &'r Rig,
    start: Timestamp,
}

impl Issuer<'_> {
    /// The present pair, and when it lapses.
    fn present(&self) -> (Credential, Timestamp) {
        let past = self.rig.server.clock().now().duration_since(self.start).as_secs();
        let minute = u32::try_from((past + AHEAD) / 60).unwrap();
        let end = self.start.checked_add(SignedDuration::from_mins(i64::from(minute) + 1)).unwrap();
        (pair(minute), end)
    }

    fn write(&self, name: &str, text: impl Fn(&Credential, Timestamp) -> String) {
        let (pair, end) = self.present();
        let next = self.rig.path("next");
        std::fs::write(&next, text(&pair, end)).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(&next, self.rig.path(name)).unwrap();
    }

    /// Answers one request for the pair, if one comes.
    fn serve(&self, listener: &TcpListener) {
        let Ok((mut stream, _)) = listener.accept() else { return };
        stream.set_nonblocking(false).unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).unwrap();
        let (pair, end) = self.present();
        let body = format!(
            "{{\"Code\":\"Success\",\"AccessKeyId\":\"{}\",\"AccessKeySecret\":\"{}\",\"SecurityToken\":\"{}\",\
             \"Expiration\":\"{end:.0}\"}}",
            pair.access_key_id,
            pair.secret_key,
            token(&pair)
        );
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    }
}

fn token(pair: &Credential) -> &str {
    pair.session_token.as_deref().unwrap()
}

fn process(pair: &Credential, end: Timestamp) -> String {
    format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"SessionToken\":\"{}\",\
         \"Expiration\":\"{end:.0}\"}}",
        pair.access_key_id,
        pair.secret_key,
        token(pair)
    )
}

fn cos_conf(pair: &Credential, _end: Timestamp) -> String {
    let (id, key) = (&pair.access_key_id, &pair.secret_key);
    format!("[common]\nsecret_id = {id}\nsecret_key = {key}\ntoken = {}\n", token(pair))
}

fn executable(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_token_that_lapses_every_minute_fails_no_row() {
    const OBJECTS: u64 = 400;
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let start = SystemClock::new().now();
                let mut config = config(vendor, OBJECTS);
                (config.clock.start, config.clock.speed) = (Some(start), SPEED);
                config.auth = AuthClock::Store;
                for minute in 0..MINUTES {
                    let end = start.checked_add(SignedDuration::from_mins(i64::from(minute) + 1)).unwrap();
                    config.credentials.push(Credential { expires: Some(end), ..pair(minute) });
                }
                let rig = Rig::new(config);
                let issuer = Issuer { rig: &rig, start };
                let (url, place) = (vendor.url(""), rig.place(vendor));
                let mut command = bare(rig.folder(), &["restore", &url, "--days", "3", "--report", "r.csv"]);
                command.args(&place).args(["--rate-limit", "80", "--page-size", "100"]);
                command.env("PATH", "/usr/bin:/bin");
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                listener.set_nonblocking(true).unwrap();
                if vendor.scheme == S3.scheme {
                    let script = rig.path("keys.sh");
                    executable(&script, &format!("#!/bin/sh\ncat {}\n", rig.path("keys").display()));
                    std::fs::create_dir(rig.path(".aws")).unwrap();
                    let profile = format!("[default]\ncredential_process = {}\n", script.display());
                    std::fs::write(rig.path(".aws/config"), profile).unwrap();
                } else if vendor.scheme == OSS.scheme {
                    let address = listener.local_addr().unwrap();
                    command.env("ALIBABA_CLOUD_CREDENTIALS_URI", format!("http://{address}/keys"));
                }
                let tend = || match vendor.scheme {
                    "s3" => issuer.write("keys", process),
                    "cos" => issuer.write(".cos.conf", cos_conf),
                    _ => issuer.serve(&listener),
                };
                tend();
                let ended = AtomicBool::new(false);
                let ran = std::thread::scope(|scope| {
                    scope.spawn(|| {
                        while !ended.load(Ordering::Relaxed) {
                            tend();
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    });
                    let output = command.output();
                    ended.store(true, Ordering::Relaxed);
                    Ran::of(&output.unwrap())
                });
                ran.expect(0);
                let rows = rig.rows("r.csv");
                assert_eq!(rows.len() as u64, OBJECTS);
                assert!(rows.iter().all(|row| row["action"] == "requested"), "no failed row");
                let records = rig.server.ledger().restores();
                taken_once(&records, OBJECTS);
                let span = records.last().unwrap().at.duration_since(records[0].at);
                assert!(span >= SignedDuration::from_mins(5), "it went on for {span:#} only");
                let statuses = rig.server.ledger().counts().by_status;
                assert!(statuses.iter().any(|(status, _)| matches!(status, 400 | 403)), "{statuses:?}");
            });
        }
    });
}
