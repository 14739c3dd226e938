//! The first restore requests of a session go one by one, until one shows that the right is there.
//!
//! Whoever lacks the right would have every request of a night denied, a hundred thousand of them. So
//! nothing else leaves before the first answer; and where that is a denial, a few more are tried, since
//! the right may hold for some keys only.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::ErrorKind;

/// Requests that are denied, with none answered otherwise, before the session is given up.
pub(crate) const TRIALS: u32 = 10;

/// The way is open: the right is there, or another matter than rights came up.
const OPEN: u32 = u32::MAX;

/// What the first requests of a session have shown.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    turn: Mutex<()>,
    /// Denials so far, or [`OPEN`].
    denied: AtomicU32,
}

/// What a request may do.
#[derive(Debug)]
pub(crate) enum Turn<'t> {
    /// Leave, with all others.
    Open,
    /// Leave alone, for as long as this is held.
    Alone { _turn: MutexGuard<'t, ()> },
    /// Nothing: the right is missing.
    Closed,
}

impl Trial {
    /// Waits for a request's turn.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        if self.denied.load(Ordering::Acquire) == OPEN {
            return Turn::Open;
        }
        let alone = self.turn.lock().await;
        match self.denied.load(Ordering::Acquire) {
            OPEN => Turn::Open,
            TRIALS.. => Turn::Closed,
            _ => Turn::Alone { _turn: alone },
        }
    }

    /// Takes note of how a request that left alone ended (`None`: well); says whether the session is to
    /// be given up.
    pub(crate) fn judge(&self, ended: Option<ErrorKind>) -> bool {
        match ended {
            Some(ErrorKind::Denied) => self.denied.fetch_add(1, Ordering::AcqRel) + 1 >= TRIALS,
            // It was not sent, or not again.
            Some(ErrorKind::Halted | ErrorKind::Late) => false,
            _ => {
                self.denied.store(OPEN, Ordering::Release);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn one_answer_opens_the_way_for_all() {
        let trial = Arc::new(Trial::default());
        let first @ Turn::Alone { .. } = trial.turn().await else { panic!("the first goes alone") };
        let others: Vec<_> = (0..50)
            .map(|_| {
                let trial = Arc::clone(&trial);
                tokio::spawn(async move { matches!(trial.turn().await, Turn::Open) })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(others.iter().all(|other| !other.is_finished()));
        assert!(!trial.judge(None));
        drop(first);
        for other in others {
            assert!(other.await.unwrap());
        }
    }

    #[tokio::test]
    async fn denials_are_tried_ten_times_and_no_more() {
        let trial = Trial::default();
        for number in 1..=TRIALS {
            let turn = trial.turn().await;
            assert!(matches!(turn, Turn::Alone { .. }), "{number}");
            assert_eq!(trial.judge(Some(ErrorKind::Denied)), number == TRIALS);
        }
        assert!(matches!(trial.turn().await, Turn::Closed));
    }

    #[tokio::test]
    async fn a_right_that_holds_for_some_keys_is_a_right() {
        let trial = Trial::default();
        for ended in [Some(ErrorKind::Denied), Some(ErrorKind::Gone)] {
            let _turn = trial.turn().await;
            assert!(!trial.judge(ended));
        }
        assert!(matches!(trial.turn().await, Turn::Open));
    }
}
