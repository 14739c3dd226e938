//! Numbers that a person can read at a glance.

use std::time::Duration;

/// `1234567` → `1,234,567`.
#[must_use]
pub fn human_count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in binary units with one decimal: `512 B`, `12.3 GiB`. Rounded half up.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit: u128 = 1;
    let mut tenths: u128 = 0;
    let mut name = "";
    for candidate in UNITS {
        unit <<= 10;
        name = candidate;
        tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        // Compared after rounding, so that 1,048,575 is 1.0 MiB and not 1024.0 KiB.
        if tenths < 10_240 {
            break;
        }
    }
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A span in its two largest units: `0.4s`, `59s`, `12m30s`, `3h05m`, `2d04h`. Rounded down.
#[must_use]
pub fn human_span(span: Duration) -> String {
    let s = span.as_secs();
    match s {
        0..=9 => format!("{s}.{}s", span.subsec_millis() / 100),
        10..=59 => format!("{s}s"),
        60..=3_599 => format!("{}m{:02}s", s / 60, s % 60),
        3_600..=86_399 => format!("{}h{:02}m", s / 3_600, s % 3_600 / 60),
        _ => format!("{}d{:02}h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// The number of a rate a second: `0.3`, `79.8`, `1,646`; a dash for one that is not known, not
/// finite, or negative.
#[must_use]
pub fn human_rate(rate: Option<f64>) -> String {
    /// From here on the decimal says nothing.
    const WHOLE_FROM: f64 = 999.95;
    match rate {
        Some(rate) if rate.is_finite() && rate >= 0.0 => {
            if rate < WHOLE_FROM {
                format!("{rate:.1}")
            } else {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "not negative here, and the cast saturates"
                )]
                let whole = rate.round() as u64;
                human_count(whole)
            }
        }
        _ => "-".to_owned(),
    }
}

/// `1 object`, `1,234 objects`.
#[must_use]
pub fn human_objects(n: u64) -> String {
    format!("{} object{}", human_count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_three() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(human_count(n), text);
        }
    }

    #[test]
    fn bytes_change_unit_after_rounding() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_536, "1.5 KiB"),
            (1_048_575, "1.0 MiB"),
            (13_207_024_435, "12.3 GiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(human_bytes(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn spans_show_two_units() {
        for (millis, text) in [
            (0, "0.0s"),
            (499, "0.4s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (59_999, "59s"),
            (750_000, "12m30s"),
            (11_100_000, "3h05m"),
            (187_200_000, "2d04h"),
        ] {
            assert_eq!(human_span(Duration::from_millis(millis)), text);
        }
        assert!(human_span(Duration::MAX).ends_with('h'));
    }

    #[test]
    fn rates_never_show_nonsense() {
        for (rate, text) in [
            (None, "-"),
            (Some(f64::NAN), "-"),
            (Some(f64::INFINITY), "-"),
            (Some(-1.0), "-"),
            (Some(0.0), "0.0"),
            (Some(79.84), "79.8"),
            (Some(999.96), "1,000"),
            (Some(1_646.4), "1,646"),
        ] {
            assert_eq!(human_rate(rate), text);
        }
    }
}
