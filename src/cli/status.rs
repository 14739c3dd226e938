//! `defrost status JOB|URL`: where a job stands, from its files alone.

use std::path::Path;

use super::args::StatusArgs;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::load;
use crate::job::{self, Overrides, Verb};
use crate::model::{Clock, Kinds, SystemClock};
use crate::pipeline::budget;
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::report::Report;
use crate::ui::{RunState, StatusView, status_table};

pub(super) fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let mut views = Vec::new();
    if load::is_url(&args.target) {
        for verb in [Verb::Scan, Verb::Plan, Verb::Restore] {
            let folder = job::url_state_dir(verb, &args.target, args.state_dir.as_deref(), &|name| {
                context.env.var(name).map(str::to_owned)
            })?;
            views.extend(view(&folder, &folder)?);
        }
    } else {
        let over = Overrides { state_dir: args.state_dir.clone(), ..Overrides::default() };
        for job in load::all_from_file(Path::new(&args.target), &over, context)? {
            let seen = view(&job.state_dir, &job.shared_dir)?;
            views.push(seen.unwrap_or_else(|| never(&job.name, job.verb, job.source.url())));
            // A retry is told where there was one.
            let retry = job.state_dir.with_file_name(format!("{}-retry", job.name));
            views.extend(view(&retry, &job.shared_dir)?);
        }
    }
    if views.is_empty() {
        views.push(never(&args.target, Verb::Restore, args.target.clone()));
    }
    let now = SystemClock::new().now();
    let tables: Vec<String> = views.iter().map(|view| status_table(view, now, context.look)).collect();
    // The answer to the question is data: it goes to stdout.
    super::out(tables.join("\n").as_bytes())?;
    Ok(Exit::Done)
}

/// What the state in `folder` tells, of a job whose runs share `shared`; nothing if there is none.
fn view(folder: &Path, shared: &Path) -> Result<Option<StatusView>, Failure> {
    let Some(mark) = StateDir::peek(folder)? else {
        return Ok(None);
    };
    let holder = StateDir::holder(folder)?;
    let state = match (&mark.finished, holder) {
        (_, Some(_)) => RunState::Running,
        (None, None) => RunState::Interrupted,
        (Some(_), None) => RunState::Finished,
    };
    let fact = |field: &str| {
        mark.identity
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let finished = mark.finished.is_some();
    Ok(Some(StatusView {
        job: folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        verb: fact("verb"),
        target: fact("url"),
        state,
        rows: mark.rows,
        kinds: Kinds::from(&mark.tally),
        bytes: mark.tally.matched.bytes,
        last_key: mark.reached().map(str::to_owned),
        started: Some(mark.started_at),
        saved_at: Some(mark.saved_at),
        report: Some(if finished { mark.report.clone() } else { Report::partial_path(&mark.report) }),
        lock_pid: holder,
        spending: budget::peek(folder, shared)?,
    }))
}

fn never(job: &str, verb: Verb, target: String) -> StatusView {
    StatusView {
        job: job.to_owned(),
        verb: verb.as_str().to_owned(),
        target,
        state: RunState::Never,
        rows: 0,
        kinds: Kinds::default(),
        bytes: 0,
        last_key: None,
        started: None,
        saved_at: None,
        report: None,
        lock_pid: None,
        spending: None,
    }
}
