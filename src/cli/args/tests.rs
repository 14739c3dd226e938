//! The command line against what the help and the job layer say.

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
fn a_verb_with_a_slip_in_it_is_told_with_the_one_that_was_meant() {
    for (typed, meant) in
        [("rnu", "run"), ("scna", "scan"), ("paln", "plan"), ("wiat", "wait"), ("dfif", "diff")]
    {
        for line in [&["defrost", typed][..], &["defrost", "help", typed]] {
            let told = read(line).unwrap_err().to_string();
            assert!(told.contains(&format!("'{meant}'")), "{typed}: {told}");
        }
    }
    let told = read(&["defrost", "xyzzy"]).unwrap_err().to_string();
    assert!(!told.contains("tip:"), "{told}");
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
            job::from_url(kind, url, &over, &crate::job::Env::new())
                .unwrap_or_else(|e| panic!("{example}: {e}"));
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
    let job = job::from_url(Verb::Plan, "s3://b", &Overrides::default(), &crate::job::Env::new()).unwrap();
    let on_cos =
        job::from_url(Verb::Plan, "cos://b-125", &Overrides::default(), &crate::job::Env::new()).unwrap();
    let l = job.limits;
    assert_eq!(l.head_concurrency, l.concurrency);
    for (long, default) in [
        ("concurrency", l.concurrency.to_string()),
        ("rate-limit", format!("{} on S3, else {}", l.restore_rate, on_cos.limits.restore_rate)),
        ("list-rate-limit", l.list_rate.to_string()),
        ("list-concurrency", l.list_concurrency.to_string()),
        ("head-rate-limit", l.head_rate.to_string()),
        ("max-attempts", l.max_attempts.to_string()),
        ("max-same-refusals", job.safety.max_same_refusals.to_string()),
        ("poll", format!("{}m", job.wait.poll.as_secs() / 60)),
        ("wait-timeout", format!("{}h", job.wait.timeout.as_secs() / 3600)),
        ("batch", job.wait.batch.to_string()),
        ("time-zone", job.zone.iana_name().unwrap().to_owned()),
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
    assert_eq!((over.path_style, over.allow_http, over.request_payer), (Some(true), Some(false), Some(true)));
    assert_eq!(over.versions.as_deref(), Some("all"));
    let globs: Vec<(bool, &str)> =
        over.globs.iter().map(|glob| (glob.include, glob.pattern.as_str())).collect();
    assert_eq!(globs, [(false, "a"), (true, "b"), (false, "c")]);
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

#[test]
fn patterns_of_files_stand_where_the_flag_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patterns");
    std::fs::write(&path, "# what is not wanted\n\n  tmp/**\r\n\\#old/**\n").unwrap();
    let name = path.to_str().unwrap();
    let over =
        job_flags(&["defrost", "plan", "s3://b/", "--include", "a", "--exclude-from", name, "--include=b"]);
    let globs: Vec<(bool, &str, Option<usize>)> = over
        .globs
        .iter()
        .map(|glob| (glob.include, glob.pattern.as_str(), glob.from.as_ref().map(|(_, line)| *line)))
        .collect();
    let wanted =
        [(true, "a", None), (false, "tmp/**", Some(3)), (false, "\\#old/**", Some(4)), (true, "b", None)];
    assert_eq!(globs, wanted);

    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let line = ["defrost", "scan", "s3://b/", "--include-from", name].map(std::ffi::OsString::from);
        let told = Cli::read(line).unwrap_err();
        (told.exit_code(), told.to_string())
    };
    let (code, told) = refused("# none\n");
    assert_eq!(code, 2);
    assert!(told.contains(name) && told.contains("--include-from") && told.contains("no pattern"), "{told}");
    std::fs::remove_file(&path).unwrap();
    let line = ["defrost", "scan", "s3://b/", "--include-from", name].map(std::ffi::OsString::from);
    assert!(Cli::read(line).unwrap_err().to_string().contains(name));
}

#[test]
fn a_bad_pattern_of_a_file_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("patterns");
    std::fs::write(&path, "good/**\n[bad\n").unwrap();
    let name = path.to_str().unwrap();
    let over = job_flags(&["defrost", "plan", "s3://b/", "-d", "3", "--include-from", name]);
    let faults = crate::job::from_url(crate::job::Verb::Plan, "s3://b/", &over, &crate::job::Env::new())
        .unwrap_err()
        .to_string();
    assert!(faults.contains(&format!("{name}:2:1")), "{faults}");
}
