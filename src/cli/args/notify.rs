//! Flags that say who is told of the end of a run.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};

use crate::job::Overrides;

/// Who is told of the end of a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Being told")]
pub struct NotifyFlags {
    /// File that the figures of the run are written to for Prometheus, such as metrics/{job}.prom
    ///
    /// It is a textfile for the collector of node_exporter, written whole after every run, however it ended.
    /// Its name ends in .prom; `{job}` is filled in.
    ///
    /// [env: DEFROST_METRICS]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metrics: Option<String>,
    /// Program that is started when the run has ended; repeat the flag for its arguments
    ///
    /// `{report}`, `{summary}`, `{exit_code}` and `{job}` in an argument are filled in. It is given what
    /// happened as JSON on its standard input; what it prints goes to stderr.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true, value_hint = ValueHint::CommandName)]
    pub on_finish: Vec<String>,
    /// Of which runs webhook and --on-finish tell: always, failure, change [default: always]
    ///
    /// failure: an exit code other than 0. change: something was asked for, or failed. Several parted by
    /// commas. The webhook itself is named by `webhook` in `[notify]` or by DEFROST_WEBHOOK, and by no flag: its
    /// URL may hold a token.
    ///
    /// [env: DEFROST_NOTIFY_ON]
    #[arg(long, value_name = "WHEN")]
    pub notify_on: Vec<String>,
    /// Longest that webhook and --on-finish may take, each, 1s to 10m [default: 30s]
    ///
    /// [env: DEFROST_NOTIFY_TIME_LIMIT]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    pub notify_time_limit: Option<String>,
    /// Variable that holds the secret which the webhook is signed with
    #[arg(long, value_name = "NAME")]
    pub webhook_secret_env: Option<String>,
    /// File that holds it
    ///
    /// [env: DEFROST_WEBHOOK_SECRET_FILE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub webhook_secret_file: Option<String>,
    /// Allow an http:// webhook on another machine [default: false]
    ///
    /// [env: DEFROST_WEBHOOK_ALLOW_HTTP]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new(), hide_possible_values = true)]
    pub webhook_allow_http: Option<bool>,
}

impl NotifyFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.metrics.clone_from(&self.metrics);
        over.on_finish.clone_from(&self.on_finish);
        over.notify_on.clone_from(&self.notify_on);
        over.notify_time_limit.clone_from(&self.notify_time_limit);
        over.webhook_secret_env.clone_from(&self.webhook_secret_env);
        over.webhook_secret_file.clone_from(&self.webhook_secret_file);
        over.webhook_allow_http = self.webhook_allow_http;
    }
}
