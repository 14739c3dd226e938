//! Objects that a seed names one by one.

use super::check::{ConfigError, key_of};
use super::class::{Access, Class, Tier, Vault};
use super::config::{BucketConfig, Dialect, ObjectConfig, Seeded, VersionConfig, Versioning};
use super::generate::scramble;
use super::mark::{Mark, expiry};
use super::version::{Id, Version};
use super::wire::date::Secs;
use super::wire::encode::STRICT;

const DAY: Secs = 86_400;
const DEFAULT_SIZE: u64 = 1 << 20;
const DEFAULT_AGE: Secs = 400 * DAY;
/// Days of a seeded restore.
pub(super) const DEFAULT_DAYS: u32 = 7;

/// A key that the seed names.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) key: Vec<u8>,
    /// Newest first.
    pub(super) versions: Vec<FixedVersion>,
}

/// One of its versions.
#[derive(Debug)]
pub(super) struct FixedVersion {
    id: Option<String>,
    null: bool,
    pub(super) delete_marker: bool,
    class: Class,
    access: Option<Access>,
    size: u64,
    modified: Secs,
    lot: u64,
    symlink: Option<Vec<u8>>,
    mark: Option<Mark>,
}

impl Fixed {
    /// Builds what `from` describes, for a store that first started at `start`.
    pub(super) fn new(bucket: &BucketConfig, from: &ObjectConfig, start: Secs) -> Result<Self, ConfigError> {
        let key = key_of(from)
            .ok_or_else(|| ConfigError::new(format!("bucket `{}`: an object without key", bucket.name)))?;
        let all = std::iter::once(&from.current).chain(&from.versions);
        let versions = (0..).zip(all).map(|(n, v)| fixed_version(bucket, &key, n, v, start));
        let versions = versions.collect::<Result<_, _>>()?;
        Ok(Self { key, versions })
    }

    /// Version number `ordinal`, 0 for the current one.
    pub(super) fn version(&self, ordinal: u32) -> Option<Version<'_>> {
        let v = self.versions.get(usize::try_from(ordinal).ok()?)?;
        let id = match &v.id {
            Some(id) => Id::Named(id),
            None if v.null => Id::Null,
            None => Id::Made(v.lot),
        };
        Some(Version {
            id,
            latest: ordinal == 0,
            delete_marker: v.delete_marker,
            class: &v.class,
            access: v.access,
            size: v.size,
            modified: v.modified,
            lot: v.lot,
            symlink: v.symlink.as_deref(),
            mark: v.mark,
        })
    }
}

/// The mark of a restore from before the start: asked for at `at` (running) or readable since then.
pub(super) fn seed_mark(
    dialect: Dialect,
    class: &Class,
    vault: Vault,
    seeded: Seeded,
    tier: Tier,
    days: u32,
    at: Secs,
) -> Option<Mark> {
    let takes = vault.ready_after(tier)?;
    let (asked, ready) = match seeded {
        Seeded::Running => (at, at + takes),
        Seeded::Restored => (at - takes, at),
    };
    let (days, expires) =
        if class.is_tiering() { (0, None) } else { (days, Some(expiry(dialect, ready, days))) };
    Some(Mark { tier, days, asked, ready, expires })
}

fn fixed_version(
    bucket: &BucketConfig,
    key: &[u8],
    ordinal: u32,
    from: &VersionConfig,
    start: Secs,
) -> Result<FixedVersion, ConfigError> {
    let dialect = bucket.provider;
    let class =
        from.storage_class.as_ref().map_or_else(|| Class::standard(dialect), |c| Class::new(dialect, c));
    let fault = |what: &str| {
        Err(ConfigError::new(format!("bucket `{}`: object `{}`: {what}", bucket.name, STRICT.text(key))))
    };
    if from.access_tier.is_some() && !class.is_tiering() {
        return fault("`access_tier` belongs to Intelligent-Tiering only");
    }
    let mark = match (from.restore, class.vault(dialect, from.access_tier)) {
        (None, _) => None,
        (Some(_), None) => return fault("`restore` needs a storage class that archives"),
        (Some(seeded), Some(vault)) => {
            let tier = from.restore_tier.unwrap_or(Tier::Standard);
            let days = from.restore_days.unwrap_or(DEFAULT_DAYS);
            let at = start - from.restore_ago.map_or(0, |s| s.0);
            let mark = seed_mark(dialect, &class, vault, seeded, tier, days, at);
            if mark.is_none() {
                return fault("the class does not offer that `restore_tier`");
            }
            mark
        }
    };
    let lot = key.iter().fold(scramble(u64::from(ordinal)), |h, b| scramble(h ^ u64::from(*b)));
    let age = from.age.map_or(DEFAULT_AGE + Secs::from(ordinal) * DAY, |s| s.0);
    Ok(FixedVersion {
        id: from.version_id.clone(),
        null: bucket.versioning == Versioning::Off
            || (bucket.versioning == Versioning::Suspended && ordinal == 0),
        delete_marker: from.delete_marker,
        access: from.access_tier,
        size: if from.delete_marker || from.symlink.is_some() {
            0
        } else {
            from.size.map_or(DEFAULT_SIZE, |s| s.0)
        },
        modified: from.last_modified.map_or(start - age, jiff::Timestamp::as_second),
        symlink: from.symlink.clone().map(String::into_bytes),
        class,
        lot,
        mark,
    })
}
