//! When a run has had enough: too many failures, or the same refusal again and again.

use std::sync::{Mutex, PoisonError};

use crate::job::{Safety, Share};
use crate::model::{Action, Outcome, Reason};
use crate::store::Call;

/// Requests from which on a share of failures counts: the first few say little.
const ENOUGH: u64 = 100;

/// Why a run stopped itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// More failures than allowed.
    Failures {
        /// How many.
        failed: u64,
        /// Of so many objects asked about.
        of: u64,
        /// The bound, as written.
        bound: String,
    },
    /// So many refusals in a row, all alike.
    SameRefusal {
        /// How many.
        times: u64,
    },
}

/// A run that stopped itself, with what there is to tell of the last failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", words(self))]
pub struct SafetyStop {
    /// Which limit it was.
    pub limit: Limit,
    /// What the last of the failures said: the vendor's code, or the report's reason.
    pub code: String,
    /// The last object that failed, as the report spells it.
    pub key: String,
    /// The request id of that failure; empty if there is none.
    pub request_id: String,
    /// The call that the store denied the right to, if that was it.
    pub denied: Option<Call>,
}

fn words(stop: &SafetyStop) -> String {
    let SafetyStop { limit, code, key, request_id, .. } = stop;
    let what = match limit {
        Limit::Failures { failed, of, bound } => {
            format!(
                "{failed} of {of} objects failed, more than max_failures = {bound} allows; the last said `{code}`"
            )
        }
        Limit::SameRefusal { times } => format!("{times} refusals in a row all said `{code}`"),
    };
    let id = if request_id.is_empty() { String::new() } else { format!(", request id {request_id}") };
    format!("the run stopped itself: {what} (`{key}`{id})")
}

/// Watches the answers of one session.
#[derive(Debug)]
pub struct Watch {
    safety: Safety,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    asked: u64,
    failed: u64,
    /// Failures in a row that said the same, and what.
    same: u64,
    code: String,
    stopped: bool,
}

impl Watch {
    /// Watches by the limits of `safety`.
    #[must_use]
    pub fn new(safety: Safety) -> Self {
        Self { safety, seen: Mutex::default() }
    }

    /// Takes note of what became of an object that the store was asked about by `call`; `key` spells its
    /// key. Tells once that the run is to stop.
    pub fn met(&self, call: Call, outcome: &Outcome, key: impl FnOnce() -> String) -> Option<SafetyStop> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.asked += 1;
        if outcome.action != Action::Failed {
            (seen.same, seen.code) = (0, String::new());
            return None;
        }
        let reason = outcome.reason.map_or("unknown", Reason::as_str);
        let code = outcome.error_code.as_deref().unwrap_or(reason);
        seen.failed += 1;
        seen.same = if seen.code == code { seen.same + 1 } else { 1 };
        code.clone_into(&mut seen.code);
        let limit = self.limit(&seen)?;
        if std::mem::replace(&mut seen.stopped, true) {
            return None;
        }
        Some(SafetyStop {
            limit,
            code: code.to_owned(),
            key: key(),
            request_id: outcome.request_id.as_deref().unwrap_or_default().to_owned(),
            denied: (outcome.reason == Some(Reason::Denied)).then_some(call),
        })
    }

    /// The limit that is reached, if one is.
    fn limit(&self, seen: &Seen) -> Option<Limit> {
        let Safety { max_failures, max_same_refusals, .. } = self.safety;
        if max_same_refusals > 0 && seen.same >= max_same_refusals {
            return Some(Limit::SameRefusal { times: seen.same });
        }
        let bound = match max_failures? {
            Share::Percent(share) => {
                let over = seen.asked >= ENOUGH && seen.failed as f64 * 100.0 > share * seen.asked as f64;
                over.then(|| format!("\"{share}%\""))
            }
            Share::Objects(most) => (seen.failed > most).then(|| most.to_string()),
        }?;
        Some(Limit::Failures { failed: seen.failed, of: seen.asked, bound })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;

    fn outcome(code: Option<&str>) -> Outcome {
        let mut outcome = Outcome::seen(State::Archived, None, jiff::Timestamp::UNIX_EPOCH);
        outcome.action = if code.is_some() { Action::Failed } else { Action::Requested };
        outcome.error_code = code.map(Into::into);
        outcome.request_id = code.map(|code| format!("ID-{code}").into());
        outcome
    }

    /// After how many of `answers` a run with these limits stops, and why.
    fn stops<'a>(
        safety: Safety,
        answers: impl IntoIterator<Item = Option<&'a str>>,
    ) -> Option<(usize, Limit)> {
        let watch = Watch::new(safety);
        let met =
            |answer| watch.met(Call::Restore, &outcome(answer), || "k".to_owned()).map(|stop| stop.limit);
        answers.into_iter().map(met).enumerate().find_map(|(at, limit)| Some((at + 1, limit?)))
    }

    #[test]
    fn a_hundred_equal_refusals_in_a_row_are_enough() {
        let denied = std::iter::repeat_n(Some("AccessDenied"), 1000);
        assert_eq!(stops(Safety::default(), denied.clone()), Some((100, Limit::SameRefusal { times: 100 })));
        let never = Safety { max_same_refusals: 0, ..Safety::default() };
        assert_eq!(stops(never, denied.clone()), None);
        // One success, or another code, in between and the count begins anew.
        for other in [None, Some("InternalError")] {
            let mixed = denied.clone().enumerate().map(|(at, one)| if at % 99 == 98 { other } else { one });
            assert_eq!(stops(Safety::default(), mixed), None, "{other:?}");
        }
    }

    #[test]
    fn a_share_counts_from_the_hundredth_on() {
        let share = Safety { max_failures: Some(Share::Percent(5.0)), ..Safety::default() };
        let failing = |every: usize| (1..=1000).map(move |at| (at % every == 0).then_some("X"));
        // One in ten fails: 10 of 100 are more than 5 %.
        let bound = "\"5%\"".to_owned();
        assert_eq!(stops(share, failing(10)), Some((100, Limit::Failures { failed: 10, of: 100, bound })));
        assert_eq!(stops(share, failing(20)), None, "5 % are not more than 5 %");
        // The first ones all fail, none later: 6 of 100 are too many, 5 are not.
        let first = |n: usize| (1..=1000).map(move |at| (at <= n).then_some("X"));
        assert_eq!(stops(share, first(5)), None);
        // It is told with a failure, so that there is something to tell.
        assert_eq!(stops(share, first(6)), None);
        let so_many = Safety { max_failures: Some(Share::Objects(3)), ..Safety::default() };
        let bound = "3".to_owned();
        assert_eq!(stops(so_many, failing(10)), Some((40, Limit::Failures { failed: 4, of: 40, bound })));
    }

    #[test]
    fn it_is_told_once_with_a_key_and_a_request_id() {
        let watch = Watch::new(Safety { max_failures: Some(Share::Objects(0)), ..Safety::default() });
        let stop = watch.met(Call::Restore, &outcome(Some("NoSuchKey")), || "a/b".to_owned()).unwrap();
        assert_eq!(
            stop.to_string(),
            "the run stopped itself: 1 of 1 objects failed, more than max_failures = 0 allows; the last said \
             `NoSuchKey` (`a/b`, request id ID-NoSuchKey)"
        );
        assert_eq!(watch.met(Call::Restore, &outcome(Some("NoSuchKey")), || unreachable!()), None);
    }
}
