//! A TCP proxy between two services that records every byte.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A TCP proxy in front of a service. It listens until it is stopped or dropped.
pub(crate) struct Tap {
    address: SocketAddr,
    wire: Arc<Wire>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Wire {
    upstream: OnceLock<String>,
    /// One entry per direction and connection.
    recorded: Mutex<Vec<Vec<u8>>>,
}

impl Tap {
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Arc::<Wire>::default();
        Ok(Self {
            address: listener.local_addr()?,
            serving: tokio::spawn(serve(listener, Arc::clone(&wire))),
            wire,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the service, such as `http://host:port`. Must be called once, before the first request.
    pub(crate) fn connect(&self, url: &str) {
        let authority = url.trim_start_matches("http://").to_owned();
        let first = self.wire.upstream.set(authority);
        first.expect("connect is called once");
    }

    /// Stops listening, like a service that has exited.
    pub(crate) fn stop(&self) {
        self.serving.abort();
    }

    /// All bytes of both directions.
    pub(crate) fn recorded(&self) -> String {
        let recorded = self.wire.lock();
        let texts = recorded.iter().map(|bytes| String::from_utf8_lossy(bytes));
        texts.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Wire {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn copy(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let index = {
            let mut recorded = self.lock();
            recorded.push(Vec::new());
            recorded.len() - 1
        };
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            self.lock()[index].extend_from_slice(&buffer[..read]);
            if to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    }
}

async fn serve(listener: TcpListener, wire: Arc<Wire>) {
    while let Ok((caller, _)) = listener.accept().await {
        let wire = Arc::clone(&wire);
        tokio::spawn(async move {
            let upstream = wire.upstream.get().expect("connect was called");
            // If the service is down, the caller's connection is closed.
            if let Ok(service) = TcpStream::connect(upstream).await {
                let (requests, responses_out) = caller.into_split();
                let (responses, requests_out) = service.into_split();
                tokio::join!(
                    wire.copy(requests, requests_out),
                    wire.copy(responses, responses_out)
                );
            }
        });
    }
}
