//! How a command ends: the exit code, and for a failure the message and the way out.

use std::process::ExitCode;

use crate::job::Faults;
use crate::model::{Clock as _, Provider, SystemClock};
use crate::pipeline::RunError;
use crate::pipeline::checkpoint::{CheckpointError, LockError};
use crate::pipeline::report::{ReportError, Verdict};
use crate::pipeline::safety::{Limit, SafetyStop};
use crate::pipeline::source::{NamesError, SourceError};
use crate::pipeline::wait::MergeError;
use crate::store::credentials::CredentialError;
use crate::store::{Call, EndpointError, ErrorKind, StoreError};
use crate::ui::{Look, Sink, entry, error_json, error_text};

/// Exit codes, the same for every verb. 255 is never used: `xargs` stops on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// All as wanted.
    Done = 0,
    /// Finished, but some objects failed; or the store could not be reached.
    SomeFailed = 1,
    /// Wrong usage, job file, bucket or region.
    Usage = 2,
    /// Stopped by a safety limit, or not agreed to.
    Safety = 3,
    /// Credentials or rights.
    Rights = 4,
    /// Nothing matched (only with `--fail-empty`).
    NothingMatched = 5,
    /// A wait reached its time limit, or objects have been restoring for longer than promised.
    Late = 6,
    /// Another run holds the lock.
    Locked = 7,
    /// Own files cannot be read or written.
    OwnFiles = 8,
    /// Interrupted from the keyboard (SIGINT); the checkpoint is saved.
    Interrupted = 130,
    /// Asked to end (SIGTERM); the checkpoint is saved.
    Terminated = 143,
}

impl Exit {
    /// Every exit code.
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::Done,
        Self::SomeFailed,
        Self::Usage,
        Self::Safety,
        Self::Rights,
        Self::NothingMatched,
        Self::Late,
        Self::Locked,
        Self::OwnFiles,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The exit code of a run that worked its listing through.
    pub(super) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Complete => Self::Done,
            Verdict::SomeFailed => Self::SomeFailed,
            Verdict::SomeStuck => Self::Late,
            Verdict::AllDenied => Self::Rights,
            Verdict::NothingMatched => Self::NothingMatched,
        }
    }
}

impl Exit {
    /// The exit code of a job whose run ended so and whose wait ended as `waited`.
    pub(super) fn after(self, waited: Self) -> Self {
        match (self, waited) {
            // What was stuck has become readable meanwhile.
            (Self::Late, Self::Done) => Self::Done,
            (run, waited) => run.max(waited),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what was asked.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// What went wrong, with its chain of causes.
    pub(super) error: anyhow::Error,
    /// The way out.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// A failure with its way out.
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>, hint: impl Into<String>) -> Self {
        Self { exit, error: error.into(), hint: Some(hint.into()) }
    }

    /// Tells what went wrong: a text for people, or one JSON line.
    pub(super) fn tell(&self, look: Look, sink: &Sink) {
        let (error, hint) = (self.error.as_ref(), self.hint.as_deref());
        sink.line(&if look.json {
            error_json(error, hint, self.exit as u8, SystemClock::new().now())
        } else {
            error_text(error, hint, look)
        });
    }

    /// A usage failure that says `what` is wrong.
    pub(super) fn usage(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, anyhow::Error::msg(what.into()), hint)
    }
}

/// A fault of the command line, as its parser tells it.
pub(super) fn of_line(told: &clap::Error) -> Failure {
    let text = told.render().to_string();
    let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let what = match told.kind() {
        // Its text is the whole help.
        clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no verb was given",
        _ => what.strip_prefix("error: ").unwrap_or(what),
    };
    let tip = rest.lines().find_map(|line| line.trim().strip_prefix("tip: "));
    Failure::usage(what.trim(), tip.unwrap_or("try --help"))
}

/// What went wrong in a run against `provider`, with the words that fit its vendor.
pub(super) fn of_run(error: RunError, provider: Provider) -> Failure {
    let (exit, hint) = match &error {
        RunError::Source(SourceError::Store(store)) | RunError::Doomed(store) => of_store(store, provider),
        RunError::Source(
            SourceError::Repeated { .. }
            | SourceError::Backwards { .. }
            | SourceError::Astray { .. }
            | SourceError::Empty,
        ) => (
            Exit::SomeFailed,
            "the store breaks its own protocol; --list-concurrency 1 or --list-v1 may take another path through it".to_owned(),
        ),
        RunError::Names(error) | RunError::Source(SourceError::Names(error)) => of_names(error),
        RunError::Source(SourceError::Edited { .. }) => (
            Exit::Usage,
            "put the list back as it was, and run the same line again: it goes on where it was; or pass --fresh to \
             start over with the list as it is now"
                .to_owned(),
        ),
        RunError::Source(SourceError::Overlap { .. }) => {
            (Exit::OwnFiles, "pass --fresh to forget the unfinished run and start over".to_owned())
        }
        RunError::Source(SourceError::Died) => {
            (Exit::SomeFailed, "run the same line again: it goes on where it was".to_owned())
        }
        RunError::WriterDied | RunError::PageDied(_) => (
            Exit::SomeFailed,
            "run the same line again: it goes on where it was; and please report it".to_owned(),
        ),
        RunError::Aborted => {
            (Exit::Interrupted, "run the same line again: it goes on where it was".to_owned())
        }
        RunError::Safety(stop) => of_safety(stop, provider),
        RunError::Thread(_) => (Exit::OwnFiles, "this user may start no more threads here, see `ulimit -u`: end what else runs, then run the same line again: it goes on where it was".to_owned()),
        RunError::Report(error) => of_report(error),
        RunError::Checkpoint(error) | RunError::Memory(MergeError::Memory(error)) => of_checkpoint(error),
        RunError::Memory(MergeError::Report(_)) => {
            (Exit::OwnFiles, "put the report back as it was, or pass --fresh to start over".to_owned())
        }
    };
    Failure { exit, error: error.into(), hint: Some(hint) }
}

/// What to do about a run that stopped itself. It goes on where it was, with all counts at nothing.
fn of_safety(stop: &SafetyStop, provider: Provider) -> (Exit, String) {
    let cause = if let Some(call) = stop.denied {
        format!("grant these credentials {}", right(call, provider))
    } else {
        match &stop.limit {
            Limit::SameRefusal { .. } => {
                "mend what the store refuses, or raise max_same_refusals under [safety]"
            }
            Limit::Failures { .. } => "mend what failed, or raise max_failures under [safety]",
        }
        .to_owned()
    };
    let way_out = format!("{cause}; then run the same line again: it goes on where it was, and counts anew");
    (Exit::Safety, explained(way_out, &stop.code))
}

fn of_names(error: &NamesError) -> (Exit, String) {
    match error {
        NamesError::Bad { way_out, .. } => (Exit::Usage, way_out.clone()),
        NamesError::Copy { .. } => (
            Exit::OwnFiles,
            "make room or rights for it, or choose another place with --state-dir".to_owned(),
        ),
    }
}

impl From<NamesError> for Failure {
    fn from(error: NamesError) -> Self {
        let (exit, hint) = of_names(&error);
        Self::new(exit, error, hint)
    }
}

fn of_report(error: &ReportError) -> (Exit, String) {
    let hint = match error {
        ReportError::Busy { .. } => {
            return (Exit::Locked, "let it end first, or name another file with --report".to_owned());
        }
        ReportError::Io { path, .. } if path.as_os_str() == "-" => {
            "let the reader of stdout read to the end, or name a file with --report: then the same line goes on \
             where it was"
        }
        ReportError::Io { .. } => {
            "make room or rights for it, or name another file with --report; then run the same line again"
        }
        ReportError::Shortened { .. } | ReportError::Edited { .. } => {
            "put the file back as it was, or pass --fresh to start over"
        }
    };
    (Exit::OwnFiles, hint.to_owned())
}

fn of_checkpoint(error: &CheckpointError) -> (Exit, String) {
    match error {
        CheckpointError::Lock(LockError::Held { .. }) => {
            (Exit::Locked, "let it end first; it needs no help from a second run".to_owned())
        }
        CheckpointError::Lock(LockError::Io { .. }) | CheckpointError::Io { .. } => {
            (Exit::OwnFiles, "make room or rights for it, or choose another place with --state-dir".to_owned())
        }
        CheckpointError::Damaged { .. } => {
            (Exit::OwnFiles, "pass --fresh to forget the unfinished run and start over".to_owned())
        }
        CheckpointError::Foreign { .. } => {
            let other = if error.is_newer() { "a newer" } else { "an older" };
            (
                Exit::OwnFiles,
                format!(
                    "{other} defrost wrote it: finish that run with it, or pass --fresh to forget it and start over"
                ),
            )
        }
        CheckpointError::OtherJob { .. } => (
            Exit::Usage,
            "repeat the first line to finish that run, pass --fresh to forget it and start over, or keep both with another --state-dir".to_owned(),
        ),
    }
}

/// The exit code, and the way out, of a refusal that ends a run; where more is known of the vendor's code,
/// how to get at it.
pub(super) fn of_store(error: &StoreError, provider: Provider) -> (Exit, String) {
    let (exit, way_out) = out_of_store(error, provider);
    let code = error.refusal.as_ref().map(|refusal| &*refusal.code).unwrap_or_default();
    (exit, explained(way_out, code))
}

/// The way out, and where there is more to know of `code`.
fn explained(way_out: String, code: &str) -> String {
    match entry(code) {
        Some((_, code)) => format!("{way_out} (more: `defrost explain {code}`)"),
        None => way_out,
    }
}

fn out_of_store(error: &StoreError, provider: Provider) -> (Exit, String) {
    let code = error.refusal.as_ref().map(|r| &*r.code).unwrap_or_default();
    let region = error.refusal.as_ref().and_then(|r| r.region.as_deref());
    match error.kind {
        ErrorKind::NoSuchBucket => (
            Exit::Usage,
            match provider {
                Provider::Oss => "check the bucket's name in the URL and its region",
                Provider::Cos => "check the bucket's name in the URL (it ends in -APPID, as in logs-1250000000) and its region",
                Provider::S3 => "check the bucket's name in the URL, and --endpoint-url if the store is not Amazon's",
            }
            .to_owned(),
        ),
        ErrorKind::WrongRegion => (
            Exit::Usage,
            match region {
                Some(place) => elsewhere(as_region(place, provider), place),
                None => "name the bucket's own region with --region, or the store's own address with \
                         --endpoint-url: redirects are not followed"
                    .to_owned(),
            },
        ),
        ErrorKind::Untrusted => (
            Exit::SomeFailed,
            "if the store's certificate is of your own authority, name that with AWS_CA_BUNDLE or SSL_CERT_FILE; \
             if not, check --endpoint-url and who answers there: the check cannot be switched off"
                .to_owned(),
        ),
        ErrorKind::Credentials => (Exit::Rights, of_credentials(error, code)),
        ErrorKind::TokenExpired => (Exit::Rights, "get a new security token, then run the same line again".to_owned()),
        ErrorKind::Skewed => (Exit::Rights, "set this machine's clock: requests are signed with the time".to_owned()),
        ErrorKind::Account => (Exit::Rights, "the account is in arrears or disabled: see the vendor's console".to_owned()),
        ErrorKind::Denied => (Exit::Rights, format!("grant these credentials {}", right(error.call, provider))),
        ErrorKind::Forbidden => (
            Exit::Rights,
            format!(
                "the first {} requests were all denied, and no more were sent: grant these credentials {}; if only \
                 the first objects are closed to them, leave them out with --exclude or --start-after; then run the same line again",
                error.call.as_str(),
                right(error.call, provider)
            ),
        ),
        ErrorKind::UnsafeKey | ErrorKind::Illegal => {
            (Exit::Usage, "the store finds the request wrong, and says above in what: mend that; if all seems right, please report it \
             with the request id"
                .to_owned())
        }
        ErrorKind::Throttled => (
            Exit::SomeFailed,
            "lower --list-rate-limit or wait, then run the same line again: it goes on where it was".to_owned(),
        ),
        // Answers that fit no listing count as the store's failure, too.
        ErrorKind::Server
        | ErrorKind::Unreadable
        | ErrorKind::Gone
        | ErrorKind::NotArchived
        | ErrorKind::Quota
        | ErrorKind::Other => (
            Exit::SomeFailed,
            "the store keeps failing: run the same line again later, it goes on where it was".to_owned(),
        ),
        ErrorKind::Network | ErrorKind::Halted | ErrorKind::Late => (
            Exit::SomeFailed,
            "check network and --endpoint-url, then run the same line again: it goes on where it was".to_owned(),
        ),
    }
}

fn of_credentials(error: &StoreError, code: &str) -> String {
    if let Some(missing) = error.cause.as_deref().and_then(|c| c.downcast_ref::<CredentialError>()) {
        return missing.hint().to_owned();
    }
    match code {
        "SignatureDoesNotMatch" => "the secret key does not belong to this access key id; check both",
        _ => "check access key id, secret key and session token; an old token in the environment outranks a profile",
    }
    .to_owned()
}

/// What to do about a store that names another place: a region, or an address that tells none.
fn elsewhere(region: &str, place: &str) -> String {
    if region.contains(['.', ':']) {
        format!(
            "the answer leads to `{place}`, and redirects are not followed: if that is the store, name it with \
             --endpoint-url, with https:// in front if it speaks TLS"
        )
    } else {
        format!("the store names `{place}`: pass --region {region}")
    }
}

/// OSS names the right endpoint, from which the region can be read off.
fn as_region(named: &str, provider: Provider) -> &str {
    match provider {
        Provider::Oss => {
            let label = named.split('.').next().unwrap_or(named);
            label
                .strip_prefix("oss-")
                .map_or(named, |region| region.strip_suffix("-internal").unwrap_or(region))
        }
        Provider::Cos | Provider::S3 => named,
    }
}

/// The vendor's name of the right that a call needs. Sources: RAM, CAM and IAM action lists of the
/// three vendors, read 2026-11.
const fn right(call: Call, provider: Provider) -> &'static str {
    match (provider, call) {
        (Provider::Oss, Call::List) => {
            "oss:ListObjects (oss:ListObjectVersions for --versions) on the bucket"
        }
        (Provider::Oss, Call::Head) => "oss:GetObject on the objects",
        (Provider::Oss, Call::Restore) => "oss:RestoreObject on the objects",
        (Provider::Oss, Call::Release) => "oss:CleanRestoredObject on the objects",
        (Provider::Cos | Provider::S3, Call::Release) => "the right to give copies back",
        (Provider::Cos, Call::List) => {
            "name/cos:GetBucket (name/cos:GetBucketObjectVersions for --versions) on the bucket"
        }
        (Provider::Cos, Call::Head) => "name/cos:HeadObject on the objects",
        (Provider::Cos, Call::Restore) => "name/cos:PostObjectRestore on the objects",
        (Provider::S3, Call::List) => "s3:ListBucket (s3:ListBucketVersions for --versions) on the bucket",
        (Provider::S3, Call::Head) => "s3:GetObject on the objects",
        (Provider::S3, Call::Restore) => "s3:RestoreObject on the objects",
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self { exit: Exit::Usage, error: faults.into(), hint: None }
    }
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        let hint = error.hint();
        Self::new(Exit::Usage, error, hint)
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        let (exit, hint) = of_checkpoint(&error);
        Self::new(exit, error, hint)
    }
}

#[cfg(test)]
mod texts;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_and_the_process_agree() {
        for verdict in [
            Verdict::Complete,
            Verdict::SomeFailed,
            Verdict::SomeStuck,
            Verdict::AllDenied,
            Verdict::NothingMatched,
        ] {
            assert_eq!(Exit::of(verdict) as u8, verdict.exit_code(), "{verdict:?}");
        }
    }

    #[test]
    fn no_exit_code_stops_xargs() {
        let all = [
            (Exit::Done, 0),
            (Exit::SomeFailed, 1),
            (Exit::Usage, 2),
            (Exit::Safety, 3),
            (Exit::Rights, 4),
            (Exit::NothingMatched, 5),
            (Exit::Late, 6),
            (Exit::Locked, 7),
            (Exit::OwnFiles, 8),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ];
        for (exit, code) in all {
            assert_eq!(exit as u8, code);
            assert_ne!(exit as u8, 255);
        }
    }

    #[test]
    fn the_region_is_read_off_the_endpoint_that_oss_names() {
        assert_eq!(as_region("oss-cn-shanghai.aliyuncs.com", Provider::Oss), "cn-shanghai");
        assert_eq!(as_region("oss-cn-shanghai-internal.aliyuncs.com", Provider::Oss), "cn-shanghai");
        assert_eq!(as_region("eu-west-1", Provider::S3), "eu-west-1");
    }
}
