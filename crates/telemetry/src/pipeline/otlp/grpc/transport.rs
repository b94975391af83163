//! The HTTP client as tonic's transport.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode, Version, header};
use http_body_util::{BodyExt, Limited};
use tonic::body::Body;
use tower::Service;
use url::Url;

use crate::pipeline::otlp::response::MAX_RESPONSE;

type BoxError = Box<dyn Error + Send + Sync>;

/// Sends each request to one URL.
pub(super) struct Transport {
    pub(super) client: reqwest::Client,
    pub(super) url: Url,
}

/// The response has this status and is not gRPC's.
#[derive(Debug, thiserror::Error)]
#[error("status {0} without gRPC's content type")]
pub(super) struct NotGrpc(pub(super) StatusCode);

impl Service<http::Request<Body>> for Transport {
    type Response = http::Response<Limited<reqwest::Body>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (head, body) = request.into_parts();
        let request = self.client.post(self.url.clone()).version(Version::HTTP_2);
        Box::pin(async move {
            // One message, which is in memory.
            let body = body.collect().await?.to_bytes();
            let response = request.headers(head.headers).body(body).send().await?;
            if !is_grpc(response.headers()) {
                return Err(NotGrpc(response.status()).into());
            }
            let response = http::Response::<reqwest::Body>::from(response);
            Ok(response.map(|body| Limited::new(body, 2 * MAX_RESPONSE)))
        })
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let prefix = value.get(.."application/grpc".len()).unwrap_or_default();
    prefix.eq_ignore_ascii_case("application/grpc")
}
