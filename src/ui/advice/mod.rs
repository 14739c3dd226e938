//! What codes and words mean, what defrost does about them, and what a person can do: one entry each,
//! for the one line in tables and for `defrost explain CODE`.
//!
//! | file | entries |
//! | --- | --- |
//! | `restoring` | the vendors' codes about an object and its restore |
//! | `requests` | the vendors' codes about a request: rate, time, keys, rights, place, form |
//! | `words` | defrost's own words: states, actions, reasons, flags |
//! | `numbers` | exit codes, and statuses of answers without a code |
//! | `page` | an entry, and the list of all, as text and as JSON |
//!
//! Vendor facts are from the error-code and restore pages of the three vendors (OSS RestoreObject, HeadObject,
//! CleanRestoredObject, "HTTP status code 503", "429 error", signature version 4; COS POST Object restore and
//! "Error codes"; S3 RestoreObject, HeadObject and "Error responses"), botocore's retry table and NetApp
//! StorageGRID's page for `InvalidTier`; read 2026-11. Each entry names its own under `source`.
//!
//! A new code is a new name of an entry that says the same, or an entry of its own. Tests hold that all codes
//! that a dialect or the simulator knows are here, each with the vendors that send it.

mod numbers;
mod page;
mod requests;
mod restoring;
mod words;

use crate::model::{Provider, Reason};

pub use page::{explained, explained_json, listed, listed_json};

/// What sort of thing is explained, in the order in which the list has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// A vendor's error code.
    Code,
    /// The status of an answer, where no code came with it.
    Status,
    /// A word of the column `reason`.
    Reason,
    /// A word of the column `state`.
    State,
    /// A word of the column `action`.
    Action,
    /// A word of the column `flags`.
    Flag,
    /// An exit code of defrost.
    Exit,
}

impl Sort {
    /// Every sort, in order.
    const ALL: [Self; 7] =
        [Self::Code, Self::Status, Self::Reason, Self::State, Self::Action, Self::Flag, Self::Exit];

    /// What it is called.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "error code",
            Self::Status => "HTTP status",
            Self::Reason => "reason",
            Self::State => "state",
            Self::Action => "action",
            Self::Flag => "flag",
            Self::Exit => "exit code",
        }
    }
}

/// One name of an entry: a code or a word.
#[derive(Debug)]
struct Name {
    code: &'static str,
    /// Who sends it; nobody for defrost's own words.
    of: &'static [Provider],
    /// What sets it apart from the other names of its entry; mostly nothing.
    note: &'static str,
}

/// The line that tables have room for.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// There is nothing better to say than the code itself.
    Silent,
    /// The same for every vendor.
    Of(&'static str),
    /// By vendor, `None` where several or none are at hand.
    By(fn(Option<Provider>) -> &'static str),
}

impl Line {
    fn text(self, provider: Option<Provider>) -> Option<&'static str> {
        match self {
            Self::Silent => None,
            Self::Of(text) => Some(text),
            Self::By(text) => Some(text(provider)),
        }
    }
}

/// What is known of a code, a word or a number.
#[derive(Debug)]
pub struct Entry {
    sort: Sort,
    names: &'static [Name],
    line: Line,
    /// What it means.
    means: &'static str,
    /// What it means for one vendor, where that differs.
    on: &'static [(Provider, &'static str)],
    /// What defrost does when it meets it.
    defrost: &'static str,
    /// What a person can do.
    act: &'static str,
    /// The pages it is taken from; empty where defrost itself is the source.
    source: &'static str,
}

/// Every entry, in the order of the list.
fn entries() -> impl Iterator<Item = &'static Entry> {
    [restoring::ENTRIES, requests::ENTRIES, numbers::STATUSES, words::ENTRIES, numbers::EXITS]
        .into_iter()
        .flatten()
}

/// The entry of `name`, in any letter case, and the name as it is spelt.
#[must_use]
pub fn entry(name: &str) -> Option<(&'static Entry, &'static str)> {
    entries().find_map(|entry| {
        let found = entry.names.iter().find(|known| known.code.eq_ignore_ascii_case(name))?;
        Some((entry, found.code))
    })
}

/// Every name that [`entry`] knows, in the order of the list.
pub fn names() -> impl Iterator<Item = &'static str> {
    entries().flat_map(|entry| entry.names.iter().map(|name| name.code))
}

/// Advice for `code`: a vendor's error code, or the word of a [`Reason`] where the vendor sent no
/// code (the keys of [`Tally::errors`](crate::model::Tally::errors)). `None` where there is nothing
/// better to say than the code itself. A fragment without a full stop, in ASCII, of one line.
#[must_use]
pub fn advice(provider: Option<Provider>, code: &str) -> Option<&'static str> {
    let of_a_row = |sort| match sort {
        Sort::Code => true,
        Sort::Reason => Reason::from_word(code).is_some(),
        Sort::Status | Sort::State | Sort::Action | Sort::Flag | Sort::Exit => false,
    };
    let by_name = |entry: &&Entry| entry.names.iter().any(|name| name.code == code);
    entries().filter(|entry| of_a_row(entry.sort)).find(by_name)?.line.text(provider)
}

#[cfg(test)]
mod tests;
