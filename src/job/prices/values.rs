//! One value of a price table as written → what it means, or what is wrong with it.

use std::sync::Arc;

use jiff::civil::Date;
use toml::de::DeValue;

use super::read::{DEFAULT_MONTH, Reader, Value};
use super::{Item, Unit};
use crate::model::{Currency, Provider, Tier};

/// Most digits behind the point of a price.
const MAX_DECIMALS: usize = 9;
/// The price itself, without its point, is below this.
const MAX_DIGITS: u64 = 1_000_000_000_000_000;
/// The hours of a month are those of 28 to 31 days.
const MONTH_HOURS: std::ops::RangeInclusive<u16> = 672..=744;
/// Longest text of a source, in characters.
const MAX_SOURCE: usize = 500;

const GB: u32 = 1_000_000_000;
const GIB: u32 = 1 << 30;
const UNITS: [(&str, Unit); 8] = [
    ("request", Unit::Requests(1)),
    ("1000 requests", Unit::Requests(1000)),
    ("10000 requests", Unit::Requests(10_000)),
    ("million requests", Unit::Requests(1_000_000)),
    ("GB", Unit::Bytes(GB)),
    ("GiB", Unit::Bytes(GIB)),
    ("GB-month", Unit::ByteMonths { bytes: GB, hours: DEFAULT_MONTH }),
    ("GiB-month", Unit::ByteMonths { bytes: GIB, hours: DEFAULT_MONTH }),
];

impl Reader<'_> {
    pub(super) fn provider(&mut self, value: &Value<'_>) -> Option<Provider> {
        let word = self.word(value, "sheet.provider", "a provider")?;
        let found = Provider::from_scheme(&word);
        if found.is_none() {
            self.wrong(
                value,
                "sheet.provider",
                "is no provider".to_owned(),
                "write \"oss\", \"cos\" or \"s3\"",
            );
        }
        found
    }

    pub(super) fn regions(&mut self, value: &Value<'_>) -> Option<Arc<[String]>> {
        const KEY: &str = "sheet.region";
        let DeValue::Array(names) = value.get_ref() else {
            let name = self.word(value, KEY, "a region")?;
            return Some(if name == "*" { Arc::default() } else { Arc::new([name]) });
        };
        let names: Option<Vec<String>> = names.iter().map(|name| self.word(name, KEY, "a region")).collect();
        let names = names?;
        if names.is_empty() || names.iter().any(|name| name == "*") {
            self.wrong(
                value,
                KEY,
                "names no region".to_owned(),
                "write the regions, or \"*\" alone, without brackets, for any",
            );
            return None;
        }
        Some(names.into())
    }

    pub(super) fn item(&mut self, value: &Value<'_>) -> Option<Item> {
        let word = self.word(value, "price.item", "an item")?;
        let found = Item::ALL.into_iter().find(|item| item.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let words = Item::ALL.map(Item::as_str);
            self.no_such(value, "price.item", &word, &words);
        }
        found
    }

    pub(super) fn tier(&mut self, value: &Value<'_>) -> Option<Tier> {
        let word = self.word(value, "price.tier", "a tier")?;
        let found = Tier::from_word(&word);
        if found.is_none() {
            let words = Tier::ALL.map(Tier::as_str);
            self.no_such(value, "price.tier", &word, &words);
        }
        found
    }

    pub(super) fn unit(&mut self, value: &Value<'_>, item: Option<Item>, hours: u16) -> Option<Unit> {
        const KEY: &str = "price.unit";
        let word = self.word(value, KEY, "a unit")?;
        let Some((_, unit)) = UNITS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(&word)) else {
            let words = UNITS.map(|(name, _)| name);
            self.no_such(value, KEY, &word, &words);
            return None;
        };
        let item = item?;
        let (fits, wanted) = match (item, unit) {
            (Item::Copy, unit) => (matches!(unit, Unit::ByteMonths { .. }), "\"GiB-month\" or \"GB-month\""),
            (Item::Retrieval, unit) => (matches!(unit, Unit::Bytes(_)), "\"GiB\" or \"GB\""),
            (_, unit) => (matches!(unit, Unit::Requests(_)), "such as \"10000 requests\""),
        };
        if !fits {
            let what = format!("is no unit of the item \"{}\"", item.as_str());
            self.wrong(value, KEY, what, &format!("write {wanted}"));
            return None;
        }
        Some(match unit {
            Unit::ByteMonths { bytes, .. } => Unit::ByteMonths { bytes, hours },
            other => other,
        })
    }

    /// Digits and decimals of a plain number, exactly as written.
    pub(super) fn price(&mut self, value: &Value<'_>) -> Option<(u64, u32)> {
        const KEY: &str = "price.price";
        const WAY: &str = "write a plain number, such as 0.06";
        match value.get_ref() {
            DeValue::Integer(_) | DeValue::Float(_) => {}
            _ => {
                self.must_be(&value.span(), KEY, "a number", WAY);
                return None;
            }
        }
        let text = self.text.get(value.span()).unwrap_or_default().replace('_', "");
        let text = text.strip_prefix('+').unwrap_or(&text);
        if text.starts_with('-') {
            let way = "a price is 0 or more; leave the entry out if it is not known";
            self.wrong(value, KEY, "is negative".to_owned(), way);
            return None;
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let decimals = decimals.trim_end_matches('0');
        let plain = format!("{whole}{decimals}");
        let places = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_digit()) {
            self.wrong(value, KEY, "is not a plain number".to_owned(), WAY);
            return None;
        }
        match plain.parse::<u64>() {
            Ok(digits) if digits < MAX_DIGITS && decimals.len() <= MAX_DECIMALS => Some((digits, places)),
            _ => {
                let what = "has too many digits".to_owned();
                self.wrong(value, KEY, what, "at most 15 digits, 9 of them behind the point");
                None
            }
        }
    }

    pub(super) fn currency(&mut self, value: &Value<'_>, key: &str) -> Option<Currency> {
        let word = self.word(value, key, "a currency")?;
        let found = Currency::from_word(&word);
        if found.is_none() {
            self.wrong(value, key, "is no currency".to_owned(), "write its three letters, such as \"CNY\"");
        }
        found
    }

    pub(super) fn date(&mut self, value: &Value<'_>, key: &str) -> Option<Date> {
        // A date of TOML needs no quotes; both ways of writing it are taken.
        let text = self.text.get(value.span()).unwrap_or_default().trim_matches(['"', '\'']);
        let found = text.parse().ok();
        if found.is_none() || !matches!(value.get_ref(), DeValue::String(_) | DeValue::Datetime(_)) {
            self.wrong(value, key, "is no date".to_owned(), "write it like \"2026-11-21\"");
            return None;
        }
        found
    }

    pub(super) fn source(&mut self, value: &Value<'_>, key: &str) -> Option<Arc<str>> {
        let text = self.word(value, key, "where the price is from")?;
        if text.chars().count() > MAX_SOURCE {
            self.wrong(value, key, "is too long".to_owned(), "at most 500 characters");
            return None;
        }
        Some(text.into())
    }

    pub(super) fn month_hours(&mut self, value: &Value<'_>) -> Option<u16> {
        const KEY: &str = "sheet.month_hours";
        const WAY: &str = "write a whole number of hours, 672 to 744; 720 is 30 days";
        let DeValue::Integer(_) = value.get_ref() else {
            self.must_be(&value.span(), KEY, "a number", WAY);
            return None;
        };
        let found = self.text.get(value.span()).and_then(|text| text.parse::<u16>().ok());
        let found = found.filter(|hours| MONTH_HOURS.contains(hours));
        if found.is_none() {
            self.wrong(value, KEY, "is no month".to_owned(), WAY);
        }
        found
    }

    /// Text that is not empty, without spaces around it.
    pub(super) fn word(&mut self, value: &Value<'_>, key: &str, wanted: &str) -> Option<String> {
        let DeValue::String(text) = value.get_ref() else {
            self.must_be(&value.span(), key, "text in quotes", &format!("write {wanted} in quotes"));
            return None;
        };
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            let what = if text.is_empty() { "is empty" } else { "holds control characters" };
            self.wrong(value, key, what.to_owned(), &format!("write {wanted}"));
            return None;
        }
        Some(text.to_owned())
    }
}
