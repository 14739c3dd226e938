//! From a checked job to a store that can be asked: the one place where job, dialect, credentials
//! and clock meet.

use std::sync::Arc;

use super::context::Context;
use super::exit::{Exit, Failure};
use super::rehearsal::Rehearsal;
use super::sockets::{self, Lanes};
use crate::job::{self, ClassFilter, Job, Source};
use crate::model::{Clock, Event, Notice, Provider, SystemClock, Tell};
use crate::pipeline::act::misfits;
use crate::store::client::{Allowance, Client, Patience, Settings, TransportError};
use crate::store::credentials::{self, CredentialSource};
use crate::store::dialect::{Dialect, Endpoint, Options, for_provider};
use crate::store::{EndpointError, Whereabouts};

/// A store, the clock of the run, and the simulator behind them if the job has one.
pub(super) struct Site {
    pub(super) client: Arc<Client>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tell: Arc<dyn Tell>,
    pub(super) rehearsal: Option<Rehearsal>,
    /// The region of the bucket.
    pub(super) region: String,
}

/// The dialect that `job` speaks.
pub(super) fn dialect(job: &Job) -> Box<dyn Dialect> {
    let Source { request_payer, archive_direct_read, .. } = job.source;
    for_provider(job.source.provider, Options { request_payer, archive_direct_read })
}

/// What of `job` its store's dialect does not know: classes by name, tiers, days. Each fault is a
/// line that begins with `place`: the job file with a colon, or nothing.
///
/// # Errors
/// Every fault at once; nothing has been sent.
pub(super) fn vet(job: &Job, dialect: &dyn Dialect, place: &str) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let mut ways_out = Vec::new();
    if !is_compatible(job) {
        let known = dialect.known_classes();
        let mut check = |name: &String, key: &str| {
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                return;
            }
            let vendor = vendor(job.source.provider);
            let hint = match job::nearest(name, known.iter().copied()) {
                Some(near) => format!("; did you mean `{near}`?"),
                None => String::new(),
            };
            faults.push(format!("{place}{key}{vendor} has no storage class `{name}`{hint}"));
        };
        if let ClassFilter::Named(names) = &job.filter.storage_class {
            for name in names {
                check(name, "");
            }
        }
        for name in job.wish.iter().flat_map(|wish| wish.class.keys()) {
            check(name, "[restore.class]: ");
        }
        if !faults.is_empty() {
            ways_out.push(format!("the classes are {}", known.join(", ")));
        }
    }
    if let Some(wish) = &job.wish {
        let selected: Vec<&str> = match &job.filter.storage_class {
            ClassFilter::Archived => dialect.archived_classes().to_vec(),
            ClassFilter::Any => dialect.known_classes().to_vec(),
            ClassFilter::Named(names) => names.iter().map(String::as_str).collect(),
        };
        let misfits = misfits(wish, selected, |class| dialect.offer(class, b""));
        if !misfits.is_empty() {
            faults.extend(misfits.iter().map(|misfit| format!("{place}{misfit}")));
            ways_out.push(MISFIT_WAY_OUT.to_owned());
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::usage(faults.join("\n"), ways_out.join("; "))) }
}

/// Classes that a store of another vendor may have, but that are near a class of S3: slips, perhaps,
/// and a slip would match nothing without a word.
fn doubtful(job: &Job, dialect: &dyn Dialect) -> Vec<String> {
    let ClassFilter::Named(names) = &job.filter.storage_class else { return Vec::new() };
    let known = dialect.known_classes();
    names
        .iter()
        .filter(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
        .filter_map(|name| Some((name, job::nearest(name, known.iter().copied())?)))
        .map(|(name, near)| {
            format!("S3 has no storage class `{name}`; if `{near}` was meant, nothing will match")
        })
        .collect()
}

/// What to do about days or a tier that a class does not offer.
const MISFIT_WAY_OUT: &str = "choose other --days or --tier, narrow --storage-class, give the class its own \
                              values under [restore.class.NAME] in a job file, or let --fit clamp take the \
                              nearest legal value (--fit skip leaves such objects alone)";

/// Whether the store is an S3 look-alike, which may have classes of its own.
fn is_compatible(job: &Job) -> bool {
    job.source.provider == Provider::S3 && job.source.endpoint_url.is_some()
}

pub(super) const fn vendor(provider: Provider) -> &'static str {
    match provider {
        Provider::Oss => "OSS",
        Provider::Cos => "COS",
        Provider::S3 => "S3",
    }
}

/// The endpoint that `job`, its profile and the environment lead to.
///
/// # Errors
/// If they name no region, or an endpoint that cannot be one.
pub(super) fn endpoint(job: &Job, dialect: &dyn Dialect, context: &Context) -> Result<Endpoint, Failure> {
    let source = &job.source;
    let profile = source.profile.as_deref();
    let region =
        source.region.clone().or_else(|| credentials::region(source.provider, profile, &context.env));
    let endpoint_url = source
        .endpoint_url
        .clone()
        .or_else(|| credentials::endpoint_url(source.provider, profile, &context.env));
    Endpoint::find(
        dialect,
        Whereabouts {
            bucket: &source.bucket,
            region: region.as_deref(),
            endpoint_url: endpoint_url.as_deref(),
            path_style: source.path_style,
            allow_http: source.allow_http,
        },
    )
    .map_err(|error| {
        // An endpoint of the line, the job file or a variable has been checked where it was read.
        let of_profile = source.endpoint_url.is_none()
            && matches!(error, EndpointError::BadUrl { .. } | EndpointError::Unencrypted { .. });
        let mut failure = Failure::from(error);
        if of_profile {
            failure.hint = Some(PROFILE_WAY_OUT.to_owned());
        }
        failure
    })
}

/// What to do about an endpoint that cannot be used and stands in a profile.
const PROFILE_WAY_OUT: &str = "it stands in the files of the vendor's own tools (profile): mend it there, as \
                               https://host, or pass --endpoint-url";

/// Everything that a run of `job` needs; an embedded simulator is started if the job has one.
///
/// # Errors
/// If the job asks for what its dialect does not offer, no endpoint can be made, or the simulator
/// cannot start. Nothing has been sent.
pub(super) async fn site(job: &Job, context: &Context) -> Result<Site, Failure> {
    let dialect = dialect(job);
    vet(job, &*dialect, "")?;
    let rehearsal = match &job.simulator {
        Some(spec) => Some(Rehearsal::open(spec, job).await?),
        None => None,
    };
    let (endpoint, credentials, clock) = if let Some(rehearsal) = &rehearsal {
        (rehearsal.endpoint(job), rehearsal.credentials(), rehearsal.clock())
    } else {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let profile = job.source.profile.as_deref();
        let chain =
            CredentialSource::chain(job.source.provider, profile, context.env.clone(), Arc::clone(&clock));
        (endpoint(job, &*dialect, context)?, chain, clock)
    };
    let limits = &job.limits;
    let wish =
        Lanes { list: limits.list_concurrency, head: limits.head_concurrency, restore: limits.concurrency };
    let (lanes, narrowed) = sockets::fit(wish)?;
    let lane = |in_flight, rate| Allowance { in_flight, rate };
    let region = endpoint.region.clone();
    let settings = Settings {
        endpoint,
        env: context.env.clone(),
        credentials,
        list: lane(lanes.list, limits.list_rate),
        head: lane(lanes.head, limits.head_rate),
        restore: lane(lanes.restore, limits.restore_rate),
        max_attempts: limits.max_attempts,
        patience: Patience::default(),
    };
    let tell = context.teller(&clock);
    for remark in doubtful(job, &*dialect).into_iter().chain(narrowed) {
        tell.tell(Event::Notice(Notice::Remark(remark)));
    }
    let client = Client::new(dialect, settings, Arc::clone(&clock), Arc::clone(&tell)).map_err(untrusting)?;
    Ok(Site { client: Arc::new(client), clock, tell, rehearsal, region })
}

/// Certificates that cannot be used, with the way out.
pub(super) fn untrusting(error: TransportError) -> Failure {
    Failure::new(Exit::OwnFiles, error, "check SSL_CERT_FILE, SSL_CERT_DIR and AWS_CA_BUNDLE")
}
