//! Objects that failed: by code, and row by row as far as a page holds them.

use serde::Serialize;

use crate::model::Count;

/// Failures with one code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailedCode {
    /// How many objects, and their bytes.
    pub count: Count,
    /// The key of the first of them, as in the report.
    pub first_key: String,
    /// Its request id.
    pub first_request_id: String,
}

/// The row of one object that failed, as in the report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailedRow {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version; empty for the one that a plain request means.
    pub version_id: String,
    /// The storage class.
    pub storage_class: String,
    /// The size in bytes; none if the report does not tell.
    pub size: Option<u64>,
    /// The vendor's error code, or the reason where there is none.
    pub code: String,
    /// The reason in one word.
    pub reason: String,
    /// The HTTP status of the last answer.
    pub http_status: String,
    /// The request id of the last answer.
    pub request_id: String,
    /// Requests that were sent.
    pub attempts: String,
}

/// Rows of objects that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// The first of them, in the report's order, and some of each code.
    pub rows: Vec<FailedRow>,
    /// How many more there are.
    pub left_out: u64,
}

/// Rows that are kept whatever their code.
const MOST: usize = 2_000;
/// Rows of each code that are kept beyond that, so that what is common does not hide what is rare.
const OF_EACH: u64 = 20;

impl Failures {
    /// Keeps the row that `make` makes if there is room; `before` objects with its code came before it.
    pub fn add(&mut self, before: u64, make: impl FnOnce() -> FailedRow) {
        if self.rows.len() < MOST || before < OF_EACH {
            self.rows.push(make());
        } else {
            self.left_out += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_common_does_not_hide_what_is_rare() {
        let mut failures = Failures::default();
        let row = |code: &str| FailedRow { code: code.to_owned(), ..FailedRow::default() };
        for before in 0..5_000 {
            failures.add(before, || row("common"));
        }
        for before in 0..30 {
            failures.add(before, || row("rare"));
        }
        let of = |code: &str| failures.rows.iter().filter(|row| row.code == code).count();
        assert_eq!((of("common"), of("rare"), failures.left_out), (2_000, 20, 3_010));
    }
}
