//! Stopping in two steps: the first signal drains, the second aborts.

use tokio::sync::watch;

/// How urgently the run is asked to end. Later steps outrank earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Nobody asked.
    Go,
    /// Send nothing new, let requests in flight come back, save, end.
    Drain,
    /// End at once; what is on disk must do.
    Abort,
}

/// The handle by which signals (or tests) ask a run to stop, and the run hears of it.
#[derive(Clone, Debug)]
pub struct Stop {
    step: watch::Sender<Step>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { step: watch::Sender::new(Step::Go) }
    }
}

impl Stop {
    /// A handle on which nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the next step: the first call drains, any further one aborts.
    pub fn raise(&self) {
        self.step.send_modify(|step| {
            *step = if *step == Step::Go { Step::Drain } else { Step::Abort };
        });
    }

    /// The step asked for so far.
    #[must_use]
    pub fn step(&self) -> Step {
        *self.step.borrow()
    }

    /// Waits until a step later than `known` is asked for, and returns it.
    pub async fn beyond(&self, known: Step) -> Step {
        let mut heard = self.step.subscribe();
        match heard.wait_for(|step| *step > known).await {
            Ok(step) => *step,
            // `self` holds the sender, so the channel cannot close while this waits.
            Err(_closed) => Step::Abort,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_signal_outranks_the_first() {
        let stop = Stop::new();
        assert_eq!(stop.step(), Step::Go);
        stop.raise();
        assert_eq!(stop.beyond(Step::Go).await, Step::Drain);
        stop.raise();
        assert_eq!(stop.beyond(Step::Drain).await, Step::Abort);
        stop.raise();
        assert_eq!(stop.step(), Step::Abort);
    }
}
