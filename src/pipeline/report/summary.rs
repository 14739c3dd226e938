//! `*.summary.json`: what the run amounted to, for machines.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Durable;
use crate::model::{Action, Flag, Form, Reason, RequestCounts, Spending, Tally, Timeline};
use crate::pipeline::account::FeesTold;
use crate::pipeline::checkpoint::FinishedFile;

/// Version of the summary's fields; it grows when one changes its meaning or goes.
const FORMAT: u32 = 1;
/// Largest summary that is read, in bytes; the bounds of its maps keep real ones below 1 MB.
const MAX_SUMMARY: u64 = 8 << 20;

/// What a run that worked its listing through came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All as wanted.
    Complete,
    /// Some objects failed.
    SomeFailed,
    /// None failed, but some have been restoring for longer than their tier promises.
    SomeStuck,
    /// Every single restore request was denied: a matter of rights, not of objects.
    AllDenied,
    /// Nothing matched, and that was to be told.
    NothingMatched,
}

impl Verdict {
    /// The verdict over what was counted; `fail_empty` tells whether an empty run is to be told.
    #[must_use]
    pub fn of(tally: &Tally, requests: RequestCounts, fail_empty: bool) -> Self {
        let failed = tally.action(Action::Failed).objects;
        let denied = tally.reasons.get(&Reason::Denied).copied().unwrap_or_default();
        if failed == 0 && tally.flagged(Flag::Stuck).objects > 0 {
            return Self::SomeStuck;
        }
        if failed == 0 {
            return if fail_empty && tally.matched.objects == 0 {
                Self::NothingMatched
            } else {
                Self::Complete
            };
        }
        let taken = tally.action(Action::Requested).objects + tally.action(Action::Extended).objects;
        // One request more than were denied has been taken, as new or as running already; where none
        // was sent, one HEAD more has been answered.
        let asked = if requests.restore > 0 { requests.restore } else { requests.head };
        if denied == failed && taken == 0 && asked <= denied { Self::AllDenied } else { Self::SomeFailed }
    }

    /// The word in the summary and the checkpoint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::SomeFailed => "some_failed",
            Self::SomeStuck => "some_stuck",
            Self::AllDenied => "all_denied",
            Self::NothingMatched => "nothing_matched",
        }
    }

    /// The exit code of a process that did nothing else.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::SomeFailed => 1,
            Self::SomeStuck => 6,
            Self::AllDenied => 4,
            Self::NothingMatched => 5,
        }
    }
}

/// The summary of a finished run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Version of these fields.
    pub format: u32,
    /// Version of the program.
    pub defrost: String,
    /// Name of the job.
    pub job: String,
    /// `scan`, `plan` or `restore`.
    pub verb: String,
    /// The bucket URL.
    pub target: String,
    /// Run id, the same over all resumptions.
    pub run_id: String,
    /// Whether the store was the one that comes along (`[simulator]` in the job file): no cloud was asked.
    #[serde(default)]
    pub simulated: bool,
    /// When the run first started.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How it ended.
    pub exit_reason: String,
    /// The exit code.
    pub exit_code: u8,
    /// Time spent working, over all sessions, in seconds.
    pub elapsed_seconds: f64,
    /// How many sessions it took; 1 if it was never interrupted.
    pub sessions: u32,
    /// Counts.
    pub tally: Tally,
    /// Requests by kind, over all sessions.
    pub requests: RequestCounts,
    /// What they cost by the price table; in a plan, what a run would cost.
    #[serde(default)]
    pub fees: FeesTold,
    /// Entries listed a second.
    pub listed_per_second: f64,
    /// Restore POSTs a second.
    pub restores_per_second: f64,
    /// What the run and its day took of the job's budget, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
    /// Objects that the budget will never pay for: each alone is over a bound, or has no known price.
    #[serde(default)]
    pub over_budget_alone: u64,
    /// What was done when; empty in summaries of earlier versions.
    #[serde(default)]
    pub timeline: Timeline,
    /// The report's file name (beside this file); empty for stdout.
    pub report: String,
    /// SHA-256 of the report as it stands, lower-case hex.
    pub report_sha256: String,
    /// The same rows in other forms, beside the report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<AlsoWritten>,
}

/// A file beside the report, with the same rows in another form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlsoWritten {
    /// Its name.
    pub file: String,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
}

impl AlsoWritten {
    fn of(file: &FinishedFile) -> Self {
        Self { file: name_of(&file.path), sha256: file.sha256() }
    }
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What a summary says besides counts.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) job: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) target: String,
    pub(crate) simulated: bool,
    pub(crate) run_id: &'a str,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) elapsed: Duration,
    pub(crate) sessions: u32,
    /// The finished files, the report itself first; none for a stream.
    pub(crate) named: &'a [FinishedFile],
    /// What was written of a stream.
    pub(crate) written: &'a Durable,
    pub(crate) verdict: Verdict,
    pub(crate) fees: FeesTold,
    pub(crate) spending: Option<Spending>,
    pub(crate) never: u64,
    pub(crate) timeline: Timeline,
}

impl Summary {
    /// The summary of a run that worked its listing through.
    pub(crate) fn of(facts: Facts<'_>, tally: Tally, requests: RequestCounts, report: Option<&Path>) -> Self {
        let seconds = facts.elapsed.as_secs_f64().max(1e-6);
        Self {
            format: FORMAT,
            defrost: env!("CARGO_PKG_VERSION").to_owned(),
            job: facts.job.to_owned(),
            verb: facts.verb.to_owned(),
            target: facts.target,
            simulated: facts.simulated,
            run_id: facts.run_id.to_owned(),
            started_at: facts.started_at,
            finished_at: facts.finished_at,
            exit_reason: facts.verdict.as_str().to_owned(),
            exit_code: facts.verdict.exit_code(),
            elapsed_seconds: facts.elapsed.as_secs_f64(),
            sessions: facts.sessions,
            listed_per_second: tally.listed as f64 / seconds,
            restores_per_second: requests.restore as f64 / seconds,
            tally,
            requests,
            fees: facts.fees,
            spending: facts.spending,
            over_budget_alone: facts.never,
            timeline: facts.timeline,
            report: report.map(name_of).unwrap_or_default(),
            report_sha256: match facts.named.first() {
                Some(file) => file.sha256(),
                None => facts.written.sha256().to_owned(),
            },
            also: facts.named.iter().skip(1).map(AlsoWritten::of).collect(),
        }
    }

    /// Where the summary of the report at `report` stands: `x.csv` → `x.summary.json`, and so is that of
    /// `x.csv.gz`.
    #[must_use]
    pub fn path_beside(report: &Path) -> PathBuf {
        Form::beside(report, "summary.json")
    }

    /// The summary beside the report at `report`; `None` if there is none.
    ///
    /// # Errors
    /// If what stands there cannot be read as one.
    pub fn beside(report: &Path) -> io::Result<Option<Self>> {
        let mut text = Vec::new();
        match File::open(Self::path_beside(report)) {
            Ok(file) => file.take(MAX_SUMMARY + 1).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if text.len() as u64 > MAX_SUMMARY {
            return Err(io::Error::other("it is larger than any summary"));
        }
        serde_json::from_slice(&text).map(Some).map_err(io::Error::other)
    }

    /// The SHA-256 that this tells of the file at `path`, which is the report itself or one of the files
    /// with the same rows in another form; `None` if it is the summary of another file. Reports that share a
    /// name but for its ending share the place of the summary.
    #[must_use]
    pub fn sha256_of(&self, path: &Path) -> Option<&str> {
        let name = name_of(path);
        if self.report.is_empty() || self.report == name {
            return Some(&self.report_sha256);
        }
        self.also.iter().find(|also| also.file == name).map(|also| also.sha256.as_str())
    }

    /// Writes the summary beside its report, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn save(&self, report: &Path) -> io::Result<PathBuf> {
        let path = Self::path_beside(report);
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        super::super::checkpoint::publish_file(&path, &text)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Count;

    #[test]
    fn the_verdict_follows_the_rows() {
        let verdict = |actions: &[(Action, u64)], denied: u64, posts: u64, fail_empty: bool| {
            let mut tally = Tally::default();
            for &(action, objects) in actions {
                tally.matched.objects += objects;
                tally.actions.insert(action, Count { objects, bytes: 0 });
            }
            tally.reasons.insert(Reason::Denied, denied);
            Verdict::of(&tally, RequestCounts { restore: posts, ..RequestCounts::default() }, fail_empty)
        };
        assert_eq!(verdict(&[(Action::Already, 9)], 0, 9, false), Verdict::Complete);
        assert_eq!(verdict(&[], 0, 0, false), Verdict::Complete);
        assert_eq!(verdict(&[], 0, 0, true), Verdict::NothingMatched);
        assert_eq!(
            verdict(&[(Action::Failed, 1), (Action::Requested, 9)], 1, 10, false),
            Verdict::SomeFailed
        );
        assert_eq!(verdict(&[(Action::Failed, 3), (Action::None, 1)], 3, 3, false), Verdict::AllDenied);
        let mut tally = Tally::default();
        tally.flag(Flag::Stuck, 1);
        assert_eq!(Verdict::of(&tally, RequestCounts::default(), true), Verdict::SomeStuck);
        tally.actions.insert(Action::Failed, Count { objects: 1, bytes: 0 });
        assert_eq!(Verdict::of(&tally, RequestCounts::default(), true), Verdict::SomeFailed);
        // The others were running by the listing: no request says that the right is there.
        assert_eq!(verdict(&[(Action::Failed, 3), (Action::Already, 2)], 3, 3, false), Verdict::AllDenied);
        assert_eq!(verdict(&[(Action::Failed, 3)], 2, 3, true), Verdict::SomeFailed);
    }
}
