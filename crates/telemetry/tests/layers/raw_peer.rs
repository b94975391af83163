//! A server without an HTTP library: it writes exactly what a test wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A complete response.
pub(crate) const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What the peer does with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Writes these bytes, and waits for the next request.
    Write(&'static [u8]),
    /// Writes these bytes, and closes the connection.
    WriteAndClose(&'static [u8]),
    /// Writes the first bytes once, and the second ones until the client closes the
    /// connection or 64 MiB are written.
    WriteEndlessly(&'static [u8], &'static [u8]),
    /// Resets the connection.
    Reset,
    /// Closes the connection before it reads a request.
    CloseUnread,
}

/// A peer, and what it has received and sent.
pub(crate) struct RawPeer {
    pub(crate) address: SocketAddr,
    /// The number of requests.
    requests: Arc<AtomicUsize>,
    /// The number of bytes that were written endlessly.
    written: Arc<AtomicUsize>,
}

impl RawPeer {
    /// The peer does `first` with the first request, and `then` with all others.
    pub(crate) async fn start(first: Act, then: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (requests, written) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let counts = (Arc::clone(&requests), Arc::clone(&written));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (requests, written) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                tokio::spawn(serve(stream, [first, then], requests, written));
            }
        });
        Self {
            address,
            requests,
            written,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/things/7", self.address)
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    acts: [Act; 2],
    requests: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
) {
    const MAX: usize = 64 * 1024 * 1024;
    loop {
        let act = acts[requests.load(Ordering::SeqCst).min(1)];
        if !matches!(act, Act::CloseUnread) && !read_request(&mut stream).await {
            return;
        }
        requests.fetch_add(1, Ordering::SeqCst);
        match act {
            Act::Write(bytes) => {
                let _ = stream.write_all(bytes).await;
            }
            Act::WriteAndClose(bytes) => {
                let _ = stream.write_all(bytes).await;
                return;
            }
            Act::WriteEndlessly(head, piece) => {
                let _ = stream.write_all(head).await;
                let pieces = piece.repeat(16 * 1024 / piece.len());
                while stream.write_all(&pieces).await.is_ok() {
                    if written.fetch_add(pieces.len(), Ordering::SeqCst) > MAX {
                        return;
                    }
                }
                return;
            }
            Act::Reset => {
                let _ = stream.set_zero_linger();
                return;
            }
            Act::CloseUnread => return,
        }
    }
}

/// Reads the head of a request; the tests send no bodies. `false` at the end.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
            _ => return false,
        }
    }
    true
}
