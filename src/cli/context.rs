//! What every verb is given: the environment, the way to the reader, and the signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Failure;
use super::signals::Signals;
use crate::job;
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
    /// Whether [`Context::strangers`] has told.
    pub(super) told_strangers: AtomicBool,
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

    /// Warns of the variables that begin as ours do and mean nothing here; once, however many jobs there are.
    pub(super) fn strangers(&self) {
        if self.told_strangers.swap(true, Ordering::Relaxed) {
            return;
        }
        let names: Vec<&str> = job::strangers(self.env.all()).collect();
        if !names.is_empty() {
            self.warn(
                &format!("passed over, as no setting is called so: {}", names.join(", ")),
                "the table in jobs/README.md and `defrost schema` name the variable of every key; let the names of \
                 your own begin with something other than DEFROST_",
            );
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
