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
    context.strangers();
    Ok(job::from_file(path, &text, over, context.env.all())?)
}

/// The jobs that the file at `path` describes under what was typed, one for each of its sources.
///
/// # Errors
/// If the file cannot be read, or anything in it is wrong.
pub(super) fn all_from_file(path: &Path, over: &Overrides, context: &Context) -> Result<Vec<Job>, Failure> {
    let text = job_text(path)?;
    context.strangers();
    Ok(job::all_from_file(path, &text, over, context.env.all())?)
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
    let unread = |error: io::Error| {
        let hint = unreadable(error.kind());
        let error = anyhow::Error::new(error).context(format!("cannot read the job file `{named}`"));
        Failure::new(Exit::Usage, error, hint)
    };
    let bytes = bytes(path).map_err(unread)?;
    if let Some((what, way_out)) = other_file(&bytes) {
        return Err(Failure::usage(format!("`{named}` is no job file: it {what}"), way_out));
    }
    text(bytes).map_err(unread)
}

/// What a file that begins with `bytes` is instead of a job file, and what to do with that; `None` if it may
/// be one.
fn other_file(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const OF_REPORTS: &str = "`defrost report` reads one, `defrost diff` compares two; `defrost restore URL --from-csv FILE` \
                              restores what one names, as `from_csv` in [[source]] does";
    const OF_LISTS: &str =
        "`defrost restore URL --files-from FILE` takes a list of keys, as `key_list` in [[source]] does";
    const OF_JSON: &str = "`defrost report` reads a report, and what stands beside it; a job file is TOML";
    if [&b"\x1f\x8b"[..], b"\x28\xb5\x2f\xfd", b"PAR1"].iter().any(|magic| bytes.starts_with(magic)) {
        return Some(("holds packed data, as reports do", OF_REPORTS));
    }
    if bytes.contains(&0) {
        return Some(("holds binary data", "a job file is TOML, saved as UTF-8; check the path"));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        let empty = ("is empty", "`defrost init` writes a job file, from a few questions");
        return (bytes.len() as u64 <= MAX_JOB).then_some(empty);
    };
    let columns: Vec<&str> = first.split(',').map(|column| column.trim_matches('"')).collect();
    // A comment may well name columns.
    let is_header = columns.contains(&"key") && columns.len() > 1 && !first.starts_with('#');
    if is_header && !first.contains('=') {
        return Some(("is a CSV with a column of keys, as reports are", OF_REPORTS));
    }
    if first.starts_with('{') {
        return Some(("holds JSON", OF_JSON));
    }
    // What is no text is told as that.
    std::str::from_utf8(bytes).ok()?;
    // Every line of TOML that is no comment says a key, opens a table, or goes on with a value above it.
    let is_toml = |line: &str| line.starts_with(['#', '[']) || line.contains('=');
    let none = ("has no table and no setting, as lists of keys have none", OF_LISTS);
    (!is_toml(first) && !lines.any(is_toml)).then_some(none)
}

/// What the file at `path` holds, as far as a job file can go and a byte more.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_JOB + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of `bytes`, if that is not too much of it.
fn text(bytes: Vec<u8>) -> io::Result<String> {
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
    let text = bytes(path)
        .and_then(text)
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
    context.strangers();
    Ok(job::from_url(verb, url, over, context.env.all())?)
}

/// Whether `target` is a bucket URL and not a file.
pub(super) fn is_url(target: &str) -> bool {
    target.contains("://")
}

/// The way out where a job file cannot be read.
const fn unreadable(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "check the path and the working folder; `defrost init` writes a job file",
        io::ErrorKind::PermissionDenied => "give the user that runs defrost the right to read it",
        io::ErrorKind::IsADirectory => "name a job file in this folder",
        io::ErrorKind::FileTooLarge => "a job file has some lines of TOML; check the path",
        io::ErrorKind::InvalidData => "a job file is TOML, saved as UTF-8",
        _ => "a job file must be a plain file that can be read",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_job_is_known_by_what_it_holds() {
        for (bytes, said) in [
            (&b""[..], "is empty"),
            (b"\n  \n", "is empty"),
            (b"bucket,key,version_id\nb,a=1,\n", "is a CSV"),
            (b"\xef\xbb\xbfkey,state\n", "is a CSV"),
            (b"{\"bucket\":\"b\"}\n", "holds JSON"),
            (b"\x1f\x8b\x08rest", "holds packed data"),
            (b"PAR1rest", "holds packed data"),
            (b"\x7fELF\x00", "holds binary data"),
            (b"a/b.bin\nc d.bin\n", "no table and no setting"),
            (b"<!doctype html>\n", "no table and no setting"),
        ] {
            let (what, way_out) = other_file(bytes).unwrap();
            assert!(what.contains(said) && !way_out.is_empty(), "{what}");
        }
        // What may be a job file is read as one, however torn.
        for text in [
            "[[source]\nurl = 1\n",
            "# a comment\n",
            "# columns: bucket,key,state\n[job]\n",
            "url oss://b\n[source]\n",
            "\u{feff}[job]\n",
            "name = \"key,list\"\n",
        ] {
            assert_eq!(other_file(text.as_bytes()), None, "{text}");
        }
    }
}
