//! Bars that redraw themselves. With `screen`, which puts them on the terminal, all that knows indicatif.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::escape::clipped;
use super::line::TURN;
use super::notice::Notices;
use super::panel::{self, Rows};
use super::screen::Screen;
use super::{Charset, Look, Sink, human_span, printable};
use crate::model::{Doing, Event, Notice, Phase, Progress, Tell};

/// Between two drawings of what has not changed its kind: a calm screen can be read.
const CALM: Duration = Duration::from_millis(400);
/// Columns of the spinner and the blank behind it.
const SPINNER: usize = 2;

/// Tells a run to a person at a terminal: a few lines with bars that redraw themselves, notices above
/// them. No line is wider than the terminal, and a terminal that changes its width is drawn on anew.
///
/// The spinner moves with events of progress and only then, so that it stands still when the run
/// does. The lines are gone after `Finished`, or when the teller is dropped: drop it before
/// printing an error. The table at the end is the caller's to print.
#[derive(Debug)]
pub struct Bars {
    look: Look,
    sink: Sink,
    screen: Screen,
    multi: MultiProgress,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    notices: Notices,
    verb: &'static str,
    /// Restore requests a second that the job allows; 0 when nothing is sent.
    allowed: u32,
    /// The run and its job, printable.
    title: String,
    /// The bucket URL, printable; it stands last since it may be long.
    target: String,
    phase: Phase,
    progress: Progress,
    /// A wait for copies to become readable, if that is what is done now.
    wait: Option<Doing>,
    bar: Option<ProgressBar>,
    turns: usize,
    drawn_at: Option<Duration>,
    turned_at: Duration,
}

impl Bars {
    /// Bars on `sink`; [`Sink::stderr`] is asked for its width at each drawing.
    #[must_use]
    pub fn new(look: Look, sink: Sink) -> Self {
        let screen = Screen::new(sink.clone());
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        let state = State {
            notices: Notices::new(look),
            verb: "",
            allowed: 0,
            title: String::new(),
            target: String::new(),
            phase: Phase::Running,
            progress: Progress::default(),
            wait: None,
            bar: None,
            turns: 0,
            drawn_at: None,
            turned_at: Duration::ZERO,
        };
        let multi = MultiProgress::with_draw_target(target);
        Self { look, sink, screen, multi, state: Mutex::new(state) }
    }

    /// A line above the bars.
    fn above(&self, state: &State, line: &str) {
        if state.bar.is_none() {
            return self.sink.line(line);
        }
        self.screen.measure();
        // What indicatif takes for no terminal swallows lines; a message must not be lost.
        if self.multi.is_hidden() || self.multi.println(line).is_err() {
            self.sink.line(line);
        }
    }

    fn redraw(&self, state: &State) {
        let Some(bar) = &state.bar else { return };
        let width = self.screen.measure();
        let spinner: &[char] = match self.look.charset {
            Charset::Utf8 => &['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
            Charset::Ascii => &['|', '/', '-', '\\'],
        };
        let turn = spinner[state.turns % spinner.len()].to_string();
        let elapsed = if state.wait.is_some() { String::new() } else { human_span(state.progress.elapsed) };
        let parts = [&state.title, &elapsed, &state.target];
        let parts: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let head = clipped(&parts.join("  "), width.saturating_sub(SPINNER), self.look.charset);
        let mut rows = Rows::new(width, self.look);
        match &state.wait {
            Some(wait) => panel::doing(&mut rows, wait),
            None => panel::run(&mut rows, state.verb, state.phase, state.allowed, &state.progress),
        }
        let mut lines = vec![format!("{} {}", self.look.cyan(&turn), self.look.bold(&head))];
        lines.extend(rows.lines());
        bar.set_message(lines.join("\n"));
    }

    fn start(&self, state: &mut State) {
        if state.bar.is_none() {
            let bar = ProgressBar::no_length();
            // The template is a constant and parses; the default style would do as well.
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            self.screen.measure();
            state.bar = Some(self.multi.add(bar));
        }
        self.redraw(state);
    }
}

impl Tell for Bars {
    fn tell(&self, event: Event) {
        let charset = self.look.charset;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match event {
            Event::Started { job, verb, target, rate, .. } => {
                (state.verb, state.allowed) = (verb, rate);
                state.title = format!("{verb} {}", printable(&job, charset));
                state.target = printable(&target, charset).into_owned();
                self.start(state);
            }
            Event::Phase(phase) => {
                if let Some(line) = state.notices.phase(phase) {
                    self.above(state, &line);
                }
                state.phase = phase;
                self.redraw(state);
            }
            Event::Progress(progress) => {
                let elapsed = progress.elapsed;
                if elapsed < state.progress.elapsed {
                    return;
                }
                state.progress = *progress;
                if elapsed.saturating_sub(state.turned_at) >= TURN {
                    state.turned_at = elapsed;
                    if let Some(line) = state.notices.turn() {
                        self.above(state, &line);
                    }
                }
                if state.drawn_at.is_none_or(|at| elapsed.saturating_sub(at) >= CALM) {
                    state.drawn_at = Some(elapsed);
                    state.turns += 1;
                    self.redraw(state);
                }
            }
            Event::Notice(notice) => {
                let line = state.notices.line(&notice);
                if let Notice::Waiting { ready, open, next_poll } = notice {
                    self.wait(state, (ready, open, next_poll), line.as_deref());
                } else if let Some(line) = line {
                    self.above(state, &line);
                }
            }
            Event::Finished { .. } => {
                if let Some(line) = state.notices.turn() {
                    self.above(state, &line);
                }
                state.clear(&self.screen);
            }
        }
    }
}

impl Bars {
    /// A wait has looked, or begins; it is over if it does not look again.
    fn wait(&self, state: &mut State, told: (u64, u64, Option<jiff::Timestamp>), line: Option<&str>) {
        let (ready, open, next) = told;
        if next.is_none() {
            state.clear(&self.screen);
        }
        // The bar says the same, and keeps saying it.
        if let Some(line) = line.filter(|_| next.is_none() || self.look.verbosity > 0) {
            self.above(state, line);
        }
        if next.is_some() {
            if state.title.is_empty() {
                "wait".clone_into(&mut state.title);
            }
            state.wait = Some(Doing::Wait { ready, open, next });
            state.turns += 1;
            self.start(state);
        }
    }
}

impl State {
    fn clear(&mut self, screen: &Screen) {
        if let Some(bar) = self.bar.take() {
            screen.measure();
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).clear(&self.screen);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::figures::tests::{REQUESTS, progress};
    use super::super::notice::tests::every_notice;
    use super::super::screen::tests::Terminal;
    use super::super::sink::tests::Page;
    use super::*;
    use crate::model::{Basis, Eta, Expected, Tally};

    const LOOK: Look = Look {
        terminal: true,
        verbosity: 0,
        json: false,
        color: false,
        charset: Charset::Utf8,
        columns: None,
    };

    /// Bars, what they write, and the terminal that shows it.
    struct Desk {
        bars: Option<Bars>,
        page: Page,
        sink: Sink,
        screen: Screen,
        terminal: Terminal,
        read: usize,
    }

    impl Desk {
        fn new(look: Look, width: usize) -> Self {
            let (page, sink) = Page::new();
            let bars = Bars::new(look, sink.clone());
            let screen = bars.screen.clone();
            screen.resize(width);
            Self { bars: Some(bars), page, sink, screen, terminal: Terminal::new(width), read: 0 }
        }

        fn tell(&mut self, event: Event) {
            self.bars.as_ref().unwrap().tell(event);
        }

        /// The terminal changes its width; what it shows is wrapped anew, as most of them do.
        fn resize(&mut self, width: usize) {
            self.look();
            self.terminal.resize(width);
            self.screen.resize(width);
        }

        fn look(&mut self) -> String {
            let text = self.page.text();
            self.terminal.take(&text[self.read..]);
            self.read = text.len();
            self.terminal.shown()
        }
    }

    fn started() -> Event {
        Event::Started {
            job: "nightly-logs".to_owned(),
            verb: "restore",
            target: "oss://logs/2024/".to_owned(),
            report: "x.csv".into(),
            rate: 80,
        }
    }

    fn told(seconds: u64) -> Event {
        let expected = Expected { listed: Some(1_990_000), ..Expected::default() };
        let eta = Some(Eta { left: Duration::from_secs(746), basis: Basis::LastRun });
        Event::Progress(Box::new(Progress { expected, eta, ..progress(seconds) }))
    }

    fn finished() -> Event {
        Event::Finished {
            tally: Arc::new(Tally::default()),
            requests: REQUESTS,
            elapsed: Duration::from_secs(750),
            report: None,
            complete: true,
        }
    }

    #[test]
    fn figures_stand_below_and_notices_above() {
        let mut desk = Desk::new(LOOK, 100);
        desk.tell(started());
        desk.tell(told(190));
        for notice in every_notice().into_iter().filter(|notice| !matches!(notice, Notice::Waiting { .. })) {
            desk.tell(Event::Notice(notice));
        }
        desk.tell(told(200));
        insta::assert_snapshot!(desk.look(), @r"
        resuming after `logs/x`: 12,345 rows are in the report already
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed,
         the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-
        5eed.partial`
        ⠹ restore nightly-logs  3m20s  oss://logs/2024/
        listing   ━━━━━━━━━━━━────────  1,234,567 of ~1,990,000 keys · 1 of 4 ranges · 1,012 keys/s
                  matched 1,200,000
        restores  ━━━━━━━━━━━━━━━━━━━─  79.8 of 80/s · sent 45,678 · 32 in flight · 12.3 GiB asked for
        answers   requested 45,000 · extended 12 · already 500 · none 1,150,000 · failed 3
        trouble   retries 163 · throttled 9 · slow-downs 2
        ends      in about 13 minutes, if there are 1,990,000 keys, as in the last run
        ");
        desk.tell(Event::Phase(Phase::Draining(Duration::from_secs(8))));
        assert!(desk.look().contains("now       stopping: requests in flight"), "{}", desk.look());
    }

    /// At any width, and after any change of it, there is one panel and nothing left of older ones.
    #[test]
    fn a_terminal_may_have_any_width_and_change_it() {
        for from in [40, 41, 50, 64, 79, 80, 120, 200] {
            for to in [40, 43, 50, 63, 80, 133] {
                let mut desk = Desk::new(LOOK, from);
                desk.tell(Event::Notice(every_notice().remove(3)));
                desk.tell(started());
                desk.tell(told(10));
                desk.tell(Event::Notice(every_notice().remove(4)));
                for (width, seconds) in [(from, 11), (to, 12), (from, 13), (to, 14)] {
                    desk.resize(width);
                    desk.tell(told(seconds));
                    let shown = desk.look();
                    let panel: Vec<&str> =
                        shown.lines().skip_while(|l| !l.contains("restore night")).collect();
                    assert!(panel.iter().all(|line| line.chars().count() < width), "{from} {to}:\n{shown}");
                    for once in ["restore nightly", "listing ", "restores ", "answers ", "failed `", "note: "]
                    {
                        assert_eq!(
                            shown.matches(once).count(),
                            1,
                            "{once} at {from}, {to}, {width}:\n{shown}"
                        );
                    }
                }
                desk.tell(finished());
                desk.sink.line("the table");
                let shown = desk.look();
                assert!(shown.ends_with("\nthe table") && !shown.contains("listing"), "{shown}");
            }
        }
    }

    #[test]
    fn nothing_but_notices_stays_after_the_end() {
        for end in [true, false] {
            let mut desk = Desk::new(LOOK, 100);
            desk.tell(started());
            desk.tell(told(10));
            desk.tell(Event::Notice(every_notice().remove(3)));
            desk.tell(told(20));
            if end {
                desk.tell(finished());
            }
            desk.bars = None;
            desk.sink.line("the table");
            assert_eq!(desk.look(), "failed `logs/a.gz`: 403 AccessDenied\nthe table", "{end}");
        }
    }

    #[test]
    fn notices_before_the_start_are_told() {
        let mut desk = Desk::new(LOOK, 100);
        desk.tell(Event::Notice(every_notice().remove(3)));
        desk.sink.line("the next line");
        assert_eq!(desk.look(), "failed `logs/a.gz`: 403 AccessDenied\nthe next line");
    }

    #[test]
    fn a_wait_has_a_bar_of_its_own_and_leaves_a_line() {
        let mut desk = Desk::new(LOOK, 60);
        desk.tell(started());
        desk.tell(told(10));
        desk.tell(finished());
        let next_poll = "2026-11-01T02:10:00Z".parse().ok();
        desk.tell(Event::Notice(Notice::Waiting { ready: 1_200, open: 48_800, next_poll }));
        insta::assert_snapshot!(desk.look(), @r"
        ⠹ restore nightly-logs  oss://logs/2024/
        now       waiting until copies are readable
        readable  ──────────  1,200 of 50,000 objects
        next look 2026-11-01T02:10:00Z
        ");
        desk.tell(Event::Notice(Notice::Waiting { ready: 50_000, open: 0, next_poll: None }));
        assert_eq!(desk.look(), "waiting: 50,000 of 50,000 objects ready, 0 open");
    }

    #[test]
    fn a_run_that_does_not_move_does_not_spin_and_one_that_does_is_calm() {
        let mut desk = Desk::new(LOOK, 100);
        desk.tell(started());
        desk.tell(told(1));
        let before = desk.page.text().len();
        desk.tell(told(1));
        assert_eq!(desk.page.text().len(), before, "a second look within the same moment");
        desk.tell(told(2));
        assert!(desk.page.text().len() > before);
    }

    #[test]
    fn colours_are_there_where_they_are_allowed_only() {
        for color in [true, false] {
            let mut desk = Desk::new(Look { color, ..LOOK }, 100);
            desk.tell(started());
            desk.tell(told(10));
            assert_eq!(desk.page.text().contains("\u{1b}[36m"), color);
            assert!(desk.look().contains("━"), "{}", desk.look());
        }
    }

    #[test]
    fn a_hidden_terminal_swallows_no_message() {
        let (page, sink) = Page::new();
        let mut bars = Bars::new(Look::default(), sink);
        bars.multi = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        bars.tell(started());
        bars.tell(Event::Notice(every_notice().remove(0)));
        assert_eq!(page.text().lines().count(), 1);
    }
}
