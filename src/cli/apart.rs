//! What is made of reports is written over none of them, and over nothing but plain files.

use std::path::Path;

use anyhow::anyhow;

use super::exit::{Exit, Failure};

/// Whether `out` can be written without harm to one of `reports`; `what` is written to it, because of `flag`.
///
/// # Errors
/// If it is one of them, or a device, a pipe or a folder: a file that is renamed would take its place.
pub(super) fn is_apart(
    out: &Path,
    (what, flag): (&str, &'static str),
    reports: &[&Path],
) -> Result<(), Failure> {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    let there = whole(out);
    if there.is_some() && reports.iter().any(|report| whole(report) == there) {
        return Err(Failure::usage(
            format!("{what} would be written over the report `{}`", out.display()),
            format!("name another file with {flag}"),
        ));
    }
    if there.is_some_and(|there| !there.is_file()) {
        return Err(Failure::new(
            Exit::OwnFiles,
            anyhow!("cannot write {what}: `{}` is no plain file", out.display()),
            format!("name another file with {flag}; `{flag} -` writes to stdout"),
        ));
    }
    Ok(())
}
