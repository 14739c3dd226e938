//! What a run spends: each answer to what it comes to, and what that costs by a price table. Pure.
//!
//! # What counts
//! * A restore that the store takes (202) reads the object from the archive and keeps a copy for the
//!   days asked for. Until when exactly is known only when it is ready; S3 and COS round up to midnight.
//! * A readable copy that is asked for again (200) is kept longer, by as much as its expiry moved, and
//!   nothing is read. Sources: OSS "RestoreObject", S3 "RestoreObject", read 2026-11.
//! * A running restore that is made faster (202) is read again, as S3 bills it; its copy is the same.
//! * A request whose answer was lost, and of which the store says afterwards that it runs, was taken.
//! * What no answer came to may or may not be billed: such requests are told, and cost nothing here.
//!
//! A copy that is given back early costs less than this, and so does one of an object below the smallest
//! size that a vendor bills.

use serde::{Deserialize, Serialize};

use super::fit::Fitted;
use crate::job::{Item, Prices};
use crate::model::{Account, Answers, Money, Outcome, State, Tier};
use crate::store::Taken;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// Takes down that one request for an object in `state` is taken.
pub(super) fn taken(outcome: &mut Outcome, state: State, days: Option<u32>) {
    let (tier, bill) = (outcome.tier, outcome.bill_mut());
    bill.tier = tier;
    bill.restores.taken += 1;
    worth(outcome, state, days);
}

/// What a request is worth that was taken for an object in `state`.
fn worth(outcome: &mut Outcome, state: State, days: Option<u32>) {
    let bill = outcome.bill_mut();
    bill.retrieved |= state != State::Restored;
    if state != State::Restoring {
        bill.copy_seconds += u64::from(days.unwrap_or(0)) * DAY;
    }
}

/// Takes down how requests for an object were answered, the last one by `taken`. The object was in the
/// state `before`, its copy lapsed then, and it was asked for so many days.
pub(super) fn answered(
    outcome: &mut Outcome,
    answers: &Answers,
    taken: Taken,
    (before, lapsed, days): (State, Option<jiff::Timestamp>, Option<u32>),
) {
    let (tier, bill) = (outcome.tier, outcome.bill_mut());
    bill.tier = tier;
    bill.restores.merge(*answers);
    let archived = matches!(before, State::Archived | State::Expired);
    if archived && answers.silent > 0 && taken != Taken::Accepted {
        // Nobody but an attempt of ours can have begun it meanwhile.
        bill.restores.silent -= 1;
        bill.restores.taken += 1;
        worth(outcome, before, days);
    }
    match taken {
        Taken::Accepted => worth(outcome, before, days),
        Taken::Extended => {
            worth(outcome, State::Restored, days);
            outcome.bill_mut().lapsed = lapsed.filter(|_| before == State::Restored);
        }
        Taken::AlreadyRunning => {}
    }
}

/// Takes down until when a copy is kept that was asked to be kept longer, now that it is known.
pub(super) fn extended(outcome: &mut Outcome) {
    let until = outcome.expires_at;
    let bill = outcome.bill_mut();
    if let (Some(lapsed), Some(until)) = (bill.lapsed.take(), until) {
        bill.copy_seconds = u64::try_from(until.duration_since(lapsed).as_secs()).unwrap_or(0);
    }
}

/// Takes down a request that must have been taken.
pub(super) fn presumed(outcome: &mut Outcome, fitted: &Fitted) {
    let bill = outcome.bill_mut();
    bill.tier = fitted.tier;
    bill.restores.taken += 1;
    worth(outcome, State::Archived, fitted.days);
}

/// An amount of money for machines: every digit, and no float.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Three letters.
    pub currency: String,
    /// A decimal number with six places.
    pub amount: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        let (sign, micros) = (if money.micros < 0 { "-" } else { "" }, money.micros.unsigned_abs());
        let amount = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        Self { currency: money.currency.to_string(), amount }
    }
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    /// What is paid for.
    pub item: Item,
    /// Storage class; empty for list requests.
    pub class: String,
    /// The tier, where there is one.
    pub tier: Option<Tier>,
    /// Requests, bytes, or bytes × seconds.
    pub quantity: u128,
    /// What it costs, rounded once; `None` if the price table does not know.
    pub cost: Option<Money>,
    /// Where the price is from, and of which day; empty if there is none.
    pub source: String,
}

impl Fee {
    /// What it is, in a few words: `retrieval, ColdArchive Bulk`.
    #[must_use]
    pub fn words(&self) -> String {
        let what = match self.item {
            Item::List => "list requests",
            Item::Head => "HEAD requests",
            Item::Restore => "restore requests",
            Item::Refused => "refused requests",
            Item::Failed => "failed requests",
            Item::Retrieval => "retrieval",
            Item::Copy => "copies",
        };
        let of = if self.class.is_empty() { String::new() } else { format!(", {}", self.class) };
        let at = self.tier.map_or(String::new(), |tier| format!(" {tier}"));
        format!("{what}{of}{at}")
    }
}

/// What requests cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Line by line.
    pub lines: Vec<Fee>,
    /// Requests that no answer came to; they may be billed.
    pub silent: u64,
}

impl Fees {
    /// What `account` and the `lists` cost by `prices`.
    #[must_use]
    pub fn of(account: &Account, lists: &Answers, prices: &Prices) -> Self {
        let mut fees = Self::default();
        fees.answers(Item::List, lists, "", None, prices);
        for (class, tiers) in &account.classes {
            for (tier, line) in tiers {
                let tier = Tier::from_word(tier);
                fees.answers(Item::Head, &line.heads, class, tier, prices);
                fees.answers(Item::Restore, &line.restores, class, tier, prices);
                fees.put(Item::Retrieval, class, tier, u128::from(line.retrieved.bytes), prices);
                fees.put(Item::Copy, class, tier, line.copy_byte_seconds, prices);
            }
        }
        fees
    }

    fn answers(&mut self, item: Item, answers: &Answers, class: &str, tier: Option<Tier>, prices: &Prices) {
        self.put(item, class, tier, u128::from(answers.taken), prices);
        self.put(Item::Refused, class, tier, u128::from(answers.refused), prices);
        self.put(Item::Failed, class, tier, u128::from(answers.failed), prices);
        self.silent += answers.silent;
    }

    fn put(&mut self, item: Item, class: &str, tier: Option<Tier>, quantity: u128, prices: &Prices) {
        if quantity == 0 {
            return;
        }
        let price = prices.find(item, class.as_bytes(), tier);
        self.lines.push(Fee {
            item,
            class: class.to_owned(),
            tier,
            quantity,
            cost: prices.cost(item, class.as_bytes(), tier, quantity),
            source: price.map_or(String::new(), |price| format!("{} ({})", price.source(), price.date())),
        });
    }

    /// The sum of what is known, in each currency; what is free makes none.
    #[must_use]
    pub fn sums(&self) -> Vec<Money> {
        let mut sums: Vec<Money> = Vec::new();
        for cost in self.lines.iter().filter_map(|fee| fee.cost).filter(|cost| cost.micros > 0) {
            match sums.iter_mut().find(|sum| sum.currency == cost.currency) {
                Some(sum) => sum.micros = sum.micros.saturating_add(cost.micros),
                None => sums.push(cost),
            }
        }
        sums.sort_by_key(|sum| sum.currency);
        sums
    }

    /// What the price table does not know, in words, each once.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let mut words: Vec<String> =
            self.lines.iter().filter(|fee| fee.cost.is_none()).map(Fee::words).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Fees as machines read them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeesTold {
    /// Whether every line has a price; otherwise the sums are lower than the bill.
    pub complete: bool,
    /// The sum of what is known, in each currency.
    pub sums: Vec<Amount>,
    /// What the price table does not know.
    pub unknown: Vec<String>,
    /// Requests that no answer came to; they may be billed.
    pub unanswered_requests: u64,
    /// Line by line.
    pub lines: Vec<FeeTold>,
}

/// One line of [`FeesTold`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeTold {
    /// What is paid for, as in a price table.
    pub item: Item,
    /// Storage class; empty for list requests.
    pub class: String,
    /// The tier, where there is one.
    pub tier: Option<Tier>,
    /// How much of `unit`.
    pub quantity: u128,
    /// `requests`, `bytes` or `byte-seconds`.
    pub unit: String,
    /// What it costs; `null` if the price table does not know.
    pub cost: Option<Amount>,
    /// Where the price is from, and of which day.
    pub price_source: String,
}

impl From<&Fees> for FeesTold {
    fn from(fees: &Fees) -> Self {
        let unknown = fees.unknown();
        let lines = fees.lines.iter().map(|fee| FeeTold {
            item: fee.item,
            class: fee.class.clone(),
            tier: fee.tier,
            quantity: fee.quantity,
            unit: match fee.item {
                Item::Retrieval => "bytes",
                Item::Copy => "byte-seconds",
                _ => "requests",
            }
            .to_owned(),
            cost: fee.cost.map(Amount::from),
            price_source: fee.source.clone(),
        });
        Self {
            complete: unknown.is_empty(),
            sums: fees.sums().into_iter().map(Amount::from).collect(),
            unknown,
            unanswered_requests: fees.silent,
            lines: lines.collect(),
        }
    }
}
