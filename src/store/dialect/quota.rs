//! How many restores the vendors work off: for plans.
//!
//! It is what they call typical. None refuses what is over its quota for bytes: such restores are
//! accepted, and ready later.
//!
//! Sources: OSS "RestoreObject", "OSS limits and performance metrics"; COS "POST Object restore", "Limits";
//! S3 "Restoring an archived object"; all read 2026-11.

use crate::model::{Provider, Quota};

const TB: u64 = 1_000_000_000_000;

/// What the vendor takes on of `class`.
#[must_use]
pub fn quota(provider: Provider, class: &str) -> Quota {
    let is = |name: &str| class.eq_ignore_ascii_case(name);
    match provider {
        Provider::Oss if is("ColdArchive") => Quota { per_second: Some(500), bytes_per_day: Some(100 * TB) },
        Provider::Oss if is("DeepColdArchive") => {
            Quota { per_second: Some(100), bytes_per_day: Some(10 * TB) }
        }
        Provider::Oss => Quota::default(),
        Provider::Cos => Quota { per_second: Some(100), bytes_per_day: None },
        Provider::S3 => Quota { per_second: Some(1000), bytes_per_day: None },
    }
}
