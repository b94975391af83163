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

use std::sync::OnceLock;

pub use opentelemetry::trace::{SpanKind, Status, TraceId};
pub use opentelemetry_sdk::trace::SpanData;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, ServiceInfo};
pub use crate::finished_spans::FinishedSpans;
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
    let output = log::Output::start().expect("a thread can be started");
    tracing_subscriber::registry()
        .with(layer)
        .with(log::layer(config.log.clone(), output))
        .try_init()
        .expect("no tracing subscriber is installed yet");
    // Its counters are not used, and it has no thread that must be stopped.
    drop(telemetry);
    spans
}
