//! Stage 2: which of the listed entries are looked at. Pure.

use jiff::Timestamp;

use crate::job::{ClassFilter, Filter, Job, Versions};
use crate::model::{Access, Kind, Listed, State};

/// The job's filter made ready for one run: everything relative is fixed to the run's start, so
/// that a resumed run decides as the first one did.
#[derive(Debug)]
pub struct Sieve {
    filter: Filter,
    versions: Versions,
    prefix_len: usize,
    after: Option<Vec<u8>>,
    until: Option<Vec<u8>>,
    not_after: Option<Timestamp>,
    not_before: Option<Timestamp>,
}

impl Sieve {
    /// The sieve of `job` for a run that began at `started`.
    #[must_use]
    pub fn new(job: &Job, started: Timestamp) -> Self {
        let ago = |span: Option<std::time::Duration>| {
            span.map(|s| started.checked_sub(s).unwrap_or(Timestamp::MIN))
        };
        Self {
            filter: job.filter.clone(),
            versions: job.source.versions,
            prefix_len: job.source.prefix.len(),
            after: job.source.start_after.as_ref().map(|key| key.as_bytes().to_vec()),
            until: job.source.end_with.as_ref().map(|key| key.as_bytes().to_vec()),
            not_after: ago(job.filter.older_than),
            not_before: ago(job.filter.newer_than),
        }
    }

    /// Whether the listing alone lets `entry` through. Delete markers never pass.
    #[must_use]
    pub fn keeps(&self, entry: &Listed<'_>) -> bool {
        entry.kind != Kind::DeleteMarker
            && (self.versions != Versions::Noncurrent || !entry.is_latest)
            && self.keeps_class(entry)
            && self.keeps_size(entry.size)
            && self.keeps_age(entry.last_modified)
            && self.after.as_ref().is_none_or(|after| entry.key > after.as_slice())
            && self.until.as_ref().is_none_or(|until| entry.key <= until.as_slice())
            && self.filter.keeps_key(entry.key.get(self.prefix_len..).unwrap_or_default())
    }

    /// Whether a named object is let through of which nothing but its `key` is known: the patterns alone
    /// decide.
    #[must_use]
    pub fn keeps_named(&self, key: &[u8]) -> bool {
        self.filter.keeps_key(key.get(self.prefix_len..).unwrap_or_default())
    }

    /// Whether objects in `state` are wanted; asked after classifying.
    #[must_use]
    pub fn keeps_state(&self, state: State) -> bool {
        self.filter.state.is_empty() || self.filter.state.contains(&state)
    }

    fn keeps_class(&self, entry: &Listed<'_>) -> bool {
        match &self.filter.storage_class {
            ClassFilter::Any => true,
            ClassFilter::Archived => entry.access == Access::Archived,
            ClassFilter::Named(names) => {
                names.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(entry.class))
            }
        }
    }

    fn keeps_size(&self, size: u64) -> bool {
        self.filter.min_size.is_none_or(|min| size >= min)
            && self.filter.max_size.is_none_or(|max| size <= max)
    }

    /// An entry whose date the store did not give in readable form passes no age filter.
    fn keeps_age(&self, modified: Option<Timestamp>) -> bool {
        self.not_after.is_none_or(|limit| modified.is_some_and(|m| m <= limit))
            && self.not_before.is_none_or(|limit| modified.is_some_and(|m| m >= limit))
    }
}
