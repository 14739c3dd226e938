//! Exact fractions, which money is counted in until it is rounded once.

/// A fraction, in lowest terms, not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    over: u128,
    under: u128,
}

impl Ratio {
    /// Nothing.
    pub(super) const ZERO: Self = Self { over: 0, under: 1 };

    /// `over` / `under`; `None` if `under` is 0.
    pub(super) const fn new(over: u128, under: u128) -> Option<Self> {
        if under == 0 {
            return None;
        }
        let by = gcd(over, under);
        Some(Self { over: over / by, under: under / by })
    }

    /// Their product; `None` if it needs more than 128 bits.
    pub(super) fn times(self, by: Self) -> Option<Self> {
        // Each is in lowest terms, so what can be cancelled stands crosswise.
        let (a, b) = (Self::new(self.over, by.under)?, Self::new(by.over, self.under)?);
        Self::new(a.over.checked_mul(b.over)?, a.under.checked_mul(b.under)?)
    }

    /// Their sum; `None` if it needs more than 128 bits.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let shared = gcd(self.under, other.under);
        let (mine, theirs) = (other.under / shared, self.under / shared);
        let over = self.over.checked_mul(mine)?.checked_add(other.over.checked_mul(theirs)?)?;
        Self::new(over, self.under.checked_mul(mine)?)
    }

    /// The nearest whole number, a half upwards.
    pub(super) const fn rounded(self) -> u128 {
        let rest = self.over % self.under;
        self.over / self.under + (rest >= self.under - rest) as u128 * (rest > 0) as u128
    }

    /// The next whole number above, if it is none itself.
    pub(super) const fn rounded_up(self) -> u128 {
        self.over.div_ceil(self.under)
    }
}

/// The greatest number that divides both; 1 if both are 0.
const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(over: u128, under: u128) -> Ratio {
        Ratio::new(over, under).unwrap()
    }

    #[test]
    fn fractions_add_up_as_on_paper() {
        assert_eq!(of(1, 3).plus(of(1, 6)), Some(of(1, 2)));
        assert_eq!(of(2, 3).times(of(3, 4)), Some(of(1, 2)));
        assert_eq!((of(1, 2).rounded(), of(1, 3).rounded(), of(5, 3).rounded()), (1, 0, 2));
        assert_eq!((of(6, 3).rounded(), of(6, 3).rounded_up(), of(1, 1000).rounded_up()), (2, 2, 1));
        assert_eq!((Ratio::ZERO.rounded(), Ratio::ZERO.rounded_up()), (0, 0));
        assert_eq!(Ratio::new(1, 0), None);
        assert_eq!(of(u128::MAX, 1).plus(of(1, 1)), None);
        assert_eq!(of(u128::MAX, 1).times(of(2, 1)), None);
    }

    proptest! {
        #[test]
        fn small_fractions_agree_with_whole_numbers(a in 0..10_000_u128, b in 1..500_u128, c in 0..10_000_u128, d in 1..500_u128) {
            prop_assert_eq!(of(a, b).plus(of(c, d)), Some(of(a * d + c * b, b * d)));
            prop_assert_eq!(of(a, b).times(of(c, d)), Some(of(a * c, b * d)));
            prop_assert_eq!(of(a, b).rounded_up(), a.div_ceil(b));
            prop_assert_eq!(of(a, b).rounded(), (2 * a + b) / (2 * b));
        }
    }
}
