//! A connection that can end with a reset, and a body that can break off.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
#[derive(Debug)]
pub(super) struct Payload {
    data: Option<Bytes>,
    /// Announced length; more than `data` holds if the body is to break off.
    length: u64,
    /// Yields once before it breaks off, so that what came before is written.
    yielded: bool,
}

impl Payload {
    pub(super) fn whole(data: Vec<u8>) -> Self {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        Self { data: (!data.is_empty()).then(|| Bytes::from(data)), length, yielded: false }
    }

    /// Announces all of `data`, sends half of it.
    pub(super) fn broken(mut data: Vec<u8>) -> Self {
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX).max(1);
        data.truncate(data.len() / 2);
        Self { data: Some(Bytes::from(data)), length, yielded: false }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(data) = self.data.take() {
            self.length = self.length.saturating_sub(u64::try_from(data.len()).unwrap_or(0));
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
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
        self.data.is_none() && self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
