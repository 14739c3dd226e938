//! What a restore would come to, from what a plan has counted: requests, fees, and the time until
//! everything is readable. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::account::{Amount, Fees, FeesTold};
use crate::job::{Item, Job, Prices, Window};
use crate::model::{AccountLine, Count, Money, Quota, RequestCounts, Tally, Tier, Usual};

const DAY: Duration = Duration::from_hours(24);

/// What a vendor says of a class at a tier, and of a class.
pub trait Promise {
    /// How long a restore usually takes.
    fn usual(&self, class: &str, tier: Option<Tier>) -> Option<Usual>;
    /// How much is taken on.
    fn quota(&self, class: &str) -> Quota;
}

/// What would be asked for of one class at one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Storage class.
    pub class: String,
    /// The tier; `null` where the class has a single speed.
    pub tier: Option<Tier>,
    /// Objects, each of which takes one restore request.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects of these whose copy would only be kept longer.
    pub extended: u64,
    /// What the restore requests cost; `null` if no price is known.
    pub requests_fee: Option<Amount>,
    /// What reading from the archive costs.
    pub retrieval_fee: Option<Amount>,
    /// What the readable copies cost until they lapse.
    pub copy_fee: Option<Amount>,
    /// Seconds until a copy is readable, usually no fewer; `null` if the vendor names none.
    pub usual_soonest_s: Option<u64>,
    /// And usually no more.
    pub usual_latest_s: Option<u64>,
    /// Seconds from the first request on until all of these are readable, by the rate, the window and
    /// the budgets of the job and by the quotas of the vendor.
    pub all_readable_s: Option<u64>,
}

/// What the sending of all requests is bound by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// Restore requests a second, the job's or the vendor's.
    pub requests_per_second: u32,
    /// Seconds from the first request to the last.
    pub seconds: u64,
    /// Days on which requests are sent, by the window and the daily budget.
    pub days: u64,
    /// Runs that it takes by the budget of a run.
    pub runs: u64,
    /// What bounds it: `rate`, `quota`, `window`, `day_budget` or `run_budget`.
    pub bound_by: String,
}

/// What a restore would come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// By class and tier.
    pub rows: Vec<Row>,
    /// All of them.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Requests of a run, besides repeated ones: `list`, `head` and `restore`.
    pub list_requests: u64,
    /// HEAD requests.
    pub head_requests: u64,
    /// Restore requests.
    pub restore_requests: u64,
    /// What they cost.
    pub fees: FeesTold,
    /// How long it takes to ask for all.
    pub pace: Pace,
}

impl Forecast {
    /// What a run of `job` would come to if it found what a plan has counted.
    #[must_use]
    pub fn of(
        job: &Job,
        tally: &Tally,
        requests: RequestCounts,
        prices: &Prices,
        vendor: &dyn Promise,
    ) -> Self {
        let lines: Vec<(&str, Option<Tier>, &AccountLine)> = tally
            .account
            .classes
            .iter()
            .flat_map(|(class, tiers)| tiers.iter().map(move |(tier, line)| (class, tier, line)))
            .filter(|(_, _, line)| line.asked.objects > 0)
            .map(|(class, tier, line)| (class.as_str(), Tier::from_word(tier), line))
            .collect();
        let mut total = Count::default();
        for (_, _, line) in &lines {
            total.merge(line.asked);
        }
        let fees = Fees::of(&tally.account, &requests.lists, prices);
        let pace = pace(job, &lines, total, &fees, vendor);
        let rows = lines.iter().map(|(class, tier, line)| row(class, *tier, line, &pace, prices, vendor));
        Self {
            rows: rows.collect(),
            objects: total.objects,
            bytes: total.bytes,
            list_requests: requests.list,
            head_requests: requests.head,
            restore_requests: total.objects,
            fees: FeesTold::from(&fees),
            pace,
        }
    }
}

fn row(
    class: &str,
    tier: Option<Tier>,
    line: &AccountLine,
    pace: &Pace,
    prices: &Prices,
    vendor: &dyn Promise,
) -> Row {
    let cost = |item, quantity: u128| prices.cost(item, class.as_bytes(), tier, quantity).map(Amount::from);
    let usual = vendor.usual(class, tier);
    let volume =
        vendor.quota(class).bytes_per_day.map_or(0, |day| seconds_for(line.retrieved.bytes, day.max(1)));
    Row {
        class: class.to_owned(),
        tier,
        objects: line.asked.objects,
        bytes: line.asked.bytes,
        extended: line.asked.objects.saturating_sub(line.retrieved.objects),
        requests_fee: cost(Item::Restore, u128::from(line.restores.taken)),
        retrieval_fee: cost(Item::Retrieval, u128::from(line.retrieved.bytes)),
        copy_fee: cost(Item::Copy, line.copy_byte_seconds),
        usual_soonest_s: usual.map(|usual| usual.soonest.as_secs()),
        usual_latest_s: usual.map(|usual| usual.latest.as_secs()),
        all_readable_s: usual.map(|usual| pace.seconds.max(volume) + usual.latest.as_secs()),
    }
}

/// Seconds that `bytes` take at so many a day.
fn seconds_for(bytes: u64, a_day: u64) -> u64 {
    let seconds = (u128::from(bytes) * u128::from(DAY.as_secs())).div_ceil(u128::from(a_day));
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

/// How long it takes to ask for everything.
fn pace(
    job: &Job,
    lines: &[(&str, Option<Tier>, &AccountLine)],
    total: Count,
    fees: &Fees,
    vendor: &dyn Promise,
) -> Pace {
    let rate = u64::from(job.limits.restore_rate.max(1));
    // The classes share the job's rate, and each has the vendor's for itself.
    let mut sending = total.objects.div_ceil(rate);
    let (mut bound_by, mut slowest) = ("rate", rate);
    for (class, _, line) in lines {
        let Some(most) = vendor.quota(class).per_second.map(u64::from).filter(|most| *most < rate) else {
            continue;
        };
        let alone = line.asked.objects.div_ceil(most.max(1));
        if alone > sending {
            (sending, bound_by, slowest) = (alone, "quota", most);
        }
    }
    let mut seconds = sending;
    let mut days = 1;
    if let Some(open) = job.window.as_ref().map(opening).filter(|open| sending > open.as_secs()) {
        // What does not fit into one window goes on in the next one.
        let more = (sending - 1) / open.as_secs();
        seconds = more * DAY.as_secs() + (sending - more * open.as_secs());
        (days, bound_by) = (more + 1, "window");
    }
    let by_budget = parts(&job.budget.day, total, fees);
    if by_budget > days {
        (days, bound_by) = (by_budget, "day_budget");
        seconds = seconds.max((days - 1) * DAY.as_secs());
    }
    let runs = parts(&job.budget.run, total, fees).max(1);
    if runs > days {
        bound_by = "run_budget";
    }
    Pace {
        requests_per_second: u32::try_from(slowest).unwrap_or(u32::MAX),
        seconds,
        days: if total.objects == 0 { 0 } else { days },
        runs: if total.objects == 0 { 0 } else { runs },
        bound_by: bound_by.to_owned(),
    }
}

/// How long a window is open each day.
fn opening(window: &Window) -> Duration {
    let seconds = window
        .from
        .until(window.to)
        .map_or(0, |span| i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds());
    let day = i64::try_from(DAY.as_secs()).unwrap_or(i64::MAX);
    let open = if seconds > 0 { seconds } else { seconds + day };
    Duration::from_secs(u64::try_from(open).unwrap_or(1).max(1))
}

/// How often `bounds` must be used up for all of it.
fn parts(bounds: &crate::job::Bounds, total: Count, fees: &Fees) -> u64 {
    let times = |all: u128, bound: u128| u64::try_from(all.div_ceil(bound.max(1))).unwrap_or(u64::MAX);
    let objects = bounds.objects.map_or(1, |most| times(u128::from(total.objects), u128::from(most)));
    let bytes = bounds.bytes.map_or(1, |most| times(u128::from(total.bytes), u128::from(most)));
    let cost = bounds.cost.map_or(1, |most| {
        let is_for_objects = |item: &Item| matches!(item, Item::Restore | Item::Retrieval | Item::Copy);
        let of: i128 = fees
            .lines
            .iter()
            .filter(|fee| is_for_objects(&fee.item))
            .filter_map(|fee| fee.cost)
            .filter(|cost: &Money| cost.currency == most.currency)
            .map(|cost| cost.micros)
            .sum();
        times(of.unsigned_abs(), most.micros.unsigned_abs())
    });
    objects.max(bytes).max(cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Overrides, PriceTable, Verb, from_url};
    use crate::model::{Bill, Currency, Provider};

    /// Two classes: one that the vendor takes on at 100 a second and 10 TB a day, one without bounds.
    struct Vendor;

    impl Promise for Vendor {
        fn usual(&self, _: &str, _: Option<Tier>) -> Option<Usual> {
            Some(Usual { soonest: Duration::from_hours(1), latest: Duration::from_hours(5) })
        }

        fn quota(&self, class: &str) -> Quota {
            match class {
                "Slow" => Quota { per_second: Some(100), bytes_per_day: Some(10_000_000_000_000) },
                _ => Quota::default(),
            }
        }
    }

    fn job(rate: u32) -> Job {
        let mut job =
            from_url(Verb::Plan, "s3://bucket/", &Overrides::default(), &crate::job::Env::new()).unwrap();
        job.limits.restore_rate = rate;
        job
    }

    fn tally(objects: &[(&str, u64, u64)]) -> Tally {
        let mut tally = Tally::default();
        for &(class, number, bytes) in objects {
            let mut bill = Bill { tier: Some(Tier::Standard), retrieved: true, ..Bill::default() };
            bill.restores.taken = 1;
            tally.account.add(class, bytes, &bill);
            let line = tally.account.classes.get_mut(class).unwrap().get_mut("Standard").unwrap();
            (line.asked.objects, line.restores.taken) = (number, number);
        }
        tally
    }

    fn forecast(job: &Job, objects: &[(&str, u64, u64)]) -> Forecast {
        let prices = PriceTable::built_in().of(Provider::S3, Some("us-east-1"));
        Forecast::of(job, &tally(objects), RequestCounts::default(), &prices, &Vendor)
    }

    #[test]
    fn the_rate_the_quota_the_window_and_the_budget_bound_it() {
        let bound = |job: &Job, objects: &[(&str, u64, u64)]| {
            let pace = forecast(job, objects).pace;
            (pace.seconds, pace.days, pace.bound_by)
        };
        let mut job = job(1000);
        assert_eq!(bound(&job, &[("Fast", 10_001, 1)]), (11, 1, "rate".to_owned()));
        assert_eq!(bound(&job, &[("Slow", 10_001, 1), ("Fast", 5, 1)]), (101, 1, "quota".to_owned()));
        job.window = Some(Window {
            from: jiff::civil::time(23, 0, 0, 0),
            to: jiff::civil::time(1, 0, 0, 0),
            zone: jiff::tz::TimeZone::UTC,
            text: String::new(),
            outside: crate::job::Outside::Wait,
        });
        // 7,200 seconds a night: the third night has 600 of them.
        assert_eq!(bound(&job, &[("Fast", 15_000_000, 1)]), (2 * 86_400 + 600, 3, "window".to_owned()));
        job.window = None;
        job.budget.day.objects = Some(4_000);
        assert_eq!(bound(&job, &[("Fast", 10_001, 1)]), (2 * 86_400, 3, "day_budget".to_owned()));
        assert_eq!(bound(&job, &[]).1, 0);
    }

    #[test]
    fn a_quota_of_bytes_delays_what_is_asked_for_at_once() {
        let row = forecast(&job(1000), &[("Slow", 1, 25_000_000_000_000)]).rows.remove(0);
        assert_eq!(row.all_readable_s, Some(60 * 3600 + 5 * 3600), "2.5 days, and the last one's five hours");
        assert_eq!((row.usual_soonest_s, row.usual_latest_s), (Some(3600), Some(5 * 3600)));
        assert_eq!(row.requests_fee, None, "no such class has a price");
    }

    #[test]
    fn money_bounds_days_as_well() {
        let mut job = job(1000);
        let usd = Currency::from_word("USD").unwrap();
        job.budget.day.cost = Some(Money { currency: usd, micros: 10_000_000 });
        // 0.02 USD a GiB of DEEP_ARCHIVE: 2,000 GiB are 40 USD, and the requests a bit more.
        let pace = forecast(&job, &[("DEEP_ARCHIVE", 1000, 2000 << 30)]).pace;
        assert_eq!((pace.days, pace.bound_by.as_str()), (5, "day_budget"));
    }
}
