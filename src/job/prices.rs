//! What restores cost: a table in TOML, one built in and replaceable by the user's own.

use crate::model::{Money, Tier};

/// A price table of one provider, checked.
#[derive(Clone, Debug, Default)]
pub struct Prices {}

impl Prices {
    /// What one restore of an object of `bytes` bytes in `class` costs, the request, the retrieval and
    /// the copy for `days` taken together; `None` if the table does not know: never zero for that.
    #[must_use]
    pub fn object(
        &self,
        _class: &[u8],
        _tier: Option<Tier>,
        _days: Option<u32>,
        _bytes: u64,
    ) -> Option<Money> {
        None
    }
}
