//! Who comes first the next time: what a run left over, by stretches of keys.
//!
//! A bucket may leave a hundred million objects over, so none of them is remembered by itself. What
//! is kept is a short list of stretches of keys, and how much of each was left over; a page that left
//! something over makes a stretch, and neighbours are put together when there are too many.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Amount;
use crate::model::{hex, unhex};

/// Stretches that are kept of one claim.
const STRETCHES: usize = 32;

/// Keys from `from` to `to`, both inclusive, and what of them was left over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stretch {
    #[serde(with = "as_hex")]
    from: Vec<u8>,
    #[serde(with = "as_hex")]
    to: Vec<u8>,
    /// What is due to them.
    due: Amount,
}

/// Keys have any bytes; text files have hexadecimal digits.
mod as_hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(key: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::hex(key))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        super::unhex(&text).ok_or_else(|| D::Error::custom("a key is not hexadecimal"))
    }
}

/// Stretches in key order that do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stretches(Vec<Stretch>);

impl Stretches {
    /// Whether nothing is due to anybody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is due to all of them.
    #[must_use]
    pub fn due(&self) -> Amount {
        self.0.iter().fold(Amount::default(), |sum, stretch| sum.plus(stretch.due))
    }

    /// Which stretch holds `key`.
    fn of(&self, key: &[u8]) -> Option<usize> {
        let at = self.0.partition_point(|stretch| stretch.to.as_slice() < key);
        self.0.get(at).filter(|stretch| stretch.from.as_slice() <= key).map(|_| at)
    }

    /// Adds that `due` of the keys from `from` to `to` was left over. Stretches come from pages, which
    /// do not overlap: one lies within a stretch that is there, or between two, or touches one at a
    /// key whose versions fill several pages.
    pub fn add(&mut self, from: &[u8], to: &[u8], due: Amount) {
        let at = self.0.partition_point(|stretch| stretch.to.as_slice() < from);
        match self.0.get_mut(at).filter(|stretch| stretch.from.as_slice() <= to) {
            Some(there) => {
                there.due = there.due.plus(due);
                if from < there.from.as_slice() {
                    there.from = from.to_vec();
                }
                if to > there.to.as_slice() {
                    there.to = to.to_vec();
                }
            }
            None => self.0.insert(at, Stretch { from: from.to_vec(), to: to.to_vec(), due }),
        }
        // One that grew to the right may touch its neighbour.
        if self.0.get(at + 1).is_some_and(|next| next.from <= self.0[at].to) {
            self.join(at);
        }
        while self.0.len() > STRETCHES {
            // The two that have the least together lose the least precision.
            let both = |at: &usize| self.0[*at].due.objects.saturating_add(self.0[at + 1].due.objects);
            let Some(at) = (0..self.0.len() - 1).min_by_key(both) else { return };
            self.join(at);
        }
    }

    /// Puts the stretch at `at` and the one behind it together.
    fn join(&mut self, at: usize) {
        let next = self.0.remove(at + 1);
        let this = &mut self.0[at];
        this.due = this.due.plus(next.due);
        this.to = this.to.as_slice().max(&next.to).to_vec();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for Stretch { from, to, due } in &other.0 {
            self.add(from, to, *due);
        }
    }
}

/// Objects that were left over together, and have a claim of the same age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    /// When the run began that left them over: what was modified later cannot be one of them.
    pub(super) since: Timestamp,
    /// Where they are.
    pub(super) stretches: Stretches,
}

/// What earlier runs left over: the oldest claim first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(pub(super) Vec<Claim>);

/// A place in the order of claims: which claim, which stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize, usize);

impl Place {
    /// Whether it is one of the oldest claim.
    pub(super) const fn is_old(self) -> bool {
        self.0 == 0
    }
}

impl Claims {
    /// The claim of the object `key`, if it can be one of those left over.
    pub(super) fn place(&self, key: &[u8], modified: Option<Timestamp>) -> Option<Place> {
        self.0.iter().enumerate().find_map(|(at, claim)| {
            let new = modified.is_some_and(|modified| modified >= claim.since);
            if new { None } else { claim.stretches.of(key).map(|stretch| Place(at, stretch)) }
        })
    }

    /// What is due to those before `place`; to all, if there is no place.
    pub(super) fn before(&self, place: Option<Place>) -> Amount {
        let all = self.0.iter().enumerate().flat_map(|(at, claim)| {
            claim
                .stretches
                .0
                .iter()
                .enumerate()
                .map(move |(number, stretch)| (Place(at, number), stretch.due))
        });
        let before = all.take_while(|(at, _)| place.is_none_or(|place| *at < place));
        before.fold(Amount::default(), |sum, (_, due)| sum.plus(due))
    }

    /// One of those at `place` got `amount`.
    pub(super) fn served(&mut self, place: Place, amount: Amount) {
        if let Some(stretch) = self.0.get_mut(place.0).and_then(|claim| claim.stretches.0.get_mut(place.1)) {
            stretch.due = stretch.due.minus(amount);
        }
    }

    /// The claims after a run that began at `began` and left `left` over.
    pub(super) fn after(&self, began: Timestamp, left: &Left) -> Self {
        let claim = |since, stretches: &Stretches| {
            (!stretches.is_empty()).then(|| Claim { since, stretches: stretches.clone() })
        };
        let old = self.0.first().and_then(|first| claim(first.since, &left.old));
        Self(old.into_iter().chain(claim(began, &left.new)).collect())
    }
}

/// What a run leaves over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Left {
    /// Of the oldest claim.
    pub old: Stretches,
    /// Of all others.
    pub new: Stretches,
    /// Objects that no budget will ever pay for: they alone are over a bound, or have no known price.
    pub never: u64,
}

impl Left {
    /// Whether nothing was left over.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.old.is_empty() && self.new.is_empty() && self.never == 0
    }

    /// Adds what another part of the run left over.
    pub fn merge(&mut self, other: &Self) {
        self.old.merge(&other.old);
        self.new.merge(&other.new);
        self.never += other.never;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: u64) -> Amount {
        Amount { objects: 1, bytes, micros: 0 }
    }

    fn key(number: u32) -> Vec<u8> {
        format!("{number:06}").into_bytes()
    }

    #[test]
    fn however_many_pages_leave_something_the_list_stays_short_and_exact() {
        // Pages of ten keys in an order of no pattern; every third one leaves nothing.
        let mut stretches = Stretches::default();
        let mut held = Vec::new();
        for n in 0..1000_u32 {
            let page = n * 617 % 1000;
            if page % 3 > 0 {
                let (from, to) = (key(page * 10), key(page * 10 + 9));
                stretches.add(&from, &to, one(u64::from(page)));
                held.push((from, to, page));
            }
        }
        assert!(stretches.0.len() <= STRETCHES);
        assert!(stretches.0.windows(2).all(|pair| pair[0].to < pair[1].from));
        assert!(stretches.0.iter().all(|stretch| stretch.from <= stretch.to));
        // What is due to a stretch is what its pages left, whatever was joined when.
        for (at, stretch) in stretches.0.iter().enumerate() {
            let mine = held.iter().filter(|(from, ..)| stretches.of(from) == Some(at));
            let sum = mine.fold(Amount::default(), |sum, (.., page)| sum.plus(one(u64::from(*page))));
            assert_eq!(sum, stretch.due);
        }
        assert!(
            held.iter()
                .all(|(from, to, _)| stretches.of(from).is_some() && stretches.of(from) == stretches.of(to))
        );
        assert_eq!(stretches.due().objects, held.len() as u64);
    }

    #[test]
    fn versions_of_a_key_on_two_pages_make_one_stretch() {
        let mut stretches = Stretches::default();
        stretches.add(b"k", b"m", one(1));
        stretches.add(b"a", b"c", one(2));
        stretches.add(b"c", b"k", one(4));
        assert_eq!(
            stretches.0,
            [Stretch {
                from: b"a".to_vec(),
                to: b"m".to_vec(),
                due: Amount { objects: 3, bytes: 7, micros: 0 }
            }]
        );
    }

    #[test]
    fn a_claim_is_of_its_keys_and_of_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut left = Left::default();
        left.new.add(b"f", b"m", one(5));
        let first = Claims::default().after(at(100), &left);
        assert_eq!(first.0.len(), 1);
        let mut left = Left::default();
        left.old.add(b"h", b"m", one(5));
        left.new.add(b"a", b"z", one(7));
        let claims = first.after(at(200), &left);
        assert_eq!(claims.place(b"k", Some(at(99))), Some(Place(0, 0)));
        assert_eq!(claims.place(b"k", Some(at(100))), Some(Place(1, 0)), "it came later");
        assert_eq!(claims.place(b"g", None), Some(Place(1, 0)));
        assert_eq!(claims.place(b"k", Some(at(200))), None);
        assert_eq!(claims.before(Some(Place(1, 0))), one(5));
        assert_eq!(claims.before(None).bytes, 12);
        // Text and back.
        let text = serde_json::to_string(&claims).unwrap();
        assert_eq!(serde_json::from_str::<Claims>(&text).unwrap(), claims);
        // When the oldest have all they wanted, the others are the oldest.
        let mut left = Left::default();
        left.new.add(b"b", b"b", one(7));
        assert_eq!(claims.after(at(300), &left).0[0].since, at(300));
    }
}
