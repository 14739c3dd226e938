//! One job from its first request to its exit code: what scan, plan, restore and run share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::args::OutputFlags;
use super::confirm::{Means, Word, confirm};
use super::connect::{self, Site};
use super::context::Context;
use super::exit::{self, Exit, Failure};
use super::told::{self, Session};
use super::wait::{can_be_known, waited};
use super::{load, plan, preflight};
use crate::job::{Job, Until, Verb};
use crate::model::{Clock as _, Form, SystemClock};
use crate::pipeline::checkpoint::{CheckpointError, LockError};
use crate::pipeline::report::{Summary, Verdict};
use crate::pipeline::source::Names;
use crate::pipeline::{self, Ended, Options, RunError, Why};
use crate::ui::{self, Closing, Cost, Early, printable};

/// How a job is to be run, besides what the job says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How<'a> {
    /// Forget an unfinished run and start over.
    pub(super) fresh: bool,
    /// Exit with [`Exit::NothingMatched`] if no object matched.
    pub(super) fail_empty: bool,
    /// Ask no question, however much the run asks for.
    pub(super) yes: bool,
    /// Words of the command line that name jobs which have ended: a line that goes on with this one
    /// leaves them out.
    pub(super) ended: &'a [String],
    /// What becomes of a plan.
    pub(super) plan: plan::Wanted<'a>,
    /// The plan that the run is held to.
    pub(super) held: Option<&'a Path>,
}

impl How<'_> {
    /// What the output flags say.
    pub(super) const fn of(flags: &OutputFlags) -> Self {
        Self {
            fresh: flags.fresh,
            fail_empty: flags.fail_empty,
            yes: false,
            ended: &[],
            plan: plan::Wanted { out: None, json: false },
            held: None,
        }
    }
}

/// Runs `job` to its end, or to the next signal, and says how it ended.
///
/// # Errors
/// Whatever keeps the run from going on; what was done until then is saved.
pub(super) async fn campaign(job: &Job, how: How<'_>, context: &Context) -> Result<Exit, Failure> {
    let began = SystemClock::new().now();
    let mut session = Session { began, ended: None, way_on: go_on(&context.line, how.ended) };
    let result = worked(job, how, &mut session, context).await;
    told::tell(job, &session, &result, context).await;
    result
}

/// The same; nobody else is told of its end.
async fn worked(job: &Job, how: How<'_>, session: &mut Session, context: &Context) -> Result<Exit, Failure> {
    let waits = job.verb == Verb::Restore && job.wait.until != Until::None;
    if waits {
        can_be_known(job)?;
    }
    // What is wrong with a list or a price table is told before a simulator starts, or anything is sent.
    let listed = job.clone();
    let Some(names) = context.signals.unless_raised(move || Names::open(&listed)).await else {
        return Ok(context.signals.exit());
    };
    let names = names?.map(Arc::new);
    let table = load::price_table(job)?;
    load::payable(job, &table)?;
    preflight::room(job)?;
    let mut job = job.clone();
    job.source.key_list_digest = names.as_ref().map(|names| names.digest().to_owned());
    if let Some(path) = how.held {
        plan::keep_to(&mut job, path, context)?;
    }
    let job = &job;
    let site = connect::site(job, context).await?;
    let (client, clock) = (Arc::clone(&site.client), Arc::clone(&site.clock));
    let prices = Arc::new(table.of(job.source.provider, Some(&site.region)));
    let hour = Arc::clone(&clock);
    let means = Means { store: &client, clock: &clock, prices: &prices, names: names.as_ref() };
    let agreed = match confirm(job, how, &means, context).await {
        Ok(Word::Go(agreed)) => agreed,
        other => {
            let Site { tell, rehearsal, .. } = site;
            drop(tell);
            if let Some(rehearsal) = rehearsal {
                rehearsal.close(false).await?;
            }
            return other.map(|_| context.signals.exit());
        }
    };
    let options = Options {
        confirmed: agreed,
        mute: false,
        fresh: how.fresh,
        fail_empty: how.fail_empty,
        stream: job.report.path.is_none().then(|| Box::new(std::io::stdout()) as _),
        report: report_path(job, clock.now())?,
        names,
        prices: Arc::clone(&prices),
    };
    let ended = pipeline::run(job, client, clock, &*site.tell, context.signals.stop(), options).await;
    session.ended = ended.as_ref().ok().cloned();
    let waited = match &ended {
        Ok(ended) if waits && ended.verdict.is_some_and(can_wait) => {
            close(job, ended, context);
            Some(waited(job, &site, context).await)
        }
        _ => None,
    };
    let Site { tell, rehearsal, .. } = site;
    // The bars, if any, are gone before the table or an error is printed.
    drop(tell);
    if let Some(rehearsal) = rehearsal {
        // A run that was kept out by another one's lock must not touch that one's store.
        let kept_out =
            matches!(&ended, Err(RunError::Checkpoint(CheckpointError::Lock(LockError::Held { .. }))));
        rehearsal.close(!kept_out).await?;
    }
    let ended = match ended {
        Ok(ended) => ended,
        Err(RunError::Aborted) => {
            context.line("ended at once, what was saved is safe: run the line below to go on");
            tell_way_on(how.ended, context);
            return Ok(context.signals.exit());
        }
        Err(error) => return Err(exit::of_run(error, job.source.provider)),
    };
    if let (Some(waited), Some(verdict)) = (waited, ended.verdict) {
        return Ok(Exit::of(verdict).after(waited?));
    }
    close(job, &ended, context);
    if job.verb == Verb::Plan && ended.verdict.is_some() {
        plan::tell(job, &ended, &prices, how.plan, hour.now(), context)?;
    }
    if ended.verdict.is_none() && ended.report.is_some() {
        tell_way_on(how.ended, context);
    }
    if let Some(Why::Safety(stop)) = &ended.why {
        return Err(exit::of_run(RunError::Safety((**stop).clone()), job.source.provider));
    }
    Ok(ended.verdict.map_or_else(|| context.signals.exit(), Exit::of))
}

/// Whether there may be something to wait for.
const fn can_wait(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Complete | Verdict::SomeFailed | Verdict::SomeStuck)
}

/// Where the finished report shall stand, absolute, so that a resumed run finds it from any folder.
/// Its folder is made here, so that its path can be told without detours.
fn report_path(job: &Job, now: jiff::Timestamp) -> Result<PathBuf, Failure> {
    let Some(path) = job.report.file(&job.name, now) else {
        return Ok(PathBuf::new());
    };
    let found = || {
        let path = std::path::absolute(&path)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            anyhow::bail!("it is not the name of a file");
        };
        if let Some(file) = folder.ancestors().find(|above| above.exists()).filter(|above| !above.is_dir()) {
            anyhow::bail!("`{}` is not a folder", file.display());
        }
        std::fs::create_dir_all(folder)?;
        let path = std::fs::canonicalize(folder)?.join(name);
        // The finished files take these names in one step, at the end. That it cannot be done must
        // be known before the first request; and a device must not be replaced by a file.
        let also = job.report.also.iter().map(|form| Form::beside(&path, form.ending()));
        for taken in [path.clone(), Summary::path_beside(&path)].into_iter().chain(also) {
            match std::fs::metadata(&taken) {
                Ok(found) if found.is_dir() => anyhow::bail!("`{}` is a folder", taken.display()),
                Ok(found) if !found.is_file() => anyhow::bail!("`{}` is not a plain file", taken.display()),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(path)
    };
    found().with_context(|| format!("cannot write the report `{}`", path.display())).map_err(|error| {
        Failure::new(Exit::OwnFiles, error, "name another file with --report; `--report -` writes to stdout")
    })
}

/// The closing table, which says what to do next if the run was interrupted.
fn close(job: &Job, ended: &Ended, context: &Context) {
    if context.look.json || context.look.verbosity < -1 {
        return;
    }
    let target = job.source.url();
    let table = ui::closing_table(
        &Closing {
            verb: job.verb.as_str(),
            job: &job.name,
            target: &target,
            provider: Some(job.source.provider),
            tally: &ended.tally,
            requests: ended.requests,
            elapsed: ended.elapsed,
            report: ended.report.as_deref(),
            cost: Some(Cost { sums: &ended.fees.sums(), unknown: &ended.fees.unknown() }),
            complete: ended.verdict.is_some(),
            early: match ended.why {
                Some(Why::WorkedOut(span)) => Some(Early::WorkedOut(span)),
                Some(Why::Safety(_)) => Some(Early::Safety),
                Some(Why::Stopped) | None => None,
            },
            spending: ended.spending.as_ref(),
            over_budget_alone: ended.over_budget_alone,
        },
        context.look,
    );
    context.sink.write(&format!("\n{table}"));
}

/// Tells the line that goes on, where jobs that have `ended` are left out: alone in its line, so that
/// it can be copied.
pub(super) fn tell_way_on(ended: &[String], context: &Context) {
    let line = go_on(&context.line, ended);
    if context.look.json {
        context.line(&format!("to go on: {line}"));
    } else if context.look.verbosity >= -1 {
        context.sink.line(&printable(&line, context.look.charset));
    }
}

/// The line that goes on with an interrupted run, to be pasted into a shell: `typed` without the jobs
/// that have `ended`, and without the wish to start over.
fn go_on(typed: &[String], ended: &[String]) -> String {
    let mut ended: Vec<&String> = ended.iter().collect();
    let mut wanted = |word: &&String| {
        let done = ended.iter().position(|name| name == word);
        done.map(|at| ended.swap_remove(at)).is_none() && word.as_str() != "--fresh"
    };
    typed.iter().filter(|word| wanted(word)).map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// `word` as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_line_to_go_on_with_starts_nothing_over() {
        let typed = words("defrost run a.toml b.toml b.toml --fresh -v");
        assert_eq!(go_on(&typed, &[]), "defrost run a.toml b.toml b.toml -v");
        let ended = words("a.toml b.toml");
        assert_eq!(go_on(&typed, &ended), "defrost run b.toml -v");
    }

    #[test]
    fn words_come_back_from_the_shell_as_they_were() {
        let mut typed = words("defrost scan s3://b/p/ --include *.gz --exclude it's");
        typed.push(String::new());
        assert_eq!(go_on(&typed, &[]), r"defrost scan s3://b/p/ --include '*.gz' --exclude 'it'\''s' ''");
    }
}
