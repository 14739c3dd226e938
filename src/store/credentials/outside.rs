//! What the sources may reach: environment, clock and two ways to send a request.
//!
//! The reqsign providers get it as their `Context`. Requests of this kind carry tokens in URLs,
//! headers and bodies, so a failure names the host and nothing else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqsign_core::{Context, Error, HttpSend, HttpSendDyn};

use super::Environment;
use crate::model::Clock;
use crate::store::tls;

/// How long a metadata service may take for everything it is asked: it is a neighbour, and where
/// there is none (a laptop) nobody wants to wait for the news.
pub(super) const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one request to a token service may take.
const FAR_TIMEOUT: Duration = Duration::from_secs(20);
/// Requests sent to a token service before it is given up.
const FAR_ATTEMPTS: u32 = 3;
/// The pause before the second request; it doubles after that.
const FAR_PAUSE: Duration = Duration::from_millis(500);
/// The longest answer that is read.
const ANSWER_LIMIT: usize = 1 << 20;

/// Everything a source may use.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    pub(super) env: Environment,
    pub(super) clock: Arc<dyn Clock>,
    /// To token services: proxied as the system says, retried.
    far: Arc<dyn HttpSendDyn>,
    /// To metadata services and container agents: never through a proxy, never retried.
    near: Arc<dyn HttpSendDyn>,
}

impl Outside {
    pub(super) fn new(env: Environment, clock: Arc<dyn Clock>) -> Self {
        let far = Arc::new(Http {
            client: OnceLock::new(),
            env: env.clone(),
            clock: Arc::clone(&clock),
            near: false,
        });
        let near = Arc::new(Http {
            client: OnceLock::new(),
            env: env.clone(),
            clock: Arc::clone(&clock),
            near: true,
        });
        Self { env, clock, far, near }
    }

    /// With one sender for both ways, for tests.
    #[cfg(test)]
    pub(super) fn with_http(env: Environment, clock: Arc<dyn Clock>, http: Arc<dyn HttpSendDyn>) -> Self {
        Self { env, clock, far: Arc::clone(&http), near: http }
    }

    /// For requests to token services.
    pub(super) fn far(&self) -> Context {
        self.context(&self.far)
    }

    /// For requests to this machine's neighbours.
    pub(super) fn near(&self) -> Context {
        self.context(&self.near)
    }

    fn context(&self, http: &Arc<dyn HttpSendDyn>) -> Context {
        Context::new()
            .with_env(self.env.clone())
            .with_file_read(self.env.clone())
            .with_http_send(Arc::clone(http))
    }
}

/// The real sender. The client is built with the first request: most runs need none.
#[derive(Debug)]
struct Http {
    client: OnceLock<Result<reqwest::Client, String>>,
    env: Environment,
    clock: Arc<dyn Clock>,
    near: bool,
}

impl Http {
    fn client(&self) -> reqsign_core::Result<&reqwest::Client> {
        self.client
            .get_or_init(|| {
                let builder = tls::client_builder();
                let builder = if self.near {
                    builder.no_proxy().timeout(METADATA_TIMEOUT)
                } else {
                    let roots = tls::extra_roots(&self.env).map_err(|e| e.to_string())?;
                    builder.timeout(FAR_TIMEOUT).tls_certs_merge(roots)
                };
                builder.build().map_err(|e| format!("cannot set up TLS: {e}"))
            })
            .as_ref()
            .map_err(|why| Error::unexpected(why.clone()))
    }

    async fn once(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let host = request.uri().host().unwrap_or("an unnamed host").to_owned();
        let failed = |e: &reqwest::Error| {
            let what = if e.is_timeout() { "no answer from" } else { "no connection to" };
            Error::unexpected(format!("{what} {host} ({})", innermost(e))).set_retryable(true)
        };
        let request = reqwest::Request::try_from(request)
            .map_err(|_| Error::request_invalid(format!("the address of {host} is not a URL")))?;
        let mut answer = self.client()?.execute(request).await.map_err(|e| failed(&e))?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|e| failed(&e))? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_LIMIT {
                return Err(Error::unexpected(format!("{host} answered with more than 1 MiB")));
            }
        }
        let mut whole = http::Response::new(Bytes::from(body));
        *whole.status_mut() = answer.status();
        *whole.headers_mut() = answer.headers().clone();
        Ok(whole)
    }
}

/// The innermost cause of a transport failure, which is the machine's own word (refused, unknown
/// issuer); the outer ones quote the URL, and there is an OIDC token in some of them.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map_or_else(|| "no cause given".to_owned(), ToString::to_string)
}

impl HttpSend for Http {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let mut pause = FAR_PAUSE;
        for _ in 1..FAR_ATTEMPTS {
            if self.near {
                break;
            }
            match self.once(request.clone()).await {
                Ok(answer) if !answer.status().is_server_error() && answer.status() != 429 => {
                    return Ok(answer);
                }
                Err(e) if !e.is_retryable() => return Err(e),
                _ => self.clock.sleep(pause).await,
            }
            pause *= 2;
        }
        self.once(request).await
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A clock that never waits.
    #[derive(Debug)]
    struct Hasty;

    impl Clock for Hasty {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn sender(near: bool) -> Http {
        // No proxy either way: the machine that runs the tests may have one.
        let client = OnceLock::from(tls::client_builder().no_proxy().build().map_err(|e| e.to_string()));
        Http { client, env: Environment::default(), clock: Arc::new(Hasty), near }
    }

    /// Answers one connection after the other with these statuses, the body being their number.
    async fn serve(statuses: &'static [u16]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for (index, status) in statuses.iter().enumerate() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await.unwrap();
                let answer =
                    format!("HTTP/1.1 {status} X\r\nContent-Length: 1\r\nConnection: close\r\n\r\n{index}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}/?OIDCToken=hush")
    }

    async fn send(http: &Http, url: &str) -> reqsign_core::Result<(u16, Bytes)> {
        let answer = http.http_send(http::Request::get(url).body(Bytes::new()).unwrap()).await?;
        Ok((answer.status().as_u16(), answer.into_body()))
    }

    #[tokio::test]
    async fn a_token_service_is_asked_up_to_three_times() {
        let url = serve(&[503, 429, 200]).await;
        assert_eq!(send(&sender(false), &url).await.unwrap(), (200, Bytes::from("2")));
        let url = serve(&[500, 500, 500]).await;
        assert_eq!(send(&sender(false), &url).await.unwrap(), (500, Bytes::from("2")));
        let url = serve(&[403]).await;
        assert_eq!(send(&sender(false), &url).await.unwrap(), (403, Bytes::from("0")));
    }

    #[tokio::test]
    async fn a_neighbour_is_asked_once_and_redirects_are_not_followed() {
        let url = serve(&[503]).await;
        assert_eq!(send(&sender(true), &url).await.unwrap().0, 503);
        let url = serve(&[302]).await;
        assert_eq!(send(&sender(true), &url).await.unwrap().0, 302);
    }

    #[tokio::test]
    async fn a_failure_names_the_host_and_not_the_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/?OIDCToken=hush", listener.local_addr().unwrap());
        drop(listener);
        for near in [false, true] {
            let error = send(&sender(near), &url).await.unwrap_err();
            assert!(error.to_string().starts_with("no connection to 127.0.0.1 ("), "{error}");
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
        }
    }
}
