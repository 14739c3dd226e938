//! Values of a seed with a unit: spans of time and sizes.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A span of time in whole seconds: `90`, `"90s"`, `"15m"`, `"12h"`, `"400d"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(
    /// Seconds.
    pub i64,
);

impl Span {
    /// A span of whole days.
    #[must_use]
    pub const fn days(days: i64) -> Self {
        Self(days.saturating_mul(86_400))
    }
}

/// A number of bytes: `4096`, `"12MiB"`, `"3GB"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sized(
    /// Bytes.
    pub u64,
);

const SPANS: [(&str, u64); 5] = [("", 1), ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
const SIZES: [(&str, u64); 10] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

struct Reader {
    units: &'static [(&'static str, u64)],
    wanted: &'static str,
}

impl Visitor<'_> for Reader {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<u64, E> {
        u64::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<u64, E> {
        Ok(value)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<u64, E> {
        read(value, self.units).ok_or_else(|| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let reader = Reader { units: &SPANS, wanted: "seconds, or a span such as \"12h\" or \"400d\"" };
        let seconds = from.deserialize_any(reader)?;
        i64::try_from(seconds).map(Self).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Sized {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let reader = Reader { units: &SIZES, wanted: "bytes, or a size such as \"12MiB\"" };
        from.deserialize_any(reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units() {
        assert_eq!(read("400d", &SPANS), Some(400 * 86_400));
        assert_eq!(read("15m", &SPANS), Some(900));
        assert_eq!(read("12MiB", &SIZES), Some(12 << 20));
        assert_eq!(read("3 GB", &SIZES), Some(3_000_000_000));
        for bad in ["", "d", "-1d", "1.5h", "1w", "99999999999999999999d"] {
            assert_eq!(read(bad, &SPANS), None, "{bad}");
        }
    }
}
