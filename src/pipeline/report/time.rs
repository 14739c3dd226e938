//! Times as rows spell them: RFC 3339 in UTC, to the millisecond, cut and not rounded; whole seconds
//! without a fraction. So every form of a report can tell the same time.

use std::io::Write as _;

use jiff::Timestamp;

const SECONDS_OF_DAY: i64 = 86_400;

/// Writes times. By hand, since up to three of these stand in each row and a general formatter costs
/// more than all other fields together; remembers the last day and the last time, since neighbours in
/// a listing often share them.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// A day since the epoch and its text, `2026-11-21T`.
    day: Option<(i64, [u8; 11])>,
    /// A time and its text.
    last: Option<(Timestamp, Vec<u8>)>,
}

impl Times {
    /// Adds `time` to `out`.
    pub(super) fn push(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        if let Some((_, text)) = self.last.as_ref().filter(|(last, _)| *last == time) {
            out.extend_from_slice(text);
            return;
        }
        let from = out.len();
        self.spell(out, time);
        let (last, text) = self.last.get_or_insert_default();
        *last = time;
        text.clear();
        text.extend_from_slice(&out[from..]);
    }

    fn spell(&mut self, out: &mut Vec<u8>, time: Timestamp) {
        let seconds = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
        let day = seconds.div_euclid(SECONDS_OF_DAY);
        let of_day = seconds.rem_euclid(SECONDS_OF_DAY);
        let known = self.day.filter(|(known, _)| *known == day);
        let Some((_, text)) = known.or_else(|| Some((day, date(day)?))) else {
            // Writing to memory cannot fail.
            let _ = write!(out, "{time:.3}");
            return;
        };
        self.day = Some((day, text));
        let [h1, h2] = digits(of_day / 3600);
        let [m1, m2] = digits(of_day / 60 % 60);
        let [s1, s2] = digits(of_day % 60);
        out.extend_from_slice(&text);
        out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
        let millis = time.as_millisecond().rem_euclid(1000);
        if millis != 0 {
            let [_, hundreds] = digits(millis / 100);
            let [tens, ones] = digits(millis % 100);
            out.extend_from_slice(&[b'.', hundreds, tens, ones]);
        }
        out.push(b'Z');
    }
}

/// The text of a day since the epoch with the `T` that follows; none outside of the years 0 to 9999.
fn date(day: i64) -> Option<[u8; 11]> {
    // Howard Hinnant's days-to-civil algorithm for the proleptic Gregorian calendar.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let ([y1, y2], [y3, y4]) = (digits(year / 100), digits(year % 100));
    let ([m1, m2], [d1, d2]) = (digits(month), digits(of_month));
    (0..=9999).contains(&year).then_some([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T'])
}

/// Two digits of a number below 100.
fn digits(number: i64) -> [u8; 2] {
    let number = u8::try_from(number).unwrap_or_default();
    [b'0' + number / 10 % 10, b'0' + number % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_library() {
        let mut times: Vec<Timestamp> = [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00Z",
            "2000-02-29T12:34:56.001Z",
            "2000-02-29T12:34:56.001999999Z",
            "2000-02-29T12:34:56.000999999Z",
            "2100-02-28T23:59:59Z",
            "2100-03-01T00:00:00Z",
            "9999-12-30T22:00:00Z",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        // A day and a bit apart, over four centuries.
        times.extend(
            (0..150_000).map(|n| Timestamp::from_millisecond(n * 90_061_007 - 5_000_000_000).unwrap()),
        );
        let mut writer = Times::default();
        for time in times {
            let mut text = Vec::new();
            writer.push(&mut text, time);
            let once = text.clone();
            writer.push(&mut text, time);
            assert_eq!(text.split_off(once.len()), once, "what is remembered is the same");
            let library =
                if time.as_millisecond() % 1000 == 0 { format!("{time:.0}") } else { format!("{time:.3}") };
            assert_eq!(String::from_utf8(text).unwrap(), library);
        }
    }
}
