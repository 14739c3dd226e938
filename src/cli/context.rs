//! What every verb is given: the environment, the way to the reader, and the signals.

use std::sync::Arc;

use super::exit::Failure;
use super::signals::Signals;
use crate::model::{Clock, Event, Notice, SystemClock, Tell};
use crate::store::credentials::Environment;
use crate::ui::{self, Look, Sink, printable};

/// What every verb is given.
#[derive(Debug)]
pub(super) struct Context {
    /// Variables and home folder.
    pub(super) env: Environment,
    /// How messages look.
    pub(super) look: Look,
    /// Where messages go.
    pub(super) sink: Sink,
    /// Ctrl-C and SIGTERM.
    pub(super) signals: Signals,
    /// The command line as typed.
    pub(super) line: Vec<String>,
}

impl Context {
    /// Takes the events of one run.
    #[must_use]
    pub(super) fn teller(&self, clock: &Arc<dyn Clock>) -> Arc<dyn Tell> {
        ui::choose(self.look, self.sink.clone(), Arc::clone(clock))
    }

    /// Tells a failure that does not end the command.
    pub(super) fn fail(&self, failure: &Failure) {
        failure.tell(self.look, &self.sink);
    }

    /// Tells what went wrong beside the work that was asked for, and the way out; nothing under `-qq`.
    pub(super) fn warn(&self, what: &str, way_out: &str) {
        if self.look.json {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            self.teller(&clock).tell(Event::Notice(Notice::Remark(format!("warning: {what}; {way_out}"))));
        } else if self.look.verbosity >= -1 {
            let charset = self.look.charset;
            self.sink.line(&format!(
                "warning: {}\nhint: {}",
                printable(what, charset),
                printable(way_out, charset)
            ));
        }
    }

    /// Tells a line that is worth reading outside of any run; nothing under `-q`.
    pub(super) fn line(&self, text: &str) {
        if self.look.verbosity < 0 {
            return;
        }
        if self.look.json {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
            self.teller(&clock).tell(Event::Notice(Notice::Remark(text.to_owned())));
        } else {
            self.sink.line(&printable(text, self.look.charset));
        }
    }
}
