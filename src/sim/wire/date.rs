//! Dates as the stores write and read them, from and to whole seconds since 1970.

/// Seconds since 1970-01-01T00:00:00Z; everything on the wire is whole seconds.
pub(in crate::sim) type Secs = i64;

const DAY: Secs = 86_400;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Year, month, day of a count of days since 1970-01-01 (the proleptic Gregorian calendar).
pub(in crate::sim) const fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// Days since 1970-01-01 of a date.
pub(in crate::sim) const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Appends `n` in at least `width` decimal digits; a negative number counts as 0.
pub(in crate::sim) fn push_number(out: &mut Vec<u8>, n: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut left = n.max(0).cast_unsigned();
    let mut at = digits.len();
    while left > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
    }
    let from = at.min(digits.len() - width.min(digits.len()));
    out.extend_from_slice(&digits[from..]);
}

/// Writes `n` in two decimal digits.
fn put(text: &mut [u8], at: usize, n: i64) {
    let n = u8::try_from(n).unwrap_or(0) % 100;
    text[at] = b'0' + n / 10;
    text[at + 1] = b'0' + n % 10;
}

/// Writes `08:15:02`.
fn put_clock(text: &mut [u8], at: usize, secs: Secs) {
    let of_day = secs.rem_euclid(DAY);
    put(text, at, of_day / 3600);
    put(text, at + 3, of_day / 60 % 60);
    put(text, at + 6, of_day % 60);
}

/// Appends `2026-05-18T05:45:43.000Z`; years 0 to 9999.
pub(in crate::sim) fn push_iso(out: &mut Vec<u8>, secs: Secs) {
    let (year, month, day) = civil(secs.div_euclid(DAY));
    let mut text = *b"0000-00-00T00:00:00.000Z";
    put(&mut text, 0, year / 100);
    put(&mut text, 2, year % 100);
    put(&mut text, 5, month);
    put(&mut text, 8, day);
    put_clock(&mut text, 11, secs);
    out.extend_from_slice(&text);
}

/// Appends `Fri, 27 Nov 2026 08:15:02 GMT`.
pub(in crate::sim) fn push_rfc1123(out: &mut Vec<u8>, secs: Secs) {
    let days = secs.div_euclid(DAY);
    let (year, month, day) = civil(days);
    let index = |n: i64| usize::try_from(n).unwrap_or(0);
    let mut text = *b"Thu, 00 Jan 0000 00:00:00 GMT";
    text[..3].copy_from_slice(WEEKDAYS[index(days.rem_euclid(7))].as_bytes());
    put(&mut text, 5, day);
    text[8..11].copy_from_slice(MONTHS[index(month - 1)].as_bytes());
    put(&mut text, 12, year / 100);
    put(&mut text, 14, year % 100);
    put_clock(&mut text, 17, secs);
    out.extend_from_slice(&text);
}

/// `secs` as `Fri, 27 Nov 2026 08:15:02 GMT`.
pub(in crate::sim) fn rfc1123(secs: Secs) -> String {
    let mut out = Vec::with_capacity(29);
    push_rfc1123(&mut out, secs);
    String::from_utf8_lossy(&out).into_owned()
}

/// `secs` as `2026-05-18T05:45:43.000Z`.
pub(in crate::sim) fn iso(secs: Secs) -> String {
    let mut out = Vec::with_capacity(24);
    push_iso(&mut out, secs);
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads `20250102T030405Z`; `None` if it is anything else.
pub(in crate::sim) fn parse_basic(text: &str) -> Option<Secs> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None }
    };
    let (month, day) = (number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days_from_civil(number(0, 4)?, month, day) * DAY + hour * 3600 + minute * 60 + second)
}

/// Reads an RFC 1123 date.
pub(in crate::sim) fn parse_rfc1123(text: &str) -> Option<Secs> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_dates_of_the_vendor_pages() {
        assert_eq!(iso(1_589_780_743), "2020-05-18T05:45:43.000Z");
        assert_eq!(rfc1123(1_795_767_302), "Fri, 27 Nov 2026 08:15:02 GMT");
        assert_eq!(rfc1123(1_586_793_600), "Mon, 13 Apr 2020 16:00:00 GMT");
        assert_eq!(rfc1123(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn reads_back_what_jiff_writes() {
        for secs in [0, 951_782_400, 1_735_787_045, 4_102_444_799, 1_709_164_800] {
            let stamp = jiff::Timestamp::from_second(secs).unwrap();
            let basic = stamp.strftime("%Y%m%dT%H%M%SZ").to_string();
            assert_eq!(parse_basic(&basic), Some(secs), "{basic}");
            assert_eq!(parse_rfc1123(&rfc1123(secs)), Some(secs));
            assert_eq!(iso(secs), stamp.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string());
        }
        for bad in ["", "20250102T030405", "20251302T030405Z", "2025-1-2T030405Z", "2025010200304050"] {
            assert_eq!(parse_basic(bad), None, "{bad}");
        }
    }
}
