//! Who is told of the end of a run, and how.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Runs of whose end somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TellOf {
    /// Every one.
    Always,
    /// Those that end with another exit code than 0.
    Failure,
    /// Those that asked for something (in a plan: would ask), or failed to.
    Change,
}

/// Where a message goes. Its path and query may hold a token: neither `Display` nor `Debug` shows them.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    whole: String,
    origin: usize,
}

impl WebhookUrl {
    /// The URL `whole`, whose scheme, host and port are its first `origin` bytes.
    pub(in crate::job) const fn new(whole: String, origin: usize) -> Self {
        Self { whole, origin }
    }

    /// All of it, for sending and for nothing else.
    #[must_use]
    pub fn secret_text(&self) -> &str {
        &self.whole
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.whole.get(..self.origin).unwrap_or_default())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}/…")
    }
}

/// Where the secret stands that messages are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// In an environment variable of this name.
    Variable(String),
    /// In a file.
    File(PathBuf),
}

/// A message to a web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSpec {
    /// Where it goes: https, or http to this machine unless another one is allowed.
    pub url: WebhookUrl,
    /// What it is signed with; by default `None`: it is not signed.
    pub secret: Option<SecretPlace>,
}

/// Who is told of the end of a run, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifySpec {
    /// A message to a web server; by default none.
    pub webhook: Option<WebhookSpec>,
    /// A command with its arguments; empty, the default, for none. `{report}`, `{summary}`, `{exit_code}`
    /// and `{job}` are filled in.
    pub on_finish: Vec<String>,
    /// Of which runs, by default all; never empty.
    pub of: Vec<TellOf>,
    /// The longest that message and command may take, each, all attempts of the message together:
    /// 1 second to 10 minutes, by default 30 seconds.
    pub time_limit: Duration,
}

impl Default for NotifySpec {
    fn default() -> Self {
        Self {
            webhook: None,
            on_finish: Vec::new(),
            of: vec![TellOf::Always],
            time_limit: Duration::from_secs(30),
        }
    }
}

/// Where the figures of a run go for Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsSpec {
    /// The file as written, placeholder `{job}` not yet filled.
    pub path: String,
    /// Where a relative `path` starts, as in [`ReportSpec`](super::ReportSpec).
    pub folder: PathBuf,
}

impl MetricsSpec {
    /// The file of the job called `job`.
    #[must_use]
    pub fn file(&self, job: &str) -> PathBuf {
        self.folder.join(self.path.replace("{job}", job))
    }

    /// The file of a run beside that of the job itself, as with reports.
    pub(in crate::job) fn beside(self, word: &str) -> Self {
        Self { path: super::beside(self.path, word), ..self }
    }
}
