//! What text and page say in the same words.

use jiff::Timestamp;

use crate::model::{Action, Audit, Flag, Folders, Provider, RunFacts, Seal, Share, State};
use crate::ui::{human_count, human_objects};

/// A time to the second, in UTC.
pub(in crate::ui) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Whose words fit, by the URL of the run.
pub(in crate::ui) fn provider_of(audit: &Audit) -> Option<Provider> {
    let (scheme, _) = audit.run.as_ref()?.target.split_once("://")?;
    Provider::from_scheme(scheme)
}

/// What a state means.
pub(in crate::ui) const fn state_words(state: State) -> &'static str {
    match state {
        State::Readable => "needs no restore",
        State::Archived => "must be restored before it can be read",
        State::Restoring => "asked for, not ready",
        State::Restored => "a readable copy exists",
        State::Expired => "the copy has lapsed",
        State::Unknown => "the listing does not tell",
        State::Missing => "named, but not in the store",
    }
}

/// What an action means.
pub(in crate::ui) const fn action_words(action: Action) -> &'static str {
    match action {
        Action::None => "nothing was needed or asked for",
        Action::Planned => "a dry run would have asked for it",
        Action::Requested => "the store accepted a restore",
        Action::Extended => "the readable copy is kept longer",
        Action::Already => "a restore was running already",
        Action::Deferred => "left for a later run",
        Action::Released => "the copy was given back",
        Action::Failed => "wanted, but refused or not possible",
    }
}

/// What a flag means.
pub(in crate::ui) const fn flag_words(flag: Flag) -> &'static str {
    match flag {
        Flag::Stuck => "restoring for longer than promised",
        Flag::Expiring => "readable, but not for long",
    }
}

/// Whether the report is the one that its summary tells of, in a sentence.
pub(in crate::ui) fn seal_words(seal: &Seal) -> String {
    match seal {
        Seal::NoSummary => "no summary beside it: nothing to hold it against".to_owned(),
        Seal::BadSummary { why } => format!("the summary beside it cannot be read: {why}"),
        Seal::OtherFile { name } => format!("the summary beside it is that of `{name}`"),
        Seal::NoChecksum => "the summary tells no checksum".to_owned(),
        Seal::Intact { .. } => "intact: SHA-256 as the summary says".to_owned(),
        Seal::Changed { .. } => {
            "NOT the file that the run wrote: its SHA-256 is not what the summary says".to_owned()
        }
    }
}

/// What a share is called.
pub(in crate::ui) fn share_name(share: &Share, folders: &Folders) -> String {
    match (share.prefix.as_str(), share.is_rest) {
        ("", true) => "(all else)".to_owned(),
        ("", false) => "(no folder)".to_owned(),
        (prefix, true) if prefix == folders.common => format!("{prefix} (all else)"),
        (prefix, true) => format!("{prefix} (the rest)"),
        (prefix, false) => prefix.to_owned(),
    }
}

/// What a column that is not there leaves untold.
const LACKS: &[(&str, &str)] = &[
    ("size", "bytes are not known"),
    ("storage_class", "classes are not known"),
    ("state", "states are not known"),
    ("expires_at", "when copies lapse is not known"),
    ("action", "what was done is not known"),
    ("error_code", "failures are told by reason"),
    ("flags", "what is stuck or lapses soon is not marked"),
    ("checked_at", "how old the states are is not known"),
];

/// What is said of a run against the store that comes along.
pub(in crate::ui) const SIMULATED: &str = "simulated store ([simulator] in the job file): no cloud was asked";

/// What is not known for want of columns, a sentence each.
pub(in crate::ui) fn lacking(audit: &Audit) -> Vec<String> {
    let lacks = LACKS.iter().filter(|(column, _)| !audit.has(column));
    lacks.map(|(column, what)| format!("no column `{column}`: {what}")).collect()
}

/// Which fields could not be read, a sentence each.
pub(in crate::ui) fn unread_words(audit: &Audit) -> Vec<String> {
    let unread = audit.unread.iter().map(|(column, &n)| {
        let fields = if n == 1 { "field".to_owned() } else { format!("{} fields", human_count(n)) };
        let taken = if *column == "state" { "counted as unknown" } else { "not counted" };
        format!("{fields} under `{column}` could not be read: {taken}")
    });
    let buckets = (audit.buckets.len() > 1).then(|| {
        format!("{} buckets, {}", human_count(audit.buckets.len() as u64), human_objects(audit.total.objects))
    });
    unread.chain(buckets).collect()
}

/// Requests by kind, and what slowed them; those that there were.
pub(in crate::ui) fn request_words(run: &RunFacts) -> Vec<String> {
    let requests = run.requests;
    let counts = [
        (requests.list, "list"),
        (requests.head, "head"),
        (requests.restore, "restore"),
        (requests.retries, "retries"),
        (requests.throttled, "throttled"),
        (requests.slow_downs, "slow-downs"),
    ];
    counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{word} {}", human_count(n))).collect()
}
