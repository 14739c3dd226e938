//! Counts over many outcomes: what the closing table and `summary.json` show.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Account, Action, Answers, Flag, Listed, Outcome, Reason, State};

/// Objects and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Number of objects (or versions).
    pub objects: u64,
    /// Sum of their sizes in bytes.
    pub bytes: u64,
}

impl Count {
    /// Adds another count.
    pub const fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Adds one object of `size` bytes.
    pub const fn add(&mut self, size: u64) {
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(size);
    }
}

/// How often one error code came back, with one request id as a handle for support.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// Objects that ended with this code.
    pub objects: u64,
    /// The request id of the first of them.
    #[serde(default)]
    pub first_request_id: String,
    /// The key of the first of them, as in the report.
    #[serde(default)]
    pub first_key: String,
}

/// Requests sent, by kind, every attempt counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// List requests.
    pub list: u64,
    /// HEAD requests.
    pub head: u64,
    /// Restore POSTs.
    pub restore: u64,
    /// Attempts beyond the first, of any kind.
    pub retries: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
    /// How often a rate was brought down for that: a burst of such answers is one reason.
    #[serde(default)]
    pub slow_downs: u64,
    /// The lowest rate of restores that this came to, in requests a second; `None` if it never came down.
    #[serde(default)]
    pub lowest_restore_rate: Option<u32>,
    /// How the list requests were answered.
    #[serde(default, skip_serializing_if = "Answers::is_none")]
    pub lists: Answers,
}

impl RequestCounts {
    /// What came after `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            list: self.list.saturating_sub(before.list),
            head: self.head.saturating_sub(before.head),
            restore: self.restore.saturating_sub(before.restore),
            retries: self.retries.saturating_sub(before.retries),
            throttled: self.throttled.saturating_sub(before.throttled),
            lists: self.lists.since(before.lists),
            slow_downs: self.slow_downs.saturating_sub(before.slow_downs),
            lowest_restore_rate: self.lowest_restore_rate,
        }
    }

    /// These and `more`, of another session.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        let lowest = [self.lowest_restore_rate, more.lowest_restore_rate];
        let mut lists = self.lists;
        lists.merge(more.lists);
        Self {
            list: self.list + more.list,
            head: self.head + more.head,
            restore: self.restore + more.restore,
            retries: self.retries + more.retries,
            throttled: self.throttled + more.throttled,
            slow_downs: self.slow_downs + more.slow_downs,
            lowest_restore_rate: lowest.into_iter().flatten().min(),
            lists,
        }
    }
}

/// Requests a second that are let go now, by kind: what the job allows, or less where the store has
/// asked to slow down. Zeros where nobody paces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rates {
    /// List requests.
    pub list: u32,
    /// HEAD requests.
    pub head: u32,
    /// Restore POSTs.
    pub restore: u32,
}

/// How many distinct classes and error codes are kept; the rest is counted under `(other)`.
const MAX_NAMES: usize = 256;
/// The name under which what exceeds [`MAX_NAMES`] is counted.
const OTHER: &str = "(other)";

/// Counts over all objects that a run has reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Entries listed, delete markers included.
    pub listed: u64,
    /// Delete markers seen; they are never reported or restored.
    pub delete_markers: u64,
    /// Entries that passed the filter, each one a row unless `rows` narrows the report.
    pub matched: Count,
    /// Objects and bytes by storage class, then state.
    pub classes: BTreeMap<String, BTreeMap<State, Count>>,
    /// Objects and bytes by action.
    pub actions: BTreeMap<Action, Count>,
    /// Objects by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Objects and bytes by flag.
    #[serde(default)]
    pub flags: BTreeMap<Flag, Count>,
    /// Failures by the vendor's error code (or by reason where there is none).
    pub errors: BTreeMap<String, ErrorCount>,
    /// What the requests for objects came to; in a plan, what they would come to.
    #[serde(default, skip_serializing_if = "Account::is_empty")]
    pub account: Account,
}

impl Tally {
    /// Counts one reported object. `shown_key` is the key as the report spells it.
    pub fn add(&mut self, object: &Listed<'_>, outcome: &Outcome, shown_key: impl FnOnce() -> String) {
        self.matched.add(object.size);
        let class = std::str::from_utf8(object.class).unwrap_or(OTHER);
        entry(&mut self.classes, class).entry(outcome.state).or_default().add(object.size);
        self.actions.entry(outcome.action).or_default().add(object.size);
        if let Some(bill) = &outcome.bill {
            self.account.add(class, object.size, bill);
        }
        if let Some(reason) = outcome.reason {
            *self.reasons.entry(reason).or_default() += 1;
        }
        if outcome.action == Action::Failed {
            let code = outcome
                .error_code
                .as_deref()
                .unwrap_or_else(|| outcome.reason.map_or("unknown", Reason::as_str));
            let count = entry(&mut self.errors, code);
            if count.objects == 0 {
                count.first_request_id = outcome.request_id.as_deref().unwrap_or_default().to_owned();
                count.first_key = shown_key();
            }
            count.objects += 1;
        }
    }

    /// Counts the flag of one object of `size` bytes.
    pub fn flag(&mut self, flag: Flag, size: u64) {
        self.flags.entry(flag).or_default().add(size);
    }

    /// Objects and bytes with one flag.
    #[must_use]
    pub fn flagged(&self, flag: Flag) -> Count {
        self.flags.get(&flag).copied().unwrap_or_default()
    }

    /// Counts the requests for an object that is not reported.
    pub fn looked(&mut self, object: &Listed<'_>, outcome: &Outcome) {
        if let Some(bill) = &outcome.bill {
            let class = std::str::from_utf8(object.class).unwrap_or(OTHER);
            self.account.add(class, object.size, bill);
        }
    }

    /// Adds what another part of the run counted behind this one.
    pub fn merge(&mut self, other: &Self) {
        self.listed += other.listed;
        self.delete_markers += other.delete_markers;
        self.matched.merge(other.matched);
        for (class, states) in &other.classes {
            let mine = entry(&mut self.classes, class);
            for (&state, &count) in states {
                mine.entry(state).or_default().merge(count);
            }
        }
        for (&action, &count) in &other.actions {
            self.actions.entry(action).or_default().merge(count);
        }
        for (&reason, &objects) in &other.reasons {
            *self.reasons.entry(reason).or_default() += objects;
        }
        for (&flag, &count) in &other.flags {
            self.flags.entry(flag).or_default().merge(count);
        }
        self.account.merge(&other.account);
        for (code, count) in &other.errors {
            let mine = entry(&mut self.errors, code);
            if mine.objects == 0 {
                mine.first_request_id.clone_from(&count.first_request_id);
                mine.first_key.clone_from(&count.first_key);
            }
            mine.objects += count.objects;
        }
    }

    /// Objects and bytes of one action.
    #[must_use]
    pub fn action(&self, action: Action) -> Count {
        self.actions.get(&action).copied().unwrap_or_default()
    }

    /// Objects and bytes of one state over all classes.
    #[must_use]
    pub fn state(&self, state: State) -> Count {
        let mut sum = Count::default();
        for count in self.classes.values().filter_map(|states| states.get(&state)) {
            sum.objects += count.objects;
            sum.bytes = sum.bytes.saturating_add(count.bytes);
        }
        sum
    }
}

/// The value under `name`, made if need be; beyond [`MAX_NAMES`] names all the rest share one.
pub(super) fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, name: &str) -> &'m mut V {
    // Names repeat: looking twice is cheaper than making a `String` each time.
    let known = map.contains_key(name);
    let name = if !known && map.len() >= MAX_NAMES { OTHER } else { name };
    if !map.contains_key(name) {
        map.insert(name.to_owned(), V::default());
    }
    map.get_mut(name).expect("it was there or has just been put there")
}
