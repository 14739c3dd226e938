//! The table at the end of a wait.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::escape::clipped;
use super::human::human_objects;
use super::table::wrapped;
use super::{Look, human_count, human_span, printable};
use crate::model::RequestCounts;

/// Everything that the table of a wait shows.
#[derive(Clone, Copy, Debug)]
pub struct WaitView<'a> {
    /// Name of the job.
    pub job: &'a str,
    /// The bucket URL.
    pub target: &'a str,
    /// How it ended, in a few words.
    pub end: &'a str,
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
    /// The object that has been restoring for the longest, and since when.
    pub oldest: Option<(&'a str, Timestamp)>,
    /// The hour.
    pub now: Timestamp,
    /// How often the wait has looked.
    pub polls: u64,
    /// Requests by kind.
    pub requests: RequestCounts,
    /// Time spent waiting.
    pub elapsed: Duration,
    /// The file of keys.
    pub ready_file: Option<&'a Path>,
    /// Batches that a command has taken; `None` without one.
    pub batches: Option<u64>,
    /// Where the same is kept for machines.
    pub file: &'a Path,
}

/// The table of a wait. Lines are at most 80 columns wide, but for names from outside. Ends with a
/// line break.
#[must_use]
pub fn wait_table(view: &WaitView<'_>, look: Look) -> String {
    let dot = look.charset.dot();
    let safe = |text: &str| printable(text, look.charset).into_owned();
    let mut lines = vec![
        look.bold(&format!("wait {}, {}: {}", safe(view.job), safe(view.target), view.end)),
        String::new(),
    ];
    let mut row = |name: &str, items: &[String]| {
        lines.extend(wrapped(look.width(), &format!("{name:<10}"), items.iter().map(String::as_str), dot));
    };
    let counts = [
        (view.ready, "ready", true),
        (view.open, "open", true),
        (view.stuck, "stuck", false),
        (view.missing, "gone", false),
        (view.archived, "archived again", false),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|&(n, _, always)| always || n > 0)
        .map(|(n, word, _)| format!("{word} {}", human_count(n)))
        .collect();
    row("objects", &counts);
    if let Some((key, since)) = view.oldest {
        let age = Duration::try_from(view.now.duration_since(since)).unwrap_or_default();
        row(
            "oldest",
            &[clipped(key, look.width() - 10, look.charset), format!("since {since:.0}"), human_span(age)],
        );
    }
    let RequestCounts { list, head, retries, .. } = view.requests;
    let mut looks = vec![human_count(view.polls), format!("list {}", human_count(list))];
    looks.extend(
        [(head, "head"), (retries, "retries")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{word} {}", human_count(n))),
    );
    row("looks", &looks);
    row("elapsed", &[human_span(view.elapsed)]);
    if let Some(path) = view.ready_file {
        // Paths are not broken: they are there to be copied.
        lines.push(format!("{:<10}{}", "keys", safe(&path.to_string_lossy())));
    }
    if let Some(batches) = view.batches {
        lines.push(format!("{:<10}took {} batches", "command", human_count(batches)));
    }
    lines.push(format!("{:<10}{}", "state", safe(&view.file.to_string_lossy())));
    if view.open > 0 {
        let text = format!("the same line waits for the other {}", human_objects(view.open));
        lines.extend(wrapped(look.width(), "to go on  ", text.split(' '), " "));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_ran_out_of_time() {
        let view = WaitView {
            job: "nightly",
            target: "oss://logs/2024/",
            end: "time limit reached",
            ready: 49_000,
            open: 1_000,
            stuck: 7,
            missing: 1,
            archived: 0,
            oldest: Some(("logs/a\u{1b}[2J.gz", "2026-11-21T02:00:00Z".parse().unwrap())),
            now: "2026-11-24T02:00:00Z".parse().unwrap(),
            polls: 12,
            requests: RequestCounts { list: 600, head: 40, ..RequestCounts::default() },
            elapsed: Duration::from_hours(72),
            ready_file: Some(Path::new("/out/ready.txt")),
            batches: Some(49),
            file: Path::new("/state/nightly/wait.json"),
        };
        insta::assert_snapshot!(wait_table(&view, Look::default()), @r"
        wait nightly, oss://logs/2024/: time limit reached

        objects   ready 49,000 · open 1,000 · stuck 7 · gone 1
        oldest    logs/a\u{1b}[2J.gz · since 2026-11-21T02:00:00Z · 3d00h
        looks     12 · list 600 · head 40
        elapsed   3d00h
        keys      /out/ready.txt
        command   took 49 batches
        state     /state/nightly/wait.json
        to go on  the same line waits for the other 1,000 objects
        ");
    }
}
