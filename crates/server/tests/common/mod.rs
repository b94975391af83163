//! A server as production runs it, on free ports, and a client that sends and
//! receives raw bytes.

// Each test binary uses only a part of this module.
#![allow(dead_code, unreachable_pub)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use clap::Parser;
use futures_util::stream;
use server::{Config, Listeners, Routes, Served};
use telemetry::Accounting;
use telemetry::http::ServerLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long a test waits for anything.
pub const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// The configuration for these flags; without `--drain-delay`, there is no delay.
pub fn config(flags: &[&str]) -> Config {
    let delay: &[&str] = if flags.contains(&"--drain-delay") {
        &[]
    } else {
        &["--drain-delay", "0s"]
    };
    let all = ["server"].iter().chain(delay).chain(flags);
    Arguments::try_parse_from(all).unwrap().config
}

pub struct Running {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<Served>,
}

impl Running {
    pub async fn start(public: Router, internal: Router, config: Config) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, any).await.unwrap();
        let addresses = [&listeners.public, &listeners.admin].map(|l| l.local_addr().unwrap());
        let (shutdown, on_shutdown) = oneshot::channel();
        let routes = Routes {
            public: server::with_middleware(public, ServerLayer::internal(), None, &config),
            internal,
        };
        let served = tokio::spawn(async move {
            let accounting = Accounting::default();
            let shutdown = async {
                let _ = on_shutdown.await;
            };
            server::run(listeners, routes, accounting, &config, shutdown).await
        });
        Self {
            public: addresses[0],
            admin: addresses[1],
            shutdown,
            served,
        }
    }

    /// Starts the shutdown; the handle resolves when it has finished.
    pub fn stop(self) -> JoinHandle<Served> {
        self.shutdown.send(()).unwrap();
        self.served
    }
}

/// `/parts` streams `count` parts, with a pause before each part and before the end.
pub fn parts(count: u32, pause: Duration) -> Router {
    let next = move |sent: u32| async move {
        tokio::time::sleep(pause).await;
        (sent < count).then(|| (Ok::<_, std::io::Error>("part"), sent + 1))
    };
    let stream = async move || Body::from_stream(stream::unfold(0, next));
    Router::new().route("/parts", get(stream))
}

/// A client's connection.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    pub async fn send(&mut self, bytes: &str) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_bytes()).await
    }

    pub async fn get(&mut self, path: &str) -> std::io::Result<Response> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        self.send(&request).await?;
        self.response().await
    }

    /// Receives one response with a `Content-Length`.
    pub async fn response(&mut self) -> std::io::Result<Response> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.receive(&mut bytes).await?;
        };
        let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok())
            .unwrap_or(0);
        while bytes.len() < head_end + length {
            self.receive(&mut bytes).await?;
        }
        Ok(Response {
            status: head[9..12].parse().expect("a status line"),
            body: String::from_utf8_lossy(&bytes[head_end..]).into_owned(),
            head,
        })
    }

    /// Waits until the server closes the connection; returns what it sent before.
    pub async fn closed(&mut self) -> String {
        let mut bytes = Vec::new();
        let until_closed = async {
            // A reset is a close, too.
            while self.receive(&mut bytes).await.is_ok() {}
        };
        timeout(TIMEOUT, until_closed).await.unwrap_or_else(|_| {
            panic!("waited {TIMEOUT:?} for the server to close the connection")
        });
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn receive(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        let read = timeout(TIMEOUT, self.stream.read_buf(bytes)).await;
        match read.unwrap_or_else(|_| panic!("waited {TIMEOUT:?} for a response"))? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    /// Whether it has `Connection: close`.
    pub fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

/// Polls until the condition holds; panics with its description after [`TIMEOUT`].
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < TIMEOUT, "waited {TIMEOUT:?} for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
