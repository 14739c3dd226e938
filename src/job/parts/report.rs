//! `[report]`, and where the state lies.

use std::path::{Path, PathBuf};

use super::super::fault::{At, Place, Problem, shown};
use super::super::flags::Overrides;
use super::super::layers::{Layers, Picked};
use super::super::read::{self, Value};
use super::super::spec::{ReportSpec, Rows};
use super::text_flag;
use crate::model::Form;

/// A report, and where its path was written; `None` for the default.
pub(in super::super) struct Report {
    pub(in super::super) value: ReportSpec,
    pub(in super::super) at: Option<At>,
}

/// `[report]`.
pub(in super::super) fn report(
    layers: &mut Layers<'_>,
    over: &Overrides,
    folder: &Path,
    default: &str,
) -> Report {
    let path = layers.pick("report.path", text_flag(over.report.as_ref()), report_path);
    let rows = layers.value("report.rows", text_flag(over.rows.as_ref()), |value| {
        read::word(value, &[("all", Rows::All), ("changed", Rows::Changed), ("failed", Rows::Failed)])
    });
    let also = also(layers, over, path.as_ref());
    let (path, at) = match path {
        Some(Picked { value, at }) => (value, Some(at)),
        None => (Some(default.to_owned()), None),
    };
    let in_file = at.as_ref().is_none_or(|at| matches!(at.place, Place::File { .. }));
    let folder = if in_file { folder.to_owned() } else { PathBuf::new() };
    let keep = path.as_deref().is_some_and(|path| path.contains("{date}") || path.contains("{time}"));
    Report { value: ReportSpec { path, folder, keep, rows: rows.unwrap_or_default(), also }, at }
}

/// `report.also`, where the report's path is `path`, if that is said.
fn also(layers: &mut Layers<'_>, over: &Overrides, path: Option<&Picked<Option<String>>>) -> Vec<Form> {
    let wanted = layers.list("report.also", &over.also, true, |value| {
        let word = read::text(value)?;
        let known = Form::of_word(&word);
        known.ok_or_else(|| Problem::new("is no form of a report", format!("write one of {}", forms())))
    });
    let own = match path.map(|path| &path.value) {
        Some(None) => None,
        Some(Some(path)) => Some(of_name(path)),
        None => Some(Form::CSV),
    };
    let mut also: Vec<Form> = Vec::new();
    for Picked { value, at } in wanted {
        let problem = match own {
            None => Problem::new(
                "stands beside a report, and the report goes to stdout",
                "name a file for the report, or leave `also` out",
            ),
            Some(own) if own == value => Problem::new(
                "is the form of the report itself",
                "leave it out: the report's name asks for it",
            ),
            Some(_) if also.contains(&value) => Problem::new("stands there twice", "leave one of them out"),
            Some(_) => {
                also.push(value);
                continue;
            }
        };
        layers.fault(problem, at);
    }
    also
}

/// The form of the report whose path is written as `path`.
fn of_name(path: &str) -> Form {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    Form::split(name).1.unwrap_or(Form::CSV)
}

/// Every form, for who has to choose one.
fn forms() -> String {
    Form::ALL.map(Form::ending).join(", ")
}

/// A path with placeholders; `None` for `-`, stdout.
fn report_path(value: &Value) -> Result<Option<String>, Problem> {
    const KNOWN: &str = "it can hold `{date}`, `{time}`, `{job}` and `{source}`";
    let text = read::text(value)?;
    if text == "-" {
        return Ok(None);
    }
    if text.ends_with('/') || text.ends_with("/..") || text == ".." || text == "." {
        return Err(Problem::new("is a folder", "name a file in it, such as `{date}/{job}.csv`"));
    }
    if text.chars().any(char::is_control) {
        return Err(Problem::new("has a control character in it", "write a plain path"));
    }
    if text.starts_with("~/") {
        return Err(Problem::new(
            "begins with `~`, which only a shell resolves, and not behind a `=`",
            "write the whole path, such as `/home/me/reports/{job}.csv`",
        ));
    }
    let mut rest = text.as_str();
    while let Some((_, tail)) = rest.split_once('{') {
        let Some((word, after)) = tail.split_once('}') else {
            return Err(Problem::new("has a `{` without its `}`", KNOWN));
        };
        if !["date", "time", "job", "source"].contains(&word) {
            return Err(Problem::new(format!("has the unknown placeholder {}", shown(word)), KNOWN));
        }
        rest = after;
    }
    let name = text.rsplit_once('/').map_or(text.as_str(), |(_, name)| name);
    if let Some(ending) = Form::unknown_ending(name) {
        return Err(Problem::new(
            format!("ends in `.{ending}`, which is no form of a report"),
            format!("end its name in one of {}", forms()),
        ));
    }
    Ok(Some(text))
}

/// The folder under which a job has its own.
pub(in super::super) fn state_dir(
    layers: &mut Layers<'_>,
    flag: Option<&str>,
    folder: &Path,
    default: &str,
) -> PathBuf {
    let picked = layers.pick("job.state_dir", flag.map(|text| Value::Typed(text.to_owned())), read::text);
    match picked {
        Some(Picked { value, at }) if matches!(at.place, Place::File { .. }) => folder.join(value),
        Some(Picked { value, .. }) => PathBuf::from(value),
        None => folder.join(default),
    }
}
