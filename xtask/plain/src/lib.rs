//! gateway and hello as anybody would write them with axum and reqwest alone: the
//! same runtime, the same settings of the client, the same routes, the same
//! bodies on the wire; no telemetry, no limits, no drain, no logs.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// Whatever keeps a program from starting.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What hello answers.
#[derive(Serialize, Deserialize)]
pub struct Greeting {
    /// The whole sentence.
    pub message: String,
}

/// What the gateway's internal API answers.
#[derive(Serialize, Deserialize)]
pub struct Visitor {
    /// The name to greet by.
    pub display_name: String,
    /// The language to greet in.
    pub language: String,
}

/// A peer, and the client that calls it.
#[derive(Clone)]
pub struct Peer {
    client: reqwest::Client,
    base: String,
}

impl Peer {
    /// The peer that a variable names, with the settings of the services' client.
    ///
    /// # Errors
    /// When the variable is not set, or the platform gives no client.
    pub fn new(variable: &str, timeout: Duration) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .user_agent("plain")
            .timeout(timeout)
            .connect_timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()?;
        let base = std::env::var(variable)?;
        Ok(Self { client, base })
    }

    /// The JSON at a path.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get<T: for<'de> Deserialize<'de>>(&self, path: &str) -> reqwest::Result<T> {
        let url = format!("{}{path}", self.base);
        let answer = self.client.get(url).send().await?;
        answer.error_for_status()?.json().await
    }
}

/// Serves `HTTP_ADDR` and `ADMIN_ADDR`, the latter with `/readyz`, until killed.
///
/// # Errors
/// When an address is not set or cannot be listened on.
pub async fn serve(public: Router, internal: Router) -> Result<(), Failure> {
    let internal = internal.route("/readyz", get(async || "ready\n"));
    let public_listener = bind("HTTP_ADDR").await?;
    let internal_listener = bind("ADMIN_ADDR").await?;
    tokio::spawn(async { axum::serve(internal_listener, internal).await });
    axum::serve(public_listener, public).await?;
    Ok(())
}

async fn bind(
    variable: &str,
) -> Result<impl axum::serve::Listener<Addr = std::net::SocketAddr>, Failure> {
    let listener = TcpListener::bind(std::env::var(variable)?).await?;
    Ok(listener.tap_io(|stream| {
        // Slower without, and nothing else.
        let _ = stream.set_nodelay(true);
    }))
}
