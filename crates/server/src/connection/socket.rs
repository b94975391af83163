//! A TCP stream that records its [`Activity`], and to which unused bytes can be
//! put back.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::limits::Activity;

pub(super) struct Socket {
    stream: TcpStream,
    /// Bytes to read before those of the stream.
    put_back: Bytes,
    activity: Arc<Activity>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            put_back: Bytes::new(),
            activity,
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
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
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
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.activity.sent();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
