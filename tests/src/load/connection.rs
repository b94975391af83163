//! One kept-alive connection, which knows whether a request was ever sent on it.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(super) type Outgoing = Request<Empty<Bytes>>;

/// What became of a request.
pub(super) enum Outcome {
    /// It was answered, in full.
    Answered(u16),
    /// The connection had been closed before anything of it was sent.
    NotSent,
    /// It was sent, and not answered in full.
    Unanswered(String),
}

pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    pub(super) async fn open(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("connecting to {authority}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // How it ends is seen where a request was waiting.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }

    /// Whether another request may be sent on it.
    pub(super) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(super) async fn send(&mut self, request: Outgoing) -> Outcome {
        let answer = match self.sender.try_send_request(request).await {
            Ok(answer) => answer,
            Err(error) => {
                // It is given back when nothing of it was sent.
                return match error.message() {
                    Some(_) => Outcome::NotSent,
                    None => Outcome::Unanswered(chain(error.error())),
                };
            }
        };
        let status = answer.status().as_u16();
        match answer.into_body().collect().await {
            Ok(_) => Outcome::Answered(status),
            Err(error) => Outcome::Unanswered(format!("{status}, then {}", chain(&error))),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn chain(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
