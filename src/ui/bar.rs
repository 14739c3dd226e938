//! Progress lines that redraw themselves. The one file that knows indicatif.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::figures::Figures;
use super::line::EVERY;
use super::notice::Notices;
use super::{Charset, Look, Sink, human_span, printable};
use crate::model::{Event, Phase, Tell};

/// Width taken for a sink that is not the process's own stderr, in columns.
const WIDTH_UNKNOWN: u16 = 100;

/// Tells a run to a person at a terminal: three lines that redraw themselves, notices above them.
///
/// The spinner moves with each progress event and only then, so that it stands still when the run
/// does. The lines are gone after `Finished`, or when the teller is dropped: drop it before
/// printing an error. The table at the end is the caller's to print.
#[derive(Debug)]
pub struct Bars {
    look: Look,
    sink: Sink,
    multi: MultiProgress,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    figures: Figures,
    notices: Notices,
    /// The run and its job, printable.
    title: String,
    /// The bucket URL, printable; it stands last since it may be long.
    target: String,
    /// Told while the run stops.
    phase: &'static str,
    bars: Option<[ProgressBar; 3]>,
    turned_at: Duration,
}

impl Bars {
    /// Bars on `sink`; [`Sink::stderr`] is asked for its width at each drawing.
    #[must_use]
    pub fn new(look: Look, sink: Sink) -> Self {
        let target = if sink.is_stderr() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::term_like(Box::new(Screen(sink.clone())))
        };
        let state = State {
            figures: Figures::default(),
            notices: Notices::new(look),
            title: String::new(),
            target: String::new(),
            phase: "",
            bars: None,
            turned_at: Duration::ZERO,
        };
        Self { look, sink, multi: MultiProgress::with_draw_target(target), state: Mutex::new(state) }
    }

    /// A line above the bars.
    fn above(&self, line: &str) {
        // What indicatif takes for no terminal swallows lines; a message must not be lost.
        if self.multi.is_hidden() || self.multi.println(line).is_err() {
            self.sink.line(line);
        }
    }

    fn redraw(&self, state: &State) {
        let Some([head, work, answers]) = &state.bars else { return };
        let elapsed = human_span(state.figures.elapsed());
        let trouble = state.figures.trouble(self.look.charset);
        let parts = [&elapsed, &state.title, state.phase, &trouble, &state.target];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        head.set_message(parts.join("  "));
        work.set_message(state.figures.work(self.look.charset));
        answers.set_message(state.figures.answers(self.look.charset));
        head.tick();
    }

    fn start(&self, state: &mut State) {
        let add = |template: &str| {
            let bar = self.multi.add(ProgressBar::no_length());
            // The templates are constants and parse; the default style would do as well.
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(match self.look.charset {
                    Charset::Utf8 => style,
                    Charset::Ascii => style.tick_chars(r"|/-\ "),
                });
            }
            bar
        };
        let head = if self.look.color { "{spinner:.cyan} {wide_msg}" } else { "{spinner} {wide_msg}" };
        state.bars = Some([add(head), add("  {wide_msg}"), add("  {wide_msg}")]);
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
                state.figures.verb = verb;
                state.figures.allowed = rate;
                state.title = format!("{verb} {}", printable(&job, charset));
                state.target = printable(&target, charset).into_owned();
                self.start(state);
            }
            Event::Phase(phase) => {
                if let Some(line) = state.notices.phase(phase) {
                    self.above(&line);
                }
                state.phase = match phase {
                    Phase::Running => "",
                    Phase::Draining(_) => "stopping",
                    Phase::Waiting(_) => "waiting for the window",
                    Phase::Finishing => "closing the report",
                };
                self.redraw(state);
            }
            Event::Progress { kinds, requests, in_flight, rates, elapsed } => {
                if !state.figures.take(kinds, requests, in_flight, rates, elapsed) {
                    return;
                }
                if elapsed.saturating_sub(state.turned_at) >= EVERY {
                    state.turned_at = elapsed;
                    if let Some(line) = state.notices.turn() {
                        self.above(&line);
                    }
                }
                self.redraw(state);
            }
            Event::Notice(notice) => {
                if let Some(line) = state.notices.line(&notice) {
                    self.above(&line);
                }
            }
            Event::Finished { .. } => {
                if let Some(line) = state.notices.turn() {
                    self.above(&line);
                }
                state.clear();
            }
        }
    }
}

impl State {
    fn clear(&mut self) {
        for bar in self.bars.take().into_iter().flatten() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// A sink as something to draw on, by the usual escape sequences.
#[derive(Debug)]
struct Screen(Sink);

impl Screen {
    #[expect(clippy::unnecessary_wraps, reason = "the trait wants results, the sink passes failures over")]
    fn put(&self, text: &str) -> io::Result<()> {
        self.0.write(text);
        Ok(())
    }

    fn moved(&self, n: usize, way: char) -> io::Result<()> {
        if n == 0 { Ok(()) } else { self.put(&format!("\x1b[{n}{way}")) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        WIDTH_UNKNOWN
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.put(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.put(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::figures::tests::{KINDS, RATES, REQUESTS};
    use super::super::notice::tests::every_notice;
    use super::super::sink::tests::Page;
    use super::*;
    use crate::model::Tally;

    /// A terminal of [`WIDTH_UNKNOWN`] columns that knows the few sequences [`Screen`] writes.
    #[derive(Default)]
    struct Terminal {
        rows: Vec<Vec<char>>,
        row: usize,
        column: usize,
    }

    impl Terminal {
        fn put(&mut self, c: char) {
            // As real ones do, it wraps only when the next character comes; indicatif relies on it.
            if self.column == usize::from(WIDTH_UNKNOWN) {
                (self.row, self.column) = (self.row + 1, 0);
            }
            let cells = self.cells();
            let column = cells.1;
            cells.0.resize(cells.0.len().max(column + 1), ' ');
            cells.0[column] = c;
            self.column += 1;
        }

        fn cells(&mut self) -> (&mut Vec<char>, usize) {
            let rows = self.rows.len().max(self.row + 1);
            self.rows.resize(rows, Vec::new());
            (&mut self.rows[self.row], self.column)
        }

        fn sequence(&mut self, n: usize, way: char) {
            match way {
                'A' => self.row = self.row.checked_sub(n).unwrap(),
                'B' => self.row += n,
                'K' => self.cells().0.clear(),
                other => panic!("unknown sequence {other:?}"),
            }
        }
    }

    /// What a terminal shows after `bytes`.
    fn screen(bytes: &str) -> String {
        let mut terminal = Terminal::default();
        let mut chars = bytes.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => terminal.column = 0,
                '\n' => (terminal.row, terminal.column) = (terminal.row + 1, 0),
                '\x1b' => {
                    assert_eq!(chars.next(), Some('['));
                    let digits: String = chars.clone().take_while(char::is_ascii_digit).collect();
                    let way = chars.nth(digits.len()).unwrap();
                    terminal.sequence(digits.parse().unwrap(), way);
                }
                c => terminal.put(c),
            }
        }
        let lines: Vec<String> =
            terminal.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned()
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

    fn progress(seconds: u64, restore: u64) -> Event {
        let mut requests = REQUESTS;
        requests.restore = restore;
        Event::Progress {
            kinds: KINDS,
            requests,
            in_flight: 32,
            rates: RATES,
            elapsed: Duration::from_secs(seconds),
        }
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
        let (page, sink) = Page::new();
        let bars = Bars::new(Look { terminal: true, ..Look::default() }, sink);
        bars.tell(started());
        bars.tell(progress(190, 45_000));
        for notice in every_notice() {
            bars.tell(Event::Notice(notice));
        }
        bars.tell(progress(200, 45_678));
        insta::assert_snapshot!(screen(&page.text()), @r"
        resuming after `logs/x`: 12,345 rows are in the report already
        failed `logs/a.gz`: 403 AccessDenied
        note: the clock is 40s behind the server's
        starting anew: the copies that the unfinished run of 2026-11-01T02:00:00Z asked for may have lapsed,
         the last by 2026-11-08T02:00:00Z; its report (12,345 rows) is kept in `/night.csv.20261101T010000Z-
        5eed.partial`
        waiting: 1,200 of 50,000 objects ready, 48,800 open; next look at 2026-11-01T02:10:00Z
        ⠙ 3m20s  restore nightly-logs  retries 163 · throttled 9 · slow-downs 2  oss://logs/2024/
          listed 1,234,567 · matched 1,200,000 · sent 45,678 · 67.8 of 80/s · 32 in flight
          requested 45,000 · extended 12 · already 500 · none 1,150,000 · failed 3
        ");
        bars.tell(Event::Phase(Phase::Draining(Duration::from_secs(8))));
        assert!(screen(&page.text()).contains("restore nightly-logs  stopping  retries 163"));
    }

    #[test]
    fn nothing_but_notices_stays_after_the_end() {
        for end in [true, false] {
            let (page, sink) = Page::new();
            let bars = Bars::new(Look { terminal: true, ..Look::default() }, sink.clone());
            bars.tell(started());
            bars.tell(progress(10, 1));
            bars.tell(Event::Notice(every_notice().remove(3)));
            bars.tell(progress(20, 2));
            if end {
                bars.tell(finished());
            }
            drop(bars);
            sink.line("the table");
            assert_eq!(screen(&page.text()), "failed `logs/a.gz`: 403 AccessDenied\nthe table", "{end}");
        }
    }

    #[test]
    fn notices_before_the_start_are_told() {
        let (page, sink) = Page::new();
        let bars = Bars::new(Look { terminal: true, ..Look::default() }, sink.clone());
        bars.tell(Event::Notice(every_notice().remove(3)));
        sink.line("the next line");
        assert_eq!(screen(&page.text()), "failed `logs/a.gz`: 403 AccessDenied\nthe next line");
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
