//! Which form the messages take, and what the reader's end can show.

use std::io::IsTerminal as _;
use std::sync::Arc;

use super::table::{WIDTH, wrapped};
use super::{Bars, Charset, JsonLog, Lines, Sink};
use crate::model::{Clock, Tell};

/// Texts are not broken into lines shorter than this, however narrow the terminal, in columns.
const NARROWEST: usize = 40;
/// Nor are they longer than this, however wide it is: longer lines are hard to read.
const WIDEST: usize = 100;

/// How messages look. The default is a plain log: no terminal, no colour, UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether a person watches a terminal that can redraw lines.
    pub terminal: bool,
    /// `-q` is −1, nothing 0, `-v` 1, `-vv` 2; beyond these, the nearest counts.
    pub verbosity: i8,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Whether text may be coloured.
    pub color: bool,
    /// Which characters can be shown.
    pub charset: Charset,
    /// How wide the terminal is, in columns; `None` for no terminal, where lines are never broken.
    pub columns: Option<u16>,
}

impl Look {
    /// What the process's stderr can show; `color` false (`--no-color`) switches colours off for
    /// certain.
    ///
    /// Asked for: whether stderr is a terminal, `TERM` (`dumb` cannot redraw), `NO_COLOR`
    /// (any value that is not empty, see <https://no-color.org>), and the locale (`LC_ALL`,
    /// `LC_CTYPE`, `LANG`: the first that is set; without UTF-8 in it, text is kept to ASCII).
    #[must_use]
    pub fn of_stderr(verbosity: i8, json: bool, color: bool) -> Self {
        let looked = Self::judged(std::io::stderr().is_terminal(), |name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        });
        // What cannot redraw can still be read: its width counts even where it is `dumb`.
        let size = terminal_size::terminal_size_of(std::io::stderr());
        let columns = size.map(|(width, _)| width.0);
        Self { verbosity, json, color: color && looked.color, columns, ..looked }
    }

    /// The same as [`of_stderr`](Self::of_stderr) from given facts.
    fn judged(terminal: bool, env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let terminal = terminal && set("TERM").is_none_or(|term| term != "dumb");
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
        Self {
            terminal,
            verbosity: 0,
            json: false,
            color: terminal && set("NO_COLOR").is_none(),
            charset: if locale.contains("utf-8") || locale.contains("utf8") {
                Charset::Utf8
            } else {
                Charset::Ascii
            },
            columns: None,
        }
    }

    /// `text`, which must be printable and without colours, behind `head`; broken between words where the
    /// terminal ends, with later lines as far in as `head` is long. Colours of `head` take `painted` columns.
    pub(super) fn broken(self, head: &str, painted: usize, text: &str) -> String {
        let Some(columns) = self.columns else { return format!("{head}{text}") };
        let width = usize::from(columns).clamp(NARROWEST, WIDEST);
        // The head is measured as it is seen.
        let blank = " ".repeat(super::escape::columns(head).saturating_sub(painted));
        let lines = wrapped(width, &blank, text.split(' '), " ");
        format!("{head}{}", lines.join("\n").get(blank.len()..).unwrap_or_default())
    }

    /// The same for what is written to stdout, of whose terminal the width counts there.
    #[must_use]
    pub fn on_stdout(self) -> Self {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        Self { columns: size.map(|(width, _)| width.0), ..self }
    }

    /// Widest line of a table, in columns: [`WIDTH`], or less where the terminal has less.
    pub(super) fn width(self) -> usize {
        self.columns.map_or(WIDTH, |columns| usize::from(columns).clamp(NARROWEST, WIDTH))
    }

    /// Only failures are shown.
    pub(super) const fn is_quiet(self) -> bool {
        self.verbosity < 0
    }

    /// `text` in red where colours are on. `text` must be printable already.
    pub(super) fn red(self, text: &str) -> String {
        self.painted("31;1", text)
    }

    /// `text` in bold where colours are on. `text` must be printable already.
    pub(super) fn bold(self, text: &str) -> String {
        self.painted("1", text)
    }

    /// `text` in cyan where colours are on. `text` must be printable already.
    pub(super) fn cyan(self, text: &str) -> String {
        self.painted("36", text)
    }

    fn painted(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The teller for `look`: JSON lines if asked for, progress bars if somebody watches a terminal
/// and did not ask for quiet, else plain lines. All write to `sink`.
#[must_use]
pub fn choose(look: Look, sink: Sink, clock: Arc<dyn Clock>) -> Arc<dyn Tell> {
    if look.json {
        Arc::new(JsonLog::new(look, sink, clock))
    } else if look.terminal && !look.is_quiet() {
        Arc::new(Bars::new(look, sink))
    } else {
        Arc::new(Lines::new(look, sink))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sink::tests::Page;
    use super::*;
    use crate::model::{Event, SystemClock};

    fn judged(terminal: bool, vars: &[(&str, &str)]) -> Look {
        Look::judged(terminal, |name| {
            vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminal_color_and_charset_follow_the_environment() {
        let full = judged(true, &[("TERM", "xterm"), ("LANG", "de_DE.UTF-8")]);
        assert!(full.terminal && full.color && full.charset == Charset::Utf8);
        // From cron: no terminal, no locale.
        assert_eq!(judged(false, &[]), Look { charset: Charset::Ascii, ..Look::default() });
        assert!(!judged(true, &[("NO_COLOR", "1")]).color);
        assert!(judged(true, &[("NO_COLOR", "")]).color);
        let dumb = judged(true, &[("TERM", "dumb")]);
        assert!(!dumb.terminal && !dumb.color);
    }

    #[test]
    fn first_locale_variable_decides() {
        let both = [("LC_ALL", "C"), ("LANG", "en_US.UTF-8")];
        assert_eq!(judged(true, &both).charset, Charset::Ascii);
        let unset = [("LC_ALL", ""), ("LC_CTYPE", "C.utf8")];
        assert_eq!(judged(true, &unset).charset, Charset::Utf8);
    }

    #[test]
    fn every_look_has_its_teller() {
        let told = |look: Look| {
            let (page, sink) = Page::new();
            choose(look, sink, Arc::new(SystemClock::new())).tell(Event::Started {
                job: "j".to_owned(),
                verb: "scan",
                target: "oss://b/".to_owned(),
                report: "r.csv".into(),
                rate: 0,
            });
            page.text()
        };
        let terminal = Look { terminal: true, ..Look::default() };
        assert!(told(terminal).contains('\x1b'));
        assert_eq!(told(Look { verbosity: -1, ..terminal }), "");
        assert!(told(Look { json: true, ..terminal }).starts_with("{\"time\":"));
        assert_eq!(told(Look::default()), "scan j: oss://b/, report r.csv\n");
    }
}
