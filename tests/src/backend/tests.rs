//! Tests of the backend: it starts, stores spans and returns them.

use std::time::Duration;

use trace_contract::{Expectation, Request, Source};

use super::origin::Missing;
use super::pair::config_or_skip;
use super::{Backend, Tool};
use crate::contracts;
use crate::local::{System, SystemConfig};
use crate::workspace;

#[tokio::test]
async fn a_trace_passes_through_the_collector_into_jaeger() {
    let Some(mut backend) = Backend::or_skip().await else {
        return;
    };
    let config = SystemConfig::new().export_to(backend.endpoint());
    let system = System::start(config).await.unwrap();
    let request = Request::get(&system.url("/hello")).unwrap();
    request.send().await.unwrap();

    let jaeger = Source::from(backend.jaeger().unwrap());
    let id = request.traceparent().trace_id();
    let expectation = Expectation::continues(request.traceparent()).settle(contracts::SETTLE);
    let settled = jaeger.settled_trace(id, &expectation, Duration::from_secs(20));
    let settled = settled.await;
    let settled = settled.unwrap_or_else(|error| panic!("{error}\n{}", backend.report()));
    let trace = settled.trace;
    assert_eq!(trace.services().len(), 2, "{trace:?}");
    backend.terminate().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_cannot_start_is_reported_with_its_reason() {
    let Some(config) = config_or_skip().await else {
        return;
    };
    let config = config.set(Tool::Jaeger, "JAEGER_STORAGE", "sieve");
    let error = Backend::start(&config).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("jaeger exited unexpectedly") && error.contains("sieve"),
        "{error}"
    );
}

#[test]
fn a_missing_tool_is_reported_with_every_reason() {
    let missing = Missing {
        tool: Tool::Jaeger,
        reasons: vec!["not here".to_owned(), "nor there".to_owned()],
    };
    let text = missing.to_string();
    assert_eq!(text, "jaeger was not found: not here; nor there");
}

/// The same release is built from `tools/`, run in Docker, and installed by the chart.
#[test]
fn the_chart_and_tools_have_the_same_versions() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let values = read("charts/onetrace/values.yaml");
    for tool in [Tool::Collector, Tool::Jaeger] {
        let tag = format!("tag: {}\n", tool.version());
        assert!(values.contains(&tag), "values.yaml must contain {tag:?}");
    }
    let manifest = read("tools/collector/builder.yaml");
    assert!(manifest.contains("  version: 0.161.0\n"), "{manifest}");
    let module = read("tools/jaeger/go.mod");
    assert!(module.contains("v1.76.0 is Jaeger 2.13.0"), "{module}");
}
