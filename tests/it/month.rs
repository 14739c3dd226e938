//! A simulated month: thirty nightly runs over a bucket of all classes, with a budget for each day, a
//! window, copies that lapse or are extended, and new objects every day.
//!
//! The store's ledger is held against a model of its own: which restore was taken when, how long its
//! tier takes, and when its copy lapses by the vendor's rule (OSS RestoreObject page, read 2026-11).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use defrost::job::{ClassFilter, ClassWish, Fit, Item, Outside, PriceTable, Window};
use defrost::model::{Action, Provider, Tier};
use defrost::pipeline::report::Verdict;
use defrost::pipeline::{Ended, Stop, window};
use defrost::sim::{AuthClock, Config, Generate, ObjectConfig, Phase, Sized, Span};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::nightly::{Nights, Steps, Taken};
use crate::support::{OSS, Row};

const OBJECTS: u64 = 100_000;
const NIGHTS: u32 = 30;
/// New objects a day.
const NEW: u64 = 30;
/// What a day may take.
const DAY_OBJECTS: u64 = 2_000;
const DAY_BYTES: u64 = 9_000 << 20;
/// What requests take by the store's clock: midnight falls into each night's listing. A restore that waits
/// while others are answered is far from being too old when it is sent.
const STEPS: Steps = Steps { list: Duration::from_secs(30), restore: Duration::from_millis(250) };
const EXTEND: SignedDuration = SignedDuration::from_hours(30);

/// How long a copy of each class is asked for, and how long its tier takes at the most.
fn wish(class: &str) -> (u32, SignedDuration) {
    match class {
        // One speed: a minute.
        "Archive" => (5, SignedDuration::from_mins(1)),
        // Bulk: 12 hours.
        "ColdArchive" => (12, SignedDuration::from_hours(12)),
        // Standard: 48 hours.
        "DeepColdArchive" => (20, SignedDuration::from_hours(48)),
        other => panic!("{other} is not asked for"),
    }
}

/// What the model knows of one object's last restore.
#[derive(Clone, Copy, Debug)]
struct Copy {
    ready: Timestamp,
    lapses: Timestamp,
}

/// All objects that must be restored, and their copies as they should be.
#[derive(Default)]
struct Model {
    classes: BTreeMap<Vec<u8>, (String, u64)>,
    copies: BTreeMap<Vec<u8>, Copy>,
    by_day: BTreeMap<String, (u64, u64)>,
    extended: u64,
    renewed: u64,
}

impl Model {
    /// Takes in what the store took in one night, and holds it against what it was allowed to.
    fn take(&mut self, taken: &[Taken], zone: &TimeZone) {
        for Taken { key, at, days, status, .. } in taken {
            let name = String::from_utf8_lossy(key);
            let (class, size) = self.classes.get(key).unwrap_or_else(|| panic!("{name} needs no restore"));
            let (asked, thaw) = wish(class);
            assert_eq!(*days, Some(asked), "{name}");
            let (objects, bytes) =
                self.by_day.entry(at.to_zoned(zone.clone()).date().to_string()).or_default();
            (*objects, *bytes) = (*objects + 1, *bytes + size);
            let span = SignedDuration::from_hours(24 * i64::from(asked));
            // The store decides in whole seconds, and takes it down a moment later: where the copy lapses at
            // that moment, its answer tells which came first.
            let moment = SignedDuration::from_mins(10);
            let last = self.copies.get(key).copied();
            let copy = last.filter(|copy| match status {
                202 => copy.lapses > *at + moment,
                _ => copy.lapses > *at - moment,
            });
            let copy = match copy {
                None => {
                    assert_eq!(*status, 202, "{name}");
                    self.renewed += u64::from(self.copies.contains_key(key));
                    let ready = *at + thaw;
                    Copy { ready, lapses: ready + span }
                }
                Some(copy) => {
                    assert!(copy.ready <= *at, "{name} was asked for while it was being restored");
                    assert!(copy.lapses - EXTEND <= *at, "{name} was asked for while it was safely restored");
                    assert_eq!(*status, 200, "{name}");
                    self.extended += 1;
                    // The days are added; no class keeps a copy for longer than its most days.
                    let most = if class == "Archive" { 7 } else { 365 };
                    let end = copy.ready + SignedDuration::from_hours(24 * most);
                    Copy { lapses: (copy.lapses + span).min(end), ..copy }
                }
            };
            self.copies.insert(key.clone(), copy);
        }
    }

    fn readable(&self, key: &[u8], at: Timestamp) -> bool {
        self.copies.get(key).is_some_and(|copy| copy.ready <= at && at < copy.lapses)
    }
}

fn config() -> Config {
    let mut bucket = OSS.bucket();
    bucket.generate = Some(Generate {
        count: OBJECTS,
        prefix: "p/".to_owned(),
        seed: 11,
        shape: defrost::sim::Shape::Uuid,
        classes: [("Standard", 60), ("IA", 30), ("Archive", 2), ("ColdArchive", 5), ("DeepColdArchive", 3)]
            .map(|(class, weight)| (class.to_owned(), weight))
            .into(),
        sizes: Some([Sized(1 << 20), Sized(7 << 20)]),
        ages: Some([Span(90 * 86_400), Span(900 * 86_400)]),
        ..Generate::default()
    });
    let mut config = Config::default().with_bucket(bucket);
    // A quarter of an hour before the window opens in Shanghai; the day ends ten minutes later. The clock
    // moves on with the work that is done, so that nothing depends on how fast the machine is.
    config.clock.start = Some("2026-11-01T15:35:00Z".parse().unwrap());
    config
}

/// The tool's account of one night against what the store would bill.
fn fees(nights: &Nights, ended: &Ended) {
    type Lines = BTreeMap<(Item, String, Option<&'static str>), u128>;
    let told = &ended.fees;
    assert_eq!(told.silent, 0);
    let mine: Lines = told
        .lines
        .iter()
        .filter(|fee| !matches!(fee.item, Item::List | Item::Head))
        .map(|fee| ((fee.item, fee.class.clone(), fee.tier.map(Tier::as_str)), fee.quantity))
        .collect();
    let billed = nights.server.ledger().fees();
    let mut theirs = Lines::new();
    for ((call, (class, tier), hundred), count) in &billed.answers {
        let known = call == "list" || call == "head" || call == "restore";
        assert!(known && *hundred == 2, "{count} answers of {hundred}xx to {call}, {class} {tier:?}");
        if call == "restore" {
            theirs.insert(
                (Item::Restore, class.clone(), tier.map(defrost::sim::Tier::as_str)),
                u128::from(*count),
            );
        }
    }
    for (item, of) in [(Item::Retrieval, &billed.retrieved), (Item::Copy, &billed.copies)] {
        theirs.extend(
            of.iter()
                .map(|((class, tier), n)| ((item, class.clone(), tier.map(defrost::sim::Tier::as_str)), *n)),
        );
    }
    if mine != theirs {
        // An extension that added nothing, of a copy that lapsed before HEAD came to look: the days asked
        // for are all that is known of it.
        let unheard = |class: &str| {
            let rows = nights.rows();
            let lost = rows.iter().filter(|row| row["action"] == "extended" && row["expires_at"].is_empty());
            let worth = |row: &Row| {
                let number = |column: &str| row[column].parse::<u128>().unwrap();
                number("size") * number("days") * 86_400
            };
            lost.filter(|row| row["storage_class"] == class).map(worth).sum::<u128>()
        };
        for (line, quantity) in &mut theirs {
            if line.0 == Item::Copy && mine.get(line) > Some(quantity) {
                *quantity += unheard(&line.1);
            }
        }
    }
    assert_eq!(mine, theirs);
    let count = |item| told.lines.iter().filter(|fee| fee.item == item).map(|fee| fee.quantity).sum::<u128>();
    let answers = |name: &str| {
        billed
            .answers
            .iter()
            .filter(|((call, ..), _)| call == name)
            .map(|(_, n)| u128::from(*n))
            .sum::<u128>()
    };
    assert_eq!(count(Item::Head), answers("head"));
    // Pages on their way when the window was found shut are answered, and nobody hears it.
    assert!((0..=8).contains(&(answers("list") - count(Item::List))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_nights() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let mut nights = Nights::new(OSS, config()).await;
    nights.steps = STEPS;
    // A page takes half a minute of the store's time: what a busy machine holds back while some dozens of
    // them come would be too old for its signature.
    nights.reshape(|config| config.auth = AuthClock::Off).await;
    let prices = Arc::new(PriceTable::built_in().of(Provider::Oss, Some(OSS.region)));
    let mut job = nights.job(5);
    job.zone = zone.clone();
    job.filter.storage_class = ClassFilter::Archived;
    job.budget.day.objects = Some(DAY_OBJECTS);
    job.budget.day.bytes = Some(DAY_BYTES);
    job.window = Some(Window {
        from: "23:50".parse().unwrap(),
        to: "06:00".parse().unwrap(),
        zone: zone.clone(),
        text: "23:50-06:00 Asia/Shanghai".to_owned(),
        outside: Outside::Wait,
    });
    let wishes = job.wish.as_mut().unwrap();
    (wishes.tier, wishes.fit) = (Tier::Bulk, Fit::Clamp);
    wishes.extend_when_left = Some(EXTEND.try_into().unwrap());
    for (class, days, tier) in [("coldarchive", 12, None), ("deepcoldarchive", 20, Some(Tier::Standard))] {
        wishes.class.insert(class.to_owned(), ClassWish { days: Some(days), tier });
    }
    let hours = job.window.clone().unwrap();

    let mut model = Model::default();
    let archived = |objects: Vec<defrost::sim::Expected>| {
        objects
            .into_iter()
            .filter(|object| object.archived)
            .map(|object| (object.key, (object.storage_class, object.size)))
    };
    model.classes.extend(archived(nights.server.objects(OSS.bucket)));
    let (mut waited, mut deferred) = (0, Vec::new());
    for night in 1..=NIGHTS {
        let (ended, waits) = nights.run_with(&job, Arc::clone(&prices), &Stop::new()).await;
        let ended = ended.unwrap();
        assert_eq!(ended.verdict, Some(Verdict::Complete), "night {night}");
        waited += waits.len();
        deferred.push(ended.tally.action(Action::Deferred).objects);
        let taken = nights.taken();
        // What left in time may come in a moment later: others in flight move the clock on meanwhile.
        let slack = SignedDuration::from_mins(10);
        let within = |at: Timestamp| {
            matches!(window::hours(&hours, at), window::Hours::Open(_))
                || matches!(window::hours(&hours, at - slack), window::Hours::Open(_))
        };
        assert!(taken.iter().all(|taken| within(taken.at)), "night {night}");
        model.take(&taken, &zone);
        for (day, (objects, bytes)) in &model.by_day {
            assert!(
                *objects <= DAY_OBJECTS && *bytes <= DAY_BYTES,
                "{day}: {objects} objects, {bytes} bytes"
            );
        }
        // What the tool calls asked for is what the store took.
        let asked = [Action::Requested, Action::Extended]
            .map(|action| ended.tally.action(action).objects)
            .iter()
            .sum::<u64>();
        assert_eq!(asked, taken.len() as u64, "night {night}");
        if std::env::var_os("DEFROST_MONTH").is_some() {
            eprintln!(
                "{night}: {} asked, {} deferred, ends {}",
                taken.len(),
                deferred[deferred.len() - 1],
                nights.now()
            );
        }
        fees(&nights, &ended);

        // Every third day somebody reads, at nine in the morning: what should be readable is, and what
        // should not be is not.
        let night_of = nights.now() - SignedDuration::from_hours(12);
        let morning = night_of.to_zoned(zone.clone()).tomorrow().unwrap().with().hour(9).minute(0);
        nights.server.clock().set(morning.build().unwrap().timestamp());
        if night % 3 == 0 {
            let before = nights.now();
            let objects = nights.server.objects(OSS.bucket);
            let after = nights.now();
            for object in objects.iter().filter(|object| object.archived) {
                let (first, last) = (model.readable(&object.key, before), model.readable(&object.key, after));
                let found = matches!(object.phase, Phase::Ready(_));
                let key = String::from_utf8_lossy(&object.key);
                // The clock runs on while one looks.
                assert!(found == first || found == last, "night {night}: {key} {:?}", object.phase);
            }
        }
        // The next evening, with new objects among the old ones.
        let evening = nights.now() + SignedDuration::from_mins(14 * 60 + 30);
        let modified = nights.now() + SignedDuration::from_hours(3);
        nights
            .reshape(|config| {
                for n in 0..NEW {
                    let spread = (n * 0x0407_1f35 + u64::from(night) * 0x1f3d) % (1 << 32);
                    let class =
                        ["Archive", "ColdArchive", "DeepColdArchive"][usize::try_from(n % 3).unwrap()];
                    let mut object = ObjectConfig::new(format!("p/{spread:08x}-{night:02}"), class);
                    object.current.last_modified = Some(modified);
                    config.buckets[0].objects.push(object);
                }
            })
            .await;
        model.classes.extend(archived(nights.server.objects(OSS.bucket)));
        nights.server.clock().set(evening);
    }
    // The budgets mattered, and were enough in the end; everything that the month promises happened.
    assert!(waited > 10, "{waited} runs came before their window");
    let busy = model.by_day.values().filter(|(objects, _)| *objects > DAY_OBJECTS - 10).count();
    assert!(busy >= 3, "{busy} days were spent to the end");
    assert!(deferred[0] > 5_000, "{deferred:?}");
    assert!(deferred.iter().filter(|left| **left == 0).count() > 5, "{deferred:?}");
    assert!(model.extended > 1_000, "{} extensions", model.extended);
    // Whoever has been there for six nights has been asked for: on the first it may be left over, and older
    // claims may come first on the next.
    let asked: BTreeSet<&Vec<u8>> = model.copies.keys().collect();
    let late = |key: &[u8]| {
        let name = String::from_utf8_lossy(key);
        let night = name.rsplit_once('-').and_then(|(_, night)| night.parse::<u32>().ok());
        name.len() == "p/00000000-00".len() && night.is_some_and(|night| night + 6 > NIGHTS)
    };
    let forgotten = model.classes.keys().filter(|key| !asked.contains(key) && !late(key)).count();
    assert_eq!(forgotten, 0);
}
