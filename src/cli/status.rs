//! `defrost status JOB|URL`: where a job stands, from its files alone.

use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::args::StatusArgs;
use super::context::Context;
use super::exit::{Exit, Failure};
use super::load;
use crate::job::{self, Overrides, Verb};
use crate::model::{Clock, Doing, Kinds, SystemClock};
use crate::pipeline::Step;
use crate::pipeline::budget;
use crate::pipeline::checkpoint::StateDir;
use crate::pipeline::report::{Report, report_of};
use crate::pipeline::wait::WaitMark;
use crate::ui::{Look, RunState, StatusScreen, StatusView, WaitSeen, status_json, status_line, status_table};

/// Between two looks at a run that goes on: it tells of itself as often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two lines where nobody watches a terminal.
const TELL_EVERY: Duration = Duration::from_mins(1);

pub(super) async fn run(args: &StatusArgs, context: &Context) -> Result<Exit, Failure> {
    let clock = SystemClock::new();
    let terminal =
        std::io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let look = on_stdout(context.look.on_stdout(), terminal);
    let screen = (terminal && !args.json).then(|| StatusScreen::new(look));
    let mut told: Option<Duration> = None;
    let mut views = looked(args, context)?;
    let before = saved(&views);
    let mut begun = false;
    // What is told meanwhile, and once more below.
    loop {
        let live = views.iter().any(is_live);
        // A run may begin and end between two looks.
        let over = !live && (begun || saved(&views) != before);
        if !args.watch || over {
            break;
        }
        if !live && told.is_none() {
            told = Some(clock.monotonic());
            context.line("nothing is under way: waiting for a run to begin; Ctrl-C ends the watch");
        }
        if live && !begun {
            (begun, told) = (true, None);
        }
        let due = told.is_none_or(|at| clock.monotonic().saturating_sub(at) >= TELL_EVERY);
        if !live {
            // There is nothing to show yet.
        } else if let Some(screen) = &screen {
            screen.draw(&views, clock.now());
        } else if args.json {
            super::out(json(&views).as_bytes())?;
        } else if due {
            told = Some(clock.monotonic());
            let lines = views.iter().filter_map(|view| status_line(view, look));
            super::out(lines.map(|line| line + "\n").collect::<String>().as_bytes())?;
        }
        tokio::select! {
            biased;
            _ = context.signals.stop().beyond(Step::Go) => {
                if begun && screen.is_some() {
                    super::out(b"\n")?;
                }
                return Ok(context.signals.exit());
            }
            () = clock.sleep(LOOK_EVERY) => {}
        }
        views = looked(args, context)?;
    }
    if let Some(screen) = &screen {
        screen.clear();
    }
    // The answer to the question is data: it goes to stdout.
    let text = if args.json { json(&views) } else { table(&views, clock.now(), look) };
    super::out(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The look of stdout, where that of stderr is `look`.
fn on_stdout(look: Look, terminal: bool) -> Look {
    // Coloured without a terminal is only what somebody asked for by name.
    let always = look.color && !look.terminal;
    Look { color: look.color && (terminal || always), ..look }
}

fn json(views: &[StatusView]) -> String {
    views.iter().map(|view| status_json(view) + "\n").collect()
}

fn table(views: &[StatusView], now: Timestamp, look: Look) -> String {
    let tables: Vec<String> = views.iter().map(|view| status_table(view, now, look)).collect();
    tables.join("\n")
}

/// When what is known of each was saved.
fn saved(views: &[StatusView]) -> Vec<Option<Timestamp>> {
    views.iter().map(|view| view.saved_at).collect()
}

fn is_live(view: &StatusView) -> bool {
    view.state.is_live() || view.release.is_some()
}

/// How the job, all its sources, or the runs of the URL stand now.
fn looked(args: &StatusArgs, context: &Context) -> Result<Vec<StatusView>, Failure> {
    let mut views = Vec::new();
    if load::is_url(&args.target) {
        for verb in [Verb::Scan, Verb::Plan, Verb::Restore] {
            let folder =
                job::url_state_dir(verb, &args.target, args.state_dir.as_deref(), context.env.all())?;
            views.extend(view(&folder, &folder, (verb, &args.target))?);
        }
    } else {
        let over = Overrides { state_dir: args.state_dir.clone(), ..Overrides::default() };
        for job in load::all_from_file(Path::new(&args.target), &over, context)? {
            let url = job.source.url();
            let seen = view(&job.state_dir, &job.shared_dir, (job.verb, &url))?;
            views.push(seen.unwrap_or_else(|| never(&job.name, job.verb, &url)));
            // A retry is told where there was one.
            let retry = job.retry_state_dir();
            views.extend(view(&retry, &job.shared_dir, (job.verb, &url))?);
        }
    }
    if views.is_empty() {
        views.push(never(&args.target, Verb::Restore, &args.target));
    }
    Ok(views)
}

/// What the state in `folder` tells, of a job whose runs share `shared`; nothing if there is none. `asked`
/// is what the job is, where its state does not say.
fn view(folder: &Path, shared: &Path, asked: (Verb, &str)) -> Result<Option<StatusView>, Failure> {
    // The lock is looked at first: what its holder has told by then is not older.
    let holder = StateDir::holder(folder)?;
    let live = holder.and_then(|pid| StateDir::peek_live(folder, pid));
    let release = StateDir::peek_release(folder);
    let waits = matches!(live.as_ref().map(|live| &live.doing), Some(Doing::Wait { .. }));
    let job = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(mark) = StateDir::peek(folder)? else {
        // It has just begun, and its first checkpoint is yet to come; or copies are given back.
        let state = if holder.is_some() { RunState::Running } else { RunState::Never };
        let begun = StatusView { state, lock_pid: holder, live, release, ..never(&job, asked.0, asked.1) };
        return Ok((holder.is_some() || begun.release.is_some()).then_some(begun));
    };
    let state = match (&mark.finished, holder) {
        (_, Some(_)) if waits => RunState::Waiting,
        (_, Some(_)) => RunState::Running,
        (None, None) => RunState::Interrupted,
        (Some(_), None) => RunState::Finished,
    };
    let fact = |field: &str| {
        mark.identity
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let finished = mark.finished.is_some();
    let (spending, elsewhere) = budget::peek(folder, shared)?.unzip();
    let wait = WaitMark::peek(folder)?.filter(|wait| wait.run_id == mark.run_id);
    Ok(Some(StatusView {
        job,
        verb: fact("verb"),
        target: fact("url"),
        state,
        ended: mark.finished.clone(),
        rows: mark.rows,
        kinds: Kinds::from(&mark.tally),
        bytes: mark.tally.matched.bytes,
        last_key: mark.reached().map(str::to_owned),
        started: Some(mark.started_at),
        saved_at: Some(mark.saved_at),
        report: Some(if finished {
            report_of(&mark.report, &mark.run_id)
        } else {
            Report::partial_path(&mark.report)
        }),
        lock_pid: holder,
        spending,
        elsewhere: elsewhere.flatten(),
        live,
        wait: wait.map(seen),
        release,
    }))
}

fn seen(wait: WaitMark) -> WaitSeen {
    WaitSeen {
        ready: wait.ready,
        open: wait.open,
        stuck: wait.stuck,
        missing: wait.missing,
        archived: wait.archived,
        polls: wait.polls,
        polled_at: wait.polled_at,
        ended: wait.finished,
    }
}

fn never(job: &str, verb: Verb, target: &str) -> StatusView {
    StatusView {
        job: job.to_owned(),
        verb: verb.as_str().to_owned(),
        target: target.to_owned(),
        state: RunState::Never,
        ended: None,
        rows: 0,
        kinds: Kinds::default(),
        bytes: 0,
        last_key: None,
        started: None,
        saved_at: None,
        report: None,
        lock_pid: None,
        spending: None,
        elsewhere: None,
        live: None,
        wait: None,
        release: None,
    }
}
