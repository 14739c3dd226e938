//! The command line as typed: text and switches that [`resolve`](super::resolve) lays over a job
//! file and over the environment.

use std::path::PathBuf;

/// A pattern of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedGlob {
    /// Whether a match keeps the key.
    pub include: bool,
    /// The pattern as written.
    pub pattern: String,
    /// The file and the line, from 1, that it was read from; `None` if it was typed.
    pub from: Option<(PathBuf, usize)>,
}

/// What was typed on the command line. Nothing here is checked yet.
///
/// `None`, an empty list and `false` mean that the flag was not given; the file, the environment
/// or the default then decides. The switches that are `Option<bool>` can also be turned off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--dry-run`, and the verb `plan`: a restore becomes [`Verb::Plan`](super::Verb::Plan).
    pub dry_run: bool,
    /// `--state-dir`: the folder under which each job has its own.
    pub state_dir: Option<String>,
    /// `--report`: a file, or `-` for stdout.
    pub report: Option<String>,
    /// `--rows`.
    pub rows: Option<String>,
    /// `--also`; each may hold several forms parted by commas.
    pub also: Vec<String>,

    /// `--metrics`.
    pub metrics: Option<String>,
    /// `--webhook-secret-env`.
    pub webhook_secret_env: Option<String>,
    /// `--webhook-secret-file`.
    pub webhook_secret_file: Option<String>,
    /// `--webhook-allow-http`.
    pub webhook_allow_http: Option<bool>,
    /// `--notify-on`; each may hold several words parted by commas.
    pub notify_on: Vec<String>,
    /// `--on-finish`: a program and its arguments, a flag each.
    pub on_finish: Vec<String>,
    /// `--notify-time-limit`.
    pub notify_time_limit: Option<String>,

    /// `--time-zone`.
    pub time_zone: Option<String>,
    /// `--prices`.
    pub prices: Option<String>,

    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--allow-http`.
    pub allow_http: Option<bool>,
    /// `--path-style`.
    pub path_style: Option<bool>,
    /// `--versions`.
    pub versions: Option<String>,
    /// `--list-api`, or `v1` by `--list-v1`.
    pub list_api: Option<String>,
    /// `--requester-pays`, `--request-payer requester`.
    pub request_payer: Option<bool>,
    /// `--archive-direct-read`.
    pub archive_direct_read: Option<bool>,
    /// `--head`.
    pub head: Option<bool>,
    /// `--start-after`.
    pub start_after: Option<String>,
    /// `--end-with`.
    pub end_with: Option<String>,
    /// `--page-size`.
    pub page_size: Option<String>,
    /// `--files-from`: a file, or `-` for stdin.
    pub files_from: Option<String>,
    /// `--null`.
    pub null: Option<bool>,
    /// `--from-csv`: a file, or `-` for stdin.
    pub from_csv: Option<String>,

    /// `--storage-class`; each may hold several names parted by commas.
    pub storage_class: Vec<String>,
    /// `--include`, `--exclude` and the lines of `--include-from` and `--exclude-from`, in the order
    /// typed; any of them replaces all patterns of the file.
    pub globs: Vec<TypedGlob>,
    /// `--min-size`.
    pub min_size: Option<String>,
    /// `--max-size`.
    pub max_size: Option<String>,
    /// `--older-than`.
    pub older_than: Option<String>,
    /// `--newer-than`.
    pub newer_than: Option<String>,
    /// `--state`; each may hold several words parted by commas.
    pub state: Vec<String>,
    /// `--max-objects`.
    pub max_objects: Option<String>,

    /// `--days`.
    pub days: Option<String>,
    /// `--tier`.
    pub tier: Option<String>,
    /// `--fit`.
    pub fit: Option<String>,
    /// `--extend-when-left`.
    pub extend_when_left: Option<String>,
    /// `--raise-tier`.
    pub raise_tier: Option<bool>,
    /// `--expedited-fallback`.
    pub expedited_fallback: Option<bool>,

    /// `--concurrency`.
    pub concurrency: Option<String>,
    /// `--rate-limit`: restore POSTs a second.
    pub restore_rate: Option<String>,
    /// `--list-rate-limit`.
    pub list_rate: Option<String>,
    /// `--list-concurrency`.
    pub list_concurrency: Option<String>,
    /// `--head-rate-limit`.
    pub head_rate: Option<String>,
    /// `--max-attempts`.
    pub max_attempts: Option<String>,
    /// `--head-concurrency`.
    pub head_concurrency: Option<String>,
    /// `--run-objects`.
    pub run_objects: Option<String>,
    /// `--run-bytes`.
    pub run_bytes: Option<String>,
    /// `--run-cost`.
    pub run_cost: Option<String>,
    /// `--daily-objects`.
    pub daily_objects: Option<String>,
    /// `--daily-bytes`.
    pub daily_bytes: Option<String>,
    /// `--daily-cost`.
    pub daily_cost: Option<String>,
    /// `--window`.
    pub window: Option<String>,
    /// `--outside-window`.
    pub outside_window: Option<String>,
    /// `--stop-after`.
    pub stop_after: Option<String>,

    /// `--max-failures`.
    pub max_failures: Option<String>,
    /// `--max-same-refusals`.
    pub max_same_refusals: Option<String>,
    /// `--confirm-over`.
    pub confirm_over: Option<String>,

    /// `--until`.
    pub until: Option<String>,
    /// `--poll`.
    pub poll: Option<String>,
    /// `--wait-timeout`.
    pub wait_timeout: Option<String>,
    /// `--ready-file`.
    pub ready_file: Option<String>,
    /// `--on-ready`: a program and its arguments, a flag each.
    pub on_ready: Vec<String>,
    /// `--batch`.
    pub batch: Option<String>,
}
