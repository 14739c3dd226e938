//! `defrost check JOB…`: everything that is wrong with job files, without network; and with it.

use std::path::{Path, PathBuf};

use super::args::CheckArgs;
use super::connect;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::{load, preflight, rehearsal};
use crate::job::{Job, Overrides};
use crate::model::{Clock as _, SystemClock};

pub(super) async fn run(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let jobs = vetted(&args.files, &Overrides::default(), context)?;
    let mut worst = Exit::Done;
    for (path, job) in args.files.iter().zip(&jobs) {
        context.line(&format!("{}: ok, {} of {}", path.display(), job.verb.as_str(), job.source.url()));
        if args.online {
            let exit = preflight::online(&path.display().to_string(), job, context).await?;
            worst = if worst == Exit::Done { exit } else { worst };
            continue;
        }
        // No fault of the file: where the job will run, variables or a profile may say it.
        if job.simulator.is_none()
            && let Err(failure) = connect::endpoint(job, &*connect::dialect(job), context)
        {
            let way_out = failure.hint.unwrap_or_default();
            context.line(&format!(
                "{}: but as things stand here, {}; {way_out}",
                path.display(),
                failure.error
            ));
        }
    }
    Ok(worst)
}

/// The job of the file at `path`, if its store and its simulator can make sense of it.
///
/// # Errors
/// Every fault of the job, or of what its store does not offer, or of the simulator's seed.
pub(super) fn sound(path: &Path, over: &Overrides, context: &Context) -> Result<Job, Failure> {
    let job = load::from_file(path, over, context)?;
    connect::vet(&job, &*connect::dialect(&job), &format!("{}: ", path.display()))?;
    if let Some(simulator) = &job.simulator {
        rehearsal::seed(simulator)?;
    }
    Ok(job)
}

/// The jobs of `files`, all sound.
///
/// # Errors
/// The last file's faults, those of the files before having been told.
pub(super) fn vetted(files: &[PathBuf], over: &Overrides, context: &Context) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::with_capacity(files.len());
    let mut failed: Option<Failure> = None;
    for path in files {
        match sound(path, over, context) {
            Ok(job) => jobs.push(job),
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    context.fail(&before);
                }
            }
        }
    }
    match failed {
        None => apart(files, &jobs).map(|()| jobs),
        Some(failure) => Err(failure),
    }
}

/// Whether no two jobs write to the same place.
///
/// # Errors
/// If two do: the later one would take the report or the state of the other for its own.
fn apart(files: &[PathBuf], jobs: &[Job]) -> Result<(), Failure> {
    let now = SystemClock::new().now();
    let report = |job: &Job| {
        let path = job.report.file(&job.name, now)?;
        std::path::absolute(path).ok()
    };
    for (later, job) in jobs.iter().enumerate() {
        for (earlier, other) in jobs[..later].iter().enumerate() {
            let both = format!("`{}` and `{}`", files[earlier].display(), files[later].display());
            if files[earlier] == files[later] {
                let what = format!("`{}` is named twice", files[later].display());
                return Err(Failure::usage(what, "name each job file once"));
            }
            if std::path::absolute(&other.state_dir).ok() == std::path::absolute(&job.state_dir).ok() {
                let what = format!("{both} are both called `{}`, and would share one checkpoint", job.name);
                return Err(Failure::usage(what, "give each its own `name` in [job]"));
            }
            if let Some(path) = report(job).filter(|path| report(other).as_ref() == Some(path)) {
                let what = format!("{both} would write the same report, `{}`", path.display());
                return Err(Failure::usage(what, "put {job} into `path` in [report]"));
            }
        }
    }
    Ok(())
}
