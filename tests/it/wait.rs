//! Waiting for copies: what a look asks of the store, what is handed on, and what is told of objects
//! that take too long or never come. The hour is the simulator's, and waits skip it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use defrost::job::{self, Job, Overrides, Until, Verb, WaitSpec};
use defrost::model::{Action, Clock, Event, Flag, Notice, SystemClock};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::wait::{WaitEnd, WaitError, Waited, wait};
use defrost::pipeline::{self, Ended, Options, Stop};
use defrost::sim::{Call, Config, Counts, Fault, FaultKind, Generate, SimClock, Versioning};
use defrost::store::client::{Allowance, Client, Patience, Settings};
use defrost::store::credentials::{CredentialSource, Environment};
use defrost::store::dialect::{Credentials, Endpoint, Options as DialectOptions, Style, for_provider};
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use crate::support::{ACCESS_KEY, COS, OSS, Rig, Row, S3, SECRET_KEY, VENDORS, Vendor, dated};

const HOUR: Duration = Duration::from_hours(1);

/// The simulator's hour; a wait for a later one moves it on.
#[derive(Debug)]
struct Skipping {
    hour: Arc<SimClock>,
    real: SystemClock,
}

impl Clock for Skipping {
    fn now(&self) -> Timestamp {
        self.hour.now()
    }

    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.hour.advance(Duration::try_from(at.duration_since(self.hour.now())).unwrap_or_default());
        Box::pin(tokio::task::yield_now())
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
}

/// A bucket, a job on it, and the hour.
pub(crate) struct Campaign {
    pub(crate) rig: Rig,
    vendor: Vendor,
    job: Job,
    clock: Arc<dyn Clock>,
    runtime: Runtime,
    /// The store's counts whenever the wait told how far it is, and what it said.
    looks: Arc<Mutex<Vec<(Counts, u64, u64)>>>,
    lost: Arc<Mutex<Vec<String>>>,
}

impl Campaign {
    pub(crate) fn new(vendor: Vendor, verb: Verb, config: Config, more: Overrides) -> Self {
        let rig = Rig::new(config);
        let clock = Arc::new(Skipping { hour: Arc::clone(rig.server.clock()), real: SystemClock::new() });
        let over = Overrides {
            report: Some(rig.path("r.csv").display().to_string()),
            state_dir: Some(rig.path("state").display().to_string()),
            list_rate: Some("100000".to_owned()),
            days: (verb == Verb::Restore).then(|| "2".to_owned()),
            ..more
        };
        let job = job::from_url(verb, &vendor.url(""), &over, &defrost::job::Env::new()).unwrap();
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        Self { rig, vendor, job, clock, runtime, looks: Arc::default(), lost: Arc::default() }
    }

    fn client(&self) -> Arc<Client> {
        let lane = Allowance { in_flight: 32, rate: 100_000 };
        let keys = Credentials {
            access_key_id: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.to_owned(),
            session_token: None,
        };
        let settings = Settings {
            endpoint: Endpoint {
                https: false,
                host: self.rig.server.addr().to_string(),
                style: Style::Path,
                bucket: self.vendor.bucket.to_owned(),
                region: self.vendor.region.to_owned(),
            },
            env: Environment::new([], None),
            credentials: CredentialSource::fixed(keys),
            list: lane,
            head: lane,
            restore: lane,
            max_attempts: 5,
            patience: Patience::default(),
        };
        let dialect = for_provider(self.job.source.provider, DialectOptions::default());
        let quiet = Arc::new(|_: Event| ());
        Arc::new(Client::new(dialect, settings, Arc::new(SystemClock::new()), quiet).unwrap())
    }

    pub(crate) fn run(&self) -> Ended {
        self.run_of(&self.job)
    }

    fn run_of(&self, job: &Job) -> Ended {
        let options =
            Options { report: job.report.file(&job.name, self.clock.now()).unwrap(), ..Options::default() };
        let quiet = |_: Event| ();
        let stop = Stop::new();
        let run = pipeline::run(job, self.client(), Arc::clone(&self.clock), &quiet, &stop, options);
        self.runtime.block_on(run).unwrap()
    }

    /// The store refuses the next `first` restores.
    fn refuse(&self, first: u64) {
        let fault = Fault::new(FaultKind::Error).on(Call::Restore).first(first);
        self.rig.server.add_fault(Fault { status: Some(400), code: Some("Odd".to_owned()), ..fault });
    }

    pub(crate) fn wait(&self, spec: &WaitSpec) -> Result<Waited, WaitError> {
        let (looks, lost) = (Arc::clone(&self.looks), Arc::clone(&self.lost));
        let ledger = self.rig.server.ledger();
        let tell = move |event: Event| match event {
            Event::Notice(Notice::Waiting { ready, open, .. }) => {
                looks.lock().unwrap().push((ledger.counts(), ready, open));
            }
            Event::Notice(Notice::ObjectFailed { key, cause }) => {
                lost.lock().unwrap().push(format!("{key}: {cause}"));
            }
            _ => {}
        };
        let stop = Stop::new();
        let waiting = wait(&self.job, spec, self.client(), Arc::clone(&self.clock), &tell, &stop);
        self.runtime.block_on(waiting)
    }

    /// For each look: listings, HEADs, and how many objects it found readable.
    fn each_look(&self) -> Vec<(u64, u64, u64)> {
        let looks = self.looks.lock().unwrap();
        let lists = |counts: &Counts| counts.list + counts.versions;
        looks
            .windows(2)
            .map(|pair| {
                let (before, after) = (&pair[0], &pair[1]);
                (lists(&after.0) - lists(&before.0), after.0.head - before.0.head, after.1 - before.1)
            })
            .collect()
    }

    fn keys(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.rig.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

pub(crate) fn bucket(vendor: Vendor, generate: Generate) -> Config {
    let mut bucket = vendor.bucket();
    bucket.generate = Some(generate);
    Config::default().with_bucket(bucket)
}

pub(crate) fn hourly() -> WaitSpec {
    WaitSpec { until: Until::Ready(100.0), poll: HOUR, ..WaitSpec::default() }
}

/// Fifty thousand objects that are being restored, among ten thousand that are not.
#[test]
fn a_look_at_many_objects_costs_no_more_than_a_listing_of_the_bucket() {
    for vendor in VENDORS {
        let config = bucket(
            vendor,
            Generate {
                count: 60_000,
                classes: [(vendor.cold.to_owned(), 5), (vendor.standard.to_owned(), 1)].into(),
                restoring: 1.0,
                ..Generate::default()
            },
        );
        let page_by_page = Overrides { list_concurrency: Some("1".to_owned()), ..Overrides::default() };
        let mut campaign = Campaign::new(vendor, Verb::Scan, config, page_by_page);
        campaign.run();
        let scan = campaign.rig.server.ledger().counts().list;
        assert_eq!(scan, 60);
        campaign.rig.server.ledger().reset();
        campaign.job.limits.list_concurrency = 16;
        let spec = WaitSpec { ready_file: Some(campaign.rig.path("ready.txt")), ..hourly() };
        let waited = campaign.wait(&spec).unwrap();
        assert_eq!(waited.end, WaitEnd::Ready);
        assert!(waited.mark.ready > 49_000 && waited.mark.open == 0, "{:?}", waited.mark);
        let looks = campaign.each_look();
        assert!(looks.len() >= 5, "{vendor:?}: {looks:?}");
        for (lists, heads, ready) in looks {
            assert!(lists * 10 <= scan * 12, "{vendor:?}: {lists} listings, and a scan takes {scan}");
            // COS shows only that a restore is running: HEAD tells of those that left that state.
            assert_eq!(heads, if vendor.scheme == "cos" { ready } else { 0 }, "{vendor:?}");
        }
        let keys = campaign.keys("ready.txt");
        let distinct: BTreeSet<&String> = keys.iter().collect();
        assert_eq!((keys.len(), distinct.len()), (usize::try_from(waited.mark.ready).unwrap(), keys.len()));
        let counts = campaign.rig.server.ledger().counts();
        assert_eq!((counts.restore, counts.other), (0, 0));
    }
}

/// Objects far apart cost one listing each, whatever lies between them.
#[test]
fn gaps_between_objects_are_not_listed() {
    let config = bucket(
        S3,
        Generate {
            count: 30_000,
            classes: [("GLACIER".to_owned(), 1), ("STANDARD".to_owned(), 3000)].into(),
            restoring: 1.0,
            ..Generate::default()
        },
    );
    let campaign = Campaign::new(S3, Verb::Scan, config, Overrides::default());
    let open = campaign.run().tally.matched.objects;
    assert!((2..25).contains(&open), "{open}");
    campaign.wait(&hourly()).unwrap();
    for (lists, ..) in campaign.each_look() {
        assert!(lists <= open, "{lists} listings for {open} objects");
    }
}

#[test]
fn the_first_look_comes_when_the_tier_promises_so() {
    for vendor in VENDORS {
        let generate =
            Generate { count: 300, classes: [(vendor.cold.to_owned(), 1)].into(), ..Generate::default() };
        // All are asked for at one moment, however long it takes to ask.
        let config = dated(bucket(vendor, generate));
        let campaign = Campaign::new(vendor, Verb::Restore, config, Overrides::default());
        campaign.run();
        let asked = campaign.clock.now();
        let waited = campaign.wait(&hourly()).unwrap();
        let took = campaign.clock.now().duration_since(asked).as_secs();
        assert!((5 * 3600 - 60..5 * 3600 + 60).contains(&took), "{vendor:?}: {took} s");
        assert_eq!(
            (waited.end, waited.mark.ready, waited.mark.polls),
            (WaitEnd::Ready, 300, 1),
            "{vendor:?}"
        );
    }
}

#[test]
fn a_share_is_enough_and_the_time_limit_ends_it() {
    let generate = Generate {
        count: 2000,
        classes: [("GLACIER".to_owned(), 1)].into(),
        restoring: 1.0,
        ..Generate::default()
    };
    let campaign = Campaign::new(S3, Verb::Scan, bucket(S3, generate), Overrides::default());
    campaign.run();
    let short = WaitSpec { timeout: HOUR, poll: HOUR / 2, ..hourly() };
    let waited = campaign.wait(&short).unwrap();
    assert_eq!(waited.end, WaitEnd::TimedOut);
    assert!((100..1900).contains(&waited.mark.open) && waited.oldest.is_some(), "{:?}", waited.mark);
    let (ready, open) = (waited.mark.ready, waited.mark.open);
    assert_eq!(ready + open, 2000);
    // The next wait begins anew: its share is of what was open then.
    let waited = campaign.wait(&WaitSpec { until: Until::Ready(50.0), ..hourly() }).unwrap();
    assert_eq!(waited.end, WaitEnd::Ready);
    assert_eq!(waited.mark.ready + waited.mark.open, open);
    assert!(waited.mark.ready * 2 >= open && waited.mark.open > 0, "{:?}", waited.mark);
}

#[test]
fn versions_are_waited_for_one_by_one() {
    for vendor in VENDORS {
        let mut config = bucket(
            vendor,
            Generate {
                count: 400,
                classes: [(vendor.cold.to_owned(), 1)].into(),
                versions_per_key: Some(7),
                deleted: 0.2,
                restoring: 0.5,
                ..Generate::default()
            },
        );
        config.buckets[0].versioning = Versioning::Enabled;
        let all = Overrides {
            versions: Some("all".to_owned()),
            state: vec!["restoring".to_owned()],
            page_size: Some("50".to_owned()),
            // Listings of versions tell nothing of restores on COS.
            head: Some(true),
            ..Overrides::default()
        };
        let campaign = Campaign::new(vendor, Verb::Scan, config, all);
        let open = campaign.run().tally.matched.objects;
        assert!(open > 100, "{vendor:?}: {open}");
        let waited = campaign.wait(&hourly()).unwrap();
        assert_eq!(
            (waited.end, waited.mark.ready, waited.mark.missing),
            (WaitEnd::Ready, open, 0),
            "{vendor:?}"
        );
    }
}

/// What takes longer than its tier promises is flagged in the next run's report, and ends it with a
/// code of its own.
#[test]
fn a_restore_that_takes_too_long_is_told() {
    for vendor in VENDORS {
        let generate =
            Generate { count: 40, classes: [(vendor.cold.to_owned(), 1)].into(), ..Generate::default() };
        let mut config = bucket(vendor, generate);
        config.buckets[0].quirks.ready_scale = Some(10.0);
        let campaign = Campaign::new(vendor, Verb::Restore, config, Overrides::default());
        assert_eq!(campaign.run().verdict, Some(Verdict::Complete));
        campaign.rig.server.clock().advance(HOUR * 5);
        assert_eq!(campaign.run().verdict, Some(Verdict::Complete), "{vendor:?}: in time still");
        campaign.rig.server.clock().advance(HOUR * 2);
        let late = campaign.run();
        assert_eq!(late.verdict, Some(Verdict::SomeStuck), "{vendor:?}");
        assert_eq!(late.tally.flagged(Flag::Stuck).objects, 40);
        assert!(campaign.rig.rows("r.csv").iter().all(|row| row["flags"] == "stuck"));
        let waited = campaign.wait(&WaitSpec { timeout: HOUR * 2, ..hourly() }).unwrap();
        assert_eq!((waited.end, waited.mark.stuck), (WaitEnd::TimedOut, 40), "{vendor:?}");
        // Copies of two days are about to lapse when one is over; when that is, the vendors round.
        campaign.rig.server.clock().advance(HOUR * 70);
        let ready = campaign.run();
        assert_eq!(ready.verdict, Some(Verdict::Complete), "{vendor:?}");
        let rows = campaign.rig.rows("r.csv");
        let at = |row: &Row, column: &str| row[column].parse::<Timestamp>().unwrap();
        for row in &rows {
            assert_eq!(row["state"], "restored");
            let left = at(row, "expires_at").duration_since(at(row, "checked_at"));
            assert_eq!(row["flags"] == "expiring", left.as_hours() < 24, "{vendor:?}: {left}");
        }
        let expiring = rows.iter().filter(|row| row["flags"] == "expiring").count() as u64;
        assert_eq!(ready.tally.flagged(Flag::Expiring).objects, expiring);
    }
}

/// Copies that came and lapsed between two looks are no ready objects.
#[test]
fn what_is_archived_again_is_told() {
    let generate =
        Generate { count: 30, classes: [("ColdArchive".to_owned(), 1)].into(), ..Generate::default() };
    let campaign = Campaign::new(OSS, Verb::Restore, bucket(OSS, generate), Overrides::default());
    campaign.run();
    campaign.rig.server.clock().advance(HOUR * 24 * 4);
    let waited = campaign.wait(&hourly()).unwrap();
    assert_eq!((waited.end, waited.mark.archived, waited.mark.ready), (WaitEnd::Short, 30, 0));
    let lost = campaign.lost.lock().unwrap();
    assert!(lost.len() == 30 && lost[0].contains("archived again"), "{lost:?}");
}

#[test]
fn what_a_retry_asked_for_is_waited_for_as_well() {
    let classes = [(OSS.cold.to_owned(), 1)].into();
    let config = bucket(OSS, Generate { count: 40, prefix: "p/".to_owned(), classes, ..Generate::default() });
    let campaign = Campaign::new(OSS, Verb::Restore, config, Overrides::default());
    let spec = WaitSpec { ready_file: Some(campaign.rig.path("ready.txt")), ..hourly() };
    campaign.refuse(12);
    let failed = campaign.run().tally.action(Action::Failed).objects;
    assert_eq!(failed, 12);
    let retry = || {
        let job = campaign.job.clone().retry(campaign.rig.path("r.csv"), false);
        campaign.run_of(&job).tally
    };
    // The first leaves some; the second looks at all twelve again.
    campaign.refuse(5);
    assert_eq!(retry().action(Action::Requested).objects, 7);
    assert_eq!(retry().action(Action::Requested).objects, 5);
    let waited = campaign.wait(&spec).unwrap();
    assert_eq!((waited.end, waited.mark.ready, waited.mark.open), (WaitEnd::Ready, 40, 0));
    let keys = |times: usize| {
        let keys = campaign.keys("ready.txt");
        assert_eq!(keys.len(), times);
        assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), times, "each once");
    };
    keys(40);
    // It is over, also for who waits again.
    assert_eq!(campaign.wait(&spec).unwrap().mark.ready, 0);
    keys(40);
    // A retry with which nothing is left tells of nothing; a run that has seen more than a retry tells all.
    retry();
    campaign.run();
    assert_eq!(campaign.wait(&spec).unwrap().mark.ready, 0);
    keys(40);
}

/// Forty objects, of which the first run asks for all but ten.
fn ten_of_forty_failed() -> Campaign {
    let classes = [(OSS.cold.to_owned(), 1)].into();
    let config = bucket(OSS, Generate { count: 40, prefix: "p/".to_owned(), classes, ..Generate::default() });
    let campaign = Campaign::new(OSS, Verb::Restore, config, Overrides::default());
    campaign.refuse(10);
    assert_eq!(campaign.run().tally.action(Action::Failed).objects, 10);
    campaign
}

#[test]
fn a_second_retry_of_another_list_forgets_nothing_of_the_first() {
    let campaign = ten_of_forty_failed();
    let spec = WaitSpec { ready_file: Some(campaign.rig.path("ready.txt")), ..hourly() };
    let retry = |report: &str| {
        let job = campaign.job.clone().retry(campaign.rig.path(report), false);
        campaign.run_of(&job).tally.action(Action::Requested).objects
    };
    campaign.refuse(2);
    assert_eq!(retry("r.csv"), 8);
    assert_eq!(retry("r.retry.csv"), 2);
    let waited = campaign.wait(&spec).unwrap();
    assert_eq!((waited.end, waited.mark.ready), (WaitEnd::Ready, 40));
    assert_eq!(campaign.keys("ready.txt").into_iter().collect::<BTreeSet<_>>().len(), 40);
}

#[test]
fn what_the_next_run_has_seen_no_later_retry_hands_over_again() {
    let campaign = ten_of_forty_failed();
    let retry = || {
        let job = campaign.job.clone().retry(campaign.rig.path("r.csv"), false);
        campaign.run_of(&job).tally.action(Action::Requested).objects
    };
    assert_eq!(retry(), 10);
    campaign.rig.server.clock().advance(Duration::from_mins(1));
    campaign.run();
    assert_eq!(campaign.wait(&hourly()).unwrap().mark.ready, 40);
    assert_eq!(retry(), 0);
    assert_eq!(campaign.wait(&hourly()).unwrap().mark.ready, 0);
}

#[test]
fn a_job_that_is_called_like_a_retry_is_none() {
    let mut campaign = ten_of_forty_failed();
    let mut other = campaign.job.clone();
    other.state_dir = other.retry_state_dir();
    other.name.push_str("-retry");
    other.report.path = Some(campaign.rig.path("other.csv").display().to_string());
    assert_eq!(campaign.run_of(&other).tally.action(Action::Requested).objects, 10);
    assert_eq!(campaign.wait(&hourly()).unwrap().mark.ready, 30);
    campaign.job = other;
    assert_eq!(campaign.wait(&hourly()).unwrap().mark.ready, 40, "its memory stays its own");
}

#[test]
fn a_finished_retry_of_another_version_keeps_nobody_from_waiting() {
    let campaign = ten_of_forty_failed();
    let folder = campaign.job.retry_state_dir();
    campaign.run_of(&campaign.job.clone().retry(campaign.rig.path("r.csv"), false));
    for finished in [false, true] {
        let text = format!("{{\"format\":99,\"finished\":{finished},\"all\":\"new\"}}");
        std::fs::write(folder.join("checkpoint.json"), text).unwrap();
        assert_eq!(campaign.wait(&hourly()).is_ok(), finished);
    }
}

#[test]
fn a_retry_is_enough_to_wait_for() {
    let classes = [(S3.cold.to_owned(), 1)].into();
    let config = bucket(S3, Generate { count: 8, prefix: "p/".to_owned(), classes, ..Generate::default() });
    let campaign = Campaign::new(S3, Verb::Restore, config, Overrides::default());
    campaign.refuse(8);
    campaign.run();
    assert!(campaign.wait(&hourly()).is_err(), "nothing is restoring");
    campaign.run_of(&campaign.job.clone().retry(campaign.rig.path("r.csv"), false));
    let waited = campaign.wait(&hourly()).unwrap();
    assert_eq!((waited.end, waited.mark.ready), (WaitEnd::Ready, 8));
}

#[test]
fn there_is_nothing_to_wait_for_before_a_run() {
    let campaign = Campaign::new(COS, Verb::Restore, bucket(COS, Generate::default()), Overrides::default());
    assert!(matches!(campaign.wait(&hourly()), Err(WaitError::NothingKnown { .. })));
    assert_eq!(campaign.rig.server.ledger().counts().total, 0, "nothing is sent");
}
