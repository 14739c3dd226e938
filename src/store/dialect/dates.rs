//! The two date forms of the wire: ISO 8601 in listings, RFC 1123 in headers and restore marks.
//!
//! Both are read by hand: a listing holds one or two dates a key, and the vendors print them in
//! one fixed shape each. A date that is not one is `None`, never a fault: OSS documents samples
//! with impossible dates, and a bad date must not cost a page.

use jiff::Timestamp;

/// Length of `2020-05-18T05:45:43.000Z`, the form that all three vendors print.
pub(super) const ISO_LEN: usize = 24;

/// Reads `2020-05-18T05:45:43.000Z`; other ISO 8601 forms are left to the library.
pub(super) fn iso(text: &[u8]) -> Option<Timestamp> {
    match iso_millis(text) {
        Some(time) => Some(time),
        None => std::str::from_utf8(text).ok()?.trim().parse().ok(),
    }
}

/// The fixed form, read without a detour; `None` for anything else.
#[inline]
pub(super) fn iso_millis(text: &[u8]) -> Option<Timestamp> {
    let t: &[u8; ISO_LEN] = text.try_into().ok()?;
    let mut odd = (t[4] ^ b'-') | (t[7] ^ b'-') | (t[10] ^ b'T') | (t[13] ^ b':') | (t[16] ^ b':');
    odd |= (t[19] ^ b'.') | (t[23] ^ b'Z');
    let mut digit = |at: usize| {
        let value = t[at].wrapping_sub(b'0');
        // All ones above the digits, nothing below.
        odd |= if value > 9 { 0xff } else { 0 };
        u32::from(value)
    };
    let year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3);
    let month = digit(5) * 10 + digit(6);
    let day = digit(8) * 10 + digit(9);
    let hms = [digit(11) * 10 + digit(12), digit(14) * 10 + digit(15), digit(17) * 10 + digit(18)];
    let millis = digit(20) * 100 + digit(21) * 10 + digit(22);
    if odd != 0 {
        return None;
    }
    stamp(year, month, day, hms, millis)
}

/// Reads `Fri, 27 Nov 2026 08:15:02 GMT`. The name of the day is not looked at.
pub(super) fn http(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once(',')?;
    let mut words = rest.split_ascii_whitespace();
    let day = number(words.next()?, 2)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(name))?;
    let year = number(words.next()?, 4)?;
    let mut clock = words.next()?.splitn(3, ':');
    let mut part = || number(clock.next()?, 2);
    let hms = [part()?, part()?, part()?];
    if words.next()? != "GMT" || words.next().is_some() {
        return None;
    }
    stamp(year, u32::try_from(month).ok()? + 1, day, hms, 0)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn number(text: &str, most: usize) -> Option<u32> {
    if text.is_empty() || text.len() > most || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The time of a date of the Gregorian calendar, UTC; `None` if there is no such day or hour.
fn stamp(
    year: u32,
    month: u32,
    day: u32,
    [hour, minute, second]: [u32; 3],
    millis: u32,
) -> Option<Timestamp> {
    const DAYS_BEFORE: [u32; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    if !(1..=12).contains(&month) || year == 0 || year > 9999 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day == 0 || day > length {
        return None;
    }
    let past = year - 1;
    let leap_days = past / 4 - past / 100 + past / 400 + u32::from(leap && month > 2);
    // Days since the first of January of the year 1, and that day's distance from 1970.
    let days = past * 365 + leap_days + DAYS_BEFORE[month as usize] + day - 1;
    let seconds = (i64::from(days) - 719_162) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Timestamp::new(seconds, i32::try_from(millis * 1_000_000).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_documented_forms_are_read() {
        assert_eq!(iso(b"2020-05-18T05:45:43.000Z"), Some(at("2020-05-18T05:45:43Z")));
        assert_eq!(iso(b"2009-10-12T17:50:30.250Z"), Some(at("2009-10-12T17:50:30.250Z")));
        assert_eq!(iso(b"2009-10-12T17:50:30Z"), Some(at("2009-10-12T17:50:30Z")));
        assert_eq!(http(b"Fri, 27 Nov 2026 08:15:02 GMT"), Some(at("2026-11-27T08:15:02Z")));
        assert_eq!(http(b"Mon, 13 Apr 2020 16:00:00 GMT"), Some(at("2020-04-13T16:00:00Z")));
    }

    #[test]
    fn a_date_that_is_none_is_not_a_fault() {
        // The first is a sample of the OSS RestoreObject page, read 2026-11.
        for bad in ["Thr, 24 Mon 2020", "", "Fri, 31 Feb 2026 08:15:02 GMT", "Fri, 27 Nov 2026 08:15 GMT"] {
            assert_eq!(http(bad.as_bytes()), None, "{bad}");
        }
        for bad in ["", "2020-13-18T05:45:43.000Z", "2020-02-30T05:45:43.000Z", "yesterday"] {
            assert_eq!(iso(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_printed_time_is_read_back(seconds in -60_000_000_000_i64..250_000_000_000) {
            let time = Timestamp::from_second(seconds).unwrap();
            let listed = time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
            prop_assert_eq!(iso(listed.as_bytes()), Some(time));
            let header = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            prop_assert_eq!(http(header.as_bytes()), Some(time));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (iso(&bytes), http(&bytes));
        }
    }
}
