//! The way out: stderr, or anything else that takes bytes.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where text for people goes. Clones write to the same place; a line is written as a whole.
///
/// A write that fails is passed over: a run that restores objects must not end because nobody
/// reads its messages any more (the report, which matters, is not written here).
#[derive(Clone)]
pub struct Sink {
    out: Arc<Mutex<dyn Write + Send>>,
    stream: Stream,
}

/// What a sink writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Stderr,
    Stdout,
    Other,
}

impl Sink {
    /// A sink that writes to `out`.
    #[must_use]
    pub fn new(out: impl Write + Send + 'static) -> Self {
        Self { out: Arc::new(Mutex::new(out)), stream: Stream::Other }
    }

    /// The process's stderr.
    #[must_use]
    pub fn stderr() -> Self {
        Self { out: Arc::new(Mutex::new(io::stderr())), stream: Stream::Stderr }
    }

    /// The process's stdout, for what redraws itself there.
    #[must_use]
    pub fn stdout() -> Self {
        Self { out: Arc::new(Mutex::new(io::stdout())), stream: Stream::Stdout }
    }

    /// Writes `text` and a line break. `text` must have passed [`printable`](super::printable)
    /// where it holds anything from outside.
    pub fn line(&self, text: &str) {
        let mut whole = String::with_capacity(text.len() + 1);
        whole.push_str(text);
        whole.push('\n');
        self.write(&whole);
    }

    /// Writes `text` as it is, in one piece.
    pub fn write(&self, text: &str) {
        let mut out = self.lock();
        // See the type: a reader that has gone away is no reason to stop.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Columns and rows of the terminal that this writes to; `None` if it is none.
    pub(super) fn size(&self) -> Option<(usize, usize)> {
        let size = match self.stream {
            Stream::Stderr if io::stderr().is_terminal() => terminal_size::terminal_size_of(io::stderr()),
            Stream::Stdout if io::stdout().is_terminal() => terminal_size::terminal_size_of(io::stdout()),
            Stream::Stderr | Stream::Stdout | Stream::Other => None,
        };
        size.map(|(width, height)| (width.0.into(), height.0.into()))
    }

    fn lock(&self) -> MutexGuard<'_, dyn Write + Send + 'static> {
        // A writer that panicked half-way through a line leaves nothing worse than half a line.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// A sink that tests can read back.
#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Bytes that several owners can see.
    #[derive(Clone, Debug, Default)]
    pub(in crate::ui) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(in crate::ui) fn new() -> (Self, Sink) {
            let page = Self::default();
            (page.clone(), Sink::new(page))
        }

        /// What was written so far.
        pub(in crate::ui) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that has gone away.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn lines_arrive_whole_and_clones_share_the_place() {
        let (page, sink) = Page::new();
        sink.line("one");
        sink.clone().line("two");
        assert_eq!(page.text(), "one\ntwo\n");
    }

    #[test]
    fn a_closed_pipe_is_passed_over() {
        Sink::new(Closed).line("nobody reads this");
    }
}
