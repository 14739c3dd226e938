//! What restores cost: a table in TOML, one built in and replaceable by the user's own.
//!
//! `built_in.toml` says how a table is written. What a table does not tell is unknown, and stays
//! unknown in every sum that it would be part of: it is never taken for nothing.

mod ratio;
mod read;
mod values;

use std::sync::Arc;

use jiff::civil::Date;

use self::ratio::Ratio;
use crate::model::{Currency, Money, Provider, Tier};

/// The table that is used where the job names none.
const BUILT_IN: &str = include_str!("built_in.toml");
/// Hours of a day.
const DAY_HOURS: u128 = 24;
/// Seconds of an hour.
const HOUR_SECONDS: u128 = 3600;
/// Millionths in one unit of a currency.
const MICROS: u128 = 1_000_000;

/// What is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Item {
    /// A list request that brought a page.
    List,
    /// A HEAD request that brought an answer.
    Head,
    /// A restore request that the store took.
    Restore,
    /// A request that the store refused (4xx).
    Refused,
    /// A request that the store failed on (5xx).
    Failed,
    /// What is read from the archive, by its bytes.
    Retrieval,
    /// The readable copy, by its bytes and the time until it lapses.
    Copy,
}

impl Item {
    /// Every item, in the order of a bill.
    pub const ALL: [Self; 7] =
        [Self::List, Self::Head, Self::Restore, Self::Refused, Self::Failed, Self::Retrieval, Self::Copy];

    /// Its word in a price table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Head => "head",
            Self::Restore => "restore",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Retrieval => "retrieval",
            Self::Copy => "copy",
        }
    }
}

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many requests.
    Requests(u32),
    /// So many bytes.
    Bytes(u32),
    /// So many bytes for a month of so many hours.
    ByteMonths { bytes: u32, hours: u16 },
}

/// One entry of a table.
#[derive(Clone, Debug)]
pub struct Price {
    provider: Provider,
    /// Where it holds; empty for everywhere.
    regions: Arc<[String]>,
    item: Item,
    /// `None` for any.
    class: Option<String>,
    /// `None` for any.
    tier: Option<Tier>,
    /// The price as written: this many ...
    digits: u64,
    /// ... of this fraction of the currency: 10 to that power.
    decimals: u32,
    unit: Unit,
    currency: Currency,
    date: Date,
    source: Arc<str>,
    /// Where it stands in its file.
    line: usize,
}

impl Price {
    /// When the price was read or published.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// Where the price is from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What one `unit` of it is worth in millionths, exactly.
    fn micros(&self) -> Option<Ratio> {
        let price =
            Ratio::new(u128::from(self.digits).checked_mul(MICROS)?, 10_u128.checked_pow(self.decimals)?)?;
        let under = match self.unit {
            Unit::Requests(number) | Unit::Bytes(number) => u128::from(number),
            Unit::ByteMonths { bytes, hours } => {
                u128::from(bytes).checked_mul(u128::from(hours))?.checked_mul(HOUR_SECONDS)?
            }
        };
        price.times(Ratio::new(1, under)?)
    }

    /// How exactly it fits; what fits more exactly wins.
    fn rank(&self) -> (bool, bool, bool) {
        (!self.regions.is_empty(), self.class.is_some(), self.tier.is_some())
    }
}

/// A price table, checked: every provider and region that it knows.
#[derive(Clone, Debug, Default)]
pub struct PriceTable {
    entries: Vec<Price>,
}

impl PriceTable {
    /// The table that is built in.
    #[must_use]
    pub fn built_in() -> Self {
        // A test holds that it can be read; an empty table knows nothing, which is never wrong.
        Self::read(std::path::Path::new("built_in.toml"), BUILT_IN).unwrap_or_default()
    }

    /// The currencies in which one provider's prices are told, in any region; each once.
    #[must_use]
    pub fn currencies(&self, provider: Provider) -> Vec<Currency> {
        let of = self.entries.iter().filter(|price| price.provider == provider);
        let mut all: Vec<Currency> = of.map(|price| price.currency).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What one provider charges in `region`; `None` for an unknown one, where only that holds
    /// which holds everywhere.
    #[must_use]
    pub fn of(&self, provider: Provider, region: Option<&str>) -> Prices {
        let here = |price: &&Price| {
            let holds = |name: &String| region.is_some_and(|region| region.eq_ignore_ascii_case(name));
            price.provider == provider && (price.regions.is_empty() || price.regions.iter().any(holds))
        };
        Prices { entries: self.entries.iter().filter(here).cloned().collect() }
    }
}

/// The prices of one provider in one region.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    entries: Arc<[Price]>,
}

impl Prices {
    /// The entry that tells the price of `item`, if any does: the one that names the region before
    /// one that does not, then the class, then the tier.
    #[must_use]
    pub fn find(&self, item: Item, class: &[u8], tier: Option<Tier>) -> Option<&Price> {
        let fits = |price: &&Price| {
            price.item == item
                && price.class.as_ref().is_none_or(|name| name.as_bytes().eq_ignore_ascii_case(class))
                && (price.tier.is_none() || price.tier == tier)
        };
        self.entries.iter().filter(fits).max_by_key(|price| price.rank())
    }

    /// What `quantity` of `item` costs, rounded once to the nearest millionth: requests, bytes, or
    /// bytes × seconds of a copy. `None` if the table does not know.
    #[must_use]
    pub fn cost(&self, item: Item, class: &[u8], tier: Option<Tier>, quantity: u128) -> Option<Money> {
        let price = self.find(item, class, tier)?;
        let micros = price.micros()?.times(Ratio::new(quantity, 1)?)?.rounded();
        Some(Money { currency: price.currency, micros: i128::try_from(micros).ok()? })
    }

    /// What one restore of an object of `bytes` bytes in `class` costs, the request, the retrieval and
    /// the copy for `days` taken together; `None` if the table does not know: never zero for that.
    /// A part of a millionth counts as a whole one, so that a sum of many is not too low.
    #[must_use]
    pub fn object(&self, class: &[u8], tier: Option<Tier>, days: Option<u32>, bytes: u64) -> Option<Money> {
        // A class that is given no days has no copy: its objects go back to an online tier.
        let seconds = u128::from(days.unwrap_or(0)) * DAY_HOURS * HOUR_SECONDS;
        let parts = [
            (Item::Restore, 1),
            (Item::Retrieval, u128::from(bytes)),
            (Item::Copy, u128::from(bytes).checked_mul(seconds)?),
        ];
        let mut currency = None;
        let mut sum = Ratio::ZERO;
        for (item, quantity) in parts {
            if item == Item::Copy && days.is_none() {
                continue;
            }
            let price = self.find(item, class, tier)?;
            // What is free is free in any currency.
            if price.digits == 0 {
                currency = currency.or(Some((price.currency, true)));
                continue;
            }
            match currency {
                Some((known, false)) if known != price.currency => return None,
                _ => currency = Some((price.currency, false)),
            }
            sum = sum.plus(price.micros()?.times(Ratio::new(quantity, 1)?)?)?;
        }
        let (currency, _) = currency?;
        Some(Money { currency, micros: i128::try_from(sum.rounded_up()).ok()? })
    }
}

#[cfg(test)]
mod tests;
