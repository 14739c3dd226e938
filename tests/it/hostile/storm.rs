//! Three requests in ten go wrong, each in another way, and the report says what it would say on a
//! calm day.

use defrost::pipeline::report::Verdict;
use defrost::sim::{Call, Config, Credential, Fault, FaultKind, Generate, Span, Versioning};

use super::ground::{Ground, start};
use crate::support::{ACCESS_KEY, Row, SECRET_KEY, STILL, VENDORS, Vendor};

const OBJECTS: u64 = 240;
/// The share of requests that go wrong.
const SHARE: f64 = 0.3;
/// With so many attempts, one request in 10⁸ would fail for good.
const ATTEMPTS: u32 = 16;

fn config(vendor: Vendor, call: Call) -> Config {
    let mut bucket = vendor.bucket();
    // Compressed listings where there are the most of them.
    bucket.quirks.gzip = call == Call::Versions;
    bucket.generate = Some(Generate {
        count: OBJECTS,
        prefix: "p/".to_owned(),
        seed: 5,
        classes: [(vendor.cold.to_owned(), 4), (vendor.standard.to_owned(), 1)].into(),
        ages: Some([Span(90 * 86_400), Span(900 * 86_400)]),
        restoring: 0.1,
        restored: 0.1,
        ..Generate::default()
    });
    if call == Call::Versions {
        bucket.versioning = Versioning::Enabled;
        let generate = bucket.generate.as_mut().unwrap();
        (generate.count, generate.versions_per_key, generate.deleted) = (OBJECTS / 3, Some(3), 0.2);
    }
    let mut config = Config::default().with_bucket(bucket);
    config.credentials.push(Credential::new(ACCESS_KEY, SECRET_KEY));
    (config.clock.start, config.clock.speed) = (Some(start()), STILL);
    config
}

/// What passes: all that may befall a listing, and a HEAD or a restore.
fn storm(seed: u64) -> Vec<Fault> {
    let new = Fault::new;
    let pages = [
        new(FaultKind::Cut),
        new(FaultKind::Torn),
        new(FaultKind::Overstated),
        new(FaultKind::Understated),
        new(FaultKind::Utf16),
        new(FaultKind::EmptyPage),
        new(FaultKind::ErrorIn200),
        Fault::edit("<IsTruncated>", "<!-- -- -->"),
    ];
    let all = [
        new(FaultKind::SlowDown),
        Fault { retry_after: Some(1), ..new(FaultKind::SlowDown) },
        new(FaultKind::Bare503),
        new(FaultKind::Internal),
        Fault { status: Some(429), code: Some("TooManyRequests".to_owned()), ..new(FaultKind::Error) },
        new(FaultKind::Reset),
        new(FaultKind::LostAnswer),
        Fault { delay_ms: Some(5), ..new(FaultKind::Stall) },
        Fault::answer(502, "<html>Bad gateway</html>"),
        Fault::answer(200, "<html>Sign in</html>"),
    ];
    let of = |calls: &[Call], kinds: &[Fault]| -> Vec<Fault> {
        // Each rule is asked in turn, so that together they hit the share.
        let each = 1.0 - (1.0 - SHARE).powf(1.0 / kinds.len() as f64);
        let numbered = (0_u64..).zip(kinds);
        numbered
            .map(|(n, kind)| Fault { calls: calls.to_vec(), ..kind.clone().chance(each, seed * 1000 + n) })
            .collect()
    };
    let on_pages = [&pages[..], &all].concat();
    [of(&[Call::List, Call::Versions], &on_pages), of(&[Call::Head, Call::Restore], &all)].concat()
}

async fn ground(vendor: Vendor, call: Call, faults: Vec<Fault>) -> Ground {
    let mut config = config(vendor, call);
    config.faults = faults;
    let mut ground = Ground::of(vendor, call, config).await;
    // In many ranges at once.
    (ground.in_flight, ground.attempts) = (4, ATTEMPTS);
    ground
}

/// `found` says what `wanted` does, but for restores whose answer was lost, at most `lost`: these
/// were found running by the next attempt.
#[track_caller]
fn same_but_for_lost_answers(found: &[Row], wanted: &[Row]) -> usize {
    const OF_THE_ANSWER: [&str; 3] = ["action", "http_status", "error_code"];
    assert_eq!(found.len(), wanted.len());
    let mut lost = 0;
    for (found, wanted) in found.iter().zip(wanted) {
        if found == wanted {
            continue;
        }
        lost += 1;
        let told = OF_THE_ANSWER.map(|column| found[column].as_str());
        assert_eq!(told, ["already", "409", "RestoreAlreadyInProgress"], "{found:?}\n{wanted:?}");
        assert_eq!(wanted["action"], "requested", "{found:?}");
        for (column, value) in wanted.iter().filter(|(c, _)| !OF_THE_ANSWER.contains(&c.as_str())) {
            assert_eq!(&found[column], value, "{found:?}");
        }
    }
    lost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_ends_with_the_report_of_a_calm_day() {
    println!("| storm | requests | faults | retries | rows | equal | found running |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for vendor in VENDORS {
        for call in [Call::List, Call::Versions, Call::Restore] {
            let calm = ground(vendor, call, Vec::new()).await;
            assert!(matches!(calm.run().await.ended, Ok(Verdict::Complete)));
            let calm = calm.compared();
            for seed in 1..=2 {
                let ground = ground(vendor, call, storm(seed)).await;
                let told = ground.run().await;
                assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
                let found = ground.compared();
                let lost = same_but_for_lost_answers(&found, &calm);
                assert!(call == Call::Restore || lost == 0);
                ground.paid_once();
                let counts = ground.server.ledger().counts();
                let share = counts.faults as f64 / counts.total as f64;
                assert!(counts.total < 80 || (0.2..0.4).contains(&share), "{share}");
                println!(
                    "| {} {call:?} {seed} | {} | {} | {} | {} | {} | {lost} |",
                    vendor.scheme,
                    counts.total,
                    counts.faults,
                    told.requests.retries,
                    found.len(),
                    found.len() - lost,
                );
            }
        }
    }
}

/// Without a second attempt every fault ends the run: each time with an error, and never with rows
/// that are not all there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_listing_that_is_not_finished_is_never_a_success() {
    let mut ends = 0;
    for vendor in VENDORS {
        for call in [Call::List, Call::Versions] {
            let calm = ground(vendor, call, Vec::new()).await;
            assert!(matches!(calm.run().await.ended, Ok(Verdict::Complete)));
            let mut ground = ground(vendor, call, storm(3)).await;
            (ground.attempts, ground.in_flight) = (1, 2);
            loop {
                match ground.run().await.ended {
                    Ok(verdict) => {
                        assert_eq!(verdict, Verdict::Complete);
                        assert_eq!(ground.compared(), calm.compared());
                        assert!(!ground.partial().exists());
                        break;
                    }
                    Err(_) => ends += 1,
                }
                assert!(ground.partial().exists() && !ground.report().exists());
                assert!(ends < 10_000, "no end");
            }
        }
    }
    println!("{ends} runs were broken off, each with an error, before six came to their end");
    assert!(ends > 20, "{ends}");
}
