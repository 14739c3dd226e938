//! One value as written → one typed value, or what is wrong with it in plain words.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::{At, Problem, nearest};
use super::spec::Share;
use super::units;
use crate::model::Money;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) at: At,
    pub(super) value: Value,
}

/// A value as written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Typed as a flag or set in the environment: its type is what the reader wants.
    Typed(String),
    /// Text in quotes.
    Text(String),
    /// A whole number; one beyond the range is cut to it.
    Whole(i128),
    /// A number with a fraction or an exponent.
    Real(f64),
    /// `true` or `false`.
    Switch(bool),
    /// A date or a time.
    Date,
    /// A list.
    List(Vec<Written>),
    /// A table.
    Table,
}

impl Value {
    /// What it is, for a reader who has not learnt TOML.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Typed(_) => "text",
            Self::Text(_) => "text in quotes",
            Self::Whole(_) => "a number",
            Self::Real(_) => "a number with a fraction",
            Self::Switch(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table => "a table",
        }
    }

    fn is_not(&self, wanted: &str, way_out: impl Into<String>) -> Problem {
        Problem::new(format!("must be {wanted}, not {}", self.kind()), way_out)
    }
}

/// Text that is not empty.
pub(super) fn text(value: &Value) -> Result<String, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) if text.is_empty() => {
            Err(Problem::new("is empty", "give it a value, or leave it out"))
        }
        Value::Typed(text) | Value::Text(text) => Ok(text.clone()),
        Value::Whole(_) | Value::Real(_) | Value::Switch(_) | Value::Date => {
            Err(value.is_not("text in quotes", "put it in quotes"))
        }
        Value::List(_) | Value::Table => Err(value.is_not("text in quotes", "write one value in quotes")),
    }
}

/// `true` or `false`.
pub(super) fn switch(value: &Value) -> Result<bool, Problem> {
    const FORM: &str = "write true or false";
    match value {
        Value::Switch(on) => Ok(*on),
        Value::Typed(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(Problem::new("is neither true nor false", FORM)),
        },
        Value::Text(text) if text == "true" || text == "false" => {
            Err(value.is_not("true or false", format!("leave out the quotes: {text}")))
        }
        _ => Err(value.is_not("true or false", FORM)),
    }
}

/// A whole number within `bounds`; `unit` names what is counted, such as `days`.
pub(super) fn whole(value: &Value, bounds: RangeInclusive<u64>, unit: &str) -> Result<u64, Problem> {
    let form = || format!("write a whole number of {unit}, {}", between(&bounds));
    let number = match value {
        Value::Whole(number) => *number,
        Value::Typed(text) => match text.trim().parse::<i128>() {
            Ok(number) => number,
            Err(_) => match units::count(text) {
                Some(number) => i128::from(number),
                None => return Err(Problem::new("is not a whole number", form())),
            },
        },
        Value::Text(text) if units::count(text).is_some() => {
            return Err(value.is_not("a number", format!("leave out the quotes: {}", text.trim())));
        }
        Value::Real(_) => return Err(value.is_not("a whole number", form())),
        _ => return Err(value.is_not("a number", form())),
    };
    within(number, &bounds, unit)
}

/// A number of requests a second within `bounds`; `80` or `80/s`.
pub(super) fn rate(value: &Value, bounds: RangeInclusive<u64>) -> Result<u64, Problem> {
    const UNIT: &str = "requests a second";
    match value {
        Value::Typed(text) | Value::Text(text) if text.contains('/') => {
            within(i128::from(units::rate(text)?), &bounds, UNIT)
        }
        _ => whole(value, bounds, UNIT),
    }
}

fn within(number: i128, bounds: &RangeInclusive<u64>, unit: &str) -> Result<u64, Problem> {
    match u64::try_from(number) {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => {
            let what = if number < i128::from(*bounds.start()) { "is too small" } else { "is too large" };
            Err(Problem::new(what, format!("write a whole number of {unit}, {}", between(bounds))))
        }
    }
}

fn between(bounds: &RangeInclusive<u64>) -> String {
    if *bounds.end() == u64::MAX {
        format!("{} or more", bounds.start())
    } else {
        format!("{} to {}", bounds.start(), bounds.end())
    }
}

/// A number above 0 and up to `most`, a fraction allowed.
pub(super) fn factor(value: &Value, most: f64) -> Result<f64, Problem> {
    let number = match value {
        // Beyond the 52 bits of a fraction the bound refuses the number anyway.
        Value::Whole(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Text(text) if text.parse::<f64>().is_ok() => {
            return Err(value.is_not("a number", format!("leave out the quotes: {text}")));
        }
        _ => return Err(value.is_not("a number", format!("write a number above 0, at most {most}"))),
    };
    if number > 0.0 && number <= most {
        Ok(number)
    } else {
        Err(Problem::new("is out of range", format!("write a number above 0, at most {most}")))
    }
}

/// A size in bytes: a number, or text with a unit.
pub(super) fn size(value: &Value) -> Result<u64, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) => units::size(text),
        Value::Whole(number) => u64::try_from(*number)
            .map_err(|_| Problem::new("is not a size", "write a number of bytes, 0 or more")),
        _ => Err(value.is_not("a size", "write a number of bytes, or text such as \"10MiB\"")),
    }
}

/// A span of time: text with a unit.
pub(super) fn span(value: &Value) -> Result<Duration, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) => units::span(text),
        Value::Whole(0) => Ok(Duration::ZERO),
        Value::Whole(n) => Err(value.is_not(
            "a span of time",
            format!("name the unit, in quotes: \"{n}d\" for days, \"{n}h\" for hours"),
        )),
        _ => Err(value.is_not("a span of time", "write text such as \"12h\" or \"7d\"")),
    }
}

/// A size above nothing.
pub(super) fn some_size(value: &Value) -> Result<u64, Problem> {
    match size(value)? {
        0 => Err(Problem::new("is nothing at all", "write a size above 0, or leave it out for no bound")),
        bytes => Ok(bytes),
    }
}

/// A span of time above nothing.
pub(super) fn some_time(value: &Value) -> Result<Duration, Problem> {
    let span = span(value)?;
    if span.is_zero() {
        return Err(Problem::new(
            "is no time at all",
            "write a span above 0, such as \"6h\", or leave it out",
        ));
    }
    Ok(span)
}

/// An amount of money above nothing: text with its currency.
pub(super) fn money(value: &Value) -> Result<Money, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) => units::money(text),
        Value::Whole(n) => {
            Err(value.is_not("an amount of money", format!("name the currency, in quotes: \"{n} USD\"")))
        }
        _ => Err(value.is_not("an amount of money", "write text such as \"200 CNY\"")),
    }
}

/// A share such as `5%`, or a number of objects.
pub(super) fn share(value: &Value) -> Result<Share, Problem> {
    const FORM: &str = "write a share such as \"5%\", or a number of objects such as 100";
    match value {
        Value::Typed(text) | Value::Text(text) if text.trim_end().ends_with('%') => {
            percent(text.trim(), "5%").map(Share::Percent)
        }
        Value::Text(text) if units::count(text).is_none() => {
            Err(Problem::new("is neither a share nor a number of objects", FORM))
        }
        Value::Typed(text) if text.trim().parse::<i128>().is_err() && units::count(text).is_none() => {
            Err(Problem::new("is neither a share nor a number of objects", FORM))
        }
        Value::Real(_) => Err(value.is_not("a share in quotes or a whole number of objects", FORM)),
        _ => whole(value, 0..=u64::MAX, "objects").map(Share::Objects),
    }
}

/// `95%`: per cent, above 0 and up to 100; `usual` is a value such as people write there.
pub(super) fn percent(text: &str, usual: &str) -> Result<f64, Problem> {
    let form = || format!("write a share above 0 % and up to 100 %, such as \"{usual}\"");
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let number = text
        .strip_suffix('%')
        .map(str::trim_end)
        .filter(|number| number.chars().all(digits))
        .and_then(|number| number.parse::<f64>().ok())
        .ok_or_else(|| Problem::new("is not a share", form()))?;
    if number > 0.0 && number <= 100.0 {
        Ok(number)
    } else {
        Err(Problem::new("is a share out of range", form()))
    }
}

/// What `read` makes of `value`, or `None` where it is the word `none`, which lifts a bound that
/// the file or a variable sets.
pub(super) fn unless_none<T>(
    value: &Value,
    read: impl Fn(&Value) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    match value {
        Value::Typed(text) | Value::Text(text) if text.trim().eq_ignore_ascii_case("none") => Ok(None),
        _ => read(value).map(Some),
    }
}

/// One word of `words`, letter case not counted.
pub(super) fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Result<T, Problem> {
    let text = text(value)?;
    if let Some((_, meaning)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim())) {
        return Ok(*meaning);
    }
    let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    let all = all.join(", ");
    let way_out = match nearest(&text, words.iter().map(|(word, _)| *word)) {
        Some(hint) => format!("did you mean `{hint}`? it can be {all}"),
        None => format!("it can be {all}"),
    };
    Err(Problem::new("is not one of the words it can be", way_out))
}

/// The items of a list. One value stands for a list of one; typed text may hold several parted by
/// commas where `commas` says so.
pub(super) fn items(written: &Written, commas: bool) -> Vec<Written> {
    match &written.value {
        Value::List(items) => items.clone(),
        Value::Typed(text) if commas => text
            .split(',')
            .map(|item| Written { at: written.at.clone(), value: Value::Typed(item.trim().to_owned()) })
            .collect(),
        _ => vec![written.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Value {
        Value::Typed(text.to_owned())
    }

    fn quoted(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(whole(&Value::Whole(7), 1..=365, "days").ok(), Some(7));
        assert_eq!(whole(&typed("500_000"), 0..=u64::MAX, "objects").ok(), Some(500_000));
        for (value, what) in [
            (Value::Whole(0), "is too small"),
            (Value::Whole(-1), "is too small"),
            (Value::Whole(i128::MAX), "is too large"),
            (typed("366"), "is too large"),
            (typed("-7"), "is too small"),
            (typed("seven"), "is not a whole number"),
            (typed("1.5"), "is not a whole number"),
            (quoted("7"), "must be a number, not text in quotes"),
            (Value::Real(1.5), "must be a whole number, not a number with a fraction"),
            (Value::Switch(true), "must be a number, not true or false"),
            (Value::List(Vec::new()), "must be a number, not a list"),
        ] {
            let problem = whole(&value, 1..=365, "days").unwrap_err();
            assert_eq!(problem.what, what, "{value:?}");
        }
        assert_eq!(
            whole(&quoted("7"), 1..=365, "days").unwrap_err().way_out.unwrap(),
            "leave out the quotes: 7"
        );
        assert_eq!(
            whole(&Value::Whole(0), 1..=365, "days").unwrap_err().way_out.unwrap(),
            "write a whole number of days, 1 to 365"
        );
    }

    #[test]
    fn rates_may_name_the_second() {
        assert_eq!(rate(&quoted("80/s"), 1..=100).ok(), Some(80));
        assert_eq!(rate(&Value::Whole(80), 1..=100).ok(), Some(80));
        assert_eq!(rate(&typed("101/s"), 1..=100).unwrap_err().what, "is too large");
    }

    #[test]
    fn other_types_are_told_in_plain_words() {
        assert_eq!(text(&Value::Whole(7)).unwrap_err().what, "must be text in quotes, not a number");
        assert_eq!(switch(&quoted("true")).unwrap_err().way_out.unwrap(), "leave out the quotes: true");
        assert_eq!(switch(&typed("on")).ok(), Some(true));
        assert_eq!(size(&Value::Real(1.5)).unwrap_err().what, "must be a size, not a number with a fraction");
        assert_eq!(
            span(&Value::Whole(7)).unwrap_err().way_out.unwrap(),
            "name the unit, in quotes: \"7d\" for days, \"7h\" for hours"
        );
        assert!(factor(&Value::Real(f64::NAN), 1e9).is_err());
        assert!(factor(&Value::Whole(0), 1e9).is_err());
        assert!((factor(&Value::Whole(3600), 1e9).unwrap() - 3600.0).abs() < f64::EPSILON);
    }

    #[test]
    fn shares_and_amounts() {
        assert_eq!(share(&quoted("5%")).ok(), Some(Share::Percent(5.0)));
        assert_eq!(share(&typed("0.5 %")).ok(), Some(Share::Percent(0.5)));
        assert_eq!(share(&Value::Whole(100)).ok(), Some(Share::Objects(100)));
        assert_eq!(share(&typed("1_000")).ok(), Some(Share::Objects(1000)));
        for (value, what) in [
            (quoted("0%"), "is a share out of range"),
            (quoted("101%"), "is a share out of range"),
            (quoted("-5%"), "is not a share"),
            (quoted("%"), "is not a share"),
            (quoted("nan%"), "is not a share"),
            (quoted("1e1%"), "is not a share"),
            (quoted("few"), "is neither a share nor a number of objects"),
            (typed("few"), "is neither a share nor a number of objects"),
            (typed("-1"), "is too small"),
            (quoted("5"), "must be a number, not text in quotes"),
            (
                Value::Real(0.05),
                "must be a share in quotes or a whole number of objects, not a number with a fraction",
            ),
        ] {
            assert_eq!(share(&value).unwrap_err().what, what, "{value:?}");
        }
        assert!(share(&quoted("101%")).unwrap_err().way_out.unwrap().ends_with("such as \"5%\""));
        assert_eq!(
            money(&Value::Whole(200)).unwrap_err().way_out.unwrap(),
            "name the currency, in quotes: \"200 USD\""
        );
        assert_eq!(unless_none(&typed("None"), some_time).ok(), Some(None));
        assert_eq!(unless_none(&typed("0s"), some_time).unwrap_err().what, "is no time at all");
        assert_eq!(some_size(&Value::Whole(0)).unwrap_err().what, "is nothing at all");
    }

    #[test]
    fn words_have_hints() {
        let words = [("fail", 1), ("skip", 2), ("clamp", 3)];
        assert_eq!(word(&quoted("Clamp"), &words).ok(), Some(3));
        assert_eq!(
            word(&quoted("clmap"), &words).unwrap_err().way_out.unwrap(),
            "did you mean `clamp`? it can be `fail`, `skip`, `clamp`"
        );
    }
}
