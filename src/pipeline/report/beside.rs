//! The checksum of what is written, made in a thread beside the writing: SHA-256 takes as long for a row
//! as handing it to the disk does.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::durable::{Durable, Sum};
use crate::model::Spare;

/// Pieces that may wait for the thread. With those of [`super::Spill`] they bound what of a report is in
/// memory.
const WAITING: usize = 4;

enum Order {
    Add(Vec<u8>),
    Tell(SyncSender<Durable>),
}

/// A [`Sum`] that keeps up with what it is given.
#[derive(Debug)]
pub(super) struct Beside {
    len: u64,
    orders: SyncSender<Order>,
    spare: Arc<Spare>,
}

impl Beside {
    /// Goes on from `sum`, and gives buffers back to `spare`.
    ///
    /// # Errors
    /// If the machine starts no more threads.
    pub(super) fn start(sum: Sum, spare: Arc<Spare>) -> io::Result<Self> {
        let len = sum.len();
        let (orders, inbox) = sync_channel(WAITING);
        let done = Arc::clone(&spare);
        thread::Builder::new().name("checksum".to_owned()).spawn(move || keep(sum, &inbox, &done))?;
        Ok(Self { len, orders, spare })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// If the thread died.
    pub(super) fn update(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.len += bytes.len() as u64;
        self.orders.send(Order::Add(bytes)).map_err(|_| died())
    }

    /// Where buffers come back to.
    pub(super) const fn spare(&self) -> &Arc<Spare> {
        &self.spare
    }

    /// How many bytes were added.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The same as a mark says it; waits for what was added.
    ///
    /// # Errors
    /// If the thread died.
    pub(super) fn durable(&self) -> io::Result<Durable> {
        let (answer, told) = sync_channel(1);
        self.orders.send(Order::Tell(answer)).map_err(|_| died())?;
        told.recv().map_err(|_| died())
    }
}

fn keep(mut sum: Sum, inbox: &Receiver<Order>, done: &Spare) {
    for order in inbox {
        match order {
            Order::Add(bytes) => {
                sum.update(&bytes);
                done.put(bytes);
            }
            // Nobody waiting any more is no reason to fail.
            Order::Tell(answer) => drop(answer.send(sum.durable())),
        }
    }
}

fn died() -> io::Error {
    io::Error::other("the thread that makes its checksum ended before its time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_of_all_that_was_added_whenever_it_is_asked() {
        let mut alone = Sum::strong();
        alone.update(b"header\n");
        let mut beside = Beside::start(alone.clone(), Arc::new(Spare::new(1, 1 << 10))).unwrap();
        for n in 0..50_u8 {
            let rows = vec![n; 1000];
            alone.update(&rows);
            beside.update(rows).unwrap();
            if n % 7 == 0 {
                assert_eq!(beside.durable().unwrap(), alone.durable());
            }
        }
        assert_eq!((beside.len(), beside.durable().unwrap()), (alone.len(), alone.durable()));
    }
}
