//! A service in the place of hello, for tests of what the gateway passes on.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::http::HeaderMap;
use axum::routing::any;
use axum::{Json, Router};

/// A running service. It responds to every request with a greeting.
pub struct FakeHello {
    /// Its URL, for the gateway's `HELLO_URL`.
    pub url: String,
    received: Arc<Mutex<HeaderMap>>,
}

impl FakeHello {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self> {
        let received = Arc::new(Mutex::new(HeaderMap::new()));
        let last = Arc::clone(&received);
        let respond = any(move |headers: HeaderMap| async move {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = headers;
            Json(serde_json::json!({"message": "Hi"}))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(respond);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, received })
    }

    /// The headers of the last request.
    pub fn received(&self) -> HeaderMap {
        let received = self.received.lock();
        received.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
