//! One attempt on the wire: a signed request out, a whole reply back.
//!
//! The request target must arrive byte for byte. reqwest takes a `url::Url`, which folds `.` and
//! `..` segments: a POST for the key `a/../b` would restore the object `b`. So the target is built
//! as text, parsed, and compared with what the parser kept; any difference and nothing is sent.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::body::{Bodies, BodyError, Share};
use super::credentials::{CredentialError, Environment};
use super::dialect::{Endpoint, Reply, Request, target};
use super::tls::{self, TlsFault};

/// A connection that is not there after this long will not come.
const CONNECT: Duration = Duration::from_secs(5);
/// A server that is silent for this long is given up; listings of thinned-out prefixes take seconds.
const SILENCE: Duration = Duration::from_mins(1);
/// One attempt takes this long at most, so that a slow drip ends too.
const WHOLE: Duration = Duration::from_mins(3);

/// Idle connections kept for reuse; above it they are closed.
const POOL_IDLE: usize = 4096;

/// How long a server is waited for, in real time.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A connection that is not there after this long will not come.
    pub connect: Duration,
    /// A server that is silent for this long is given up.
    pub silence: Duration,
    /// One attempt from first to last byte, so that a slow drip ends too.
    pub whole: Duration,
}

impl Default for Patience {
    /// Five seconds, a minute, three minutes.
    fn default() -> Self {
        Self { connect: CONNECT, silence: SILENCE, whole: WHOLE }
    }
}

/// Why an attempt brought no reply.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The URL parser would have changed the target.
    #[error("the key cannot be written into a URL without change")]
    UnsafeKey,
    /// Connection, TLS, time-out.
    #[error("{0}")]
    Network(String, #[source] Option<Cause>),
    /// The head of the reply came, the body did not come to its end: what there is of it, and why.
    #[error("{1}")]
    Torn(Box<Reply>, String, #[source] Option<Cause>),
    /// The server's certificate is not accepted.
    #[error("{0}")]
    Untrusted(String, #[source] Option<Cause>),
}

/// The machine's words.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why no transport could be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The certificates that the environment names.
    #[error("the certificates that the environment names cannot be used")]
    Roots(#[from] CredentialError),
    /// The certificates of this machine.
    #[error("the certificates of this machine cannot be read")]
    Tls(#[from] reqwest::Error),
}

/// Names below `localhost` are this machine (RFC 6761 §6.3), which not every resolver knows; a
/// store on loopback can thus be spoken to in virtual-host style. All other names go to the system.
#[derive(Debug)]
pub(super) struct LocalNames;

impl Resolve for LocalNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Addrs = if name.as_str().ends_with(".localhost") {
                Box::new(std::iter::once(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))))
            } else {
                Box::new(tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter())
            };
            Ok(found)
        })
    }
}

/// Sends requests to one endpoint.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    endpoint: Endpoint,
    base: String,
    bodies: Bodies,
}

/// A whole reply, and what its body takes of the memory for bodies.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) reply: Reply,
    pub(super) share: Option<Share>,
}

impl Transport {
    /// A transport with its own connection pool, and its own memory for bodies.
    ///
    /// # Errors
    /// If the certificates of this machine (for an endpoint with https), or those that `env` names, cannot be
    /// read.
    pub(crate) fn new(
        endpoint: Endpoint,
        env: &Environment,
        patience: Patience,
    ) -> Result<Self, TransportError> {
        let builder = || {
            tls::client_builder()
                .dns_resolver(LocalNames)
                .connect_timeout(patience.connect)
                .read_timeout(patience.silence)
                .timeout(patience.whole)
                .pool_max_idle_per_host(POOL_IDLE)
                .tcp_nodelay(true)
        };
        let http = match builder().tls_certs_merge(tls::extra_roots(env)?).build() {
            // Over plain HTTP nobody shows a certificate: a machine that has none will do.
            Err(_) if !endpoint.https => builder().tls_certs_only([]).build()?,
            built => built?,
        };
        let scheme = if endpoint.https { "https" } else { "http" };
        let base = format!("{scheme}://{}", endpoint.authority());
        Ok(Self { http, endpoint, base, bodies: Bodies::new() })
    }

    /// Where requests go.
    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The URL of `request`, if it survives parsing unchanged.
    pub(crate) fn url(&self, request: &Request) -> Option<Url> {
        let target = target(request, &self.endpoint);
        let url = Url::parse(&format!("{}{target}", self.base)).ok()?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target.as_str(), None),
        };
        (url.path() == path && url.query() == query).then_some(url)
    }

    /// Sends a signed request and reads the reply to its end.
    pub(super) async fn send(&self, request: Request) -> Result<Received, SendError> {
        let url = self.url(&request).ok_or(SendError::UnsafeKey)?;
        let mut builder = self.http.request(request.method, url);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body);
        }
        let mut response = builder.send().await.map_err(|e| self.network(&e))?;
        let status = response.status().as_u16();
        // Taken out, so that they are gone when they are copied.
        let headers = copied(&std::mem::take(response.headers_mut()));
        let (body, what, cause) = match self.bodies.read(response).await {
            Ok((body, share)) => return Ok(Received { reply: Reply { status, headers, body }, share }),
            Err(BodyError::Torn(body, error)) => {
                let (what, cause) = self.words(&error);
                (body, what, cause)
            }
            Err(BodyError::TooLarge(body)) => {
                let host = self.endpoint.authority();
                (body, format!("the reply of {host} is larger than any page can be"), None)
            }
        };
        Err(SendError::Torn(Box::new(Reply { status, headers, body }), what, cause))
    }

    fn network(&self, error: &reqwest::Error) -> SendError {
        let host = self.endpoint.authority();
        let (what, cause) = self.words(error);
        match tls::fault(error) {
            Some(TlsFault::Untrusted) => {
                SendError::Untrusted(format!("the certificate of {host} is not accepted"), cause)
            }
            Some(TlsFault::NotTls) => {
                SendError::Network(format!("{host} does not speak TLS; is it an http:// endpoint?"), cause)
            }
            Some(TlsFault::Other) | None => SendError::Network(what, cause),
        }
    }

    /// See [`words`].
    fn words(&self, error: &reqwest::Error) -> (String, Option<Cause>) {
        words(error, &self.endpoint.authority())
    }
}

/// The same headers in memory of their own. Those of a response lie in the buffer that its connection reads
/// into, which could not be used again for the body before they are gone.
fn copied(headers: &HeaderMap) -> HeaderMap {
    let own =
        |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
    headers.iter().map(|(name, value)| (name.clone(), own(value))).collect()
}

/// What went wrong with a request to `host`, by where it went wrong, and the machine's words. The URL is
/// left out: it may carry secrets.
pub(super) fn words(error: &reqwest::Error, host: &str) -> (String, Option<Cause>) {
    let what = if error.is_timeout() {
        format!("{host} did not answer in time")
    } else if error.is_connect() {
        format!("cannot connect to {host}")
    } else if error.is_body() || error.is_decode() {
        format!("the reply of {host} broke off")
    } else {
        format!("the connection to {host} failed")
    };
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    (what, Some(root.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::super::dialect::Style;
    use super::*;

    fn transport(style: Style) -> Transport {
        let endpoint = Endpoint {
            https: false,
            host: "127.0.0.1:9".into(),
            style,
            bucket: "bucket".into(),
            region: "r".into(),
        };
        Transport::new(endpoint, &Environment::new([("X", "y")], None), Patience::default()).unwrap()
    }

    fn head(key: &[u8]) -> Request {
        Request {
            method: http::Method::HEAD,
            key: key.to_vec(),
            query: vec![("versionId", b"a+b/c".to_vec())],
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    #[test]
    fn keys_that_a_url_would_fold_are_refused() {
        for key in [&b"a/../b"[..], b"a/./b", b"..", b".", b"../x", b"x/..", b"a/b/."] {
            assert!(
                transport(Style::Path).url(&head(key)).is_none(),
                "{} must be refused",
                String::from_utf8_lossy(key)
            );
        }
    }

    #[test]
    fn odd_keys_that_survive_are_sent_as_they_are() {
        let keys = [
            &b"//x"[..],
            b"a%2Fb",
            b"a%2e%2e/b",
            b"a+b c",
            "\u{fc}".as_bytes(),
            b"...",
            b"a/",
            b"\x01\n\"',",
            b"a\\..\\b",
            b"?#",
            b"\xff",
        ];
        for key in keys {
            let url = transport(Style::Path).url(&head(key)).unwrap();
            let raw = url.path().strip_prefix("/bucket/").unwrap();
            assert_eq!(decoded(raw), key, "sent as {raw}");
            assert_eq!(url.query(), Some("versionId=a%2Bb%2Fc"));
        }
    }

    /// Percent-decoding by the book, apart from the code under test.
    fn decoded(text: &str) -> Vec<u8> {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let mut i = 0;
        while i < bytes.len() {
            if bytes[i] == b'%' {
                out.push(u8::from_str_radix(&text[i + 1..i + 3], 16).unwrap());
                i += 3;
            } else {
                out.push(bytes[i]);
                i += 1;
            }
        }
        out
    }
}
