//! The parts of a job, one file each, from every place where they may be written, with their
//! defaults.
//!
//! A part that has a fault in it is filled up with a default all the same: the fault is noted, so
//! no job comes of it, and the other parts are still looked at.

mod audit;
mod budget;
mod filter;
mod key_list;
mod limits;
mod notify;
mod report;
mod safety;
mod simulator;
mod source;
mod wait;
mod wish;

pub(super) use audit::no_campaign;
pub(super) use budget::{Campaign, campaign};
pub(super) use filter::filter;
pub(super) use limits::limits;
pub(super) use notify::{metrics, notify};
pub(super) use report::{report, state_dir};
pub(super) use safety::safety;
pub(super) use simulator::simulator;
pub(super) use source::{bucket_url, source};
pub(super) use wait::wait;
pub(super) use wish::wish;

use std::path::{Path, PathBuf};

use super::fault::{At, Place, Problem, shown};
use super::read::{self, Value};

fn text_flag(flag: Option<&String>) -> Option<Value> {
    flag.map(|text| Value::Typed(text.clone()))
}

/// A whole number whose upper bound fits 32 bits.
fn small(value: &Value, least: u64, most: u64, unit: &str) -> Result<u32, Problem> {
    read::whole(value, least..=most, unit).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// The path of a file, plain text that is not `-`.
fn file_path(value: &Value) -> Result<String, Problem> {
    let text = read::text(value)?;
    if text.chars().any(char::is_control) {
        return Err(Problem::new("has a control character in it", "write a plain path"));
    }
    if text == "-" || text.ends_with('/') || text == "." || text == ".." {
        return Err(Problem::new("is not the name of a file", "name a file"));
    }
    Ok(text)
}

/// Where the path `text` leads: from the job file's `folder` if it was written there, else from the
/// working folder.
fn from_folder(folder: &Path, text: &str, at: &At) -> PathBuf {
    if matches!(at.place, Place::File { .. }) { folder.join(text) } else { PathBuf::from(text) }
}

/// A command, or one of its arguments; `known` are the placeholders that are filled in, as `form` says.
fn command_word(value: &Value, known: &[&str], form: &str) -> Result<String, Problem> {
    let text = read::text(value)?;
    if text.contains('\0') {
        return Err(Problem::new("has a NUL byte in it", "no program can be given one: leave it out"));
    }
    // Braces are common in the arguments of other programs: only a word that is all braces is ours.
    if let Some(word) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !known.contains(&word)
    {
        return Err(Problem::new(format!("has the unknown placeholder {}", shown(word)), form));
    }
    Ok(text)
}
