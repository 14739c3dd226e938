//! A price table as written → its entries, or everything that is wrong with it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Item, Price, PriceTable, Unit};
use crate::job::fault::{At, Fault, Faults, Place, nearest, shown};
use crate::model::{Currency, Provider, Tier};

/// Most entries of a table; more are no price table.
const MAX_ENTRIES: usize = 10_000;
/// Faults that are told at most.
const MAX_FAULTS: usize = 20;
/// Most digits behind the point of a price.
const MAX_DECIMALS: usize = 9;
/// The price itself, without its point, is below this.
const MAX_DIGITS: u64 = 1_000_000_000_000_000;
/// The hours of a month are those of 28 to 31 days.
const MONTH_HOURS: std::ops::RangeInclusive<u16> = 672..=744;
/// Hours of a month of 30 days.
const DEFAULT_MONTH: u16 = 720;
/// Longest text of a source, in characters.
const MAX_SOURCE: usize = 500;

const SHEET_KEYS: [&str; 7] = ["provider", "region", "currency", "date", "source", "month_hours", "price"];
const PRICE_KEYS: [&str; 8] = ["item", "class", "tier", "price", "unit", "currency", "date", "source"];

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

type Value<'t> = Spanned<DeValue<'t>>;

impl PriceTable {
    /// The table that the file at `path` holds.
    ///
    /// # Errors
    /// Everything that is wrong with it, by line: what is not TOML, keys that are not known, prices
    /// that are negative or no plain numbers, entries without currency, date or source, and two
    /// entries for the same thing.
    pub fn read(path: &Path, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader { path, text, faults: Vec::new(), entries: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or_default();
            reader.fault(&span, "", format!("not valid TOML: {}", error.message().replace('\n', ", ")), None);
        }
        if errors.is_empty() {
            reader.top(table.get_ref());
        }
        if reader.faults.is_empty() {
            return Ok(Self { entries: reader.entries });
        }
        let mut faults = reader.faults;
        faults.sort_by(|a, b| a.at.place.cmp(&b.at.place));
        faults.truncate(MAX_FAULTS);
        Err(Faults::new(faults))
    }
}

/// What the entries of a sheet have in common.
struct Sheet {
    provider: Option<Provider>,
    regions: Option<Arc<[String]>>,
    currency: Option<Currency>,
    date: Option<Date>,
    source: Option<Arc<str>>,
    month_hours: u16,
    /// Whether what an entry may give instead is wrong already, and not simply missing.
    told: bool,
}

struct Reader<'t> {
    path: &'t Path,
    text: &'t str,
    faults: Vec<Fault>,
    entries: Vec<Price>,
}

impl Reader<'_> {
    fn top(&mut self, top: &DeTable<'_>) {
        for (key, value) in top {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("sheet", DeValue::Array(sheets)) => {
                    for sheet in sheets {
                        match sheet.get_ref() {
                            DeValue::Table(table) => self.sheet(&sheet.span(), table),
                            _ => self.must_be(&sheet.span(), "sheet", "a table", "write `[[sheet]]`"),
                        }
                    }
                }
                ("sheet", _) => {
                    self.must_be(
                        &key.span(),
                        "sheet",
                        "a list of tables",
                        "write `[[sheet]]` in two brackets",
                    );
                }
                (name, _) => self.unknown(&key.span(), "", name, &["sheet"]),
            }
        }
    }

    fn sheet(&mut self, span: &Range<usize>, table: &DeTable<'_>) {
        let before = self.faults.len();
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !SHEET_KEYS.contains(&name) {
                self.unknown(&key.span(), "sheet.", name, &SHEET_KEYS);
            }
        }
        let provider = match table.get("provider") {
            Some(value) => self.provider(value),
            None => self.missing(span, "sheet.provider", "write \"oss\", \"cos\" or \"s3\""),
        };
        let regions = match table.get("region") {
            Some(value) => self.regions(value),
            None => {
                self.missing(span, "sheet.region", "name the region, a list of regions, or \"*\" for any")
            }
        };
        let sheet = Sheet {
            provider,
            regions,
            currency: table.get("currency").and_then(|value| self.currency(value, "sheet.currency")),
            date: table.get("date").and_then(|value| self.date(value, "sheet.date")),
            source: table.get("source").and_then(|value| self.source(value, "sheet.source")),
            month_hours: table
                .get("month_hours")
                .map_or(DEFAULT_MONTH, |value| self.month_hours(value).unwrap_or(DEFAULT_MONTH)),
            told: self.faults.len() > before,
        };
        match table.get("price") {
            Some(value) => match value.get_ref() {
                DeValue::Array(prices) => {
                    for price in prices {
                        match price.get_ref() {
                            DeValue::Table(entry) => self.entry(&sheet, &price.span(), entry),
                            _ => self.must_be(&price.span(), "sheet.price", "a table", FORM),
                        }
                    }
                }
                _ => self.must_be(&value.span(), "sheet.price", "a list of entries", FORM),
            },
            None => {
                let _: Option<()> = self.missing(span, "sheet.price", FORM);
            }
        }
    }

    fn entry(&mut self, sheet: &Sheet, span: &Range<usize>, table: &DeTable<'_>) {
        let before = self.faults.len();
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !PRICE_KEYS.contains(&name) {
                self.unknown(&key.span(), "price.", name, &PRICE_KEYS);
            }
        }
        let item = match table.get("item") {
            Some(value) => self.item(value),
            None => self.missing(span, "price.item", "name what is paid for, such as \"retrieval\""),
        };
        let class = table.get("class").and_then(|value| self.word(value, "price.class", "a storage class"));
        let tier = table.get("tier").and_then(|value| self.tier(value));
        let price = match table.get("price") {
            Some(value) => self.price(value),
            None => {
                self.missing(span, "price.price", "write a number; leave the entry out if it is not known")
            }
        };
        let unit = match table.get("unit") {
            Some(value) => self.unit(value, item, sheet.month_hours),
            None => self.missing(span, "price.unit", "write what the price is for, such as \"GiB\""),
        };
        let currency = match table.get("currency") {
            Some(value) => self.currency(value, "price.currency"),
            None => {
                self.inherited(span, sheet.told, sheet.currency, "currency", "such as \"CNY\" or \"USD\"")
            }
        };
        let date = match table.get("date") {
            Some(value) => self.date(value, "price.date"),
            None => {
                self.inherited(span, sheet.told, sheet.date, "date", "when the price was read or published")
            }
        };
        let source = match table.get("source") {
            Some(value) => self.source(value, "price.source"),
            None => {
                self.inherited(span, sheet.told, sheet.source.clone(), "source", "where the price is from")
            }
        };
        if self.faults.len() > before {
            return;
        }
        let (Some(provider), Some(regions), Some(item), Some((digits, decimals))) =
            (sheet.provider, sheet.regions.clone(), item, price)
        else {
            return;
        };
        let (Some(unit), Some(currency), Some(date), Some(source)) = (unit, currency, date, source) else {
            return;
        };
        let class = class.filter(|name| name != "*");
        let line = self.line(span.start);
        let price = Price {
            provider,
            regions,
            item,
            class,
            tier,
            digits,
            decimals,
            unit,
            currency,
            date,
            source,
            line,
        };
        self.put(span, price);
    }

    /// Takes the entry, unless another one is for the same thing.
    fn put(&mut self, span: &Range<usize>, price: Price) {
        if let Some(first) = self.entries.iter().find(|other| same(other, &price)) {
            let what = format!("is a second price for what the entry in line {} is for", first.line);
            self.fault(span, "price", what, Some("take one of the two out".to_owned()));
        } else if self.entries.len() == MAX_ENTRIES {
            self.fault(span, "price", "is one entry too many".to_owned(), None);
        } else if self.entries.len() < MAX_ENTRIES {
            self.entries.push(price);
        }
    }

    fn provider(&mut self, value: &Value<'_>) -> Option<Provider> {
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

    fn regions(&mut self, value: &Value<'_>) -> Option<Arc<[String]>> {
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

    fn item(&mut self, value: &Value<'_>) -> Option<Item> {
        let word = self.word(value, "price.item", "an item")?;
        let found = Item::ALL.into_iter().find(|item| item.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let words = Item::ALL.map(Item::as_str);
            self.no_such(value, "price.item", &word, &words);
        }
        found
    }

    fn tier(&mut self, value: &Value<'_>) -> Option<Tier> {
        let word = self.word(value, "price.tier", "a tier")?;
        let found = Tier::from_word(&word);
        if found.is_none() {
            let words = Tier::ALL.map(Tier::as_str);
            self.no_such(value, "price.tier", &word, &words);
        }
        found
    }

    fn unit(&mut self, value: &Value<'_>, item: Option<Item>, hours: u16) -> Option<Unit> {
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
    fn price(&mut self, value: &Value<'_>) -> Option<(u64, u32)> {
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

    fn currency(&mut self, value: &Value<'_>, key: &str) -> Option<Currency> {
        let word = self.word(value, key, "a currency")?;
        let found = Currency::from_word(&word);
        if found.is_none() {
            self.wrong(value, key, "is no currency".to_owned(), "write its three letters, such as \"CNY\"");
        }
        found
    }

    fn date(&mut self, value: &Value<'_>, key: &str) -> Option<Date> {
        // A date of TOML needs no quotes; both ways of writing it are taken.
        let text = self.text.get(value.span()).unwrap_or_default().trim_matches(['"', '\'']);
        let found = text.parse().ok();
        if found.is_none() || !matches!(value.get_ref(), DeValue::String(_) | DeValue::Datetime(_)) {
            self.wrong(value, key, "is no date".to_owned(), "write it like \"2026-11-21\"");
            return None;
        }
        found
    }

    fn source(&mut self, value: &Value<'_>, key: &str) -> Option<Arc<str>> {
        let text = self.word(value, key, "where the price is from")?;
        if text.chars().count() > MAX_SOURCE {
            self.wrong(value, key, "is too long".to_owned(), "at most 500 characters");
            return None;
        }
        Some(text.into())
    }

    fn month_hours(&mut self, value: &Value<'_>) -> Option<u16> {
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
    fn word(&mut self, value: &Value<'_>, key: &str, wanted: &str) -> Option<String> {
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

    fn inherited<T>(
        &mut self,
        span: &Range<usize>,
        told: bool,
        from: Option<T>,
        name: &str,
        way: &str,
    ) -> Option<T> {
        // What is wrong in the sheet is told once, not at each of its entries.
        if from.is_none() && !told {
            let way = format!("give it to the entry or to its whole sheet: {way}");
            let _: Option<()> = self.missing(span, &format!("price.{name}"), &way);
        }
        from
    }

    fn missing<T>(&mut self, span: &Range<usize>, key: &str, way: &str) -> Option<T> {
        self.fault(span, key, "is missing".to_owned(), Some(way.to_owned()));
        None
    }

    fn unknown(&mut self, span: &Range<usize>, table: &str, name: &str, known: &[&str]) {
        let way = nearest(name, known.iter().copied())
            .map_or_else(|| format!("known are {}", listed(known)), |hint| format!("did you mean `{hint}`?"));
        let name: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        self.fault(span, &format!("{table}{name}"), "unknown key".to_owned(), Some(way));
    }

    fn no_such(&mut self, value: &Value<'_>, key: &str, word: &str, known: &[&str]) {
        let way = nearest(word, known.iter().copied()).map_or_else(
            || format!("write one of {}", listed(known)),
            |hint| format!("did you mean \"{hint}\"?"),
        );
        self.wrong(value, key, "is not known".to_owned(), &way);
    }

    fn must_be(&mut self, span: &Range<usize>, key: &str, wanted: &str, way: &str) {
        self.fault(span, key, format!("must be {wanted}"), Some(way.to_owned()));
    }

    /// Something that is wrong with a value, which is told as well.
    fn wrong(&mut self, value: &Value<'_>, key: &str, what: String, way: &str) {
        self.fault(&value.span(), key, what, Some(way.to_owned()));
        let said = match value.get_ref() {
            DeValue::String(text) => shown(text),
            _ => shown(self.text.get(value.span()).unwrap_or_default()).trim_matches('"').to_owned(),
        };
        if let Some(fault) = self.faults.last_mut() {
            fault.at.value = Some(said);
        }
    }

    fn fault(&mut self, span: &Range<usize>, key: &str, what: String, way_out: Option<String>) {
        let line = self.line(span.start);
        let first = self.text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let column = self.text.get(first..span.start).map_or(0, |before| before.chars().count()) + 1;
        let place = Place::File { path: self.path.to_owned(), line, column };
        self.faults.push(Fault { at: At { place, key: key.to_owned(), value: None }, what, way_out });
    }

    fn line(&self, start: usize) -> usize {
        self.text.get(..start).map_or(0, |before| before.bytes().filter(|b| *b == b'\n').count()) + 1
    }
}

/// How an entry is written.
const FORM: &str =
    "write entries like { item = \"retrieval\", class = \"Archive\", price = 0.06, unit = \"GiB\" }";

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Whether both are for the same thing.
fn same(a: &Price, b: &Price) -> bool {
    let name = |price: &Price| price.class.as_ref().map(|name| name.to_ascii_lowercase());
    let shared = if a.regions.is_empty() || b.regions.is_empty() {
        a.regions.is_empty() && b.regions.is_empty()
    } else {
        a.regions.iter().any(|here| b.regions.iter().any(|there| here.eq_ignore_ascii_case(there)))
    };
    a.provider == b.provider && a.item == b.item && a.tier == b.tier && name(a) == name(b) && shared
}
