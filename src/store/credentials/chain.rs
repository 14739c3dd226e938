//! Walking the sources, keeping what was found, renewing it in time.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use jiff::Timestamp;

use super::outside::{METADATA_TIMEOUT, Outside};
use super::source::{Answer, Found, Source};
use super::{CredentialError, Environment, cos, oss, s3};
use crate::model::{Clock, Provider};
use crate::store::dialect::Credentials;

/// How long before their end credentials are renewed. Metadata services hand out the next ones at
/// least this early.
const RENEW_BEFORE: Duration = Duration::from_mins(5);
/// The shortest time between two fetches of credentials that have an end, unless the store refused the
/// ones held and the last fetch brought new ones. It keeps a service that goes on giving the old ones,
/// or a machine whose clock is far off, from being asked all the time.
const RENEW_EVERY: Duration = Duration::from_secs(30);
/// The first pause before a source that still gave the refused credentials is asked again; each further
/// one is twice as long, up to [`RENEW_EVERY`]. Files and services may be a moment behind the store.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// How long a source of which nobody knows when its credentials end may go on giving refused ones.
const GRACE: Duration = Duration::from_secs(5);

/// Where a run's credentials come from. Cheap to ask: what was found is kept until it has to be
/// renewed, and however many ask at once, the sources are walked once.
pub struct CredentialSource(Kind);

enum Kind {
    Fixed(Arc<Credentials>),
    Chain(Box<Chain>),
}

impl CredentialSource {
    /// These keys, for good.
    #[must_use]
    pub fn fixed(keys: Credentials) -> Self {
        Self(Kind::Fixed(Arc::new(keys)))
    }

    /// The chain of `provider`'s own tools, with `profile` if the user named one. Nothing is read
    /// or asked before the first [`get`](Self::get).
    #[must_use]
    pub fn chain(provider: Provider, profile: Option<&str>, env: Environment, clock: Arc<dyn Clock>) -> Self {
        Self::walking(provider, profile, Outside::new(env, clock))
    }

    pub(super) fn walking(provider: Provider, profile: Option<&str>, outside: Outside) -> Self {
        let (store, sources, way_out) = match provider {
            Provider::Oss => ("OSS", oss::sources(profile), oss::WAY_OUT),
            Provider::Cos => ("COS", cos::sources(profile), cos::WAY_OUT),
            Provider::S3 => ("S3", s3::sources(profile), s3::WAY_OUT),
        };
        let held = Mutex::new(State::default());
        let flight = tokio::sync::Mutex::new(());
        Self(Kind::Chain(Box::new(Chain { store, sources, way_out, outside, held, flight })))
    }

    /// The credentials to sign with now; fetched by the first call, renewed five minutes before
    /// their end. While they are being renewed the old ones go on being given.
    ///
    /// # Errors
    /// [`CredentialError`] if no source has any, or one is broken.
    pub async fn get(&self) -> Result<Arc<Credentials>, CredentialError> {
        match &self.0 {
            Kind::Fixed(keys) => Ok(Arc::clone(keys)),
            Kind::Chain(chain) => chain.get().await,
        }
    }

    /// Where the credentials that are held come from, and until when they are good where that is told;
    /// `None` before the first [`get`](Self::get). Never a secret.
    #[must_use]
    pub fn origin(&self) -> Option<(String, Option<Timestamp>)> {
        match &self.0 {
            Kind::Fixed(_) => Some(("the simulator's own keys".to_owned(), None)),
            Kind::Chain(chain) => chain.state().held.map(|held| (held.origin, held.term.map(|(_, end)| end))),
        }
    }

    /// Other credentials than `stale`, which the store has just refused as lapsed: those that
    /// someone else fetched meanwhile, or new ones.
    ///
    /// A source that still gives the same gets time to think: `stale` is then returned once more, and the
    /// source is asked again a little later.
    ///
    /// # Errors
    /// [`CredentialError::Lapsed`] if the source cannot give others, else as [`get`](Self::get).
    pub async fn renew(&self, stale: &Credentials) -> Result<Arc<Credentials>, CredentialError> {
        match &self.0 {
            Kind::Fixed(_) => Err(CredentialError::Lapsed { origin: "the given keys".to_owned() }),
            Kind::Chain(chain) => chain.renew(stale).await,
        }
    }
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Fixed(_) => "CredentialSource(fixed)",
            Kind::Chain(_) => "CredentialSource(chain)",
        })
    }
}

struct Chain {
    store: &'static str,
    sources: Vec<Box<dyn Source>>,
    way_out: &'static str,
    outside: Outside,
    held: Mutex<State>,
    /// Held by whoever walks the sources.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    held: Option<Held>,
    /// Walks that have come to an end.
    walks: u64,
    /// How the last walk failed, if it did.
    failed: Option<CredentialError>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<Credentials>,
    origin: String,
    /// From when on new ones are fetched, and from when on these are no longer given; `None` for
    /// credentials of which nobody knows an end.
    term: Option<(Timestamp, Timestamp)>,
    fetched: Timestamp,
    /// Whether its source can give no others while the process lives.
    fixed: bool,
    /// Since when, and how often, they were fetched in place of the very same ones.
    fruitless: Option<(Timestamp, u32)>,
}

impl Held {
    fn new(found: Found, (origin, fixed): (String, bool), now: Timestamp) -> Self {
        let soonest = later(now, RENEW_EVERY);
        let term = found.expires.map(|end| {
            let due = end.checked_sub(RENEW_BEFORE).unwrap_or(end);
            (due.max(soonest), end.max(soonest))
        });
        Self { keys: Arc::new(found.keys), origin, term, fetched: now, fixed, fruitless: None }
    }

    /// From when on the source may be asked again, if the last time was in vain.
    fn patient_until(&self) -> Option<Timestamp> {
        let (_, times) = self.fruitless?;
        let pause = ASK_AGAIN.saturating_mul(1 << times.saturating_sub(1).min(16)).min(RENEW_EVERY);
        Some(later(self.fetched, pause))
    }

    fn due(&self, now: Timestamp) -> bool {
        self.term.is_some_and(|(due, _)| now >= due)
    }

    fn over(&self, now: Timestamp) -> bool {
        self.term.is_some_and(|(_, end)| now >= end)
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Chain {
    fn state(&self) -> State {
        // The lock guards plain data, so what a panicking thread left is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn get(&self) -> Result<Arc<Credentials>, CredentialError> {
        let before = self.state();
        let now = self.outside.clock.now();
        if let Some(held) = before.held.filter(|held| !held.over(now)) {
            if !held.due(now) {
                return Ok(held.keys);
            }
            let Ok(_flight) = self.flight.try_lock() else { return Ok(held.keys) };
            return Ok(self.walk().await.unwrap_or_else(|_| self.postpone(held)));
        }
        let _flight = self.flight.lock().await;
        let after = self.state();
        if after.walks != before.walks {
            // Someone walked while this call waited: their answer is as good, also if it is no.
            match (after.failed, after.held) {
                (Some(error), _) => return Err(error),
                (None, Some(held)) => return Ok(held.keys),
                (None, None) => {}
            }
        }
        self.walk().await
    }

    async fn renew(&self, stale: &Credentials) -> Result<Arc<Credentials>, CredentialError> {
        let before = self.state();
        let _flight = self.flight.lock().await;
        let after = self.state();
        if let Some(held) = &after.held {
            // Not a question of how old they are: by the store's clock, or for a short-lived token, they may
            // have lapsed a moment after they were fetched.
            let soon = held.patient_until().is_some_and(|until| self.outside.clock.now() < until);
            if *held.keys != *stale || soon {
                return Ok(Arc::clone(&held.keys));
            }
        }
        if let (true, Some(error)) = (after.walks != before.walks, after.failed) {
            return Err(error);
        }
        let vain = after.held.and_then(|held| held.fruitless);
        let keys = self.walk().await?;
        let mut now = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut now.held {
            Some(held) if *keys == *stale => {
                let (since, times) = vain.unwrap_or((held.fetched, 0));
                held.fruitless = Some((since, times + 1));
                let over = held.term.is_none() && held.fetched >= later(since, GRACE);
                if held.fixed || over {
                    return Err(CredentialError::Lapsed { origin: held.origin.clone() });
                }
                Ok(keys)
            }
            Some(_) | None => Ok(keys),
        }
    }

    /// Goes on with credentials that are still good although they could not be renewed.
    fn postpone(&self, mut held: Held) -> Arc<Credentials> {
        let next = later(self.outside.clock.now(), RENEW_EVERY);
        held.term = held.term.map(|(_, end)| (next, end));
        let keys = Arc::clone(&held.keys);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).held = Some(held);
        keys
    }

    /// Asks the sources in order, and keeps the answer. The caller holds `flight`.
    async fn walk(&self) -> Result<Arc<Credentials>, CredentialError> {
        let answer = self.ask_all().await;
        let now = self.outside.clock.now();
        let mut state = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        state.walks += 1;
        match answer {
            Ok((found, origin)) => {
                let held = Held::new(found, origin, now);
                let keys = Arc::clone(&held.keys);
                state.held = Some(held);
                state.failed = None;
                Ok(keys)
            }
            Err(error) => {
                state.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    async fn ask_all(&self) -> Result<(Found, (String, bool)), CredentialError> {
        let mut looked = Vec::new();
        for source in &self.sources {
            let what = source.what();
            match self.ask(source.as_ref()).await? {
                Answer::Found(found) => {
                    tracing::debug!(source = what, expires = ?found.expires, "credentials found");
                    return Ok((found, (what, source.fixed())));
                }
                Answer::Nothing(None) => looked.push(what),
                Answer::Nothing(Some(note)) => looked.push(format!("{what} ({note})")),
            }
        }
        Err(CredentialError::NotFound { store: self.store, looked: looked.join(", "), way_out: self.way_out })
    }

    async fn ask(&self, source: &dyn Source) -> Result<Answer, CredentialError> {
        const OFF: &str = "DEFROST_NO_METADATA";
        if !source.metadata() {
            return source.ask(&self.outside).await;
        }
        if self.outside.env.flag(OFF) {
            return Ok(Answer::Nothing(Some(format!("not asked: {OFF} is set"))));
        }
        let limit = self.outside.clock.sleep(METADATA_TIMEOUT);
        Ok(match select(source.ask(&self.outside), limit).await {
            Either::Left((Ok(answer), _)) => answer,
            // On a machine without such a service anything may answer at its address, or nothing.
            Either::Left((Err(CredentialError::Refused { why, .. }), _)) => Answer::Nothing(Some(why)),
            Either::Left((Err(other), _)) => return Err(other),
            Either::Right(_) => {
                Answer::Nothing(Some(format!("no answer within {} s", METADATA_TIMEOUT.as_secs())))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::super::fixture::{Net, World};
    use super::*;

    /// Keys of the CVM service that end at `end` (Unix seconds); the worlds begin at 1767323045.
    fn keys(id: &str, end: i64) -> String {
        format!(
            r#"{{"Code":"Success","TmpSecretId":"{id}","TmpSecretKey":"hush","Token":"hush","ExpiredTime":{end}}}"#
        )
    }

    const BEGIN: i64 = 1_767_323_045;
    const ROLE: (&str, u16, &str) = ("security-credentials/", 200, "r");

    fn world(end: i64) -> World {
        let world = World::new(&[], &[], Net::answering(&[ROLE]));
        world.net.rule(("security-credentials/r", 200, &keys("first", end)));
        world
    }

    async fn id(chain: &CredentialSource) -> String {
        chain.get().await.unwrap().access_key_id.clone()
    }

    #[tokio::test]
    async fn however_many_ask_the_sources_are_walked_once() {
        let world = world(BEGIN + 3600);
        let chain = world.chain(Provider::Cos, None);
        for keys in join_all((0..50).map(|_| chain.get())).await {
            assert_eq!(keys.unwrap().access_key_id, "first");
        }
        assert_eq!(world.net.requests(), 2, "one for the role's name, one for its keys");
        assert!(!format!("{chain:?}").contains("hush"));
    }

    #[tokio::test]
    async fn a_failed_walk_is_the_answer_to_all_who_waited() {
        let world = World::new(&[], &[], Net::answering(&[]));
        let chain = world.chain(Provider::Cos, None);
        for answer in join_all((0..50).map(|_| chain.get())).await {
            assert!(matches!(answer, Err(CredentialError::NotFound { .. })));
        }
        assert_eq!(world.net.requests(), 1);
        // A later caller tries again.
        assert!(chain.get().await.is_err());
        assert_eq!(world.net.requests(), 2);
    }

    #[tokio::test]
    async fn credentials_are_renewed_before_their_end() {
        let world = world(BEGIN + 3600);
        let chain = world.chain(Provider::Cos, None);
        assert_eq!(id(&chain).await, "first");
        world.net.rule(("security-credentials/r", 200, &keys("second", BEGIN + 7200)));
        world.clock.forward(Duration::from_secs(3600 - 301));
        assert_eq!(id(&chain).await, "first");
        world.clock.forward(Duration::from_secs(2));
        assert_eq!(id(&chain).await, "second");
    }

    #[tokio::test]
    async fn while_they_are_good_old_ones_outlive_a_failed_renewal() {
        let world = world(BEGIN + 3600);
        let chain = world.chain(Provider::Cos, None);
        assert_eq!(id(&chain).await, "first");
        world.net.rule(("metadata.tencentyun.com", 503, ""));
        world.clock.forward(Duration::from_secs(3400));
        let asked = world.net.requests();
        assert_eq!(id(&chain).await, "first");
        assert_eq!(id(&chain).await, "first");
        assert_eq!(world.net.requests(), asked + 1, "not asked again at once");
        world.clock.forward(RENEW_EVERY);
        assert_eq!(id(&chain).await, "first");
        assert_eq!(world.net.requests(), asked + 2);
        world.clock.forward(Duration::from_secs(200));
        assert!(chain.get().await.is_err());
    }

    #[tokio::test]
    async fn keys_that_look_lapsed_at_once_are_still_given() {
        // The machine's clock is far ahead: no fetch would bring better ones.
        let world = world(BEGIN - 3600);
        let chain = world.chain(Provider::Cos, None);
        assert_eq!(id(&chain).await, "first");
        assert_eq!(id(&chain).await, "first");
        assert_eq!(world.net.requests(), 2);
    }

    #[tokio::test]
    async fn renew_fetches_once_for_all_who_hold_the_stale_ones() {
        let world = world(BEGIN + 3600);
        let chain = world.chain(Provider::Cos, None);
        let stale = chain.get().await.unwrap();
        let asked = world.net.requests();
        for _ in 0..5 {
            assert_eq!(chain.renew(&stale).await.unwrap().access_key_id, "first", "there is no other yet");
        }
        assert_eq!(world.net.requests(), asked + 2, "not asked again at once");
        // Less and less often: after 0.2, 0.4, 0.8 s and so on, and every 30 s in the end.
        for _ in 0..1200 {
            world.clock.forward(Duration::from_millis(100));
            assert_eq!(chain.renew(&stale).await.unwrap().access_key_id, "first");
        }
        assert!(
            (asked + 16..=asked + 26).contains(&world.net.requests()),
            "{}",
            world.net.requests() - asked
        );
        world.net.rule(("security-credentials/r", 200, &keys("second", BEGIN + 7200)));
        world.clock.forward(RENEW_EVERY);
        let asked = world.net.requests();
        for keys in join_all((0..50).map(|_| chain.renew(&stale))).await {
            assert_eq!(keys.unwrap().access_key_id, "second");
        }
        assert_eq!(world.net.requests(), asked + 2);
        assert_eq!(id(&chain).await, "second");
    }

    #[tokio::test]
    async fn a_service_that_gives_new_ones_is_asked_as_often_as_the_old_ones_lapse() {
        let world = world(BEGIN + 3600);
        let chain = world.chain(Provider::Cos, None);
        let mut stale = chain.get().await.unwrap();
        for number in 0..5 {
            // The hour of this machine does not move: it is the store that says so.
            let id = format!("number {number}");
            world.net.rule(("security-credentials/r", 200, &keys(&id, BEGIN + 3600)));
            let fresh = chain.renew(&stale).await.unwrap();
            assert_eq!(fresh.access_key_id, id);
            stale = fresh;
        }
    }

    #[tokio::test]
    async fn renew_reads_files_again_and_says_if_they_hold_the_same() {
        let file = |id: &str| format!("[common]\nsecret_id = {id}\nsecret_key = hush\ntoken = hush\n");
        let world = World::new(&[], &[(".cos.conf", &file("first"))], Net::answering(&[]));
        let chain = world.chain(Provider::Cos, None);
        let stale = chain.get().await.unwrap();
        // Whoever writes the file may be a moment behind the store.
        assert_eq!(chain.renew(&stale).await.unwrap(), stale);
        world.clock.forward(GRACE);
        let error = chain.renew(&stale).await.unwrap_err();
        assert_eq!(error.to_string(), "the security token from ~/.cos.conf has lapsed");
        world.write(".cos.conf", &file("second"));
        assert_eq!(id(&chain).await, "first", "nothing is read while nobody complains");
        world.clock.forward(RENEW_EVERY);
        assert_eq!(chain.renew(&stale).await.unwrap().access_key_id, "second");
        world.write(".cos.conf", "hush");
        assert!(
            !format!("{:?}", chain.renew(&chain.get().await.unwrap()).await.unwrap_err()).contains("hush")
        );
        assert_eq!(id(&chain).await, "second", "a failed renewal takes nothing away");
    }

    #[tokio::test]
    async fn given_keys_stay_and_cannot_be_renewed() {
        let keys = Credentials { access_key_id: "id".into(), secret_key: "hush".into(), session_token: None };
        let fixed = CredentialSource::fixed(keys.clone());
        assert_eq!(*fixed.get().await.unwrap(), keys);
        assert!(matches!(fixed.renew(&keys).await, Err(CredentialError::Lapsed { .. })));
        assert!(!format!("{fixed:?}").contains("hush"));
    }
}
