//! A home folder, an environment, a clock and a network that exist only in a test.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqsign_core::{Error, HttpSend};
use tempfile::TempDir;

use super::outside::Outside;
use super::{CredentialError, CredentialSource, Environment};
use crate::model::{Clock, Provider};

/// A clock that stands still until it is moved. Its sleeps never end, unless it is impatient: then
/// they are over at once.
#[derive(Debug)]
pub(super) struct StillClock {
    now: Mutex<Timestamp>,
    impatient: bool,
}

impl StillClock {
    pub(super) fn forward(&self, by: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(by).unwrap();
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        if self.impatient { Box::pin(async {}) } else { Box::pin(std::future::pending()) }
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A network that answers by the first rule whose text is in `METHOD URL`; other requests find
/// nobody.
#[derive(Debug, Default)]
pub(super) struct Net {
    rules: Mutex<Vec<(String, u16, String)>>,
    /// Every request as `METHOD URL`, then a line with its Authorization, then its body.
    pub(super) seen: Mutex<Vec<String>>,
    /// Never answers; the clock of such a world is impatient.
    silent: bool,
}

impl Net {
    pub(super) fn answering(rules: &[(&str, u16, &str)]) -> Arc<Self> {
        let net = Self::default();
        for rule in rules {
            net.rule(*rule);
        }
        Arc::new(net)
    }

    pub(super) fn silent() -> Arc<Self> {
        Arc::new(Self { silent: true, ..Self::default() })
    }

    /// Puts a rule before the others.
    pub(super) fn rule(&self, (of, status, body): (&str, u16, &str)) {
        self.rules.lock().unwrap().insert(0, (of.to_owned(), status, body.to_owned()));
    }

    pub(super) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl HttpSend for Net {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let line = format!("{} {}", request.method(), request.uri());
        let signed = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.seen.lock().unwrap().push(format!("{line}\n{}\n{body}", signed.unwrap_or_default()));
        if self.silent {
            std::future::pending::<()>().await;
        }
        // One turn of the executor, so that other askers get theirs.
        tokio::task::yield_now().await;
        let rules = self.rules.lock().unwrap();
        let Some((_, status, body)) = rules.iter().find(|(of, ..)| line.contains(of.as_str())) else {
            return Err(Error::unexpected("no connection"));
        };
        Ok(http::Response::builder().status(*status).body(Bytes::from(body.clone())).unwrap())
    }
}

/// Everything around a chain.
pub(super) struct World {
    home: TempDir,
    pub(super) vars: Vec<(String, String)>,
    pub(super) net: Arc<Net>,
    pub(super) clock: Arc<StillClock>,
}

impl World {
    pub(super) fn new(vars: &[(&str, &str)], files: &[(&str, &str)], net: Arc<Net>) -> Self {
        let clock =
            StillClock { now: Mutex::new("2026-01-02T03:04:05Z".parse().unwrap()), impatient: net.silent };
        let world = Self {
            home: tempfile::tempdir().unwrap(),
            vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            net,
            clock: Arc::new(clock),
        };
        for (name, text) in files {
            world.write(name, text);
        }
        world
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.home.path().join(name)).unwrap();
    }

    pub(super) fn unset(&mut self, prefix: &str) {
        self.vars.retain(|(name, _)| !name.starts_with(prefix));
    }

    pub(super) fn chain(&self, provider: Provider, profile: Option<&str>) -> CredentialSource {
        let home = self.home.path().to_owned();
        let vars: Vec<(String, String)> = self
            .vars
            .iter()
            .map(|(name, value)| (name.clone(), value.replace("~/", &format!("{}/", home.display()))))
            .collect();
        let env = Environment::new(vars.iter().map(|(n, v)| (n.as_str(), v.as_str())), Some(home));
        let (clock, net) = (Arc::clone(&self.clock), Arc::clone(&self.net));
        CredentialSource::walking(provider, profile, Outside::with_http(env, clock, net))
    }

    /// `id/secret/token` of what a new chain finds.
    pub(super) async fn ask(
        &self,
        provider: Provider,
        profile: Option<&str>,
    ) -> Result<String, CredentialError> {
        let keys = self.chain(provider, profile).get().await?;
        let token = keys.session_token.as_deref().unwrap_or("-");
        Ok(format!("{}/{}/{token}", keys.access_key_id, keys.secret_key))
    }

    /// The message with which a new chain fails; neither it nor its debug form may hold `hush`.
    pub(super) async fn fails(&self, provider: Provider, profile: Option<&str>) -> String {
        let error = self.ask(provider, profile).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hush"), "{error:?}");
        error.to_string()
    }
}
