//! An amount of money, exact to a millionth.

use std::fmt;

/// Millionths in one unit of a currency.
const MICROS: i128 = 1_000_000;

/// A currency by its three letters (ISO 4217), upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency spelt `text`, in any letter case; `None` unless it is three ASCII letters.
    #[must_use]
    pub fn from_word(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_alphabetic).then(|| Self(letters.map(|b| b.to_ascii_uppercase())))
    }

    /// Its three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII letters are ever put in.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Which.
    pub currency: Currency,
    /// How much, in millionths. A hundred million objects at any price fit.
    pub micros: i128,
}

impl Money {
    /// Nothing of `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self { currency, micros: 0 }
    }

    /// The sum, if both are of one currency.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let micros = self.micros.checked_add(other.micros)?;
        (self.currency == other.currency).then_some(Self { micros, ..self })
    }
}

impl fmt::Display for Money {
    /// `200.00 CNY`: two places, the more where the amount is smaller than a hundredth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.micros < 0 { "-" } else { "" };
        let micros = self.micros.unsigned_abs();
        let (whole, part) = (micros / MICROS.unsigned_abs(), micros % MICROS.unsigned_abs());
        if whole == 0 && part > 0 && part < 10_000 {
            write!(f, "{sign}0.{part:06} {}", self.currency)
        } else {
            // Half a hundredth is rounded up, as on a bill.
            let cents = (micros + 5_000) / 10_000;
            write!(f, "{sign}{}.{:02} {}", cents / 100, cents % 100, self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_as_on_a_bill() {
        let cny = Currency::from_word("cny").unwrap();
        let told = |micros| Money { currency: cny, micros }.to_string();
        assert_eq!(told(200_000_000), "200.00 CNY");
        assert_eq!(told(1_994_999), "1.99 CNY");
        assert_eq!(told(1_995_000), "2.00 CNY");
        assert_eq!(told(300), "0.000300 CNY");
        assert_eq!(told(0), "0.00 CNY");
        assert_eq!(told(-12_340_000), "-12.34 CNY");
        for wrong in ["", "CN", "CNYX", "C1Y", "ÄÖ"] {
            assert_eq!(Currency::from_word(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_money_of_one_currency_adds_up() {
        let of = |word: &str, micros| Money { currency: Currency::from_word(word).unwrap(), micros };
        assert_eq!(of("USD", 1).plus(of("USD", 2)), Some(of("USD", 3)));
        assert_eq!(of("USD", 1).plus(of("CNY", 2)), None);
        assert_eq!(of("USD", i128::MAX).plus(of("USD", 1)), None);
    }
}
