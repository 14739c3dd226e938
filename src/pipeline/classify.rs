//! Stage 3: where does an object stand? Storage class × restore mark × clock. Pure.

use jiff::Timestamp;

use crate::model::{Access, Kind, RestoreMark, State};

/// What is known about an object's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The state, and when the readable copy lapses where that is known.
    Known(State, Option<Timestamp>),
    /// The listing does not tell; HEAD would.
    Unsaid,
}

/// Where an object stands at the time `now`.
#[must_use]
pub fn classify(kind: Kind, access: Access, mark: RestoreMark, now: Timestamp) -> Standing {
    if kind != Kind::Object {
        // A symlink's own class says nothing about its target, and only targets are restored.
        return Standing::Known(State::Unknown, None);
    }
    match (access, mark) {
        (Access::Online, _) => Standing::Known(State::Readable, None),
        (Access::Unrecognised, _) => Standing::Known(State::Unknown, None),
        (Access::Archived | Access::Tiering, RestoreMark::Running) => Standing::Known(State::Restoring, None),
        (Access::Archived | Access::Tiering, RestoreMark::Ready(Some(until))) => {
            let state = if until > now { State::Restored } else { State::Expired };
            Standing::Known(state, Some(until))
        }
        // Some stores restore for good and name no date.
        (Access::Archived | Access::Tiering, RestoreMark::Ready(None)) => {
            Standing::Known(State::Restored, None)
        }
        (Access::Archived, RestoreMark::Absent) => Standing::Known(State::Archived, None),
        (Access::Archived, RestoreMark::Unsaid)
        | (Access::Tiering, RestoreMark::Absent | RestoreMark::Unsaid) => Standing::Unsaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn every_pair_of_access_and_mark_has_one_standing() {
        use Access::{Archived, Online, Tiering, Unrecognised};
        use RestoreMark::{Absent, Ready, Running, Unsaid};
        let now = at(1000);
        let known = |state| Standing::Known(state, None);
        let table = [
            (Online, Absent, known(State::Readable)),
            (Online, Running, known(State::Readable)),
            (Archived, Absent, known(State::Archived)),
            (Archived, Unsaid, Standing::Unsaid),
            (Archived, Running, known(State::Restoring)),
            (Archived, Ready(None), known(State::Restored)),
            (Archived, Ready(Some(at(1001))), Standing::Known(State::Restored, Some(at(1001)))),
            (Archived, Ready(Some(at(1000))), Standing::Known(State::Expired, Some(at(1000)))),
            (Archived, Ready(Some(at(5))), Standing::Known(State::Expired, Some(at(5)))),
            (Tiering, Unsaid, Standing::Unsaid),
            (Tiering, Running, known(State::Restoring)),
            (Unrecognised, Ready(None), known(State::Unknown)),
        ];
        for (access, mark, expected) in table {
            assert_eq!(classify(Kind::Object, access, mark, now), expected, "{access:?} × {mark:?}");
        }
        assert_eq!(classify(Kind::Symlink, Archived, Absent, now), known(State::Unknown));
    }
}
