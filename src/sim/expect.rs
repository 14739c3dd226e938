//! What a bucket holds, as a model for tests: no wire code is involved.

use std::borrow::Borrow;

use jiff::Timestamp;

use super::bucket::{Bucket, Marks};
use super::check::ConfigError;
use super::class::Access;
use super::config::Config;
use super::mark::Phase;
use super::version::At;

/// One version, as the seed describes it or as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The key, exact bytes.
    pub key: Vec<u8>,
    /// The version id as listings of versions show it (`null` or empty in a bucket without versions).
    pub version_id: String,
    /// Whether it is the current version.
    pub is_latest: bool,
    /// Whether it is a delete marker; the fields below then mean nothing but for the time.
    pub delete_marker: bool,
    /// Storage class in the vendor's spelling.
    pub storage_class: String,
    /// Access tier of a tiering class.
    pub access_tier: Option<Access>,
    /// Bytes.
    pub size: u64,
    /// The ETag without quotes.
    pub etag: String,
    /// Last modification.
    pub last_modified: Timestamp,
    /// Whether it lies in an archive, readable copy or not.
    pub archived: bool,
    /// Where its restore stands.
    pub phase: Phase,
    /// Whether it is a symbolic link.
    pub symlink: bool,
}

impl Config {
    /// Every version of `bucket` in the order of a listing of versions, as a store that starts at
    /// `start` holds it. The current versions that are no delete markers are what a plain listing
    /// shows.
    ///
    /// # Errors
    /// If there is no such bucket, or the seed is not sound.
    pub fn expected_at(
        &self,
        bucket: &str,
        start: Timestamp,
    ) -> Result<impl Iterator<Item = Expected> + use<>, ConfigError> {
        self.check()?;
        let found = self.buckets.iter().find(|b| b.name == bucket);
        let from = found.ok_or_else(|| ConfigError::new(format!("there is no bucket `{bucket}`")))?;
        let bucket = Bucket::new(from, start.as_second())?;
        Ok(expected(bucket, Marks::new(), start.as_second()))
    }

    /// The same for the hour that [`ClockConfig::start`](super::ClockConfig::start) names.
    ///
    /// # Errors
    /// As above, and if the seed names no such hour.
    pub fn expected(&self, bucket: &str) -> Result<impl Iterator<Item = Expected> + use<>, ConfigError> {
        let start = self.clock.start.ok_or_else(|| ConfigError::new("clock: `start` is not set"))?;
        self.expected_at(bucket, start)
    }
}

/// Every version of a bucket at `now`, with `marks` beside the seeded ones.
pub(super) fn expected<B: Borrow<Bucket>>(
    bucket: B,
    marks: Marks,
    now: i64,
) -> impl Iterator<Item = Expected> {
    let mut cursor = bucket.borrow().seek(b"", false);
    let mut key = Vec::new();
    let mut at: Option<At> = None;
    std::iter::from_fn(move || {
        let bucket = bucket.borrow();
        let here = match at.take() {
            Some(At { slot, ordinal }) if ordinal + 1 < bucket.depth(slot) => {
                At { slot, ordinal: ordinal + 1 }
            }
            _ => At { slot: bucket.next(&mut cursor, &mut key)?, ordinal: 0 },
        };
        at = Some(here);
        Some(row(bucket, here, &key, &marks, now))
    })
}

fn row(bucket: &Bucket, at: At, key: &[u8], marks: &Marks, now: i64) -> Expected {
    let version = bucket.version(at, marks);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut id, mut etag) = (Vec::new(), Vec::new());
    bucket.push_id(&mut id, version.id);
    version.push_etag(&mut etag, bucket.dialect);
    Expected {
        key: key.to_vec(),
        version_id: text(&id),
        is_latest: version.latest,
        delete_marker: version.delete_marker,
        storage_class: version.class.name().to_owned(),
        access_tier: version.access(now),
        size: version.size,
        etag: text(&etag),
        last_modified: Timestamp::from_second(version.modified).unwrap_or_default(),
        archived: !version.delete_marker && version.vault(bucket.dialect, now).is_some(),
        phase: version.phase(now),
        symlink: version.symlink.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{BucketConfig, Dialect, Generate, ObjectConfig, Shape, Versioning};
    use super::*;

    fn config(shape: Shape, count: u64, versions: u32, deleted: f64) -> Config {
        let mut bucket = BucketConfig::new(Dialect::S3, "b");
        bucket.versioning = Versioning::Enabled;
        bucket.generate = Some(Generate {
            count,
            shape,
            prefix: "p/".to_owned(),
            versions_per_key: Some(versions),
            deleted,
            restored: 0.25,
            restoring: 0.25,
            classes: [("GLACIER".to_owned(), 1), ("STANDARD".to_owned(), 1)].into(),
            ..Generate::default()
        });
        let bucket =
            bucket.with(ObjectConfig::new("p/zz", "GLACIER")).with(ObjectConfig::new("a", "STANDARD"));
        let mut config = Config::default().with_bucket(bucket);
        config.clock.start = Some("2026-01-02T00:00:00Z".parse().unwrap());
        config
    }

    #[test]
    fn keys_ascend_and_none_is_lost() {
        for shape in [Shape::Sequential, Shape::Uuid, Shape::Dated, Shape::Zipf] {
            let rows: Vec<_> = config(shape, 2_000, 1, 0.0).expected("b").unwrap().collect();
            assert_eq!(rows.len(), 2_002, "{shape:?}");
            assert!(rows.is_sorted_by(|a, b| a.key < b.key), "{shape:?}");
            let restoring = rows.iter().filter(|r| matches!(r.phase, Phase::Running(_))).count();
            let restored = rows.iter().filter(|r| matches!(r.phase, Phase::Ready(_))).count();
            assert!((150..350).contains(&restoring), "{restoring}");
            assert!((150..350).contains(&restored), "{restored}");
        }
    }

    #[test]
    fn versions_are_newest_first_and_differ() {
        let rows: Vec<_> = config(Shape::Sequential, 500, 3, 0.2).expected("b").unwrap().collect();
        let markers = rows.iter().filter(|r| r.delete_marker).count();
        assert!((50..150).contains(&markers), "{markers}");
        assert_eq!(rows.len(), 500 * 3 + markers + 2);
        for pair in rows.windows(2).filter(|p| p[0].key == p[1].key) {
            assert!(!pair[1].is_latest);
            assert!(pair[0].last_modified > pair[1].last_modified);
        }
        let ids: BTreeSet<_> = rows.iter().map(|r| &r.version_id).collect();
        assert_eq!(ids.len(), rows.len());
    }
}
