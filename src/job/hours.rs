//! Hours of the day and the zones they are meant in.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::fault::{Problem, shown};
use super::read::{self, Value};

const FORM: &str =
    "write when it opens and when it closes, such as \"22:00-06:00\" or \"22:00-06:00 Asia/Shanghai\"";

/// A window as written: when it opens, when it closes, and its own zone if it names one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hours {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) zone: Option<TimeZone>,
    pub(super) text: String,
}

/// A time zone by its IANA name, such as `Asia/Shanghai`.
pub(super) fn zone(value: &Value) -> Result<TimeZone, Problem> {
    named_zone(read::text(value)?.trim())
}

fn named_zone(name: &str) -> Result<TimeZone, Problem> {
    const FORM: &str = "write its IANA name, such as \"Asia/Shanghai\", \"Europe/Berlin\" or \"UTC\"";
    // Offsets such as +08:00 know no daylight saving, and abbreviations are not unique.
    TimeZone::get(name).map_err(|_| Problem::new(format!("names no time zone: {}", shown(name)), FORM))
}

/// `22:00-06:00`, with a zone behind it or without.
pub(super) fn hours(value: &Value) -> Result<Hours, Problem> {
    let text = read::text(value)?;
    let text = text.trim();
    let (hours, zone) = match text.split_once(char::is_whitespace) {
        Some((hours, zone)) => (hours, Some(zone.trim())),
        None => (text, None),
    };
    let Some((from, to)) = hours.split_once('-') else {
        return Err(Problem::new("is not a window of hours", FORM));
    };
    let (from, to) = (time(from)?, time(to)?);
    // The end of the day is the beginning of the next one.
    let (from, to) = (from.unwrap_or(Time::midnight()), to.unwrap_or(Time::midnight()));
    if from == to {
        return Err(Problem::new(
            "opens and closes at the same time",
            "leave the window out if restores may be asked for at any hour, or name two times",
        ));
    }
    let zone = zone.map(named_zone).transpose()?;
    Ok(Hours { from, to, zone, text: text.to_owned() })
}

/// `HH:MM`; `None` for `24:00`.
fn time(text: &str) -> Result<Option<Time>, Problem> {
    let wrong = || Problem::new(format!("has {}, which is no time of day", shown(text)), FORM);
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |digits: &str, lengths: std::ops::RangeInclusive<usize>| {
        let plain = lengths.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<i8>().ok()).flatten().ok_or_else(wrong)
    };
    match (number(hour, 1..=2)?, number(minute, 2..=2)?) {
        (24, 0) => Ok(None),
        (hour, minute) => Time::new(hour, minute, 0, 0).map(Some).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    fn read(text: &str) -> Result<Hours, Problem> {
        hours(&Value::Text(text.to_owned()))
    }

    #[test]
    fn windows() {
        let night = read("22:00-06:00 Asia/Shanghai").unwrap();
        assert_eq!((night.from, night.to), (time(22, 0, 0, 0), time(6, 0, 0, 0)));
        assert_eq!(night.zone.as_ref().and_then(TimeZone::iana_name), Some("Asia/Shanghai"));
        assert_eq!(night.text, "22:00-06:00 Asia/Shanghai");
        let evening = read(" 9:30-24:00 ").unwrap();
        assert_eq!((evening.from, evening.to), (time(9, 30, 0, 0), time(0, 0, 0, 0)));
        assert_eq!(evening.zone, None);
        for (text, what) in [
            ("22:00", "is not a window of hours"),
            ("always", "is not a window of hours"),
            ("22-06", "has \"22\", which is no time of day"),
            ("22:00-6", "has \"6\", which is no time of day"),
            ("22:60-06:00", "has \"22:60\", which is no time of day"),
            ("25:00-06:00", "has \"25:00\", which is no time of day"),
            ("24:01-06:00", "has \"24:01\", which is no time of day"),
            ("22:00 - 06:00", "is not a window of hours"),
            ("-1:00-06:00", "has \"\", which is no time of day"),
            ("22:00-06:00-07:00", "has \"06:00-07:00\", which is no time of day"),
            ("06:00-06:00", "opens and closes at the same time"),
            ("00:00-24:00", "opens and closes at the same time"),
            ("22:00-06:00 Mars", "names no time zone: \"Mars\""),
            ("", "is empty"),
        ] {
            assert_eq!(read(text).unwrap_err().what, what, "{text}");
        }
    }

    #[test]
    fn zones() {
        let named = |text: &str| zone(&Value::Text(text.to_owned()));
        for name in ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"] {
            assert_eq!(named(name).unwrap().iana_name(), Some(name));
        }
        for wrong in ["Asia/Shangai", "+08:00", "Beijing", "../etc/passwd", "Asia/"] {
            let problem = named(wrong).unwrap_err();
            assert!(problem.what.starts_with("names no time zone"), "{wrong}: {}", problem.what);
        }
    }
}
