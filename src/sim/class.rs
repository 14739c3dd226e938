//! Storage classes: which of them freeze an object, and how long each tier takes to thaw it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Dialect;
use super::wire::date::Secs;

/// How fast a copy is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Minutes to an hour.
    Expedited,
    /// Hours; what the stores take when none is named.
    Standard,
    /// Half a day to two days.
    Bulk,
}

impl Tier {
    /// Every tier, fastest first.
    pub const ALL: [Self; 3] = [Self::Expedited, Self::Standard, Self::Bulk];

    /// The vendors' spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expedited => "Expedited",
            Self::Standard => "Standard",
            Self::Bulk => "Bulk",
        }
    }

    /// The tier spelt exactly so.
    pub(super) fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where an object of a tiering class stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// Online.
    Frequent,
    /// Online.
    Infrequent,
    /// Frozen like S3 GLACIER or COS ARCHIVE.
    ArchiveAccess,
    /// Frozen like DEEP_ARCHIVE.
    DeepArchiveAccess,
}

impl Access {
    /// The vendors' spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frequent => "FREQUENT",
            Self::Infrequent => "INFREQUENT",
            Self::ArchiveAccess => "ARCHIVE_ACCESS",
            Self::DeepArchiveAccess => "DEEP_ARCHIVE_ACCESS",
        }
    }

    /// The tier spelt exactly so.
    pub(super) fn from_word(text: &str) -> Option<Self> {
        [Self::Frequent, Self::Infrequent, Self::ArchiveAccess, Self::DeepArchiveAccess]
            .into_iter()
            .find(|a| a.as_str() == text)
    }
}

/// What a class is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Online,
    Frozen(Vault),
    /// Intelligent-Tiering: the access tier decides.
    Tiering,
}

/// A kind of archive, with its own table of tiers, days and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Vault {
    OssArchive,
    OssCold,
    OssDeepCold,
    CosArchive,
    CosDeep,
    S3Glacier,
    S3Deep,
}

const MINUTE: Secs = 60;
const HOUR: Secs = 3600;

impl Vault {
    /// Seconds until a copy is readable, the upper end of what the vendors name; `None` where the
    /// tier is not offered. OSS Archive has one speed, whatever the tier.
    ///
    /// Sources: OSS RestoreObject page, COS POST Object restore page, S3 "Archive retrieval
    /// options" page, read 2026-11.
    pub(super) const fn ready_after(self, tier: Tier) -> Option<Secs> {
        Some(match (self, tier) {
            (Self::OssArchive, _) => MINUTE,
            (Self::OssCold, Tier::Expedited) => HOUR,
            (Self::CosArchive | Self::S3Glacier, Tier::Expedited) => 5 * MINUTE,
            (Self::OssCold | Self::CosArchive | Self::S3Glacier, Tier::Standard) => 5 * HOUR,
            (Self::OssCold | Self::CosArchive | Self::S3Glacier, Tier::Bulk)
            | (Self::OssDeepCold, Tier::Expedited)
            | (Self::S3Deep, Tier::Standard) => 12 * HOUR,
            (Self::CosDeep, Tier::Standard) => 24 * HOUR,
            (Self::OssDeepCold, Tier::Standard) | (Self::CosDeep | Self::S3Deep, Tier::Bulk) => 48 * HOUR,
            (Self::OssDeepCold, Tier::Bulk) | (Self::CosDeep | Self::S3Deep, Tier::Expedited) => return None,
        })
    }

    /// The most days a copy may be asked for. S3 names no maximum.
    pub(super) const fn max_days(self) -> u32 {
        match self {
            Self::OssArchive => 7,
            Self::OssCold | Self::OssDeepCold | Self::CosArchive | Self::CosDeep => 365,
            Self::S3Glacier | Self::S3Deep => i32::MAX.cast_unsigned(),
        }
    }
}

/// A storage class by the name a bucket shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Class {
    name: Arc<str>,
    kind: Kind,
}

impl Class {
    /// The class that `dialect` calls `name`, in any letter case. A name that the vendor does not
    /// list is an online class: clients must not restore what they do not know.
    #[must_use]
    pub fn new(dialect: Dialect, name: &str) -> Self {
        let upper = name.to_ascii_uppercase();
        let kind = match (dialect, upper.as_str()) {
            (Dialect::Oss, "ARCHIVE") => Kind::Frozen(Vault::OssArchive),
            (Dialect::Oss, "COLDARCHIVE") => Kind::Frozen(Vault::OssCold),
            (Dialect::Oss, "DEEPCOLDARCHIVE") => Kind::Frozen(Vault::OssDeepCold),
            (Dialect::Cos, "ARCHIVE" | "MAZ_ARCHIVE") => Kind::Frozen(Vault::CosArchive),
            (Dialect::Cos, "DEEP_ARCHIVE" | "MAZ_DEEP_ARCHIVE") => Kind::Frozen(Vault::CosDeep),
            (Dialect::Cos, "INTELLIGENT_TIERING" | "MAZ_INTELLIGENT_TIERING")
            | (Dialect::S3, "INTELLIGENT_TIERING") => Kind::Tiering,
            (Dialect::S3, "GLACIER") => Kind::Frozen(Vault::S3Glacier),
            (Dialect::S3, "DEEP_ARCHIVE") => Kind::Frozen(Vault::S3Deep),
            _ => Kind::Online,
        };
        Self { name: Arc::from(name), kind }
    }

    /// The class that an object gets when none is named.
    #[must_use]
    pub fn standard(dialect: Dialect) -> Self {
        Self::new(dialect, if dialect == Dialect::Oss { "Standard" } else { "STANDARD" })
    }

    /// The name as listings show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is the class that COS and S3 leave out of HEAD answers.
    pub(super) fn is_standard(&self) -> bool {
        self.name.eq_ignore_ascii_case("STANDARD")
    }

    /// Whether an access tier decides if the object is frozen.
    pub(super) const fn is_tiering(&self) -> bool {
        matches!(self.kind, Kind::Tiering)
    }

    /// The archive that an object of this class and access tier lies in; `None` if it is online.
    pub(super) const fn vault(&self, dialect: Dialect, access: Option<Access>) -> Option<Vault> {
        match (self.kind, access) {
            (Kind::Frozen(vault), _) => Some(vault),
            (Kind::Tiering, Some(Access::ArchiveAccess)) => {
                Some(if matches!(dialect, Dialect::Cos) { Vault::CosArchive } else { Vault::S3Glacier })
            }
            (Kind::Tiering, Some(Access::DeepArchiveAccess)) => {
                Some(if matches!(dialect, Dialect::Cos) { Vault::CosDeep } else { Vault::S3Deep })
            }
            _ => None,
        }
    }
}
