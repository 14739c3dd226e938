//! `defrost check JOB…`: everything that is wrong with job files, without network.

use std::path::PathBuf;

use super::args::CheckArgs;
use super::connect;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::load;
use crate::job::{Job, Overrides};
use crate::ui::{error_text, printable};

pub(super) fn run(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let jobs = vetted(&args.files, &Overrides::default(), context)?;
    for (path, job) in args.files.iter().zip(&jobs) {
        let line = format!("{}: ok, {} of {}", path.display(), job.verb.as_str(), job.source.url());
        context.sink.line(&printable(&line, context.look.charset));
    }
    Ok(Exit::Done)
}

/// The jobs of `files`, all sound.
///
/// # Errors
/// The last file's faults, those of the files before having been told.
pub(super) fn vetted(files: &[PathBuf], over: &Overrides, context: &Context) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::with_capacity(files.len());
    let mut failed: Option<Failure> = None;
    for path in files {
        let job = load::from_file(path, over, context).and_then(|job| {
            connect::vet(&job, &*connect::dialect(&job)).map_err(|mut failure| {
                failure.error = failure.error.context(path.display().to_string());
                failure
            })?;
            Ok(job)
        });
        match job {
            Ok(job) => jobs.push(job),
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    context.sink.line(&error_text(
                        before.error.as_ref(),
                        before.hint.as_deref(),
                        context.look,
                    ));
                }
            }
        }
    }
    match failed {
        None => Ok(jobs),
        Some(failure) => Err(failure),
    }
}
