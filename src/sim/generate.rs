//! Objects made by formula: key number i is computed, never stored, and keys ascend with i.
//!
//! So a bucket of 100 million keys costs no memory, and "the first key after this marker" is a
//! binary search over the formula.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::class::Class;
use super::units::{Sized, Span};
use super::wire::date::{civil, days_from_civil, push_number};
use super::wire::encode::decode;
use super::{Access, ConfigError, Dialect};

/// How the keys of a generated bucket are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// `obj-000000000042.bin`: fixed-width numbers, all in one stretch.
    #[default]
    Sequential,
    /// `0004189f-3c6e-….bin`: spread evenly over all first letters.
    Uuid,
    /// `2021/03/17/05/part-000042.gz`: ten years of hours.
    Dated,
    /// `t0417/000000000042.bin`: a thousand folders, a few of which hold most keys.
    Zipf,
}

/// Objects made by formula.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Generate {
    /// How many keys; at most 2^40.
    pub count: u64,
    /// What all keys begin with.
    pub prefix: String,
    /// The same percent-encoded; wins over `prefix`.
    pub prefix_url: Option<String>,
    /// How they are spread.
    pub shape: Shape,
    /// Changes every choice that is made by lot.
    pub seed: u64,
    /// Weight of each storage class; `CLASS:ACCESS_TIER` names a tier of a tiering class.
    pub classes: BTreeMap<String, u32>,
    /// Smallest and largest size; default 1 MiB for all.
    pub sizes: Option<[Sized; 2]>,
    /// Youngest and oldest age at the start of the store's clock; default 90 and 900 days.
    pub ages: Option<[Span; 2]>,
    /// Share of archived versions whose restore is running at the start, 0 to 1.
    pub restoring: f64,
    /// Share of archived versions that are readable at the start, 0 to 1.
    pub restored: f64,
    /// Versions of each key; 1 unless the bucket keeps versions.
    pub versions_per_key: Option<u32>,
    /// Share of keys whose current version is a delete marker, 0 to 1.
    pub deleted: f64,
}

/// Largest number of generated keys.
const MAX_COUNT: u64 = 1 << 40;
/// Folders of [`Shape::Zipf`].
const FOLDERS: u32 = 1000;
/// First day and number of hours of [`Shape::Dated`].
const FIRST_DAY: i64 = days_from_civil(2016, 1, 1);
const HOURS: u64 = 10 * 8_766;

/// The finaliser of SplitMix64: a one-to-one scramble of 64 bits.
pub(super) const fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `lot`, evenly spread over all of u64, scaled to `0..below`.
pub(super) fn scale(lot: u64, below: u64) -> u64 {
    let wide = u128::from(lot) * u128::from(below);
    u64::try_from(wide >> 64).unwrap_or(0)
}

/// What befalls one generated version, by lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lot {
    Plain,
    Restoring,
    Restored,
}

/// The formula, ready to use.
#[derive(Clone, Debug)]
pub(super) struct Generator {
    count: u64,
    prefix: Vec<u8>,
    shape: Shape,
    seed: u64,
    /// Cumulative weight, class, access tier.
    classes: Vec<(u64, Class, Option<Access>)>,
    sizes: (u64, u64),
    ages: (u64, u64),
    /// Shares as parts of 2^32.
    restoring: u64,
    restored: u64,
    deleted: u64,
    versions: u32,
    /// Index of the first key of each folder, and the count at the end ([`Shape::Zipf`]).
    folders: Vec<u64>,
}

impl Generator {
    /// Reads what a seed asks for. `on` names the bucket in errors.
    pub(super) fn new(
        from: &Generate,
        dialect: Dialect,
        versioned: bool,
        on: &str,
    ) -> Result<Self, ConfigError> {
        let fault = |what: &str| Err(ConfigError::new(format!("{on}: generate: {what}")));
        if from.count > MAX_COUNT {
            return fault("`count` is beyond 2^40");
        }
        for share in [from.restoring, from.restored, from.deleted, from.restoring + from.restored] {
            if !(0.0..=1.0).contains(&share) {
                return fault("`restoring`, `restored`, their sum, and `deleted` must lie between 0 and 1");
            }
        }
        let versions = from.versions_per_key.unwrap_or(1);
        if versions == 0 || (!versioned && (versions > 1 || from.deleted > 0.0)) {
            return fault(
                "`versions_per_key` above 1 and `deleted` need `versioning`; 0 is not a number of versions",
            );
        }
        let mut classes = Vec::with_capacity(from.classes.len().max(1));
        let mut sum = 0_u64;
        for (name, weight) in &from.classes {
            let (name, access) = name.split_once(':').map_or((name.as_str(), None), |(c, a)| (c, Some(a)));
            let access = match access.map(|a| (a, Access::from_word(a))) {
                Some((word, None)) => return fault(&format!("`classes`: unknown access tier `{word}`")),
                Some((_, some)) => some,
                None => None,
            };
            sum += u64::from(*weight);
            classes.push((sum, Class::new(dialect, name), access));
        }
        if classes.is_empty() {
            classes.push((1, Class::standard(dialect), None));
        } else if sum == 0 {
            return fault("`classes` has no weight above 0");
        }
        let sizes = from.sizes.map_or((1 << 20, 1 << 20), |[a, b]| (a.0, b.0));
        let ages = from.ages.unwrap_or([Span::days(90), Span::days(900)]);
        let ages = (ages[0].0.unsigned_abs(), ages[1].0.unsigned_abs());
        if sizes.0 > sizes.1 || ages.0 > ages.1 {
            return fault("`sizes` and `ages` must name the lower bound first");
        }
        let prefix = match &from.prefix_url {
            Some(url) => decode(url.as_bytes(), false),
            None => from.prefix.clone().into_bytes(),
        };
        let folders = if from.shape == Shape::Zipf { zipf(from.count, from.seed) } else { Vec::new() };
        Ok(Self {
            count: from.count,
            prefix,
            shape: from.shape,
            seed: from.seed,
            classes,
            sizes,
            ages,
            restoring: parts(from.restoring),
            restored: parts(from.restored),
            deleted: parts(from.deleted),
            versions,
            folders,
        })
    }

    /// Number of keys.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Versions of each key.
    pub(super) const fn versions(&self) -> u32 {
        self.versions
    }

    /// A number by lot for key `i`, version `ordinal`, and a purpose.
    pub(super) const fn lot(&self, i: u64, ordinal: u32, purpose: u64) -> u64 {
        scramble(scramble(i ^ self.seed.rotate_left(17)) ^ (ordinal as u64) << 32 ^ purpose)
    }

    /// Appends key `i`.
    pub(super) fn push_key(&self, out: &mut Vec<u8>, i: u64) {
        out.extend_from_slice(&self.prefix);
        match self.shape {
            Shape::Sequential => {
                out.extend_from_slice(b"obj-");
                push_number(out, i.cast_signed(), 12);
                out.extend_from_slice(b".bin");
            }
            Shape::Uuid => self.push_uuid(out, i),
            Shape::Dated => {
                let per_hour = self.count.div_ceil(HOURS).max(1);
                let hour = (i / per_hour).cast_signed();
                let (year, month, day) = civil(FIRST_DAY + hour / 24);
                for (n, width, after) in
                    [(year, 4, b'/'), (month, 2, b'/'), (day, 2, b'/'), (hour % 24, 2, b'/')]
                {
                    push_number(out, n, width);
                    out.push(after);
                }
                out.extend_from_slice(b"part-");
                push_number(out, (i % per_hour).cast_signed(), 8);
                out.extend_from_slice(b".gz");
            }
            Shape::Zipf => {
                let folder = self.folders.partition_point(|first| *first <= i).saturating_sub(1);
                let first = self.folders.get(folder).copied().unwrap_or(0);
                out.push(b't');
                push_number(out, i64::try_from(folder).unwrap_or(0), 4);
                out.push(b'/');
                push_number(out, (i - first).cast_signed(), 12);
                out.extend_from_slice(b".bin");
            }
        }
    }

    /// A UUID whose first 64 bits ascend with `i`, one in each of `count` equal steps.
    fn push_uuid(&self, out: &mut Vec<u8>, i: u64) {
        let step = u64::MAX / self.count.max(1);
        let high = i * step + scale(self.lot(i, 0, 1), step);
        let low = self.lot(i, 0, 2);
        let mut text = [b'-'; 36];
        let words = [high.to_be_bytes(), low.to_be_bytes()];
        for (n, byte) in words.as_flattened().iter().enumerate() {
            // Dashes stand after 8, 12, 16 and 20 digits.
            let at = 2 * n + [4, 6, 8, 10].iter().filter(|dash| n >= **dash).count();
            text[at] = b"0123456789abcdef"[usize::from(byte >> 4)];
            text[at + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        out.extend_from_slice(&text);
        out.extend_from_slice(b".bin");
    }

    /// Index of the first key that is `>= key`, or with `after` `> key`; `count` if there is none.
    pub(super) fn lower_bound(&self, key: &[u8], after: bool) -> u64 {
        let mut scratch = Vec::with_capacity(self.prefix.len() + 48);
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let mid = low + (high - low) / 2;
            scratch.clear();
            self.push_key(&mut scratch, mid);
            let before = if after { scratch.as_slice() <= key } else { scratch.as_slice() < key };
            if before {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        low
    }

    /// Whether the current version of key `i` is a delete marker.
    pub(super) fn deleted(&self, i: u64) -> bool {
        self.deleted > 0 && self.lot(i, 0, 3) >> 32 < self.deleted
    }

    /// Class and access tier of a version.
    pub(super) fn class(&self, i: u64, ordinal: u32) -> (&Class, Option<Access>) {
        let sum = self.classes.last().map_or(1, |(sum, ..)| *sum);
        let at = scale(self.lot(i, ordinal, 4), sum);
        let index = self.classes.partition_point(|(upto, ..)| *upto <= at);
        let (_, class, access) = &self.classes[index.min(self.classes.len() - 1)];
        (class, *access)
    }

    /// Size of a version in bytes.
    pub(super) fn size(&self, i: u64, ordinal: u32) -> u64 {
        let (low, high) = self.sizes;
        low + scale(self.lot(i, ordinal, 5), (high - low).saturating_add(1))
    }

    /// Age of a version in seconds at the start of the store's clock; older versions are older.
    pub(super) fn age(&self, i: u64, ordinal: u32) -> i64 {
        let (low, high) = self.ages;
        let age = low + scale(self.lot(i, 0, 6), (high - low).saturating_add(1));
        age.cast_signed() + i64::from(ordinal) * 86_400
    }

    /// Whether a version of an archived class is restoring or restored at the start.
    pub(super) fn restore(&self, i: u64, ordinal: u32) -> Lot {
        let at = self.lot(i, ordinal, 7) >> 32;
        if at < self.restoring {
            Lot::Restoring
        } else if at < self.restoring + self.restored {
            Lot::Restored
        } else {
            Lot::Plain
        }
    }
}

/// A share as parts of 2^32.
fn parts(share: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the share lies in 0..=1")]
    let parts = (share * 4_294_967_296.0) as u64;
    parts
}

/// First index of each folder: folder sizes fall as 1/rank, ranks are dealt by lot.
fn zipf(count: u64, seed: u64) -> Vec<u64> {
    let mut ranks: Vec<u32> = (0..FOLDERS).collect();
    ranks.sort_by_key(|folder| scramble(u64::from(*folder) ^ seed));
    let mut weights = vec![0.0_f64; ranks.len()];
    for (rank, folder) in (1_u32..).zip(&ranks) {
        if let Some(weight) = weights.get_mut(usize::try_from(*folder).unwrap_or(0)) {
            *weight = 1.0 / f64::from(rank);
        }
    }
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let mut firsts = Vec::with_capacity(weights.len());
    for weight in weights {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of 0..=count")]
        let first = (count as f64 * (sum / total)) as u64;
        firsts.push(first.min(count));
        sum += weight;
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(shape: Shape, count: u64) -> Generator {
        let from = Generate { count, shape, prefix: "p/".to_owned(), ..Generate::default() };
        Generator::new(&from, Dialect::S3, false, "b").unwrap()
    }

    fn key(generator: &Generator, i: u64) -> Vec<u8> {
        let mut out = Vec::new();
        generator.push_key(&mut out, i);
        out
    }

    const SHAPES: [Shape; 4] = [Shape::Sequential, Shape::Uuid, Shape::Dated, Shape::Zipf];

    #[test]
    fn keys_ascend_and_can_be_found() {
        for shape in SHAPES {
            for count in [1, 2, 999, 20_000] {
                let made = generator(shape, count);
                let keys: Vec<_> = (0..count).map(|i| key(&made, i)).collect();
                assert!(keys.is_sorted_by(|a, b| a < b), "{shape:?} {count}");
                for i in (0..count).step_by(97) {
                    let at = &keys[usize::try_from(i).unwrap()];
                    assert_eq!(made.lower_bound(at, false), i);
                    assert_eq!(made.lower_bound(at, true), i + 1);
                }
                assert_eq!(made.lower_bound(b"", true), 0);
                assert_eq!(made.lower_bound(b"q", false), count);
            }
        }
    }

    #[test]
    fn a_hundred_million_keys_ascend_too() {
        for shape in SHAPES {
            let made = generator(shape, 100_000_000);
            for i in (0..99_999_990).step_by(1_234_567) {
                assert!((i..i + 9).all(|n| key(&made, n) < key(&made, n + 1)), "{shape:?} {i}");
                assert_eq!(made.lower_bound(&key(&made, i), false), i, "{shape:?}");
            }
        }
    }

    #[test]
    fn lots_fall_as_weighed() {
        let from = Generate {
            count: 10_000,
            classes: [("GLACIER".to_owned(), 3), ("INTELLIGENT_TIERING:ARCHIVE_ACCESS".to_owned(), 1)].into(),
            sizes: Some([Sized(10), Sized(20)]),
            ..Generate::default()
        };
        let made = Generator::new(&from, Dialect::S3, false, "b").unwrap();
        let glacier = (0..10_000).filter(|i| made.class(*i, 0).0.name() == "GLACIER").count();
        assert!((7_200..7_800).contains(&glacier), "{glacier}");
        assert!((0..10_000).all(|i| (10..=20).contains(&made.size(i, 0))));
        assert!((0..10_000).any(|i| made.size(i, 0) == 20));
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let refuse = |from: &Generate| Generator::new(from, Dialect::S3, false, "b").unwrap_err().to_string();
        assert!(
            refuse(&Generate { restoring: 0.6, restored: 0.6, ..Generate::default() })
                .contains("`restoring`")
        );
        assert!(refuse(&Generate { deleted: 0.1, ..Generate::default() }).contains("`deleted`"));
        assert!(refuse(&Generate { count: u64::MAX, ..Generate::default() }).contains("`count`"));
        let classes = [("IT:HOT".to_owned(), 1)].into();
        assert!(refuse(&Generate { classes, ..Generate::default() }).contains("`HOT`"));
    }
}
