//! Requests that are rejected before a handler runs: counted by reason, and logged.
//! Neither contains anything that a client sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::{IntCounterVec, Opts, Registry, TextEncoder};

use super::LogLimit;

/// Why a request was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RejectionReason {
    /// Not valid HTTP/1: 400.
    Malformed,
    /// An HTTP/2 preface on this HTTP/1 port; the connection is closed.
    Http2,
    /// A TLS handshake on this port without TLS; the connection is closed after a 400.
    Tls,
    /// The head is too large: 431, or 414 if it is the request line.
    HeadTooLarge,
    /// `Host` is missing, duplicated or invalid: 400.
    InvalidHost,
    /// The path with its query is too long: 414.
    PathTooLong,
    /// The body is too large: 413.
    BodyTooLarge,
    /// The body was not complete within `BODY_TIMEOUT`: 408.
    BodyTimeout,
    /// The head was not complete within `HEADER_TIMEOUT`; the connection is closed.
    HeaderTimeout,
    /// The client closed the connection before the head was complete.
    IncompleteHead,
}

impl RejectionReason {
    const ALL: [Self; 10] = [
        Self::Malformed,
        Self::Http2,
        Self::Tls,
        Self::HeadTooLarge,
        Self::InvalidHost,
        Self::PathTooLong,
        Self::BodyTooLarge,
        Self::BodyTimeout,
        Self::HeaderTimeout,
        Self::IncompleteHead,
    ];

    /// The reason in metrics and logs.
    fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Http2 => "http2",
            Self::Tls => "tls",
            Self::HeadTooLarge => "head_too_large",
            Self::InvalidHost => "invalid_host",
            Self::PathTooLong => "path_too_long",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::IncompleteHead => "incomplete_head",
        }
    }
}

/// The rejected requests of a process. Clones share the counters.
#[derive(Clone)]
pub(crate) struct Rejections {
    counter: IntCounterVec,
    summary: Arc<Mutex<Summary>>,
}

#[derive(Default)]
struct Summary {
    limit: LogLimit,
    /// Requests that no summary has reported.
    unreported: u64,
}

impl Rejections {
    /// None yet, on ports with these names.
    pub(crate) fn new(ports: &[&str]) -> Self {
        let options = Opts::new(
            "http_rejected_requests_total",
            "Requests that were rejected before a handler.",
        );
        let counter = IntCounterVec::new(options, &["port", "reason"]);
        let counter = counter.expect("the name is valid");
        for port in ports {
            for reason in RejectionReason::ALL {
                // Creates the series, so that it starts at 0.
                counter.with_label_values(&[port, reason.as_str()]);
            }
        }
        Self {
            counter,
            summary: Arc::default(),
        }
    }

    /// Counts a rejected request of `client`, and logs it: at DEBUG each, and at WARN
    /// a summary at most every ten seconds.
    pub(crate) fn count(&self, port: &'static str, reason: RejectionReason, client: SocketAddr) {
        let reason = reason.as_str();
        self.counter.with_label_values(&[port, reason]).inc();
        tracing::debug!(port, reason, client.address = %client.ip(), "request rejected");
        let mut summary = self.summary.lock().unwrap_or_else(PoisonError::into_inner);
        summary.unreported += 1;
        if summary.limit.allows() {
            let requests = std::mem::take(&mut summary.unreported);
            drop(summary);
            tracing::warn!(
                requests,
                last_port = port,
                last_reason = reason,
                "requests were rejected before a handler; see http_rejected_requests_total in /metrics"
            );
        }
    }

    /// The counts in Prometheus' text format.
    pub(crate) fn to_prometheus(&self) -> String {
        let registry = Registry::new();
        let registered = registry.register(Box::new(self.counter.clone()));
        registered.expect("it is the only metric");
        let text = TextEncoder::new().encode_to_string(&registry.gather());
        text.expect("metrics with constant names can be encoded")
    }
}
