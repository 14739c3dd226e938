//! Where the objects of a report are: its largest folders.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Count, State};

/// One part of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// What its keys begin with, spelt as keys are in the report; behind the bucket and a slash where the
    /// report has several buckets.
    pub prefix: String,
    /// Whether parts of it have a share of their own and are not counted here.
    pub is_rest: bool,
    /// Objects and bytes.
    pub total: Count,
    /// The same by state.
    pub states: BTreeMap<State, Count>,
}

impl Share {
    /// What must be restored before it can be read.
    #[must_use]
    pub fn archived(&self) -> Count {
        let mut archived = self.states.get(&State::Archived).copied().unwrap_or_default();
        archived.merge(self.states.get(&State::Expired).copied().unwrap_or_default());
        archived
    }
}

/// The largest folders of a report. Each object is counted in one share of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Folders {
    /// What all keys begin with, as far as it ends in a slash.
    pub common: String,
    /// All of the report, the largest share first.
    pub all: Vec<Share>,
    /// The same for what is archived still: its largest shares first, each with all that is in it.
    pub archived: Vec<Share>,
    /// Whether a share can be larger than it is told, with the difference in that of its parent: in a
    /// report whose keys are in no order, small folders are forgotten and may come back.
    pub at_least: bool,
}
