//! What the next run needs to know of a complete one: see `pipeline::decide`.
//!
//! Nothing but requests sent once too often depends on this file: one that cannot be read counts as
//! none, and a new layout needs no more than a new number.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::job::{Fit, Wish};
use crate::model::Tier;
use crate::pipeline::act::LastRun;

/// The layout that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Fields of a job's identity that say what is done, what is asked for, and how it is reported; the others
/// say which objects are looked at. Only restores leave word, and dry runs of them hear it.
const WISHES: &[&str] =
    &["verb", "days", "tier", "fit", "extend_when_left", "raise_tier", "report", "rows", "head"];

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remembered {
    format: u32,
    began: Timestamp,
    /// See `Job::identity`.
    identity: Vec<(String, String)>,
}

impl Remembered {
    pub(super) fn new(began: Timestamp, identity: &[(String, String)]) -> Self {
        Self { format: FORMAT, began, identity: identity.to_vec() }
    }

    /// What it says to a job that is `identity` now; `None` to one that looks at other objects, or if
    /// not all of them were looked at.
    pub(super) fn told_to(self, identity: &[(String, String)]) -> Option<LastRun> {
        if self.format != FORMAT || scope(&self.identity) != scope(identity) || is_capped(&self.identity) {
            return None;
        }
        Some(LastRun { began: self.began, wish: wish(&self.identity)? })
    }
}

fn value<'i>(identity: &'i [(String, String)], field: &str) -> Option<&'i str> {
    identity.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
}

/// Which objects are looked at.
fn scope(identity: &[(String, String)]) -> Vec<&(String, String)> {
    let of_wish = |field: &str| WISHES.contains(&field) || field.starts_with("class.");
    identity.iter().filter(|(field, _)| !of_wish(field)).collect()
}

fn is_capped(identity: &[(String, String)]) -> bool {
    value(identity, "max_objects").is_some_and(|cap| cap != "0")
}

/// The wish that an identity tells of, as far as the next run needs it.
fn wish(identity: &[(String, String)]) -> Option<Wish> {
    let mut wish = Wish {
        days: value(identity, "days")?.parse().ok()?,
        tier: Tier::from_word(value(identity, "tier")?)?,
        extend_when_left: match value(identity, "extend_when_left") {
            Some(text) => Some(std::time::Duration::from_secs(text.strip_suffix('s')?.parse().ok()?)),
            None => None,
        },
        fit: match value(identity, "fit")? {
            "fail" => Fit::Fail,
            "skip" => Fit::Skip,
            "clamp" => Fit::Clamp,
            _ => return None,
        },
        raise_tier: value(identity, "raise_tier") == Some("true"),
        ..Wish::default()
    };
    for (field, value) in identity {
        let Some((class, what)) = field.strip_prefix("class.").and_then(|rest| rest.rsplit_once('.')) else {
            continue;
        };
        let over = wish.class.entry(class.to_owned()).or_default();
        match what {
            "days" => over.days = Some(value.parse().ok()?),
            "tier" => over.tier = Some(Tier::from_word(value)?),
            _ => return None,
        }
    }
    Some(wish)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::ClassWish;

    fn identity(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let own =
            [("url", "s3://b/p"), ("max_objects", "0"), ("days", "7"), ("tier", "Bulk"), ("fit", "skip")];
        let mut all: Vec<(String, String)> = own.map(|(f, v)| (f.to_owned(), v.to_owned())).to_vec();
        for (field, value) in pairs {
            all.retain(|(name, _)| name != field);
            all.push(((*field).to_owned(), (*value).to_owned()));
        }
        all
    }

    #[test]
    fn a_wish_comes_back_from_the_identity() {
        let written = identity(&[
            ("class.deep_archive.days", "30"),
            ("class.deep_archive.tier", "Standard"),
            ("extend_when_left", "172800s"),
            ("raise_tier", "true"),
        ]);
        let began = "2026-11-21T01:00:00Z".parse().unwrap();
        let text = serde_json::to_string(&Remembered::new(began, &written)).unwrap();
        let back: Remembered = serde_json::from_str(&text).unwrap();
        let last = back.told_to(&written).unwrap();
        assert_eq!(last.began, began);
        assert_eq!((last.wish.days, last.wish.tier, last.wish.raise_tier), (7, Tier::Bulk, true));
        assert_eq!(last.wish.fit, Fit::Skip);
        assert_eq!(last.wish.extend_when_left, Some(Duration::from_hours(48)));
        let deep = ClassWish { days: Some(30), tier: Some(Tier::Standard) };
        assert_eq!(last.wish.class.get("deep_archive"), Some(&deep));
    }

    #[test]
    fn it_is_told_to_whoever_looks_at_the_same_objects() {
        let last = |then: &[(&str, &str)], now: &[(&str, &str)]| {
            Remembered::new(Timestamp::UNIX_EPOCH, &identity(then)).told_to(&identity(now)).is_some()
        };
        assert!(last(&[], &[("days", "9"), ("tier", "Standard"), ("rows", "failed"), ("class.x.days", "3")]));
        assert!(!last(&[], &[("url", "s3://b/q")]));
        assert!(!last(&[], &[("min_size", "1")]));
        assert!(!last(&[("max_objects", "5")], &[("max_objects", "5")]), "it did not look at all");
        assert!(!last(&[("days", "many")], &[]));
    }
}
