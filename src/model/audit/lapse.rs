//! When readable copies lapse, day by day.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::model::Count;

/// Days that are told one by one.
const DAYS: usize = 1_000;

/// When readable copies lapse. Days are those of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lapses {
    /// Objects and bytes by the day on which their copies lapse; the first thousand days that there are.
    pub days: BTreeMap<Date, Count>,
    /// The first of the days that are not told one by one.
    pub later_from: Option<Date>,
    /// What lapses on that day or later.
    pub later: Count,
    /// Copies of which it is not told when they lapse.
    pub undated: Count,
    /// Of all these, what has lapsed by the time that the audit was made.
    pub by_now: Count,
}

impl Lapses {
    /// Counts the copy of an object of `size` bytes that lapses `at`; it is `now` meanwhile.
    pub fn add(&mut self, at: Option<Timestamp>, size: u64, now: Timestamp) {
        let Some(at) = at else {
            self.undated.add(size);
            return;
        };
        if at <= now {
            self.by_now.add(size);
        }
        let day = at.to_zoned(TimeZone::UTC).date();
        if self.later_from.is_some_and(|from| day >= from) {
            self.later.add(size);
            return;
        }
        self.days.entry(day).or_default().add(size);
        if self.days.len() > DAYS
            && let Some((last, count)) = self.days.pop_last()
        {
            self.later_from = Some(last);
            self.later.merge(count);
        }
    }

    /// Whether there is no copy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty() && self.undated.objects == 0
    }

    /// All copies that there are.
    #[must_use]
    pub fn total(&self) -> Count {
        let mut total = self.later;
        total.merge(self.undated);
        self.days.values().for_each(|&count| total.merge(count));
        total
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    #[test]
    fn far_days_share_one_figure_and_nothing_is_lost() {
        let first: Timestamp = "2026-11-21T23:30:00Z".parse().unwrap();
        let now = first + 36.hours();
        let mut lapses = Lapses::default();
        // Every third day of nine years, there and back, so that most are met after they were let go.
        let mut days: Vec<i64> = (0..1_100).map(|n| n * 3).collect();
        days.extend(days.clone().into_iter().rev());
        for (n, day) in days.iter().enumerate() {
            lapses.add(Some(first + (24 * day).hours()), n as u64, now);
        }
        lapses.add(None, 7, now);
        assert_eq!(lapses.days.len(), DAYS);
        assert_eq!(lapses.days.first_key_value().unwrap().0.to_string(), "2026-11-21");
        assert!(lapses.days.values().all(|count| count.objects == 2));
        assert_eq!((lapses.later.objects, lapses.undated), (200, Count { objects: 1, bytes: 7 }));
        assert!(lapses.later_from.unwrap() > *lapses.days.last_key_value().unwrap().0);
        let sum: u64 = (0..2_200).sum();
        assert_eq!(lapses.total(), Count { objects: 2_201, bytes: sum + 7 });
        assert_eq!(lapses.by_now.objects, 2, "both of the first day");
    }
}
