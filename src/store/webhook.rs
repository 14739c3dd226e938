//! A message to a web server: one POST, repeated while that may help, within a time limit.
//!
//! No store is spoken to here. It stands in this layer since the HTTP client does: TLS, roots, proxies and
//! time limits are those of the stores, and redirects are not followed.

use std::time::Duration;

use jiff::Timestamp;

use super::credentials::Environment;
use super::retry::obeyed;
use super::sign::webhook::WebhookKey;
use super::tls;
use super::transport::{Cause, LocalNames, TransportError, words};
use crate::model::Clock;

/// Attempts for one message.
const ATTEMPTS: u32 = 5;
/// Ceiling of the first pause between two; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A connection that is not there after this long will not come.
const CONNECT: Duration = Duration::from_secs(5);
/// One attempt takes this long at most, so that a server that hangs leaves time for another one.
const WHOLE: Duration = Duration::from_secs(10);

/// What is sent, and where.
#[derive(Clone, Copy)]
pub struct Post<'p> {
    /// The whole URL. It may hold a token: nothing of it is ever told but `host`.
    pub url: &'p str,
    /// How the server is called in errors.
    pub host: &'p str,
    /// Names this message, the same in each attempt, so that a server can tell a repeat.
    pub id: &'p str,
    /// The body, JSON.
    pub body: &'p [u8],
    /// What it is signed with; `None` for no signature.
    pub key: Option<&'p WebhookKey>,
    /// The longest that all attempts may take.
    pub time_limit: Duration,
}

impl std::fmt::Debug for Post<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("host", &self.host).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The server's last word was no.
    #[error("{host} answered {status}, after {attempts} attempt{}", if *.attempts == 1 { "" } else { "s" })]
    Refused {
        /// Who.
        host: String,
        /// The HTTP status.
        status: u16,
        /// Attempts made.
        attempts: u32,
    },
    /// It could not be reached, or its answer did not come.
    #[error("{what}, after {attempts} attempt{}", if *.attempts == 1 { "" } else { "s" })]
    Unreachable {
        /// What happened; names the host.
        what: String,
        /// Attempts made.
        attempts: u32,
        /// The machine's words.
        #[source]
        cause: Option<Cause>,
    },
    /// The time limit.
    #[error("{host} took no message within {} s{}", .limit.as_secs(), said(.last.as_deref()))]
    TimedOut {
        /// Who.
        host: String,
        /// The limit.
        limit: Duration,
        /// What became of the last attempt that ended before.
        last: Option<Box<WebhookError>>,
    },
    /// No client could be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// What became of the last attempt, behind what is said of all of them.
fn said(error: Option<&WebhookError>) -> String {
    match error {
        None => String::new(),
        Some(WebhookError::Refused { status, attempts, .. }) => {
            format!(
                "; it answered {status}, after {attempts} attempt{}",
                if *attempts == 1 { "" } else { "s" }
            )
        }
        Some(error) => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("; {error}{}", cause.unwrap_or_default())
        }
    }
}

/// Sends `post`, and returns the status with which it was taken. `now` is the hour by which it is signed.
///
/// An attempt is repeated where the server was not reached, did not answer in time, or answered 408, 429 or
/// 5xx; `Retry-After` is obeyed within the time limit. Any other answer but 2xx is final, a redirect as well.
///
/// # Errors
/// Why it was not taken; nothing of the URL but the host is told.
pub async fn deliver(
    post: Post<'_>,
    env: &Environment,
    now: &(dyn Fn() -> Timestamp + Sync),
    clock: &dyn Clock,
) -> Result<u16, WebhookError> {
    let http = tls::client_builder()
        .tls_certs_merge(tls::extra_roots(env).map_err(TransportError::from)?)
        .dns_resolver(LocalNames)
        .connect_timeout(CONNECT)
        .timeout(WHOLE.min(post.time_limit))
        .build()
        .map_err(TransportError::from)?;
    let mut last = None;
    tokio::select! {
        ended = attempts(&http, post, now, clock, &mut last) => return ended,
        () = clock.sleep(post.time_limit) => {}
    }
    let last = last.map(Box::new);
    Err(WebhookError::TimedOut { host: post.host.to_owned(), limit: post.time_limit, last })
}

/// Attempts, up to the one that settles it; `last` is what became of the last one before.
async fn attempts(
    http: &reqwest::Client,
    post: Post<'_>,
    now: &(dyn Fn() -> Timestamp + Sync),
    clock: &dyn Clock,
    last: &mut Option<WebhookError>,
) -> Result<u16, WebhookError> {
    let mut attempt = 1;
    loop {
        let (error, ordered) = match once(http, post, now()).await {
            Ok((status @ 200..300, _)) => return Ok(status),
            Ok((status, ordered)) => {
                let error = WebhookError::Refused { host: post.host.to_owned(), status, attempts: attempt };
                if !matches!(status, 408 | 429 | 500..) {
                    return Err(error);
                }
                (error, ordered)
            }
            Err(error) => {
                let (what, cause) = words(&error, post.host);
                (WebhookError::Unreachable { what, attempts: attempt, cause }, None)
            }
        };
        if attempt == ATTEMPTS {
            return Err(error);
        }
        *last = Some(error);
        clock.sleep(pause(attempt, rand::random()).max(ordered.unwrap_or_default())).await;
        attempt += 1;
    }
}

/// The pause behind attempt number `attempt`; `luck` is uniform in 0..1.
fn pause(attempt: u32, luck: f64) -> Duration {
    let ceiling = FIRST_PAUSE.saturating_mul(1 << attempt.saturating_sub(1).min(8));
    ceiling / 2 + (ceiling / 2).mul_f64(luck.clamp(0.0, 1.0))
}

/// One attempt: the status, and how long the server asks to be left alone. The answer's body is not read.
async fn once(
    http: &reqwest::Client,
    post: Post<'_>,
    at: Timestamp,
) -> Result<(u16, Option<Duration>), reqwest::Error> {
    let mut request = http
        .post(post.url)
        .header("content-type", "application/json")
        .header("webhook-id", post.id)
        .header("webhook-timestamp", at.as_second().to_string())
        .body(post.body.to_vec());
    if let Some(key) = post.key {
        request = request.header("webhook-signature", key.signature(post.id, at, post.body));
    }
    let answer = request.send().await?;
    let seconds =
        answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Ok((answer.status().as_u16(), seconds.map(|seconds| obeyed(Duration::from_secs(seconds)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_within_the_usual_limit() {
        let longest: Duration = (1..ATTEMPTS).map(|attempt| pause(attempt, 1.0)).sum();
        assert_eq!(longest, Duration::from_millis(500 + 1000 + 2000 + 4000));
        assert_eq!(pause(1, 0.0), Duration::from_millis(250));
    }

    #[test]
    fn what_is_shown_of_a_message_is_its_host() {
        let post = Post {
            url: "https://h.example.com/T0ken",
            host: "https://h.example.com",
            id: "msg_1",
            body: b"{}",
            key: None,
            time_limit: WHOLE,
        };
        assert!(!format!("{post:?}").contains("T0ken"));
    }
}
