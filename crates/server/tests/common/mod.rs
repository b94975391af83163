//! A server as production runs it, on ports of its own, and a client that
//! writes and reads raw bytes.

// Each test binary uses its part of this.
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

/// What a test waits for at most.
pub const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    config: Config,
}

/// The config that these flags give, without a drain delay unless one is named.
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
        let (shutdown, asked) = oneshot::channel();
        let routes = Routes {
            public: server::with_middleware(public, ServerLayer::internal(), &config),
            internal,
        };
        let served = tokio::spawn(async move {
            let accounting = Accounting::default();
            let shutdown = async {
                let _ = asked.await;
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

    /// Asks the server to stop; the handle says when it has.
    pub fn stop(self) -> JoinHandle<Served> {
        self.shutdown.send(()).unwrap();
        self.served
    }
}

/// `/parts`: a stream of so many parts, with a pause before each and before the end.
pub fn parts(count: u32, pause: Duration) -> Router {
    let next = move |sent: u32| async move {
        tokio::time::sleep(pause).await;
        (sent < count).then(|| (Ok::<_, std::io::Error>("part"), sent + 1))
    };
    let stream = async move || Body::from_stream(stream::unfold(0, next));
    Router::new().route("/parts", get(stream))
}

/// A connection in raw bytes.
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

    pub async fn get(&mut self, path: &str) -> std::io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        self.send(&request).await?;
        self.answer().await
    }

    /// Reads one answer of known length.
    pub async fn answer(&mut self) -> std::io::Result<Answer> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.more(&mut bytes).await?;
        };
        let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next()?.parse().ok())
            .unwrap_or(0);
        while bytes.len() < head_end + length {
            self.more(&mut bytes).await?;
        }
        Ok(Answer {
            status: head[9..12].parse().expect("a status line"),
            body: String::from_utf8_lossy(&bytes[head_end..]).into_owned(),
            head,
        })
    }

    /// Waits for the server's close; says what came before it.
    pub async fn closed(&mut self) -> String {
        let mut bytes = Vec::new();
        let until_closed = async {
            // A reset is a close too.
            while self.more(&mut bytes).await.is_ok() {}
        };
        timeout(PATIENCE, until_closed)
            .await
            .unwrap_or_else(|_| panic!("waited {PATIENCE:?} for the server to close"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn more(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(bytes)).await;
        match read.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for more of an answer"))? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

/// Polls until it holds; panics with what was waited for.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
