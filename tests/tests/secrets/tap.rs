//! A wire between two services, with everything on it recorded.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listens in the place of a service, and passes on what comes. It ends when it
/// is dropped; then nobody listens there.
pub(crate) struct Tap {
    address: SocketAddr,
    wire: Arc<Wire>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Wire {
    upstream: OnceLock<String>,
    /// One for each direction of each connection.
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

    /// Passes on to `url`, given as `http://host:port`, from now on.
    pub(crate) fn connect(&self, url: &str) {
        let authority = url.trim_start_matches("http://").to_owned();
        let first = self.wire.upstream.set(authority);
        first.expect("a tap is connected once");
    }

    /// Listens no more, as a service that has ended.
    pub(crate) fn hang_up(&self) {
        self.serving.abort();
    }

    /// All that was sent either way.
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

    async fn pass(&self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let place = {
            let mut recorded = self.lock();
            recorded.push(Vec::new());
            recorded.len() - 1
        };
        let mut buffer = [0; 8192];
        // A side that breaks off ends the direction, as on a real wire.
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            self.lock()[place].extend_from_slice(&buffer[..read]);
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
            let upstream = wire.upstream.get().expect("it is connected before use");
            // Where the service is down, the caller sees its connection end.
            if let Ok(callee) = TcpStream::connect(upstream).await {
                let (asks, asked) = caller.into_split();
                let (answers, answered) = callee.into_split();
                tokio::join!(wire.pass(asks, answered), wire.pass(answers, asked));
            }
        });
    }
}
