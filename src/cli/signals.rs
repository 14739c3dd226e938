//! Ctrl-C and SIGTERM: the first drains the run, the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;
use crate::pipeline::{Step, Stop};

/// Listens for signals for as long as it lives.
#[derive(Debug)]
pub(super) struct Signals {
    stop: Stop,
    terminated: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
}

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// If the system refuses a handler.
    pub(super) fn listen() -> std::io::Result<Self> {
        let stop = Stop::new();
        let terminated = Arc::new(AtomicBool::new(false));
        let (raise, by_term) = (stop.clone(), Arc::clone(&terminated));
        #[cfg(unix)]
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        #[cfg(unix)]
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        let task = tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = term.recv() => by_term.store(true, Ordering::Relaxed),
                }
                #[cfg(not(unix))]
                {
                    let _ = (&by_term, tokio::signal::ctrl_c().await);
                }
                raise.raise();
            }
        });
        Ok(Self { stop, terminated, task: task.abort_handle() })
    }

    /// The handle that signals raise.
    #[must_use]
    pub(super) const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What `work` comes to, which may wait for a disk or a pipe for ever; `None` if a signal comes first. It
    /// has a thread of its own, which nobody waits for then.
    pub(super) async fn unless_raised<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let worked = tokio::task::spawn_blocking(work);
        tokio::select! {
            biased;
            _ = self.stop.beyond(Step::Go) => None,
            worked = worked => Some(worked.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))),
        }
    }

    /// The exit code of a run that a signal ended.
    #[must_use]
    pub(super) fn exit(&self) -> Exit {
        if self.terminated.load(Ordering::Relaxed) { Exit::Terminated } else { Exit::Interrupted }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.task.abort();
    }
}
