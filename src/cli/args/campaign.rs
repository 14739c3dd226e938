//! Flags of a campaign: what it may spend and when, when it has had enough, and how it waits.

use clap::{Args, ValueHint};

use crate::job::Overrides;

/// What restores may take, and when.
#[derive(Debug, Args)]
#[command(next_help_heading = "Budget and window")]
pub struct BudgetFlags {
    /// Most objects asked for in this run, or none for no bound
    ///
    /// What is over a bound is deferred, and comes first the next time.
    ///
    /// [env: DEFROST_RUN_OBJECTS]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub run_objects: Option<String>,
    /// Most bytes asked for in this run, such as 40TB
    ///
    /// [env: DEFROST_RUN_BYTES]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    pub run_bytes: Option<String>,
    /// Most money spent in this run by the price table, such as '200 CNY'
    ///
    /// An object whose price the table does not know is not asked for under such a bound.
    ///
    /// [env: DEFROST_RUN_COST]
    #[arg(long, value_name = "MONEY", allow_negative_numbers = true)]
    pub run_cost: Option<String>,
    /// Most objects asked for in a day, all runs of the job together
    ///
    /// [env: DEFROST_DAILY_OBJECTS]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub daily_objects: Option<String>,
    /// Most bytes asked for in a day, all runs of the job together
    ///
    /// [env: DEFROST_DAILY_BYTES]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    pub daily_bytes: Option<String>,
    /// Most money spent in a day, all runs of the job together
    ///
    /// [env: DEFROST_DAILY_COST]
    #[arg(long, value_name = "MONEY", allow_negative_numbers = true)]
    pub daily_cost: Option<String>,
    /// Hours in which restores are asked for, such as '22:00-06:00 Asia/Shanghai', or none
    ///
    /// Without a zone behind them they are those of --time-zone.
    ///
    /// [env: DEFROST_WINDOW]
    #[arg(long, value_name = "HOURS")]
    pub window: Option<String>,
    /// What a run does outside of its window: wait or end [default: wait]
    ///
    /// wait lists on to the first object that would be asked for, waits until the window opens, and
    /// lists again from there; end defers what is left, and ends. With a report to stdout it is end.
    ///
    /// [env: DEFROST_OUTSIDE_WINDOW]
    #[arg(long, value_name = "HOW")]
    pub outside_window: Option<String>,
    /// Time zone of the job's days and hours, such as Asia/Shanghai [default: UTC]
    ///
    /// [env: DEFROST_TIME_ZONE]
    #[arg(long, value_name = "ZONE")]
    pub time_zone: Option<String>,
    /// Price table instead of the one built in, a TOML file
    ///
    /// [env: DEFROST_PRICES]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub prices: Option<String>,
}

impl BudgetFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.run_objects.clone_from(&self.run_objects);
        over.run_bytes.clone_from(&self.run_bytes);
        over.run_cost.clone_from(&self.run_cost);
        over.daily_objects.clone_from(&self.daily_objects);
        over.daily_bytes.clone_from(&self.daily_bytes);
        over.daily_cost.clone_from(&self.daily_cost);
        over.window.clone_from(&self.window);
        over.outside_window.clone_from(&self.outside_window);
        over.time_zone.clone_from(&self.time_zone);
        over.prices.clone_from(&self.prices);
    }
}

/// When a run has had enough.
#[derive(Debug, Args)]
#[command(next_help_heading = "Safety")]
pub struct SafetyFlags {
    /// More failures than this end the run: a share such as 5%, or a number of objects
    ///
    /// A share counts from the 100th restore request on. The exit code is 3.
    ///
    /// [env: DEFROST_MAX_FAILURES]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub max_failures: Option<String>,
    /// So many refusals in a row with one error code end the run; 0 for never [default: 100]
    ///
    /// [env: DEFROST_MAX_SAME_REFUSALS]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_same_refusals: Option<String>,
    /// Ask before more than this is restored, such as 10TB
    ///
    /// Without a terminal to ask on, such a run is refused unless --yes is given.
    ///
    /// [env: DEFROST_CONFIRM_OVER]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true)]
    pub confirm_over: Option<String>,
}

impl SafetyFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.max_failures.clone_from(&self.max_failures);
        over.max_same_refusals.clone_from(&self.max_same_refusals);
        over.confirm_over.clone_from(&self.confirm_over);
    }
}

/// How to wait for what was asked for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Wait")]
pub struct WaitFlags {
    /// What to wait for: none, ready, or a share such as ready:95% [default: none]
    ///
    /// [env: DEFROST_UNTIL]
    #[arg(long, value_name = "WHAT")]
    pub until: Option<String>,
    /// Time between two looks at the store [default: 10m]
    ///
    /// [env: DEFROST_POLL]
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true)]
    pub poll: Option<String>,
    /// Longest that a wait may take; then the exit code is 6 [default: 72h]
    ///
    /// [env: DEFROST_WAIT_TIMEOUT]
    #[arg(long, visible_alias = "timeout", value_name = "SPAN", allow_negative_numbers = true)]
    pub wait_timeout: Option<String>,
    /// File that the keys of readable objects are appended to as they come
    ///
    /// [env: DEFROST_READY_FILE]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ready_file: Option<String>,
    /// Program that is given readable objects in batches; repeat the flag for its arguments
    ///
    /// It is given them as JSON lines on its standard input. `{ready_file}` and `{batch}` in an
    /// argument are filled in.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true, value_hint = ValueHint::CommandName)]
    pub on_ready: Vec<String>,
    /// Objects that one call of --on-ready is given at most, 1 to 100000 [default: 1000]
    ///
    /// [env: DEFROST_BATCH]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub batch: Option<String>,
}

impl WaitFlags {
    pub(super) fn put(&self, over: &mut Overrides) {
        over.until.clone_from(&self.until);
        over.poll.clone_from(&self.poll);
        over.wait_timeout.clone_from(&self.wait_timeout);
        over.ready_file.clone_from(&self.ready_file);
        over.on_ready.clone_from(&self.on_ready);
        over.batch.clone_from(&self.batch);
    }
}
