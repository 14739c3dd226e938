//! Claims that a run came by before midnight.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Amount;
use super::claims::Place;

/// Claims that a run came by too early: the budget of the day was spent, and when the next day began their
/// pages had passed. A run that is under way over midnight keeps some of the new day's budget for them,
/// until the next run comes by. Otherwise keys that are listed before midnight would be left over by
/// every night whose evening finds the budget of its day spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Passed {
    /// The day of `today`.
    day: Option<Date>,
    /// What was due to them on that day: to the oldest claim, and to any other.
    today: [Amount; 2],
    /// The same on the run's earlier days.
    before: [Amount; 2],
}

impl Passed {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Sees that it is `day`.
    pub(super) fn at(&mut self, day: Date) -> &mut Self {
        if self.day != Some(day) {
            for (before, today) in self.before.iter_mut().zip(&mut self.today) {
                *before = before.plus(std::mem::take(today));
            }
            self.day = Some(day);
        }
        self
    }

    /// Takes down that something of claim `at` was not granted.
    pub(super) fn by(&mut self, at: Place, due: Amount) {
        let today = &mut self.today[usize::from(!at.is_old())];
        *today = today.plus(due);
    }

    /// What is kept from an object at `place`: for all claims that are older than its own.
    pub(super) fn kept_from(&self, place: Option<Place>) -> Amount {
        match place {
            Some(place) if place.is_old() => Amount::default(),
            Some(_) => self.before[0],
            None => self.before[0].plus(self.before[1]),
        }
    }
}
