//! Time as an argument: nothing else in the crate may ask the machine for the hour.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// Longest step of [`Clock::until`].
const STEP: Duration = Duration::from_mins(1);

/// Tells the hour and waits. The simulator and the tests bring clocks of their own.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present wall-clock time.
    fn now(&self) -> Timestamp;

    /// Waits for `span` of real (or, under a paused test runtime, virtual) time.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    /// Waits until [`Clock::now`] says `at`, in steps: a machine that sleeps, or is set, makes it no
    /// longer than it should be.
    fn until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            while let Ok(left) = Duration::try_from(at.duration_since(self.now()))
                && !left.is_zero()
            {
                self.sleep(left.min(STEP)).await;
            }
        })
    }

    /// Time since some fixed moment; never goes back, whatever the wall clock does.
    fn monotonic(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Still(pub(crate) Timestamp);

#[cfg(test)]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
