//! The same as a user meets it: one error that names the place and the way out, and the exit code
//! that `--help` promises.

use defrost::sim::{Call, Fault, FaultKind, Server};

use super::ground::config;
use crate::support::{Ran, Rig, VENDORS, Vendor};

fn scan(rig: &Rig, vendor: Vendor) -> Ran {
    let url = vendor.url("p/");
    let line = ["scan", &url, "--storage-class", "any", "--page-size", "5", "--report", "r.csv"];
    rig.run(vendor, &[&line[..], &["--max-attempts", "2", "--list-concurrency", "1"]].concat())
}

/// Fault, exit code, and what stands in stderr.
fn told(elsewhere: &Server) -> Vec<(Fault, i32, Vec<String>)> {
    let new = Fault::new;
    let page = |kind| Fault { skip: 1, ..new(kind) };
    let leads = |to: String| Fault { location: Some(to), ..new(FaultKind::Redirect) };
    let denied = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        (new(FaultKind::SlowDown), 1, words(&["503", "after 2 attempts", "--list-rate-limit"])),
        (new(FaultKind::Internal), 1, words(&["500 InternalError", "run the same line again later"])),
        (new(FaultKind::Reset), 1, words(&["the connection to 127.0.0.1", "check network"])),
        (new(FaultKind::Torn), 1, words(&["200 (the reply", "run the same line again later"])),
        (Fault::answer(200, "<html>Sign in</html>"), 1, words(&["the reply is not a listing"])),
        (new(FaultKind::Oversize), 1, words(&["larger than any page", "check network"])),
        (page(FaultKind::RepeatToken), 1, words(&["repeated a continuation marker", "--list-v1"])),
        (new(FaultKind::Disorder), 1, words(&["needs keys in order", "breaks its own protocol"])),
        (new(FaultKind::Stray), 1, words(&[", which does not begin with `p/`"])),
        (Fault::answer(200, denied), 4, words(&["AccessDenied", "grant these credentials"])),
        (new(FaultKind::ExpiredToken), 4, words(&["get a new security token"])),
        (new(FaultKind::Skewed), 4, words(&["set this machine's clock"])),
        (
            leads(format!("{}/b/?list", elsewhere.url())),
            2,
            vec![
                format!("the answer leads to `{}`", elsewhere.addr()),
                "redirects are not followed".to_owned(),
                "--endpoint-url".to_owned(),
            ],
        ),
        (
            leads("/login".to_owned()),
            2,
            words(&["307", "--region", "--endpoint-url", "redirects are not followed"]),
        ),
        (
            leads("https://test-archive.s3.eu-west-1.amazonaws.com/?list".to_owned()),
            2,
            words(&["307", "eu-west-1"]),
        ),
    ]
}

#[test]
fn each_end_has_one_error_a_way_out_and_its_exit_code() {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            scope.spawn(move || {
                let rig = Rig::new(config(vendor, Call::List));
                let elsewhere = Rig::new(defrost::sim::Config::default());
                for (fault, code, pieces) in told(&elsewhere.server) {
                    rig.server.clear_faults();
                    rig.server.add_fault(fault.on(Call::List));
                    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
                    scan(&rig, vendor)
                        .expect(code)
                        .in_one_error()
                        .says(&pieces)
                        .says(&[&vendor.url("")[..6]]);
                    assert!(!rig.path("r.csv").exists() && rig.path("r.csv.partial").exists());
                }
                assert_eq!(elsewhere.server.ledger().counts().total, 0, "nobody is led astray");
                rig.server.clear_faults();
                scan(&rig, vendor).expect(0);
                assert_eq!(rig.rows("r.csv").len(), super::ground::OBJECTS);
            });
        }
    });
}

#[test]
fn sizes_whose_sum_does_not_fit_are_told_without_a_panic() {
    for vendor in VENDORS {
        let rig = Rig::new(config(vendor, Call::List));
        let most = format!("<Size>{}<", u64::MAX);
        rig.server.add_fault(Fault::edit("<Size>1048576<", most).on(Call::List));
        let ran = scan(&rig, vendor).expect(0);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        let summary: serde_json::Value =
            serde_json::from_slice(&std::fs::read(rig.path("r.summary.json")).unwrap()).unwrap();
        assert_eq!(summary["tally"]["matched"]["bytes"], u64::MAX);
    }
}
