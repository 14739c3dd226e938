//! Flags that several verbs share, each group with its heading in the help.
//!
//! The first paragraph of a flag's text is its line in `-h`, the whole stands in `--help`.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};

use super::Globs;
use crate::job::Overrides;

/// Where the objects are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Source")]
pub struct SourceFlags {
    /// Credentials profile of the vendor's own tools
    ///
    /// Without it, the vendor's usual chain is asked: its environment variables, its default
    /// profile, the role of the machine. Credentials never stand on the line or in a job file.
    ///
    /// [env: DEFROST_PROFILE]
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Region of the bucket, such as cn-hangzhou
    ///
    /// Without it: `OSS_REGION`, `TENCENTCLOUD_REGION` or `AWS_REGION` as the URL's scheme says,
    /// else the region in the endpoint's name.
    ///
    /// [env: DEFROST_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Endpoint instead of the vendor's own: https://host or https://host:port
    ///
    /// Without a scheme it is https. Without the flag: `OSS_ENDPOINT`, or `AWS_ENDPOINT_URL_S3` and
    /// `AWS_ENDPOINT_URL`.
    ///
    /// [env: DEFROST_ENDPOINT_URL]
    #[arg(short = 'e', long, visible_alias = "endpoint", value_name = "URL", value_hint = ValueHint::Url)]
    pub endpoint_url: Option<String>,
    /// Allow an http:// endpoint on another machine [default: false]
    ///
    /// Requests are signed but not encrypted: the names of objects, and a session token, can be read on the
    /// way. On this machine (localhost, 127.0.0.1) it is not needed.
    ///
    /// [env: DEFROST_ALLOW_HTTP]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub allow_http: Option<bool>,
    /// Put the bucket into the path, not the host name [default: as the endpoint needs]
    ///
    /// [env: DEFROST_PATH_STYLE]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub path_style: Option<bool>,
    /// Which versions of a key: current, all or noncurrent [default: current]
    ///
    /// `--versions` alone means all. Versions need the right to list them.
    #[arg(long, visible_alias = "all-versions", value_name = "WHICH", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    pub versions: Option<String>,
    /// Listing call: v2 or v1 [default: v2]
    ///
    /// v1 is for stores that lack ListObjectsV2. COS has one call, whatever is said here.
    ///
    /// [env: DEFROST_LIST_API]
    #[arg(long, value_name = "API")]
    pub list_api: Option<String>,
    /// Use the older listing call: the same as --list-api v1
    #[arg(long, hide_short_help = true, conflicts_with = "list_api")]
    pub list_v1: bool,
    /// Pay for requests to a requester-pays bucket [default: false]
    ///
    /// [env: DEFROST_REQUESTER_PAYS]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub requester_pays: Option<bool>,
    /// The same as --requester-pays, as aws spells it
    #[arg(long, value_name = "WHO", value_parser = ["requester"], hide_short_help = true, conflicts_with = "requester_pays")]
    pub request_payer: Option<String>,
    /// Objects of the class Archive count as readable (OSS buckets with direct read) [default: false]
    ///
    /// No listing shows whether a bucket has archive direct read: its owner knows. Reading such an object
    /// costs a direct-read fee by the gigabyte instead of a restore.
    ///
    /// [env: DEFROST_ARCHIVE_DIRECT_READ]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true, hide_short_help = true)]
    pub archive_direct_read: Option<bool>,
    /// In an audit, HEAD objects whose state the listing does not tell [default: false]
    ///
    /// One request per such object: COS tells expiry only so, and S3 the tier of Intelligent-Tiering.
    ///
    /// [env: DEFROST_HEAD]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub head: Option<bool>,
    /// List only keys after KEY, exclusive; the whole key, prefix included
    #[arg(long, value_name = "KEY")]
    pub start_after: Option<String>,
    /// List only keys up to KEY, inclusive; the whole key, prefix included
    #[arg(long, value_name = "KEY")]
    pub end_with: Option<String>,
    /// Keys a page, 1 to 1000 [default: 1000]
    ///
    /// [env: DEFROST_PAGE_SIZE]
    #[arg(long, value_name = "N", hide_short_help = true)]
    pub page_size: Option<String>,
    /// Look at the objects that FILE names, one key a line, instead of listing; - for stdin
    ///
    /// Whole keys, prefix included. The report is in the order of the list; what the store does not
    /// hold gets a row with state `missing`.
    #[arg(short = 'i', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files_from: Option<String>,
    /// Keys of --files-from end with a NUL byte, as `find -print0` writes them [default: false]
    #[arg(short = '0', long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub null: Option<bool>,
    /// Look at the objects that a CSV names, such as an earlier report; - for stdin
    ///
    /// It needs a header with the column `key`; `version_id`, `bucket` and `key_encoding` are read
    /// where they are there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "files_from")]
    pub from_csv: Option<String>,
    /// Accepted from habit: a URL always means everything below it
    #[arg(short = 'r', long, hide_short_help = true)]
    pub recursive: bool,
}

impl SourceFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.profile.clone_from(&self.profile);
        over.region.clone_from(&self.region);
        over.endpoint_url.clone_from(&self.endpoint_url);
        over.allow_http = self.allow_http;
        over.path_style = self.path_style;
        over.versions.clone_from(&self.versions);
        over.list_api = if self.list_v1 { Some("v1".to_owned()) } else { self.list_api.clone() };
        over.request_payer = self.requester_pays.or(self.request_payer.is_some().then_some(true));
        over.archive_direct_read = self.archive_direct_read;
        over.head = self.head;
        over.start_after.clone_from(&self.start_after);
        over.end_with.clone_from(&self.end_with);
        over.page_size.clone_from(&self.page_size);
        over.files_from.clone_from(&self.files_from);
        over.null = self.null;
        over.from_csv.clone_from(&self.from_csv);
    }
}

/// Which of the objects.
#[derive(Debug, Args)]
#[command(next_help_heading = "Filter")]
pub struct FilterFlags {
    /// Storage classes by the vendor's names, parted by commas [default: archived]
    ///
    /// May be repeated; letter case is not counted. `archived` is every class that always needs a
    /// restore, `any` every class.
    #[arg(long, value_name = "CLASS")]
    pub storage_class: Vec<String>,
    /// Include and exclude patterns.
    #[command(flatten)]
    pub globs: Globs,
    /// Smallest size, such as 10MiB, 1.5GB or 4096 (bytes)
    #[arg(long, value_name = "SIZE")]
    pub min_size: Option<String>,
    /// Largest size, such as 10MiB, 1.5GB or 4096 (bytes)
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<String>,
    /// Last modified at least this long ago, such as 30d or 12h
    #[arg(long, visible_alias = "min-age", value_name = "SPAN")]
    pub older_than: Option<String>,
    /// Last modified at most this long ago, such as 30d or 12h
    #[arg(long, visible_alias = "max-age", value_name = "SPAN")]
    pub newer_than: Option<String>,
    /// States, parted by commas: readable, archived, restoring, restored, expired, unknown [default: all]
    #[arg(long, value_name = "STATE")]
    pub state: Vec<String>,
    /// Stop after this many matched objects; 0 for no cap [default: 0]
    #[arg(long, value_name = "N")]
    pub max_objects: Option<String>,
}

impl FilterFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.storage_class.clone_from(&self.storage_class);
        over.globs.clone_from(&self.globs.0);
        over.min_size.clone_from(&self.min_size);
        over.max_size.clone_from(&self.max_size);
        over.older_than.clone_from(&self.older_than);
        over.newer_than.clone_from(&self.newer_than);
        over.state.clone_from(&self.state);
        over.max_objects.clone_from(&self.max_objects);
    }
}

/// What to ask for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Restore")]
pub struct WishFlags {
    /// Days that the copies stay readable, 1 to 365
    ///
    /// A restore has no default: copies are paid for by the day, and are gone when the days are
    /// over. Classes have bounds of their own, see --fit. A plan of a URL takes 7.
    ///
    /// [env: DEFROST_DAYS]
    #[arg(
        short = 'd',
        long,
        visible_short_alias = 'D',
        visible_alias = "restore-days",
        value_name = "N",
        allow_negative_numbers = true
    )]
    pub days: Option<String>,
    /// How fast: Expedited, Standard or Bulk [default: Standard]
    ///
    /// Expedited takes minutes and is dearest, Bulk up to two days and is cheapest. OSS Archive has
    /// one speed, and is asked without a tier.
    ///
    /// [env: DEFROST_TIER]
    #[arg(
        short = 't',
        long,
        visible_short_alias = 'm',
        visible_alias = "mode",
        alias = "restore-priority",
        value_name = "TIER"
    )]
    pub tier: Option<String>,
    /// When a class does not offer these days or this tier: fail, skip or clamp [default: fail]
    ///
    /// fail refuses the job before anything is sent; skip leaves such objects alone, and their rows
    /// say why; clamp takes the nearest that the class offers.
    ///
    /// [env: DEFROST_FIT]
    #[arg(long, value_name = "HOW")]
    pub fit: Option<String>,
    /// Extend readable copies with less time left than this, such as 36h [default: never]
    ///
    /// [env: DEFROST_EXTEND_WHEN_LEFT]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    pub extend_when_left: Option<String>,
    /// Ask again, at the wished tier, for what is being restored at a slower one [default: false]
    ///
    /// Where the store allows that.
    ///
    /// [env: DEFROST_RAISE_TIER]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub raise_tier: Option<bool>,
    /// Take the next slower tier when the store has no capacity for Expedited [default: false]
    ///
    /// [env: DEFROST_EXPEDITED_FALLBACK]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub expedited_fallback: Option<bool>,
    /// Ask no question: go ahead even if the run asks for more than the job's confirm_over
    ///
    /// Without it such a run asks on a terminal, and refuses where there is none.
    #[arg(short = 'y', long, visible_short_alias = 'f', visible_alias = "force")]
    pub yes: bool,
}

impl WishFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.days.clone_from(&self.days);
        over.tier.clone_from(&self.tier);
        over.fit.clone_from(&self.fit);
        over.extend_when_left.clone_from(&self.extend_when_left);
        over.raise_tier = self.raise_tier;
        over.expedited_fallback = self.expedited_fallback;
    }
}

/// Bounds on requests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitFlags {
    /// Restore requests in flight, 1 to 4096 [default: 32]
    ///
    /// [env: DEFROST_CONCURRENCY]
    #[arg(short = 'c', long, visible_short_alias = 'j', visible_alias = "jobs", value_name = "N")]
    pub concurrency: Option<String>,
    /// Restore requests a second, retries included, 1 to 100000 [default: 800 on S3, else 80]
    ///
    /// COS allows 100 a second and bucket, S3 1000 a second and account; OSS takes any number, and
    /// serves late what is over 100 a second of its slowest class. When the store asks to slow down,
    /// defrost does so by itself.
    ///
    /// [env: DEFROST_RATE_LIMIT]
    #[arg(long, visible_aliases = ["tpslimit", "qps"], value_name = "N")]
    pub rate_limit: Option<String>,
    /// List requests in flight, 1 to 256 [default: 16] [env: DEFROST_LIST_CONCURRENCY]
    ///
    /// The bucket is listed in as many ranges of keys at once, found by the way; the report is in
    /// listing order all the same. 1 lists page after page, for stores that go on at their
    /// own markers only. More than 64 are in flight only as long as this machine and the store keep up
    /// with them. A restore lists 4 pages ahead of its requests at most.
    #[arg(long, visible_alias = "checkers", value_name = "N")]
    pub list_concurrency: Option<String>,
    /// List requests a second, 1 to 100000 [default: 100]
    ///
    /// [env: DEFROST_LIST_RATE_LIMIT]
    #[arg(long, value_name = "N")]
    pub list_rate_limit: Option<String>,
    /// HEAD requests a second, 1 to 100000 [default: 200]
    ///
    /// [env: DEFROST_HEAD_RATE_LIMIT]
    #[arg(long, value_name = "N")]
    pub head_rate_limit: Option<String>,
    /// HEAD requests in flight, 1 to 4096 [default: as --concurrency]
    ///
    /// [env: DEFROST_HEAD_CONCURRENCY]
    #[arg(long, value_name = "N")]
    pub head_concurrency: Option<String>,
    /// Attempts for one request before it counts as failed, 1 to 100 [default: 8]
    ///
    /// [env: DEFROST_MAX_ATTEMPTS]
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<String>,
    /// End the run, to be gone on with, when it has worked this long, such as 6h
    ///
    /// [env: DEFROST_STOP_AFTER]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    pub stop_after: Option<String>,
}

impl LimitFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.concurrency.clone_from(&self.concurrency);
        over.restore_rate.clone_from(&self.rate_limit);
        over.list_rate.clone_from(&self.list_rate_limit);
        over.head_rate.clone_from(&self.head_rate_limit);
        over.list_concurrency.clone_from(&self.list_concurrency);
        over.max_attempts.clone_from(&self.max_attempts);
        over.head_concurrency.clone_from(&self.head_concurrency);
        over.stop_after.clone_from(&self.stop_after);
    }
}

/// Report and state.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report and state")]
pub struct OutputFlags {
    /// Report to write, or - for stdout [default: {job}-{date}-{time}.csv]
    ///
    /// Its ending says how: .csv, .jsonl or .parquet; .csv and .jsonl also with .gz or .zst.
    /// `{date}` and `{time}` (UTC, of the run's start) and `{job}` are filled in. A summary is
    /// written beside it. A report on stdout is CSV, and cannot be gone on with after a stop. With
    /// `{date}` or `{time}`, an earlier report of that name is kept under its run's id; without
    /// them, the new one takes its place.
    ///
    /// [env: DEFROST_REPORT]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub report: Option<String>,
    /// Rows to write: all, changed (all but those of action `none`) or failed [default: all]
    ///
    /// [env: DEFROST_ROWS]
    #[arg(long, value_name = "WHICH")]
    pub rows: Option<String>,
    /// Further forms of the report to write beside it, such as parquet,jsonl.gz; repeatable
    #[arg(long, value_name = "FORM")]
    pub also: Vec<String>,
    /// Folder in which each job keeps its checkpoint and lock [default: .defrost]
    ///
    /// The default lies beside the job file, or in the working folder for a URL.
    ///
    /// [env: DEFROST_STATE_DIR]
    #[arg(long, visible_alias = "checkpoint-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<String>,
    /// Begin anew, even if an earlier run was interrupted
    #[arg(long)]
    pub fresh: bool,
    /// Accepted from habit: going on is the default
    #[arg(long, hide_short_help = true, conflicts_with = "fresh")]
    pub resume: bool,
    /// End with exit code 5 if no object matched
    #[arg(long)]
    pub fail_empty: bool,
}

impl OutputFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.report.clone_from(&self.report);
        over.rows.clone_from(&self.rows);
        over.also.clone_from(&self.also);
        over.state_dir.clone_from(&self.state_dir);
    }
}
