//! `defrost check JOB --online`: whether a run of the job could do its work, found out without doing it.
//!
//! Sends one listing, at most one HEAD, one restore request for a key that is not there (nothing is
//! restored by it, and the refusal tells whether the right is there) and, where a bucket may have archive
//! direct read, one question whether it has. What was found is told as a numbered
//! list, each finding with its way out; the exit code is that with which a run would end.

mod direct;
mod ground;
mod remote;

pub(super) use ground::room;

use super::context::Context;
use super::exit::{Exit, Failure};
use crate::job::Job;
use crate::model::{Clock as _, SystemClock};
use crate::ui::{Finding, Grade, finding_json, finding_text};

/// What was found so far, in the order in which it is told.
#[derive(Debug, Default)]
struct Findings(Vec<(Finding, Exit)>);

impl Findings {
    fn ok(&mut self, about: &'static str, text: impl Into<String>) {
        let finding = Finding { about, grade: Grade::Ok, text: text.into(), way_out: None };
        self.0.push((finding, Exit::Done));
    }

    fn warn(&mut self, about: &'static str, text: impl Into<String>, way_out: impl Into<String>) {
        let finding =
            Finding { about, grade: Grade::Warning, text: text.into(), way_out: Some(way_out.into()) };
        self.0.push((finding, Exit::Done));
    }

    /// A fault with which a run would end by `exit`.
    fn fault(&mut self, about: &'static str, exit: Exit, text: impl Into<String>, way_out: Option<String>) {
        self.0.push((Finding { about, grade: Grade::Fault, text: text.into(), way_out }, exit));
    }

    /// The same, as a failure tells it.
    fn failed(&mut self, about: &'static str, failure: &Failure) {
        let causes: Vec<String> = failure.error.chain().map(ToString::to_string).collect();
        self.fault(about, failure.exit, causes.join(": "), failure.hint.clone());
    }

    /// Rights come first, as what only others can mend; then whatever was found first.
    fn exit(&self) -> Exit {
        let faults = || self.0.iter().map(|(_, exit)| *exit).filter(|exit| *exit != Exit::Done);
        faults().find(|exit| *exit == Exit::Rights).or_else(|| faults().next()).unwrap_or(Exit::Done)
    }
}

/// Looks at everything that a run of `job`, read from `file`, would need, and tells what was found.
///
/// # Errors
/// Only if the embedded simulator of the job cannot be ended: whatever else is wrong is a finding.
pub(super) async fn online(file: &str, job: &Job, context: &Context) -> Result<Exit, Failure> {
    let mut findings = Findings::default();
    remote::look(job, &mut findings, context).await?;
    ground::look(job, &mut findings);
    let exit = findings.exit();
    for (index, (finding, _)) in findings.0.iter().enumerate() {
        if context.look.json {
            context.sink.line(&finding_json(index + 1, file, finding, SystemClock::new().now()));
        } else if context.look.verbosity >= 0 || finding.grade != Grade::Ok {
            context.sink.line(&finding_text(index + 1, finding, context.look));
        }
    }
    let of = |grade: Grade| findings.0.iter().filter(|(finding, _)| finding.grade == grade).count();
    let (warnings, faults) = (of(Grade::Warning), of(Grade::Fault));
    let all = findings.0.len();
    context.line(&format!("{file}: {all} findings: {faults} faults, {warnings} warnings"));
    Ok(exit)
}
