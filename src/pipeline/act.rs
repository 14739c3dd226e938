//! Stage 4: leave an object alone, or send one restore request shaped for its class.
//!
//! [`decide`] and [`fit()`] are pure; [`Actor`] carries the decision out and turns every answer, and
//! every refusal, into one [`Outcome`] in the words of the report.

use std::sync::Arc;

use jiff::Timestamp;

use super::account;
use super::classify::{Standing, classify};
use super::decide::wants_tier;
pub use super::decide::{Decision, LastRun, Subject, decide};
pub use super::fit::{Fitted, Misfit, fit, misfits};
use crate::job::{Verb, Wish};
use crate::model::{Action, Clock, Listed, Outcome, Reason, State, Tier};
use crate::store::{Call, ErrorKind, RestoreAsk, Store, StoreError, Taken};

/// An object after classifying: its state, and the requests that learning it took.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Everything the row needs so far.
    pub outcome: Outcome,
    /// Class and access tier by HEAD, where HEAD was asked; those of the listing count otherwise. Boxed, since
    /// most objects have none, and every one is moved.
    by_head: Option<Box<(String, String)>>,
    /// The tier at which its restore runs, where HEAD told.
    running_at: Option<Tier>,
    /// Whether the outcome is final: asking for a restore would make no sense.
    settled: bool,
}

impl Placed {
    /// An object of which `outcome` says all: nothing is to be asked for.
    pub const fn told(outcome: Outcome) -> Self {
        Self { outcome, by_head: None, running_at: None, settled: true }
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
    /// The job's last complete run; `None` if there was none, or it is not known of.
    pub last: Option<LastRun>,
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
    /// The time in which it might be asked for was over.
    Late {
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
            Self::Halted { doubt } | Self::Late { doubt } => *doubt,
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
                return Some(Placed { outcome, by_head: None, running_at: None, settled: false });
            }
            Standing::Unsaid if !self.may_head => Outcome::seen(State::Unknown, None, now),
            Standing::Unsaid if !self.store.addressable(object.key) => {
                let mut outcome = Outcome::seen(State::Unknown, None, now);
                (outcome.action, outcome.reason) = (Action::Failed, Some(Reason::UnsafeKey));
                outcome
            }
            Standing::Unsaid => return None,
        };
        Some(Placed { outcome, by_head: None, running_at: None, settled: true })
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
                outcome.bill_mut().heads.merge(answered.answers);
                Ok(Placed {
                    outcome,
                    by_head: Some(Box::new((head.class, head.access_tier))),
                    running_at: head.running_at,
                    settled: false,
                })
            }
            Err(error) => {
                let state = if error.kind == ErrorKind::Gone { State::Missing } else { State::Unknown };
                let mut outcome = refused(Outcome::seen(state, None, now), error)?;
                if state == State::Missing && self.verb != Verb::Restore {
                    outcome.action = Action::None;
                }
                Ok(Placed { outcome, by_head: None, running_at: None, settled: true })
            }
        }
    }

    /// Whether HEAD would tell more of an object whose state the listing told: at which tier its restore
    /// runs, where that decides whether it is asked for again. Sends nothing.
    pub fn looks_closer(&self, object: &Listed<'_>, placed: &Placed) -> bool {
        let offer = || self.store.offer(object.class, object.access_tier);
        placed.outcome.state == State::Restoring
            && self.may_head
            && self.wish.as_ref().is_some_and(|wish| wants_tier(wish, object.class, offer))
            && self.store.addressable(object.key)
    }

    /// Whether copies that are about to lapse are asked for again.
    pub fn extends(&self) -> bool {
        self.wish.as_ref().is_some_and(|wish| wish.extend_when_left.is_some())
    }

    /// What is to be done about a placed object; `asked` tells whether an earlier session may have asked
    /// for it. Sends nothing.
    pub fn settle(&self, object: &Listed<'_>, placed: Placed, asked: bool) -> Settled {
        let Placed { mut outcome, by_head, running_at, settled } = placed;
        if settled {
            return Settled::Done(outcome);
        }
        let offer = || match by_head.as_deref() {
            Some((class, access_tier)) => self.store.offer(class.as_bytes(), access_tier.as_bytes()),
            None => self.store.offer(object.class, object.access_tier),
        };
        let subject = Subject {
            class: object.class,
            state: outcome.state,
            expires_at: outcome.expires_at,
            running_at,
            asked,
            now: outcome.checked_at,
        };
        let fitted = match decide(self.wish.as_ref(), self.last.as_ref(), &subject, offer) {
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
            let state = outcome.state;
            account::taken(&mut outcome, state, fitted.days);
            return Settled::Done(outcome);
        }
        Settled::Ask(fitted, outcome)
    }

    /// Sends one restore request; a second one at the next slower tier where the store has no capacity
    /// for expedited restores and the wish falls back. No attempt leaves from `until` on. The outcome tells
    /// the tier that was asked for.
    ///
    /// # Errors
    /// When the run must stop instead.
    pub async fn ask(
        &self,
        object: &Listed<'_>,
        fitted: Fitted,
        mut outcome: Outcome,
        until: Option<Timestamp>,
    ) -> Result<Outcome, NoOutcome> {
        let Fitted { days, mut tier, slower } = fitted;
        let (state, lapsed) = (outcome.state, outcome.expires_at);
        let answered = loop {
            let ask = RestoreAsk { key: object.key, version_id: object.version_id, days, tier, until };
            let answered = self.store.restore(ask).await;
            outcome.checked_at = self.clock.now();
            match (answered, slower.first()) {
                (Ok(answered), _) => break answered,
                (Err(error), Some(&next)) if self.falls_back(tier, &error) => {
                    outcome.attempts += error.attempts;
                    outcome.bill_mut().fallen.merge(error.answers);
                    tier = Some(next);
                    outcome.tier = tier;
                }
                (Err(error), _) => return refused(outcome, error),
            }
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
        account::answered(&mut outcome, &answered.answers, answered.answer.taken, (state, lapsed, days));
        Ok(outcome)
    }

    /// Takes down what an object has come to that an earlier session was about to ask for, and that is
    /// found to be restored: that request was taken, though nobody heard the answer.
    pub fn presume_taken(&self, object: &Listed<'_>, outcome: &mut Outcome) {
        let running = matches!(outcome.state, State::Restoring | State::Restored);
        // One that was asked for to be raised or extended was in that state before, too.
        let certain = self.wish.as_ref().filter(|wish| !wish.raise_tier && wish.extend_when_left.is_none());
        let (Some(wish), true, Verb::Restore) = (certain, running, self.verb) else { return };
        let (days, tier) = wish.for_class(object.class);
        let offer = self.store.offer(object.class, object.access_tier);
        if let Some(Ok(fitted)) = offer.map(|offer| fit(days, tier, wish.fit, &offer)) {
            account::presumed(outcome, &fitted);
        }
    }

    /// Whether a request at `tier` that met `error` is sent again at the next slower one.
    fn falls_back(&self, tier: Option<Tier>, error: &StoreError) -> bool {
        tier == Some(Tier::Expedited)
            && error.kind == ErrorKind::Quota
            && self.wish.as_ref().is_some_and(|wish| wish.expedited_fallback)
    }

    /// Until when an extended copy is readable now, and whether that was learnt. The vendors disagree
    /// on whether days are added or counted anew: read, never compute. What cannot be read is not told.
    ///
    /// # Errors
    /// When the run is stopping, and the next session has to look.
    pub async fn extension(
        &self,
        object: &Listed<'_>,
        mut outcome: Outcome,
    ) -> Result<(Outcome, bool), NoOutcome> {
        if !lacks_expiry(&outcome) {
            return Ok((outcome, false));
        }
        let head = match self.store.head(object.key, object.version_id).await {
            Ok(head) => head,
            // The request before this one was answered.
            Err(error) if error.kind == ErrorKind::Halted => return Err(NoOutcome::Halted { doubt: true }),
            Err(_) => return Ok((outcome, false)),
        };
        outcome.attempts += head.attempts;
        outcome.bill_mut().heads.merge(head.answers);
        outcome.expires_at = expiry(&head.answer.restore);
        account::extended(&mut outcome);
        Ok((outcome, true))
    }
}

/// Whether a copy was extended, and nobody has looked until when.
pub fn lacks_expiry(outcome: &Outcome) -> bool {
    outcome.action == Action::Extended && outcome.expires_at.is_none()
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
pub(in crate::pipeline) fn refused(mut outcome: Outcome, error: StoreError) -> Result<Outcome, NoOutcome> {
    let (action, reason) = match error.kind {
        ErrorKind::Halted => return Err(NoOutcome::Halted { doubt: may_have_been_done(&error) }),
        ErrorKind::Late => return Err(NoOutcome::Late { doubt: may_have_been_done(&error) }),
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
    let (tier, bill) = (outcome.tier, outcome.bill_mut());
    if error.call == Call::Restore {
        bill.tier = tier;
        bill.restores.merge(error.answers);
    } else {
        bill.heads.merge(error.answers);
    }
    if let Some(refusal) = error.refusal {
        outcome.http_status = Some(refusal.status);
        outcome.error_code = Some(refusal.code).filter(|code| !code.is_empty());
        outcome.request_id = Some(refusal.request_id).filter(|id| !id.is_empty());
    }
    Ok(outcome)
}
