//! Budgets, windows, working hours and safety limits of a campaign of several nights.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use defrost::job::{Bounds, Outside, Safety, Share, Window};
use defrost::model::Action;
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{Stop, Why};
use defrost::sim::{Call, Config, Fault, FaultKind, Generate};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::nightly::Nights;
use crate::scene::denied;
use crate::support::{OSS, S3, VENDORS, Vendor};
use crate::trial::json;

/// 120 archived objects of one MiB in pages of 10, at one in the morning in Shanghai.
fn config(vendor: Vendor) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(Generate {
        count: 120,
        prefix: "p/".to_owned(),
        classes: [(vendor.cold.to_owned(), 1)].into(),
        ..Generate::default()
    });
    bucket.quirks.page_limit = Some(10);
    let mut config = Config::default().with_bucket(bucket);
    config.clock.start = Some("2026-11-20T17:00:00Z".parse().unwrap());
    config
}

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn window(from: &str, to: &str, outside: Outside) -> Window {
    let time = |text: &str| text.parse().unwrap();
    Window { from: time(from), to: time(to), zone: shanghai(), text: format!("{from}-{to}"), outside }
}

/// What the store took on each day of Shanghai.
fn by_day(nights: &Nights) -> BTreeMap<String, u64> {
    let mut days = BTreeMap::new();
    for taken in nights.taken() {
        *days.entry(taken.at.to_zoned(shanghai()).date().to_string()).or_default() += 1;
    }
    days
}

fn days(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(day, count)| ((*day).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_takes_no_more_than_its_budget_in_however_many_runs() {
    for vendor in VENDORS {
        let nights = Nights::new(vendor, config(vendor)).await;
        let mut job = nights.job(5);
        job.zone = shanghai();
        job.budget.run = Bounds { objects: Some(25), ..Bounds::default() };
        job.budget.day = Bounds { bytes: Some(40 << 20), ..Bounds::default() };
        for (requested, hours) in [(25, 1), (15, 1), (0, 22), (25, 2), (15, 0)] {
            let ended = nights.run(&job).await.unwrap();
            assert_eq!(ended.verdict, Some(Verdict::Complete), "deferred is not failed");
            assert_eq!(ended.tally.action(Action::Requested).objects, requested, "{}", vendor.scheme);
            let summary = json(&nights.folder.path().join("r.summary.json"));
            assert_eq!(summary["exit_code"], 0);
            assert_eq!(summary["spending"]["run"]["objects"], requested);
            assert_eq!(summary["spending"]["run"]["bytes"], requested << 20);
            let deferred = nights.rows().iter().filter(|row| row["action"] == "deferred").count();
            assert_eq!(summary["tally"]["reasons"]["budget"], deferred);
            nights.server.clock().advance(Duration::from_hours(hours));
        }
        // At one, two and three in the morning, and at one and three of the next.
        assert_eq!(by_day(&nights), days(&[("2026-11-21", 40), ("2026-11-22", 40)]));
        let asked: BTreeSet<_> = nights.taken().into_iter().map(|taken| taken.key).collect();
        assert_eq!(asked.len(), 80, "each once");
    }
}

/// The hand goes round: those left over come before those that came first in the listing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_over_comes_first_the_next_time() {
    let mut nights = Nights::new(OSS, config(OSS)).await;
    let mut job = nights.job(60);
    job.budget.run = Bounds { objects: Some(50), ..Bounds::default() };
    nights.run(&job).await.unwrap();
    let left: BTreeSet<Vec<u8>> = nights
        .rows()
        .iter()
        .filter(|row| row["action"] == "deferred")
        .map(|row| row["key"].clone().into_bytes())
        .collect();
    assert_eq!(left.len(), 70);
    // Many more, in front of all others, modified later.
    nights.server.clock().advance(Duration::from_hours(24));
    let now = nights.now();
    nights
        .reshape(|config| {
            for n in 0..100 {
                let mut object = defrost::sim::ObjectConfig::new(format!("p/a{n:03}"), OSS.cold);
                object.current.last_modified = Some(now - SignedDuration::from_hours(1));
                config.buckets[0].objects.push(object);
            }
        })
        .await;
    nights.run(&job).await.unwrap();
    let asked: BTreeSet<Vec<u8>> = nights.taken().into_iter().map(|taken| taken.key).collect();
    assert_eq!(asked.len(), 50);
    assert!(asked.is_subset(&left));
    nights.reshape(|_| ()).await;
    nights.run(&job).await.unwrap();
    let next: BTreeSet<Vec<u8>> = nights.taken().into_iter().map(|taken| taken.key).collect();
    assert!(next.len() == 50 && left.difference(&asked).all(|key| next.contains(key)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_larger_than_the_budget_holds_nobody_up() {
    let mut config = config(S3);
    let mut large = defrost::sim::ObjectConfig::new("p/a", S3.cold);
    large.current.size = Some(defrost::sim::Sized(1 << 40));
    config.buckets[0].objects.push(large);
    let nights = Nights::new(S3, config).await;
    let mut job = nights.job(60);
    job.budget.run = Bounds { bytes: Some(100 << 20), ..Bounds::default() };
    for (requested, deferred) in [(100, 21), (20, 1), (0, 1)] {
        let ended = nights.run(&job).await.unwrap();
        assert_eq!(ended.tally.action(Action::Requested).objects, requested);
        assert_eq!(ended.tally.action(Action::Deferred).objects, deferred);
        assert_eq!(ended.over_budget_alone, 1);
    }
}

/// A price that nobody knows is no price of zero.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_known_price_is_not_asked_for_under_a_bound_of_money() {
    let nights = Nights::new(OSS, config(OSS)).await;
    let mut job = nights.job(5);
    let currency = defrost::model::Currency::from_word("XXX").unwrap();
    job.budget.run.cost = Some(defrost::model::Money { currency, micros: 1_000_000_000 });
    let ended = nights.run(&job).await.unwrap();
    assert_eq!((ended.over_budget_alone, nights.taken().len()), (120, 0));
}

/// It waits, lists anew what it had seen before, and asks within the window only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_waits_for_its_window_and_asks_nobody_by_an_old_page() {
    for vendor in VENDORS {
        let mut config = config(vendor);
        config.clock.start = Some("2026-11-20T06:00:00Z".parse().unwrap());
        let nights = Nights::new(vendor, config).await;
        let mut job = nights.job(5);
        job.window = Some(window("22:00", "06:00", Outside::Wait));
        let (ended, waits) = nights.run_with(&job, Arc::default(), &Stop::new()).await;
        let ended = ended.unwrap();
        assert_eq!(ended.verdict, Some(Verdict::Complete));
        assert_eq!(ended.tally.action(Action::Requested).objects, 120);
        let opens: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        assert_eq!(waits.first(), Some(&opens));
        let taken = nights.taken();
        assert_eq!(taken.len(), 120);
        assert!(taken.iter().all(|taken| taken.at >= opens));
        // Every row was learnt after the window had opened.
        assert!(nights.rows().iter().all(|row| row["checked_at"].parse::<Timestamp>().unwrap() >= opens));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_night_in_which_nothing_is_to_be_asked_does_not_wait() {
    let nights = Nights::new(OSS, config(OSS)).await;
    let mut job = nights.job(5);
    nights.run(&job).await.unwrap();
    job.window = Some(window("22:00", "23:00", Outside::Wait));
    let (ended, waits) = nights.run_with(&job, Arc::default(), &Stop::new()).await;
    assert_eq!(ended.unwrap().tally.action(Action::Already).objects, 120);
    assert!(waits.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_may_end_instead_of_waiting() {
    let nights = Nights::new(S3, config(S3)).await;
    let mut job = nights.job(5);
    job.window = Some(window("22:00", "23:00", Outside::End));
    let ended = nights.run(&job).await.unwrap();
    assert_eq!(ended.verdict, Some(Verdict::Complete));
    assert_eq!(ended.tally.reasons[&defrost::model::Reason::Window], 120);
    assert!(nights.taken().is_empty());
}

/// The window shuts between an attempt that fails and the next: that one is not sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_attempt_leaves_when_the_window_has_shut() {
    for outside in [Outside::End, Outside::Wait] {
        let mut config = config(S3);
        config.buckets[0].quirks.page_limit = None;
        // An hour a second; the window shuts after two.
        config.clock.speed = 3600.0;
        let mut nights = Nights::new(S3, config).await;
        nights.skips = false;
        nights.server.add_fault(Fault::new(FaultKind::SlowDown).on(Call::Restore));
        let mut job = nights.job(5);
        job.window = Some(window("00:30", "02:00", outside));
        job.stop_after = (outside == Outside::Wait).then_some(Duration::from_secs(4));
        let ended = nights.run(&job).await.unwrap();
        let shuts: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        let last = nights.server.ledger().restores().iter().map(|post| post.at).max().unwrap();
        // What was on its way may come in a moment later.
        assert!(last < shuts + SignedDuration::from_mins(30), "{last}");
        match outside {
            Outside::End => assert_eq!(ended.tally.action(Action::Deferred).objects, 120),
            Outside::Wait => assert_eq!(ended.why, Some(Why::WorkedOut(Duration::from_secs(4)))),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_waiting_is_heard_and_the_run_goes_on_later() {
    let mut nights = Nights::new(OSS, config(OSS)).await;
    nights.skips = false;
    let mut job = nights.job(5);
    job.window = Some(window("22:00", "06:00", Outside::Wait));
    nights.server.clock().set("2026-11-20T06:00:00Z".parse().unwrap());
    let stop = Stop::new();
    let raise = stop.clone();
    let waiting = nights.run_with(&job, Arc::default(), &stop);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        raise.raise();
    };
    let ((ended, waits), ()) = tokio::join!(waiting, stopping);
    let ended = ended.unwrap();
    assert_eq!((ended.verdict, ended.why), (None, Some(Why::Stopped)));
    assert!(waits.len() <= 1 && nights.taken().is_empty());
    nights.server.clock().set("2026-11-20T15:00:00Z".parse().unwrap());
    nights.run(&job).await.unwrap();
    assert_eq!(nights.taken().len(), 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_when_it_has_worked_for_its_time_and_can_be_gone_on_with() {
    let mut config = config(OSS);
    config.buckets[0].quirks.latency.restore = 700;
    let nights = Nights::new(OSS, config).await;
    let mut job = nights.job(5);
    job.stop_after = Some(Duration::from_secs(1));
    job.budget.run.objects = Some(100);
    let ended = nights.run(&job).await.unwrap();
    assert_eq!((ended.verdict, ended.why), (None, Some(Why::WorkedOut(Duration::from_secs(1)))));
    let first = nights.taken().len();
    assert!((1..100).contains(&first));
    // What was set aside and not asked for is not lost to the budget.
    job.stop_after = None;
    nights.run(&job).await.unwrap();
    assert_eq!(nights.taken().len(), 100);
}

/// Both limits end the run with what is saved; the next session counts anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_denied_everything_stops_itself() {
    for vendor in VENDORS {
        let mut config = config(vendor);
        config.buckets[0].generate.as_mut().unwrap().count = 1000;
        let nights = Nights::new(vendor, config).await;
        let mut job = nights.job(5);
        for (safety, least) in [
            (Safety::default(), 100),
            (
                Safety { max_same_refusals: 0, max_failures: Some(Share::Percent(5.0)), ..Safety::default() },
                100,
            ),
            (Safety { max_same_refusals: 30, ..Safety::default() }, 30),
        ] {
            // The right is there at first, and is then taken away.
            nights.server.clear_faults();
            nights.server.add_fault(denied());
            let before = nights.server.ledger().counts().restore;
            job.safety = safety;
            let stopped = nights.run(&job).await.unwrap();
            let Some(Why::Safety(stop)) = &stopped.why else { panic!("{:?}", stopped.why) };
            assert_eq!(stopped.verdict, None);
            assert!(stopped.tally.action(Action::Failed).objects > 0, "it tells what was done");
            assert!(
                stop.code == "AccessDenied" && stop.denied.is_some() && !stop.request_id.is_empty(),
                "{stop}"
            );
            // Those in flight come back; nothing else is asked for.
            let posts = nights.server.ledger().counts().restore - before;
            assert!((least..=least + 65).contains(&posts), "{posts}");
        }
        // Mended: the rest is asked for by the same run, and what failed stays failed in it.
        nights.server.clear_faults();
        let ended = nights.run(&job).await.unwrap();
        let failed = ended.tally.action(Action::Failed).objects;
        assert_eq!(ended.verdict, Some(Verdict::SomeFailed));
        assert!((230..=230 + 3 * 65).contains(&failed), "{failed}");
        assert_eq!(ended.tally.action(Action::Requested).objects, 1000 - failed);
    }
}
