//! Where a job stands, from its files alone.

use std::path::PathBuf;

use jiff::Timestamp;

use super::closing::spent_words;
use super::figures::answers;
use super::table::wrapped;
use super::{Look, human_bytes, human_count, human_span, printable};
use crate::model::{Kinds, Spending};

/// What the files of a job tell about its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A live process holds the lock.
    Running,
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
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Never => "never run",
        }
    }
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
    /// Rows that the report holds for certain.
    pub rows: u64,
    /// Answers by kind so far.
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
}

/// `view` as lines of name and value; spans are told as seen from `now`. Ends with a line break.
#[must_use]
pub fn status_table(view: &StatusView, now: Timestamp, look: Look) -> String {
    let safe = |text: &str| printable(text, look.charset).into_owned();
    let mut lines = Vec::new();
    let mut row = |name: &str, value: &str| lines.push(format!("{name:<11}{value}"));
    row("job", &look.bold(&safe(&view.job)));
    row("kind", &safe(&view.verb));
    row("target", &safe(&view.target));
    let state = match (view.state, view.lock_pid) {
        (RunState::Running, Some(pid)) => format!("running, process {pid}"),
        (RunState::Interrupted, _) => "interrupted; run the same line again to go on".to_owned(),
        (state, None) => state.as_str().to_owned(),
        (state, Some(pid)) => format!("{}, but process {pid} holds the lock", state.as_str()),
    };
    row("state", &state);
    if view.state != RunState::Never {
        for (name, at) in [("started", view.started), ("saved", view.saved_at)] {
            if let Some(at) = at {
                row(name, &moment(at, now));
            }
        }
        row("listed", &human_count(view.kinds.listed));
        row("matched", &format!("{}, {}", human_count(view.kinds.matched), human_bytes(view.bytes)));
        let answers = answers(&view.kinds, &view.verb, look.charset);
        if !answers.is_empty() {
            let dot = look.charset.dot();
            for (i, line) in wrapped(&" ".repeat(11), answers.split(dot), dot).iter().enumerate() {
                row(if i == 0 { "answers" } else { "" }, line.trim_start());
            }
        }
        if let Some(spending) = &view.spending {
            for (i, words) in spent_words(spending).iter().enumerate() {
                row(if i == 0 { "spent" } else { "" }, words);
            }
        }
        row("rows", &human_count(view.rows));
        if let Some(key) = &view.last_key {
            row("last key", &safe(key));
        }
        if let Some(report) = &view.report {
            row("report", &safe(&report.to_string_lossy()));
        }
    }
    lines.join("\n") + "\n"
}

/// A moment and how long ago it was; a moment in the future (a clock was set back) has no span.
fn moment(at: Timestamp, now: Timestamp) -> String {
    let ago = now.duration_since(at);
    match std::time::Duration::try_from(ago) {
        Ok(span) => format!("{at:.0} ({} ago)", human_span(span)),
        Err(_) => format!("{at:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::figures::tests::KINDS;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn view(state: RunState, lock_pid: Option<u32>) -> StatusView {
        StatusView {
            job: "nightly-logs".to_owned(),
            verb: "restore".to_owned(),
            target: "oss://logs/2024/".to_owned(),
            state,
            rows: 1_195_515,
            kinds: KINDS,
            bytes: 13_207_024_435,
            last_key: Some("logs/2024/\u{1b}x.gz".to_owned()),
            started: Some(at("2026-11-21T01:00:00Z")),
            saved_at: Some(at("2026-11-21T04:05:00.5Z")),
            report: Some("state/nightly-logs/report.csv.partial".into()),
            lock_pid,
            spending: None,
        }
    }

    fn shown(view: &StatusView) -> String {
        status_table(view, at("2026-11-21T04:05:12.5Z"), Look::default())
    }

    #[test]
    fn an_interrupted_run() {
        insta::assert_snapshot!(shown(&view(RunState::Interrupted, None)), @r"
        job        nightly-logs
        kind       restore
        target     oss://logs/2024/
        state      interrupted; run the same line again to go on
        started    2026-11-21T01:00:00Z (3h05m ago)
        saved      2026-11-21T04:05:00Z (12s ago)
        listed     1,234,567
        matched    1,200,000, 12.3 GiB
        answers    requested 45,000 · extended 12 · already 500 · none 1,150,000
                   failed 3
        rows       1,195,515
        last key   logs/2024/\u{1b}x.gz
        report     state/nightly-logs/report.csv.partial
        ");
    }

    #[test]
    fn what_was_spent_is_told() {
        let spent = |objects, cost: Option<&str>| crate::model::Spent {
            objects,
            bytes: 1 << 30,
            cost: cost.map(str::to_owned),
        };
        let day = Some(("2026-11-21".to_owned(), spent(7, Some("2.50 CNY"))));
        let mut view = view(RunState::Finished, None);
        view.spending = Some(Spending { run: spent(1, None), day });
        let text = shown(&view);
        let wanted = "spent      run 1 object, 1.0 GiB\n           2026-11-21 7 objects, 1.0 GiB, 2.50 CNY\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_running_one_names_its_process() {
        let text = shown(&view(RunState::Running, Some(4_711)));
        assert!(text.contains("state      running, process 4711\n"), "{text}");
    }

    #[test]
    fn a_job_that_never_ran_has_no_figures() {
        insta::assert_snapshot!(shown(&view(RunState::Never, None)), @r"
        job        nightly-logs
        kind       restore
        target     oss://logs/2024/
        state      never run
        ");
    }

    #[test]
    fn a_clock_set_back_makes_no_span() {
        let text = status_table(&view(RunState::Finished, None), at("2020-01-01T00:00:00Z"), Look::default());
        assert!(text.contains("saved      2026-11-21T04:05:00Z\n"), "{text}");
    }
}
