//! What a job wishes, fitted to what a class offers. Pure.

use crate::job::{Fit, Wish};
use crate::model::{Offer, Reason, Tier};

/// What a request for one object says, fitted to its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Days to send; `None` where the class must not be given any.
    pub days: Option<u32>,
    /// Tier to send; `None` where the class must not be given any.
    pub tier: Option<Tier>,
    /// Tiers of the class that are slower than that one, the next slower first.
    pub slower: &'static [Tier],
}

/// Fits a wish to what a class offers.
///
/// # Errors
/// [`Reason::TierNotOffered`] or [`Reason::DaysOutOfRange`] unless `fit` is [`Fit::Clamp`].
pub fn fit(days: u32, tier: Tier, fit: Fit, offer: &Offer) -> Result<Fitted, Reason> {
    let clamp = fit == Fit::Clamp;
    let tier = if offer.tiers.is_empty() {
        None
    } else if offer.tiers.contains(&tier) {
        Some(tier)
    } else if clamp {
        // Tiers stand fastest first: the next slower one offered, else the slowest.
        offer.tiers.iter().copied().find(|t| *t >= tier).or(offer.tiers.last().copied())
    } else {
        return Err(Reason::TierNotOffered);
    };
    let days = match &offer.days {
        None => None,
        Some(range) if range.contains(&days) => Some(days),
        Some(range) if clamp => Some(days.clamp(*range.start(), *range.end())),
        Some(_) => return Err(Reason::DaysOutOfRange),
    };
    let slower = match offer.tiers.iter().position(|offered| Some(*offered) == tier) {
        Some(place) => &offer.tiers[place + 1..],
        None => &[],
    };
    Ok(Fitted { days, tier, slower })
}

/// A class that does not offer what a job wishes for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The class, vendor spelling.
    pub class: String,
    /// [`Reason::TierNotOffered`] or [`Reason::DaysOutOfRange`].
    pub reason: Reason,
    /// The days wished for.
    pub days: u32,
    /// The tier wished for.
    pub tier: Tier,
    /// What the class offers.
    pub offer: Offer,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let (Reason::DaysOutOfRange, Some(range)) = (self.reason, &self.offer.days) {
            let (first, last) = (range.start(), range.end());
            return write!(
                f,
                "{} keeps a restored copy {first} to {last} days, not {}",
                self.class, self.days
            );
        }
        let tiers: Vec<&str> = self.offer.tiers.iter().map(|tier| tier.as_str()).collect();
        write!(f, "{} offers {}, not {}", self.class, tiers.join(" and "), self.tier)
    }
}

/// What of `wish` the `classes` do not offer; empty unless misfits are to fail the job. Asked
/// before anything is sent.
pub fn misfits<'c>(
    wish: &Wish,
    classes: impl IntoIterator<Item = &'c str>,
    offer: impl Fn(&[u8]) -> Option<Offer>,
) -> Vec<Misfit> {
    if wish.fit != Fit::Fail {
        return Vec::new();
    }
    classes
        .into_iter()
        .filter_map(|class| {
            let offer = offer(class.as_bytes())?;
            let (days, tier) = wish.for_class(class.as_bytes());
            let reason = fit(days, tier, Fit::Fail, &offer).err()?;
            Some(Misfit { class: class.to_owned(), reason, days, tier, offer })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Raise;

    const COLD: Offer = Offer {
        days: Some(1..=365),
        tiers: &[Tier::Expedited, Tier::Standard, Tier::Bulk],
        raise: Raise::Never,
    };
    const DEEP: Offer =
        Offer { days: Some(1..=365), tiers: &[Tier::Expedited, Tier::Standard], raise: Raise::Never };
    const PLAIN: Offer = Offer { days: Some(1..=7), tiers: &[], raise: Raise::Never };
    const DAYLESS: Offer = Offer { days: None, tiers: &[Tier::Standard, Tier::Bulk], raise: Raise::Never };

    #[test]
    fn a_wish_is_sent_as_it_is_or_fitted_or_refused() {
        let fitted = |days, tier| Ok((days, tier));
        let table = [
            (30, Tier::Bulk, Fit::Fail, COLD, fitted(Some(30), Some(Tier::Bulk))),
            (30, Tier::Bulk, Fit::Fail, DEEP, Err(Reason::TierNotOffered)),
            (30, Tier::Bulk, Fit::Clamp, DEEP, fitted(Some(30), Some(Tier::Standard))),
            (30, Tier::Bulk, Fit::Skip, PLAIN, Err(Reason::DaysOutOfRange)),
            (30, Tier::Bulk, Fit::Clamp, PLAIN, fitted(Some(7), None)),
            (7, Tier::Bulk, Fit::Fail, PLAIN, fitted(Some(7), None)),
            (7, Tier::Bulk, Fit::Fail, DAYLESS, fitted(None, Some(Tier::Bulk))),
            (7, Tier::Expedited, Fit::Clamp, DAYLESS, fitted(None, Some(Tier::Standard))),
        ];
        for (days, tier, how, offer, expected) in table {
            let found = fit(days, tier, how, &offer).map(|fitted| (fitted.days, fitted.tier));
            assert_eq!(found, expected, "{days} d, {tier}, {how:?}, {offer:?}");
        }
    }

    #[test]
    fn the_slower_tiers_of_the_class_are_known() {
        let slower = |tier, offer| fit(7, tier, Fit::Clamp, &offer).map(|fitted| fitted.slower);
        assert_eq!(slower(Tier::Expedited, COLD), Ok(&[Tier::Standard, Tier::Bulk][..]));
        assert_eq!(slower(Tier::Expedited, DEEP), Ok(&[Tier::Standard][..]));
        assert_eq!(slower(Tier::Bulk, DEEP), Ok(&[][..]));
        assert_eq!(slower(Tier::Standard, PLAIN), Ok(&[][..]));
    }

    #[test]
    fn misfits_are_told_before_anything_is_sent() {
        let offers = |class: &[u8]| match class {
            b"COLD" => Some(COLD),
            b"DEEP" => Some(DEEP),
            b"PLAIN" => Some(PLAIN),
            _ => None,
        };
        let mut wish = Wish { days: 30, tier: Tier::Bulk, ..Wish::default() };
        let told = |wish: &Wish| {
            let all = misfits(wish, ["COLD", "DEEP", "PLAIN", "STANDARD"], offers);
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&wish),
            [
                "DEEP offers Expedited and Standard, not Bulk",
                "PLAIN keeps a restored copy 1 to 7 days, not 30",
            ]
        );
        wish.class.insert("deep".into(), crate::job::ClassWish { days: None, tier: Some(Tier::Standard) });
        wish.class.insert("plain".into(), crate::job::ClassWish { days: Some(7), tier: None });
        assert_eq!(told(&wish), Vec::<String>::new());
        wish.class.clear();
        wish.fit = Fit::Skip;
        assert_eq!(told(&wish), Vec::<String>::new());
    }
}
