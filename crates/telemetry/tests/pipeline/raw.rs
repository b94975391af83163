//! A server that sends these exact bytes as its response, to show what wiremock cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server sends after each request.
#[derive(Clone)]
pub(crate) enum Response {
    /// These bytes; then it closes the connection.
    Bytes(Vec<u8>),
    /// This head, and the byte again and again until the client closes the connection.
    Endless {
        head: Vec<u8>,
        byte: u8,
        pause: Duration,
    },
}

/// The server. It listens until this is dropped.
pub(crate) struct RawServer {
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl RawServer {
    pub(crate) async fn start(response: Response) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(connection, response.clone()));
            }
        });
        Self {
            url: format!("http://{address}"),
            requests,
            serving,
        }
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut connection: TcpStream, response: Response) -> std::io::Result<()> {
    read_request(&mut connection).await?;
    match response {
        Response::Bytes(bytes) => connection.write_all(&bytes).await?,
        Response::Endless { head, byte, pause } => {
            connection.write_all(&head).await?;
            let block = vec![byte; if pause.is_zero() { 4096 } else { 1 }];
            loop {
                connection.write_all(&block).await?;
                tokio::time::sleep(pause).await;
            }
        }
    }
    connection.shutdown().await
}

/// Reads the complete request: closing before that would reset the connection.
async fn read_request(connection: &mut TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length is a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(())
}
