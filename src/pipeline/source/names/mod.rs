//! Objects by name: a list of keys, or a CSV, instead of a listing.
//!
//! A list is read through once before the first request, so that every fault of it is told before
//! anything is sent, and its digest is known: a run that goes on must find the list that it began
//! with. It is read a second time as the run comes to its names, a page at a time, so that memory stays
//! flat whatever its length. What cannot be read twice (standard input, a pipe) is copied into the state
//! folder first.
//!
//! | a list of keys | |
//! | --- | --- |
//! | a key | a line without its end (LF or CR LF), or what stands before a NUL byte; exact bytes, UTF-8 |
//! | empty lines | are passed over |
//! | a repeat | right behind its like is passed over; elsewhere it is another row |
//!
//! A report may be named instead, in any of its forms, or any CSV that has a header with the column `key`. Of the columns `version_id`, `bucket`, `key_encoding` (empty
//! or `url`) and `is_latest` those are read that it has.

mod open;
mod read;
mod rows;

use std::path::PathBuf;

pub use self::open::Names;
pub(super) use self::read::Entries;
pub(in crate::pipeline) use self::read::Name;

/// What is wrong with a list.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    /// The list itself.
    #[error("{}: {what}", place(.list, *.line))]
    Bad {
        /// The list, as it was named.
        list: String,
        /// The line, from 1, or the number of the key where they end with NUL bytes.
        line: Option<u64>,
        /// What is wrong.
        what: String,
        /// How to put it right.
        way_out: String,
    },
    /// The copy of a list that cannot be read twice.
    #[error("cannot copy the list of keys to `{}`", path.display())]
    Copy {
        /// Where to.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn place(list: &str, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("{list}:{line}"),
        None => list.to_owned(),
    }
}
