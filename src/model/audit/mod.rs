//! What a finished report amounts to: the figures of an audit, and of the run that wrote it.
//!
//! Whatever the report leaves open is told as open: a column that is not there ([`Audit::lacks`]) makes
//! no zeros, and what a bound leaves out is counted as left out.

mod failed;
mod folder;
mod lapse;
mod run;

pub use failed::{FailedCode, FailedRow, Failures};
pub use folder::{Folders, Share};
pub use lapse::Lapses;
pub use run::{RunFacts, Seal};

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::tally::entry;
use super::{Action, Count, Flag, Reason, State};

/// Version of the figures for machines; it grows when one changes its meaning or goes.
const FORMAT: u32 = 1;

/// The audit of one report.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// Version of these figures.
    pub format: u32,
    /// The report, as it was named; `-` for standard input.
    pub file: String,
    /// When these figures were made.
    pub made_at: Timestamp,
    /// Whether its name says that the run that writes it has not ended.
    pub unfinished: bool,
    /// Whether the last row was cut off, as a run that was stopped leaves it; it is not counted.
    pub torn: bool,
    /// Columns that would have told more and are not there.
    pub lacks: Vec<&'static str>,
    /// How many fields of a column could not be read, such as a size that is no number.
    pub unread: BTreeMap<&'static str, u64>,
    /// Rows, and the sum of their sizes.
    pub total: Count,
    /// Objects and bytes by bucket.
    pub buckets: BTreeMap<String, Count>,
    /// When the first and the last of the states were learnt.
    pub checked: Option<(Timestamp, Timestamp)>,
    /// Objects and bytes by storage class, then state.
    pub classes: BTreeMap<String, BTreeMap<State, Count>>,
    /// When readable copies lapse.
    pub lapses: Lapses,
    /// Where the objects are.
    pub folders: Folders,
    /// Objects and bytes by action.
    pub actions: BTreeMap<Action, Count>,
    /// Objects by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Objects and bytes by flag, and the first key that has it.
    pub flags: BTreeMap<Flag, Flagged>,
    /// Failures by the vendor's error code, or by reason where there is none.
    pub errors: BTreeMap<String, FailedCode>,
    /// Rows of objects that failed.
    pub failures: Failures,
    /// The run that wrote the report, from the summary beside it.
    pub run: Option<RunFacts>,
    /// Whether the report is the one that its summary tells of.
    pub seal: Seal,
}

/// Objects with one flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// How many, and their bytes.
    pub count: Count,
    /// The key of the first of them, as in the report.
    pub first_key: String,
}

impl Audit {
    /// Nothing counted yet of the report `file`.
    #[must_use]
    pub fn new(file: String, made_at: Timestamp) -> Self {
        Self {
            format: FORMAT,
            file,
            made_at,
            unfinished: false,
            torn: false,
            lacks: Vec::new(),
            unread: BTreeMap::new(),
            total: Count::default(),
            buckets: BTreeMap::new(),
            checked: None,
            classes: BTreeMap::new(),
            lapses: Lapses::default(),
            folders: Folders::default(),
            actions: BTreeMap::new(),
            reasons: BTreeMap::new(),
            flags: BTreeMap::new(),
            errors: BTreeMap::new(),
            failures: Failures::default(),
            run: None,
            seal: Seal::NoSummary,
        }
    }

    /// Whether the report has the column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        !self.lacks.contains(&column)
    }

    /// Objects and bytes by state, over all classes; those that there are.
    #[must_use]
    pub fn states(&self) -> BTreeMap<State, Count> {
        let mut states = BTreeMap::new();
        for (&state, &count) in self.classes.values().flatten() {
            states.entry(state).or_insert_with(Count::default).merge(count);
        }
        states
    }

    /// Objects and bytes of one state.
    #[must_use]
    pub fn state(&self, state: State) -> Count {
        self.states().get(&state).copied().unwrap_or_default()
    }

    /// The codes of failures, the commonest first.
    #[must_use]
    pub fn codes(&self) -> Vec<(&str, &FailedCode)> {
        let mut codes: Vec<(&str, &FailedCode)> =
            self.errors.iter().map(|(code, count)| (code.as_str(), count)).collect();
        codes.sort_by(|(a, x), (b, y)| y.count.objects.cmp(&x.count.objects).then_with(|| a.cmp(b)));
        codes
    }

    /// The code under which failures with `code` are counted: itself, or the one that many share when
    /// there are more codes than are kept.
    pub fn code(&mut self, code: &str) -> &mut FailedCode {
        entry(&mut self.errors, code)
    }

    /// The bucket's count; beyond a few hundred, they share one.
    pub fn bucket(&mut self, bucket: &str) -> &mut Count {
        entry(&mut self.buckets, bucket)
    }

    /// The class's counts; beyond a few hundred, they share one.
    pub fn class(&mut self, class: &str) -> &mut BTreeMap<State, Count> {
        entry(&mut self.classes, class)
    }
}
