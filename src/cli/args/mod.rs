//! The command line as typed. Only text and switches: what they mean is the business of
//! [`job`](crate::job), so a bad value is told in the same words wherever it was written.

mod campaign;
mod diff;
mod explain;
mod flags;
mod globs;
mod help;
mod init;
mod man;
mod notify;
mod release;
mod report;
mod retry;
#[cfg(test)]
mod tests;
mod wait;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use campaign::{BudgetFlags, SafetyFlags, WaitFlags};
pub use diff::DiffArgs;
pub use explain::ExplainArgs;
pub use flags::{FilterFlags, LimitFlags, OutputFlags, SourceFlags, WishFlags};
pub use globs::Globs;
pub use init::InitArgs;
pub use man::{ManArgs, pages as man_pages};
pub use notify::NotifyFlags;
pub use release::ReleaseArgs;
pub use report::ReportArgs;
pub use retry::RetryArgs;
pub use wait::WaitArgs;

use super::simulate::SimArgs;
use crate::guide::TOPICS;
use crate::job::{Overrides, nearest};

/// `defrost`, whole.
#[derive(Debug, Parser)]
#[command(
    name = "defrost",
    version,
    about = "Brings archived objects back in bulk from OSS, COS and S3, and proves it with a CSV",
    long_about = help::ABOUT,
    after_help = help::SHORT_EXIT_CODES,
    after_long_help = help::EXIT_CODES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Flags of every verb.
    #[command(flatten)]
    pub global: GlobalFlags,
    /// What to do.
    #[command(subcommand)]
    pub verb: Command,
}

/// Flags that every verb takes. They shape what is written to stderr and nothing else.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct GlobalFlags {
    /// Tell only errors and the closing table; twice: only errors
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "verbose", display_order = 900)]
    pub quiet: u8,
    /// Tell retries and slow-downs as well; twice: every one of them
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = 901)]
    pub verbose: u8,
    /// Write one JSON object a line to stderr instead of bars and tables
    #[arg(long, global = true, display_order = 902)]
    pub json_log: bool,
    /// When to use colours on stderr
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, display_order = 903)]
    pub color: ColorWhen,
    /// Use no colours: the same as `--color never`
    #[arg(long, global = true, hide_short_help = true, display_order = 904)]
    pub no_color: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl GlobalFlags {
    /// −2 to 2, 0 for neither `-q` nor `-v`.
    #[must_use]
    pub fn verbosity(&self) -> i8 {
        let step = |count: u8| i8::try_from(count.min(2)).unwrap_or(2);
        step(self.verbose) - step(self.quiet)
    }

    /// When to use colours, `--no-color` counted.
    #[must_use]
    pub const fn color(&self) -> ColorWhen {
        if self.no_color { ColorWhen::Never } else { self.color }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit a bucket or prefix: one CSV row per archived object, nothing is restored
    #[command(long_about = help::SCAN, after_help = help::SCAN_EXAMPLES, visible_alias = "audit")]
    Scan(Box<ScanArgs>),
    /// Show what a restore would do, in objects and bytes; no restore is sent
    #[command(long_about = help::PLAN, after_help = help::PLAN_EXAMPLES)]
    Plan(Box<PlanArgs>),
    /// Restore the archived objects of a bucket or prefix
    #[command(long_about = help::RESTORE, after_help = help::RESTORE_EXAMPLES)]
    Restore(Box<RestoreArgs>),
    /// Run job files, going on with an interrupted run
    #[command(long_about = help::RUN, after_help = help::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Wait until what a job asked for is readable, by listing; hand readable objects on
    #[command(long_about = help::WAIT, after_help = help::WAIT_EXAMPLES)]
    Wait(WaitArgs),
    /// Give readable copies back before they lapse: the objects that a CSV names (OSS)
    #[command(long_about = help::RELEASE, after_help = help::RELEASE_EXAMPLES)]
    Release(Box<ReleaseArgs>),
    /// Run job files again for what failed in their last run
    #[command(long_about = help::RETRY, after_help = help::RETRY_EXAMPLES)]
    Retry(Box<RetryArgs>),
    /// Show where a job stands, from its own files; no network
    #[command(long_about = help::STATUS, after_help = help::STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Show what a report amounts to: states, expiry, folders, failures; as a page with --html
    #[command(long_about = help::REPORT, after_help = help::REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Compare two reports: what became readable, lapsed, vanished or is stuck in between
    #[command(long_about = help::DIFF, after_help = help::DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Check job files: every fault at once, with line and way out; with --online, rights as well
    #[command(long_about = help::CHECK, after_help = help::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Write a commented job file from a few questions or flags; or a demo to try
    #[command(long_about = help::INIT, after_help = help::INIT_EXAMPLES)]
    Init(Box<InitArgs>),
    /// Run an object store to rehearse against, with archive classes, faults and a fast clock
    #[command(after_help = help::SIM_EXAMPLES)]
    Sim(SimArgs),
    /// Show a page of the guide, or list them
    #[command(long_about = help::GUIDE, after_help = help::GUIDE_EXAMPLES)]
    Guide(GuideArgs),
    /// Explain an error code, a word of the report or an exit code, and what to do about it
    #[command(long_about = help::EXPLAIN, after_help = help::EXPLAIN_EXAMPLES)]
    Explain(ExplainArgs),
    /// Write the JSON Schema of job files to stdout, for editors
    #[command(long_about = help::SCHEMA, after_help = help::SCHEMA_EXAMPLES)]
    Schema,
    /// Write manual pages: one to stdout, or all into a folder
    #[command(after_help = help::MAN_EXAMPLES)]
    Man(ManArgs),
    /// Write a completion script for a shell to stdout
    #[command(after_help = help::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),
}

/// `scan URL`.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Bucket or prefix: oss://bucket/prefix, cos://bucket-appid/prefix, s3://bucket/prefix
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: String,
    /// Where the objects are.
    #[command(flatten)]
    pub source: SourceFlags,
    /// Which of them.
    #[command(flatten)]
    pub filter: FilterFlags,
    /// Bounds on requests.
    #[command(flatten)]
    pub limits: LimitFlags,
    /// Report and state.
    #[command(flatten)]
    pub output: OutputFlags,
    /// Who is told of its end.
    #[command(flatten)]
    pub notify: NotifyFlags,
}

/// `plan URL|JOB`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Bucket URL (oss://bucket/prefix …) or job file
    #[arg(value_name = "URL|JOB", value_hint = ValueHint::AnyPath)]
    pub target: String,
    /// Write the plan to this file, for `run --plan` and `restore --plan`
    #[arg(short = 'o', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Write the plan to stdout as JSON
    #[arg(long)]
    pub json: bool,
    /// Everything else.
    #[command(flatten)]
    pub job: JobFlags,
}

/// `restore URL`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Bucket or prefix: oss://bucket/prefix, cos://bucket-appid/prefix, s3://bucket/prefix
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    pub url: String,
    /// Only show what would be done: list and classify, send no restore request
    #[arg(short = 'n', long, visible_alias = "dryrun")]
    pub dry_run: bool,
    /// Ask for no more than this plan says, which `plan --out` has written
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Everything else.
    #[command(flatten)]
    pub job: JobFlags,
}

/// `run JOB…`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Job files, run one after the other
    #[arg(value_name = "JOB", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Only show what would be done: list and classify, send no restore request
    #[arg(short = 'n', long, visible_alias = "dryrun")]
    pub dry_run: bool,
    /// Ask for no more than this plan says, which `plan --out` has written; for one job file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plan: Option<PathBuf>,
    /// Everything else; wins over the files.
    #[command(flatten)]
    pub job: JobFlags,
}

/// All flags that shape a restore.
#[derive(Debug, Args)]
pub struct JobFlags {
    /// What to ask for.
    #[command(flatten)]
    pub wish: WishFlags,
    /// Where the objects are.
    #[command(flatten)]
    pub source: SourceFlags,
    /// Which of them.
    #[command(flatten)]
    pub filter: FilterFlags,
    /// Bounds on requests.
    #[command(flatten)]
    pub limits: LimitFlags,
    /// What restores may take, and when.
    #[command(flatten)]
    pub budget: BudgetFlags,
    /// When it has had enough.
    #[command(flatten)]
    pub safety: SafetyFlags,
    /// How to wait for what was asked for.
    #[command(flatten)]
    pub wait: WaitFlags,
    /// Report and state.
    #[command(flatten)]
    pub output: OutputFlags,
    /// Who is told of its end.
    #[command(flatten)]
    pub notify: NotifyFlags,
}

/// `status JOB|URL`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Job file, or the bucket URL of a `scan`, `plan` or `restore`
    #[arg(value_name = "JOB|URL", value_hint = ValueHint::AnyPath)]
    pub target: String,
    /// Folder that holds the state of jobs, if the run was given one
    ///
    /// [env: DEFROST_STATE_DIR]
    #[arg(long, visible_alias = "checkpoint-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<String>,
    /// Show it again every second until the run has ended; if none is under way, wait for one to begin
    #[arg(short = 'w', long, visible_alias = "follow", visible_short_alias = 'f')]
    pub watch: bool,
    /// One JSON object a line for each job, for scripts
    #[arg(long)]
    pub json: bool,
}

/// `check JOB…`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Job files
    #[arg(value_name = "JOB", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
    /// Ask the store, too: credentials, region, clock, rights; and look at lock, paths and disk
    #[arg(long)]
    pub online: bool,
}

/// `guide [TOPIC]`.
#[derive(Debug, Args)]
pub struct GuideArgs {
    /// Which page; without it they are listed
    #[arg(value_name = "TOPIC", value_parser = topics())]
    pub topic: Option<String>,
    /// Show every line of the guide that holds this word, with its page
    #[arg(long, value_name = "WORD", conflicts_with = "topic")]
    pub search: Option<String>,
}

/// The pages that there are, for the parser, its suggestions and completions.
fn topics() -> PossibleValuesParser {
    PossibleValuesParser::new(TOPICS.iter().map(|topic| PossibleValue::new(topic.name).help(topic.about)))
}

/// `completions SHELL`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

impl CompletionsArgs {
    /// Writes the script.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        // The generator panics when it cannot write, so it writes to memory.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "defrost", &mut script);
        out.write_all(&script)
    }
}

impl ScanArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        let mut over = Overrides::default();
        self.source.put(&mut over);
        self.filter.put(&mut over);
        self.limits.put(&mut over);
        self.output.put(&mut over);
        self.notify.put(&mut over);
        over
    }
}

impl JobFlags {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self, dry_run: bool) -> Overrides {
        let mut over = Overrides { dry_run, ..Overrides::default() };
        self.wish.put(&mut over);
        self.source.put(&mut over);
        self.filter.put(&mut over);
        self.limits.put(&mut over);
        self.budget.put(&mut over);
        self.safety.put(&mut over);
        self.wait.put(&mut over);
        self.output.put(&mut over);
        self.notify.put(&mut over);
        over
    }
}

impl PlanArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        self.job.overrides(true)
    }
}

impl RestoreArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        self.job.overrides(self.dry_run)
    }
}

impl RunArgs {
    /// What was typed, for [`job`](crate::job).
    #[must_use]
    pub fn overrides(&self) -> Overrides {
        self.job.overrides(self.dry_run)
    }
}

impl Cli {
    /// Reads a command line.
    ///
    /// # Errors
    /// Help and version, which are no faults, and usage faults; [`clap::Error::exit_code`] tells
    /// them apart (0 and 2).
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(args).map_err(Self::with_the_verb_meant)?;
        if let Command::Run(run) = &cli.verb
            && run.files.len() > 1
            && run.job.output.report.as_ref().is_some_and(|report| !report.contains("{job}"))
        {
            return Err(Self::command().error(
                clap::error::ErrorKind::ArgumentConflict,
                "several jobs cannot share one report; put {job} into its name: --report 'reports/{job}.csv'",
            ));
        }
        if let Command::Run(run) = &cli.verb
            && run.files.len() > 1
            && run.plan.is_some()
        {
            return Err(Self::command().error(
                clap::error::ErrorKind::ArgumentConflict,
                "a plan is that of one job: run each job with its own --plan",
            ));
        }
        Ok(cli)
    }

    /// `told`, with the verb that was most likely meant. The parser's own measure takes no two letters that
    /// changed places for a slip, as in `rnu`.
    fn with_the_verb_meant(mut told: clap::Error) -> clap::Error {
        use clap::error::{ContextKind, ContextValue};
        if told.get(ContextKind::SuggestedSubcommand).is_none()
            && let Some(ContextValue::String(word)) = told.get(ContextKind::InvalidSubcommand)
            && let Some(verb) = nearest(word, Self::command().get_subcommands().map(clap::Command::get_name))
        {
            let verb = ContextValue::Strings(vec![verb.to_owned()]);
            told.insert(ContextKind::SuggestedSubcommand, verb);
        }
        told
    }
}
