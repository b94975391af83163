//! Finished spans in memory, for the tests of programs that use this crate.
//!
//! ```
//! # #[tracing::instrument] fn greet() {}
//! let spans = telemetry::testing::init();
//! tracing::info_span!("request").in_scope(greet);
//!
//! let spans = spans.all();
//! let [child, root] = spans.as_slice() else { panic!("two spans, in the order of their ends") };
//! assert_eq!((child.name.as_ref(), root.name.as_ref()), ("greet", "request"));
//! assert_eq!(child.parent_span_id, root.span_context.span_id());
//! assert_eq!(root.span_kind, telemetry::testing::SpanKind::Internal);
//! ```

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
pub use opentelemetry::trace::{SpanKind, Status, TraceId};
use opentelemetry_sdk::error::OTelSdkResult;
pub use opentelemetry_sdk::trace::SpanData;
use opentelemetry_sdk::trace::{Span, SpanProcessor};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, ServiceInfo};
use crate::init::start_with;
use crate::log;

/// Starts telemetry with an in-memory exporter and default configuration,
/// whatever the environment. Further calls return the same spans: telemetry
/// is one per process, and so are the spans of all tests in one binary.
///
/// # Panics
/// If telemetry was initialized otherwise, or a `tracing` subscriber is installed.
pub fn init() -> FinishedSpans {
    static SPANS: OnceLock<FinishedSpans> = OnceLock::new();
    SPANS.get_or_init(install).clone()
}

fn install() -> FinishedSpans {
    let service = ServiceInfo {
        name: "test",
        version: "0.0.0",
    };
    let spans = FinishedSpans::default();
    let no_exporter = |name: &str| (name == "OTEL_TRACES_EXPORTER").then(|| "none".into());
    let config = Config::from_vars(service, no_exporter).expect("the configuration is valid");
    let (telemetry, layer) =
        start_with(&config, Some(spans.clone())).expect("telemetry is not initialized yet");
    tracing_subscriber::registry()
        .with(layer)
        .with(log::layer(config.log.clone()))
        .try_init()
        .expect("no tracing subscriber is installed yet");
    // Its counters are not used, and it has no thread that must be stopped.
    drop(telemetry);
    spans
}

/// The spans that have ended. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct FinishedSpans(Arc<Mutex<Vec<SpanData>>>);

impl FinishedSpans {
    /// All spans, in the order in which they ended.
    pub fn all(&self) -> Vec<SpanData> {
        self.lock().clone()
    }

    /// The spans of one trace, for tests that run concurrently.
    pub fn of_trace(&self, trace_id: TraceId) -> Vec<SpanData> {
        let spans = self.lock();
        let of_trace = spans
            .iter()
            .filter(|span| span.span_context.trace_id() == trace_id);
        of_trace.cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for FinishedSpans {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.lock().push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
