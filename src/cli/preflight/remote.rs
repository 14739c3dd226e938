//! What a run needs of the store: credentials, endpoint, rights, a clock that agrees, legal wishes.

use jiff::SignedDuration;

use super::{Findings, direct};
use crate::cli::connect::{self, Site};
use crate::cli::context::Context;
use crate::cli::exit::{self, Exit, Failure};
use crate::job::{ClassFilter, Job, Verb, Versions};
use crate::model::{Kind, Page, Position, Provider};
use crate::pipeline::act::fit;
use crate::store::client::Client;
use crate::store::dialect::Dialect;
use crate::store::{ErrorKind, ListApi, Listing, RestoreAsk, Store as _, StoreError};

/// Keys of the one page: enough that one of them may be no delete marker.
const KEYS: u32 = 100;
/// A clock that is off by less is no news.
const CALM_SKEW: SignedDuration = SignedDuration::from_secs(5);
/// Bytes that a key may have in all three stores. Source: COS limits page, the strictest, read 2026-11.
const MAX_KEY: usize = 850;

/// Asks the store of `job`.
///
/// # Errors
/// If the embedded simulator of the job cannot be ended.
pub(super) async fn look(job: &Job, findings: &mut Findings, context: &Context) -> Result<(), Failure> {
    let site = match connect::site(job, context).await {
        Ok(site) => site,
        Err(failure) => {
            findings.failed("endpoint", &failure);
            return Ok(());
        }
    };
    let Site { client, rehearsal, .. } = site;
    let answers = credentials(&client, findings).await && ask(job, &client, findings).await;
    legality(job, &*connect::dialect(job), findings);
    if answers {
        direct::look(job, &client, findings).await;
    }
    match rehearsal {
        // A preflight leaves no trace in the store.
        Some(rehearsal) => rehearsal.close(false).await,
        None => Ok(()),
    }
}

/// Whether there are any.
async fn credentials(client: &Client, findings: &mut Findings) -> bool {
    if let Err(error) = client.prove_credentials().await {
        let hint = error.hint().to_owned();
        findings.failed("credentials", &Failure::new(Exit::Rights, error, hint));
        return false;
    }
    if let Some((origin, until)) = client.credentials() {
        let until = until.map_or_else(String::new, |until| {
            format!(", good until {until:.0}; they are renewed by themselves")
        });
        findings.ok("credentials", format!("from {origin}{until}"));
    }
    true
}

/// Rights and clock; whether there is any use in asking further.
async fn ask(job: &Job, client: &Client, findings: &mut Findings) -> bool {
    let endpoint = client.endpoint();
    let place = format!("{} in region {}", endpoint.authority(), endpoint.region);
    let api = match (job.source.versions, job.source.list_v1) {
        (Versions::All | Versions::Noncurrent, _) => ListApi::Versions,
        (Versions::Current, true) => ListApi::V1,
        (Versions::Current, false) => ListApi::V2,
    };
    let listing = Listing { prefix: job.source.prefix.as_bytes().to_vec(), api, page_size: KEYS };
    let start = job.source.start_after.as_ref();
    let at = start.map_or(Position::Start, |key| Position::After(key.as_bytes().to_vec()));
    let listed = client.list(&listing, &at).await;
    let page = match listed {
        Ok(answered) => {
            findings.ok("endpoint", format!("{place} answers for this bucket"));
            let what = if api == ListApi::Versions { "versions" } else { "objects" };
            let some = if answered.answer.is_empty() { "; there are none below this prefix" } else { "" };
            findings.ok("list", format!("{what} may be listed{some}"));
            Some(answered.answer)
        }
        Err(error) => {
            let about = match error.kind {
                ErrorKind::Denied => {
                    findings.ok("endpoint", format!("{place} answers"));
                    "list"
                }
                ErrorKind::Credentials | ErrorKind::TokenExpired | ErrorKind::Account => "identity",
                ErrorKind::Skewed => "clock",
                _ => "endpoint",
            };
            let dooms = error.kind != ErrorKind::Denied;
            refused(about, error, job.source.provider, findings);
            if dooms {
                clock(client, findings);
                return false;
            }
            None
        }
    };
    clock(client, findings);
    head(job, client, page.as_ref(), findings).await;
    if job.verb == Verb::Restore {
        restore(job, client, page.is_some(), findings).await;
    }
    true
}

/// A refusal as a fault, with the way out that a run would tell.
fn refused(about: &'static str, error: StoreError, provider: Provider, findings: &mut Findings) {
    let (exit, hint) = exit::of_store(&error, provider);
    findings.failed(about, &Failure::new(exit, error, hint));
}

fn clock(client: &Client, findings: &mut Findings) {
    let Some(ahead) = client.clock_ahead() else { return };
    let off = ahead.abs();
    if off <= CALM_SKEW {
        findings.ok("clock", "this machine and the store agree on the time");
    } else {
        let way = if ahead.is_negative() { "ahead of" } else { "behind" };
        findings.warn(
            "clock",
            format!(
                "this machine is {off:#} {way} the store; requests are signed with the store's time where that \
                 matters"
            ),
            "set the clock: ages, windows and days are reckoned by it",
        );
    }
}

/// HEAD on one listed object, where a run would need it.
async fn head(job: &Job, client: &Client, page: Option<&Page>, findings: &mut Findings) {
    let dialect = connect::dialect(job);
    let restores = job.verb != Verb::Scan;
    let needed = !dialect.listing_tells_state() && (restores || job.source.head);
    if !restores && !job.source.head {
        return;
    }
    let object = page.and_then(|page| page.iter().find(|object| object.kind != Kind::DeleteMarker));
    let Some(object) = object else {
        let text = "not tried: no object was listed";
        return findings.warn("head", text, "check the prefix if there should be some");
    };
    match client.head(object.key, object.version_id).await {
        Ok(_) => findings.ok("head", "the first listed object may be looked at"),
        Err(error) if error.kind == ErrorKind::Gone => {
            findings.warn("head", "the listed object was gone a moment later", "check once more");
        }
        Err(error) if needed || error.kind != ErrorKind::Denied => {
            refused("head", error, job.source.provider, findings);
        }
        Err(error) => {
            let (_, hint) = exit::of_store(&error, job.source.provider);
            findings.warn(
                "head",
                "denied; a run can do without, but does not learn when an extended copy lapses, and has to trust \
                 the listing after a crash",
                hint,
            );
        }
    }
}

/// A restore request for a key that is not there. All three stores judge rights before they look for the
/// object, and S3 tells `NoSuchKey` to whoever may list. Sources: OSS RestoreObject, COS POST Object
/// restore and S3 RestoreObject with "Error responses", read 2026-11.
async fn restore(job: &Job, client: &Client, lists: bool, findings: &mut Findings) {
    let name = format!("defrost-preflight-{:032x}", rand::random::<u128>());
    let room = MAX_KEY - name.len();
    let prefix = job.source.prefix.as_bytes();
    let key = [prefix.get(..room.min(prefix.len())).unwrap_or_default(), name.as_bytes()].concat();
    // Legal in all classes, not that it matters.
    let ask = RestoreAsk { key: &key, version_id: b"", days: Some(1), tier: None, until: None };
    match client.restore(ask).await {
        Err(error) if error.kind == ErrorKind::Gone => findings.ok(
            "restore",
            "restores may be asked for below this prefix: a request for a key that is not there was refused for \
             that alone. This does not prove the right to each object: policies can tell them apart by tag, and \
             objects can belong to others",
        ),
        Err(error) if error.kind == ErrorKind::Denied && !lists => findings.warn(
            "restore",
            "not known: where listing is denied, the store may call a missing key denied as well",
            "grant the right to list, then check once more",
        ),
        Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Forbidden) => {
            refused("restore", error, job.source.provider, findings);
        }
        Err(error) if error.kind.dooms_run() => refused("restore", error, job.source.provider, findings),
        other => {
            let what = match other {
                Ok(_) => "the store took a restore of a key that should not exist".to_owned(),
                Err(error) => error.to_string(),
            };
            findings.warn(
                "restore",
                format!("the answer does not tell whether the right is there: {what}"),
                "begin with a small prefix, and look at its report",
            );
        }
    }
}

/// What would be asked for in each class.
fn legality(job: &Job, dialect: &dyn Dialect, findings: &mut Findings) {
    let Some(wish) = &job.wish else { return };
    let classes: Vec<&str> = match &job.filter.storage_class {
        ClassFilter::Archived => dialect.archived_classes().to_vec(),
        ClassFilter::Any => dialect.known_classes().to_vec(),
        ClassFilter::Named(names) => names.iter().map(String::as_str).collect(),
    };
    let mut told = Vec::new();
    let mut left = Vec::new();
    for class in classes {
        let Some(offer) = dialect.offer(class.as_bytes(), b"") else { continue };
        let (days, tier) = wish.for_class(class.as_bytes());
        match fit(days, tier, wish.fit, &offer) {
            Ok(fitted) => {
                let days = fitted.days.map(|days| format!(" {days} days"));
                let tier = fitted.tier.map(|tier| format!(" {tier}"));
                told.push(format!("{class}{}{}", days.unwrap_or_default(), tier.unwrap_or_default()));
            }
            Err(reason) => left.push(format!("{class} ({reason})")),
        }
    }
    if left.is_empty() {
        findings.ok("legality", format!("asked for: {}", told.join(", ")));
    } else {
        findings.warn(
            "legality",
            format!("asked for: {}; left alone: {}", told.join(", "), left.join(", ")),
            "choose other days or tier for these, or let `fit` clamp them",
        );
    }
}
