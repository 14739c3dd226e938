//! What a run says that it has spent, against what the store would bill.

use std::collections::BTreeMap;
use std::time::Duration;

use defrost::sim::{Call, Config, Fault, FaultKind, Fees, Generate, Sized};
use serde_json::Value;

use crate::support::{COS, OSS, Rig, Row, S3, VENDORS, Vendor, until};

const OBJECTS: u64 = 240;

/// A bucket of archived objects of two classes, of which some are readable already.
fn rig(vendor: Vendor, restored: f64, faults: impl IntoIterator<Item = Fault>) -> Rig {
    let other = match vendor.scheme {
        "oss" => "Archive",
        _ => "DEEP_ARCHIVE",
    };
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count: OBJECTS,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 3), (other.to_owned(), 1)].into(),
        sizes: Some([Sized(64 << 10), Sized(3 << 30)]),
        restored,
        seed: 5,
        ..Generate::default()
    });
    let mut config = Config::default().with_bucket(bucket);
    config.faults.extend(faults);
    Rig::new(config)
}

fn line<'l>(url: &'l str, more: &[&'l str]) -> Vec<&'l str> {
    let mut line = vec!["restore", url, "--days", "3", "--page-size", "50", "--report", "r.csv"];
    line.extend(["--rate-limit", "100000", "--list-rate-limit", "100000", "--head-rate-limit", "100000"]);
    line.extend(more);
    line
}

fn summary(rig: &Rig) -> Value {
    serde_json::from_slice(&std::fs::read(rig.path("r.summary.json")).unwrap()).unwrap()
}

/// Class, tier, and the call with the kind of its answer, or what was read or kept.
type Book = BTreeMap<(String, String, String), u128>;

/// What the tool has taken down.
fn told(summary: &Value) -> Book {
    let mut book = Book::new();
    let mut put = |class: &str, tier: &str, what: String, n: &Value| {
        let n = n.as_u64().map_or(0, u128::from);
        if n > 0 {
            *book.entry((class.to_owned(), tier.to_owned(), what)).or_default() += n;
        }
    };
    const ENDS: [(&str, u16); 3] = [("taken", 2), ("refused", 4), ("failed", 5)];
    for (end, hundred) in ENDS {
        put("", "", format!("list {hundred}xx"), &summary["requests"]["lists"][end]);
    }
    let Some(classes) = summary["tally"]["account"].as_object() else { return book };
    for (class, tiers) in classes {
        for (tier, line) in tiers.as_object().unwrap() {
            for (end, hundred) in ENDS {
                put(class, tier, format!("head {hundred}xx"), &line["heads"][end]);
                put(class, tier, format!("restore {hundred}xx"), &line["restores"][end]);
            }
            put(class, tier, "retrieved".to_owned(), &line["retrieved"]["bytes"]);
            put(class, tier, "copies".to_owned(), &line["copy_byte_seconds"]);
        }
    }
    book
}

/// What the store would bill.
fn billed(fees: &Fees) -> Book {
    let tier = |tier: Option<defrost::sim::Tier>| tier.map_or(String::new(), |tier| tier.to_string());
    let answers = fees.answers.iter().filter(|((call, ..), _)| call != "other").map(
        |((call, (class, of), hundred), n)| {
            ((class.clone(), tier(*of), format!("{call} {hundred}xx")), u128::from(*n))
        },
    );
    let read = fees
        .retrieved
        .iter()
        .map(|((class, of), n)| ((class.clone(), tier(*of), "retrieved".to_owned()), *n));
    let kept =
        fees.copies.iter().map(|((class, of), n)| ((class.clone(), tier(*of), "copies".to_owned()), *n));
    answers.chain(read).chain(kept).collect()
}

/// Without what a killed session may have asked for and nobody took down: listings and HEADs.
fn paid_for(mut book: Book) -> Book {
    book.retain(|(_, _, what), _| !what.starts_with("list") && !what.starts_with("head"));
    book
}

fn each_vendor(test: impl Fn(Vendor) + Sync) {
    std::thread::scope(|scope| {
        for vendor in VENDORS {
            let test = &test;
            scope.spawn(move || test(vendor));
        }
    });
}

#[test]
fn every_answer_is_accounted_for_as_the_store_bills_it() {
    each_vendor(|vendor| {
        let rig = rig(
            vendor,
            0.2,
            [
                Fault { every: 7, ..Fault::new(FaultKind::SlowDown).on(Call::Restore) },
                Fault { every: 5, ..Fault::new(FaultKind::Internal).on(Call::List) },
                Fault { every: 9, ..Fault::new(FaultKind::Internal).on(Call::Head) },
                Fault {
                    every: 31,
                    status: Some(403),
                    code: Some("AccessDenied".to_owned()),
                    ..Fault::new(FaultKind::Error).on(Call::Restore)
                },
            ],
        );
        let url = vendor.url("p/");
        rig.run(vendor, &line(&url, &["--extend-when-left", "2d"])).expect(1);
        let summary = summary(&rig);
        assert_eq!(told(&summary), billed(&rig.server.ledger().fees()), "{}", vendor.scheme);
        assert_eq!(summary["fees"]["unanswered_requests"], 0);
    });
}

#[test]
fn answers_that_were_lost_are_accounted_for_when_the_store_says_so() {
    each_vendor(|vendor| {
        let lost = Fault { every: 10, ..Fault::new(FaultKind::LostAnswer).on(Call::Restore) };
        let rig = rig(vendor, 0.0, [lost]);
        rig.run(vendor, &line(&vendor.url("p/"), &[])).expect(0);
        let (summary, mut billed) = (summary(&rig), billed(&rig.server.ledger().fees()));
        let mut told = told(&summary);
        // A second answer that was lost as well may have been a refusal: nobody can know.
        let refusals = |book: &mut Book| {
            let found: Vec<_> = book.extract_if(.., |(.., what), _| what == "restore 4xx").collect();
            found.iter().map(|(_, n)| *n).sum::<u128>()
        };
        let unheard = refusals(&mut billed) - refusals(&mut told);
        assert_eq!(summary["fees"]["unanswered_requests"].as_u64().map(u128::from), Some(unheard));
        assert_eq!(told, billed, "{}", vendor.scheme);
    });
}

#[test]
fn a_killed_run_accounts_for_what_it_was_not_told() {
    each_vendor(|vendor| {
        let slow = Fault { skip: 70, delay_ms: Some(150), ..Fault::new(FaultKind::Slow).on(Call::Restore) };
        let rig = rig(vendor, 0.0, [slow]);
        let url = vendor.url("p/");
        let line = line(&url, &[]);
        for k in [30, 90, 150] {
            let going = rig.start(vendor, &line);
            until("so many were asked for", || rig.server.ledger().counts().restore > k);
            going.kill();
        }
        rig.run(vendor, &line).expect(0);
        let (told, billed) = (told(&summary(&rig)), billed(&rig.server.ledger().fees()));
        assert_eq!(paid_for(told.clone()), paid_for(billed.clone()), "{}", vendor.scheme);
        for (what, n) in &told {
            assert!(billed.get(what).is_some_and(|most| n <= most), "{what:?}");
        }
    });
}

/// The prices of the pages, in millionths, against the sums of the summary.
#[test]
fn the_sums_are_those_of_the_price_pages() {
    const GIB: u128 = 1 << 30;
    let rig = rig(OSS, 0.0, []);
    rig.run(OSS, &line(&OSS.url("p/"), &["--tier", "Bulk", "--fit", "skip"]))
        .expect(0)
        .says(&["fees ", " CNY"]);
    let fees = rig.server.ledger().fees();
    let rounded = |over: u128, under: u128| (2 * over + under) / (2 * under);
    let (mut sum, mut lines) = (0, 0);
    for ((call, (class, _), hundred), n) in &fees.answers {
        let price = match (call.as_str(), class.as_str(), hundred) {
            ("list", ..) => 1,
            ("restore", "Archive", 2) => 10,
            ("restore", "ColdArchive", 2) => 30,
            other => panic!("{other:?}"),
        };
        (sum, lines) = (sum + u128::from(*n) * price, lines + 1);
    }
    for ((class, _), bytes) in &fees.retrieved {
        let price = if class == "Archive" { 60_000 } else { 30_000 };
        (sum, lines) = (sum + rounded(bytes * price, GIB), lines + 1);
    }
    for ((class, _), byte_seconds) in &fees.copies {
        let price = if class == "Archive" { 0 } else { 120_000 };
        (sum, lines) = (sum + rounded(byte_seconds * price, GIB * 30 * 86_400), lines + 1);
    }
    let summary = summary(&rig);
    assert_eq!(summary["fees"]["lines"].as_array().unwrap().len(), lines);
    assert_eq!(summary["fees"]["complete"], true);
    let told = &summary["fees"]["sums"][0];
    assert_eq!(told["currency"], "CNY");
    assert_eq!(told["amount"], format!("{}.{:06}", sum / 1_000_000, sum % 1_000_000));
}

#[test]
fn a_plan_says_what_the_run_will_cost() {
    each_vendor(|vendor| {
        let rig = rig(vendor, 0.1, []);
        let url = vendor.url("p/");
        let mut plan = line(&url, &["--out", "p.json", "--json", "--list-concurrency", "1"]);
        plan[0] = "plan";
        let ran =
            rig.run(vendor, &plan).expect(0).says(&["would be asked for", "would cost", "plan written"]);
        assert_eq!(rig.server.ledger().counts().restore, 0);
        assert!(
            ran.stderr
                .lines()
                .all(|line| line.contains("p/") || line.contains('/') || line.chars().count() <= 80)
        );
        let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
        let run = line(&url, &["--plan", "p.json", "--list-concurrency", "1"]);
        rig.run(vendor, &run).expect(0);
        let summary = summary(&rig);
        assert_eq!(plan["forecast"]["fees"]["sums"], summary["fees"]["sums"], "{}", vendor.scheme);
        assert_eq!(plan["forecast"]["restore_requests"], summary["requests"]["restore"]);
        // The table of COS lacks the price of its standard class, which its copies are billed at.
        assert_eq!(plan["forecast"]["fees"]["complete"], vendor.scheme != "cos");
        let rows = plan["forecast"]["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row["all_readable_s"].as_u64() >= row["usual_latest_s"].as_u64()));
    });
}

#[test]
fn a_plan_file_is_that_of_one_job_and_whole() {
    let rig = rig(S3, 0.0, []);
    let url = S3.url("p/");
    let plan = |more: &[&str]| {
        let mut plan = line(&url, more);
        plan[0] = "plan";
        rig.run(S3, &plan)
    };
    plan(&["--out", "p.json"]).expect(0);
    let wrong = |more: &[&str], says: &[&str]| {
        rig.run(S3, &line(&url, more)).expect(2).in_one_error().says(says);
        assert_eq!(rig.server.ledger().counts().restore, 0);
    };
    wrong(
        &["--plan", "p.json", "--tier", "Bulk"],
        &["plan of another job", "tier: planned \"Standard\", now \"Bulk\""],
    );
    wrong(&["--plan", "none.json"], &["cannot be used as a plan"]);
    let whole = std::fs::read_to_string(rig.path("p.json")).unwrap();
    for (name, text, says) in [
        ("edited.json", whole.replacen("\"objects\":", "\"objects\":1", 1), "changed after it was written"),
        ("cut.json", whole[..whole.len() / 2].to_owned(), "not a plan file"),
        ("other.json", "{\"a\":1}".to_owned(), "not a plan file"),
        ("empty.json", String::new(), "not a plan file"),
        ("newer.json", whole.replacen("\"format\":1", "\"format\":2", 1), "another layout"),
    ] {
        std::fs::write(rig.path(name), text).unwrap();
        wrong(&["--plan", name], &[says]);
    }
    plan(&["--json", "--report", "-"]).expect(2).in_one_error();
    plan(&["--out", "nowhere/p.json"]).expect(8).in_one_error();
}

#[test]
fn a_run_asks_for_no_more_than_its_plan() {
    each_vendor(|vendor| {
        let rig = rig(vendor, 0.5, []);
        let url = vendor.url("p/");
        let mut plan = line(&url, &["--out", "p.json", "--json"]);
        plan[0] = "plan";
        let ran = rig.run(vendor, &plan).expect(0);
        let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
        // A hundred days later all copies have lapsed: twice as much is archived as was planned.
        rig.server.clock().advance(Duration::from_hours(24 * 100));
        rig.run(vendor, &line(&url, &["--plan", "p.json"])).expect(0);
        let rows = rig.rows("r.csv");
        let total = plan["forecast"]["restore_requests"].as_u64().unwrap();
        assert!(total > 0 && total < OBJECTS);
        let mut most = 0;
        for row in plan["forecast"]["rows"].as_array().unwrap() {
            let class = row["class"].as_str().unwrap();
            let asked = |row: &&Row| row["storage_class"] == class && row["action"] == "requested";
            let bytes: u64 = rows.iter().filter(asked).map(|row| row["size"].parse::<u64>().unwrap()).sum();
            let objects = rows.iter().filter(asked).count() as u64;
            assert!(bytes <= row["bytes"].as_u64().unwrap(), "{class}");
            assert!(objects > 0 && objects <= row["objects"].as_u64().unwrap(), "{class}");
            most += objects;
        }
        let deferred =
            rows.iter().filter(|row| row["action"] == "deferred" && row["reason"] == "budget").count();
        assert_eq!(deferred as u64, OBJECTS - most);
    });
}

#[test]
fn a_price_table_of_ones_own_counts_and_a_wrong_one_is_told() {
    let rig = rig(COS, 0.0, []);
    let url = COS.url("p/");
    let own = "[[sheet]]\nprovider = \"cos\"\nregion = \"*\"\ncurrency = \"EUR\"\ndate = 2026-11-01\nsource = \"our contract\"\n\
               price = [{ item = \"list\", price = 1, unit = \"request\" }]\n";
    std::fs::write(rig.path("own.toml"), own).unwrap();
    let mut plan = line(&url, &["--prices", "own.toml", "--list-concurrency", "1"]);
    plan[0] = "plan";
    rig.run(COS, &plan).expect(0).says(&["EUR", "our contract", "unknown"]);
    std::fs::write(rig.path("own.toml"), own.replace("price = 1,", "price = -1,")).unwrap();
    let before = rig.server.ledger().counts().total;
    let ran = rig.run(COS, &plan).expect(2).in_one_error();
    assert!(ran.stderr.contains("own.toml:7:") && ran.stderr.contains("is negative"), "{}", ran.stderr);
    assert_eq!(rig.server.ledger().counts().total, before);
}
