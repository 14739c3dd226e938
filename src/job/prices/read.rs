//! A price table as written → its entries, or everything that is wrong with it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Price, PriceTable};
use crate::job::fault::{At, Fault, Faults, Place, nearest, shown};
use crate::model::{Currency, Provider};

/// Most entries of a table; more are no price table.
const MAX_ENTRIES: usize = 10_000;
/// Faults that are told at most.
const MAX_FAULTS: usize = 20;
/// Hours of a month of 30 days.
pub(super) const DEFAULT_MONTH: u16 = 720;

const SHEET_KEYS: [&str; 7] = ["provider", "region", "currency", "date", "source", "month_hours", "price"];
const PRICE_KEYS: [&str; 8] = ["item", "class", "tier", "price", "unit", "currency", "date", "source"];

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

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

pub(super) struct Reader<'t> {
    path: &'t Path,
    pub(super) text: &'t str,
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

    pub(super) fn missing<T>(&mut self, span: &Range<usize>, key: &str, way: &str) -> Option<T> {
        self.fault(span, key, "is missing".to_owned(), Some(way.to_owned()));
        None
    }

    fn unknown(&mut self, span: &Range<usize>, table: &str, name: &str, known: &[&str]) {
        let way = nearest(name, known.iter().copied())
            .map_or_else(|| format!("known are {}", listed(known)), |hint| format!("did you mean `{hint}`?"));
        let name: String = name.chars().take(40).flat_map(char::escape_debug).collect();
        self.fault(span, &format!("{table}{name}"), "unknown key".to_owned(), Some(way));
    }

    pub(super) fn no_such(&mut self, value: &Value<'_>, key: &str, word: &str, known: &[&str]) {
        let way = nearest(word, known.iter().copied()).map_or_else(
            || format!("write one of {}", listed(known)),
            |hint| format!("did you mean \"{hint}\"?"),
        );
        self.wrong(value, key, "is not known".to_owned(), &way);
    }

    pub(super) fn must_be(&mut self, span: &Range<usize>, key: &str, wanted: &str, way: &str) {
        self.fault(span, key, format!("must be {wanted}"), Some(way.to_owned()));
    }

    /// Something that is wrong with a value, which is told as well.
    pub(super) fn wrong(&mut self, value: &Value<'_>, key: &str, what: String, way: &str) {
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
