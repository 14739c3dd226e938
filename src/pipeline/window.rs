//! The hours of the day in which restores are asked for.
//!
//! What counts is the clock on the wall in the window's zone: a restore is asked for if it shows a
//! time within the window. An hour that a switch to summer time leaves out is never shown, so that a
//! window within it does not open that day; an hour that comes twice is within the window both times.

use jiff::{Timestamp, ToSpan};

use crate::job::Window;

/// How a window stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Open until this moment, exclusive.
    Open(Timestamp),
    /// Shut until this moment.
    Shut(Timestamp),
}

/// Whether the clock on the wall shows a time within `window` at `now`.
fn is_open(window: &Window, now: Timestamp) -> bool {
    let time = now.to_zoned(window.zone.clone()).time();
    let (from, to) = (window.from, window.to);
    if from < to { (from..to).contains(&time) } else { time >= from || time < to }
}

/// How `window` stands at `now`, and until when.
#[must_use]
pub fn hours(window: &Window, now: Timestamp) -> Hours {
    let open = is_open(window, now);
    let until = changes(window, now).into_iter().find(|at| is_open(window, *at) != open);
    let until = until.unwrap_or(Timestamp::MAX);
    if open { Hours::Open(until) } else { Hours::Shut(until) }
}

/// The moments after `now`, in order, at which the wall clock comes to the ends of `window`, or jumps.
fn changes(window: &Window, now: Timestamp) -> Vec<Timestamp> {
    let today = now.to_zoned(window.zone.clone()).date();
    let mut at = Vec::new();
    // A window within an hour that is left out opens on another day.
    for ahead in 0..=3 {
        let Ok(day) = today.checked_add(ahead.days()) else { continue };
        for time in [window.from, window.to] {
            let shown = window.zone.to_ambiguous_timestamp(day.to_datetime(time));
            at.extend(shown.earlier());
            at.extend(shown.later());
        }
    }
    let last = at.iter().max().copied().unwrap_or(now);
    let jumps = window.zone.following(now).map(|jump| jump.timestamp());
    at.extend(jumps.take_while(|jump| *jump <= last));
    at.retain(|moment| *moment > now);
    at.sort_unstable();
    at
}

#[cfg(test)]
mod tests {
    use jiff::civil::Time;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::job::Outside;

    fn window(from: &str, to: &str, zone: &str) -> Window {
        let time = |text: &str| text.parse::<Time>().unwrap();
        Window {
            from: time(from),
            to: time(to),
            zone: TimeZone::get(zone).unwrap(),
            text: format!("{from}-{to} {zone}"),
            outside: Outside::Wait,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn stands(window: &Window, now: &str, expected: Result<&str, &str>) {
        let expected = match expected {
            Ok(until) => Hours::Open(at(until)),
            Err(until) => Hours::Shut(at(until)),
        };
        assert_eq!(hours(window, at(now)), expected, "{} at {now}", window.text);
    }

    #[test]
    fn a_window_may_hold_midnight() {
        // Shanghai is eight hours ahead, without summer time.
        let night = window("22:00", "06:00", "Asia/Shanghai");
        stands(&night, "2026-11-21T14:00:00Z", Ok("2026-11-21T22:00:00Z"));
        stands(&night, "2026-11-21T13:59:59Z", Err("2026-11-21T14:00:00Z"));
        stands(&night, "2026-11-21T21:59:59.999Z", Ok("2026-11-21T22:00:00Z"));
        stands(&night, "2026-11-21T22:00:00Z", Err("2026-11-22T14:00:00Z"));
        let day = window("09:00", "17:30", "Asia/Shanghai");
        stands(&day, "2026-11-21T01:00:00Z", Ok("2026-11-21T09:30:00Z"));
        stands(&day, "2026-11-21T09:30:00Z", Err("2026-11-22T01:00:00Z"));
    }

    /// In New York the clocks went from 02:00 to 03:00 at 07:00 UTC on 8 March 2026.
    #[test]
    fn the_hour_that_is_left_out_in_spring() {
        let zone = "America/New_York";
        let across = window("22:00", "04:00", zone);
        // Five hours instead of six: 22:00 EST is 03:00 UTC, 04:00 EDT is 08:00 UTC.
        stands(&across, "2026-03-08T03:00:00Z", Ok("2026-03-08T08:00:00Z"));
        // It opens within the hour that is left out: when the clock jumps.
        let from = window("02:30", "05:00", zone);
        stands(&from, "2026-03-08T06:59:59Z", Err("2026-03-08T07:00:00Z"));
        stands(&from, "2026-03-08T07:00:00Z", Ok("2026-03-08T09:00:00Z"));
        // It ends within that hour: when the clock jumps.
        let to = window("01:00", "02:30", zone);
        stands(&to, "2026-03-08T06:30:00Z", Ok("2026-03-08T07:00:00Z"));
        // It lies within that hour: not on this day. 02:10 EDT of the next day is 06:10 UTC.
        let within = window("02:10", "02:50", zone);
        stands(&within, "2026-03-08T06:59:00Z", Err("2026-03-09T06:10:00Z"));
    }

    /// And from 02:00 back to 01:00 at 06:00 UTC on 1 November 2026.
    #[test]
    fn the_hour_that_comes_twice_in_autumn() {
        let zone = "America/New_York";
        let across = window("22:00", "04:00", zone);
        // Seven hours: 22:00 EDT is 02:00 UTC, 04:00 EST is 09:00 UTC.
        stands(&across, "2026-11-01T02:00:00Z", Ok("2026-11-01T09:00:00Z"));
        // 01:30 to 03:00 EDT/EST: open from the first 01:30, shut from 02:00 (1:00 again) to the second.
        let from = window("01:30", "03:00", zone);
        stands(&from, "2026-11-01T05:29:59Z", Err("2026-11-01T05:30:00Z"));
        stands(&from, "2026-11-01T05:30:00Z", Ok("2026-11-01T06:00:00Z"));
        stands(&from, "2026-11-01T06:00:00Z", Err("2026-11-01T06:30:00Z"));
        stands(&from, "2026-11-01T06:30:00Z", Ok("2026-11-01T08:00:00Z"));
        // 00:00 to 01:30: shut at the first 01:30, open again when the clock goes back to 01:00.
        let to = window("00:00", "01:30", zone);
        stands(&to, "2026-11-01T05:00:00Z", Ok("2026-11-01T05:30:00Z"));
        stands(&to, "2026-11-01T05:30:00Z", Err("2026-11-01T06:00:00Z"));
        stands(&to, "2026-11-01T06:00:00Z", Ok("2026-11-01T06:30:00Z"));
    }

    /// Minute by minute through both switches: what is foretold comes true.
    #[test]
    fn a_window_stands_as_it_did_until_the_moment_it_named() {
        for (from, to) in [("22:00", "06:00"), ("02:15", "02:45"), ("01:59", "03:01"), ("00:00", "12:00")] {
            let window = window(from, to, "America/New_York");
            for day in ["2026-03-07T12:00:00Z", "2026-10-31T12:00:00Z"] {
                let mut told = hours(&window, at(day));
                for minute in 0..2 * 24 * 60 {
                    let now = at(day) + std::time::Duration::from_secs(60 * minute);
                    let stands = hours(&window, now);
                    if stands != told {
                        let (Hours::Open(until) | Hours::Shut(until)) = told;
                        assert_eq!(until, now, "{}", window.text);
                        assert_ne!(matches!(stands, Hours::Open(_)), matches!(told, Hours::Open(_)));
                        told = stands;
                    }
                }
            }
        }
    }
}
