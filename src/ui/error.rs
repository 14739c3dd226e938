//! An error as text: what, why, and what to do about it.

use std::error::Error;

use super::{Look, printable};

/// Causes that are followed; a chain that is longer than this has lost its meaning (or its end).
const MAX_CAUSES: usize = 16;

/// `error: …`, then `caused by: …` for each cause that says something new, then `hint: …`.
///
/// A cause whose text stands in the one above it is left out: some libraries print their source
/// within themselves. Line breaks of a message are kept, with the next lines indented, so that no
/// message from outside can forge a line of its own; every other control character is escaped.
/// There is no line break at the end.
#[must_use]
pub fn error_text(error: &(dyn Error + 'static), hint: Option<&str>, look: Look) -> String {
    let mut lines = Vec::new();
    let mut above = error.to_string();
    push(&mut lines, "error", &above, look, |head| look.red(head));
    let mut next = error.source();
    for _ in 0..MAX_CAUSES {
        let Some(cause) = next else { break };
        let text = cause.to_string();
        if !text.trim().is_empty() && !above.contains(text.trim()) {
            push(&mut lines, "caused by", &text, look, |head| look.bold(head));
            above = text;
        }
        next = cause.source();
    }
    if let Some(hint) = hint {
        push(&mut lines, "hint", hint, look, |head| look.cyan(head));
    }
    lines.join("\n")
}

fn push(lines: &mut Vec<String>, head: &str, text: &str, look: Look, paint: impl Fn(&str) -> String) {
    let indent = " ".repeat(head.len() + 2);
    let mut parts = text.trim_end().split('\n');
    let first = parts.next().unwrap_or_default();
    lines.push(format!("{} {}", paint(&format!("{head}:")), printable(first, look.charset)));
    lines.extend(parts.map(|part| format!("{indent}{}", printable(part, look.charset))));
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
    fn an_endless_chain_ends() {
        let texts: Vec<String> = (0..1_000).map(|i| format!("cause {i:04}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(error_text(&chain(&texts), None, Look::default()).lines().count(), 1 + MAX_CAUSES);
    }

    #[test]
    fn color_marks_the_heads_only() {
        let look = Look { color: true, ..Look::default() };
        assert_eq!(error_text(&chain(&["x"]), None, look), "\x1b[31;1merror:\x1b[0m x");
    }
}
