//! `defrost diff OLD.csv NEW.csv`: what became of the objects of two reports.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::apart::is_apart;
use super::args::DiffArgs;
use super::context::Context;
use super::exit::{Exit, Failure};
use crate::job::nearest;
use crate::model::{Change, Changes, Comparison, Prefixes, Told};
use crate::pipeline::checkpoint::Fresh;
use crate::pipeline::report::{ReadError, Report, Rows, Summary};
use crate::review::diff::{self, ChangedRows, DiffError, MOST_VERSIONS, Options, Take, WISHED};
use crate::ui::{self, DiffView, diff_table};

/// The word that stands for all changes.
const ANY: &str = "any";

pub(super) fn run(args: &DiffArgs, context: &Context) -> Result<Exit, Failure> {
    let fatal = fatal(&args.fail_on)?;
    let (old, new) = (args.old.as_path(), args.new.as_path());
    if is_std(old) && is_std(new) {
        return Err(Failure::usage("both reports are stdin", "name a file for one of them"));
    }
    let to_stdout = args.out.as_deref().is_some_and(is_std);
    if to_stdout && args.json {
        return Err(Failure::usage(
            "both the changed rows and the figures would be written to stdout",
            "name a file with --out, or leave out --json",
        ));
    }
    if let Some(out) = args.out.as_deref().filter(|out| !is_std(out)) {
        is_apart(out, ("the changed rows", "--out"), &[old, new])?;
    }
    let mut notes = Vec::new();
    let options = Options { any_bucket: args.any_bucket };
    let told = match args.out.as_deref() {
        None => between(old, new, options, &mut notes, &mut |_| Ok(()))?,
        Some(_) if to_stdout => into_stdout(old, new, options, &mut notes)?,
        Some(out) => into_file(out, old, new, options, &mut notes)?,
    };
    notes.extend(remarks(&told, old, new));
    let depth = args.depth.and_then(|depth| usize::try_from(depth).ok());
    if args.json {
        super::out(&json(&told, args, depth, &notes)?)?;
    } else {
        let out = args.out.as_deref().filter(|_| !to_stdout);
        let look = if to_stdout { context.look } else { context.look.on_stdout() };
        let table = diff_table(&DiffView { comparison: &told, old, new, depth, out, notes: &notes }, look);
        if to_stdout {
            context.sink.write(&table);
        } else {
            super::out(table.as_bytes())?;
        }
    }
    Ok(verdict(&told, &fatal, context))
}

fn is_std(path: &Path) -> bool {
    path == Path::new("-")
}

/// The changes that `words` name.
fn fatal(words: &[String]) -> Result<BTreeSet<Change>, Failure> {
    let mut fatal = BTreeSet::new();
    for word in words {
        let word = word.trim();
        if word.eq_ignore_ascii_case(ANY) {
            fatal.extend(Change::ALL);
        } else if let Some(change) = Change::from_word(word) {
            fatal.insert(change);
        } else {
            let known = || Change::ALL.iter().map(|change| change.as_str()).chain([ANY]);
            let all: Vec<&str> = known().collect();
            let all = format!("it can be {}", all.join(", "));
            let hint = nearest(word, known()).map(|near| format!("did you mean `{near}`? "));
            return Err(Failure::usage(
                format!("--fail-on {word:?}: there is no such change"),
                hint.unwrap_or_default() + &all,
            ));
        }
    }
    Ok(fatal)
}

/// How the comparison ends: what of it was not to be is told.
fn verdict(told: &Comparison, fatal: &BTreeSet<Change>, context: &Context) -> Exit {
    let found: Vec<String> = fatal
        .iter()
        .map(|change| (change, told.of(*change).objects))
        .filter(|(_, objects)| *objects > 0)
        .map(|(change, objects)| format!("{} {change}", ui::human_count(objects)))
        .collect();
    if found.is_empty() {
        return Exit::Done;
    }
    context.line(&format!("--fail-on: {}", found.join(", ")));
    Exit::SomeFailed
}

fn into_stdout(
    old: &Path,
    new: &Path,
    options: Options,
    notes: &mut Vec<String>,
) -> Result<Comparison, Failure> {
    let unwritten = |error: io::Error| {
        let error = anyhow::Error::new(error).context("cannot write the changed rows to stdout");
        Failure::new(
            Exit::OwnFiles,
            error,
            "let the reader of stdout read to the end, or name a file with --out",
        )
    };
    let mut rows = ChangedRows::new(io::BufWriter::new(io::stdout().lock())).map_err(unwritten)?;
    let told = between(old, new, options, notes, &mut |changed| rows.put(changed))?;
    rows.flush().map_err(unwritten)?;
    Ok(told)
}

fn into_file(
    out: &Path,
    old: &Path,
    new: &Path,
    options: Options,
    notes: &mut Vec<String>,
) -> Result<Comparison, Failure> {
    let unwritten = |error: io::Error| {
        let error =
            anyhow::Error::new(error).context(format!("cannot write the changed rows `{}`", out.display()));
        Failure::new(Exit::OwnFiles, error, "make room or rights for it, or name another file with --out")
    };
    let mut fresh = Fresh::published(out).map_err(unwritten)?;
    let told = rows_into(&mut fresh, old, new, options, notes, &unwritten);
    match told {
        Ok(told) => fresh.publish().map_err(unwritten).map(|()| told),
        Err(failure) => {
            fresh.discard();
            Err(failure)
        }
    }
}

/// Compares both reports, the changed rows into `out`.
fn rows_into(
    out: &mut Fresh,
    old: &Path,
    new: &Path,
    options: Options,
    notes: &mut Vec<String>,
    unwritten: &dyn Fn(io::Error) -> Failure,
) -> Result<Comparison, Failure> {
    let mut rows = ChangedRows::new(out).map_err(unwritten)?;
    let told = between(old, new, options, notes, &mut |changed| rows.put(changed))?;
    rows.flush().map_err(unwritten)?;
    Ok(told)
}

/// Opens both reports and compares them.
fn between(
    old: &Path,
    new: &Path,
    options: Options,
    notes: &mut Vec<String>,
    take: &mut Take<'_>,
) -> Result<Comparison, Failure> {
    let stdin = |path: &Path| Rows::of(path, io::stdin()).map_err(of_reading);
    let told = match (is_std(old), is_std(new)) {
        (true, _) => compared(stdin(old)?, open(new)?, [old, new], options, notes, take),
        (_, true) => compared(open(old)?, stdin(new)?, [old, new], options, notes, take),
        _ => compared(open(old)?, open(new)?, [old, new], options, notes, take),
    };
    told.map_err(of_diff)
}

fn compared(
    old: Rows,
    new: Rows,
    paths: [&Path; 2],
    options: Options,
    notes: &mut Vec<String>,
    take: &mut Take<'_>,
) -> Result<Comparison, DiffError> {
    lacks(&old, paths[0], notes)?;
    lacks(&new, paths[1], notes)?;
    diff::compare(old, new, options, take)
}

/// Tells which columns a report lacks.
fn lacks(rows: &Rows, path: &Path, notes: &mut Vec<String>) -> Result<(), DiffError> {
    if !rows.has("state") {
        return Err(ReadError::NoColumn { path: path.to_owned(), column: "state" }.into());
    }
    let lacking: Vec<&str> = WISHED.into_iter().filter(|column| !rows.has(column)).collect();
    if !lacking.is_empty() {
        notes.push(format!(
            "`{}` has no column {}: nothing is told of these",
            path.display(),
            lacking.join(", ")
        ));
    }
    Ok(())
}

fn open(path: &Path) -> Result<Rows, Failure> {
    if path.extension().is_some_and(|extension| extension == "partial") {
        return Err(Failure::usage(
            format!("`{}` is the report of a run that is not finished", path.display()),
            "go on with the run first: the same line finishes it; what is not listed yet would count as vanished",
        ));
    }
    Rows::open(path).map_err(|error| {
        let partial = Report::partial_path(path);
        let missing = |source: &io::Error| source.kind() == io::ErrorKind::NotFound;
        match &error {
            ReadError::Io { source, .. } if missing(source) && partial.exists() => Failure::usage(
                format!("there is no report `{}` yet: its run is not finished", path.display()),
                format!("go on with the run first; what it has so far stands in `{}`", partial.display()),
            ),
            _ => of_reading(error),
        }
    })
}

fn of_reading(error: ReadError) -> Failure {
    let hint = match &error {
        ReadError::Io { .. } => "check the path; a report is what `defrost scan` or `defrost run` wrote",
        ReadError::Damaged { .. } => error.way_out(),
        ReadError::NoColumn { .. } | ReadError::Row { .. } => {
            "compare reports as defrost writes them; columns may stand in any order, and others among them"
        }
    };
    Failure::new(Exit::Usage, error, hint)
}

fn of_diff(error: DiffError) -> Failure {
    match error {
        DiffError::Read(error) => of_reading(error),
        DiffError::Order(_) => Failure::new(
            Exit::Usage,
            error,
            "the report of a key list is in the order of that list: sort the list by its bytes (`LC_ALL=C sort`) and \
             run it again, or compare reports of listings",
        ),
        DiffError::Twice(_) => Failure::new(
            Exit::Usage,
            error,
            "defrost writes no such report: compare the files as they were written, or take one of the two rows out; \
             versions of a key are told apart by the column version_id",
        ),
        DiffError::Mixed(_) => {
            Failure::new(Exit::Usage, error, "compare reports of one bucket each, as defrost writes them")
        }
        DiffError::Buckets { .. } => Failure::new(
            Exit::Usage,
            error,
            "name two reports of one bucket, or pass --any-bucket to compare them by their keys",
        ),
        DiffError::Write(_) => Failure::new(
            Exit::OwnFiles,
            error,
            "make room or rights for it, or name another file with --out; `--out -` writes to stdout",
        ),
    }
}

/// What the summaries beside the reports say that the reports do not.
fn remarks(told: &Comparison, old: &Path, new: &Path) -> Vec<String> {
    let summaries = [old, new].map(summary);
    let mut notes = Vec::new();
    for (path, told, summary) in [(old, &told.old, &summaries[0]), (new, &told.new, &summaries[1])] {
        let matched = summary.as_ref().map_or(0, |summary| summary.tally.matched.objects);
        if matched > told.rows {
            notes.push(format!(
                "`{}` has rows of {} of the {} objects that its run matched: the others count as not there",
                path.display(),
                told.rows,
                matched
            ));
        }
    }
    if let [Some(old), Some(new)] = &summaries
        && old.target != new.target
    {
        notes.push(format!("the old report is of {}, the new one of {}", old.target, new.target));
    }
    if let Some((old, new)) = told.old.first_checked_at.zip(told.new.first_checked_at)
        && new < old
    {
        notes.push("the new report is the older one of both: perhaps they should change places".to_owned());
    }
    if told.unpaired > 0 {
        notes.push(format!(
            "{} versions of keys with more than {MOST_VERSIONS} of them could not be held: told as vanished or \
             appeared, they may be in both reports",
            told.unpaired
        ));
    }
    notes
}

/// The summary of `report`, if one stands beside it that can be read.
fn summary(report: &Path) -> Option<Summary> {
    let summary = Summary::beside(report).ok().flatten();
    summary.filter(|summary| summary.sha256_of(report).is_some())
}

/// The figures, as they stand on stdout. Fields may be added, never taken away.
#[derive(Debug, Serialize)]
struct Figures<'f> {
    format: u32,
    old: Named<'f>,
    new: Named<'f>,
    unchanged: u64,
    changes: Changes,
    prefixes: Option<&'f Prefixes>,
    unpaired: u64,
    changed_rows: Option<&'f PathBuf>,
    notes: &'f [String],
}

#[derive(Debug, Serialize)]
struct Named<'n> {
    path: &'n Path,
    bucket: &'n str,
    rows: u64,
    first_checked_at: Option<Timestamp>,
    last_checked_at: Option<Timestamp>,
}

impl<'n> Named<'n> {
    fn of(path: &'n Path, told: &'n Told) -> Self {
        let Told { bucket, rows, first_checked_at, last_checked_at } = told;
        Self {
            path,
            bucket,
            rows: *rows,
            first_checked_at: *first_checked_at,
            last_checked_at: *last_checked_at,
        }
    }
}

fn json(
    told: &Comparison,
    args: &DiffArgs,
    depth: Option<usize>,
    notes: &[String],
) -> Result<Vec<u8>, Failure> {
    let figures = Figures {
        format: 1,
        old: Named::of(&args.old, &told.old),
        new: Named::of(&args.new, &told.new),
        unchanged: told.unchanged,
        // Every change, so that a reader need not ask which there are.
        changes: Change::ALL.iter().map(|change| (*change, told.of(*change))).collect(),
        prefixes: told.by_prefix(depth),
        unpaired: told.unpaired,
        changed_rows: args.out.as_ref(),
        notes,
    };
    let unwritten = |error| {
        Failure::new(Exit::OwnFiles, anyhow::Error::new(error), "give the reports plain names in UTF-8")
    };
    let mut text = serde_json::to_vec_pretty(&figures).map_err(unwritten)?;
    text.write_all(b"\n").map_err(|error| Failure::new(Exit::OwnFiles, error, "make room"))?;
    Ok(text)
}
