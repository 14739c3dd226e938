//! `defrost report FILE`: what a report amounts to, as text, as JSON, or as a page.

use std::io;
use std::path::Path;

use super::apart::is_apart;
use super::args::ReportArgs;
use super::context::Context;
use super::exit::{Exit, Failure};
use crate::model::{Audit, Clock as _, Seal, SystemClock};
use crate::pipeline::checkpoint::publish_file;
use crate::pipeline::report::{ReadError, Report};
use crate::review::audit::{audit_of_file, audit_of_stream};
use crate::ui::{audit_page, audit_text};

pub(super) fn run(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(page) = args.html.as_deref().filter(|page| !is_stream(page)) {
        is_apart(page, ("the page", "--html"), &[&args.file])?;
    }
    let audit = audit(&args.file)?;
    match &args.html {
        Some(page) if is_stream(page) => super::out(audit_page(&audit).as_bytes())?,
        Some(page) => {
            publish_file(page, audit_page(&audit).as_bytes()).map_err(|error| {
                let error =
                    anyhow::Error::new(error).context(format!("cannot write the page `{}`", page.display()));
                Failure::new(
                    Exit::OwnFiles,
                    error,
                    "name another file with --html, in a folder that is there",
                )
            })?;
            context.line(&format!("wrote {}", page.display()));
        }
        None if args.json => {
            let mut text = serde_json::to_vec_pretty(&audit).map_err(|error| {
                Failure::new(Exit::OwnFiles, error, "leave --json out, and please report it")
            })?;
            text.push(b'\n');
            super::out(&text)?;
        }
        None => super::out(audit_text(&audit, context.look.on_stdout()).as_bytes())?,
    }
    // A script must not take a file for evidence that is none.
    Ok(if matches!(audit.seal, Seal::Changed { .. }) { Exit::SomeFailed } else { Exit::Done })
}

fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn audit(file: &Path) -> Result<Audit, Failure> {
    let now = SystemClock::new().now();
    let audit = if is_stream(file) { audit_of_stream(io::stdin(), now) } else { audit_of_file(file, now) };
    audit.map_err(|error| {
        let way_out = way_out(&error, file);
        Failure::new(Exit::Usage, error, way_out)
    })
}

/// What to do about a file that is no report.
fn way_out(error: &ReadError, file: &Path) -> String {
    let partial = Report::partial_path(file);
    match error {
        ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound && partial.exists() => {
            format!(
                "the run that writes it has not ended: `defrost report {}` shows what there is",
                partial.display()
            )
        }
        ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            "name the CSV of a run: its closing table and `defrost status` tell where it is".to_owned()
        }
        _ => error.way_out().to_owned(),
    }
}
