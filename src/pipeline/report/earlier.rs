//! A finished report of an earlier run, where a new one is to stand.
//!
//! A path that tells runs apart, by `{date}` or `{time}`, names a report of record: what stands there is kept,
//! with the files beside it, under a name that holds the earlier run's id. Any other path is that of the newest
//! report, and the new one takes the earlier one's place.
//!
//! Files are moved when the new ones are whole and do not have their names yet. The earlier summary tells
//! which they are, and goes last: a crash in between leaves it, and the next session does what is left.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::ReportError;
use super::summary::{Summary, name_of};
use crate::model::Form;
use crate::pipeline::checkpoint::{CommitPoint, FinishedFile, pass, publish_file, sync_folder_of};

/// Names that are tried for one report. Nothing of ours ever takes a second one.
const MOST_NAMES: u32 = 1000;

/// What became of an earlier report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It stands under this name now.
    Kept(PathBuf),
    /// The new report takes its place.
    Replaced,
}

impl fmt::Display for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept(kept) => write!(f, "an earlier report of that name is kept as `{}`", kept.display()),
            Self::Replaced => f.write_str(
                "the report takes the place of an earlier one; with {date} or {time} in its path both stay",
            ),
        }
    }
}

/// Makes room for a report at `path`, and for the other files that are `made` of its rows. `run_id` is that of
/// its run; none for what is no run, and leaves no summary. Done twice, it does no more than once.
///
/// # Errors
/// If a file that is to be kept cannot be renamed.
pub(super) fn make_room(
    path: &Path,
    made: &[FinishedFile],
    run_id: Option<&str>,
    keep: bool,
) -> Result<Option<Earlier>, ReportError> {
    let summary = run_id.and_then(|_| Summary::beside(path).ok().flatten());
    if summary.as_ref().is_some_and(|summary| Some(summary.run_id.as_str()) == run_id) {
        // Killed behind the summary, and before the run was called finished: all of it is ours.
        return Ok(None);
    }
    // Reports that share a name but for its ending share the place of the summary.
    let own = summary.as_ref().filter(|summary| summary.report == name_of(path));
    let mut files = in_the_way(path, made, own);
    if !keep {
        return Ok(files.iter().any(|file| file == path).then_some(Earlier::Replaced));
    }
    let known = own.map(|summary| summary.run_id.clone()).filter(|id| is_plain(id));
    // The report goes last: where no summary names the run, its time does, for all of them.
    files.sort_by_key(|file| file == path);
    let id = match (known, files.last()) {
        (Some(id), _) => free(&files, &id),
        (None, Some(last)) => free(&files, &time_of(last).map_err(failed("look at", last))?),
        (None, None) => String::new(),
    };
    for file in &files {
        fs::rename(file, aside(file, &id)).map_err(failed("keep", file))?;
        pass(CommitPoint::EarlierMoved);
    }
    let kept = Some(aside(path, &id)).filter(|kept| !id.is_empty() && kept.exists());
    if run_id.is_some() {
        keep_summary(path, summary, &id)?;
    }
    sync_folder_of(path).map_err(failed("sync the folder of", path))?;
    pass(CommitPoint::EarlierKept);
    Ok(kept.map(Earlier::Kept))
}

/// Where the report of the run `run_id` stands, which had the name `path` when that run ended: another run may
/// have been given the same name since.
#[must_use]
pub fn report_of(path: &Path, run_id: &str) -> PathBuf {
    let kept = aside(path, run_id);
    let is_of_another = || {
        let summary = Summary::beside(path).ok().flatten();
        summary.is_none_or(|summary| summary.run_id != run_id)
    };
    if is_plain(run_id) && kept.is_file() && is_of_another() { kept } else { path.to_owned() }
}

/// What stands at `path`, and at the places of what is `made`, without being that already; and what else `own`,
/// the summary of that report, names.
fn in_the_way(path: &Path, made: &[FinishedFile], own: Option<&Summary>) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    for beside in Form::ALL.map(|form| Form::beside(path, form.ending())) {
        let named = own.is_some_and(|own| own.also.iter().any(|also| also.file == name_of(&beside)));
        let wanted = made.iter().any(|file| file.path == beside);
        if beside != path && (named || wanted) {
            files.push(beside);
        }
    }
    // As long as an earlier summary stands there, none of ours has been given its name.
    let begun = !Summary::path_beside(path).exists();
    files.retain(|file| {
        let stands = fs::metadata(file).is_ok_and(|found| found.is_file());
        let ours = || made.iter().any(|made| made.path == *file && made.whole.is_file(file));
        stands && !(begun && ours())
    });
    files
}

/// Gives the summary beside `path` the name that goes with `id`, and lets it tell the new names of its files.
/// One of another report, or none that can be read, is kept as it is.
fn keep_summary(path: &Path, summary: Option<Summary>, id: &str) -> Result<(), ReportError> {
    let from = Summary::path_beside(path);
    match summary {
        Some(mut summary) if summary.report == name_of(path) => {
            let moved = |name: &str| {
                let kept = aside(&path.with_file_name(name), id);
                if kept.exists() { name_of(&kept) } else { name.to_owned() }
            };
            summary.report = moved(&summary.report);
            for also in &mut summary.also {
                also.file = moved(&also.file);
            }
            let to = Summary::path_beside(&aside(path, id));
            let text = serde_json::to_vec_pretty(&summary).map_err(io::Error::other);
            text.and_then(|text| publish_file(&to, &text)).map_err(failed("keep the summary of", path))?;
            fs::remove_file(&from).map_err(failed("keep the summary of", path))
        }
        other => {
            let time = match time_of(&from) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                time => time.map_err(failed("look at the summary of", path))?,
            };
            let id = other.map(|summary| summary.run_id).filter(|id| is_plain(id)).unwrap_or(time);
            let to = Summary::path_beside(&aside(path, &id));
            fs::rename(&from, to).map_err(failed("keep the summary of", path))
        }
    }
}

/// The name under which `file` is kept: `x.csv.gz` becomes `x.ID.csv.gz`.
fn aside(file: &Path, id: &str) -> PathBuf {
    let name = name_of(file);
    let kept = match (Form::split(&name), name.rsplit_once('.')) {
        ((stem, Some(_)), _) => format!("{stem}.{id}{}", &name[stem.len()..]),
        (_, Some((stem, ending))) if !stem.is_empty() => format!("{stem}.{id}.{ending}"),
        // With an ending, so that its summary has a name of its own.
        _ => format!("{name}.{id}.csv"),
    };
    file.with_file_name(kept)
}

/// `id`, or one made of it under which none of `files` is kept already.
fn free(files: &[PathBuf], id: &str) -> String {
    let taken = |id: &str| files.iter().any(|file| aside(file, id).exists());
    let more = (2..MOST_NAMES).map(|number| format!("{id}-{number}"));
    std::iter::once(id.to_owned()).chain(more).find(|id| !taken(id)).unwrap_or_else(|| id.to_owned())
}

/// Whether `id` can be a part of a name: it comes from a file that anybody may have written.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// When `file` was written, as a run id begins.
fn time_of(file: &Path) -> io::Result<String> {
    let at = Timestamp::try_from(fs::metadata(file)?.modified()?).map_err(io::Error::other)?;
    Ok(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReportError {
    move |source| ReportError::Io { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_report_has_its_own_name_and_its_summary_another() {
        for (name, kept, summary) in [
            ("x.csv", "x.ID.csv", "x.ID.summary.json"),
            ("2026-11-21.csv.gz", "2026-11-21.ID.csv.gz", "2026-11-21.ID.summary.json"),
            ("x.parquet", "x.ID.parquet", "x.ID.summary.json"),
            ("x.txt", "x.ID.txt", "x.ID.summary.json"),
            ("x", "x.ID.csv", "x.ID.summary.json"),
            (".hidden", ".hidden.ID.csv", ".hidden.ID.summary.json"),
        ] {
            let path = aside(&Path::new("a").join(name), "ID");
            assert_eq!(path, Path::new("a").join(kept));
            assert_eq!(Summary::path_beside(&path), Path::new("a").join(summary));
        }
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        let (path, told) = (folder.path().join("x.csv"), ["first", "second", "third"]);
        for (at, text) in told.iter().enumerate() {
            fs::write(&path, text).unwrap();
            // The same second for all, and no summary.
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
            let kept = make_room(&path, &[], Some("run"), true).unwrap();
            let name = ["x.19700101T000000Z.csv", "x.19700101T000000Z-2.csv", "x.19700101T000000Z-3.csv"][at];
            assert_eq!(kept, Some(Earlier::Kept(folder.path().join(name))));
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), *text);
            assert_eq!(make_room(&path, &[], Some("run"), true).unwrap(), None, "nothing is there any more");
        }
    }

    #[test]
    fn a_summary_of_another_report_or_of_nobody_is_kept_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.parquet");
        fs::write(folder.path().join("x.csv"), "another report").unwrap();
        fs::write(folder.path().join("x.summary.json"), "{\"format\": 9}").unwrap();
        assert_eq!(make_room(&path, &[], Some("run"), true).unwrap(), None);
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!((names.len(), names[1].as_str()), (2, "x.csv"), "{names:?}");
        assert!(names[0].ends_with("Z.summary.json"), "{names:?}");
    }

    #[test]
    fn an_id_from_a_file_leads_nowhere_else() {
        assert!(is_plain("20261121T013000Z-7f3a"));
        for id in ["", "../x", "a/b", "a.b", "é", &"x".repeat(65)] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
