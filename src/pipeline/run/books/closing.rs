//! The end of a session: the books closed over what is there, for good or until another time.

use std::path::PathBuf;
use std::sync::PoisonError;

use super::super::RunError;
use super::{Books, Closed, marked};
use crate::job::{Job, Verb};
use crate::model::{Spending, State};
use crate::pipeline::account::{Fees, FeesTold};
use crate::pipeline::checkpoint::{CheckpointError, CommitPoint, Mark, StateDir, pass};
use crate::pipeline::report::{About, Facts, Report, Summary, Verdict};
use crate::pipeline::wait::{merge, tells_all};

impl Books {
    /// Closes a run that has all it wants, leaving `hints` for the next one.
    pub(in crate::pipeline::run) fn finish(
        mut self,
        job: &Job,
        hints: &[Vec<u8>],
    ) -> Result<Closed, RunError> {
        while self.has_movable() {
            self.move_some()?;
        }
        self.mark.sealed = true;
        self.commit()?;
        pass(CommitPoint::ReportSealed);
        let report = self.report.path().map(PathBuf::from);
        let fees = self.fees();
        let spending = self.spending(true)?;
        let about = About { job: &job.name, run_id: &self.mark.run_id };
        if self.mark.sessions > 1 {
            self.report.drop_unwanted(&self.mark.made, &job.report.also)?;
        }
        let finished = self.report.make(&job.report.also, about)?;
        if let Some(state) = self.state.as_ref().filter(|_| !finished.files().is_empty()) {
            // What takes the place of the rows must be known before they go, and what stands beside them before
            // a session that is told to leave it out.
            self.mark.made = finished.files();
            state.save(&marked(&self.mark, &self.order))?;
            pass(CommitPoint::FormMarked);
        }
        let earlier = self.report.make_room(&finished, Some(&self.mark.run_id), job.report.keep)?;
        let named = self.report.name(finished)?;
        let verdict = Verdict::of(&self.mark.tally, self.mark.requests, self.fail_empty);
        let facts = Facts {
            job: &job.name,
            verb: job.verb.as_str(),
            target: job.source.url(),
            simulated: job.simulator.is_some(),
            run_id: &self.mark.run_id,
            started_at: self.mark.started_at,
            finished_at: self.clock.now(),
            elapsed: self.mark.elapsed,
            sessions: self.mark.sessions,
            named: &named,
            written: &self.mark.written,
            verdict,
            fees: FeesTold::from(&fees),
            spending: spending.clone(),
            never: self.mark.left.never,
            timeline: self.mark.timeline.clone().unwrap_or_default(),
        };
        let summary = Summary::of(facts, self.mark.tally.clone(), self.mark.requests, report.as_deref());
        let summary_path = match &report {
            Some(path) => Some(summary.save(path).map_err(|source| CheckpointError::Io {
                what: "write the summary",
                path: Summary::path_beside(path),
                source,
            })?),
            None => None,
        };
        pass(CommitPoint::SummarySaved);
        if let (Some(state), Some(path)) = (&self.state, &report) {
            // Without anything to remember there is no need to read the report back.
            let restoring = self.mark.tally.state(State::Restoring).objects > 0;
            if tells_all(job) && (restoring || self.memory.is_some()) {
                let run = (self.mark.run_id.as_str(), self.clock.now());
                merge(state, job, self.memory.as_ref(), path, run)?;
            }
        }
        if let Some(state) = &self.state {
            leave_word(job, &self.mark, state)?;
        }
        self.mark.finished = Some(summary.exit_reason.clone());
        if let Some(state) = &self.state {
            state.save(&marked(&self.mark, &self.order))?;
            pass(CommitPoint::RunFinished);
            drop(self.aside);
            state.remove_aside()?;
            // A session that went on with another one has seen the rest only.
            if self.mark.sessions == 1 && !hints.is_empty() {
                state.save_hints(hints)?;
            }
        }
        Ok(Closed {
            fees,
            tally: self.mark.tally,
            requests: self.mark.requests,
            elapsed: self.mark.elapsed,
            report,
            summary: summary_path,
            verdict: Some(verdict),
            spending,
            never: self.mark.left.never,
            earlier,
            kept: None,
        })
    }

    /// Closes a run that goes on another time.
    pub(in crate::pipeline::run) fn suspend(mut self) -> Result<Closed, RunError> {
        if let Some(journal) = &self.journal {
            let synced = journal.lock().unwrap_or_else(PoisonError::into_inner).sync()?;
            synced.block()?;
        }
        let spending = self.spending(false)?;
        self.commit()?;
        let report = self.report.path().map(Report::partial_path);
        Ok(Closed {
            fees: self.fees(),
            spending,
            never: self.mark.left.never,
            kept: self.state,
            earlier: None,
            tally: self.mark.tally,
            requests: self.mark.requests,
            elapsed: self.mark.elapsed,
            report,
            summary: None,
            verdict: None,
        })
    }

    /// What the rows so far, and the listing, cost.
    fn fees(&self) -> Fees {
        Fees::of(&self.mark.tally.account, &self.mark.requests.lists, &self.prices)
    }

    /// What was spent, when every answer is on disk. A run that has `ended` leaves its claims.
    fn spending(&self, ended: bool) -> Result<Option<Spending>, CheckpointError> {
        let Some(ledger) = &self.ledger else { return Ok(None) };
        let now = self.clock.now();
        let spending = {
            let mut purse = ledger.purse();
            let returned = purse.returned();
            purse.firm(returned, now);
            if ended {
                purse.close(self.mark.started_at, &self.mark.left);
            }
            purse.spending(now)
        };
        ledger.save()?;
        Ok(Some(spending))
    }
}

/// Leaves word of a complete run to the next one, which must not ask for the same things again.
fn leave_word(job: &Job, mark: &Mark, state: &StateDir) -> Result<(), CheckpointError> {
    let Some(wish) = job.wish.as_ref().filter(|_| job.verb == Verb::Restore) else {
        return Ok(());
    };
    if !wish.raise_tier && wish.extend_when_left.is_none() {
        // What an earlier run asked for says nothing of what this one has.
        return state.forget_last_run();
    }
    if mark.undone { Ok(()) } else { state.save_last_run(mark.started_at, &mark.identity) }
}
