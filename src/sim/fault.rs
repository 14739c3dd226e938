//! What goes wrong on purpose: rules that pick requests, and what befalls them.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::config::Call;
use super::generate::scramble;

/// Most keys whose attempts one rule tells apart; beyond, it leaves new keys alone.
const MAX_KEYS: usize = 1 << 20;

/// What befalls a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// 503 with the vendor's code for "slow down".
    SlowDown,
    /// 503 without a body.
    Bare503,
    /// 500 `InternalError`.
    Internal,
    /// The status and code that the rule names.
    Error,
    /// The connection is reset and nothing was done.
    Reset,
    /// The request is carried out, then the connection is reset instead of the answer.
    LostAnswer,
    /// The answer stops halfway and the connection is reset.
    Cut,
    /// No answer until the caller gives up, or for `delay_ms`.
    Stall,
    /// The answer comes after `delay_ms`.
    Slow,
    /// The page is whole for HTTP, but its XML stops halfway.
    Torn,
    /// A page names the continuation that it was asked with as the next one.
    RepeatToken,
    /// A page is empty, yet truncated.
    EmptyPage,
    /// An error document under status 200.
    ErrorIn200,
    /// S3: 503 `GlacierExpeditedRetrievalNotAvailable`; elsewhere as [`FaultKind::SlowDown`].
    NoCapacity,
    /// The token counts as lapsed.
    ExpiredToken,
    /// The signature's time counts as too far off.
    Skewed,
    /// The status and body that the rule names, whatever was asked.
    Answer,
    /// 307, or the status that the rule names, to its `location`.
    Redirect,
    /// What the rule seeks in the true answer (its body and the values of its headers) is replaced.
    Edit,
    /// The body comes in UTF-16.
    Utf16,
    /// Blanks follow the body, [`Fault::bytes`] of them; default 17 MiB.
    Oversize,
    /// The body comes whole, but more of it was announced.
    Overstated,
    /// Half of the body was announced, all of it comes.
    Understated,
    /// The body comes in pieces of [`Fault::bytes`] (default 1), `delay_ms` apart.
    Drip,
    /// The first and the last key of a page have changed places.
    Disorder,
    /// A page shows keys outside of the prefix that was asked for.
    Stray,
}

/// A rule. A request is hit if everything that the rule names fits, and the count says so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What befalls the request.
    pub kind: FaultKind,
    /// Only these calls; empty for all.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Only this bucket.
    #[serde(default)]
    pub bucket: Option<String>,
    /// Only keys that match this pattern: `*` is any run of bytes, `?` any one byte. For a listing
    /// its `prefix` is compared, here and below.
    #[serde(default)]
    pub key: Option<String>,
    /// Only keys that begin so.
    #[serde(default)]
    pub prefix: Option<String>,
    /// Leaves the first so many fitting requests alone.
    #[serde(default)]
    pub skip: u64,
    /// Of the rest, hits each n-th: 3 hits the third, the sixth, …; 0 and 1 hit all.
    #[serde(default)]
    pub every: u64,
    /// Of these, hits this share at random: 0.3 hits three in ten.
    #[serde(default)]
    pub chance: Option<f64>,
    /// What chance starts from: the same seed hits the same requests by their order.
    #[serde(default)]
    pub seed: u64,
    /// Stops after so many hits.
    #[serde(default)]
    pub first: Option<u64>,
    /// Counts per key instead of over all.
    #[serde(default)]
    pub per_key: bool,
    /// `Retry-After` of an error answer, in seconds.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// Status of [`FaultKind::Error`] (default 500), [`FaultKind::Answer`] (200) and
    /// [`FaultKind::Redirect`] (307).
    #[serde(default)]
    pub status: Option<u16>,
    /// Code of an error answer; default the vendor's.
    #[serde(default)]
    pub code: Option<String>,
    /// Real milliseconds of [`FaultKind::Stall`], [`FaultKind::Slow`] and, a piece,
    /// [`FaultKind::Drip`].
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// Size of what [`FaultKind::Oversize`] and [`FaultKind::Drip`] do.
    #[serde(default)]
    pub bytes: Option<usize>,
    /// Body of [`FaultKind::Answer`].
    #[serde(default)]
    pub body: Option<String>,
    /// Headers that the answer gets, whatever the kind, in place of its own of the same names.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Where [`FaultKind::Redirect`] leads.
    #[serde(default)]
    pub location: Option<String>,
    /// What [`FaultKind::Edit`] seeks; every place counts.
    #[serde(default)]
    pub find: Option<String>,
    /// What it puts there.
    #[serde(default)]
    pub replace: Option<String>,
}

impl Fault {
    /// A rule that hits every request.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            calls: Vec::new(),
            bucket: None,
            key: None,
            prefix: None,
            skip: 0,
            every: 0,
            first: None,
            per_key: false,
            retry_after: None,
            status: None,
            code: None,
            delay_ms: None,
            chance: None,
            seed: 0,
            bytes: None,
            body: None,
            headers: BTreeMap::new(),
            location: None,
            find: None,
            replace: None,
        }
    }

    /// A rule that replaces `find` by `with` in every answer.
    #[must_use]
    pub fn edit(find: impl Into<String>, with: impl Into<String>) -> Self {
        Self { find: Some(find.into()), replace: Some(with.into()), ..Self::new(FaultKind::Edit) }
    }

    /// A rule that answers every request with this status and body.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        Self { status: Some(status), body: Some(body.into()), ..Self::new(FaultKind::Answer) }
    }

    /// The same for this share of the requests, drawn from `seed`.
    #[must_use]
    pub const fn chance(mut self, share: f64, seed: u64) -> Self {
        (self.chance, self.seed) = (Some(share), seed);
        self
    }

    /// The same for one more kind of call.
    #[must_use]
    pub fn on(mut self, call: Call) -> Self {
        self.calls.push(call);
        self
    }

    /// The same with at most `n` hits.
    #[must_use]
    pub const fn first(mut self, n: u64) -> Self {
        self.first = Some(n);
        self
    }

    /// The same for each `n`-th fitting request only.
    #[must_use]
    pub const fn every(mut self, n: u64) -> Self {
        self.every = n;
        self
    }

    /// The same for keys that match `pattern` only.
    #[must_use]
    pub fn key(mut self, pattern: impl Into<String>) -> Self {
        self.key = Some(pattern.into());
        self
    }

    fn fits(&self, call: Call, bucket: &str, key: &[u8]) -> bool {
        (self.calls.is_empty() || self.calls.contains(&call))
            && self.bucket.as_ref().is_none_or(|b| b == bucket)
            && self.prefix.as_ref().is_none_or(|p| key.starts_with(p.as_bytes()))
            && self.key.as_ref().is_none_or(|p| matches(p.as_bytes(), key))
    }
}

/// Whether `text` matches `pattern`, in time proportional to their product at worst.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last `*` has to swallow one more byte.
    let mut again: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                again = Some((p, t));
                p += 1;
            }
            Some(b) if b == byte || *b == b'?' => {
                p += 1;
                t += 1;
            }
            _ => match again {
                Some((star, from)) => {
                    again = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|b| *b == b'*'))
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    seen: u64,
    hits: u64,
}

impl Count {
    fn hit(&mut self, rule: &Fault) -> bool {
        self.seen += 1;
        let Some(past) = self.seen.checked_sub(rule.skip).filter(|n| *n > 0) else { return false };
        let due = past % rule.every.max(1) == 0
            && rule.chance.is_none_or(|share| drawn(rule.seed, past) < share)
            && rule.first.is_none_or(|n| self.hits < n);
        self.hits += u64::from(due);
        due
    }
}

/// The `number`-th draw from `seed`, evenly in 0..1.
fn drawn(seed: u64, number: u64) -> f64 {
    let upper = u32::try_from(scramble(scramble(seed) ^ number) >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

#[derive(Debug)]
struct Armed {
    rule: Fault,
    all: Count,
    keys: HashMap<u64, Count>,
}

/// The rules with their counts.
#[derive(Debug, Default)]
pub(super) struct Faults {
    armed: Mutex<Vec<Armed>>,
}

impl Faults {
    pub(super) fn new(rules: &[Fault]) -> Self {
        let faults = Self::default();
        for rule in rules {
            faults.add(rule.clone());
        }
        faults
    }

    pub(super) fn add(&self, rule: Fault) {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        armed.push(Armed { rule, all: Count::default(), keys: HashMap::new() });
    }

    pub(super) fn clear(&self) {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The first rule that hits this request. Every fitting rule up to it counts the request.
    pub(super) fn strike(&self, call: Call, bucket: &str, key: &[u8]) -> Option<Fault> {
        let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        for one in armed.iter_mut() {
            if !one.rule.fits(call, bucket, key) {
                continue;
            }
            let count = if one.rule.per_key {
                let mut hasher = DefaultHasher::new();
                (bucket, key).hash(&mut hasher);
                if one.keys.len() >= MAX_KEYS && !one.keys.contains_key(&hasher.finish()) {
                    continue;
                }
                one.keys.entry(hasher.finish()).or_default()
            } else {
                &mut one.all
            };
            if count.hit(&one.rule) {
                return Some(one.rule.clone());
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("*.bin", "a.bin.bin", true),
            ("*.bin", "a.bin.b", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("logs/*", "logs/", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }

    fn hits(rule: Fault, n: usize) -> Vec<usize> {
        let faults = Faults::new(&[rule]);
        (1..=n).filter(|_| faults.strike(Call::Restore, "b", b"k").is_some()).collect::<Vec<_>>()
    }

    #[test]
    fn counts() {
        assert_eq!(hits(Fault::new(FaultKind::Reset), 3), [1, 2, 3]);
        assert_eq!(hits(Fault::new(FaultKind::Reset).first(2), 5), [1, 2]);
        assert_eq!(hits(Fault::new(FaultKind::Reset).every(3), 7), [3, 6]);
        assert_eq!(hits(Fault { skip: 2, ..Fault::new(FaultKind::Reset).every(2).first(2) }, 9), [4, 6]);
        assert!(hits(Fault::new(FaultKind::Reset).on(Call::List), 3).is_empty());
        assert!(hits(Fault::new(FaultKind::Reset).key("j*"), 3).is_empty());
    }

    #[test]
    fn chance_hits_its_share_and_the_same_ones_each_time() {
        let rule = Fault::new(FaultKind::Reset).chance(0.3, 7);
        let hit = hits(rule.clone(), 10_000);
        // Three thousand, give or take four standard deviations of 46.
        assert!((2817..=3183).contains(&hit.len()), "{}", hit.len());
        assert_eq!(hits(rule, 10_000), hit);
        assert_ne!(hits(Fault::new(FaultKind::Reset).chance(0.3, 8), 10_000), hit);
        assert!(hits(Fault::new(FaultKind::Reset).chance(0.0, 7), 100).is_empty());
        assert_eq!(hits(Fault::new(FaultKind::Reset).chance(1.0, 7), 100).len(), 100);
    }

    #[test]
    fn counts_each_key_apart() {
        let faults = Faults::new(&[Fault { per_key: true, ..Fault::new(FaultKind::SlowDown).first(1) }]);
        let hit = |key: &[u8]| faults.strike(Call::Restore, "b", key).is_some();
        assert!(hit(b"a") && hit(b"b"));
        assert!(!hit(b"a") && !hit(b"b"));
    }
}
