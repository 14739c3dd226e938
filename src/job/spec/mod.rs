//! The checked, immutable job: no text is left to interpret, and no secret is in it.

mod campaign;
mod notify;
mod source;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use globset::GlobMatcher;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use self::campaign::{Bounds, Budget, Outside, Safety, Share, Until, WaitSpec, Window};
pub use self::notify::{MetricsSpec, NotifySpec, SecretPlace, TellOf, WebhookSpec, WebhookUrl};
pub use self::source::{KeyList, Source, Versions};
use crate::model::{Form, State, Tier};

/// What kind of run this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Audit: list and classify; no POST possible.
    Scan,
    /// Dry run of a restore: classify, count, no POST.
    Plan,
    /// List, classify and ask for restores.
    Restore,
}

impl Verb {
    /// The word on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Plan => "plan",
            Self::Restore => "restore",
        }
    }
}

/// One include or exclude pattern.
#[derive(Clone, Debug)]
pub struct GlobRule {
    /// Whether a match keeps the key.
    pub include: bool,
    /// The pattern as written.
    pub pattern: String,
    /// The compiled pattern, matched against the key after the source's prefix.
    pub matcher: GlobMatcher,
}

/// Which storage classes are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum ClassFilter {
    /// Every class that always needs a restore: the default.
    #[default]
    Archived,
    /// Every class.
    Any,
    /// These, compared without letter case.
    Named(Vec<String>),
}

/// Which of the listed entries are looked at.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Storage classes; by default those that always need a restore.
    pub storage_class: ClassFilter,
    /// Patterns in the order given: the last match decides; with no match, a key is kept unless
    /// the first rule is an include.
    pub globs: Vec<GlobRule>,
    /// Smallest size in bytes.
    pub min_size: Option<u64>,
    /// Largest size in bytes, not below `min_size`.
    pub max_size: Option<u64>,
    /// Last modified at least this long ago.
    pub older_than: Option<Duration>,
    /// Last modified at most this long ago, not shorter than `older_than`.
    pub newer_than: Option<Duration>,
    /// States in the order of [`State::ALL`], each once; empty, the default, for all.
    pub state: Vec<State>,
    /// At most this many matched objects; 0, the default, for no cap.
    pub max_objects: u64,
}

/// What to do when a class does not offer the tier or the days that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fit {
    /// Refuse the job before anything is sent.
    #[default]
    Fail,
    /// Leave such objects alone; their rows say why.
    Skip,
    /// Take the nearest legal value: days are clamped, the tier becomes the next slower one
    /// offered, else the slowest.
    Clamp,
}

/// Tier and days for one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ClassWish {
    /// Days the copy shall live.
    pub days: Option<u32>,
    /// How fast.
    pub tier: Option<Tier>,
}

/// What a restore asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Days the copy shall live, 1–365 (each class has its own bounds). No default in a restore or
    /// a job file: copies are paid for by the day, and the stores' own default of one day is over
    /// before it is noticed. A plan of a URL takes 7.
    pub days: u32,
    /// How fast; by default Standard, as in the stores.
    pub tier: Tier,
    /// What to do when a class does not offer this; by default the job fails.
    pub fit: Fit,
    /// Overrides by class, lower-case class name.
    pub class: BTreeMap<String, ClassWish>,
    /// Readable copies with less time left than this are extended; by default `None`: never.
    pub extend_when_left: Option<Duration>,
    /// Whether a running restore of a slower tier is asked for again at the wished one, where the
    /// store allows that; by default not.
    pub raise_tier: bool,
    /// Whether an object falls to the next slower tier that its class offers when the store has no
    /// capacity for expedited restores; by default not: it fails with reason `quota`.
    pub expedited_fallback: bool,
}

impl Default for Wish {
    /// A day at the standard tier, as the stores do when they are not told.
    fn default() -> Self {
        Self {
            days: 1,
            tier: Tier::Standard,
            fit: Fit::default(),
            class: BTreeMap::new(),
            extend_when_left: None,
            raise_tier: false,
            expedited_fallback: false,
        }
    }
}

impl Wish {
    /// Days and tier wished for `class`, overrides applied, not yet fitted.
    #[must_use]
    pub fn for_class(&self, class: &[u8]) -> (u32, Tier) {
        let over = self
            .class
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(class))
            .map(|(_, wish)| *wish)
            .unwrap_or_default();
        (over.days.unwrap_or(self.days), over.tier.unwrap_or(self.tier))
    }
}

/// Bounds on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Restore requests in flight, 1–4096, by default 32.
    pub concurrency: u32,
    /// Restore POSTs a second, retries included, 1–100,000, by default 800 on S3, whose bound is
    /// 1,000 a second and account; 80 on COS, whose bound is 100 a second and bucket; and 80 on OSS,
    /// whose slowest class takes 100 a second and account, and delays what is above that without a
    /// word. Sources: S3 RestoreObject, COS limits and OSS "Limits and performance metrics" pages,
    /// read 2026-11.
    pub restore_rate: u32,
    /// List requests in flight, 1–256: key ranges of the bucket that are listed side by side. More than
    /// 64 only as long as the machine keeps up with their pages.
    pub list_concurrency: u32,
    /// List requests a second, 1–100,000, by default 100.
    pub list_rate: u32,
    /// HEAD requests a second, 1–100,000, by default 200.
    pub head_rate: u32,
    /// HEAD requests in flight, 1–4096, by default as many as `concurrency`.
    pub head_concurrency: u32,
    /// Attempts for one request before it is given up, 1–100, by default 8.
    pub max_attempts: u32,
}

/// Which objects get a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rows {
    /// Every matched object.
    #[default]
    All,
    /// Those on which this run acted or tried to.
    Changed,
    /// Those that failed.
    Failed,
}

/// Where the report goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSpec {
    /// The report's path as written; its ending tells its form. Placeholders `{date}`, `{time}`, `{job}` not yet filled, `{source}` filled; `None` for
    /// stdout. [`ReportSpec::file`] tells the real path.
    pub path: Option<String>,
    /// Where a relative `path` starts: the job file's folder, empty for the working folder. Apart
    /// from `path`, so that a job keeps its identity wherever it is started from.
    pub folder: PathBuf,
    /// Whether an earlier report that stands there is kept, under another name: where the path tells one
    /// run from the next, and where nobody chose it. Else it is that of the newest report, which takes the
    /// earlier one's place.
    pub keep: bool,
    /// Which rows; by default all.
    pub rows: Rows,
    /// Further forms in which the same rows are written beside the report, without that of the report
    /// itself; by default none.
    pub also: Vec<Form>,
}

impl ReportSpec {
    /// The report of the run of `job` that began at `started`; `None` for stdout.
    ///
    /// `{date}` becomes `2026-11-21` and `{time}` `013000`, both UTC; `{job}` the job's name.
    #[must_use]
    pub fn file(&self, job: &str, started: Timestamp) -> Option<PathBuf> {
        let path = self.path.as_deref()?;
        let filled = path
            .replace("{date}", &started.strftime("%Y-%m-%d").to_string())
            .replace("{time}", &started.strftime("%H%M%S").to_string())
            .replace("{job}", job);
        Some(self.folder.join(filled))
    }

    /// The report of a run beside that of the job itself, unless its path names the job anyway: with the
    /// word `plan`, `x.csv.gz` becomes `x.plan.csv.gz`.
    pub(super) fn beside(self, word: &str) -> Self {
        let path = self.path.map(|path| beside(path, word));
        Self { path, ..self }
    }
}

/// `path` with `word` in its name, unless it names the job: `x.csv.gz` becomes `x.plan.csv.gz`.
fn beside(path: String, word: &str) -> String {
    if path.contains("{job}") {
        return path;
    }
    let (folder, file) = path.rsplit_once('/').map_or(("", path.as_str()), |(folder, file)| (folder, file));
    let file = match (Form::split(file), file.rsplit_once('.')) {
        ((stem, Some(_)), _) => format!("{stem}.{word}{}", &file[stem.len()..]),
        (_, Some((stem, extension))) if !stem.is_empty() => format!("{stem}.{word}.{extension}"),
        _ => format!("{file}.{word}"),
    };
    if folder.is_empty() && !path.starts_with('/') { file } else { format!("{folder}/{file}") }
}

/// An embedded simulator to run against instead of a real store; for demos and rehearsals.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatorSpec {
    /// The seed file that describes the buckets.
    pub seed: PathBuf,
    /// Simulated seconds a real second, above 0 and up to 1e9, by default 1.
    pub speed: f64,
    /// How far the simulated clock moves on between two runs, by default not at all.
    pub between_runs: Duration,
    /// The folder that holds what the store remembers between runs. A dry run of a job meets the
    /// same store as the job itself, so this is the job's own [`Job::state_dir`] in both.
    pub state_dir: PathBuf,
}

/// A checked job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Names the checkpoint, the lock and the report: 1–64 letters, digits, `-`, `_`, `.`; a plan of
    /// a file has `-plan` behind that.
    pub name: String,
    /// What kind of run.
    pub verb: Verb,
    /// Where the objects are.
    pub source: Source,
    /// Which of them.
    pub filter: Filter,
    /// What to ask for; `None` in a scan.
    pub wish: Option<Wish>,
    /// Bounds on requests.
    pub limits: Limits,
    /// What restores may take; by default anything.
    pub budget: Budget,
    /// When restores may be asked for; by default `None`: at any hour.
    pub window: Option<Window>,
    /// The run ends, resumable, when it has worked this long; by default `None`.
    pub stop_after: Option<Duration>,
    /// The zone in which the job's days begin, by default UTC.
    pub zone: TimeZone,
    /// When the run has had enough.
    pub safety: Safety,
    /// How to wait for what was asked for.
    pub wait: WaitSpec,
    /// The price table, instead of the one built in; by default `None`.
    pub prices: Option<PathBuf>,
    /// Where the report goes.
    pub report: ReportSpec,
    /// Where its figures go for Prometheus; by default `None`.
    pub metrics: Option<MetricsSpec>,
    /// Who is told of its end; by default nobody.
    pub notify: NotifySpec,
    /// The folder that holds this job's checkpoint, journal, lock and simulator state.
    pub state_dir: PathBuf,
    /// The folder of what all runs of a job file share, be they of several sources, plans or retries:
    /// what a day may still take, and the simulator's state. The same as `state_dir` in the run of a
    /// file with one source, and of a URL.
    pub shared_dir: PathBuf,
    /// Run against an embedded simulator.
    pub simulator: Option<SimulatorSpec>,
}

/// What a retry's identity says of its list.
const FAILED_ROWS: &str = "failed rows";

/// Whether `identity` is that of a [retry](Job::retry), and not of a job that is only called like one.
#[must_use]
pub fn is_of_retry(identity: &[(String, String)]) -> bool {
    identity.iter().any(|(field, value)| field == "key_list" && value.starts_with(FAILED_ROWS))
}

impl Job {
    /// The state folder of the restore that this job is a dry run of; its own if it is none. See
    /// [`from_file`](crate::job::from_file) and [`from_url`](crate::job::from_url) for the names.
    #[must_use]
    pub fn acting_state_dir(&self) -> PathBuf {
        let acting = match self.verb {
            Verb::Plan => self
                .name
                .strip_suffix("-plan")
                .map(str::to_owned)
                .or_else(|| Some(format!("restore-{}", self.name.strip_prefix("plan-")?))),
            Verb::Scan | Verb::Restore => None,
        };
        acting.map_or_else(|| self.state_dir.clone(), |name| self.state_dir.with_file_name(name))
    }

    /// Everything that decides which rows a run writes, as (field, value) pairs: what a checkpoint
    /// is bound to. Limits are not in it: a job may be resumed at another rate.
    #[must_use]
    pub fn identity(&self) -> Vec<(String, String)> {
        let mut id: Vec<(String, String)> = Vec::new();
        let mut put = |field: &str, value: String| id.push((field.to_owned(), value));
        let s = &self.source;
        put("verb", self.verb.as_str().to_owned());
        put("url", s.url());
        put("endpoint_url", s.endpoint_url.clone().unwrap_or_default());
        put("versions", format!("{:?}", s.versions).to_lowercase());
        put("head", s.head.to_string());
        if s.archive_direct_read {
            put("archive_direct_read", "true".to_owned());
        }
        put("start_after", s.start_after.clone().unwrap_or_default());
        put("end_with", s.end_with.clone().unwrap_or_default());
        // Only where there is one: a checkpoint of a version that did not know lists still fits.
        if let Some(list) = &s.key_list {
            let kind = match list {
                KeyList::Keys { nul: false, .. } => "lines",
                KeyList::Keys { nul: true, .. } => "nul",
                KeyList::Csv { failed: false, .. } => "csv",
                KeyList::Csv { failed: true, .. } => FAILED_ROWS,
            };
            put("key_list", format!("{kind} {}", s.key_list_digest.as_deref().unwrap_or_default()));
        }
        let f = &self.filter;
        put(
            "storage_class",
            match &f.storage_class {
                ClassFilter::Archived => "archived".to_owned(),
                ClassFilter::Any => "any".to_owned(),
                ClassFilter::Named(names) => names.join(",").to_lowercase(),
            },
        );
        // Quoted, since a pattern may hold spaces.
        let globs: Vec<String> =
            f.globs.iter().map(|g| format!("{}{:?}", if g.include { '+' } else { '-' }, g.pattern)).collect();
        put("include/exclude", globs.join(" "));
        put("min_size", f.min_size.map(|n| n.to_string()).unwrap_or_default());
        put("max_size", f.max_size.map(|n| n.to_string()).unwrap_or_default());
        put("older_than", f.older_than.map(|d| format!("{}s", d.as_secs())).unwrap_or_default());
        put("newer_than", f.newer_than.map(|d| format!("{}s", d.as_secs())).unwrap_or_default());
        put("state", f.state.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(","));
        put("max_objects", f.max_objects.to_string());
        if let Some(w) = &self.wish {
            put("days", w.days.to_string());
            put("tier", w.tier.to_string());
            put("fit", format!("{:?}", w.fit).to_lowercase());
            for (class, over) in &w.class {
                if let Some(days) = over.days {
                    put(&format!("class.{class}.days"), days.to_string());
                }
                if let Some(tier) = over.tier {
                    put(&format!("class.{class}.tier"), tier.to_string());
                }
            }
            // Only where they are said: a checkpoint of a version that did not know them still fits.
            if let Some(left) = w.extend_when_left {
                put("extend_when_left", format!("{}s", left.as_secs()));
            }
            if w.raise_tier {
                put("raise_tier", "true".to_owned());
            }
        }
        put("report", self.report.path.clone().unwrap_or_else(|| "-".to_owned()));
        put("rows", format!("{:?}", self.report.rows).to_lowercase());
        id
    }
}
