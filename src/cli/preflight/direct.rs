//! Whether the job and the bucket agree on archive direct read, which no listing and no HEAD shows.

use super::Findings;
use crate::cli::exit::Exit;
use crate::job::{ClassFilter, Job, Verb};
use crate::store::StoreError;
use crate::store::client::Client;
use crate::store::dialect::{Options, for_provider};

const ABOUT: &str = "archive direct read";
/// The right that the question needs. Source: OSS GetBucketArchiveDirectRead page, read 2026-11.
const RIGHT: &str = "oss:GetBucketArchiveDirectRead";

/// Asks the bucket, where the job takes a class that the answer matters for.
pub(super) async fn look(job: &Job, client: &Client, findings: &mut Findings) {
    let classes = classes(job).join(", ");
    if classes.is_empty() {
        return;
    }
    let said = job.source.archive_direct_read;
    match client.direct_read().await {
        None => {}
        Some(Ok(true)) if said => {
            findings.ok(ABOUT, format!("is on, as the job says: {classes} counts as readable"));
        }
        Some(Ok(false)) if !said => findings.ok(ABOUT, format!("is off: {classes} needs a restore")),
        Some(Ok(true)) => findings.warn(
            ABOUT,
            format!("{classes} objects can be read at once, for a fee: the bucket has it on"),
            match job.verb {
                Verb::Restore => "set archive_direct_read = true, or pay twice",
                _ => "set archive_direct_read = true, so that they count as readable",
            },
        ),
        Some(Ok(false)) => findings.fault(
            ABOUT,
            Exit::Usage,
            format!(
                "is off in this bucket, but the job says that {classes} objects can be read without a restore"
            ),
            Some("set archive_direct_read = false, or have it switched on for the bucket".to_owned()),
        ),
        Some(Err(error)) => untold(&error, said, &classes, findings),
    }
}

/// The bucket did not tell.
fn untold(error: &StoreError, said: bool, classes: &str, findings: &mut Findings) {
    let why = match &error.refusal {
        Some(refusal) => format!("{} {}", refusal.status, refusal.code),
        None => "no answer".to_owned(),
    };
    if said {
        findings.warn(
            ABOUT,
            format!(
                "not known ({why}): if it is off, {classes} objects are called readable and left alone, and reading \
                 them fails"
            ),
            format!("grant {RIGHT}, or look in the console; then check once more"),
        );
    } else {
        findings.ok(
            ABOUT,
            format!(
                "not known ({why}; it takes the right {RIGHT}), which does no harm: if it is on, restores of {classes} \
                 are not needed, but do what they say"
            ),
        );
    }
}

/// The classes taken by the job that direct read makes readable.
fn classes(job: &Job) -> Vec<&'static str> {
    let with = |archive_direct_read| {
        for_provider(job.source.provider, Options { archive_direct_read, ..Options::default() })
    };
    let (on, off) = (with(true), with(false));
    let taken = |class: &str| match &job.filter.storage_class {
        ClassFilter::Archived => off.archived_classes().contains(&class),
        ClassFilter::Any => true,
        ClassFilter::Named(names) => names.iter().any(|name| name.eq_ignore_ascii_case(class)),
    };
    let changes = |class: &str| on.access(class.as_bytes(), b"") != off.access(class.as_bytes(), b"");
    off.known_classes().iter().copied().filter(|class| changes(class) && taken(class)).collect()
}
