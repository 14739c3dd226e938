//! The books in a thread of their own, so that neither requests nor pages wait for the disk.

use std::sync::Arc;

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::RunError;
use super::books::{Books, Closed, Paged};
use crate::job::Job;
use crate::pipeline::source::{Placing, RangeId};

/// Messages that may wait for the thread. Pages are bounded by their permits as well.
const WAITING: usize = 64;

enum Message {
    Cut { range: RangeId, new: RangeId, at: Vec<u8> },
    Collapse { onto: RangeId },
    Page(Box<(Placing, Paged)>),
    Pause,
    Finish { hints: Vec<Vec<u8>> },
}

/// The thread that keeps a run's books.
pub(super) struct Writer {
    inbox: mpsc::Sender<Message>,
    closed: oneshot::Receiver<Result<Closed, RunError>>,
}

impl Writer {
    /// Hands `books` to a thread.
    ///
    /// # Errors
    /// If the machine starts no more threads.
    pub(super) fn start(books: Books, job: Arc<Job>) -> std::io::Result<Self> {
        let (inbox, messages) = mpsc::channel(WAITING);
        let (close, closed) = oneshot::channel();
        std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            // If the run is gone nobody wants to know.
            let _ = close.send(keep(books, messages, &job));
        })?;
        Ok(Self { inbox, closed })
    }

    /// Takes note that `range` ends at `at` now, and that `new` goes on behind it. False if the
    /// thread has ended.
    pub(super) async fn cut(&self, range: RangeId, new: RangeId, at: Vec<u8>) -> bool {
        self.inbox.send(Message::Cut { range, new, at }).await.is_ok()
    }

    /// Takes note that all that is left is one range. False if the thread has ended.
    pub(super) async fn collapse(&self, onto: RangeId) -> bool {
        self.inbox.send(Message::Collapse { onto }).await.is_ok()
    }

    /// Writes the rows of a page. False if the thread has ended: [`Writer::suspend`] tells why.
    pub(super) async fn page(&self, placing: Placing, page: Paged) -> bool {
        self.inbox.send(Message::Page(Box::new((placing, page)))).await.is_ok()
    }

    /// Lets what was written be made durable if that is due. A thread that is busy does so anyway.
    pub(super) fn pause(&self) {
        let _ = self.inbox.try_send(Message::Pause);
    }

    /// Closes the books of a run that has all it wants, leaving `hints` for the next one.
    pub(super) async fn finish(self, hints: Vec<Vec<u8>>) -> Result<Closed, RunError> {
        // A thread that has ended tells why below.
        let _ = self.inbox.send(Message::Finish { hints }).await;
        drop(self.inbox);
        ended(self.closed).await
    }

    /// Closes the books of a run that goes on another time.
    pub(super) async fn suspend(self) -> Result<Closed, RunError> {
        drop(self.inbox);
        ended(self.closed).await
    }
}

async fn ended(closed: oneshot::Receiver<Result<Closed, RunError>>) -> Result<Closed, RunError> {
    closed.await.unwrap_or(Err(RunError::WriterDied))
}

fn keep(mut books: Books, mut messages: mpsc::Receiver<Message>, job: &Job) -> Result<Closed, RunError> {
    books.settle()?;
    loop {
        // Rows that waited are moved between messages, page by page: whoever sends them would otherwise wait
        // for as long as it takes to move those of a whole range.
        let message = if books.has_movable() {
            books.move_some()?;
            match messages.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Empty) => continue,
                Err(TryRecvError::Disconnected) => break,
            }
        } else {
            match messages.blocking_recv() {
                Some(message) => message,
                None => break,
            }
        };
        match message {
            Message::Cut { range, new, at } => books.cut(range, new, at),
            Message::Collapse { onto } => books.collapse(onto),
            Message::Page(page) => {
                let (placing, page) = *page;
                books.take(&placing, page)?;
            }
            Message::Pause => books.pause()?,
            Message::Finish { hints } => return books.finish(job, &hints),
        }
    }
    books.suspend()
}
