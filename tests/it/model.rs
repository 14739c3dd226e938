//! What a report must say, computed from what the bucket holds and what was asked.
//!
//! The rules stand here a second time, written from the vendors' restore pages (OSS RestoreObject,
//! COS POST Object restore, S3 RestoreObject and "Archive retrieval options", read 2026-11), so
//! that the program is held against them and not against itself.

use defrost::sim::{Access, Config, Dialect, Expected, Phase};
use jiff::Timestamp;

use crate::support::{Row, Vendor, key_of};

/// Which call the run makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Scan,
    Restore,
}

/// What the run was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) verb: Verb,
    /// HEAD allowed in a scan.
    pub(crate) head: bool,
    pub(crate) days: u32,
    pub(crate) tier: &'static str,
    /// All versions, by ListObjectVersions.
    pub(crate) versions: bool,
}

/// What a class is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    Online,
    /// Archived; `tiers` tells whether a restore names a tier.
    Cold {
        tiers: bool,
    },
    Tiering,
}

fn nature(dialect: Dialect, class: &str) -> Nature {
    match (dialect, class) {
        (Dialect::Oss, "Standard" | "IA")
        | (Dialect::Cos, "STANDARD" | "STANDARD_IA")
        | (Dialect::S3, "STANDARD" | "STANDARD_IA" | "GLACIER_IR") => Nature::Online,
        (Dialect::Oss, "Archive") => Nature::Cold { tiers: false },
        (Dialect::Oss, "ColdArchive" | "DeepColdArchive")
        | (Dialect::Cos, "ARCHIVE" | "DEEP_ARCHIVE")
        | (Dialect::S3, "GLACIER" | "DEEP_ARCHIVE") => Nature::Cold { tiers: true },
        (Dialect::Cos | Dialect::S3, "INTELLIGENT_TIERING") => Nature::Tiering,
        other => panic!("the model does not know {other:?}"),
    }
}

/// The columns that the model foretells; `request_id`, `attempts` and `checked_at` are checked for
/// form only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) key: Vec<u8>,
    pub(crate) version_id: String,
    pub(crate) is_latest: String,
    pub(crate) storage_class: String,
    pub(crate) size: String,
    pub(crate) etag: String,
    pub(crate) last_modified: Timestamp,
    pub(crate) state: &'static str,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) action: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) tier: String,
    pub(crate) days: String,
    pub(crate) http_status: &'static str,
    pub(crate) error_code: &'static str,
}

/// Where an object stands for someone who asks the store, by listing or HEAD.
fn standing(
    vendor: Vendor,
    object: &Expected,
    phase: Phase,
    asked: Asked,
) -> (&'static str, Option<Timestamp>) {
    let expiry = |seconds: Option<i64>| seconds.map(|s| Timestamp::from_second(s).expect("a date"));
    let heads = asked.verb == Verb::Restore || asked.head;
    let cold_tier = matches!(object.access_tier, Some(Access::ArchiveAccess | Access::DeepArchiveAccess));
    // What the listing alone tells. S3 shows running and ready, but no tier; COS shows the tier and
    // that a restore runs, the latter not in listings of versions, and never that a copy is ready.
    let nature = nature(vendor.dialect, &object.storage_class);
    let listing_tells = match vendor.dialect {
        _ if nature == Nature::Online => true,
        Dialect::Oss => true,
        Dialect::S3 => nature != Nature::Tiering || matches!(phase, Phase::Running(_)),
        Dialect::Cos if nature == Nature::Tiering && !cold_tier => true,
        Dialect::Cos => matches!(phase, Phase::Running(_)) && !asked.versions,
    };
    if !listing_tells && !heads {
        return ("unknown", None);
    }
    match (nature, phase) {
        (Nature::Online, _) => ("readable", None),
        (Nature::Tiering, _) if !cold_tier => ("readable", None),
        (_, Phase::Running(_)) => ("restoring", None),
        (Nature::Cold { .. }, Phase::Ready(mark)) => ("restored", expiry(mark.expires)),
        (Nature::Tiering, Phase::Online(_) | Phase::Ready(_)) => ("readable", None),
        (_, Phase::Frozen | Phase::Lapsed(_) | Phase::Online(_)) => ("archived", None),
    }
}

/// The row of one object; `phase` is where it stands when the run comes by.
pub(crate) fn told(vendor: Vendor, object: &Expected, phase: Phase, asked: Asked) -> Told {
    let (state, expires_at) = standing(vendor, object, phase, asked);
    let mut told = Told {
        key: object.key.clone(),
        version_id: if asked.versions { object.version_id.clone() } else { String::new() },
        is_latest: object.is_latest.to_string(),
        storage_class: object.storage_class.clone(),
        size: object.size.to_string(),
        etag: object.etag.clone(),
        last_modified: object.last_modified,
        state,
        expires_at,
        action: "none",
        reason: "",
        tier: String::new(),
        days: String::new(),
        http_status: "",
        error_code: "",
    };
    if asked.verb == Verb::Scan {
        return told;
    }
    match state {
        "readable" | "unknown" => told.reason = "class",
        "restored" => told.reason = "still_valid",
        "restoring" => told.action = "already",
        "archived" => {
            (told.state, told.action, told.http_status) = ("restoring", "requested", "202");
            let nature = nature(vendor.dialect, &object.storage_class);
            // An object of a tiering class moves back online: there are no days to ask for.
            told.days = if nature == Nature::Tiering { String::new() } else { asked.days.to_string() };
            told.tier =
                if nature == (Nature::Cold { tiers: false }) { String::new() } else { asked.tier.to_owned() };
        }
        other => panic!("the model knows no state `{other}`"),
    }
    told
}

/// What the bucket holds, as the listing of `asked` shows it: without delete markers, and only
/// current versions unless all are asked for.
pub(crate) fn objects(config: &Config, vendor: Vendor, start: Timestamp, asked: Asked) -> Vec<Expected> {
    config
        .expected_at(vendor.bucket, start)
        .expect("the seed is sound")
        .filter(|object| !object.delete_marker && (asked.versions || object.is_latest))
        .collect()
}

/// A report row as the model tells rows, after checking the form of what the model cannot know.
#[track_caller]
pub(crate) fn read(row: &Row, vendor: Vendor) -> Told {
    let time = |text: &str| -> Option<Timestamp> {
        (!text.is_empty()).then(|| text.parse().unwrap_or_else(|e| panic!("`{text}` is no time: {e}")))
    };
    let word = |column: &str, words: &[&'static str]| -> &'static str {
        let text = row[column].as_str();
        words
            .iter()
            .find(|word| **word == text)
            .copied()
            .unwrap_or_else(|| panic!("{column} = `{text}`: {row:?}"))
    };
    assert_eq!(row["bucket"], vendor.bucket);
    assert!(time(&row["checked_at"]).is_some(), "no checked_at: {row:?}");
    assert_eq!(row["http_status"].is_empty(), row["request_id"].is_empty(), "{row:?}");
    let answered = !row["http_status"].is_empty();
    assert!(!answered || row["attempts"] != "0", "an answer without an attempt: {row:?}");
    Told {
        key: key_of(row),
        version_id: row["version_id"].clone(),
        is_latest: row["is_latest"].clone(),
        storage_class: row["storage_class"].clone(),
        size: row["size"].clone(),
        etag: row["etag"].clone(),
        last_modified: time(&row["last_modified"]).expect("a last_modified"),
        state: word(
            "state",
            &["readable", "archived", "restoring", "restored", "expired", "unknown", "missing"],
        ),
        expires_at: time(&row["expires_at"]),
        action: word(
            "action",
            &["none", "planned", "requested", "extended", "already", "deferred", "failed"],
        ),
        reason: word("reason", &["", "class", "still_valid", "unsafe_key"]),
        tier: row["tier"].clone(),
        days: row["days"].clone(),
        http_status: word("http_status", &["", "200", "202", "409"]),
        error_code: word("error_code", &["", "RestoreAlreadyInProgress"]),
    }
}
