//! `defrost check JOB…`: everything that is wrong with job files, without network; and with it.

use std::path::{Path, PathBuf};

use super::args::CheckArgs;
use super::connect;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::{load, preflight, rehearsal, told};
use crate::job::{Job, Overrides};
use crate::model::{Clock as _, SystemClock};
use crate::pipeline::source::Names;

pub(super) async fn run(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let jobs = vetted(&args.files, &Overrides::default(), context)?;
    let mut worst = Exit::Done;
    for Vetted { file: path, job } in &jobs {
        context.line(&format!("{}: ok, {} of {}", path.display(), job.verb.as_str(), job.source.url()));
        for doubt in told::doubts(job, context) {
            context.line(&format!("{}: but as things stand here, {doubt}", path.display()));
        }
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

/// The job of the file at `path`, which has a single source, if its store and its simulator can make
/// sense of it.
///
/// # Errors
/// Every fault of the job, or of what its store does not offer, or of the simulator's seed.
pub(super) fn sound(path: &Path, over: &Overrides, context: &Context) -> Result<Job, Failure> {
    let job = load::from_file(path, over, context)?;
    is_sound(path, &job).map(|()| job)
}

/// The jobs of the file at `path`, one for each of its sources.
///
/// # Errors
/// As [`sound`].
pub(super) fn all_sound(path: &Path, over: &Overrides, context: &Context) -> Result<Vec<Job>, Failure> {
    let jobs = load::all_from_file(path, over, context)?;
    jobs.iter().try_for_each(|job| is_sound(path, job)).map(|()| jobs)
}

fn is_sound(path: &Path, job: &Job) -> Result<(), Failure> {
    connect::vet(job, &*connect::dialect(job), &format!("{}: ", path.display()))?;
    if let Some(simulator) = &job.simulator {
        rehearsal::seed(simulator)?;
    }
    Names::check(job)?;
    Ok(())
}

/// A job that is sound, and the file that describes it.
#[derive(Debug)]
pub(super) struct Vetted {
    pub(super) file: PathBuf,
    pub(super) job: Job,
}

/// The jobs of `files`, all sound.
///
/// # Errors
/// The last file's faults, those of the files before having been told.
pub(super) fn vetted(files: &[PathBuf], over: &Overrides, context: &Context) -> Result<Vec<Vetted>, Failure> {
    let mut jobs = Vec::with_capacity(files.len());
    let mut failed: Option<Failure> = None;
    for path in files {
        match all_sound(path, over, context) {
            Ok(sound) => jobs.extend(sound.into_iter().map(|job| Vetted { file: path.clone(), job })),
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
fn apart(files: &[PathBuf], jobs: &[Vetted]) -> Result<(), Failure> {
    let now = SystemClock::new().now();
    let report = |job: &Job| {
        let path = job.report.file(&job.name, now)?;
        std::path::absolute(path).ok()
    };
    if let Some(twice) = files.iter().enumerate().find(|(at, file)| files[..*at].contains(file)) {
        let what = format!("`{}` is named twice", twice.1.display());
        return Err(Failure::usage(what, "name each job file once"));
    }
    for (later, Vetted { file, job }) in jobs.iter().enumerate() {
        for Vetted { file: before, job: other } in &jobs[..later] {
            let both = if before == file {
                format!("two sources of `{}`", file.display())
            } else {
                format!("`{}` and `{}`", before.display(), file.display())
            };
            if std::path::absolute(&other.state_dir).ok() == std::path::absolute(&job.state_dir).ok() {
                let what = format!("{both} are both called `{}`, and would share one checkpoint", job.name);
                return Err(Failure::usage(what, "give each its own `name` in [job]"));
            }
            let figures = |job: &Job| job.metrics.as_ref().map(|metrics| metrics.file(&job.name));
            if let Some(path) = figures(job).filter(|path| figures(other).as_ref() == Some(path)) {
                let what = format!("{both} would write the same figures, `{}`", path.display());
                return Err(Failure::usage(what, "put {job} into `metrics` in [report], or into --metrics"));
            }
            if let Some(path) = report(job).filter(|path| report(other).as_ref() == Some(path)) {
                let what = format!("{both} would write the same report, `{}`", path.display());
                return Err(Failure::usage(what, "put {job} into `path` in [report]"));
            }
        }
    }
    Ok(())
}
