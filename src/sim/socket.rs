//! A connection that can end with a reset, and a body that can break off.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::model::Clock;

/// Says that a connection shall end with a reset instead of an orderly close.
#[derive(Clone, Debug, Default)]
pub(super) struct Abort(Arc<AtomicBool>);

impl Abort {
    pub(super) fn arm(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    abort: Abort,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, abort: Abort) -> Self {
        Self { stream: TokioIo::new(stream), abort }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.abort.0.load(Ordering::Acquire) {
            // Without a lingering close the kernel sends RST; if it cannot be set, the peer sees an
            // early end instead, which is as good.
            let _ = self.stream.inner().set_zero_linger();
        }
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

/// An answer's body.
pub(super) struct Payload {
    data: Bytes,
    /// Announced length of what is still to come.
    length: u64,
    /// Yields once before it breaks off, so that what came before is written.
    yielded: bool,
    drip: Option<Drip>,
}

/// How a body comes in pieces.
struct Drip {
    piece: usize,
    pause: Duration,
    clock: Arc<dyn Clock>,
    /// The pause under way.
    waiting: Option<BoxFuture<'static, ()>>,
}

impl Payload {
    pub(super) fn whole(data: Vec<u8>) -> Self {
        let length = length(&data);
        Self { data: Bytes::from(data), length, yielded: false, drip: None }
    }

    /// Announces all of `data`, sends half of it.
    pub(super) fn broken(mut data: Vec<u8>) -> Self {
        let length = length(&data).max(1);
        data.truncate(data.len() / 2);
        Self { length, ..Self::whole(data) }
    }

    /// Announces more than `data`, sends it and ends.
    pub(super) fn overstated(data: Vec<u8>) -> Self {
        Self { length: length(&data) + 1, ..Self::whole(data) }
    }

    /// Announces half of `data`, sends it all.
    pub(super) fn understated(data: Vec<u8>) -> Self {
        Self { length: length(&data) / 2, ..Self::whole(data) }
    }

    /// Sends `piece` bytes of `data` at a time, with a pause before each.
    pub(super) fn dripping(data: Vec<u8>, piece: usize, pause: Duration, clock: Arc<dyn Clock>) -> Self {
        let drip = Drip { piece: piece.max(1), pause, clock, waiting: None };
        Self { drip: Some(drip), ..Self::whole(data) }
    }
}

fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut piece = self.data.len();
        if let Some(drip) = self.drip.as_mut().filter(|_| piece > 0) {
            let (pause, clock) = (drip.pause, Arc::clone(&drip.clock));
            let waiting = drip.waiting.get_or_insert_with(|| clock.sleep(pause));
            ready!(waiting.as_mut().poll(cx));
            drip.waiting = None;
            piece = piece.min(drip.piece);
        }
        if piece > 0 {
            let data = self.data.split_to(piece);
            self.length = self.length.saturating_sub(length(&data));
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.length == 0 {
            return Poll::Ready(None);
        }
        if !self.yielded {
            self.yielded = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other("broken off on purpose"))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
