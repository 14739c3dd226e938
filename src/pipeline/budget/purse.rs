//! The purse: what may be spent now, and by whom. Pure; the ledger keeps it on disk.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::claims::Place;
use super::ledger::spent;
use super::passed::Passed;
use super::{Amount, Claims, Left};
use crate::job::Budget;
use crate::model::{Bound, Count, Currency, Money, Over, Spending, Unit};

/// Days that are kept, so that a clock that is set back finds what was spent then.
const DAYS: usize = 8;

/// What is kept on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The run that [`Account::run`] is about.
    pub(super) run_id: String,
    /// What the run took, all its sessions together.
    pub(super) run: Amount,
    /// What was taken by day, whatever run it was.
    pub(super) days: BTreeMap<Date, Amount>,
    /// What of it was set aside for requests of which no answer has been counted yet.
    pub(super) open: Amount,
    /// What the run took by storage class, if a plan bounds that; refusals are not given back here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) classes: BTreeMap<String, Amount>,
    /// The currency of the money in it.
    pub(super) currency: Option<String>,
    /// What earlier runs left over.
    pub(super) claims: Claims,
    /// The run that left the claims.
    pub(super) claims_of: String,
    /// What the run could not grant to claims on days that are over.
    #[serde(default, skip_serializing_if = "Passed::is_nothing")]
    passed: Passed,
}

/// What a restore of one object would take.
#[derive(Clone, Copy, Debug)]
pub struct Want<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// When it was last modified, where the listing tells.
    pub modified: Option<Timestamp>,
    /// Its storage class.
    pub class: &'a [u8],
    /// Its size in bytes.
    pub bytes: u64,
    /// What it costs; `None` if nobody knows.
    pub cost: Option<Money>,
}

/// What the purse says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It may be asked for; so much is set aside.
    Granted(Amount),
    /// Not now. The next run owes it so much, and first of all if it is one of the oldest.
    Later {
        /// What is due to it.
        due: Amount,
        /// Whether it has the oldest claim.
        old: bool,
    },
    /// Never: it alone is over a bound, or its price is not known.
    Never,
}

/// What may be spent, and what has been.
#[derive(Clone, Debug)]
pub struct Purse {
    zone: TimeZone,
    per_run: Amount,
    per_day: Amount,
    /// What a run may take of each class, lower case; `None` if no plan says so.
    plan: Option<BTreeMap<String, Count>>,
    /// The currency that is bounded, if any is.
    currency: Option<Currency>,
    pub(super) account: Account,
    /// All that was ever given back, and how much of it is on disk as answers: see [`Purse::firm`].
    /// Both only grow, so that whoever saw less of it cannot make more of it firm.
    returned: Amount,
    firm: Amount,
    /// Whether the account has counted what earlier sessions of the run were about to ask for: not if
    /// they had no budget, or one in another currency.
    counted: bool,
    /// What other runs of the same job file took, by day.
    others: BTreeMap<Date, Amount>,
}

impl Purse {
    /// The purse of the run `run_id` over what is on disk. `resumed` tells that this run goes on.
    pub fn open(budget: &Budget, zone: TimeZone, mut account: Account, run_id: &str, now: Timestamp) -> Self {
        let currency = budget.run.cost.or(budget.day.cost).map(|cost| cost.currency);
        let word = currency.map(|currency| currency.as_str().to_owned());
        let counted = account.run_id == run_id && account.currency == word;
        if account.currency != word {
            // Money of another currency cannot be added up; what is spent of this one is nothing.
            let amounts = account.days.values_mut().chain([&mut account.run, &mut account.open]);
            amounts.for_each(|amount| amount.micros = 0);
            account.currency = word;
        }
        let mut purse = Self {
            zone,
            per_run: Amount::allowed(&budget.run),
            per_day: Amount::allowed(&budget.day),
            plan: budget.plan.clone(),
            currency,
            account,
            returned: Amount::default(),
            firm: Amount::default(),
            counted,
            others: BTreeMap::new(),
        };
        // What a crashed session set aside may have left on this very day.
        purse.today(now);
        if purse.account.run_id != run_id {
            run_id.clone_into(&mut purse.account.run_id);
            purse.account.run = Amount::default();
            purse.account.open = Amount::default();
            purse.account.classes.clear();
            purse.account.passed = Passed::default();
        }
        purse
    }

    /// The same purse, whose days are shared with other runs of the job file, by their `accounts`.
    #[must_use]
    pub fn beside(mut self, accounts: impl IntoIterator<Item = Account>) -> Self {
        for account in accounts {
            let same = account.currency == self.account.currency;
            for (day, amount) in account.days {
                let amount = if same { amount } else { Amount { micros: 0, ..amount } };
                let sum = self.others.entry(day).or_default();
                *sum = sum.plus(amount);
            }
        }
        self
    }

    /// The day of the job that `now` lies in.
    fn day(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }

    /// What was spent on the day of `now`. On a day that begins, what is set aside counts again: its
    /// requests may leave only now.
    fn today(&mut self, now: Timestamp) -> &mut Amount {
        let day = self.day(now);
        let open = self.account.open;
        while self.account.days.len() >= DAYS && !self.account.days.contains_key(&day) {
            self.account.days.pop_first();
        }
        self.account.days.entry(day).or_insert(open)
    }

    /// What is left of the day's bound.
    fn left_today(&mut self, now: Timestamp) -> Amount {
        let others = self.others.get(&self.day(now)).copied().unwrap_or_default();
        self.per_day.minus(*self.today(now)).minus(others)
    }

    /// What the restore takes; `None` if it must not be asked for under any budget.
    fn amount(&self, want: &Want<'_>) -> Option<Amount> {
        let micros = match (self.currency, want.cost) {
            (None, _) => 0,
            (Some(currency), Some(cost)) if cost.currency == currency => u64::try_from(cost.micros).ok()?,
            (Some(_), _) => return None,
        };
        let amount = Amount { objects: 1, bytes: want.bytes, micros };
        amount.fits(self.per_run.least(self.per_day)).then_some(amount)
    }

    /// Decides on one restore, and sets aside what it takes.
    ///
    /// An object may be paid for if all that come before it, and have not come yet, can be paid for
    /// as well.
    pub fn grant(&mut self, want: &Want<'_>, now: Timestamp) -> Said {
        let Some(amount) = self.amount(want) else { return Said::Never };
        let place = self.account.claims.place(want.key, want.modified);
        let day = self.day(now);
        // Half a day's budget at the most: a run of many days would keep all of it, in vain.
        let kept = self.account.passed.at(day).kept_from(place).least(self.per_day.half());
        let before = self.account.claims.before(place);
        let of_day = self.left_today(now).minus(kept).minus(before);
        let room = self.per_run.minus(self.account.run).minus(before).least(of_day);
        if let Some(place) = place {
            // It has come: whatever is decided, nothing has to be kept for it any more.
            self.account.claims.served(place, amount);
        }
        if !amount.fits(room) || !self.is_planned(want, amount) {
            // What the run's own bound or a plan does not allow, no new day brings.
            if let Some(place) = place.filter(|_| !amount.fits(of_day)) {
                self.account.passed.by(place, amount);
            }
            return Said::Later { due: amount, old: place.is_some_and(Place::is_old) };
        }
        if self.plan.is_some() {
            let of_class = self.account.classes.entry(lower(want.class)).or_default();
            *of_class = of_class.plus(amount);
        }
        self.account.run = self.account.run.plus(amount);
        self.account.open = self.account.open.plus(amount);
        let today = self.today(now);
        *today = today.plus(amount);
        Said::Granted(amount)
    }

    /// Whether a plan, if there is one, has room for an object of its class.
    fn is_planned(&self, want: &Want<'_>, amount: Amount) -> bool {
        let Some(plan) = &self.plan else { return true };
        let class = lower(want.class);
        let most = plan.get(&class).copied().unwrap_or_default();
        let taken = self.account.classes.get(&class).copied().unwrap_or_default().plus(amount);
        taken.objects <= most.objects && taken.bytes <= most.bytes
    }

    /// Decides on the restore of an object that an earlier session of the run was about to ask for: what
    /// it takes is set aside already, if that session counted.
    pub fn again(&mut self, want: &Want<'_>, now: Timestamp) -> Said {
        if self.counted {
            Said::Granted(self.amount(want).unwrap_or_default())
        } else {
            self.grant(want, now)
        }
    }

    /// A request was answered at `now`, or not sent; `taken` tells whether the store may have done it.
    pub fn settle(&mut self, amount: Amount, taken: bool, now: Timestamp) {
        // If a day has begun since it was counted, it may have left on this one: see `today`.
        self.today(now);
        if taken {
            self.account.open = self.account.open.minus(amount);
        } else {
            self.returned = self.returned.plus(amount);
        }
    }

    /// All that has been given back so far.
    pub const fn returned(&self) -> Amount {
        self.returned
    }

    /// Of what was given back, all that had been when [`Purse::returned`] was `returned` is on disk as
    /// answers, or as objects that were not asked for: it may be spent again. Pages tell this side by
    /// side, of times that overlap.
    pub fn firm(&mut self, returned: Amount, now: Timestamp) {
        // A day that begins counts all that is open, and so what is taken off it here, too.
        self.today(now);
        let amount = returned.minus(self.firm);
        self.firm = self.firm.plus(amount);
        self.account.open = self.account.open.minus(amount);
        self.account.run = self.account.run.minus(amount);
        let today = self.today(now);
        *today = today.minus(amount);
    }

    /// The run has ended and left `left` over: it began at `began`. Done once for each run, however
    /// often it is told.
    pub fn close(&mut self, began: Timestamp, left: &Left) {
        self.account.open = Amount::default();
        if self.account.claims_of != self.account.run_id {
            self.account.claims = self.account.claims.after(began, left);
            self.account.claims_of.clone_from(&self.account.run_id);
        }
    }

    /// What is bounded, and how much of it is taken: the run's bounds, then those of the day of `now`.
    pub fn bounds(&mut self, now: Timestamp) -> Vec<Bound> {
        let others = self.others.get(&self.day(now)).copied().unwrap_or_default();
        let (run, today) = (self.account.run, self.today(now).plus(others));
        let mut bounds = Vec::new();
        for (over, taken, most, elsewhere) in
            [(Over::Run, run, self.per_run, Amount::default()), (Over::Day, today, self.per_day, others)]
        {
            let money = self.currency.map(|currency| (Unit::Money(currency), |a: Amount| a.micros));
            let counts =
                [(Unit::Objects, (|a: Amount| a.objects) as fn(Amount) -> u64), (Unit::Bytes, |a| a.bytes)];
            for (unit, of) in
                counts.into_iter().chain(money.map(|(unit, of)| (unit, of as fn(Amount) -> u64)))
            {
                // What is not bounded is endless.
                if of(most) < u64::MAX {
                    let (taken, most, elsewhere) = (of(taken), of(most), of(elsewhere));
                    bounds.push(Bound { over, unit, taken, most, elsewhere });
                }
            }
        }
        bounds
    }

    /// What was spent by the run, and on the day of `now`.
    pub fn spending(&mut self, now: Timestamp) -> Spending {
        let others = self.others.get(&self.day(now)).copied().unwrap_or_default();
        let (run, today) = (self.account.run, self.today(now).plus(others));
        let word = self.account.currency.as_deref();
        Spending { run: spent(run, word), day: Some((self.day(now).to_string(), spent(today, word))) }
    }
}

/// The name of a class in a plan.
fn lower(class: &[u8]) -> String {
    String::from_utf8_lossy(class).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Bounds;

    #[test]
    fn a_plan_bounds_each_class_over_all_sessions_of_the_run() {
        let count = |objects, bytes| Count { objects, bytes };
        let budget = Budget {
            run: Bounds { objects: Some(3), bytes: Some(300), cost: None },
            plan: Some([("cold".to_owned(), count(2, 200)), ("deep".to_owned(), count(1, 100))].into()),
            ..Budget::default()
        };
        let now: Timestamp = "2026-11-21T01:00:00Z".parse().unwrap();
        let open = |account, run| Purse::open(&budget, TimeZone::UTC, account, run, now);
        let want = |class: &'static [u8], bytes| Want { key: b"k", modified: None, class, bytes, cost: None };
        let granted = |said| matches!(said, Said::Granted(_));
        let mut purse = open(Account::default(), "run");
        assert!(granted(purse.grant(&want(b"Cold", 100), now)));
        assert!(!granted(purse.grant(&want(b"Cold", 101), now)), "too many bytes of this class");
        assert!(!granted(purse.grant(&want(b"Archive", 1), now)), "a class that was not planned");
        // The run goes on.
        let text = serde_json::to_string(&purse.account).unwrap();
        let mut purse = open(serde_json::from_str(&text).unwrap(), "run");
        assert!(granted(purse.grant(&want(b"COLD", 100), now)));
        assert!(
            !granted(purse.grant(&want(b"Cold", 0), now)),
            "there is room in the run, but not in the class"
        );
        assert!(granted(purse.grant(&want(b"Deep", 100), now)));
        // And another one begins.
        let mut purse = open(purse.account, "next");
        assert!(granted(purse.grant(&want(b"Cold", 100), now)));
    }
}

#[cfg(test)]
mod days {
    use super::*;
    use crate::job::Bounds;

    const ONE: Amount = Amount { objects: 1, bytes: 10, micros: 0 };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn purse(account: Account, run_id: &str, now: Timestamp) -> Purse {
        let bounds = |n| Bounds { objects: Some(n), ..Bounds::default() };
        let budget = Budget { run: bounds(5), day: bounds(3), ..Budget::default() };
        Purse::open(&budget, TimeZone::get("Asia/Shanghai").unwrap(), account, run_id, now)
    }

    fn grant(purse: &mut Purse, now: Timestamp) -> bool {
        let want = Want { key: b"k", class: b"c", modified: None, bytes: 10, cost: None };
        matches!(purse.grant(&want, now), Said::Granted(ONE))
    }

    /// Five are left over, of which the evening meets one. The day's three are spent by then, and after
    /// midnight the other claims must leave something for it, whatever else comes by.
    #[test]
    fn a_claim_that_came_before_midnight_is_met_by_the_next_run() {
        let key = |n: u8| vec![b'a' + n];
        let want = |key: &'static [u8]| Want { key, class: b"c", modified: None, bytes: 10, cost: None };
        let evening = at("2026-11-20T15:00:00Z");
        let mut first = purse(Account::default(), "r", evening);
        assert!((0..3).all(|_| grant(&mut first, evening)));
        let mut left = Left::default();
        left.new.add(&key(0), &key(0), ONE);
        first.close(evening, &left);
        let mut night = purse(first.account, "s", evening);
        assert!(matches!(night.grant(&want(b"a"), evening), Said::Later { .. }), "the day is spent");
        let late = at("2026-11-20T17:00:00Z");
        assert!((0..2).all(|_| matches!(night.grant(&want(b"x"), late), Said::Granted(ONE))));
        assert!(matches!(night.grant(&want(b"x"), late), Said::Later { .. }), "one is kept");
        let mut left = Left::default();
        left.old.add(&key(0), &key(0), ONE);
        left.new.add(b"x", b"x", ONE);
        night.close(evening, &left);
        let next = at("2026-11-21T15:00:00Z");
        let mut next_night = purse(night.account, "t", next);
        assert!(matches!(next_night.grant(&want(b"a"), next), Said::Granted(ONE)));
    }

    /// A bound of the run does not grow at midnight: what is left of it is for whoever comes.
    #[test]
    fn nothing_is_kept_over_midnight_of_what_only_the_run_bounds() {
        let evening = at("2026-11-20T15:00:00Z");
        let bytes =
            |run| Budget { run: Bounds { bytes: Some(run), ..Bounds::default() }, ..Budget::default() };
        let open = |account, id| Purse::open(&bytes(15), TimeZone::UTC, account, id, evening);
        let mut first = open(Account::default(), "r");
        let mut left = Left::default();
        left.new.add(b"a", b"b", Amount { objects: 1, bytes: 12, micros: 0 });
        first.close(evening, &left);
        let mut night = open(first.account, "s");
        let want = |key: &'static [u8], bytes| Want { key, class: b"c", modified: None, bytes, cost: None };
        assert!(matches!(night.grant(&want(b"a", 4), evening), Said::Granted(_)));
        assert!(matches!(night.grant(&want(b"b", 12), evening), Said::Later { .. }), "the run has 11 left");
        let late = at("2026-11-21T00:00:01Z");
        assert!(matches!(night.grant(&want(b"x", 10), late), Said::Granted(_)));
    }

    #[test]
    fn bounds_are_told_with_what_is_taken_of_them_and_where() {
        let now = at("2026-11-20T12:00:00Z");
        let mut other = Account::default();
        let taken = Amount { objects: 1, bytes: 7, micros: 0 };
        other.days.insert("2026-11-20".parse().unwrap(), taken);
        let mut purse = purse(Account::default(), "r", now).beside([other]);
        assert!(grant(&mut purse, now));
        let bound =
            |over, taken, most, elsewhere| Bound { over, unit: Unit::Objects, taken, most, elsewhere };
        // Bytes and money are not bounded.
        assert_eq!(purse.bounds(now), [bound(Over::Run, 1, 5, 0), bound(Over::Day, 2, 3, 1)]);
    }

    /// Shanghai's day begins at 16:00 UTC.
    #[test]
    fn what_is_on_its_way_at_midnight_counts_on_both_days() {
        let (before, after) = (at("2026-11-20T15:59:59Z"), at("2026-11-20T16:00:01Z"));
        let mut purse = purse(Account::default(), "r", before);
        assert!(grant(&mut purse, before) && grant(&mut purse, before) && grant(&mut purse, before));
        assert!(!grant(&mut purse, before), "three a day");
        purse.settle(ONE, true, before);
        // Answered before anything else happens on the new day: it may have left on this one.
        purse.settle(ONE, true, after);
        purse.settle(ONE, true, after);
        assert!(grant(&mut purse, after) && !grant(&mut purse, after));
        let days: Vec<(String, u64)> =
            purse.account.days.iter().map(|(day, spent)| (day.to_string(), spent.objects)).collect();
        assert_eq!(days, [("2026-11-20".to_owned(), 3), ("2026-11-21".to_owned(), 3)]);
    }

    #[test]
    fn what_is_given_back_may_be_spent_when_it_is_firm() {
        let now = at("2026-11-20T12:00:00Z");
        let mut purse = purse(Account::default(), "r", now);
        assert!((0..3).all(|_| grant(&mut purse, now)));
        purse.settle(ONE, false, now);
        assert!(!grant(&mut purse, now), "a crash could lose the answer");
        let returned = purse.returned();
        purse.firm(returned, now);
        assert!(grant(&mut purse, now) && !grant(&mut purse, now));
    }

    #[test]
    fn what_one_page_has_on_disk_makes_nothing_firm_that_was_given_back_later() {
        let now = at("2026-11-20T12:00:00Z");
        let mut purse = purse(Account::default(), "r", now);
        assert!((0..3).all(|_| grant(&mut purse, now)));
        purse.settle(ONE, false, now);
        // Two pages see the same refund, and one of them is faster with its journal.
        let (one, other) = (purse.returned(), purse.returned());
        purse.firm(one, now);
        purse.settle(ONE, false, now);
        purse.firm(other, now);
        assert!(grant(&mut purse, now));
        assert!(!grant(&mut purse, now), "the second answer is on no disk yet");
    }

    #[test]
    fn what_a_session_without_a_budget_was_about_to_ask_for_counts_as_well() {
        let now = at("2026-11-20T12:00:00Z");
        let want = Want { key: b"k", class: b"c", modified: None, bytes: 10, cost: None };
        let mut first = purse(Account::default(), "r", now);
        let granted = |said| matches!(said, Said::Granted(ONE));
        assert!((0..3).all(|_| granted(first.again(&want, now))));
        assert!(!granted(first.again(&want, now)), "three a day");
        // This one counted.
        let mut next = purse(first.account, "r", now);
        assert!((0..3).all(|_| granted(next.again(&want, now))) && !grant(&mut next, now));
    }

    #[test]
    fn a_refund_that_is_the_first_thing_of_a_day_gives_back_no_more_than_itself() {
        let (before, after) = (at("2026-11-20T15:59:59Z"), at("2026-11-20T16:00:01Z"));
        let mut purse = purse(Account::default(), "r", before);
        assert!((0..3).all(|_| grant(&mut purse, before)));
        purse.settle(ONE, false, before);
        let returned = purse.returned();
        purse.firm(returned, after);
        // Two are still on their way, and may leave on the new day.
        assert!(grant(&mut purse, after) && !grant(&mut purse, after));
    }

    #[test]
    fn a_crash_a_new_run_and_a_clock_set_back_find_what_was_spent() {
        let (monday, tuesday) = (at("2026-11-23T12:00:00Z"), at("2026-11-24T12:00:00Z"));
        let mut first = purse(Account::default(), "r", monday);
        assert!(grant(&mut first, monday) && grant(&mut first, monday));
        // The crash comes here. What was open may have left just now.
        let mut same = purse(first.account.clone(), "r", tuesday);
        assert!(grant(&mut same, tuesday) && !grant(&mut same, tuesday));
        assert_eq!(same.account.run.objects, 3);
        let mut other = purse(same.account, "s", monday);
        assert!(grant(&mut other, monday) && !grant(&mut other, monday), "two of monday's three are gone");
        assert_eq!(other.account.run.objects, 1);
    }
}
