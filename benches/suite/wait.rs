//! Waiting to the tenth of a millisecond.
//!
//! The runtime's timers tick in milliseconds and round up, twice: a page that takes 50 ms would take
//! 51 to 52, and every share of the ideal would be measured too low by as much. A thread of its own
//! sleeps as exactly as the system can.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Somebody who waits, and until when.
type Waiter = (Instant, oneshot::Sender<()>);

/// Lets answers wait, all for the same time: whoever came first is the first to go.
#[derive(Debug)]
pub(crate) struct Waits(mpsc::Sender<Waiter>);

impl Waits {
    pub(crate) fn new() -> Self {
        let (waits, waiters) = mpsc::channel::<Waiter>();
        std::thread::spawn(move || {
            for (until, go) in waiters {
                std::thread::sleep(until.saturating_duration_since(Instant::now()));
                // Whoever hung up meanwhile waits no longer.
                let _ = go.send(());
            }
        });
        Self(waits)
    }

    /// Returns `time` after now.
    pub(crate) async fn wait(&self, time: Duration) {
        let (go, gone) = oneshot::channel();
        if self.0.send((Instant::now() + time, go)).is_ok() {
            let _ = gone.await;
        }
    }
}
