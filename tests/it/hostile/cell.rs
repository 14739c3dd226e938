//! One cell of the table: a fault in one call of one vendor, once or for good.

use std::sync::Arc;

use defrost::pipeline::RunError;
use defrost::pipeline::report::Verdict;
use defrost::pipeline::source::SourceError;
use defrost::sim::{Call, Fault};
use defrost::store::{ErrorKind, StoreError};

use super::fault::{Case, Want};
use super::ground::{Ground, IMPATIENT, OBJECTS, config};
use crate::support::{Row, Vendor};

/// The exit code that the binary documents for `error`; `binary.rs` holds some against it.
pub(super) fn exit_of(error: &RunError) -> u8 {
    let of_store = |error: &StoreError| match error.kind {
        ErrorKind::WrongRegion | ErrorKind::NoSuchBucket | ErrorKind::Illegal => 2,
        ErrorKind::Skewed | ErrorKind::TokenExpired | ErrorKind::Denied | ErrorKind::Credentials => 4,
        _ => 1,
    };
    match error {
        RunError::Source(SourceError::Store(error)) | RunError::Doomed(error) => of_store(error),
        RunError::Source(_) => 1,
        other => panic!("not the store's fault: {other}"),
    }
}

/// An error with its causes, as a user reads it.
pub(super) fn text_of(error: &RunError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Both reports say the same.
#[track_caller]
pub(super) fn same(found: &[Row], wanted: &[Row], what: &str) {
    let keys = |rows: &[Row]| rows.iter().map(|row| row["key"].clone()).collect::<Vec<_>>();
    assert_eq!(keys(found), keys(wanted), "{what}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted, "{what}");
    }
}

/// Does the fault as often as is meant, and checks what came of it. Says it in a word.
pub(super) async fn check(
    case: &Case,
    vendor: Vendor,
    call: Call,
    for_good: bool,
    usual: Arc<Vec<Row>>,
) -> String {
    let what = format!(
        "{} in {} {call:?}, {}",
        case.name,
        vendor.scheme,
        if for_good { "for good" } else { "once" }
    );
    let fault = case.fault.clone().expect("there is such a fault");
    let once = match call {
        // The page that follows is asked for by what this one says.
        Call::List | Call::Versions => Fault { skip: case.page, first: Some(1), ..fault.clone() },
        _ => Fault { key: Some("p/03".to_owned()), first: Some(1), ..fault.clone() },
    };
    let mut config = config(vendor, call);
    config.clock.skew = case.skew;
    config.faults.push(if for_good || case.skew != 0 { fault } else { once });
    let mut ground = Ground::of(vendor, call, config).await;
    if case.tries_patience {
        ground.patience = IMPATIENT;
        // A busy machine must not use up the attempts of a fault that comes once.
        ground.attempts = if for_good { 2 } else { 10 };
    }
    let told = ground.run().await;
    let want = case.want(vendor, call, for_good);
    let shown = format!("{what}: wanted {want:?}, came {:?}", told.ended.as_ref().map_err(text_of));
    let hit = |row: &Row| for_good || row["key"] == "p/03";
    let word = match want {
        Want::Calm | Want::Healed => {
            assert!(matches!(told.ended, Ok(Verdict::Complete)), "{shown}");
            same(&ground.compared(), &usual, &what);
            assert_eq!(told.requests.retries > 0, want == Want::Healed, "{what}");
            if case.name.contains("Retry-After") {
                assert!(told.longest_pause.as_secs() >= 2, "{what}");
            }
            if want == Want::Calm { "calm" } else { "healed" }.to_owned()
        }
        Want::Already => {
            assert!(matches!(told.ended, Ok(Verdict::Complete)), "{shown}");
            for (row, calm) in ground.compared().into_iter().zip(&*usual) {
                let wanted = [("already", "409"), ("requested", "202")][usize::from(!hit(&row))];
                assert_eq!((row["action"].as_str(), row["http_status"].as_str()), wanted, "{what}");
                assert_eq!((&row["key"], &row["state"]), (&calm["key"], &calm["state"]), "{what}");
            }
            "already running".to_owned()
        }
        Want::Open => {
            assert!(matches!(told.ended, Ok(Verdict::Complete)), "{shown}");
            for (row, calm) in ground.compared().into_iter().zip(&*usual) {
                let open = if hit(&row) { String::new() } else { calm["expires_at"].clone() };
                let wanted: Row = calm
                    .iter()
                    .map(|(c, v)| (c.clone(), if c == "expires_at" { open.clone() } else { v.clone() }))
                    .collect();
                assert_eq!(row, wanted, "{what}");
            }
            "expiry open".to_owned()
        }
        Want::Rows(reason) => {
            let verdict = told.ended.unwrap_or_else(|_| panic!("{shown}"));
            let all_denied = for_good && reason == "denied";
            assert_eq!(verdict == Verdict::AllDenied, all_denied, "{shown}");
            assert!(all_denied || verdict == Verdict::SomeFailed, "{shown}");
            let rows = ground.compared();
            assert_eq!(rows.len(), OBJECTS, "{what}");
            for (row, calm) in rows.into_iter().zip(&*usual) {
                if !hit(&row) {
                    assert_eq!(row, *calm, "{what}");
                    continue;
                }
                assert_eq!(row["key"], calm["key"], "{what}");
                let state = if call == Call::Head { "unknown" } else { "archived" };
                let told = [&row["action"], &row["reason"], &row["state"]];
                assert_eq!(told, ["failed", reason, state], "{what}: {row:?}");
            }
            format!("row: {reason}")
        }
        Want::Ends(exit, says) => {
            let Err(error) = told.ended else { panic!("{shown}") };
            let text = text_of(&error);
            assert_eq!(exit_of(&error), exit, "{shown}");
            assert!(text.contains(says), "{shown}");
            assert!(text.len() < 1000 && !text.contains(char::is_control), "{shown}");
            assert!(ground.partial().exists() && !ground.report().exists(), "{what}");
            // What is unfinished is finished by the same line once the store is itself again.
            ground.server.clear_faults();
            ground.patience = super::ground::PATIENT;
            let again = ground.run().await;
            assert!(matches!(again.ended, Ok(Verdict::Complete)), "{what}: {:?}", again.ended);
            same(&ground.compared(), &usual, &what);
            assert!(!ground.partial().exists(), "{what}");
            format!("ends {exit}")
        }
    };
    ground.paid_once();
    word
}
