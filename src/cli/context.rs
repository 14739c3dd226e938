//! What every verb is given: the environment, the way to the reader, and the signals.

use std::sync::Arc;

use super::signals::Signals;
use crate::model::{Clock, Tell};
use crate::store::credentials::Environment;
use crate::ui::{self, Look, Sink};

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
}

impl Context {
    /// Takes the events of one run.
    #[must_use]
    pub(super) fn teller(&self, clock: &Arc<dyn Clock>) -> Arc<dyn Tell> {
        ui::choose(self.look, self.sink.clone(), Arc::clone(clock))
    }
}
