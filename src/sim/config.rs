//! What a simulator holds and how it behaves: built in code, or read from a TOML seed.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::class::{Access, Tier};
use super::fault::Fault;
use super::generate::Generate;
use super::state::State;
use super::units::{Sized, Span};

/// The vendor whose wire format a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Alibaba Cloud OSS.
    Oss,
    /// Tencent Cloud COS.
    Cos,
    /// Amazon S3.
    S3,
}

/// A whole simulator.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The store's clock.
    pub clock: ClockConfig,
    /// Which clock signatures are checked against.
    pub auth: AuthClock,
    /// Who may call. With none, no signature is accepted.
    pub credentials: Vec<Credential>,
    /// The buckets.
    #[serde(rename = "bucket")]
    pub buckets: Vec<BucketConfig>,
    /// What goes wrong, in the order in which the rules are tried.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
    /// Restore requests that the ledger keeps one by one; the rest is only counted. Default 1,000,000.
    pub ledger_limit: Option<usize>,
    /// What an earlier run left; see [`Config::with_state`].
    #[serde(skip)]
    pub state: Option<State>,
}

/// The store's clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockConfig {
    /// The hour at which the store starts; default: the real one.
    pub start: Option<Timestamp>,
    /// Simulated seconds per real second.
    pub speed: f64,
    /// Seconds by which the clock that checks signatures is ahead of the caller's (may be negative).
    pub skew: i64,
}

impl Default for ClockConfig {
    fn default() -> Self {
        Self { start: None, speed: 1.0, skew: 0 }
    }
}

/// Which clock signatures are checked against, and `Date` headers are written from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthClock {
    /// The clock given to the server: callers sign with the machine's time.
    #[default]
    Real,
    /// The store's own clock.
    Store,
    /// None: signatures are not checked, and requests without one are served.
    Off,
}

/// A call that a rule or a right can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// A listing of objects.
    List,
    /// A listing of versions.
    Versions,
    /// HEAD on an object.
    Head,
    /// A restore request.
    Restore,
    /// OSS: the release of a copy.
    Release,
    /// Anything else.
    Other,
}

impl Call {
    /// Every kind of call, in the order of the counters.
    pub const ALL: [Self; 6] =
        [Self::List, Self::Versions, Self::Head, Self::Restore, Self::Release, Self::Other];
}

/// An access key and what it may do.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Credential {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_key: String,
    /// The token that must come along, for temporary credentials.
    pub session_token: Option<String>,
    /// When they lapse, by the clock that checks signatures.
    pub expires: Option<Timestamp>,
    /// Calls that are refused with `AccessDenied`.
    pub deny: Vec<Call>,
}

impl Credential {
    /// A long-lived pair without limits.
    #[must_use]
    pub fn new(access_key_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { access_key_id: access_key_id.into(), secret_key: secret_key.into(), ..Self::default() }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Versioning {
    /// It never did: version ids are `null` (COS: empty).
    #[default]
    Off,
    /// It does.
    Enabled,
    /// It did once; new objects have the id `null`.
    Suspended,
}

/// One bucket.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// Its name; on COS with the APPID suffix.
    pub name: String,
    /// Whose dialect it speaks.
    pub provider: Dialect,
    /// Its region; default `cn-hangzhou`, `ap-guangzhou`, `us-east-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether it keeps versions.
    #[serde(default)]
    pub versioning: Versioning,
    /// Account that owns it; S3 compares `x-amz-expected-bucket-owner` with it.
    #[serde(default)]
    pub owner: Option<String>,
    /// OSS: whether objects of the class Archive may be read without a restore.
    #[serde(default)]
    pub archive_direct_read: bool,
    /// Host names that stand for this bucket, without port: `http://host/key`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Objects named one by one.
    #[serde(default, rename = "object")]
    pub objects: Vec<ObjectConfig>,
    /// Objects made by formula.
    #[serde(default)]
    pub generate: Option<Generate>,
    /// How it differs from the documents.
    #[serde(default)]
    pub quirks: Quirks,
}

impl BucketConfig {
    /// An empty bucket without versions in the vendor's default region.
    #[must_use]
    pub fn new(provider: Dialect, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            provider,
            region: None,
            versioning: Versioning::Off,
            owner: None,
            archive_direct_read: false,
            hosts: Vec::new(),
            objects: Vec::new(),
            generate: None,
            quirks: Quirks::default(),
        }
    }

    /// The same with one more object.
    #[must_use]
    pub fn with(mut self, object: ObjectConfig) -> Self {
        self.objects.push(object);
        self
    }

    /// Its region, by default the one of the vendor's samples.
    #[must_use]
    pub fn region(&self) -> &str {
        self.region.as_deref().unwrap_or(match self.provider {
            Dialect::Oss => "cn-hangzhou",
            Dialect::Cos => "ap-guangzhou",
            Dialect::S3 => "us-east-1",
        })
    }
}

/// State of a restore that a seed gives an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seeded {
    /// Asked for, not readable yet.
    Running,
    /// A readable copy exists.
    Restored,
}

/// One object, with its versions if it has several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectConfig {
    /// The key as UTF-8 text.
    pub key: Option<String>,
    /// The key percent-encoded, for bytes that TOML cannot carry; one of the two is needed.
    pub key_url: Option<String>,
    /// The current version.
    #[serde(skip)]
    pub current: VersionConfig,
    /// Older versions, newest first. Needs versioning.
    pub versions: Vec<VersionConfig>,
    // The fields of the current version, spelt out: `flatten` would accept unknown keys.
    version_id: Option<String>,
    delete_marker: bool,
    size: Option<Sized>,
    storage_class: Option<String>,
    access_tier: Option<Access>,
    age: Option<Span>,
    last_modified: Option<Timestamp>,
    restore: Option<Seeded>,
    restore_tier: Option<Tier>,
    restore_days: Option<u32>,
    restore_ago: Option<Span>,
    symlink: Option<String>,
}

impl ObjectConfig {
    /// An object of 1 MiB, 400 days old, with one version.
    #[must_use]
    pub fn new(key: impl Into<String>, storage_class: impl Into<String>) -> Self {
        Self {
            key: Some(key.into()),
            current: VersionConfig { storage_class: Some(storage_class.into()), ..VersionConfig::default() },
            ..Self::default()
        }
    }

    /// An object whose key is given percent-encoded.
    #[must_use]
    pub fn with_key_url(key_url: impl Into<String>, storage_class: impl Into<String>) -> Self {
        Self { key_url: Some(key_url.into()), key: None, ..Self::new("", storage_class) }
    }

    /// The same with a current version as given.
    #[must_use]
    pub fn current(mut self, current: VersionConfig) -> Self {
        self.current = current;
        self
    }

    /// Moves what a seed wrote beside the key into [`ObjectConfig::current`].
    pub(super) fn settle(&mut self) {
        self.current = VersionConfig {
            version_id: self.version_id.take(),
            delete_marker: self.delete_marker,
            size: self.size.take(),
            storage_class: self.storage_class.take(),
            access_tier: self.access_tier.take(),
            age: self.age.take(),
            last_modified: self.last_modified.take(),
            restore: self.restore.take(),
            restore_tier: self.restore_tier.take(),
            restore_days: self.restore_days.take(),
            restore_ago: self.restore_ago.take(),
            symlink: self.symlink.take(),
        };
    }
}

/// One version of an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VersionConfig {
    /// Its id; default: made up in the vendor's shape.
    pub version_id: Option<String>,
    /// Whether it is a delete marker.
    pub delete_marker: bool,
    /// Bytes; a number or text such as `"12MiB"`. Default 1 MiB.
    pub size: Option<Sized>,
    /// Class by the vendor's name; default the vendor's standard class.
    pub storage_class: Option<String>,
    /// Access tier of an Intelligent-Tiering object; default `FREQUENT`.
    pub access_tier: Option<Access>,
    /// Age at the start of the store's clock, such as `"400d"` (the default).
    pub age: Option<Span>,
    /// Last modification; wins over `age`.
    pub last_modified: Option<Timestamp>,
    /// A restore that was asked for before the start.
    pub restore: Option<Seeded>,
    /// Its tier; default `Standard`.
    pub restore_tier: Option<Tier>,
    /// Its days; default 7.
    pub restore_days: Option<u32>,
    /// How long before the start it was asked for (running) or became readable (restored); default
    /// 0, so that a running one is ready after the full time of its tier.
    pub restore_ago: Option<Span>,
    /// Target key of a symbolic link (OSS only).
    pub symlink: Option<String>,
}

/// What OSS does with a valid request on a readable copy; its pages do not say it exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extension {
    /// The days are added to the expiry, capped at the maximum of the class.
    #[default]
    Add,
    /// The expiry is counted anew from now.
    Reset,
}

/// Where a bucket departs from the documents, or where those are silent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Listings never show restore state (old S3-compatible stores; COS by its documents).
    pub hide_restore: bool,
    /// Listings and HEAD go on showing a copy after it has lapsed.
    pub show_lapsed: bool,
    /// Most entries of a page, whatever `max-keys` asks.
    pub page_limit: Option<usize>,
    /// Every n-th page is empty and truncated.
    pub empty_every: Option<u64>,
    /// Listings are compressed with gzip where the request allows it, as proxies before a store do.
    pub gzip: bool,
    /// `/` stays bare in encoded keys (OSS writes `%2F`).
    pub bare_slash: bool,
    /// Root elements bear a namespace; default on S3 only.
    pub xmlns: Option<bool>,
    /// What OSS does with a request on a readable copy.
    pub extension: Extension,
    /// A faster tier on a running restore is refused with 409 as well.
    pub no_upgrade: bool,
    /// S3 has no capacity for expedited retrievals.
    pub no_expedited: bool,
    /// The bucket has moved to this region: calls are answered as the vendor does from the wrong one.
    pub moved_to: Option<String>,
    /// Restore requests a second beyond which the answer is the vendor's 503; a second's worth is
    /// taken at once after a rest.
    pub restore_rate: Option<u32>,
    /// The same for listings, of versions too.
    pub list_rate: Option<u32>,
    /// The same for HEAD.
    pub head_rate: Option<u32>,
    /// Factor on the time until a copy is readable; default 1.
    pub ready_scale: Option<f64>,
    /// Delay of each answer, in real milliseconds.
    pub latency: Latency,
}

/// Delay of each answer by kind of call, in real milliseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latency {
    /// Listings, of versions too.
    pub list: u64,
    /// HEAD.
    pub head: u64,
    /// Restore requests.
    pub restore: u64,
}

impl Latency {
    /// The delay of one kind of call.
    #[must_use]
    pub const fn of(self, call: Call) -> Duration {
        Duration::from_millis(match call {
            Call::List | Call::Versions => self.list,
            Call::Head => self.head,
            Call::Restore => self.restore,
            Call::Release | Call::Other => 0,
        })
    }
}
