//! A connection that is kept open. It reports whether any byte of a request was sent.

use anyhow::{Context, Result};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The result of a request.
pub(super) enum Outcome {
    /// The complete response was received; its status.
    Response(u16),
    /// The server had closed the connection before any byte of the request was sent.
    NotSent,
    /// The request was sent, but no complete response was received.
    NoResponse(String),
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
            // A request in flight reports the error.
            let _ = connection.await;
        });
        Ok(Self { sender, driver })
    }

    /// Whether it can send another request.
    pub(super) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    pub(super) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Outcome {
        let response = match self.sender.try_send_request(request).await {
            Ok(response) => response,
            // hyper returns the request if no byte of it was sent.
            Err(error) if error.message().is_some() => return Outcome::NotSent,
            Err(error) => return Outcome::NoResponse(with_causes(error.into_error())),
        };
        let status = response.status().as_u16();
        match response.into_body().collect().await {
            Ok(_) => Outcome::Response(status),
            Err(error) => Outcome::NoResponse(format!("{status}, then {}", with_causes(error))),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

fn with_causes(error: hyper::Error) -> String {
    format!("{:#}", anyhow::Error::from(error))
}
