//! What is to be done about an object so that the wish comes true. Pure.
//!
//! | state | what is done |
//! | --- | --- |
//! | `archived`, `expired` | asked for |
//! | `restoring` | left; with `raise_tier` asked for once more at a faster tier, where the store takes that |
//! | `restored` | left; with `extend_when_left` asked for again when less than that is left |
//! | `readable`, `unknown`, `missing` | left |
//!
//! # What the last run did
//! Whoever asks every night must not ask for the same thing every night. Two things cannot be told
//! from an object: at which tier its restore runs, in stores that do not say so, and whether its copy
//! has reached the longest life that its class allows, so that one more request would change nothing.
//! Both are known from the job's last complete run, of which no more is kept than its hour and its
//! wish ([`LastRun`]): it has done what could be done about every object that it met. A restore is
//! thus raised when the wish has become faster since then, and a copy extended when it was not lapsing
//! then. A run that left some of this undone, for want of budget or because the store refused, does not
//! count: the one before it is still the last.

use jiff::{SignedDuration, Timestamp};

use super::fit::{Fitted, fit};
use crate::job::{Fit, Wish};
use crate::model::{Action, Offer, Raise, Reason, State, Tier};

/// What is to be done about an object in a known state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing; the row says `action` and `reason`.
    Leave(Action, Option<Reason>),
    /// One restore request.
    Ask(Fitted),
}

/// What is known of an object that is decided about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'o> {
    /// Its storage class, vendor spelling.
    pub class: &'o [u8],
    /// Where it stands.
    pub state: State,
    /// When its copy lapses, where the store tells.
    pub expires_at: Option<Timestamp>,
    /// The tier at which its restore runs, where the store tells.
    pub running_at: Option<Tier>,
    /// Whether an earlier session of this run may have asked for it, and nobody knows what came of it.
    pub asked: bool,
    /// When this was learnt.
    pub now: Timestamp,
}

/// What is kept of the job's last complete run: all that it met was asked for as it wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// When it began.
    pub began: Timestamp,
    /// What it asked for.
    pub wish: Wish,
}

impl LastRun {
    /// Whether it has asked for all restores of `class` that it found running, and for those that it
    /// began itself, at `tier` or a faster one.
    fn has_raised(&self, class: &[u8], tier: Tier, offer: &Offer) -> bool {
        let (days, wished) = self.wish.for_class(class);
        let asked = fit(days, wished, self.wish.fit, offer).ok().and_then(|fitted| fitted.tier);
        self.wish.raise_tier && asked.is_some_and(|asked| asked <= tier)
    }

    /// Whether it has found a copy of `class` that lapses at `until`, and asked for as many `days`. That
    /// the copy lapses at the same hour still is then all that can be had.
    fn has_extended(&self, class: &[u8], until: Timestamp, days: u32) -> bool {
        let lapsing = |within| until.duration_since(self.began) < within;
        self.wish.extend_when_left.and_then(signed).is_some_and(lapsing)
            && days <= self.wish.for_class(class).0
    }
}

/// Decides about an object; `offer` tells what its class accepts, and is only asked for objects that
/// may have to be asked for.
#[must_use]
pub fn decide(
    wish: Option<&Wish>,
    last: Option<&LastRun>,
    subject: &Subject<'_>,
    offer: impl FnOnce() -> Option<Offer>,
) -> Decision {
    let Some(wish) = wish else {
        return Decision::Leave(Action::None, None);
    };
    match subject.state {
        State::Readable | State::Unknown => Decision::Leave(Action::None, Some(Reason::Class)),
        State::Missing => Decision::Leave(Action::None, Some(Reason::Gone)),
        State::Restoring => {
            raise(wish, last, subject, offer).map_or(Decision::Leave(Action::Already, None), Decision::Ask)
        }
        State::Restored => {
            let left = Decision::Leave(Action::None, Some(Reason::StillValid));
            extension(wish, last, subject, offer).map_or(left, Decision::Ask)
        }
        State::Archived | State::Expired => {
            let Some(offer) = offer() else {
                return Decision::Leave(Action::None, Some(Reason::Class));
            };
            let (days, tier) = wish.for_class(subject.class);
            match fit(days, tier, wish.fit, &offer) {
                Ok(fitted) => Decision::Ask(fitted),
                Err(reason) if wish.fit == Fit::Skip => Decision::Leave(Action::None, Some(reason)),
                Err(reason) => Decision::Leave(Action::Failed, Some(reason)),
            }
        }
    }
}

/// The request that makes a running restore faster, if there is one to be sent.
fn raise(
    wish: &Wish,
    last: Option<&LastRun>,
    subject: &Subject<'_>,
    offer: impl FnOnce() -> Option<Offer>,
) -> Option<Fitted> {
    // What nobody knows the answer to may be this very request.
    if !wish.raise_tier || subject.asked {
        return None;
    }
    let offer = offer()?;
    let fitted = faster(wish, subject.class, &offer)?;
    let tier = fitted.tier?;
    let is_due = match subject.running_at {
        Some(running) => tier < running,
        None => !last.is_some_and(|last| last.has_raised(subject.class, tier, &offer)),
    };
    is_due.then_some(fitted)
}

/// What would be asked of a running restore of `class`, unless none can run at a slower tier.
fn faster(wish: &Wish, class: &[u8], offer: &Offer) -> Option<Fitted> {
    if offer.raise == Raise::Never {
        return None;
    }
    let (days, tier) = wish.for_class(class);
    fit(days, tier, wish.fit, offer).ok().filter(|fitted| !fitted.slower.is_empty())
}

/// Whether only HEAD tells if a running restore of `class` is to be raised.
pub(super) fn wants_tier(wish: &Wish, class: &[u8], offer: impl FnOnce() -> Option<Offer>) -> bool {
    wish.raise_tier && offer().is_some_and(|o| o.raise == Raise::Told && faster(wish, class, &o).is_some())
}

/// The request that keeps a copy from lapsing, if there is one to be sent.
fn extension(
    wish: &Wish,
    last: Option<&LastRun>,
    subject: &Subject<'_>,
    offer: impl FnOnce() -> Option<Offer>,
) -> Option<Fitted> {
    let within = wish.extend_when_left.and_then(signed)?;
    let until = subject.expires_at?;
    let left = until.duration_since(subject.now);
    if left >= within {
        return None;
    }
    let (days, tier) = wish.for_class(subject.class);
    if last.is_some_and(|last| last.has_extended(subject.class, until, days)) {
        return None;
    }
    let fitted = fit(days, tier, wish.fit, &offer()?).ok()?;
    // Where days count anew from the request, fewer than are left would cut the copy short.
    let longer = SignedDuration::from_hours(24 * i64::from(fitted.days?)) > left;
    longer.then_some(fitted)
}

/// A span as those between two times; `None` for one of more years than there are.
fn signed(span: std::time::Duration) -> Option<SignedDuration> {
    SignedDuration::try_from(span).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::ClassWish;

    const COLD: Offer = Offer {
        days: Some(1..=365),
        tiers: &[Tier::Expedited, Tier::Standard, Tier::Bulk],
        raise: Raise::Untold,
    };
    const PLAIN: Offer = Offer { days: Some(1..=7), tiers: &[], raise: Raise::Never };

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
    }

    fn subject(state: State) -> Subject<'static> {
        Subject { class: b"COLD", state, expires_at: None, running_at: None, asked: false, now: at(0) }
    }

    fn wish() -> Wish {
        Wish {
            days: 7,
            tier: Tier::Standard,
            extend_when_left: Some(Duration::from_hours(48)),
            raise_tier: true,
            ..Wish::default()
        }
    }

    fn asks(decision: Decision) -> Option<(Option<u32>, Option<Tier>)> {
        match decision {
            Decision::Ask(fitted) => Some((fitted.days, fitted.tier)),
            Decision::Leave(..) => None,
        }
    }

    #[test]
    fn without_more_only_archived_and_expired_objects_are_asked_for() {
        let wish = Wish { days: 7, tier: Tier::Standard, ..Wish::default() };
        for &state in State::ALL {
            let lapsing = Subject { expires_at: Some(at(1)), ..subject(state) };
            let asks = asks(decide(Some(&wish), None, &lapsing, || Some(COLD))).is_some();
            assert_eq!(asks, matches!(state, State::Archived | State::Expired), "{state}");
            let left = Decision::Leave(Action::None, None);
            assert_eq!(decide(None, None, &lapsing, || Some(COLD)), left);
        }
    }

    #[test]
    fn a_lapsing_copy_is_extended_and_no_other() {
        let asked = |left: Option<i64>, offer: Offer| {
            let subject = Subject { expires_at: left.map(at), ..subject(State::Restored) };
            asks(decide(Some(&wish()), None, &subject, || Some(offer)))
        };
        let sent = Some((Some(7), Some(Tier::Standard)));
        assert_eq!(asked(Some(47), COLD), sent);
        assert_eq!(asked(Some(48), COLD), None, "as much as is wished for is left");
        assert_eq!(asked(Some(300), COLD), None);
        assert_eq!(asked(Some(1), PLAIN), Some((Some(7), None)), "shaped for its class");
        assert_eq!(asked(None, COLD), None, "restored for good");
        let dayless = Offer { days: None, ..COLD };
        assert_eq!(asked(Some(1), dayless), None, "a class without copies has none to extend");
        // No request shortens a copy: three days are left, one is wished for.
        let short = Wish { days: 1, extend_when_left: Some(Duration::from_hours(96)), ..wish() };
        let subject = Subject { expires_at: Some(at(72)), ..subject(State::Restored) };
        assert_eq!(asks(decide(Some(&short), None, &subject, || Some(COLD))), None);
    }

    #[test]
    fn a_copy_that_could_not_be_extended_is_not_asked_for_again() {
        let last = |began: i64, wish: Wish| LastRun { began: at(began), wish };
        let asked = |last: &LastRun, until: i64| {
            let subject = Subject { expires_at: Some(at(until)), ..subject(State::Restored) };
            asks(decide(Some(&wish()), Some(last), &subject, || Some(PLAIN))).is_some()
        };
        // It lapses in a day; last night, a day ago, two days were left, which was enough.
        assert!(asked(&last(-24, wish()), 24));
        // It lapses in 23 hours; last night 47 were left, and it was asked for then.
        assert!(!asked(&last(-24, wish()), 23));
        // Unless the last run was content with less, or asked for fewer days.
        let content = Wish { extend_when_left: Some(Duration::from_hours(24)), ..wish() };
        assert!(asked(&last(-24, content), 23));
        assert!(asked(&last(-24, Wish { extend_when_left: None, ..wish() }), 23));
        assert!(asked(&last(-24, Wish { days: 3, ..wish() }), 23));
    }

    #[test]
    fn a_running_restore_of_a_known_tier_is_raised_to_a_faster_one() {
        let asked = |tier: Tier, running: Tier| {
            let subject = Subject { running_at: Some(running), ..subject(State::Restoring) };
            let wish = Wish { tier, ..wish() };
            // What the last run did does not matter where the store tells.
            let last = LastRun { began: at(-24), wish: wish.clone() };
            asks(decide(Some(&wish), Some(&last), &subject, || Some(COLD))).is_some()
        };
        for tier in Tier::ALL {
            for running in Tier::ALL {
                assert_eq!(asked(tier, running), tier < running, "{tier} over {running}");
            }
        }
    }

    #[test]
    fn a_running_restore_of_an_untold_tier_is_asked_for_once() {
        let asked = |wish: &Wish, last: Option<&LastRun>| {
            asks(decide(Some(wish), last, &subject(State::Restoring), || Some(COLD))).is_some()
        };
        assert!(asked(&wish(), None));
        let last = |wish: Wish| LastRun { began: at(-24), wish };
        let bulk = Wish { tier: Tier::Bulk, ..wish() };
        assert!(!asked(&wish(), Some(&last(wish()))), "the last run asked for the same");
        assert!(asked(&wish(), Some(&last(bulk.clone()))), "the wish has become faster");
        assert!(!asked(&wish(), Some(&last(Wish { tier: Tier::Expedited, ..wish() }))));
        assert!(asked(&wish(), Some(&last(Wish { raise_tier: false, ..wish() }))), "it raised nothing");
        assert!(!asked(&bulk, None), "nothing runs slower than the slowest");
        assert!(!asked(&Wish { raise_tier: false, ..wish() }, None));
        // What counts is what was sent: the class offers nothing faster.
        let deep = Offer { tiers: &[Tier::Standard, Tier::Bulk], ..COLD };
        let sent = |fit: Fit| {
            let last = last(Wish { tier: Tier::Expedited, fit, ..wish() });
            let subject = subject(State::Restoring);
            asks(decide(Some(&wish()), Some(&last), &subject, || Some(deep.clone()))).is_some()
        };
        assert!(!sent(Fit::Clamp));
        assert!(sent(Fit::Skip), "it left that class alone");
        // The tier of the class counts.
        let mut other = last(bulk);
        other.wish.class.insert("cold".into(), ClassWish { days: None, tier: Some(Tier::Standard) });
        assert!(!asked(&wish(), Some(&other)));
        // Nobody knows whether an earlier session's request came through.
        let doubtful = Subject { asked: true, ..subject(State::Restoring) };
        assert_eq!(asks(decide(Some(&wish()), None, &doubtful, || Some(COLD))), None);
    }

    #[test]
    fn what_takes_no_faster_tier_is_left() {
        for offer in [PLAIN, Offer { raise: Raise::Never, ..COLD }] {
            let decision = decide(Some(&wish()), None, &subject(State::Restoring), || Some(offer));
            assert_eq!(decision, Decision::Leave(Action::Already, None));
        }
        // Nor does a misfit fail an object that is on its way.
        let deep = Offer { tiers: &[Tier::Standard, Tier::Bulk], ..COLD };
        let wish = Wish { tier: Tier::Expedited, ..wish() };
        let decision = decide(Some(&wish), None, &subject(State::Restoring), || Some(deep));
        assert_eq!(decision, Decision::Leave(Action::Already, None));
    }

    #[test]
    fn head_is_only_asked_for_a_tier_that_matters() {
        let told = Offer { raise: Raise::Told, ..COLD };
        assert!(wants_tier(&wish(), b"COLD", || Some(told.clone())));
        assert!(!wants_tier(&wish(), b"COLD", || Some(COLD)), "HEAD does not tell");
        assert!(!wants_tier(&Wish { tier: Tier::Bulk, ..wish() }, b"COLD", || Some(told.clone())));
        assert!(!wants_tier(&Wish { raise_tier: false, ..wish() }, b"COLD", || Some(told)));
    }
}
