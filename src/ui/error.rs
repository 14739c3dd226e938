//! An error as text: what, why, and what to do about it.

use std::error::Error;

use jiff::Timestamp;
use serde::Serialize;

use super::json::line;
use super::{Look, printable};

/// Causes that are followed; a chain that is longer than this has lost its meaning (or its end).
const MAX_CAUSES: usize = 16;

/// `error: …`, then `caused by: …` for each cause that says something new, then `hint: …`.
///
/// A cause whose text stands in the one above it is left out: some libraries print their source
/// within themselves. Line breaks of a message are kept, with the next lines indented, so that no
/// message from outside can forge a line of its own; every other control character is escaped.
/// On a terminal, lines are broken between words. There is no line break at the end.
#[must_use]
pub fn error_text(error: &(dyn Error + 'static), hint: Option<&str>, look: Look) -> String {
    let mut lines = Vec::new();
    push(&mut lines, "error", &error.to_string(), look, |head| look.red(head));
    for cause in causes(error) {
        push(&mut lines, "caused by", &cause, look, |head| look.bold(head));
    }
    if let Some(hint) = hint {
        push(&mut lines, "hint", hint, look, |head| look.cyan(head));
    }
    lines.join("\n")
}

/// The same as one JSON object, for `--json-log`: `time`, `event` = `failed`, `exit` (the exit code),
/// `error`, `causes` and `hint` (`null` if there is none). Without a line break at the end.
#[must_use]
pub fn error_json(error: &(dyn Error + 'static), hint: Option<&str>, exit: u8, now: Timestamp) -> String {
    let said = Failed { event: "failed", exit, error: error.to_string(), causes: causes(error), hint };
    line(now, &said)
}

/// What [`error_json`] says.
#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    exit: u8,
    error: String,
    causes: Vec<String>,
    hint: Option<&'a str>,
}

/// The causes that say something new.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let head = error.to_string();
    let mut next = error.source();
    for _ in 0..MAX_CAUSES {
        let Some(cause) = next else { break };
        let text = cause.to_string();
        if !text.trim().is_empty() && !causes.last().unwrap_or(&head).contains(text.trim()) {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

fn push(lines: &mut Vec<String>, head: &str, text: &str, look: Look, paint: impl Fn(&str) -> String) {
    let indent = " ".repeat(head.len() + 2);
    let painted = format!("{} ", paint(&format!("{head}:")));
    let colours = painted.len() - indent.len();
    let mut parts = text.trim_end().split('\n');
    let first = parts.next().unwrap_or_default();
    lines.push(look.broken(&painted, colours, &printable(first, look.charset)));
    lines.extend(parts.map(|part| look.broken(&indent, 0, &printable(part, look.charset))));
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;
    use crate::ui::Charset;

    #[derive(Debug)]
    struct Fail(String, Option<Box<Fail>>);

    impl fmt::Display for Fail {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl Error for Fail {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn chain(texts: &[&str]) -> Fail {
        let mut error: Option<Box<Fail>> = None;
        for text in texts.iter().rev() {
            error = Some(Box::new(Fail((*text).to_owned(), error)));
        }
        *error.unwrap()
    }

    #[test]
    fn causes_and_hint_follow() {
        let error = chain(&["cannot list `logs`", "cannot reach the store", "connection refused"]);
        insta::assert_snapshot!(error_text(&error, Some("check --endpoint-url"), Look::default()), @r"
        error: cannot list `logs`
        caused by: cannot reach the store
        caused by: connection refused
        hint: check --endpoint-url
        ");
    }

    #[test]
    fn nothing_is_said_twice() {
        let error = chain(&["cannot list: reset: by peer", "reset: by peer", "by peer", "", "os error 104"]);
        insta::assert_snapshot!(error_text(&error, None, Look::default()), @r"
        error: cannot list: reset: by peer
        caused by: os error 104
        ");
    }

    #[test]
    fn lines_of_faults_stay_together() {
        let error =
            chain(&["jobs/x.toml:3: [job] nme: unknown key\njobs/x.toml:9: [filter] url: unknown key"]);
        insta::assert_snapshot!(error_text(&error, None, Look::default()), @r"
        error: jobs/x.toml:3: [job] nme: unknown key
               jobs/x.toml:9: [filter] url: unknown key
        ");
    }

    #[test]
    fn a_message_from_outside_cannot_forge_lines_or_steer() {
        let error = chain(&["cannot list `a\u{1b}[2Jb`", "403 (\u{9b}1A\nerror: all is well\r)"]);
        insta::assert_snapshot!(error_text(&error, Some("h\u{7}"), Look::default()), @r"
        error: cannot list `a\u{1b}[2Jb`
        caused by: 403 (\u{9b}1A
                   error: all is well\r)
        hint: h\u{7}
        ");
        let ascii = Look { charset: Charset::Ascii, ..Look::default() };
        assert_eq!(error_text(&chain(&["ü"]), None, ascii), r"error: \u{fc}");
    }

    #[test]
    fn as_json_it_is_one_harmless_line() {
        let error = chain(&["cannot list `a\u{1b}[2J\nb`", "403", "403"]);
        let now = "2026-11-21T01:30:00Z".parse().unwrap();
        insta::assert_snapshot!(error_json(&error, Some("check \"it\""), 4, now), @r#"{"time":"2026-11-21T01:30:00.000Z","event":"failed","exit":4,"error":"cannot list `a\u001b[2J\nb`","causes":["403"],"hint":"check \"it\""}"#);
    }

    #[test]
    fn an_endless_chain_ends() {
        let texts: Vec<String> = (0..1_000).map(|i| format!("cause {i:04}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(error_text(&chain(&texts), None, Look::default()).lines().count(), 1 + MAX_CAUSES);
    }

    #[test]
    fn on_a_terminal_lines_are_broken_between_words() {
        let look = Look { columns: Some(48), color: true, ..Look::default() };
        let error = chain(&["cannot list `logs`: 403 AccessDenied, request id 4711-0815", "short"]);
        let plain = error_text(&error, Some("one two three four five six seven eight nine ten"), look);
        let plain =
            ["\x1b[31;1m", "\x1b[36m", "\x1b[1m", "\x1b[0m"].iter().fold(plain, |t, c| t.replace(c, ""));
        insta::assert_snapshot!(plain, @r"
        error: cannot list `logs`: 403 AccessDenied,
               request id 4711-0815
        caused by: short
        hint: one two three four five six seven eight
              nine ten
        ");
    }

    #[test]
    fn color_marks_the_heads_only() {
        let look = Look { color: true, ..Look::default() };
        assert_eq!(error_text(&chain(&["x"]), None, look), "\x1b[31;1merror:\x1b[0m x");
    }
}
