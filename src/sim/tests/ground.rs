//! A server, and a caller that writes its requests by hand.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::*;
use crate::model::Clock;

/// A clock that stands still.
#[derive(Debug, Default)]
pub(super) struct Still(Mutex<Duration>);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2026-01-02T03:04:05Z".parse::<Timestamp>().unwrap() + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// An answer as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}: ")))?;
        Some(&line[name.len() + 2..])
    }

    /// The text of the first element of that name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }

    /// The texts of all elements of that name.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        let parts = self.body.split(&format!("<{name}>")).skip(1).collect::<Vec<_>>();
        parts.into_iter().map(|p| p.split_once(&format!("</{name}>")).unwrap().0).collect()
    }
}

/// A server that needs no signatures, started on 2 January 2026.
pub(super) async fn serve(mut config: Config) -> Server {
    config.clock.start = Some("2026-01-02T00:00:00Z".parse().unwrap());
    config.auth = AuthClock::Off;
    start(config).await
}

/// A server that checks signatures.
pub(super) async fn start(config: Config) -> Server {
    let clock: Arc<dyn Clock> = Arc::new(Still::default());
    Server::start(config, clock, ([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// Sends `line` (method and target) with `headers` and `body`; `None` if no whole answer came.
pub(super) async fn send(server: &Server, line: &str, headers: &str, body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let length = body.len();
    let text =
        format!("{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let answer = Answer { status, head: head.to_owned(), body: body.to_owned() };
    let whole = line.starts_with("HEAD")
        || answer.header("content-length").is_none_or(|n| n.parse() == Ok(answer.body.len()));
    whole.then_some(answer)
}

/// The same with the usual Host.
pub(super) async fn ask(server: &Server, line: &str) -> Answer {
    send(server, line, "Host: 127.0.0.1\r\n", "").await.unwrap()
}

/// A restore request.
pub(super) async fn restore(server: &Server, target: &str, body: &str) -> Answer {
    let line = format!("POST {target}");
    send(server, &line, "Host: 127.0.0.1\r\n", body).await.unwrap()
}
