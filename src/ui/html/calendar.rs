//! When readable copies lapse: a calendar, and the same day by day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::markup::Markup;
use super::{bar, cells, columns, section, size};
use crate::model::{Audit, Count};
use crate::ui::human_objects;

/// Months that are drawn, of those in which something lapses.
const MOST_MONTHS: usize = 12;
/// Days that are listed below the calendar.
const MOST_DAYS: usize = 400;
/// Days of the week, and how a column is headed by them.
const WEEK: [(&str, &str); 7] = [
    ("Monday", "Mo"),
    ("Tuesday", "Tu"),
    ("Wednesday", "We"),
    ("Thursday", "Th"),
    ("Friday", "Fr"),
    ("Saturday", "Sa"),
    ("Sunday", "Su"),
];
/// Shades of a day, by its share of the fullest one.
const SHADES: u64 = 4;

pub(super) fn put(main: &mut Markup, audit: &Audit) {
    section(main, "expiry", "When readable copies lapse", |section| {
        let lapses = &audit.lapses;
        let mut months: BTreeMap<Date, Vec<(Date, Count)>> = BTreeMap::new();
        for (&day, &count) in &lapses.days {
            months.entry(day.first_of_month()).or_default().push((day, count));
        }
        let most = lapses.days.values().map(|&count| bar::length(count, audit)).max().unwrap_or_default();
        let by = if audit.total.bytes > 0 { "bytes" } else { "objects" };
        section.leaf(
            "p",
            &[("class", "lead")],
            &format!(
                "Each day has the number of objects whose copy lapses on it, in UTC; the stronger its colour, the more {by}. \
                 After that they must be restored again."
            ),
        );
        section.within("div", &[("class", "months")], |div| {
            for (&month, days) in months.iter().take(MOST_MONTHS) {
                draw(div, month, days, most, audit);
            }
        });
        let mut later = lapses.later;
        months.values().skip(MOST_MONTHS).flatten().for_each(|&(_, count)| later.merge(count));
        let beyond = [(later, "lapse later than that"), (lapses.undated, "lapse on a day that is not told")];
        for (count, what) in beyond.into_iter().filter(|(count, _)| count.objects > 0) {
            let told = format!("{}, {}, {what}.", human_objects(count.objects), size(count, audit));
            section.leaf("p", &[("class", "more")], &told);
        }
        if !lapses.days.is_empty() {
            list(section, audit);
        }
    });
}

fn draw(markup: &mut Markup, month: Date, days: &[(Date, Count)], most: u64, audit: &Audit) {
    let today = audit.made_at.to_zoned(TimeZone::UTC).date();
    markup.within("table", &[("class", "month")], |table| {
        table.leaf("caption", &[], &month.strftime("%B %Y").to_string());
        table.within("thead", &[], |head| {
            head.within("tr", &[], |row| {
                for (name, short) in WEEK {
                    row.leaf("th", &[("scope", "col"), ("abbr", name)], short);
                }
            });
        });
        table.within("tbody", &[], |body| {
            let before = i16::from(month.weekday().to_monday_zero_offset());
            let of_month = i16::from(month.days_in_month());
            for week in 0..(before + of_month + 6) / 7 {
                body.within("tr", &[], |row| {
                    for place in week * 7..week * 7 + 7 {
                        let day = place - before + 1;
                        if !(1..=of_month).contains(&day) {
                            row.within("td", &[], |_| {});
                            continue;
                        }
                        let found = days.iter().find(|(date, _)| i16::from(date.day()) == day);
                        let is_today =
                            month.first_of_month() == today.first_of_month() && day == i16::from(today.day());
                        cell(row, day, found.copied(), most, is_today, audit);
                    }
                });
            }
        });
    });
}

fn cell(row: &mut Markup, day: i16, found: Option<(Date, Count)>, most: u64, is_today: bool, audit: &Audit) {
    let mut class = String::new();
    if let Some((_, count)) = found {
        let shade = (bar::length(count, audit).saturating_mul(SHADES)).div_ceil(most.max(1)).clamp(1, SHADES);
        class = format!("lapse shade{shade}");
    }
    if is_today {
        class.push_str(" today");
    }
    row.within("td", &[("class", class.trim())], |td| {
        td.leaf("span", &[("class", "day")], &day.to_string());
        if is_today {
            td.leaf("span", &[("class", "unseen")], " (the day of this audit)");
        }
        if let Some((_, count)) = found {
            td.leaf("span", &[("class", "unseen")], ": ");
            td.leaf("span", &[("class", "count")], &short(count.objects));
            td.leaf("span", &[("class", "unseen")], &format!(" objects, {}", size(count, audit)));
        }
    });
}

/// A number in at most four characters: `950`, `1.2k`, `38k`, `4M`.
fn short(n: u64) -> String {
    for (unit, name) in [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        let tenths = n / (unit / 10);
        match tenths {
            0..10 => {}
            10..100 => return format!("{}.{}{name}", tenths / 10, tenths % 10),
            _ => return format!("{}{name}", tenths / 10),
        }
    }
    n.to_string()
}

fn list(markup: &mut Markup, audit: &Audit) {
    let days = &audit.lapses.days;
    markup.within("details", &[], |details| {
        details.leaf("summary", &[], "Day by day");
        details.within("table", &[], |table| {
            table.leaf("caption", &[], "Objects and bytes by the day on which their copies lapse");
            columns(table, &[("Day", false), ("Objects", true), ("Size", true)]);
            table.within("tbody", &[], |body| {
                for (day, &count) in days.iter().take(MOST_DAYS) {
                    body.within("tr", &[], |row| {
                        row.leaf("th", &[("scope", "row")], &day.strftime("%a %-d %b %Y").to_string());
                        cells(row, count, audit);
                    });
                }
            });
        });
        if days.len() > MOST_DAYS {
            let more = format!("{} more days are not listed here.", days.len() - MOST_DAYS);
            details.leaf("p", &[("class", "more")], &more);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_into_a_day() {
        for (n, text) in [
            (7, "7"),
            (999, "999"),
            (1_000, "1.0k"),
            (9_999, "9.9k"),
            (12_345, "12k"),
            (999_999, "999k"),
            (1_500_000, "1.5M"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(short(n), text);
        }
    }
}
