//! The command line as typed. Only text and switches: what they mean is the business of
//! [`job`](crate::job), so a bad value is told in the same words wherever it was written.

mod flags;
mod globs;
mod help;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use flags::{FilterFlags, LimitFlags, OutputFlags, SourceFlags, WishFlags};
pub use globs::Globs;

use super::simulate::SimArgs;
use crate::job::Overrides;

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
    /// Show where a job stands, from its own files; no network
    #[command(long_about = help::STATUS, after_help = help::STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Check job files without network: every fault at once, with line and way out
    #[command(long_about = help::CHECK, after_help = help::CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Run an object store to rehearse against, with archive classes, faults and a fast clock
    #[command(after_help = help::SIM_EXAMPLES)]
    Sim(SimArgs),
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
}

/// `plan URL|JOB`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Bucket URL (oss://bucket/prefix …) or job file
    #[arg(value_name = "URL|JOB", value_hint = ValueHint::AnyPath)]
    pub target: String,
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
    /// Report and state.
    #[command(flatten)]
    pub output: OutputFlags,
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
}

/// `check JOB…`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Job files
    #[arg(value_name = "JOB", required = true, value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
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
        self.output.put(&mut over);
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
        let cli = Self::try_parse_from(args)?;
        if let Command::Run(run) = &cli.verb
            && run.files.len() > 1
            && run.job.output.report.as_ref().is_some_and(|report| !report.contains("{job}"))
        {
            return Err(Self::command().error(
                clap::error::ErrorKind::ArgumentConflict,
                "several jobs cannot share one report; put {job} into its name: --report 'reports/{job}.csv'",
            ));
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{self, Verb};

    fn read(line: &[&str]) -> Result<Cli, clap::Error> {
        Cli::read(line.iter().map(OsString::from))
    }

    fn job_flags(line: &[&str]) -> Overrides {
        match read(line).unwrap().verb {
            Command::Restore(args) => args.overrides(),
            Command::Run(args) => args.overrides(),
            Command::Plan(args) => args.overrides(),
            Command::Scan(args) => args.overrides(),
            other => panic!("{other:?}"),
        }
    }

    /// Words of a shell line, quotes taken off; a redirection and what follows is left out.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (None, '\'' | '"') => quote = Some(c),
                (Some(q), c) if c == q => quote = None,
                (None, '|' | '>') => break,
                (None, ' ') => words.push(String::new()),
                (_, c) => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_is_legal() {
        let mut command = Cli::command();
        command.build();
        for verb in command.get_subcommands_mut().filter(|verb| verb.get_name() != "help") {
            let help = verb.render_long_help().to_string();
            let examples: Vec<&str> =
                help.lines().map(str::trim).filter(|line| line.starts_with("defrost ")).collect();
            assert!((2..=6).contains(&examples.len()), "{}: {examples:?}", verb.get_name());
            for example in examples {
                if example.ends_with("--help") {
                    continue;
                }
                let line = words(example);
                let line: Vec<&str> = line.iter().map(String::as_str).collect();
                let cli = read(&line).unwrap_or_else(|e| panic!("{example}: {e}"));
                let (kind, url, over) = match &cli.verb {
                    Command::Scan(args) => (Verb::Scan, &args.url, args.overrides()),
                    Command::Restore(args) => (Verb::Restore, &args.url, args.overrides()),
                    Command::Plan(args) if args.target.contains("://") => {
                        (Verb::Plan, &args.target, args.overrides())
                    }
                    _ => continue,
                };
                job::from_url(kind, url, &over, &|_| None).unwrap_or_else(|e| panic!("{example}: {e}"));
            }
        }
    }

    #[test]
    fn every_setting_has_its_flag_and_the_help_names_its_variable() {
        let mut command = Cli::command();
        command.build();
        let run = command.find_subcommand("run").unwrap();
        let flag_of = |long: &str| {
            run.get_arguments().find(|arg| arg.get_long() == Some(long)).unwrap_or_else(|| panic!("--{long}"))
        };
        for setting in job::settings().filter(|setting| !setting.flag.is_empty()) {
            let arg = flag_of(setting.flag.trim_start_matches("--"));
            let help = arg.get_long_help().or_else(|| arg.get_help()).unwrap().to_string();
            let named = format!("[env: {}]", setting.env);
            assert_eq!(help.contains("[env: "), !setting.env.is_empty(), "{}", setting.flag);
            assert!(setting.env.is_empty() || help.contains(&named), "{}: {help}", setting.flag);
        }
    }

    #[test]
    fn the_help_names_the_defaults_that_hold() {
        let mut command = Cli::command();
        command.build();
        let run = command.find_subcommand("run").unwrap();
        let job = job::from_url(Verb::Plan, "s3://b", &Overrides::default(), &|_| None).unwrap();
        let l = job.limits;
        for (long, default) in [
            ("concurrency", l.concurrency.to_string()),
            ("rate-limit", l.restore_rate.to_string()),
            ("list-rate-limit", l.list_rate.to_string()),
            ("list-concurrency", l.list_concurrency.to_string()),
            ("head-rate-limit", l.head_rate.to_string()),
            ("max-attempts", l.max_attempts.to_string()),
            ("page-size", job.source.page_size.to_string()),
            ("max-objects", job.filter.max_objects.to_string()),
            ("tier", job.wish.as_ref().unwrap().tier.to_string()),
            ("report", job.report.path.clone().unwrap()),
        ] {
            let arg = run.get_arguments().find(|arg| arg.get_long() == Some(long)).unwrap();
            let help = arg.get_help().unwrap().to_string();
            assert!(help.contains(&format!("[default: {default}]")), "--{long}: {help}, not {default}");
        }
        let days = run.get_arguments().find(|arg| arg.get_long() == Some("days")).unwrap();
        let days_of_a_plan = format!("A plan of a URL takes {}", job.wish.unwrap().days);
        assert!(days.get_long_help().unwrap().to_string().contains(&days_of_a_plan));
    }

    #[test]
    fn flags_reach_the_job() {
        let over = job_flags(&[
            "defrost",
            "restore",
            "s3://b/",
            "-d",
            "7",
            "-t",
            "bulk",
            "-n",
            "-j",
            "8",
            "--qps",
            "50",
            "--endpoint",
            "https://h",
            "--path-style",
            "--allow-http=false",
            "--versions",
            "--request-payer",
            "requester",
            "-r",
            "--exclude",
            "a",
            "--include=b",
            "--exclude",
            "c",
            "--storage-class",
            "GLACIER,DEEP_ARCHIVE",
        ]);
        assert!(over.dry_run);
        assert_eq!((over.days.as_deref(), over.tier.as_deref()), (Some("7"), Some("bulk")));
        assert_eq!((over.concurrency.as_deref(), over.restore_rate.as_deref()), (Some("8"), Some("50")));
        assert_eq!(
            (over.path_style, over.allow_http, over.request_payer),
            (Some(true), Some(false), Some(true))
        );
        assert_eq!(over.versions.as_deref(), Some("all"));
        assert_eq!(over.globs, [(false, "a".into()), (true, "b".into()), (false, "c".into())]);
        let over = job_flags(&["defrost", "plan", "s3://b/", "-D", "3", "-m", "Standard", "--list-v1"]);
        assert!(over.dry_run);
        assert_eq!((over.days.as_deref(), over.list_api.as_deref()), (Some("3"), Some("v1")));
        assert_eq!(
            job_flags(&["defrost", "scan", "s3://b/", "--versions=noncurrent"]).versions.as_deref(),
            Some("noncurrent")
        );
        assert_eq!(job_flags(&["defrost", "run", "a.toml"]), Overrides::default());
        // A number below zero is a value, told by the job as such, not an unknown flag.
        assert_eq!(job_flags(&["defrost", "restore", "s3://b/", "-d", "-7"]).days.as_deref(), Some("-7"));
    }

    #[test]
    fn usage_faults_are_two() {
        for line in [
            &["defrost", "scan"][..],
            &["defrost", "scan", "s3://b", "--days", "7"],
            &["defrost", "run"],
            &["defrost", "run", "a.toml", "b.toml", "--report", "x.csv"],
            &["defrost", "run", "a.toml", "b.toml", "--report", "-"],
            &["defrost", "run", "a.toml", "--fresh", "--resume"],
            &["defrost", "-q", "-v", "scan", "s3://b"],
            &["defrost", "thaw"],
        ] {
            assert_eq!(read(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
        assert_eq!(read(&["defrost", "--help"]).unwrap_err().exit_code(), 0);
        assert_eq!(read(&["defrost", "--version"]).unwrap_err().exit_code(), 0);
        assert!(read(&["defrost", "run", "a.toml", "b.toml", "--report", "{job}.csv"]).is_ok());
    }

    #[test]
    fn messages_may_be_shaped_before_or_behind_the_verb() {
        let cli = read(&["defrost", "-vv", "scan", "s3://b", "--no-color", "--json-log"]).unwrap();
        assert_eq!(
            (cli.global.verbosity(), cli.global.color(), cli.global.json_log),
            (2, ColorWhen::Never, true)
        );
        let cli = read(&["defrost", "scan", "s3://b", "-q", "--color=always"]).unwrap();
        assert_eq!((cli.global.verbosity(), cli.global.color()), (-1, ColorWhen::Always));
    }

    #[test]
    fn completions_are_written() {
        let mut out = Vec::new();
        CompletionsArgs { shell: Shell::Bash }.write(&mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("restore"));
    }

    #[test]
    fn the_help_lists_every_exit_code() {
        let help = Cli::command().render_long_help().to_string();
        for code in [0, 1, 2, 4, 5, 7, 8, 130, 143] {
            let line = format!("{code:>5}  ");
            assert!(help.lines().any(|l| l.starts_with(&line)), "{code}");
        }
    }
}
