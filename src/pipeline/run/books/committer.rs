//! Commits in a thread of their own: rows go on being written while those before them are handed to the disk.
//! Else those of dozens of pages would wait in memory for a disk that takes its time.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::RunError;
use crate::model::Clock;
use crate::pipeline::checkpoint::journal::Journal;
use crate::pipeline::checkpoint::{Gaps, Mark, StateDir};
use crate::pipeline::report::Unsynced;

/// What is made durable, as it was at one moment: in this order, which is that of `checkpoint`.
pub(super) struct Commit {
    /// The report's rows.
    pub(super) report: Unsynced,
    /// Those that wait, if any do.
    pub(super) aside: Option<Unsynced>,
    /// The mark over both.
    pub(super) mark: Mark,
    /// What the mark leaves: the journal forgets the rest.
    pub(super) gaps: Gaps,
}

/// The thread that commits, as whoever keeps the books sees it.
pub(super) struct Committer {
    orders: Option<SyncSender<Box<Commit>>>,
    results: Receiver<Result<Duration, RunError>>,
    thread: Option<JoinHandle<()>>,
    busy: bool,
}

impl Committer {
    /// Starts the thread, which saves marks in `state`.
    ///
    /// # Errors
    /// If the machine starts no more threads.
    pub(super) fn start(
        state: StateDir,
        journal: Option<Arc<Mutex<Journal>>>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = sync_channel::<Box<Commit>>(1);
        let (tell, results) = sync_channel(1);
        let commit = move || {
            for order in inbox {
                let began = clock.monotonic();
                let result = put_down(*order, &state, journal.as_deref());
                let took = clock.monotonic().saturating_sub(began);
                // Nobody who wants to know any more is no reason to fail.
                let _ = tell.send(result.map(|()| took));
            }
        };
        let thread = thread::Builder::new().name("commit".to_owned()).spawn(commit)?;
        Ok(Self { orders: Some(orders), results, thread: Some(thread), busy: false })
    }

    /// Whether a commit is under way, of which nothing is known yet.
    pub(super) const fn is_busy(&self) -> bool {
        self.busy
    }

    /// Begins a commit. Only one is under way at a time: the one before has [ended](Self::ended).
    ///
    /// # Errors
    /// If the thread died.
    pub(super) fn begin(&mut self, commit: Commit) -> Result<(), RunError> {
        debug_assert!(!self.busy, "who waits for one must not be told of another");
        self.busy = true;
        let order = self.orders.as_ref().map(|orders| orders.send(Box::new(commit)));
        if let Some(Ok(())) = order { Ok(()) } else { Err(RunError::WriterDied) }
    }

    /// How long the commit under way took, if it has come to its end.
    ///
    /// # Errors
    /// If it failed.
    pub(super) fn ended(&mut self) -> Result<Option<Duration>, RunError> {
        if !self.busy {
            return Ok(None);
        }
        match self.results.try_recv() {
            Err(TryRecvError::Empty) => Ok(None),
            result => self.told(result.ok()),
        }
    }

    /// The same, when it has: waits for the one under way, if one is.
    ///
    /// # Errors
    /// If it failed.
    pub(super) fn wait(&mut self) -> Result<Option<Duration>, RunError> {
        if !self.busy {
            return Ok(None);
        }
        let result = self.results.recv();
        self.told(result.ok())
    }

    fn told(&mut self, result: Option<Result<Duration, RunError>>) -> Result<Option<Duration>, RunError> {
        self.busy = false;
        // A thread that ends without a word died.
        result.unwrap_or(Err(RunError::WriterDied)).map(Some)
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been told where it happened. Whoever takes the state up next finds nobody at it.
            let _ = thread.join();
        }
    }
}

/// Rows first, then the mark over them, then what the mark covers: see `checkpoint`.
fn put_down(commit: Commit, state: &StateDir, journal: Option<&Mutex<Journal>>) -> Result<(), RunError> {
    let Commit { report, aside, mark, gaps } = commit;
    report.sync()?;
    if let Some(aside) = aside {
        aside.sync()?;
    }
    state.save(&mark)?;
    if let Some(journal) = journal {
        journal.lock().unwrap_or_else(PoisonError::into_inner).forget(gaps)?;
    }
    Ok(())
}
