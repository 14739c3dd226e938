//! What became of one object in this run: the right half of its report row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Action, Bill, Reason, State, Tier};

/// What became of one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// State after this run's action.
    pub state: State,
    /// When the readable copy lapses, where the store tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What was done.
    pub action: Action,
    /// Why, where the action alone does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The tier that was sent (or would be).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The days that were sent (or would be).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// HTTP status of the last answer; none when nothing was sent or nothing came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The vendor's error code, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<Box<str>>,
    /// The vendor's request id of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Box<str>>,
    /// Requests sent for this object (HEAD and POST, retries included).
    #[serde(default)]
    pub attempts: u32,
    /// What those requests came to; none if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<Box<Bill>>,
    /// When the state was learnt.
    pub checked_at: Timestamp,
}

impl Outcome {
    /// What its requests came to, to be added to.
    pub fn bill_mut(&mut self) -> &mut Bill {
        self.bill.get_or_insert_default()
    }

    /// An outcome that needed no request: the listing told `state`.
    #[must_use]
    pub const fn seen(state: State, expires_at: Option<Timestamp>, checked_at: Timestamp) -> Self {
        Self {
            state,
            expires_at,
            action: Action::None,
            reason: None,
            tier: None,
            days: None,
            http_status: None,
            error_code: None,
            request_id: None,
            attempts: 0,
            bill: None,
            checked_at,
        }
    }
}
