//! `defrost retry JOB…`: what failed in the last run of job files, once more.

use std::path::{Path, PathBuf};

use super::args::RetryArgs;
use super::check::{Vetted, vetted};
use super::context::Context;
use super::exit::{Exit, Failure};
use super::run;
use crate::job::Job;
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::report::report_of;
use crate::pipeline::source::Names;

pub(super) async fn run(args: &RetryArgs, context: &Context) -> Result<Exit, Failure> {
    let mut over = args.job.overrides(args.dry_run);
    if over.files_from.take().is_some() {
        return Err(Failure::usage(
            "--files-from: a retry takes what failed from a report",
            "name one with --from-csv, or use `defrost run --files-from FILE` for a list of keys",
        ));
    }
    let csv = over.from_csv.take().map(PathBuf::from);
    if csv.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage(
            "--from-csv \"-\": a retry reads its report twice",
            "name a file; without --from-csv, the last report of the job is taken",
        ));
    }
    // Whose last run counts is the job itself, also where this line only shows what would be done.
    let named = over.report.is_some();
    let jobs = vetted(&args.files, &over, context)?;
    if csv.is_some() && jobs.len() > 1 {
        return Err(Failure::usage(
            "--from-csv: one report, and several jobs or sources",
            "retry one job at a time, or leave --from-csv out",
        ));
    }
    let mut retries = Vec::with_capacity(jobs.len());
    for Vetted { file, job } in jobs {
        let report = match &csv {
            Some(path) => path.clone(),
            None => last_report(&file, &job)?,
        };
        let job = job.retry(report, named);
        match Names::open(&job)? {
            Some(list) if list.count() == 0 => {
                context.line(&format!("{}: nothing failed: there is nothing to retry", file.display()));
            }
            _ => retries.push(Vetted { file, job }),
        }
    }
    run::all(&retries, &args.job, None, context).await
}

/// The report of the last run of `job`, which must be finished.
fn last_report(file: &Path, job: &Job) -> Result<PathBuf, Failure> {
    // A dry run keeps its state apart; what failed stands in the report of the real one.
    let folder = match job.name.strip_suffix("-plan").filter(|_| job.verb == crate::job::Verb::Plan) {
        Some(name) => job.state_dir.with_file_name(name),
        None => job.state_dir.clone(),
    };
    let file = file.display();
    match StateDir::peek(&folder)? {
        Some(mark) if mark.finished.is_some() => Ok(report_of(&mark.report, &mark.run_id)),
        Some(_) => Err(Failure::usage(
            format!("the last run of `{file}` is not finished: what failed is not known yet"),
            format!("go on with it first: `defrost run {file}`; or name a report with --from-csv"),
        )),
        None => Err(Failure::usage(
            format!("`{file}` has not been run yet: there is nothing to retry"),
            format!("run it first: `defrost run {file}`; or name a report with --from-csv"),
        )),
    }
}
