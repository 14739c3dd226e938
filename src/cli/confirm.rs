//! The question before a run that would ask for more than `[safety] confirm_over`.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::Arc;

use super::campaign::How;
use super::context::Context;
use super::exit::{self, Exit, Failure};
use crate::job::{Job, Prices, Rows, Verb};
use crate::model::{Action, Clock, Count, Event};
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::source::Names;
use crate::pipeline::{self, Ended, Options, RunError, Step, Why};
use crate::store::Store;
use crate::ui::{human_bytes, human_objects};

/// How a question ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The run may begin; tells whether somebody agreed to its size.
    Go(bool),
    /// A signal came instead of an answer.
    Stopped,
}

/// What counting takes: what the run itself is given.
pub(super) struct Means<'m, S> {
    pub(super) store: &'m Arc<S>,
    pub(super) clock: &'m Arc<dyn Clock>,
    pub(super) prices: &'m Arc<Prices>,
    pub(super) names: Option<&'m Arc<Names>>,
}

/// Asks, if it has to be asked, before `job` sends its first restore request.
///
/// # Errors
/// If the answer is no, if nobody is there to be asked, or if what would be asked for cannot be found out.
pub(super) async fn confirm<S: Store + 'static>(
    job: &Job,
    how: How<'_>,
    means: &Means<'_, S>,
    context: &Context,
) -> Result<Word, Failure> {
    let Some(over) = job.safety.confirm_over.filter(|_| job.verb == Verb::Restore) else {
        return Ok(Word::Go(false));
    };
    // A budget below the bound answers by itself.
    let most = [job.budget.run.bytes, job.budget.day.bytes].into_iter().flatten().min().unwrap_or(u64::MAX);
    if most <= over {
        return Ok(Word::Go(false));
    }
    if how.yes
        || StateDir::holder(&job.state_dir)?.is_some()
        || (!how.fresh && is_agreed(job, &**means.clock)?)
    {
        // Where another run holds the lock, that is what is told.
        return Ok(Word::Go(true));
    }
    context.line("counting what would be asked for, since the job has a confirm_over");
    let Some(wanted) = count(job, means, context).await? else {
        return Ok(Word::Stopped);
    };
    let bytes = wanted.bytes.min(most);
    if bytes <= over {
        return Ok(Word::Go(false));
    }
    let what = format!(
        "this run would ask for {} of {}, more than confirm_over = {}",
        human_bytes(bytes),
        human_objects(wanted.objects),
        human_bytes(over)
    );
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(refused(format!("{what}, and there is no terminal to ask on")));
    }
    match asked(what.clone(), context).await {
        None => Ok(Word::Stopped),
        Some(true) => Ok(Word::Go(true)),
        Some(false) => Err(refused(format!("{what}, and the answer was no"))),
    }
}

fn refused(what: String) -> Failure {
    Failure::new(
        Exit::Safety,
        anyhow::Error::msg(what),
        "nothing was asked for; pass --yes to go ahead, or raise confirm_over under [safety]",
    )
}

/// Whether an unfinished run of the job goes on whose size was agreed to.
fn is_agreed(job: &Job, clock: &dyn Clock) -> Result<bool, Failure> {
    let mark = StateDir::peek_unfinished(&job.state_dir)?;
    Ok(mark.is_some_and(|mark| {
        let lapsed = mark.copies_until.is_some_and(|until| until <= clock.now());
        mark.confirmed && !lapsed && mark.differences(&job.identity()).is_empty()
    }))
}

/// What the run would ask for, by the same way as the run, without a request, a row or a trace.
async fn count<S: Store + 'static>(
    job: &Job,
    means: &Means<'_, S>,
    context: &Context,
) -> Result<Option<Count>, Failure> {
    let Means { store, clock, prices, names } = *means;
    let mut dry = job.clone();
    dry.verb = Verb::Plan;
    dry.report.rows = Rows::Failed;
    // Any name: a job that has one is listed in many ranges at once. Nothing is written.
    dry.report.path = Some("-".to_owned());
    let options = Options {
        stream: Some(Box::new(std::io::sink())),
        names: names.cloned(),
        prices: Arc::clone(prices),
        mute: true,
        ..Options::default()
    };
    let quiet = |_: Event| {};
    let counted =
        pipeline::run(&dry, Arc::clone(store), Arc::clone(clock), &quiet, context.signals.stop(), options)
            .await;
    match counted {
        Ok(ended) if ended.verdict.is_some() => Ok(Some(ended.tally.action(Action::Planned))),
        Ok(Ended { why: Some(Why::Safety(stop)), .. }) => {
            Err(exit::of_run(RunError::Safety(*stop), job.source.provider))
        }
        Ok(_) | Err(RunError::Aborted) => Ok(None),
        Err(error) => Err(exit::of_run(error, job.source.provider)),
    }
}

/// Asks on the terminal; `None` if a signal came instead of an answer.
async fn asked(what: String, context: &Context) -> Option<bool> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    // A thread of its own, which nobody has to wait for: it may wait for a line for ever.
    std::thread::spawn(move || {
        let said = question(&what, &mut std::io::stdin().lock(), &mut std::io::stderr());
        // Whoever was stopped does not hear it.
        let _ = answer.send(said);
    });
    tokio::select! {
        biased;
        _ = context.signals.stop().beyond(Step::Go) => None,
        said = answered => Some(said.unwrap_or(false)),
    }
}

/// Asks whether to go on; anything but a plain yes is a no.
fn question(what: &str, from: &mut impl BufRead, to: &mut impl Write) -> bool {
    let mut line = String::new();
    let asked = write!(to, "{what}\nGo on? [y/N] ").and_then(|()| to.flush());
    let read = asked.and_then(|()| from.read_line(&mut line));
    read.is_ok() && ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_a_yes() {
        let said = |line: &[u8]| question("so much", &mut &line[..], &mut Vec::new());
        for yes in ["y\n", "Y\n", "yes\n", " YES \r\n", "y"] {
            assert!(said(yes.as_bytes()), "{yes:?}");
        }
        for no in [&b"n\n"[..], b"N\n", b"no\n", b"\n", b"", b"yy\n", b"j\n", b"\xff\n", b"n\ny\n"] {
            assert!(!said(no), "{no:?}");
        }
        let mut told = Vec::new();
        question("so much", &mut &b""[..], &mut told);
        assert_eq!(told, b"so much\nGo on? [y/N] ");
    }
}
