//! What tells the outside how far a run is.

use std::sync::Arc;
use std::time::Duration;

use super::books::Closed;
use super::page::Progress as Counts;
use super::pulse::Pulse;
use super::{Ended, Why};
use crate::model::{Clock, Event, Notice, Phase, Progress, Tell};
use crate::pipeline::budget::Ledger;
use crate::store::Store;

/// What tells the outside how far the run is.
pub(super) struct Gauge<'a, S> {
    pub(super) tell: &'a dyn Tell,
    pub(super) clock: &'a dyn Clock,
    pub(super) began: Duration,
    pub(super) progress: Arc<Counts>,
    pub(super) pulse: Arc<Pulse>,
    /// What may be spent; none if there is no budget.
    pub(super) ledger: Option<Arc<Ledger>>,
    pub(super) store: &'a S,
}

impl<S: Store> Gauge<'_, S> {
    /// Tells how far it is.
    pub(super) fn progress(&self) {
        let now = self.clock.now();
        let progress = Progress {
            kinds: self.progress.kinds(),
            requests: self.store.requests(),
            in_flight: self.store.restores_in_flight(),
            rates: self.store.rates(),
            elapsed: self.clock.monotonic().saturating_sub(self.began),
            budget: self.ledger.as_ref().map(|ledger| ledger.purse().bounds(now)).unwrap_or_default(),
            pause: self.store.restores_held(),
            ..Progress::default()
        };
        self.tell.tell(Event::Progress(Box::new(self.pulse.take(progress, now))));
    }

    /// Tells what the run is busy with.
    pub(super) fn phase(&self, phase: Phase) {
        self.tell.tell(Event::Phase(phase));
        self.pulse.phase(phase, self.clock.now());
    }

    pub(super) fn ended(&self, closed: Closed, why: Option<Why>) -> Ended {
        let Closed {
            tally,
            requests,
            elapsed,
            fees,
            report,
            summary,
            verdict,
            spending,
            never,
            earlier,
            kept: _,
        } = closed;
        if let Some(earlier) = earlier {
            self.tell.tell(Event::Notice(Notice::Remark(earlier.to_string())));
        }
        self.tell.tell(Event::Finished {
            tally: Arc::new(tally.clone()),
            requests,
            elapsed,
            report: report.clone(),
            complete: verdict.is_some(),
        });
        Ended {
            verdict,
            why,
            spending,
            over_budget_alone: never,
            tally,
            requests,
            elapsed,
            fees,
            report,
            summary,
        }
    }
}
