//! A simulator inside the process, for jobs with a `[simulator]` table: demos and rehearsals.
//!
//! What it holds outlives the run: restores asked for are kept in the job's state folder, and each
//! new run finds the simulated clock moved on, so that a second night can be watched at once.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::exit::{Exit, Failure};
use crate::job::{Job, SimulatorSpec, Verb};
use crate::model::{Clock, Provider, SystemClock};
use crate::pipeline::checkpoint::{StateDir, private_folder};
use crate::sim;
use crate::store::credentials::CredentialSource;
use crate::store::dialect::{Credentials, Endpoint, Style};

/// What the store keeps between runs, in the job's state folder.
const STATE: &str = "simulator.json";

/// What to do about a seed that is not sound.
const SEED_WAY_OUT: &str = "`defrost sim --help` describes the seed, `defrost sim --print-seed` shows one";

/// The seed of a job's simulator.
///
/// # Errors
/// If it cannot be read or is not sound.
pub(super) fn seed(spec: &SimulatorSpec) -> Result<sim::Config, Failure> {
    let text = std::fs::read_to_string(&spec.seed)
        .with_context(|| format!("cannot read the simulator's seed `{}`", spec.seed.display()))
        .map_err(|e| Failure::new(Exit::Usage, e, "name a seed file in [simulator] seed"))?;
    sim::Config::from_toml(&spec.seed, &text).map_err(|e| Failure::new(Exit::Usage, e, SEED_WAY_OUT))
}

/// A running embedded simulator.
pub(super) struct Rehearsal {
    server: sim::Server,
    /// Where its state is kept; none in a dry run, which leaves no trace in the store.
    state: Option<PathBuf>,
    keys: Credentials,
}

impl Rehearsal {
    /// Starts the simulator of `job`, going on from what its last run left.
    ///
    /// Between two runs the clock moves on by what the job says; not so when an unfinished run is
    /// gone on with, since the store must not change under its hands.
    ///
    /// # Errors
    /// If the seed or the state cannot be read, or no port is free.
    pub(super) async fn open(spec: &SimulatorSpec, job: &Job) -> Result<Self, Failure> {
        let config = seed(spec)?;
        let path = spec.state_dir.join(STATE);
        let left = sim::State::load(&path)
            .with_context(|| format!("cannot read the simulator's state `{}`", path.display()))
            .map_err(|e| Failure::new(Exit::OwnFiles, e, "remove the file to start from the seed again"))?;
        let resumed = left.is_some();
        let mut config = config.with_state(left);
        config.clock.speed = spec.speed;
        config.auth = sim::AuthClock::Store;
        let keys = Credentials {
            access_key_id: "defrost-rehearsal".to_owned(),
            secret_key: format!("{:032x}", rand::random::<u128>()),
            session_token: None,
        };
        config.credentials.push(sim::Credential::new(&keys.access_key_id, &keys.secret_key));
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = sim::Server::start(config, Arc::new(SystemClock::new()), any_port)
            .await
            .map_err(|e| Failure::new(Exit::Usage, e, SEED_WAY_OUT))?;
        // Sources and retries have state folders of their own, and the store in common.
        let keeps = job.verb != Verb::Plan;
        let unfinished = StateDir::peek_unfinished(&job.state_dir)?.is_some();
        if resumed && keeps && !unfinished {
            server.clock().advance(spec.between_runs);
        }
        Ok(Self { server, state: keeps.then_some(path), keys })
    }

    /// Where the simulator listens, as an endpoint for the bucket of `job`.
    pub(super) fn endpoint(&self, job: &Job) -> Endpoint {
        let region = match job.source.provider {
            Provider::Oss => "cn-hangzhou",
            Provider::Cos => "ap-guangzhou",
            Provider::S3 => "us-east-1",
        };
        Endpoint {
            https: false,
            host: self.server.addr().to_string(),
            style: Style::Path,
            bucket: job.source.bucket.clone(),
            region: job.source.region.clone().unwrap_or_else(|| region.to_owned()),
        }
    }

    /// Keys that this simulator, and nothing else, accepts.
    pub(super) fn credentials(&self) -> CredentialSource {
        CredentialSource::fixed(self.keys.clone())
    }

    /// The simulated hour; waiting and pacing stay real.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(RehearsalClock { hour: Arc::clone(self.server.clock()), real: SystemClock::new() })
    }

    /// Ends the simulator, keeping what it holds for the next run if `keep`.
    ///
    /// # Errors
    /// If its state cannot be written.
    pub(super) async fn close(self, keep: bool) -> Result<(), Failure> {
        let saved = match &self.state {
            // The folder that several sources share is there only if they have a budget in common.
            Some(path) if keep => path
                .parent()
                .map_or(Ok(()), private_folder)
                .and_then(|()| self.server.save(path))
                .with_context(|| format!("cannot write the simulator's state `{}`", path.display())),
            Some(_) | None => Ok(()),
        };
        self.server.stop().await;
        saved.map_err(|e| Failure::new(Exit::OwnFiles, e, "make room or rights for it"))
    }
}

/// The simulated hour for the client; waiting and pacing stay real.
#[derive(Debug)]
struct RehearsalClock {
    hour: Arc<sim::SimClock>,
    real: SystemClock,
}

impl Clock for RehearsalClock {
    fn now(&self) -> Timestamp {
        self.hour.now()
    }

    /// A rehearsal does not wait for hours: they are skipped.
    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        if let Ok(left) = Duration::try_from(at.duration_since(self.hour.now())) {
            self.hour.advance(left);
        }
        Box::pin(std::future::ready(()))
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }
}
