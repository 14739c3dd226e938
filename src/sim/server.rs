//! The HTTP/1.1 server on a loopback socket.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming as Wire;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::bucket::Bucket;
use super::check::ConfigError;
use super::clock::SimClock;
use super::config::{Call, Config};
use super::expect::{Expected, expected};
use super::fault::{Fault, FaultKind, Faults};
use super::ledger::{Ledger, RestoreRecord, Wish};
use super::mangle::mangle;
use super::mark::Phase;
use super::route::{Names, Route};
use super::serve::{Incoming, Store};
use super::socket::{Abort, Payload, Socket};
use super::state::State;
use super::version::At;
use super::wire::reply::Reply;
use crate::model::Clock;

/// Longest request body that is read.
const MAX_BODY: usize = 1 << 20;
/// Most connections at a time; further ones wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 8192;
/// How long a stalled answer is held unless the rule says otherwise.
const STALL: Duration = Duration::from_hours(1);
/// Pause between the pieces of a dripping body unless the rule says otherwise.
const DRIP: Duration = Duration::from_secs(1);
/// Pause after an accept that failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The seed is not sound.
    #[error("the simulator's seed is not sound")]
    Config(#[from] ConfigError),
    /// The address cannot be bound.
    #[error("cannot listen on `{addr}`")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the machine says.
        #[source]
        cause: io::Error,
    },
}

/// A running simulator. Dropping it ends it; [`Server::stop`] also waits until it has ended.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    store: Arc<Store>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a simulator on `addr` (port 0 finds a free one) within the caller's tokio runtime.
    /// `clock` is real time for the server: the store's own [`SimClock`] derives from it.
    ///
    /// # Errors
    /// If the seed is not sound, or the address cannot be bound.
    pub async fn start(config: Config, clock: Arc<dyn Clock>, addr: SocketAddr) -> Result<Self, SimError> {
        let store = Arc::new(build(config, clock)?);
        let bind = |cause| SimError::Bind { addr, cause };
        let listener = TcpListener::bind(addr).await.map_err(bind)?;
        let addr = listener.local_addr().map_err(bind)?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&store), stopped));
        Ok(Self { addr, store, stop, task: Some(task) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://host:port`, to be given as an endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What was asked of it.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.store.ledger
    }

    /// The store's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<SimClock> {
        &self.store.clock
    }

    /// The hour at which the store first started: what
    /// [`Config::expected_at`](super::Config::expected_at) asks for.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.store.start
    }

    /// Adds a rule after those that are there.
    pub fn add_fault(&self, fault: Fault) {
        self.store.faults.add(fault);
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.store.faults.clear();
    }

    /// Where the current version of an object stands now; `None` if there is none.
    #[must_use]
    pub fn phase(&self, bucket: &str, key: &[u8]) -> Option<Phase> {
        let bucket = self.store.buckets.iter().find(|b| *b.name == *bucket)?;
        let slot = bucket.find(key)?;
        let version = bucket.version(At { slot, ordinal: 0 }, &bucket.marks()).clone();
        Some(version.phase(self.store.clock.now().as_second()))
    }

    /// Every version of a bucket as it stands now, in the order of a listing of versions; empty if
    /// there is no such bucket. For small buckets: it is all in memory.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> Vec<Expected> {
        let now = self.store.clock.now().as_second();
        let found = self.store.buckets.iter().find(|b| *b.name == *bucket);
        found.map_or_else(Vec::new, |b| expected(b, b.marks().clone(), now).collect())
    }

    /// What a later run needs to go on from here.
    #[must_use]
    pub fn state(&self) -> State {
        let changed = self.store.buckets.iter().map(|b| (b.name.to_string(), b.changed()));
        let buckets: BTreeMap<_, _> = changed.filter(|(_, c)| !c.is_empty()).collect();
        State::new(self.store.start, self.store.clock.now(), buckets)
    }

    /// Writes [`Server::state`] to a file in one step.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        self.state().save(path)
    }

    /// Ends the simulator: connections are closed, requests at work are dropped.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn build(config: Config, outer: Arc<dyn Clock>) -> Result<Store, ConfigError> {
    config.check()?;
    let saved = config.state;
    let clock = match (&saved, config.clock.start) {
        // A store that follows the machine's time goes on with it, but never goes back.
        (Some(state), _)
            if config.clock.start.is_none() && config.clock.speed.to_bits() == 1.0_f64.to_bits() =>
        {
            let clock = SimClock::new(Arc::clone(&outer), None, 1.0);
            if clock.now() < state.now {
                clock.set(state.now);
            }
            clock
        }
        (Some(state), _) => SimClock::new(Arc::clone(&outer), Some(state.now), config.clock.speed),
        (None, start) => SimClock::new(Arc::clone(&outer), start, config.clock.speed),
    };
    // Whole seconds, as all dates on the wire.
    let begun = saved.as_ref().map(|s| s.start).or(config.clock.start).unwrap_or_else(|| clock.now());
    let start = Timestamp::from_second(begun.as_second()).unwrap_or(begun);
    let mut buckets = Vec::with_capacity(config.buckets.len());
    let mut names = Names::default();
    for from in &config.buckets {
        let bucket = Bucket::new(from, start.as_second())?;
        if let Some(changed) = saved.as_ref().and_then(|s| s.buckets.get(&from.name)) {
            bucket.take_over(changed);
        }
        names.add(&from.name, &from.hosts);
        buckets.push(bucket);
    }
    Ok(Store {
        rates: buckets.iter().map(|_| Mutex::new(Duration::ZERO)).collect(),
        pages: buckets.iter().map(|_| AtomicU64::new(0)).collect(),
        buckets,
        names,
        credentials: config.credentials,
        clock: Arc::new(clock),
        outer,
        auth: config.auth,
        skew: config.clock.skew,
        faults: Faults::new(&config.faults),
        ledger: Arc::new(Ledger::new(config.ledger_limit)),
        start,
        serial: AtomicU64::new(start.as_second().unsigned_abs()),
    })
}

async fn accept(listener: TcpListener, store: Arc<Store>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are small and awaited: they must not wait for each other.
                let _ = stream.set_nodelay(true);
                let abort = Abort::default();
                let socket = Socket::new(stream, abort.clone());
                let store = Arc::clone(&store);
                connections.spawn(async move {
                    let answer =
                        service_fn(move |request| handle(Arc::clone(&store), request, abort.clone()));
                    // A connection that ends in an error has told its peer all there is to tell.
                    let _ = http1::Builder::new()
                        .header_read_timeout(None)
                        .serve_connection(socket, answer)
                        .await;
                });
            }
            Err(_) => store.outer.sleep(ACCEPT_PAUSE).await,
        }
    }
    connections.shutdown().await;
}

/// Answers one request; an error ends the connection without an answer.
async fn handle(store: Arc<Store>, request: Request<Wire>, abort: Abort) -> io::Result<Response<Payload>> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let host = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => parts.headers.get("host").and_then(|h| h.to_str().ok()).unwrap_or(""),
    };
    let route = store.names.route(&parts.method, target, host);
    let _at_work = store.ledger.enter(route.call);
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Err(io::Error::other("the request body breaks off or is too long")),
    };
    let struck = match route.call {
        Call::List | Call::Versions => route.params.get("prefix").unwrap_or(&[]),
        Call::Head | Call::Restore | Call::Release | Call::Other => &route.key,
    };
    let fault = store.faults.strike(route.call, &route.name, struck);
    if fault.is_some() {
        store.ledger.fault();
    }
    wait(&store, &route, fault.as_ref()).await;
    let kind = fault.as_ref().map(|f| f.kind);
    if matches!(kind, Some(FaultKind::Reset | FaultKind::Stall)) {
        note(&store, &route, &body, 0);
        abort.arm();
        return Err(io::Error::other("reset on purpose"));
    }
    let incoming = Incoming { method: &parts.method, target, host, headers: &parts.headers, body: &body };
    let mut reply = store.serve(&incoming, &route, fault.as_ref());
    if let Some(fault) = &fault {
        mangle(&mut reply, fault);
    }
    note(&store, &route, &body, reply.status);
    if kind == Some(FaultKind::LostAnswer) {
        abort.arm();
        return Err(io::Error::other("answer lost on purpose"));
    }
    if kind == Some(FaultKind::Cut) {
        abort.arm();
    }
    Ok(response(reply, fault.as_ref(), &store.outer))
}

/// Waits as long as the bucket and a rule want it.
async fn wait(store: &Store, route: &Route, fault: Option<&Fault>) {
    let latency = route.bucket.and_then(|i| store.buckets.get(i)).map(|b| b.quirks.latency.of(route.call));
    let delay = fault.and_then(|f| match f.kind {
        FaultKind::Stall => Some(f.delay_ms.map_or(STALL, Duration::from_millis)),
        FaultKind::Slow => Some(Duration::from_millis(f.delay_ms.unwrap_or(1000))),
        _ => None,
    });
    let span = latency.unwrap_or_default() + delay.unwrap_or_default();
    if !span.is_zero() {
        store.outer.sleep(span).await;
    }
}

/// Enters an answer in the ledger.
fn note(store: &Store, route: &Route, body: &[u8], status: u16) {
    store.ledger.answered(status);
    let wish = if route.call == Call::Restore { Wish::read(body) } else { Wish::default() };
    store.ledger.bill(route.call, (store.class_of(route), wish.tier), status);
    if route.call != Call::Restore {
        return;
    }
    let name = route.bucket.and_then(|i| store.buckets.get(i)).map(|b| Arc::clone(&b.name));
    store.ledger.record(RestoreRecord {
        bucket: name.unwrap_or_else(|| Arc::from(route.name.as_str())),
        key: Box::from(route.key.as_slice()),
        version_id: route.params.text("versionId").unwrap_or_default().into(),
        days: wish.days,
        tier: wish.tier,
        status,
        at: store.clock.now(),
    });
}

fn response(reply: Reply, fault: Option<&Fault>, clock: &Arc<dyn Clock>) -> Response<Payload> {
    let payload = match fault.map(|f| (f.kind, f)) {
        Some((FaultKind::Cut, _)) => Payload::broken(reply.body),
        Some((FaultKind::Overstated, _)) => Payload::overstated(reply.body),
        Some((FaultKind::Understated, _)) => Payload::understated(reply.body),
        Some((FaultKind::Drip, fault)) => {
            let pause = fault.delay_ms.map_or(DRIP, Duration::from_millis);
            Payload::dripping(reply.body, fault.bytes.unwrap_or(1), pause, Arc::clone(clock))
        }
        _ => Payload::whole(reply.body),
    };
    let mut response = Response::new(payload);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // A value that HTTP cannot carry is left out: version ids come from the seed.
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    for (name, value) in fault.iter().flat_map(|fault| &fault.headers) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
        {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
