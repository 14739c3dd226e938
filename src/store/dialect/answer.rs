//! Reading HEAD and restore replies: what the three vendors' answers have in common.

use super::refusal::{self, Manners, header};
use super::xml::{ErrorDocument, setting};
use super::{Reply, dates, mark};
use crate::model::{Access, RestoreMark, Tier};
use crate::store::{Head, Refusal, ReleaseAnswer, Released, RestoreAnswer, Taken};

/// The one refusal that means that the wish is being met; all three vendors spell it so.
/// Source: OSS error 0016-00000701, COS POST Object restore, S3 RestoreObject, read 2026-11.
pub(super) const ALREADY_RUNNING: &str = "RestoreAlreadyInProgress";

/// The headers of a HEAD reply.
#[derive(Debug)]
pub(super) struct HeadNames {
    /// Storage class.
    pub(super) class: &'static str,
    /// The class that an absent header stands for.
    pub(super) standard: &'static str,
    /// Access tier of Intelligent-Tiering, where the vendor has it.
    pub(super) tier: Option<&'static str>,
    /// Restore state.
    pub(super) restore: &'static str,
    /// What kind of object it is, where the vendor has symbolic links.
    pub(super) kind: Option<&'static str>,
    /// The tier of a running restore, where the vendor tells.
    pub(super) running: Option<&'static str>,
}

/// The tier that a running restore was asked at: COS writes `tier="bulk"; request-date="…"`, OSS the
/// bare word. Source: COS HEAD Object, OSS RestoreObject pages, read 2026-11.
fn running_at(text: &str) -> Option<Tier> {
    let word =
        text.split_once("tier=\"").map_or(text, |(_, rest)| rest.split('"').next().unwrap_or_default());
    Tier::from_word(word.trim())
}

/// Reads a 200 reply to HEAD.
pub(super) fn head(
    manners: &Manners,
    names: &HeadNames,
    access: fn(&[u8], &[u8]) -> Access,
    reply: &Reply,
) -> Result<Head, Refusal> {
    // A web page that a proxy or a portal serves in the store's stead would pass for an object of the
    // standard class.
    let own = manners.request_id.trim_end_matches("request-id");
    if !reply.headers.keys().any(|name| name.as_str().starts_with(own)) {
        let why = "the reply has no header of the store's own";
        return Err(refusal::unreadable(manners, reply.status, &reply.headers, why));
    }
    let class = match header(&reply.headers, names.class) {
        "" => names.standard,
        told => told,
    };
    let tier = names.tier.map(|name| header(&reply.headers, name)).unwrap_or_default();
    let restore = match header(&reply.headers, names.restore) {
        "" if reply.headers.contains_key(names.restore) => None,
        "" => Some(RestoreMark::Absent),
        told => mark::read(told.as_bytes()),
    };
    let Some(restore) = restore else {
        let why = "the restore header is not in the documented form";
        return Err(refusal::unreadable(manners, reply.status, &reply.headers, why));
    };
    Ok(Head {
        class: class.to_owned(),
        access: access(class.as_bytes(), tier.as_bytes()),
        access_tier: tier.to_owned(),
        restore,
        size: header(&reply.headers, "content-length").parse().unwrap_or(0),
        etag: header(&reply.headers, "etag").trim_matches('"').to_owned(),
        last_modified: dates::http(header(&reply.headers, "last-modified").as_bytes()),
        symlink: names.kind.is_some_and(|name| header(&reply.headers, name).eq_ignore_ascii_case("symlink")),
        running_at: names.running.and_then(|name| running_at(header(&reply.headers, name))),
        status: reply.status,
        request_id: refusal::request_id(manners, &reply.headers),
    })
}

/// Whether a reply is what a proxy or a portal says in the store's stead: its "200" would pass for
/// a copy that lives longer now. An empty body is none, whatever type it is said to have: moto, an
/// S3 look-alike, calls its empty answers HTML.
fn is_web_page(reply: &Reply) -> bool {
    let body = reply.body.trim_ascii_start();
    let begins =
        |head: &str| body.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head.as_bytes()));
    let is_called_one = header(&reply.headers, "content-type").starts_with("text/html");
    begins("<!doctype html") || begins("<html") || (is_called_one && !body.is_empty())
}

/// Reads any reply to the question whether archived objects may be read without a restore. Source: OSS
/// GetBucketArchiveDirectRead page, read 2026-11.
pub(super) fn direct_read(
    manners: &Manners,
    reply: &Reply,
    refuse: impl FnOnce(&Reply) -> Refusal,
) -> Result<bool, Refusal> {
    if reply.status != 200 || ErrorDocument::read(&reply.body).is_some() {
        return Err(refuse(reply));
    }
    let told = setting(&reply.body, "ArchiveDirectReadConfiguration", "Enabled").unwrap_or_default();
    told.to_ascii_lowercase().parse().map_err(|_| {
        let why = "the reply does not tell whether direct read is on";
        refusal::unreadable(manners, reply.status, &reply.headers, why)
    })
}

/// Reads any reply to a release. Source: OSS CleanRestoredObject page, read 2026-11.
pub(super) fn release(
    manners: &Manners,
    reply: &Reply,
    refuse: impl FnOnce(&Reply) -> Refusal,
) -> Result<ReleaseAnswer, Refusal> {
    if (200..300).contains(&reply.status) && is_web_page(reply) {
        let why = "the reply is a web page, not the store's";
        return Err(refusal::unreadable(manners, reply.status, &reply.headers, why));
    }
    if reply.status == 200 && ErrorDocument::read(&reply.body).is_none() {
        let request_id = refusal::request_id(manners, &reply.headers);
        return Ok(ReleaseAnswer { released: Released::Given, status: 200, code: None, request_id });
    }
    let (said, document) = refusal::read(manners, reply);
    let released = match &*said.code {
        "ArchiveRestoreFileStale" => Released::Nothing,
        "ArchiveRestoreNotFinished" => Released::Running,
        _ if reply.status == 409 && document.ec == "0016-00000719" => Released::Running,
        _ => return Err(refuse(reply)),
    };
    let code = (!said.code.is_empty()).then_some(said.code);
    Ok(ReleaseAnswer { released, status: reply.status, code, request_id: said.request_id })
}

/// Reads any reply to a restore request; `running` recognises the refusal that is none.
pub(super) fn restore(
    manners: &Manners,
    reply: &Reply,
    running: impl FnOnce(&Refusal, &ErrorDocument) -> bool,
    refuse: impl FnOnce(&Reply) -> Refusal,
) -> Result<RestoreAnswer, Refusal> {
    if (200..300).contains(&reply.status) && is_web_page(reply) {
        let why = "the reply is a web page, not the store's";
        return Err(refusal::unreadable(manners, reply.status, &reply.headers, why));
    }
    let taken = match reply.status {
        // An error document may come under a success status: S3 documents it for other calls.
        200 | 202 if ErrorDocument::read(&reply.body).is_some() => None,
        200 => Some(Taken::Extended),
        202 => Some(Taken::Accepted),
        _ => None,
    };
    let answer = |taken, code: Option<Box<str>>, request_id| RestoreAnswer {
        taken,
        status: reply.status,
        code,
        request_id,
    };
    if let Some(taken) = taken {
        return Ok(answer(taken, None, refusal::request_id(manners, &reply.headers)));
    }
    let (said, document) = refusal::read(manners, reply);
    if running(&said, &document) {
        let code = (!said.code.is_empty()).then_some(said.code);
        return Ok(answer(Taken::AlreadyRunning, code, said.request_id));
    }
    if (200..300).contains(&reply.status) && said.code.is_empty() {
        let why = "a restore is answered by 200 or 202";
        return Err(refusal::unreadable(manners, reply.status, &reply.headers, why));
    }
    Err(refuse(reply))
}
