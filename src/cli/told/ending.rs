//! What there is to tell of a run, however it ended.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::exit::{Exit, Failure};
use crate::job::{Budget, Job};
use crate::model::{RequestCounts, Spending, Tally};
use crate::pipeline::account::FeesTold;
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::report::Report;
use crate::pipeline::{Ended, Why};

/// What a campaign takes down while it is under way.
#[derive(Debug)]
pub(in crate::cli) struct Session {
    /// When it began, by the machine's clock.
    pub(in crate::cli) began: Timestamp,
    /// How the run ended, once it has.
    pub(in crate::cli) ended: Option<Ended>,
    /// The line that goes on with it.
    pub(in crate::cli) way_on: String,
}

/// What was counted, over all sessions of the run.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) tally: Tally,
    pub(super) requests: RequestCounts,
    pub(super) elapsed: Duration,
    /// What it cost; `None` where only a checkpoint tells of the run.
    pub(super) fees: Option<FeesTold>,
    pub(super) spending: Option<Spending>,
}

/// The end of a run.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) job: String,
    pub(super) verb: &'static str,
    pub(super) target: String,
    pub(super) began: Timestamp,
    pub(super) at: Timestamp,
    pub(super) exit_code: u8,
    /// One word.
    pub(super) reason: String,
    /// What went wrong, if something did, and the way out.
    pub(super) error: Option<(String, Option<String>)>,
    /// Whether the listing was worked through to its end.
    pub(super) complete: bool,
    /// `None` if nothing is known: the run never began.
    pub(super) figures: Option<Figures>,
    /// What it may take.
    pub(super) budget: Budget,
    /// The report, or its partial file.
    pub(super) report: Option<PathBuf>,
    /// The summary beside it, if the run is complete.
    pub(super) summary: Option<PathBuf>,
    /// The line that goes on with it, if it is unfinished.
    pub(super) way_on: Option<String>,
}

impl Ending {
    /// What there is to tell of the run of `job` that has ended with `result`. Where the run could not say
    /// what it came to, its checkpoint does.
    pub(super) fn of(job: &Job, session: &Session, result: &Result<Exit, Failure>, at: Timestamp) -> Self {
        let (exit, error) = match result {
            Ok(exit) => (*exit, None),
            Err(failure) => (failure.exit, Some((chain(&failure.error), failure.hint.clone()))),
        };
        let ended = session.ended.as_ref();
        let complete = ended.is_some_and(|ended| ended.verdict.is_some());
        let mut ending = Self {
            job: job.name.clone(),
            verb: job.verb.as_str(),
            target: job.source.url(),
            began: session.began,
            at,
            exit_code: exit as u8,
            reason: reason(exit, ended).to_owned(),
            error,
            complete,
            figures: None,
            budget: job.budget.clone(),
            report: ended.and_then(|ended| ended.report.clone()),
            summary: ended.and_then(|ended| ended.summary.clone()),
            way_on: None,
        };
        let unfinished = || StateDir::peek_unfinished(&job.state_dir).ok().flatten().is_some();
        if let Some(ended) = ended {
            ending.figures = Some(Figures {
                tally: ended.tally.clone(),
                requests: ended.requests,
                elapsed: ended.elapsed,
                fees: Some(FeesTold::from(&ended.fees)),
                spending: ended.spending.clone(),
            });
        } else if exit != Exit::Locked
            && unfinished()
            && let Ok(Some(mark)) = StateDir::peek(&job.state_dir)
        {
            ending.report = Some(Report::partial_path(&mark.report));
            ending.figures = Some(Figures {
                tally: mark.tally,
                requests: mark.requests,
                elapsed: mark.elapsed,
                fees: None,
                spending: crate::pipeline::budget::peek(&job.state_dir, &job.shared_dir)
                    .ok()
                    .flatten()
                    .map(|(spending, _)| spending),
            });
        }
        if !complete && ending.figures.is_some() && ending.report.is_some() {
            ending.way_on = Some(session.way_on.clone());
        }
        ending
    }
}

/// How it ended, in one word: the verdict of the summary where that is all there is to say.
fn reason(exit: Exit, ended: Option<&Ended>) -> &'static str {
    if let Some(verdict) = ended.and_then(|ended| ended.verdict)
        && verdict.exit_code() == exit as u8
    {
        return verdict.as_str();
    }
    if matches!(ended.and_then(|ended| ended.why.as_ref()), Some(Why::WorkedOut(_))) {
        return "worked_out";
    }
    match exit {
        Exit::Done => "complete",
        Exit::SomeFailed => "failed",
        Exit::Usage => "usage",
        Exit::Safety => "safety",
        Exit::Rights => "rights",
        Exit::NothingMatched => "nothing_matched",
        Exit::Late => "late",
        Exit::Locked => "locked",
        Exit::OwnFiles => "own_files",
        Exit::Interrupted => "interrupted",
        Exit::Terminated => "terminated",
    }
}

/// An error with its causes, each of which says something new.
fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(cause.trim()) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
