//! Asking for the restores of one page: within the window, within the budget, and until it is enough.

use std::sync::{Arc, MutexGuard, PoisonError};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use super::page::{Desk, Row, Sheet, UNDER_WAY};
use crate::job::Verb;
use crate::model::{Action, Listed, Outcome, Page, Reason};
use crate::pipeline::act::{Fitted, NoOutcome};
use crate::pipeline::budget::{Amount, Ledger, Left, Said, Want};
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{CheckpointError, CommitPoint, pass};
use crate::pipeline::report::shown_key;
use crate::pipeline::window::{Hours, hours};
use crate::store::{Call, Store};

/// An object that is to be asked for.
pub(super) struct Due {
    /// Its place in the page.
    pub(super) index: usize,
    /// What the request says.
    pub(super) fitted: Fitted,
    /// What is known of it so far.
    pub(super) outcome: Outcome,
    /// Whether an earlier session was about to ask for it: it is counted as spent already.
    pub(super) again: bool,
}

/// One that is paid for.
struct Ask {
    index: usize,
    fitted: Fitted,
    outcome: Outcome,
    amount: Amount,
    /// Whether an earlier session may have asked for it.
    again: bool,
}

/// What came of it.
struct Answered {
    index: usize,
    amount: Amount,
    /// The outcome, or why there is none and what was known before.
    outcome: Result<Outcome, (NoOutcome, Outcome)>,
    /// Whether the store may have taken it.
    taken: bool,
}

impl<S: Store> Desk<S> {
    /// Sends restore requests concurrently and journals every answer as it comes; before the first
    /// one leaves, it is on disk what they take and which objects are meant.
    pub(super) async fn ask(
        &self,
        page: &Page,
        dues: Vec<Due>,
        rows: &mut [Row],
        sheet: &mut Sheet,
    ) -> Result<(), CheckpointError> {
        if dues.is_empty() || !self.is_settled().await {
            return Ok(());
        }
        let until = match self.job.window.as_ref().map(|window| hours(window, self.clock.now())) {
            None => None,
            Some(Hours::Open(until)) => Some(until),
            Some(Hours::Shut(_)) => {
                for due in dues {
                    self.shut(due.index, due.outcome, rows, sheet);
                }
                return Ok(());
            }
        };
        let asks = self.pay(page, dues, rows, sheet).await?;
        if asks.is_empty() {
            return Ok(());
        }
        // Every answer behind these refunds is in the journal's queue before the order to sync it.
        let returned = self.ledger.as_ref().map(|ledger| ledger.purse().returned());
        let synced = match self.journal() {
            Some(mut journal) => {
                journal.asking(asks.iter().map(|ask| page.id(ask.index)))?;
                Some(journal.sync()?)
            }
            None => None,
        };
        if let Some(synced) = synced {
            synced.wait().await?;
            pass(CommitPoint::AskingSynced);
        }
        if let (Some(ledger), Some(returned)) = (&self.ledger, returned) {
            ledger.purse().firm(returned, self.clock.now());
        }
        let mut asked =
            stream::iter(asks).map(|ask| self.ask_one(page, ask, until)).buffer_unordered(UNDER_WAY);
        let mut unasked = Vec::new();
        while let Some(answered) = asked.next().await {
            let Answered { index, amount, outcome, taken } = answered?;
            match outcome {
                Ok(outcome) => {
                    self.settle(amount, taken);
                    self.met(page, index, (Call::Restore, &outcome), sheet);
                    rows[index] = self.done(outcome, page.get(index).size);
                }
                Err((none, before)) => {
                    if !taken {
                        unasked.push((index, amount));
                    }
                    match none {
                        NoOutcome::Late { .. } => self.shut(index, before, rows, sheet),
                        none => self.note(none, sheet),
                    }
                }
            }
        }
        // There is no doubt about these, and none has to be looked at by a later session.
        if let Some(mut journal) = self.journal().filter(|_| !unasked.is_empty()) {
            journal.unasked(unasked.iter().map(|(index, _)| page.id(*index)))?;
        }
        for (_, amount) in unasked {
            self.settle(amount, false);
        }
        Ok(())
    }

    async fn ask_one(
        &self,
        page: &Page,
        ask: Ask,
        until: Option<Timestamp>,
    ) -> Result<Answered, CheckpointError> {
        let Ask { index, fitted, outcome, amount, again } = ask;
        let object = page.get(index);
        let before = outcome.clone();
        let outcome = match self.actor.ask(&object, fitted, outcome, until).await {
            Ok(outcome) => outcome,
            Err(none) => {
                let taken = again || none.leaves_doubt();
                return Ok(Answered { index, amount, outcome: Err((none, before)), taken });
            }
        };
        // What the store refuses at the only attempt it does not do; an earlier session's request, of which
        // nobody knows, it may have done all the same.
        let attempts = outcome.attempts.saturating_sub(before.attempts);
        let refused = outcome.http_status.is_some_and(|status| (400..500).contains(&status));
        let taken = again || attempts > 1 || (attempts == 1 && !refused);
        self.record(page, index, &outcome)?;
        // What was answered is recorded before anything else is asked about it.
        let outcome = match self.actor.extension(&object, outcome).await {
            Ok((outcome, learnt)) => {
                if learnt {
                    self.record(page, index, &outcome)?;
                }
                Ok(outcome)
            }
            // The request itself was answered: the next session has its answer.
            Err(none) => return Ok(Answered { index, amount, outcome: Err((none, before)), taken: true }),
        };
        Ok(Answered { index, amount, outcome, taken })
    }

    /// An object that is not asked for since the window is shut: it waits, or is left for later.
    fn shut(&self, index: usize, outcome: Outcome, rows: &mut [Row], sheet: &mut Sheet) {
        if self.waits {
            sheet.shut = true;
        } else {
            rows[index] = self.later(outcome, Reason::Window);
        }
    }

    fn later(&self, mut outcome: Outcome, reason: Reason) -> Row {
        (outcome.action, outcome.reason) = (Action::Deferred, Some(reason));
        // Nothing is asked for: its size is not counted.
        self.done(outcome, 0)
    }

    /// Sets aside what the requests take, on disk as well, and leaves over what cannot be paid for.
    async fn pay(
        &self,
        page: &Page,
        dues: Vec<Due>,
        rows: &mut [Row],
        sheet: &mut Sheet,
    ) -> Result<Vec<Ask>, CheckpointError> {
        let mut asks = Vec::with_capacity(dues.len());
        let Some(ledger) = &self.ledger else {
            let free = |Due { index, fitted, outcome, again }| Ask {
                index,
                fitted,
                outcome,
                amount: Amount::default(),
                again,
            };
            return Ok(dues.into_iter().map(free).collect());
        };
        let (mut old, mut new) = (Over::default(), Over::default());
        let mut granted = false;
        {
            let mut purse = ledger.purse();
            // Told while nobody else has the purse: what is granted on a day stands in it before another
            // page begins the next one, which counts all that is open.
            let now = self.clock.now();
            for Due { index, fitted, outcome, again } in dues {
                let (place, _) = page.id(index);
                let want = self.want(place, &page.get(index), &fitted);
                let said = if again { purse.again(&want, now) } else { purse.grant(&want, now) };
                match said {
                    Said::Granted(amount) => {
                        granted = true;
                        asks.push(Ask { index, fitted, outcome, amount, again });
                        continue;
                    }
                    Said::Later { due, old: true } => old.add(place, due),
                    Said::Later { due, old: false } => new.add(place, due),
                    Said::Never => sheet.left.never += 1,
                }
                rows[index] = self.later(outcome, Reason::Budget);
            }
        }
        old.put(&mut sheet.left, |left| &mut left.old);
        new.put(&mut sheet.left, |left| &mut left.new);
        // A run without a journal cannot be gone on with, but the next one has to know what the day took.
        if granted {
            save(ledger).await?;
        }
        Ok(asks)
    }

    /// What a restore takes.
    fn want<'p>(&self, place: &'p [u8], object: &Listed<'p>, fitted: &Fitted) -> Want<'p> {
        Want {
            key: place,
            modified: object.last_modified,
            class: object.class,
            bytes: object.size,
            cost: self.prices.object(object.class, fitted.tier, fitted.days, object.size),
        }
    }

    fn settle(&self, amount: Amount, taken: bool) {
        if let Some(ledger) = &self.ledger {
            ledger.purse().settle(amount, taken, self.clock.now());
        }
    }

    /// Takes note of an answer; of one too many, by which the run ends.
    pub(super) fn met(
        &self,
        page: &Page,
        index: usize,
        (call, outcome): (Call, &Outcome),
        sheet: &mut Sheet,
    ) {
        let key = || shown_key(page.get(index).key).0.into_owned();
        if let Some(stop) = self.watch.met(call, outcome, key) {
            self.actor.store.halt();
            sheet.enough = Some(stop);
        }
    }

    pub(super) fn note(&self, none: NoOutcome, sheet: &mut Sheet) {
        if let NoOutcome::Doomed(error) = none {
            // The first one tells the story; those in flight would only repeat it.
            self.actor.store.halt();
            sheet.doomed.get_or_insert(error);
        }
    }

    pub(super) fn record(&self, page: &Page, index: usize, outcome: &Outcome) -> Result<(), CheckpointError> {
        let sent = outcome.http_status.is_some() || outcome.attempts > 0;
        if self.actor.verb != Verb::Restore || !sent {
            return Ok(());
        }
        let Some(mut journal) = self.journal() else { return Ok(()) };
        let (key, version) = page.id(index);
        journal.record(key, version, outcome)
    }

    fn journal(&self) -> Option<MutexGuard<'_, Journal>> {
        self.journal.as_ref().map(|journal| journal.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts the account on disk without keeping the runtime from its work.
async fn save(ledger: &Arc<Ledger>) -> Result<(), CheckpointError> {
    let own = Arc::clone(ledger);
    let saved = tokio::task::spawn_blocking(move || own.save()).await;
    saved.unwrap_or_else(|died| Err(ledger.unwritten(std::io::Error::other(died))))?;
    pass(CommitPoint::BudgetSaved);
    Ok(())
}

/// What of a page is left over.
#[derive(Default)]
struct Over<'p> {
    keys: Option<(&'p [u8], &'p [u8])>,
    due: Amount,
}

impl<'p> Over<'p> {
    fn add(&mut self, key: &'p [u8], due: Amount) {
        self.keys = Some((self.keys.map_or(key, |(first, _)| first), key));
        self.due = self.due.plus(due);
    }

    fn put(self, left: &mut Left, which: impl Fn(&mut Left) -> &mut crate::pipeline::budget::Stretches) {
        if let Some((first, last)) = self.keys {
            which(left).add(first, last, self.due);
        }
    }
}
