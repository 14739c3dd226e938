//! Answers that are legal, or nearly, and out of all proportion: they are taken for what they say,
//! and nothing overflows.

use std::sync::Arc;
use std::time::Duration;

use defrost::model::Action;
use defrost::pipeline::report::Verdict;
use defrost::sim::{Call, Fault, FaultKind};

use super::cell::{exit_of, same, text_of};
use super::ground::{Ground, OBJECTS, calm};
use crate::support::{Row, VENDORS, Vendor};

/// A ground on which `fault` befalls every answer to `call`.
async fn ground(vendor: Vendor, call: Call, fault: Fault) -> Ground {
    let ground = Ground::new(vendor, call).await;
    ground.server.add_fault(fault.on(call));
    ground
}

/// The report, which must be that of a calm run but for one column of the rows that `hit` names.
async fn only(ground: &Ground, usual: &[Row], hit: impl Fn(&Row) -> bool, column: &str, value: &str) {
    let told = ground.run().await;
    assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
    let wanted: Vec<Row> = usual
        .iter()
        .cloned()
        .map(|mut row| {
            if hit(&row) {
                row.insert(column.to_owned(), value.to_owned());
            }
            row
        })
        .collect();
    same(&ground.compared(), &wanted, column);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fields_without_measure_are_reported_as_they_are() {
    for vendor in VENDORS {
        let usual = calm(vendor, Call::List).await;
        for length in [1025, 70_000] {
            let long = "k".repeat(length);
            let place = ground(vendor, Call::List, Fault::edit("04</Key>", format!("04{long}</Key>"))).await;
            only(&place, &usual, |row| row["key"] == "p/04", "key", &format!("p/04{long}")).await;
        }
        let all = |_: &Row| true;
        let long = "e".repeat(1 << 20);
        let etag = Fault::edit("<ETag>", format!("<ETag>{long}</ETag><ETag>{long}"));
        let place = ground(vendor, Call::List, Fault { first: Some(1), ..etag }).await;
        assert!(matches!(place.run().await.ended, Ok(Verdict::Complete)));
        let long_tags = place.rows().iter().filter(|row| row["etag"].len() > 1 << 20).count();
        assert_eq!(long_tags, 5, "of the first page");
        // The sum of twelve such sizes does not fit.
        let most = u64::MAX.to_string();
        let size = Fault::edit("<Size>1048576<", format!("<Size>{most}<"));
        only(&ground(vendor, Call::List, size).await, &usual, all, "size", &most).await;
        // Terminal commands, and what would tear a CSV apart.
        let class = format!("{}</StorageClass>", vendor.cold);
        let odd = Fault::edit(&class, format!("&#27;]0;x&#7;&#10;\",{class}"));
        let place = ground(vendor, Call::List, odd).await;
        assert!(matches!(place.run().await.ended, Ok(Verdict::Complete)));
        for row in place.rows() {
            assert_eq!(row["storage_class"], format!("%1B%5D0%3Bx%07%0A%22%2C{}", vendor.cold));
            assert_eq!(row["state"], "unknown", "no such class is known");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_that_no_url_can_hold_fails_its_row() {
    for vendor in VENDORS {
        let place = Ground::new(vendor, Call::Restore).await;
        let long = format!("04{}</Key>", "k".repeat(70_000));
        place.server.add_fault(Fault::edit("04</Key>", long).on(Call::List));
        assert!(matches!(place.run().await.ended, Ok(Verdict::SomeFailed)));
        let rows = place.rows();
        assert_eq!(rows.len(), OBJECTS);
        for row in rows {
            let wanted = if row["key"].len() > 1000 { Action::Failed } else { Action::Requested };
            assert_eq!(row["action"], wanted.as_str());
        }
        place.paid_once();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn headers_without_measure_do_no_harm() {
    let with = |fault: Fault, name: &str, value: &str| Fault {
        headers: [(name.to_owned(), value.to_owned())].into(),
        ..fault
    };
    for vendor in VENDORS {
        let usual = calm(vendor, Call::List).await;
        // A clock that nobody has: signing again with it does not help, and nothing overflows.
        for date in ["Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0001 00:00:00 GMT", "soon"] {
            let skewed = with(Fault::new(FaultKind::Skewed), "date", date);
            let error = ground(vendor, Call::List, skewed).await.run().await.ended.unwrap_err();
            assert_eq!(exit_of(&error), 4, "{}", text_of(&error));
            let dated = with(Fault::new(FaultKind::SlowDown).first(1), "date", date);
            let place = ground(vendor, Call::List, dated).await;
            assert!(matches!(place.run().await.ended, Ok(Verdict::Complete)));
        }
        for (after, most) in [("4294967295", 301), ("99999999999", 1), ("-5", 1), ("1e3", 1), ("", 1)] {
            let slow = with(Fault::new(FaultKind::SlowDown).first(1), "retry-after", after);
            let place = ground(vendor, Call::List, slow).await;
            let told = place.run().await;
            assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
            assert!(told.longest_pause < Duration::from_secs(most), "{after}: {:?}", told.longest_pause);
            same(&place.compared(), &usual, after);
        }
        // More than a reader of heads should hold.
        let long = with(Fault::new(FaultKind::Slow).first(1), "x-long", &"h".repeat(600_000));
        let place = ground(vendor, Call::List, Fault { delay_ms: Some(0), ..long }).await;
        let told = place.run().await;
        assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
        assert_eq!(told.requests.retries, 1);
        same(&place.compared(), &usual, "a head of 600 KB");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn restore_marks_that_say_nothing_are_no_states() {
    for vendor in VENDORS {
        let odd = Fault::edit("ongoing-request=\"", "ongoing-request=\"perhaps");
        let place = Ground::new(vendor, Call::Head).await;
        place.server.add_fault(odd.on(Call::Head));
        let told = place.run().await;
        // Only OSS tells of a restore here; it is asked until when, and the answer says nothing.
        assert!(matches!(told.ended, Ok(Verdict::Complete)), "{:?}", told.ended);
        for row in place.rows() {
            let expires = row["expires_at"].as_str();
            assert_eq!((row["state"] == "restored", expires), (vendor.scheme == "oss", ""), "{row:?}");
        }
    }
}

/// Markers that lead back, or anywhere, while many ranges are listed at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn markers_that_lead_astray_never_double_a_row() {
    const TO: [&str; 10] =
        ["a", "p/", "p/00", "p/obj-000000000000.bin", "p/05", "p/~", "zzz", "%FF", "%zz", ""];
    let mut runs = Vec::new();
    for vendor in VENDORS {
        for call in [Call::List, Call::Versions] {
            let name = match (call, vendor.scheme) {
                (Call::Versions, _) => "NextKeyMarker",
                (_, "cos") => "NextMarker",
                _ => "NextContinuationToken",
            };
            let usual = calm(vendor, call).await;
            for (in_flight, to) in [1, 4].into_iter().flat_map(|n| TO.map(|to| (n, to))) {
                runs.push(tokio::spawn(lead(vendor, call, name, to, in_flight, Arc::clone(&usual))));
            }
        }
    }
    for run in runs {
        run.await.unwrap();
    }
}

/// The second page leads to `to`.
async fn lead(
    vendor: Vendor,
    call: Call,
    name: &'static str,
    to: &'static str,
    in_flight: u32,
    usual: Arc<Vec<Row>>,
) {
    let opening = format!("<{name}>");
    let astray = Fault::edit(&opening, format!("{opening}{to}</{name}>{opening}{to}"));
    let mut place = ground(vendor, call, Fault { skip: 1, ..astray.first(1) }).await;
    (place.in_flight, place.attempts) = (in_flight, 2);
    let what = format!("{} {call:?} {in_flight} {name} {to}", vendor.scheme);
    match place.run().await.ended {
        Err(error) => {
            assert!(matches!(exit_of(&error), 1 | 2), "{what}: {}", text_of(&error));
            assert!(!text_of(&error).contains("a bug in defrost"), "{what}");
            place.server.clear_faults();
            assert!(matches!(place.run().await.ended, Ok(Verdict::Complete)), "{what}");
            same(&place.compared(), &usual, &what);
        }
        // A store may pass over keys and nobody can tell; it never shows one twice.
        Ok(verdict) => {
            assert_eq!(verdict, Verdict::Complete, "{what}");
            let mut rows = usual.iter();
            for row in place.compared() {
                assert!(rows.any(|usual| *usual == row), "{what}: {}", row["key"]);
            }
        }
    }
}
