//! The store itself: from a routed request to an answer. Nothing waits here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use md5::{Digest as _, Md5};

use super::auth::{self, Denial, Scope, Signed};
use super::bucket::Bucket;
use super::class::Tier;
use super::clock::SimClock;
use super::config::{AuthClock, Call, Credential, Dialect};
use super::fault::{Fault, FaultKind, Faults};
use super::generate::scramble;
use super::ledger::Ledger;
use super::restore::{Verdict, clean, decide};
use super::route::{Names, Route};
use super::scripted::scripted;
use super::version::At;
use super::wire::ask::Body;
use super::wire::date::{Secs, rfc1123};
use super::wire::denial::denial;
use super::wire::fail::{About, Fail, Wrong, refusal};
use super::wire::ids::request_ids;
use super::wire::listing::Asked;
use super::wire::page::{collect, empty};
use super::wire::reply::Reply;
use super::wire::{cos, oss, s3};
use crate::model::Clock;

/// Bytes that a page of a thousand keys seldom exceeds: one allocation.
const PAGE_BYTES: usize = 512 << 10;

/// A request as it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'r> {
    pub(super) method: &'r Method,
    pub(super) target: &'r str,
    pub(super) host: &'r str,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
}

impl Incoming<'_> {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }
}

/// Everything that requests share.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) buckets: Vec<Bucket>,
    pub(super) names: Names,
    pub(super) credentials: Vec<Credential>,
    pub(super) clock: Arc<SimClock>,
    /// The clock given by the caller: real time.
    pub(super) outer: Arc<dyn Clock>,
    pub(super) auth: AuthClock,
    /// Seconds by which the clock that checks signatures is ahead.
    pub(super) skew: i64,
    pub(super) faults: Faults,
    pub(super) ledger: Arc<Ledger>,
    /// The hour at which the store first started.
    pub(super) start: Timestamp,
    pub(super) serial: AtomicU64,
    /// Per bucket: real time until which the rates of listings, HEAD and restores are used up.
    pub(super) rates: Vec<Mutex<[Duration; 3]>>,
    /// Per bucket: pages served.
    pub(super) pages: Vec<AtomicU64>,
}

impl Store {
    fn now(&self) -> Secs {
        self.clock.now().as_second()
    }

    /// The hour that signatures are checked against.
    fn auth_now(&self) -> Secs {
        let now = match self.auth {
            AuthClock::Real | AuthClock::Off => self.outer.now(),
            AuthClock::Store => self.clock.now(),
        };
        now.as_second().saturating_add(self.skew)
    }

    /// The dialect of a request for a bucket that does not exist.
    fn guess(&self, incoming: &Incoming<'_>) -> Dialect {
        let signature = incoming.header("authorization");
        if signature.starts_with("OSS") {
            Dialect::Oss
        } else if signature.starts_with("q-sign") {
            Dialect::Cos
        } else if signature.starts_with("AWS") {
            Dialect::S3
        } else {
            self.buckets.first().map_or(Dialect::S3, |b| b.dialect)
        }
    }

    /// Answers one request.
    pub(super) fn serve(&self, incoming: &Incoming<'_>, route: &Route, fault: Option<&Fault>) -> Reply {
        let bucket = route.bucket.and_then(|i| Some((i, self.buckets.get(i)?)));
        let dialect = bucket.map_or_else(|| self.guess(incoming), |(_, b)| b.dialect);
        let serial = scramble(self.serial.fetch_add(1, Ordering::Relaxed));
        let (id, second) = request_ids(dialect, serial);
        let answer = match bucket {
            Some((index, bucket)) => self.answer(incoming, route, fault, index, bucket),
            None => Err(refusal(dialect, Wrong::NoBucket, &route.name)),
        };
        if let (Some(FaultKind::Answer), Ok(reply)) = (fault.map(|f| f.kind), &answer) {
            // Whoever it is that answers, it need not be the store.
            return reply.clone();
        }
        let mut reply = answer.unwrap_or_else(|fail| {
            let about = About {
                dialect,
                request_id: &id,
                host_id: if dialect == Dialect::Oss { incoming.host } else { &second },
                bucket: &route.name,
                key: &route.key,
                head: incoming.method == Method::HEAD,
            };
            let mut reply = fail.reply(&about);
            if dialect == Dialect::Cos {
                reply = reply.with("x-cos-trace-id", second.clone());
            }
            if let Some(seconds) = fault.and_then(|f| f.retry_after) {
                reply = reply.with("retry-after", seconds.to_string());
            }
            reply
        });
        reply.headers.push(("date", rfc1123(self.auth_now())));
        match dialect {
            Dialect::Oss => {
                let took = 1 + serial % 30;
                reply
                    .with("server", "AliyunOSS")
                    .with("x-oss-request-id", id)
                    .with("x-oss-server-time", took.to_string())
            }
            Dialect::Cos => reply.with("server", "tencent-cos").with("x-cos-request-id", id),
            Dialect::S3 => {
                reply.with("server", "AmazonS3").with("x-amz-request-id", id).with("x-amz-id-2", second)
            }
        }
    }

    fn answer(
        &self,
        incoming: &Incoming<'_>,
        route: &Route,
        fault: Option<&Fault>,
        index: usize,
        bucket: &Bucket,
    ) -> Result<Reply, Fail> {
        if let Some(reply) = fault.and_then(|f| scripted(bucket, f, self.auth_now())) {
            return reply;
        }
        let refuse = |wrong| refusal(bucket.dialect, wrong, &bucket.name);
        let caller = self.caller(incoming, route, bucket).map_err(|d| denial(bucket.dialect, d))?;
        let owner = incoming.header("x-amz-expected-bucket-owner");
        let stranger = bucket.dialect == Dialect::S3
            && !owner.is_empty()
            && bucket.owner.as_deref().is_some_and(|o| o != owner);
        if caller.is_some_and(|c| c.deny.contains(&route.call)) || stranger {
            return Err(refuse(Wrong::Denied));
        }
        let elsewhere = route.host_region.as_ref().is_some_and(|r| *r != bucket.region);
        if let Some(region) = bucket.quirks.moved_to.as_ref().or(elsewhere.then_some(&bucket.region)) {
            return Err(refuse(Wrong::Moved(region.clone())));
        }
        if !route.key.is_empty() && !bucket.dialect.takes_key(&route.key) {
            return Err(refuse(Wrong::KeyName));
        }
        // Source: S3 HeadObject page, "Permissions": a missing key is told to whoever may list, and denied
        // to everybody else. RestoreObject is taken to do the same.
        let unlisted = caller.is_some_and(|c| c.deny.contains(&Call::List));
        let on_object = matches!(route.call, Call::Head | Call::Restore);
        if bucket.dialect == Dialect::S3 && unlisted && on_object && bucket.find(&route.key).is_none() {
            return Err(refuse(Wrong::Denied));
        }
        if self.too_fast(index, bucket, route.call) {
            return Err(refuse(Wrong::SlowDown));
        }
        match route.call {
            Call::List | Call::Versions => self.list(incoming, route, fault, index, bucket).map_err(refuse),
            Call::Head => self.head(route, bucket),
            Call::Restore => self.restore(incoming, route, bucket),
            Call::Release if bucket.dialect == Dialect::Oss => self.release(route, bucket),
            Call::Release => Err(refuse(Wrong::NotImplemented)),
            Call::Other => self.other(incoming, route, bucket),
        }
    }

    /// Who calls; `None` where nobody checks.
    fn caller<'s>(
        &'s self,
        incoming: &Incoming<'_>,
        route: &'s Route,
        bucket: &'s Bucket,
    ) -> Result<Option<&'s Credential>, Denial> {
        if self.auth == AuthClock::Off {
            let header = incoming.header("authorization");
            return Ok(self.credentials.iter().find(|c| header.contains(&c.access_key_id)));
        }
        let signed = Signed {
            method: incoming.method.as_str(),
            target: incoming.target,
            headers: incoming.headers,
            body: incoming.body,
        };
        let scope = Scope {
            provider: bucket.dialect,
            bucket: &route.name,
            virtual_host: route.virtual_host,
            region: &bucket.region,
            now: self.auth_now(),
            credentials: &self.credentials,
        };
        auth::verify(&signed, &scope).map(Some)
    }

    fn list(
        &self,
        incoming: &Incoming<'_>,
        route: &Route,
        fault: Option<&Fault>,
        index: usize,
        bucket: &Bucket,
    ) -> Result<Reply, Wrong> {
        let attributes = incoming.header("x-amz-optional-object-attributes");
        let mut asked = Asked::read(bucket, &route.params, attributes)?;
        let kind = fault.map(|f| f.kind);
        if kind == Some(FaultKind::Stray) {
            asked.prefix.clear();
        }
        let query = asked.query(bucket);
        let served = self.pages.get(index).map_or(0, |n| n.fetch_add(1, Ordering::Relaxed)) + 1;
        let due = bucket.quirks.empty_every.is_some_and(|n| n > 0 && served.is_multiple_of(n));
        let hollow = if due || kind == Some(FaultKind::EmptyPage) { empty(bucket, &query) } else { None };
        let mut page = hollow.unwrap_or_else(|| collect(bucket, &query));
        if kind == Some(FaultKind::RepeatToken) && asked.continues() {
            asked.repeat(bucket, &mut page);
        }
        if kind == Some(FaultKind::Disorder) && page.rows.len() > 1 {
            let last = page.rows.len() - 1;
            page.rows.swap(0, last);
        }
        let mut body = Vec::with_capacity(PAGE_BYTES.min(1024 + page.len() * 512));
        let marks = bucket.marks();
        match bucket.dialect {
            Dialect::Oss => oss::list(&mut body, bucket, &asked, &page, &marks, self.now()),
            Dialect::Cos => cos::list(&mut body, bucket, &asked, &page, &marks, self.now()),
            Dialect::S3 => s3::list(&mut body, bucket, &asked, &page, &marks, self.now()),
        }
        drop(marks);
        if kind == Some(FaultKind::Torn) {
            body.truncate(body.len() * 2 / 3);
        }
        let mut reply = Reply::page(body);
        if bucket.quirks.gzip && incoming.header("accept-encoding").contains("gzip") {
            reply = reply.gzipped();
        }
        Ok(match bucket.dialect {
            Dialect::Oss => reply,
            Dialect::Cos => reply.with("x-cos-bucket-region", bucket.region.clone()),
            Dialect::S3 => reply.with("x-amz-bucket-region", bucket.region.clone()),
        })
    }

    /// The version that a request names.
    fn resolve(bucket: &Bucket, route: &Route) -> Result<At, Wrong> {
        let id =
            route.params.get("versionId").filter(|id| !(id.is_empty() && bucket.dialect == Dialect::Cos));
        if id == Some(b"") {
            return Err(Wrong::Argument("versionId", String::new()));
        }
        let slot = bucket.find(&route.key).ok_or(Wrong::NoKey)?;
        match id {
            None if bucket.deleted(slot) => Err(Wrong::NoKey),
            None => Ok(At { slot, ordinal: 0 }),
            Some(id) => {
                let at = bucket.version_by_id(slot, id).ok_or(Wrong::NoVersion)?;
                let deleted = bucket.version(at, &bucket.marks()).delete_marker;
                if deleted { Err(Wrong::DeleteMarker) } else { Ok(at) }
            }
        }
    }

    fn head(&self, route: &Route, bucket: &Bucket) -> Result<Reply, Fail> {
        let refuse = |wrong| refusal(bucket.dialect, wrong, &bucket.name);
        let at = Self::resolve(bucket, route).map_err(|wrong| {
            let deleted = bucket.find(&route.key).is_some_and(|slot| bucket.deleted(slot));
            match (bucket.dialect, &wrong) {
                // Source: COS HEAD Object page: 404 for a delete marker, whatever names it.
                (Dialect::Cos, Wrong::DeleteMarker) => refuse(Wrong::NoKey),
                (Dialect::S3, Wrong::DeleteMarker) => marked(refuse(wrong)),
                (Dialect::S3, Wrong::NoKey) if deleted => marked(refuse(wrong)),
                _ => refuse(wrong),
            }
        })?;
        let marks = bucket.marks();
        let version = bucket.version(at, &marks);
        let now = self.now();
        let headers = match bucket.dialect {
            Dialect::Oss => match version.symlink {
                None => oss::head(bucket, &version, now),
                Some(target) => {
                    let target = bucket.find(target).filter(|slot| !bucket.deleted(*slot));
                    let target = target.ok_or_else(|| refuse(Wrong::TargetGone))?;
                    let target = bucket.version(At { slot: target, ordinal: 0 }, &marks);
                    if target.symlink.is_some() {
                        return Err(refuse(Wrong::TargetLink));
                    }
                    let mut headers = oss::head(bucket, &target, now);
                    headers.retain(|(name, _)| *name != "x-oss-object-type");
                    headers.push(("x-oss-object-type", "Symlink".to_owned()));
                    headers
                }
            },
            Dialect::Cos => cos::head(bucket, &version, now),
            Dialect::S3 => s3::head(bucket, &version, now),
        };
        Ok(Reply { status: 200, headers, body: Vec::new() })
    }

    /// The class of the object that a request is about; empty if there is none.
    pub(super) fn class_of(&self, route: &Route) -> String {
        let bucket = route.bucket.and_then(|index| self.buckets.get(index));
        bucket
            .filter(|_| !route.key.is_empty())
            .and_then(|bucket| {
                let at = Self::resolve(bucket, route).ok()?;
                Some(bucket.version(at, &bucket.marks()).class.name().to_owned())
            })
            .unwrap_or_default()
    }

    /// Whether a request goes beyond the rate of the bucket: a token bucket of one second's worth.
    fn too_fast(&self, index: usize, bucket: &Bucket, call: Call) -> bool {
        let quirks = &bucket.quirks;
        let (lane, rate) = match call {
            Call::List | Call::Versions => (0, quirks.list_rate),
            Call::Head => (1, quirks.head_rate),
            Call::Restore => (2, quirks.restore_rate),
            Call::Release | Call::Other => return false,
        };
        let (Some(rate), Some(used)) = (rate, self.rates.get(index)) else {
            return false;
        };
        let now = self.outer.monotonic();
        let used = &mut used.lock().unwrap_or_else(PoisonError::into_inner)[lane];
        let next = (*used).max(now) + Duration::from_secs(1) / rate.max(1);
        let over = next > now + Duration::from_secs(1);
        if !over {
            *used = next;
        }
        over
    }

    fn restore(&self, incoming: &Incoming<'_>, route: &Route, bucket: &Bucket) -> Result<Reply, Fail> {
        let refuse = |wrong| refusal(bucket.dialect, wrong, &bucket.name);
        digest(incoming).map_err(refuse)?;
        let at = Self::resolve(bucket, route).map_err(refuse)?;
        let body = Body::read(incoming.body);
        let now = self.now();
        let named = body.find("Tier").and_then(Tier::from_wire);
        let (verdict, id, priority) = bucket.decide(at, |version| {
            let verdict = decide(bucket.dialect, &bucket.quirks, version, &body, now);
            if let Verdict::Accepted(mark) | Verdict::Extended(mark) = &verdict {
                let kind = (version.class.name().to_owned(), named);
                self.ledger.bill_restore(&kind, version.size, version.phase(now), mark);
            }
            let mark = match &verdict {
                Verdict::Accepted(mark) | Verdict::Extended(mark) => Some(*mark),
                Verdict::Refused(_) => None,
            };
            let mut id = Vec::new();
            bucket.push_id(&mut id, version.id);
            let tier = mark.filter(|_| !version.class.name().eq_ignore_ascii_case("Archive")).map(|m| m.tier);
            (mark, (verdict, id, tier))
        });
        let reply = match verdict {
            Verdict::Accepted(_) => Reply::new(202),
            Verdict::Extended(_) => Reply::new(200),
            Verdict::Refused(wrong) => return Err(refuse(wrong)),
        };
        if bucket.dialect != Dialect::Oss {
            return Ok(reply);
        }
        let reply = match priority {
            Some(tier) => reply.with("x-oss-object-restore-priority", tier.as_str()),
            None => reply,
        };
        Ok(if route.params.has("versionId") {
            reply.with("x-oss-version-id", String::from_utf8_lossy(&id))
        } else {
            reply
        })
    }

    /// CleanRestoredObject of OSS: a readable copy is frozen at once.
    fn release(&self, route: &Route, bucket: &Bucket) -> Result<Reply, Fail> {
        let refuse = |wrong| refusal(bucket.dialect, wrong, &bucket.name);
        let at = Self::resolve(bucket, route).map_err(refuse)?;
        let now = self.now();
        let cleaned = bucket.decide(at, |version| clean(bucket.dialect, version, now));
        cleaned.map(|()| Reply::new(200)).map_err(refuse)
    }

    /// HEAD of a bucket, one setting of it, GET of an object that cannot be read; the rest is not there.
    fn other(&self, incoming: &Incoming<'_>, route: &Route, bucket: &Bucket) -> Result<Reply, Fail> {
        let refuse = |wrong| refusal(bucket.dialect, wrong, &bucket.name);
        if incoming.method == Method::HEAD {
            let name = match bucket.dialect {
                Dialect::Oss => "x-oss-bucket-region",
                Dialect::Cos => "x-cos-bucket-region",
                Dialect::S3 => "x-amz-bucket-region",
            };
            return Ok(Reply::new(200).with(name, bucket.region.clone()));
        }
        let is_get = incoming.method == Method::GET;
        if bucket.dialect == Dialect::Oss && is_get && route.params.has("bucketArchiveDirectRead") {
            return Ok(Reply::page(oss::direct_read(bucket)));
        }
        if is_get && !route.key.is_empty() {
            let at = Self::resolve(bucket, route).map_err(refuse)?;
            let version = bucket.version(at, &bucket.marks()).clone();
            let now = self.now();
            let ready = matches!(version.phase(now), super::mark::Phase::Ready(_));
            let direct = bucket.direct_read && version.class.name().eq_ignore_ascii_case("Archive");
            if version.vault(bucket.dialect, now).is_some() && !ready && !direct {
                return Err(refuse(Wrong::Unreadable));
            }
        }
        Err(refuse(Wrong::NotImplemented))
    }
}

fn marked(mut fail: Fail) -> Fail {
    fail.headers.push(("x-amz-delete-marker", "true".to_owned()));
    fail
}

/// Checks `Content-MD5`, if the request has one.
fn digest(incoming: &Incoming<'_>) -> Result<(), Wrong> {
    let given = incoming.header("content-md5");
    if given.is_empty() {
        return Ok(());
    }
    let bytes = STANDARD.decode(given).ok().filter(|b| b.len() == 16).ok_or(Wrong::DigestForm)?;
    if Md5::digest(incoming.body).as_slice() == bytes { Ok(()) } else { Err(Wrong::Digest) }
}
