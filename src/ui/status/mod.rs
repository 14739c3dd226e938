//! Where a job stands, from its files alone: as a table, and (`json`) for scripts.

mod json;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;

pub use self::json::status_json;
use super::closing::spent_words;
use super::escape::clipped;
use super::figures::{self, answers};
use super::panel::{self, Rows};
use super::screen::Screen;
use super::{Look, Sink, human_bytes, human_count, human_objects, human_span, printable};
use crate::model::{Doing, Kinds, Live, Phase, Spending, Spent};

/// What is told of a live run that is older than this has its age told with it.
const FRESH_SECONDS: i64 = 5;

/// What the files of a job tell about its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A live process holds the lock.
    Running,
    /// A live process holds the lock, and waits for copies to become readable.
    Waiting,
    /// A checkpoint is there and nobody holds the lock: the same line goes on from it.
    Interrupted,
    /// The last run worked through its listing.
    Finished,
    /// No run has left anything.
    Never,
}

impl RunState {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Never => "never run",
        }
    }

    /// Whether a process is at work.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Running | Self::Waiting)
    }
}

/// How far the last wait for copies to become readable is, by its own file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitSeen {
    /// Objects that are readable.
    pub ready: u64,
    /// Objects still restoring.
    pub open: u64,
    /// Those of them that take longer than promised.
    pub stuck: u64,
    /// Objects that have gone.
    pub missing: u64,
    /// Objects that are archived again.
    pub archived: u64,
    /// How often it has looked.
    pub polls: u64,
    /// When it last looked.
    pub polled_at: Option<Timestamp>,
    /// How it ended; `None` if it goes on, or was broken off.
    pub ended: Option<String>,
}

/// What `status` shows of one job; whoever reads the checkpoint and the lock fills it in.
#[derive(Clone, Debug)]
pub struct StatusView {
    /// Name of the job.
    pub job: String,
    /// `scan`, `plan` or `restore`.
    pub verb: String,
    /// The bucket URL.
    pub target: String,
    /// How the last run stands.
    pub state: RunState,
    /// What the last run came to, in the word of its summary; `None` unless it is finished.
    pub ended: Option<String>,
    /// Rows that are made and safe, in the report or waiting for their turn.
    pub rows: u64,
    /// Answers by kind so far, by the checkpoint.
    pub kinds: Kinds,
    /// Sum of the sizes of the matched objects, in bytes.
    pub bytes: u64,
    /// The last key that is done, as the report spells it.
    pub last_key: Option<String>,
    /// When the run (the first of its resumed parts) began.
    pub started: Option<Timestamp>,
    /// When the checkpoint was last written.
    pub saved_at: Option<Timestamp>,
    /// Where the report (or its partial file) stands.
    pub report: Option<PathBuf>,
    /// The process that holds the lock.
    pub lock_pid: Option<u32>,
    /// What was spent of the budget, if the job keeps an account.
    pub spending: Option<Spending>,
    /// What other sources of the same file took of that day.
    pub elsewhere: Option<Spent>,
    /// What the process at work tells of itself.
    pub live: Option<Live>,
    /// The wait for what the run asked for, if there was one.
    pub wait: Option<WaitSeen>,
    /// What a release under way tells of itself.
    pub release: Option<Live>,
}

/// `view` as lines of name and value, up to 80 columns wide but for names from outside; spans are told
/// as seen from `now`. Ends with a line break.
#[must_use]
pub fn status_table(view: &StatusView, now: Timestamp, look: Look) -> String {
    let mut rows = Rows::uncut(look.width(), look);
    laid(&mut rows, view, now, look);
    rows.lines().join("\n") + "\n"
}

/// Status tables that are drawn again and again on the terminal that stdout is.
#[derive(Debug)]
pub struct StatusScreen {
    screen: Screen,
    look: Look,
}

impl StatusScreen {
    /// On stdout, below what stands there.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self { screen: Screen::new(Sink::stdout()), look }
    }

    /// Draws `views` in the place of what was drawn last; no line is wider than the terminal.
    pub fn draw(&self, views: &[StatusView], now: Timestamp) {
        let width = self.screen.measure();
        let mut lines = Vec::new();
        for view in views {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let mut rows = Rows::new(width, self.look);
            laid(&mut rows, view, now, self.look);
            lines.extend(rows.lines());
        }
        let hint = "Ctrl-C ends the watching, not the run.";
        lines.extend([String::new(), clipped(hint, width, self.look.charset)]);
        self.screen.redraw(lines);
    }

    /// Takes away what was drawn.
    pub fn clear(&self) {
        self.screen.redraw(Vec::new());
    }
}

/// What a live run does, on one line; `None` if nobody is at work.
#[must_use]
pub fn status_line(view: &StatusView, look: Look) -> Option<String> {
    let live = view.live.as_ref()?;
    let text = match &live.doing {
        Doing::Run { verb, phase, allowed, progress } => {
            let figures = figures::line(progress, verb, *allowed, look.charset);
            let now = panel::phase_words(*phase, std::time::Duration::ZERO);
            now.into_iter().chain([figures]).collect::<Vec<_>>().join("; ")
        }
        Doing::Wait { ready, open, .. } => {
            format!("{} of {} readable", human_count(*ready), human_objects(ready.saturating_add(*open)))
        }
        Doing::Release { .. } => return None,
    };
    Some(format!("{:.0} {}: {text}", live.at, printable(&view.job, look.charset)))
}

fn laid(rows: &mut Rows, view: &StatusView, now: Timestamp, look: Look) {
    let safe = |text: &str| printable(text, look.charset).into_owned();
    rows.row("job", &[safe(&view.job)]);
    rows.row("kind", &[safe(&view.verb)]);
    rows.row("target", &[safe(&view.target)]);
    rows.text("state", &state(view, now));
    let live = view.live.as_ref().map(|live| &live.doing);
    if view.state != RunState::Never {
        for (name, at) in [("started", view.started), ("saved", view.saved_at)] {
            if let Some(at) = at {
                rows.row(name, &[moment(at, now)]);
            }
        }
    }
    match live {
        Some(doing @ Doing::Run { .. }) => panel::doing(rows, doing),
        _ if view.state == RunState::Never => {}
        _ => {
            rows.row("listed", &[human_count(view.kinds.listed)]);
            rows.row("matched", &[human_count(view.kinds.matched), human_bytes(view.bytes)]);
            let answers = answers(&view.kinds, &view.verb, look.charset);
            if !answers.is_empty() {
                let parts: Vec<String> = answers.split(look.charset.dot()).map(str::to_owned).collect();
                rows.row("answers", &parts);
            }
        }
    }
    let bounded = matches!(live, Some(Doing::Run { progress, .. }) if !progress.budget.is_empty());
    if let Some(spending) = view.spending.as_ref().filter(|_| !bounded) {
        for (i, words) in spent_words(spending).into_iter().enumerate() {
            rows.row(if i == 0 { "spent" } else { "" }, &[words]);
        }
        if let Some(spent) = &view.elsewhere {
            let cost = spent.cost.as_ref().map(|cost| format!(", {cost}")).unwrap_or_default();
            let words = format!("{}, {}{cost}", human_objects(spent.objects), human_bytes(spent.bytes));
            rows.row("", &[format!("{words} more by other sources that day")]);
        }
    }
    match live {
        Some(doing @ Doing::Wait { .. }) => panel::doing(rows, doing),
        _ => {
            if let Some(wait) = &view.wait {
                waited(rows, wait, now);
            }
        }
    }
    if let Some(release) = &view.release {
        panel::doing(rows, &release.doing);
    }
    if view.state != RunState::Never {
        rows.row("rows", &[human_count(view.rows)]);
        if let Some(key) = &view.last_key {
            rows.row("last key", &[safe(key)]);
        }
        if let Some(report) = &view.report {
            rows.row("report", &[safe(&report.to_string_lossy())]);
        }
    }
}

/// How the last run stands, in a few words.
fn state(view: &StatusView, now: Timestamp) -> String {
    let state = match (view.state, view.lock_pid) {
        (RunState::Running | RunState::Waiting, Some(pid)) => {
            // 0 stands for a process that has not named itself yet.
            let process = if pid == 0 { String::new() } else { format!(", process {pid}") };
            format!("{}{process}", view.state.as_str())
        }
        (RunState::Interrupted, _) => return "interrupted; run the same line again to go on".to_owned(),
        (state, None) => state.as_str().to_owned(),
        (state, Some(pid)) => format!("{}, but process {pid} holds the lock", state.as_str()),
    };
    let ended = view.ended.as_deref().filter(|ended| *ended != "complete" && !view.state.is_live());
    let ended = ended.map(|word| format!(": {}", word.replace('_', " "))).unwrap_or_default();
    // A run that waits for its window has nothing new to tell.
    let at_work = |live: &&Live| matches!(live.doing, Doing::Run { phase: Phase::Running, .. });
    let old = view.live.as_ref().filter(at_work).map(|live| now.duration_since(live.at));
    let age = match old.and_then(|age| std::time::Duration::try_from(age).ok()) {
        Some(age) if age.as_secs() >= FRESH_SECONDS.unsigned_abs() => {
            format!("; it last told of itself {} ago", human_span(age))
        }
        _ => String::new(),
    };
    format!("{state}{ended}{age}")
}

/// A wait that is not going on now.
fn waited(rows: &mut Rows, wait: &WaitSeen, now: Timestamp) {
    panel::wait(rows, wait.ready, wait.open);
    let mut parts = vec![match wait.ended.as_deref() {
        Some("interrupted") | None => "left unfinished: `defrost wait` goes on with it".to_owned(),
        Some("ready") => "over: what was waited for is readable".to_owned(),
        Some("short") => "over: nothing is restoring any more".to_owned(),
        Some("timed_out") => "over: time limit reached".to_owned(),
        Some(other) => format!("over: {}", other.replace('_', " ")),
    }];
    let counts = [(wait.stuck, "stuck"), (wait.missing, "missing"), (wait.archived, "archived again")];
    parts
        .extend(counts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{word} {}", human_count(*n))));
    if let Some(at) = wait.polled_at {
        parts.push(format!("last look {}", moment(at, now)));
    }
    rows.row("wait", &parts);
}

/// A moment and how long ago it was; a moment in the future (a clock was set back) has no span.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let ago = now.duration_since(at);
    match std::time::Duration::try_from(ago) {
        Ok(span) => format!("{at:.0} ({} ago)", human_span(span)),
        Err(_) => format!("{at:.0}"),
    }
}
