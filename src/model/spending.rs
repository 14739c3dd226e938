//! What a campaign has spent of its budgets, in the words of the summary.

use serde::{Deserialize, Serialize};

/// What was spent: objects asked for, their bytes, and what they cost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What they cost, such as `12.50 CNY`; none where the budget bounds no money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
}

/// What a run and its day have spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// The run, all its sessions together.
    pub run: Spent,
    /// The last day on which something was spent, and what, whatever run it was. The day is one of the
    /// job's time zone.
    pub day: Option<(String, Spent)>,
}
