//! Stage 4: leave an object alone, or send one restore request shaped for its class.
//!
//! [`decide`] and [`fit`] are pure; [`Actor`] carries the decision out and turns every answer, and
//! every refusal, into one [`Outcome`] in the words of the report.

use std::sync::Arc;

use jiff::Timestamp;

use super::classify::{Standing, classify};
pub use super::fit::{Fitted, Misfit, fit, misfits};
use crate::job::{Fit, Verb, Wish};
use crate::model::{Action, Clock, Listed, Offer, Outcome, Reason, State};
use crate::store::{ErrorKind, RestoreAsk, Store, StoreError, Taken};

/// What is to be done about an object in a known state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing; the row says `action` and `reason`.
    Leave(Action, Option<Reason>),
    /// One restore request.
    Ask(Fitted),
}

/// Decides about an object in `state`; `offer` tells what its class accepts, and is only asked for
/// objects that need a restore.
#[must_use]
pub fn decide(
    wish: Option<&Wish>,
    class: &[u8],
    state: State,
    offer: impl FnOnce() -> Option<Offer>,
) -> Decision {
    let Some(wish) = wish else {
        return Decision::Leave(Action::None, None);
    };
    match state {
        State::Readable | State::Unknown => Decision::Leave(Action::None, Some(Reason::Class)),
        State::Restoring => Decision::Leave(Action::Already, None),
        State::Restored => Decision::Leave(Action::None, Some(Reason::StillValid)),
        State::Missing => Decision::Leave(Action::None, Some(Reason::Gone)),
        State::Archived | State::Expired => {
            let Some(offer) = offer() else {
                return Decision::Leave(Action::None, Some(Reason::Class));
            };
            let (days, tier) = wish.for_class(class);
            match fit(days, tier, wish.fit, &offer) {
                Ok(fitted) => Decision::Ask(fitted),
                Err(reason) if wish.fit == Fit::Skip => Decision::Leave(Action::None, Some(reason)),
                Err(reason) => Decision::Leave(Action::Failed, Some(reason)),
            }
        }
    }
}

/// An object after classifying: its state, and the requests that learning it took.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Everything the row needs so far.
    pub outcome: Outcome,
    /// Class and access tier by HEAD, where HEAD was asked; those of the listing count otherwise.
    by_head: Option<(String, String)>,
    /// Whether the outcome is final: asking for a restore would make no sense.
    settled: bool,
}

impl Placed {
    /// An object of which `outcome` says all: nothing is to be asked for.
    pub const fn told(outcome: Outcome) -> Self {
        Self { outcome, by_head: None, settled: true }
    }

    /// Whether nothing is to be asked for, since HEAD was refused or told enough.
    pub const fn is_settled(&self) -> bool {
        self.settled
    }
}

/// What is left to do about a placed object.
#[derive(Clone, Debug)]
pub enum Settled {
    /// Nothing: this is its row.
    Done(Outcome),
    /// One restore request; the outcome holds what is known so far.
    Ask(Fitted, Outcome),
}

/// Carries decisions out against a store.
#[derive(Debug)]
pub struct Actor<S> {
    /// The store.
    pub store: Arc<S>,
    /// Scan, plan or restore.
    pub verb: Verb,
    /// What is asked for; `None` in a scan.
    pub wish: Option<Wish>,
    /// Whether HEAD may be sent for what the listing does not tell.
    pub may_head: bool,
    /// The run's clock.
    pub clock: Arc<dyn Clock>,
}

/// Why no outcome came.
#[derive(Debug)]
pub enum NoOutcome {
    /// The run is stopping and this object's turn had not come.
    Halted {
        /// Whether an attempt may have been carried out before.
        doubt: bool,
    },
    /// A refusal that every further request would meet.
    Doomed(StoreError),
}

impl NoOutcome {
    /// Whether the request may have been carried out all the same.
    pub fn leaves_doubt(&self) -> bool {
        match self {
            Self::Halted { doubt } => *doubt,
            Self::Doomed(error) => may_have_been_done(error),
        }
    }
}

/// Whether a request that failed may have been carried out: if nothing came back from an attempt, or
/// the store had an accident. What it refuses it does not do.
fn may_have_been_done(error: &StoreError) -> bool {
    let refused = error.refusal.as_ref().is_some_and(|refusal| (400..500).contains(&refusal.status));
    error.attempts > 1 || (error.attempts == 1 && !refused)
}

impl<S: Store> Actor<S> {
    /// Where `object` stands as told by the listing that came at `now`; `None` if only HEAD tells
    /// and HEAD is allowed. Sends nothing.
    pub fn seen(&self, object: &Listed<'_>, now: Timestamp) -> Option<Placed> {
        let outcome = match classify(object.kind, object.access, object.restore, now) {
            Standing::Known(state, expires_at) => {
                let outcome = Outcome::seen(state, expires_at, now);
                return Some(Placed { outcome, by_head: None, settled: false });
            }
            Standing::Unsaid if !self.may_head => Outcome::seen(State::Unknown, None, now),
            Standing::Unsaid if !self.store.addressable(object.key) => {
                let mut outcome = Outcome::seen(State::Unknown, None, now);
                (outcome.action, outcome.reason) = (Action::Failed, Some(Reason::UnsafeKey));
                outcome
            }
            Standing::Unsaid => return None,
        };
        Some(Placed { outcome, by_head: None, settled: true })
    }

    /// Where `object` stands by HEAD.
    ///
    /// # Errors
    /// When the run must stop instead.
    pub async fn head(&self, object: &Listed<'_>) -> Result<Placed, NoOutcome> {
        let answered = self.store.head(object.key, object.version_id).await;
        let now = self.clock.now();
        match answered {
            Ok(answered) => {
                let head = answered.answer;
                let (state, expires_at) = match classify(object.kind, head.access, head.restore, now) {
                    Standing::Known(state, expires_at) => (state, expires_at),
                    Standing::Unsaid => (State::Unknown, None),
                };
                let mut outcome = Outcome::seen(state, expires_at, now);
                outcome.attempts = answered.attempts;
                Ok(Placed { outcome, by_head: Some((head.class, head.access_tier)), settled: false })
            }
            Err(error) => {
                let state = if error.kind == ErrorKind::Gone { State::Missing } else { State::Unknown };
                let mut outcome = refused(Outcome::seen(state, None, now), error)?;
                if state == State::Missing && self.verb != Verb::Restore {
                    outcome.action = Action::None;
                }
                Ok(Placed { outcome, by_head: None, settled: true })
            }
        }
    }

    /// What is to be done about a placed object. Sends nothing.
    pub fn settle(&self, object: &Listed<'_>, placed: Placed) -> Settled {
        let Placed { mut outcome, by_head, settled } = placed;
        if settled {
            return Settled::Done(outcome);
        }
        let offer = || match &by_head {
            Some((class, access_tier)) => self.store.offer(class.as_bytes(), access_tier.as_bytes()),
            None => self.store.offer(object.class, object.access_tier),
        };
        let fitted = match decide(self.wish.as_ref(), object.class, outcome.state, offer) {
            Decision::Leave(action, reason) => {
                (outcome.action, outcome.reason) = (action, reason);
                return Settled::Done(outcome);
            }
            Decision::Ask(fitted) => fitted,
        };
        if !self.store.addressable(object.key) {
            (outcome.action, outcome.reason) = (Action::Failed, Some(Reason::UnsafeKey));
            return Settled::Done(outcome);
        }
        (outcome.tier, outcome.days) = (fitted.tier, fitted.days);
        if self.verb != Verb::Restore {
            outcome.action = Action::Planned;
            return Settled::Done(outcome);
        }
        Settled::Ask(fitted, outcome)
    }

    /// Sends one restore request.
    ///
    /// # Errors
    /// When the run must stop instead.
    pub async fn ask(
        &self,
        object: &Listed<'_>,
        fitted: Fitted,
        mut outcome: Outcome,
    ) -> Result<Outcome, NoOutcome> {
        let ask = RestoreAsk {
            key: object.key,
            version_id: object.version_id,
            days: fitted.days,
            tier: fitted.tier,
        };
        let answered = self.store.restore(ask).await;
        outcome.checked_at = self.clock.now();
        let answered = match answered {
            Ok(answered) => answered,
            Err(error) => return refused(outcome, error),
        };
        outcome.attempts += answered.attempts;
        outcome.http_status = Some(answered.answer.status);
        outcome.error_code = answered.answer.code;
        outcome.request_id = Some(answered.answer.request_id).filter(|id| !id.is_empty());
        outcome.expires_at = None;
        match answered.answer.taken {
            Taken::Accepted => (outcome.state, outcome.action) = (State::Restoring, Action::Requested),
            Taken::AlreadyRunning => (outcome.state, outcome.action) = (State::Restoring, Action::Already),
            Taken::Extended => (outcome.state, outcome.action) = (State::Restored, Action::Extended),
        }
        Ok(outcome)
    }

    /// Until when an extended copy is readable now, and whether that was learnt. The vendors disagree
    /// on whether days are added or counted anew: read, never compute.
    pub async fn extension(&self, object: &Listed<'_>, mut outcome: Outcome) -> (Outcome, bool) {
        if outcome.action != Action::Extended {
            return (outcome, false);
        }
        let Ok(head) = self.store.head(object.key, object.version_id).await else {
            return (outcome, false);
        };
        outcome.attempts += head.attempts;
        outcome.expires_at = expiry(&head.answer.restore);
        (outcome, true)
    }
}

const fn expiry(mark: &crate::model::RestoreMark) -> Option<Timestamp> {
    match mark {
        crate::model::RestoreMark::Ready(until) => *until,
        _ => None,
    }
}

/// Whether no further request could be signed so that the store takes it: the token has lapsed and
/// cannot be renewed, or the clock is off and the store does not tell by how much. A bare status
/// says less: S3 and COS answer HEAD by a mere 400 for objects under a customer's own key, too.
fn unsignable(error: &StoreError) -> bool {
    matches!(error.kind, ErrorKind::TokenExpired | ErrorKind::Skewed)
        && error.refusal.as_ref().is_some_and(|refusal| !refusal.code.is_empty())
}

/// The row of an object whose request was refused for good.
pub(super) fn refused(mut outcome: Outcome, error: StoreError) -> Result<Outcome, NoOutcome> {
    let (action, reason) = match error.kind {
        ErrorKind::Halted => return Err(NoOutcome::Halted { doubt: may_have_been_done(&error) }),
        kind if kind.dooms_run() || unsignable(&error) => return Err(NoOutcome::Doomed(error)),
        // The object left its archive class, or the listing lags: nothing was wrong with the wish.
        ErrorKind::NotArchived => {
            outcome.state = State::Readable;
            (Action::None, Reason::Class)
        }
        ErrorKind::Gone => {
            outcome.state = State::Missing;
            (Action::Failed, Reason::Gone)
        }
        ErrorKind::Denied => (Action::Failed, Reason::Denied),
        ErrorKind::Throttled => (Action::Failed, Reason::Throttled),
        ErrorKind::Quota => (Action::Failed, Reason::Quota),
        ErrorKind::UnsafeKey => (Action::Failed, Reason::UnsafeKey),
        ErrorKind::Network | ErrorKind::Server | ErrorKind::Unreadable => (Action::Failed, Reason::Network),
        _ => (Action::Failed, Reason::Refused),
    };
    (outcome.action, outcome.reason) = (action, Some(reason));
    outcome.attempts += error.attempts;
    if let Some(refusal) = error.refusal {
        outcome.http_status = Some(refusal.status);
        outcome.error_code = Some(refusal.code).filter(|code| !code.is_empty());
        outcome.request_id = Some(refusal.request_id).filter(|id| !id.is_empty());
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tier;

    const COLD: Offer = Offer { days: Some(1..=365), tiers: &[Tier::Expedited, Tier::Standard, Tier::Bulk] };

    #[test]
    fn only_archived_and_expired_objects_are_asked_for() {
        let wish = Wish { days: 7, tier: Tier::Standard, ..Wish::default() };
        for &state in State::ALL {
            let asks = matches!(decide(Some(&wish), b"GLACIER", state, || Some(COLD)), Decision::Ask(_));
            assert_eq!(asks, matches!(state, State::Archived | State::Expired), "{state}");
            assert_eq!(decide(None, b"GLACIER", state, || Some(COLD)), Decision::Leave(Action::None, None));
        }
    }
}
