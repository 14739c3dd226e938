//! Telling others of the end of a run: figures for Prometheus, a message to a web server, a command.
//!
//! | file | |
//! | --- | --- |
//! | `ending` | what there is to tell of a run, however it ended |
//! | `metrics` | as a textfile for the collector of node_exporter; pure |
//! | `message` | as JSON for a web server or a command; pure |
//!
//! None of this changes how a run ends: what cannot be told is one warning, and the exit code stays. The
//! message and the command are each bound by the job's time limit and end with the next signal; nothing but
//! the file of figures is written when the run itself was ended at once.

mod ending;
mod message;
mod metrics;

use std::io;
use std::path::Path;

use ending::Ending;
pub(super) use ending::Session;

use super::context::Context;
use super::exit::{Exit, Failure};
use crate::job::{Job, SecretPlace, TellOf, WebhookSpec};
use crate::model::{Action, Clock as _, SystemClock};
use crate::pipeline::Step;
use crate::pipeline::checkpoint::{Fresh, publish_readable};
use crate::pipeline::command::{Call, run_command};
use crate::store::sign::webhook::WebhookKey;
use crate::store::webhook::{Post, deliver};

/// A file of figures larger than this is not one of ours, and tells nothing of the last success.
const MAX_METRICS: u64 = 1 << 20;

/// Tells all those whom `job` names of the end of its run.
pub(super) async fn tell(job: &Job, session: &Session, result: &Result<Exit, Failure>, context: &Context) {
    let stop = context.signals.stop();
    let known = stop.step();
    let exit = match result {
        Ok(exit) => *exit,
        Err(failure) => failure.exit,
    };
    let wants_figures = job.metrics.is_some() && exit != Exit::Locked;
    let wants_word =
        known < Step::Abort && (job.notify.webhook.is_some() || !job.notify.on_finish.is_empty());
    if !wants_figures && !wants_word {
        return;
    }
    let ending = Ending::of(job, session, result, SystemClock::new().now());
    if wants_figures {
        figures(job, &ending, context);
    }
    if !wants_word || !job.notify.of.iter().any(|of| is_of(*of, &ending)) {
        return;
    }
    let body = message::body(&ending);
    tokio::select! {
        biased;
        _ = stop.beyond(known) => context.warn(
            "who is to be told of the end of the run may not have been told: a signal came",
            "the run itself is done with; its exit code and its files are as they would have been",
        ),
        ((), ()) = async { tokio::join!(webhook(job, &body, context), command(job, &ending, &body, context)) } => {}
    }
}

/// Whether `ending` is that of a run of which is told.
fn is_of(of: TellOf, ending: &Ending) -> bool {
    const CHANGES: [Action; 5] =
        [Action::Requested, Action::Extended, Action::Planned, Action::Released, Action::Failed];
    match of {
        TellOf::Always => true,
        TellOf::Failure => ending.exit_code != 0,
        TellOf::Change => ending
            .figures
            .as_ref()
            .is_some_and(|figures| CHANGES.iter().any(|action| figures.tally.action(*action).objects > 0)),
    }
}

/// Writes the file of figures.
fn figures(job: &Job, ending: &Ending, context: &Context) {
    let Some(spec) = &job.metrics else { return };
    let path = spec.file(&job.name);
    let written = room(&path).and_then(|()| {
        let text = metrics::text(ending, last_success(&path, &job.name));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), std::fs::create_dir_all)?;
        publish_readable(&path, text.as_bytes())
    });
    if let Err(error) = written {
        context.warn(
            &format!("cannot write the figures for Prometheus `{}`: {error}", path.display()),
            "make room or rights for it, or name another file (metrics in [report], --metrics)",
        );
    }
}

/// Whether the figures may stand at `path`: they take the place of what is there, and a device or a pipe must
/// not go for them. Nor must one stand where they are written first: a pipe would be waited for.
fn room(path: &Path) -> io::Result<()> {
    for taken in [path, &Fresh::under(path)] {
        match std::fs::metadata(taken) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return Err(io::Error::other(format!("`{}` is not a plain file", taken.display())));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// When the job last succeeded, by the figures that stand at `path`.
fn last_success(path: &Path, job: &str) -> Option<f64> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_METRICS).read_to_string(&mut text).ok()?;
    metrics::last_success(&text, job)
}

/// Sends the message.
async fn webhook(job: &Job, body: &[u8], context: &Context) {
    let Some(hook) = &job.notify.webhook else { return };
    let host = hook.url.to_string();
    let key = match key(hook, context) {
        Ok(key) => key,
        Err((what, way_out)) => {
            return context.warn(&format!("the webhook of {host} was not called: {what}"), way_out);
        }
    };
    let id = format!("msg_{:032x}", rand::random::<u128>());
    let post = Post {
        url: hook.url.secret_text(),
        host: &host,
        id: &id,
        body,
        key: key.as_ref(),
        time_limit: job.notify.time_limit,
    };
    let clock = SystemClock::new();
    if let Err(error) = deliver(post, &context.env, &|| clock.now(), &clock).await {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        context.warn(
            &format!("the webhook was not told of the end of the run: {error}{cause}"),
            "check webhook in [notify] and who answers there; the message is the summary, which stands beside the report",
        );
    }
}

/// What the message is signed with; `None` for no signature. Why it cannot be had, and the way out, hold
/// nothing of the secret.
fn key(hook: &WebhookSpec, context: &Context) -> Result<Option<WebhookKey>, (String, &'static str)> {
    const FORM: &str =
        "the secret is base64 of 24 to 64 bytes, usually behind whsec_: `openssl rand -base64 32` makes one";
    let (place, text) = match &hook.secret {
        None => return Ok(None),
        Some(SecretPlace::Variable(name)) => {
            let text = context.env.var(name).ok_or_else(|| {
                (
                    format!("the variable {name} is not set"),
                    "set it to the secret that the message is signed with",
                )
            })?;
            (format!("the secret in the variable {name}"), text.to_owned())
        }
        Some(SecretPlace::File(path)) => {
            let text =
                context.env.read(&path.to_string_lossy()).map_err(|error| (error.to_string(), FORM))?;
            let missing = || {
                (
                    format!("there is no file `{}`", path.display()),
                    "write the secret into it, readable by its user alone",
                )
            };
            (format!("the secret in `{}`", path.display()), text.ok_or_else(missing)?)
        }
    };
    match WebhookKey::read(&text) {
        Ok(key) => Ok(Some(key)),
        Err(why) => Err((format!("{place} cannot be used: {why}"), FORM)),
    }
}

/// Starts the command.
async fn command(job: &Job, ending: &Ending, body: &[u8], context: &Context) {
    if job.notify.on_finish.is_empty() {
        return;
    }
    let shown = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let (report, summary) = (shown(&ending.report), shown(&ending.summary));
    let code = ending.exit_code.to_string();
    let filled = [
        ("{report}", report.as_str()),
        ("{summary}", summary.as_str()),
        ("{exit_code}", code.as_str()),
        ("{job}", ending.job.as_str()),
    ];
    let call =
        Call { line: &job.notify.on_finish, filled: &filled, input: body, time_limit: job.notify.time_limit };
    if let Err(what) = run_command(call, &SystemClock::new()).await {
        context.warn(
            &format!("on_finish: {what}"),
            "check the command in [notify]; it is given what happened as JSON on its standard input",
        );
    }
}

/// What of telling would not work as things stand here, for `check`: nothing is sent.
pub(super) fn doubts(job: &Job, context: &Context) -> Vec<String> {
    let key = job.notify.webhook.as_ref().map(|hook| key(hook, context));
    let mut doubts: Vec<String> = key
        .and_then(Result::err)
        .map(|(what, way_out)| format!("the webhook would not be called: {what}; {way_out}"))
        .into_iter()
        .collect();
    if let Some(path) = job.metrics.as_ref().map(|metrics| metrics.file(&job.name))
        && let Err(error) = room(&path)
    {
        doubts.push(format!(
            "the figures for Prometheus could not be written to `{}`: {error}; name a file",
            path.display()
        ));
    }
    for (key, line) in [("on_finish", &job.notify.on_finish), ("on_ready", &job.wait.on_ready)] {
        // A word with a placeholder in it is known when the run ends.
        if let Some(program) = line.first().filter(|program| !program.contains('{'))
            && let Err(why) = startable(program, context.env.var("PATH"))
        {
            doubts.push(format!(
                "{key} could not start `{program}`: {why}; name a program that is there and may be run, best by its whole path"
            ));
        }
    }
    doubts
}

/// Whether `program` could be started, as the system would look for it in `path`; why not, if it could not.
fn startable(program: &str, path: Option<&str>) -> Result<(), &'static str> {
    let runs = |file: &Path| match std::fs::metadata(file) {
        Err(_) => Err("there is no such file"),
        Ok(found) if !found.is_file() => Err("it is no file"),
        Ok(_) if !executable(file) => Err("it is not executable for this user"),
        Ok(_) => Ok(()),
    };
    if program.contains('/') {
        return runs(Path::new(program));
    }
    let Some(path) = path else { return Ok(()) };
    let found: Vec<_> = std::env::split_paths(path).map(|folder| runs(&folder.join(program))).collect();
    if found.iter().any(Result::is_ok) {
        return Ok(());
    }
    let there = found.into_iter().find(|why| *why != Err("there is no such file"));
    there.unwrap_or(Err("no folder of PATH has it"))
}

#[cfg(unix)]
fn executable(file: &Path) -> bool {
    rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn executable(_file: &Path) -> bool {
    true
}
