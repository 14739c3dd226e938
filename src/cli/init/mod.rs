//! `defrost init [FILE]`: a job file from a few questions, or from flags; or the demo.

mod answers;
mod demo;
mod template;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use answers::{Answers, Hints, clock};

use super::args::InitArgs;
use super::connect;
use super::context::Context;
use super::exit::{Exit, Failure};
use crate::job::{self, Overrides};
use crate::model::Provider;
use crate::pipeline::Step;

/// Where a job is written if no file is named.
const FILE: &str = "nightly.toml";
/// The same for an audit.
const AUDIT: &str = "audit.toml";
/// Longest name of a job, in characters.
const LONGEST_NAME: usize = 64;
/// And for the demo.
const DEMO: &str = "defrost-demo";

pub(super) async fn run(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    if args.demo {
        return demo(args, context);
    }
    // Nobody shall answer nine questions for a file that cannot be written.
    if let Some(file) = args.file.as_deref().filter(|file| file.exists() && !args.force && !is_stdout(file)) {
        return Err(unwritable(file, io::ErrorKind::AlreadyExists.into()));
    }
    let hints = hints(context);
    let mut answers = answers::of_flags(args);
    if !args.yes && io::stdin().is_terminal() && io::stderr().is_terminal() {
        match asked(answers, hints.clone(), args, context).await? {
            Some(said) => answers = said,
            None => return Ok(Exit::Interrupted),
        }
    }
    answers::complete(&mut answers, &hints).map_err(|needed| {
        Failure::usage(
            format!("there is no terminal to ask on, and no answer for {}", needed.join(" and ")),
            "give them as flags: `defrost init --url oss://bucket/prefix --region cn-hangzhou --days 7 nightly.toml`",
        )
    })?;
    if clock(&answers.at).is_none() {
        return Err(Failure::usage(
            format!("--at {:?}: is no hour", answers.at),
            "write it like 22:00, from 00:00 to 23:59",
        ));
    }
    let file = args.file.clone().unwrap_or_else(|| PathBuf::from(default(&answers)));
    let text = sound(&answers, &file)?;
    if is_stdout(&file) {
        super::out(text.as_bytes())?;
        return Ok(Exit::Done);
    }
    write(&file, &text, args.force).map_err(|e| unwritable(&file, e))?;
    tell(&next(&file, &answers), context);
    Ok(Exit::Done)
}

/// The file that is written if none is named.
const fn default(answers: &Answers) -> &'static str {
    if answers.audit { AUDIT } else { FILE }
}

/// The name of the job that is written to `file`: what a job may be called, made of the file's name.
fn name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy();
    let legal = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name = stem.chars().map(legal).skip_while(|c| !c.is_ascii_alphanumeric());
    let name: String = name.take(LONGEST_NAME).collect();
    (!name.is_empty()).then_some(name)
}

fn is_stdout(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What the environment says of regions.
fn hints(context: &Context) -> Hints {
    let var = |name: &str| context.env.var(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Hints {
        regions: Provider::ALL.map(|provider| match provider {
            Provider::Oss => var("OSS_REGION"),
            Provider::Cos => var("TENCENTCLOUD_REGION"),
            Provider::S3 => var("AWS_REGION").or_else(|| var("AWS_DEFAULT_REGION")),
        }),
    }
}

/// Asks on the terminal; `None` if a signal came instead of an answer. What was answered by then is told as a
/// line that goes on from there.
async fn asked(
    mut answers: Answers,
    hints: Hints,
    args: &InitArgs,
    context: &Context,
) -> Result<Option<Answers>, Failure> {
    let (told, said) = tokio::sync::oneshot::channel();
    let (kept, so_far) = tokio::sync::watch::channel(answers.clone());
    // A thread of its own, which nobody has to wait for: it may wait for a line for ever.
    std::thread::spawn(move || {
        let mut keep = |answers: &Answers| drop(kept.send_replace(answers.clone()));
        let ended = answers::ask(&mut answers, &hints, &mut io::stdin().lock(), &mut io::stderr(), &mut keep);
        // Whoever was stopped does not hear it.
        let _ = told.send(ended.map(|()| answers));
    });
    let said = tokio::select! {
        biased;
        _ = context.signals.stop().beyond(Step::Go) => None,
        said = said => Some(said),
    };
    let way_on = way_on(&so_far.borrow(), args);
    match said {
        None => {
            if let Some(line) = way_on {
                // Below the question that stands there unanswered.
                tell(&format!("\nwhat was answered is kept in this line: {line}"), context);
            }
            Ok(None)
        }
        Some(Ok(Ok(answers))) => Ok(Some(answers)),
        Some(Ok(Err(error))) => Err(unanswered(error, way_on)),
        Some(Err(_)) => Err(unanswered(io::ErrorKind::UnexpectedEof.into(), way_on)),
    }
}

/// The line that asks for what `answers` do not answer; `None` where they answer nothing.
fn way_on(answers: &Answers, args: &InitArgs) -> Option<String> {
    let flags = answers::as_flags(answers);
    let force = if args.force { " --force" } else { "" };
    let file = args.file.as_ref().map(|file| format!(" {}", in_shell(&file.display().to_string())));
    (!flags.is_empty()).then(|| format!("defrost init{flags}{force}{}", file.unwrap_or_default()))
}

fn unanswered(error: io::Error, way_on: Option<String>) -> Failure {
    let error = anyhow::Error::new(error).context("the questions were not answered, and nothing is written");
    let hint = match way_on {
        Some(line) => format!("this line keeps what was answered, and asks for the rest: {line}"),
        None => "run it again, or answer with flags: see `defrost init --help`".to_owned(),
    };
    Failure::new(Exit::Usage, error, hint)
}

/// The file's text, as sound as `defrost check` wants it.
///
/// # Errors
/// What is wrong with the answers.
fn sound(answers: &Answers, file: &Path) -> Result<String, Failure> {
    let name = name(file).unwrap_or_else(|| default(answers).trim_end_matches(".toml").to_owned());
    let text = template::text(answers, &name, false);
    let job =
        job::from_file(file, &text, &Overrides::default(), &crate::job::Env::new()).map_err(|faults| {
            let error = anyhow::Error::new(faults)
                .context("the answers make no sound job file, and nothing is written");
            Failure::new(Exit::Usage, error, "mend the answers that are named, and run it again")
        })?;
    let vet = |job: &job::Job| connect::vet(job, &*connect::dialect(job), "");
    let Err(failure) = vet(&job) else { return Ok(text) };
    // Days or a tier that one of the classes does not offer: then each class gets the nearest.
    let clamped = template::text(answers, &name, true);
    let fitting = job::from_file(file, &clamped, &Overrides::default(), &crate::job::Env::new());
    if fitting.is_ok_and(|job| vet(&job).is_ok()) { Ok(clamped) } else { Err(failure) }
}

/// Writes `text` into a new file, or over the one that is there if `force` allows it.
fn write(file: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut opened = options.open(file)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()
}

fn unwritable(file: &Path, error: io::Error) -> Failure {
    let (exit, hint) = match error.kind() {
        io::ErrorKind::AlreadyExists => (Exit::Usage, "name another file, or pass --force to write over it"),
        io::ErrorKind::NotFound => (Exit::OwnFiles, "make its folder first, or name a file elsewhere"),
        _ => (Exit::OwnFiles, "make room or rights for it, or name a file elsewhere"),
    };
    let what = format!("cannot write `{}`", file.display());
    Failure::new(exit, anyhow::Error::new(error).context(what), hint)
}

fn demo(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    let folder = args.file.clone().unwrap_or_else(|| PathBuf::from(DEMO));
    let [job, _] = demo::make(&folder, args.force).map_err(|(file, e)| unwritable(&file, e))?;
    let csv = folder.join("demo.csv");
    let (job, csv) = (job.display(), csv.display());
    let told = format!(
        "wrote {job} and the store that it works on: no cloud, no credentials\n\n\
         Next:\n  \
         defrost plan {job}     # what it would ask for, and what that would cost\n  \
         defrost run {job}      # 20,000 objects, in some seconds; run it again for the next night\n  \
         defrost report {csv} --html demo.html   # a page for a browser\n  \
         defrost guide"
    );
    tell(&told, context);
    Ok(Exit::Done)
}

/// Tells `text`, which has several lines.
fn tell(text: &str, context: &Context) {
    text.lines().for_each(|line| context.line(line));
}

/// The next lines to type.
fn next(file: &Path, answers: &Answers) -> String {
    let shown = in_shell(&file.display().to_string());
    let (hour, minute) = clock(&answers.at).unwrap_or((22, 0));
    // Cron starts in the user's home, with hardly a PATH.
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("defrost"));
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let [program, whole] = [program, whole].map(|path| in_crontab(&path.display().to_string()));
    let plan = if answers.audit {
        String::new()
    } else {
        format!("\n  defrost plan {shown}             # objects, bytes, fees, time; restores nothing")
    };
    format!(
        "wrote {shown}\n\n\
         Next:\n  \
         defrost check {shown}            # every fault at once; no network\n  \
         defrost check {shown} --online   # credentials, region, clock, rights; restores nothing{plan}\n  \
         defrost run {shown}              # safe to repeat: it goes on where it was\n\n\
         Every night, as a line of `crontab -e` (credentials as in your shell; 7 is no alarm: the last run is still at \
         work):\n  \
         {minute} {hour} * * * {program} run -q {whole} || test $? -eq 7"
    )
}

/// A word as a shell takes it.
fn in_shell(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+=@:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A word as a crontab takes it, where `%` would end the line.
fn in_crontab(word: &str) -> String {
    in_shell(word).replace('%', r"\%")
}
