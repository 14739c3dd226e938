//! What requests came to: how each was answered, what was read from the archive, which copies are kept.
//!
//! Vendors charge by the answer: some bill what they refuse, and some do not bill their own errors.
//! Money is none of this module's business.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tally::entry;
use super::{Count, Tier};

/// How requests of one kind were answered, every attempt counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// With a success (1xx to 3xx).
    #[serde(skip_serializing_if = "is_zero")]
    pub taken: u64,
    /// With a refusal (4xx).
    #[serde(skip_serializing_if = "is_zero")]
    pub refused: u64,
    /// With an error of the store's own (5xx).
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: u64,
    /// Not at all: the store may have carried them out, and may bill them.
    #[serde(skip_serializing_if = "is_zero")]
    pub silent: u64,
}

impl Answers {
    /// Counts one answer by its HTTP status.
    pub const fn note(&mut self, status: u16) {
        match status {
            400..500 => self.refused += 1,
            500.. => self.failed += 1,
            _ => self.taken += 1,
        }
    }

    /// Adds others.
    pub const fn merge(&mut self, other: Self) {
        self.taken += other.taken;
        self.refused += other.refused;
        self.failed += other.failed;
        self.silent += other.silent;
    }

    /// What came after `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            taken: self.taken.saturating_sub(before.taken),
            refused: self.refused.saturating_sub(before.refused),
            failed: self.failed.saturating_sub(before.failed),
            silent: self.silent.saturating_sub(before.silent),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.all() == 0
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.taken + self.refused + self.failed + self.silent
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What the requests for one object came to; in a plan, what they would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bill {
    /// HEAD requests.
    #[serde(skip_serializing_if = "Answers::is_none")]
    pub heads: Answers,
    /// Restore requests at `tier`.
    #[serde(skip_serializing_if = "Answers::is_none")]
    pub restores: Answers,
    /// Expedited ones, before they fell back to `tier`.
    #[serde(skip_serializing_if = "Answers::is_none")]
    pub fallen: Answers,
    /// The tier that was asked for; `None` where the class has a single speed.
    pub tier: Option<Tier>,
    /// Whether the object is read from the archive.
    pub retrieved: bool,
    /// For how many seconds more a readable copy is kept, as far as it was asked for.
    pub copy_seconds: u64,
    /// When the copy would have lapsed that was asked to be kept longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapsed: Option<jiff::Timestamp>,
}

/// What was asked for of one class at one tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountLine {
    /// HEAD requests; they stand where no tier is named.
    pub heads: Answers,
    /// Restore requests.
    pub restores: Answers,
    /// Objects of which a request was taken.
    pub asked: Count,
    /// What is read from the archive.
    pub retrieved: Count,
    /// Objects of which a copy is kept, or kept longer.
    pub copies: u64,
    /// Their bytes times the seconds that were asked for.
    pub copy_byte_seconds: u128,
}

/// What a run asked for, by class and tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Account {
    /// By storage class, then by tier; the tier is empty for HEAD and for classes of a single speed.
    pub classes: BTreeMap<String, BTreeMap<String, AccountLine>>,
}

impl Account {
    /// Adds what was asked for of one object of `bytes` bytes.
    pub fn add(&mut self, class: &str, bytes: u64, bill: &Bill) {
        let tiers = entry(&mut self.classes, class);
        let mut line = |tier: Option<Tier>, change: &dyn Fn(&mut AccountLine)| {
            change(tiers.entry(tier.map_or(String::new(), |tier| tier.to_string())).or_default());
        };
        if bill.heads.all() > 0 {
            line(None, &|line| line.heads.merge(bill.heads));
        }
        if bill.fallen.all() > 0 {
            line(Some(Tier::Expedited), &|line| line.restores.merge(bill.fallen));
        }
        if bill.restores.all() > 0 {
            line(bill.tier, &|line| {
                line.restores.merge(bill.restores);
                if bill.restores.taken > 0 {
                    line.asked.add(bytes);
                }
                if bill.retrieved {
                    line.retrieved.add(bytes);
                }
                if bill.copy_seconds > 0 {
                    line.copies += 1;
                    line.copy_byte_seconds += u128::from(bytes) * u128::from(bill.copy_seconds);
                }
            });
        }
    }

    /// Adds what another part of the run asked for.
    pub fn merge(&mut self, other: &Self) {
        for (class, tiers) in &other.classes {
            let mine = entry(&mut self.classes, class);
            for (tier, line) in tiers {
                let mine = mine.entry(tier.clone()).or_default();
                mine.heads.merge(line.heads);
                mine.restores.merge(line.restores);
                mine.asked.merge(line.asked);
                mine.retrieved.merge(line.retrieved);
                mine.copies += line.copies;
                mine.copy_byte_seconds += line.copy_byte_seconds;
            }
        }
    }

    /// Whether nothing was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_adds_up_and_comes_back_from_a_file() {
        let mut account = Account::default();
        let mut bill =
            Bill { tier: Some(Tier::Bulk), retrieved: true, copy_seconds: 86_400, ..Bill::default() };
        for status in [200, 409, 503, 202, 301] {
            bill.restores.note(status);
        }
        bill.fallen.failed = 1;
        bill.heads.taken = 1;
        account.add("Cold", u64::MAX, &bill);
        account.add("Cold", u64::MAX, &bill);
        let mut twice = Account::default();
        twice.merge(&account);
        twice.merge(&account);
        let lines = &twice.classes["Cold"];
        assert_eq!(lines["Bulk"].restores, Answers { taken: 12, refused: 4, failed: 4, silent: 0 });
        assert_eq!(lines["Expedited"].restores.failed, 4);
        assert_eq!((lines[""].heads.taken, lines["Bulk"].copies, lines["Bulk"].retrieved.objects), (4, 4, 4));
        assert_eq!(lines["Bulk"].copy_byte_seconds, 4 * u128::from(u64::MAX) * 86_400);
        let text = serde_json::to_string(&twice).unwrap();
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), twice);
    }
}
