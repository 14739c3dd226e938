//! What tells the outside how far a run is.

use std::sync::Arc;
use std::time::Duration;

use super::books::Closed;
use super::page::Progress;
use super::{Ended, Why};
use crate::model::{Clock, Event, Tell};
use crate::store::Store;

/// What tells the outside how far the run is.
pub(super) struct Gauge<'a, S> {
    pub(super) tell: &'a dyn Tell,
    pub(super) clock: &'a dyn Clock,
    pub(super) began: Duration,
    pub(super) progress: Arc<Progress>,
    pub(super) store: &'a S,
}

impl<S: Store> Gauge<'_, S> {
    pub(super) fn progress(&self) {
        self.tell.tell(Event::Progress {
            kinds: self.progress.kinds(),
            requests: self.store.requests(),
            in_flight: self.store.restores_in_flight(),
            rates: self.store.rates(),
            elapsed: self.clock.monotonic().saturating_sub(self.began),
        });
    }

    pub(super) fn ended(&self, closed: Closed, why: Option<Why>) -> Ended {
        let Closed { tally, requests, elapsed, fees, report, summary, verdict, spending, never, kept: _ } =
            closed;
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
