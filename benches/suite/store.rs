//! A source of load: an S3 that does next to nothing for a page, in a process of its own.
//!
//! It knows ListObjectsV2 (and V1), ListObjectVersions of its one-key bucket, and takes every
//! restore. It checks no signature, keeps no state and reads no more of a request than it must, so
//! a page costs it some tens of microseconds. **It is not verified against any vendor**: that is the
//! simulator (`defrost sim`), which speaks the dialects properly and costs more a page than the
//! client does. Where it matters whether an answer is right, measure with the simulator.
//!
//! The suite's binary starts itself with [`SERVE`]. The first line on its stdout is its port; then
//! each line on its stdin is a command: `stats` is answered by a line of JSON, `reset` forgets the
//! counts, `latency N` sets what a page takes, in milliseconds. It ends with its stdin, hence with
//! whoever started it.

use std::convert::Infallible;
use std::io::{BufRead as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::keys::{Keys, ONE_KEY, Spec};
use super::wait::Waits;

/// The hidden argument that makes the suite a store.
pub(crate) const SERVE: &str = "--serve";

/// The vendors' most.
const PAGE: usize = 1000;

const OPEN: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const XMLNS: &[u8] =
    b" xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bench</Name><Prefix></Prefix>\
    <MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>";
const ENTRY: &[u8] = b"<Contents><Key>";
const REST: &[u8] = b"</Key><LastModified>2026-03-12T17:50:30.000Z</LastModified>\
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>\
    <ChecksumType>FULL_OBJECT</ChecksumType><Size>104857600</Size><StorageClass>GLACIER</StorageClass></Contents>";
const VERSION_REST: &[u8] = b"</VersionId><IsLatest>false</IsLatest>\
    <LastModified>2026-03-12T17:50:30.000Z</LastModified>\
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>104857600</Size>\
    <StorageClass>GLACIER</StorageClass></Version>";
/// What a key takes at most, more or less: more only costs a copy.
const KEY: usize = 64;

/// What was asked of a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    /// Pages.
    pub(crate) lists: u64,
    /// Keys on them.
    pub(crate) keys: u64,
    /// Restore requests.
    pub(crate) posts: u64,
    /// When the first request arrived, in nanoseconds since 1970; 0 if none did.
    pub(crate) first: u64,
    /// When the last request arrived.
    pub(crate) last: u64,
}

impl Stats {
    /// From the first request to the last.
    pub(crate) fn seconds(&self) -> f64 {
        Duration::from_nanos(self.last.saturating_sub(self.first)).as_secs_f64()
    }
}

#[derive(Default)]
struct Counters {
    lists: AtomicU64,
    keys: AtomicU64,
    posts: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
    latency: AtomicU64,
}

struct Store {
    keys: Keys,
    counters: Counters,
    waits: Waits,
}

/// Serves the keys that `args` name, until stdin ends.
pub(crate) fn serve(args: &[String]) -> Result<()> {
    let keys = Keys::new(Spec::read(args.first().context("no keys named")?)?);
    let store = Arc::new(Store { keys, counters: Counters::default(), waits: Waits::new() });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", listener.local_addr()?.port())?;
    runtime.spawn(accept(listener, Arc::clone(&store)));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let counters = &store.counters;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("latency", ms) => counters.latency.store(ms.parse()?, Ordering::Relaxed),
            ("reset", _) => counters.reset(),
            _ => writeln!(out, "{}", serde_json::to_string(&counters.stats())?)?,
        }
    }
    Ok(())
}

impl Counters {
    fn reset(&self) {
        for counter in [&self.lists, &self.keys, &self.posts, &self.first, &self.last] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    fn stats(&self) -> Stats {
        let [lists, keys, posts, first, last] =
            [&self.lists, &self.keys, &self.posts, &self.first, &self.last]
                .map(|counter| counter.load(Ordering::Relaxed));
        Stats { lists, keys, posts, first, last }
    }

    fn arrived(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
        let now = now();
        let _ = self.first.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        self.last.fetch_max(now, Ordering::Relaxed);
    }
}

/// Nanoseconds since 1970: this clock is the same in all processes of the machine.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

async fn accept(listener: TcpListener, store: Arc<Store>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Answers are awaited: they must not wait for each other.
        let _ = stream.set_nodelay(true);
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let answer = service_fn(move |request| answer(Arc::clone(&store), request));
            // A client that goes away has nothing to be told.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

async fn answer(store: Arc<Store>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let counters = &store.counters;
    if request.method() == Method::POST {
        // The body must be off the wire before the next request.
        let _ = request.into_body().collect().await;
        counters.arrived(&counters.posts);
        return Ok(reply(StatusCode::ACCEPTED, Vec::new()));
    }
    if request.method() != Method::GET {
        return Ok(reply(StatusCode::OK, Vec::new()));
    }
    counters.arrived(&counters.lists);
    let query = request.uri().query().unwrap_or_default();
    let latency = counters.latency.load(Ordering::Relaxed);
    if latency > 0 {
        store.waits.wait(Duration::from_millis(latency)).await;
    }
    let (count, body) = page(&store.keys, query);
    counters.keys.fetch_add(count, Ordering::Relaxed);
    Ok(reply(StatusCode::OK, body))
}

fn reply(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

/// One page, and how many entries it has.
fn page(keys: &Keys, query: &str) -> (u64, Vec<u8>) {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| decode(value))
    };
    let index = |text: Vec<u8>| std::str::from_utf8(&text).ok().and_then(|text| text.parse::<usize>().ok());
    // Where a page ends is told as its index, but for version 1, which goes on after a key.
    let told = |name| value(name).and_then(index);
    let versions = matches!(keys, Keys::Versions(_));
    let first = if versions {
        let behind = value("key-marker").is_some_and(|key| key.as_slice() >= ONE_KEY);
        match told("version-id-marker") {
            Some(version) => version + 1,
            None if behind => keys.count(),
            None => 0,
        }
    } else {
        told("continuation-token")
            .or_else(|| value("start-after").or_else(|| value("marker")).map(|key| keys.after(&key)))
            .unwrap_or(0)
    };
    let most = told("max-keys").unwrap_or(PAGE).clamp(1, PAGE);
    let end = keys.count().min(first + most);
    let first = first.min(end);
    let mut out = Vec::with_capacity((end - first) * (ENTRY.len() + REST.len() + KEY) + 1024);
    out.extend_from_slice(OPEN);
    let root: &[u8] = if versions { b"ListVersionsResult" } else { b"ListBucketResult" };
    out.push(b'<');
    out.extend_from_slice(root);
    out.extend_from_slice(XMLNS);
    let truncated = end < keys.count() && end > 0;
    let flag = if truncated { "true" } else { "false" };
    out.extend_from_slice(format!("<IsTruncated>{flag}</IsTruncated>").as_bytes());
    if versions {
        if truncated {
            put(&mut out, "NextKeyMarker", |out| out.extend_from_slice(ONE_KEY));
            put(&mut out, "NextVersionIdMarker", |out| version(end - 1, out));
        }
        for i in first..end {
            out.extend_from_slice(b"<Version><Key>");
            out.extend_from_slice(ONE_KEY);
            out.extend_from_slice(b"</Key><VersionId>");
            version(i, &mut out);
            out.extend_from_slice(VERSION_REST);
        }
    } else {
        if truncated && query.contains("list-type=2") {
            put(&mut out, "NextContinuationToken", |out| out.extend_from_slice(end.to_string().as_bytes()));
        } else if truncated {
            put(&mut out, "NextMarker", |out| keys.put(end - 1, out));
        }
        for i in first..end {
            out.extend_from_slice(ENTRY);
            keys.put(i, &mut out);
            out.extend_from_slice(REST);
        }
    }
    out.extend_from_slice(b"</");
    out.extend_from_slice(root);
    out.push(b'>');
    ((end - first) as u64, out)
}

fn put(out: &mut Vec<u8>, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(format!("<{name}>").as_bytes());
    value(out);
    out.extend_from_slice(format!("</{name}>").as_bytes());
}

/// The id of version `i`: its number.
fn version(i: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{i:012}").as_bytes());
}

/// Undoes percent-encoding; what is not well encoded is left alone.
fn decode(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, digit(behind.first()), digit(behind.get(1))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = &behind[2..];
            }
            _ => out.push(*byte),
        }
    }
    out
}
