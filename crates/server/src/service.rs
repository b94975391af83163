//! The routes as hyper calls them, for one connection.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::routing::future::RouteFuture;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;

use crate::activity::{Activity, InFlight};

/// Hands a connection's requests to the routes, tells them who asks, and asks
/// clients to go on elsewhere once the drain has begun or the connection is old.
#[derive(Clone)]
pub(crate) struct Routes {
    /// Calling it wants `&mut`; a copy for each request would be a write to
    /// memory that all connections share.
    pub(crate) router: RefCell<Router>,
    pub(crate) peer: SocketAddr,
    pub(crate) activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for Routes {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: Request<Incoming>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(self.peer));
        Answer {
            inner: self.router.borrow_mut().call(request),
            in_flight: Some(self.activity.begin()),
        }
    }
}

pin_project! {
    /// A request being answered.
    pub(crate) struct Answer {
        #[pin]
        inner: RouteFuture<Infallible>,
        in_flight: Option<InFlight>,
    }
}

impl Future for Answer {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Changed where it is: an answer is large to move.
        let mut answered = ready!(this.inner.poll(cx));
        if let Ok(response) = &mut answered {
            finish(response, this.in_flight.take());
        }
        Poll::Ready(answered)
    }
}

fn finish(response: &mut Response<Body>, in_flight: Option<InFlight>) {
    if in_flight.as_ref().is_some_and(InFlight::is_the_last) {
        // hyper closes the connection behind this answer, so the client's
        // next request never races with the close of an idle connection.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    let body = response.body_mut();
    if body.size_hint().exact().is_none() {
        let inner = std::mem::take(body);
        *body = Body::new(Streamed { inner, in_flight });
    }
}

pin_project! {
    /// A streaming body: its request is in flight until the last byte.
    struct Streamed {
        #[pin]
        inner: Body,
        in_flight: Option<InFlight>,
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.project().inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
