//! Job files and URLs to jobs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::context::Context;
use super::exit::{Exit, Failure};
use crate::job::{self, Job, Overrides, PriceTable, Verb};
use crate::model::Currency;

/// Largest job file, in bytes. They have some lines; something else was named by mistake.
const MAX_JOB: u64 = 1 << 20;

/// The job that the file at `path` describes, under what was typed.
///
/// # Errors
/// If the file cannot be read, or anything in it is wrong.
pub(super) fn from_file(path: &Path, over: &Overrides, context: &Context) -> Result<Job, Failure> {
    let text = job_text(path)?;
    Ok(job::from_file(path, &text, over, &|name| context.env.var(name).map(str::to_owned))?)
}

/// The jobs that the file at `path` describes under what was typed, one for each of its sources.
///
/// # Errors
/// If the file cannot be read, or anything in it is wrong.
pub(super) fn all_from_file(path: &Path, over: &Overrides, context: &Context) -> Result<Vec<Job>, Failure> {
    let text = job_text(path)?;
    Ok(job::all_from_file(path, &text, over, &|name| context.env.var(name).map(str::to_owned))?)
}

/// The text of the job file at `path`.
fn job_text(path: &Path) -> Result<String, Failure> {
    let named = path.to_string_lossy();
    if is_url(&named) {
        return Err(Failure::usage(
            format!("`{named}` is a bucket URL, not a job file"),
            "`scan`, `plan` and `restore` take a URL; for this verb write it into a job file, which `defrost init` does",
        ));
    }
    text(path).with_context(|| format!("cannot read the job file `{}`", path.display())).map_err(|error| {
        let hint = unreadable(error.downcast_ref::<io::Error>().map(io::Error::kind));
        Failure::new(Exit::Usage, error, hint)
    })
}

/// What the job file at `path` holds.
fn text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_JOB + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_JOB {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// Whether the bounds of `job` on money are in a currency in which `table` tells prices of its store: in
/// another one nothing could ever be asked for.
///
/// # Errors
/// If a bound is not; nothing has been sent.
pub(super) fn payable(job: &Job, table: &PriceTable) -> Result<(), Failure> {
    let known = table.currencies(job.source.provider);
    for (key, cost) in [("run_cost", &job.budget.run.cost), ("daily_cost", &job.budget.day.cost)] {
        let Some(cost) = cost.as_ref().filter(|cost| !known.contains(&cost.currency)) else { continue };
        let told = match known.as_slice() {
            [] => "knows no price of this store".to_owned(),
            known => {
                let names: Vec<&str> = known.iter().map(Currency::as_str).collect();
                format!("has prices in {}", names.join(" and "))
            }
        };
        return Err(Failure::usage(
            format!("{key} = {cost}: the price table {told}"),
            "write the bound in a currency of the table, or name a table of your own with --prices",
        ));
    }
    Ok(())
}

/// The price table of `job`: its own, or the one that is built in.
///
/// # Errors
/// If it cannot be read, or anything in it is wrong.
pub(super) fn price_table(job: &Job) -> Result<PriceTable, Failure> {
    let Some(path) = &job.prices else { return Ok(PriceTable::built_in()) };
    let unreadable = |error: anyhow::Error| {
        let hint = match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => {
                "check the path; without `prices`, the table that is built in counts"
            }
            _ => "a price table is a plain file of TOML, saved as UTF-8, at most 1 MiB",
        };
        Failure::new(Exit::Usage, error, hint)
    };
    let text = text(path)
        .with_context(|| format!("cannot read the price table `{}`", path.display()))
        .map_err(unreadable)?;
    PriceTable::read(path, &text).map_err(|faults| {
        let head = format!("the price table `{}` is wrong", path.display());
        let hint =
            "put these entries right; an entry that is left out is unknown, which is never taken for nothing";
        Failure::new(Exit::Usage, anyhow::Error::new(faults).context(head), hint)
    })
}

/// The job that a URL and flags describe.
///
/// # Errors
/// If anything in them is wrong.
pub(super) fn from_url(verb: Verb, url: &str, over: &Overrides, context: &Context) -> Result<Job, Failure> {
    Ok(job::from_url(verb, url, over, &|name| context.env.var(name).map(str::to_owned))?)
}

/// Whether `target` is a bucket URL and not a file.
pub(super) fn is_url(target: &str) -> bool {
    target.contains("://")
}

/// The way out where a job file cannot be read.
const fn unreadable(kind: Option<io::ErrorKind>) -> &'static str {
    match kind {
        Some(io::ErrorKind::NotFound) => {
            "check the path and the working folder; `defrost init` writes a job file"
        }
        Some(io::ErrorKind::PermissionDenied) => "give the user that runs defrost the right to read it",
        Some(io::ErrorKind::IsADirectory) => "name a job file in this folder",
        Some(io::ErrorKind::FileTooLarge) => "a job file has some lines of TOML; check the path",
        Some(io::ErrorKind::InvalidData) => "a job file is TOML, saved as UTF-8",
        _ => "a job file must be a plain file that can be read",
    }
}
