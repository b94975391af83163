//! A TCP stream that records its [`Activity`], to which unused bytes can be put
//! back, and whose client may close its side before it has the response.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::limits::Activity;

pub(super) struct Socket {
    stream: TcpStream,
    /// Bytes to read before those of the stream.
    put_back: Bytes,
    activity: Arc<Activity>,
    half_close: HalfClose,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        activity: Arc<Activity>,
        half_close_timeout: Duration,
    ) -> Self {
        Self {
            stream,
            put_back: Bytes::new(),
            activity,
            half_close: HalfClose {
                timeout: half_close_timeout,
                expires: None,
                is_write_partial: false,
            },
        }
    }

    /// Puts back bytes that were read and not used.
    pub(super) fn put_back(&mut self, unused: Bytes) {
        self.put_back = unused;
    }

    /// Whether there are bytes to read. Calls the kernel, which knows it before
    /// the runtime does.
    pub(super) fn has_unread(&self) -> bool {
        let mut first = [std::mem::MaybeUninit::uninit()];
        let stream = socket2::SockRef::from(&self.stream);
        !self.put_back.is_empty() || stream.peek(&mut first).is_ok_and(|bytes| bytes > 0)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.put_back.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
            if buffer.filled().len() == before {
                let awaits_response = self.activity.awaits_response();
                return self.half_close.poll_end(awaits_response, cx).map(Ok);
            }
        } else {
            let length = self.put_back.len().min(buffer.remaining());
            buffer.put_slice(&self.put_back[..length]);
            self.put_back.advance(length);
        }
        self.activity.received();
        Poll::Ready(Ok(()))
    }
}

/// `poll_write_vectored` is the default one: a response's head and body are
/// written as one buffer, which costs the kernel less than two for small bodies.
impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.half_close.is_write_partial = true;
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.activity.sent();
        self.half_close.wrote(written == bytes.len(), cx);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A client that closes its side of the connection after its request may still read
/// the response (RFC 9112, section 9.6), or may have disconnected: TCP has one FIN
/// for both. So hyper, which cancels a request at the end of the stream, does not
/// see the end while a response is outstanding, up to a timeout. A reset and a
/// failed write are errors, and cancel it immediately.
struct HalfClose {
    timeout: Duration,
    /// The time for the response, from the end of the stream or the last write.
    expires: Option<Pin<Box<Sleep>>>,
    /// The last write was not complete: hyper has more to write.
    is_write_partial: bool,
}

impl HalfClose {
    /// The stream has ended: ready if hyper may know it.
    fn poll_end(&mut self, awaits_response: bool, cx: &mut Context<'_>) -> Poll<()> {
        if !awaits_response && !self.is_write_partial {
            return Poll::Ready(());
        }
        let timeout = self.timeout;
        let expires = self.expires.get_or_insert_with(|| Box::pin(sleep(timeout)));
        expires.as_mut().poll(cx)
    }

    fn wrote(&mut self, is_complete: bool, cx: &Context<'_>) {
        self.is_write_partial = !is_complete;
        if self.expires.take().is_some() {
            // hyper must read the end if this was the rest of the response.
            cx.waker().wake_by_ref();
        }
    }
}
