//! Numbers with a unit as people write them: sizes, spans of time, rates.
//!
//! Every reader here is exact: `1.5GB` is 1,500,000,000 bytes, and a value that is not a whole
//! number of bytes or seconds is refused, never rounded.

use std::time::Duration;

use super::fault::{Problem, nearest};
use crate::model::{Currency, Money};

/// Longest span that is taken, in seconds: a hundred years. A longer one is a slip.
const MAX_SPAN: u64 = 100 * 365 * DAY;
/// Most digits behind the point.
const MAX_DECIMALS: u32 = 9;

const DAY: u64 = 86_400;
const SIZE_FORM: &str = "write a number of bytes, or a number with KiB, MiB, GiB, TiB, PiB (powers of 1024) or KB, MB, GB, TB, PB (powers of 1000), such as \"10MiB\"";
const SPAN_FORM: &str = "write a number with s, m, h, d or w, such as \"90s\", \"12h\" or \"7d\"";

const SIZES: [(&str, u64); 17] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    // Single letters mean powers of 1024 in aws, rclone and ossutil.
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
    ("P", 1 << 50),
];

const SPANS: [(&str, u64); 14] = [
    ("s", 1),
    ("sec", 1),
    ("second", 1),
    ("m", 60),
    ("min", 60),
    ("minute", 60),
    ("h", 3600),
    ("hour", 3600),
    ("d", DAY),
    ("day", DAY),
    ("w", 7 * DAY),
    ("week", 7 * DAY),
    ("hr", 3600),
    ("wk", 7 * DAY),
];

/// `10MiB`, `1.5GB`, `4096`: a number of bytes. Letter case is not counted.
pub(super) fn size(text: &str) -> Result<u64, Problem> {
    let Some((number, unit)) = split(text) else {
        return Err(Problem::new("is not a size", SIZE_FORM));
    };
    let Some((_, factor)) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(unknown_unit("size", unit, SIZES.iter().map(|(name, _)| *name), SIZE_FORM));
    };
    scaled(number, *factor).map_err(|slip| match slip {
        Slip::NotANumber => Problem::new("is not a size", SIZE_FORM),
        Slip::Fraction => Problem::new("is not a whole number of bytes", SIZE_FORM),
        Slip::TooLarge => Problem::new("is more bytes than any store holds", "name a smaller size"),
    })
}

/// `90s`, `15m`, `12h`, `7d`, `2w`, `1d12h`: a span of time of whole seconds, at most a hundred years.
pub(super) fn span(text: &str) -> Result<Duration, Problem> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = 0_u64;
    let mut last_factor = u64::MAX;
    loop {
        let Some((number, tail)) = split(rest) else {
            return Err(Problem::new("is not a span of time", SPAN_FORM));
        };
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, after) = tail.split_at(end);
        if unit.is_empty() {
            return Err(Problem::new("lacks its unit", SPAN_FORM));
        }
        let one = unit.strip_suffix('s').filter(|one| one.len() > 1).unwrap_or(unit);
        let Some((_, factor)) = SPANS.iter().find(|(name, _)| name.eq_ignore_ascii_case(one)) else {
            return Err(match one.to_ascii_lowercase().as_str() {
                "mo" | "mon" | "month" | "y" | "yr" | "year" => Problem::new(
                    format!("uses `{unit}`, whose length varies"),
                    "write it in days, such as \"30d\" or \"365d\"",
                ),
                _ => unknown_unit("span of time", unit, SPANS.iter().map(|(name, _)| *name), SPAN_FORM),
            });
        };
        if *factor >= last_factor {
            return Err(Problem::new(
                "does not go from the longest unit to the shortest",
                "write it like \"1d12h\"",
            ));
        }
        last_factor = *factor;
        let seconds = scaled(number, *factor).map_err(|slip| match slip {
            Slip::NotANumber => Problem::new("is not a span of time", SPAN_FORM),
            Slip::Fraction => Problem::new("is not a whole number of seconds", SPAN_FORM),
            Slip::TooLarge => too_long(),
        })?;
        total = total.checked_add(seconds).filter(|sum| *sum <= MAX_SPAN).ok_or_else(too_long)?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(Duration::from_secs(total));
        }
    }
}

/// `80` or `80/s`: a number a second. Bounds are the caller's.
pub(super) fn rate(text: &str) -> Result<u64, Problem> {
    const FORM: &str = "write a whole number of requests a second, such as 80";
    let trimmed = text.trim();
    let (number, unit) = trimmed.split_once('/').unwrap_or((trimmed, "s"));
    let per_second = ["s", "sec", "second"].iter().any(|one| unit.trim().eq_ignore_ascii_case(one));
    if !per_second {
        return Err(Problem::new(format!("is not a rate per second but per `{}`", unit.trim()), FORM));
    }
    count(number).ok_or_else(|| Problem::new("is not a rate", FORM))
}

/// `200 CNY` or `0.5 USD`: an amount above nothing, exact to a millionth.
pub(super) fn money(text: &str) -> Result<Money, Problem> {
    const FORM: &str = "write an amount and its currency, such as \"200 CNY\" or \"12.50 USD\"";
    const MICROS: u64 = 1_000_000;
    let Some((number, currency)) = split(text) else {
        return Err(Problem::new("is not an amount of money", FORM));
    };
    if currency.is_empty() {
        return Err(Problem::new("lacks its currency", FORM));
    }
    let Some(currency) = Currency::from_word(currency) else {
        return Err(Problem::new("names no currency by its three letters", FORM));
    };
    let micros = scaled(number, MICROS).map_err(|slip| match slip {
        Slip::NotANumber => Problem::new("is not an amount of money", FORM),
        Slip::Fraction => Problem::new("is finer than a millionth", FORM),
        Slip::TooLarge => Problem::new("is more money than there is", "name a smaller amount"),
    })?;
    if micros == 0 {
        return Err(Problem::new(
            "is nothing at all",
            "write an amount above 0, or leave it out for no bound",
        ));
    }
    Ok(Money { currency, micros: i128::from(micros) })
}

/// `500000` or `500_000`.
pub(super) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    // As in TOML, an underscore stands between two digits.
    let edges = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (digits && !edges).then(|| text.replace('_', "").parse().ok()).flatten()
}

fn too_long() -> Problem {
    Problem::new("is longer than a hundred years", "name a shorter span")
}

fn unknown_unit<'k>(what: &str, unit: &str, known: impl Iterator<Item = &'k str>, form: &str) -> Problem {
    let shown: String = unit.chars().take(12).flat_map(char::escape_debug).collect();
    // A unit is so short that one slip makes half of it; offer only what differs in letter order.
    let hint = nearest(unit, known.filter(|name| name.len() > 1));
    let what = format!("is not a {what}: `{shown}` is no unit");
    match hint {
        Some(unit) => Problem::new(what, format!("did you mean `{unit}`? {form}")),
        None => Problem::new(what, form),
    }
}

/// The digits at the start of `text`, and what follows them, trimmed.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

enum Slip {
    NotANumber,
    Fraction,
    TooLarge,
}

/// `number` × `factor`, exactly.
fn scaled(number: &str, factor: u64) -> Result<u64, Slip> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let whole = parts(whole)?;
    let places = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
    if places > MAX_DECIMALS || decimals.contains('_') {
        return Err(Slip::NotANumber);
    }
    let unit = 10_u128.pow(places);
    let tiny = (u128::from(whole) * unit + u128::from(parts(decimals)?)) * u128::from(factor);
    if tiny % unit != 0 {
        return Err(Slip::Fraction);
    }
    u64::try_from(tiny / unit).map_err(|_| Slip::TooLarge)
}

fn parts(digits: &str) -> Result<u64, Slip> {
    if digits.is_empty() || digits.contains('.') {
        return Err(Slip::NotANumber);
    }
    match count(digits) {
        Some(number) => Ok(number),
        None if digits.bytes().all(|b| b.is_ascii_digit()) => Err(Slip::TooLarge),
        None => Err(Slip::NotANumber),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("1_000", 1000),
            ("1KiB", 1024),
            ("10MiB", 10 * 1024 * 1024),
            ("10 mib", 10 * 1024 * 1024),
            ("1.5GB", 1_500_000_000),
            ("0.5KiB", 512),
            ("40TB", 40_000_000_000_000),
            ("2PiB", 2 << 50),
            ("8G", 8 << 30),
            ("7b", 7),
        ] {
            assert_eq!(size(text).ok(), Some(bytes), "{text}");
        }
        for (text, what) in [
            ("", "is not a size"),
            ("big", "is not a size"),
            ("-1", "is not a size"),
            (".5KiB", "is not a size"),
            ("1.KiB", "is not a size"),
            ("1.2.3KiB", "is not a size"),
            ("1__0", "is not a size"),
            ("0.3B", "is not a whole number of bytes"),
            ("17000PiB", "is more bytes than any store holds"),
            ("99999999999999999999", "is more bytes than any store holds"),
            ("10MBi", "is not a size: `MBi` is no unit"),
            ("1KB5", "is not a size: `KB5` is no unit"),
        ] {
            assert_eq!(size(text).unwrap_err().what, what, "{text}");
        }
        assert!(size("10MBi").unwrap_err().way_out.unwrap().starts_with("did you mean `MiB`?"));
    }

    #[test]
    fn spans() {
        for (text, seconds) in [
            ("0", 0),
            ("90s", 90),
            ("15m", 900),
            ("15 min", 900),
            ("12h", 43_200),
            ("1.5h", 5400),
            ("7d", 604_800),
            ("7 days", 604_800),
            ("2w", 1_209_600),
            ("1d12h", 129_600),
            ("1d 12h 30s", 129_630),
        ] {
            assert_eq!(span(text).ok(), Some(Duration::from_secs(seconds)), "{text}");
        }
        for (text, what) in [
            ("", "is not a span of time"),
            ("soon", "is not a span of time"),
            ("-7d", "is not a span of time"),
            ("7", "lacks its unit"),
            ("1d12", "lacks its unit"),
            ("12h1d", "does not go from the longest unit to the shortest"),
            ("1h1h", "does not go from the longest unit to the shortest"),
            ("0.3s", "is not a whole number of seconds"),
            ("36501d", "is longer than a hundred years"),
            ("3months", "uses `months`, whose length varies"),
            ("1y", "uses `y`, whose length varies"),
            ("7x", "is not a span of time: `x` is no unit"),
        ] {
            assert_eq!(span(text).unwrap_err().what, what, "{text}");
        }
    }

    #[test]
    fn rates_and_counts() {
        assert_eq!(rate("80").ok(), Some(80));
        assert_eq!(rate("1_000/s").ok(), Some(1000));
        assert_eq!(rate("80/min").unwrap_err().what, "is not a rate per second but per `min`");
        assert_eq!(rate("1.5").unwrap_err().what, "is not a rate");
        assert_eq!(count("500_000"), Some(500_000));
        for bad in ["", "_1", "1_", "1__0", "-1", "+1", "1e3"] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }

    #[test]
    fn amounts() {
        for (text, micros, currency) in [
            ("200 CNY", 200_000_000, "CNY"),
            ("12.50usd", 12_500_000, "USD"),
            ("1_000 EUR", 1_000_000_000, "EUR"),
            ("0.000001 USD", 1, "USD"),
        ] {
            let amount = money(text).ok().map(|money| (money.micros, money.currency.to_string()));
            assert_eq!(amount, Some((micros, currency.to_owned())), "{text}");
        }
        for (text, what) in [
            ("", "is not an amount of money"),
            ("CNY 200", "is not an amount of money"),
            ("-1 CNY", "is not an amount of money"),
            ("1.2.3 CNY", "is not an amount of money"),
            ("200", "lacks its currency"),
            ("200 yuan", "names no currency by its three letters"),
            ("200 C1Y", "names no currency by its three letters"),
            ("0 CNY", "is nothing at all"),
            ("0.0000001 CNY", "is finer than a millionth"),
            ("99999999999999 CNY", "is more money than there is"),
        ] {
            assert_eq!(money(text).unwrap_err().what, what, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sizes_and_spans_take_anything_without_panic(text in "\\PC{0,24}") {
            let _ = (size(&text), span(&text), rate(&text), money(&text));
        }

        #[test]
        fn what_is_written_in_bytes_comes_back(bytes in any::<u64>()) {
            prop_assert_eq!(size(&bytes.to_string()).ok(), Some(bytes));
        }

        #[test]
        fn what_is_written_in_seconds_comes_back(seconds in 0..=MAX_SPAN) {
            prop_assert_eq!(span(&format!("{seconds}s")).ok(), Some(Duration::from_secs(seconds)));
        }
    }
}
