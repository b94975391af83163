//! The backend itself: it starts, takes spans, and gives them back.

use std::time::Duration;

use trace_contract::{Request, Source};

use super::{Backend, BackendSettings, Missing, Tool, find};
use crate::local::{System, SystemSettings};
use crate::workspace;

#[tokio::test]
async fn a_trace_goes_through_the_collector_into_jaeger() {
    let Some(mut backend) = Backend::or_skip().await else {
        return;
    };
    let settings = SystemSettings::new().export_to(backend.endpoint());
    let system = System::start(settings).await.unwrap();
    let request = Request::get(&system.url("/hello")).unwrap();
    request.send().await.unwrap();

    let jaeger = Source::from(backend.jaeger().unwrap());
    let id = request.sent_as().trace_id();
    let trace = jaeger.settled(id, Duration::from_secs(20)).await;
    let trace = trace.unwrap_or_else(|error| panic!("{error}\n{}", backend.report()));
    assert_eq!(trace.services().len(), 2, "{trace:?}");
    backend.terminate().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_cannot_start_is_shown_with_its_reason() {
    let found = (find(Tool::Collector).await, find(Tool::Jaeger).await);
    let (collector, jaeger) = match found {
        (Ok(collector), Ok(jaeger)) => (collector, jaeger),
        (Err(missing), _) | (_, Err(missing)) => {
            return crate::skip::skipped(missing.tool.name(), &missing.to_string());
        }
    };
    let settings =
        BackendSettings::new(collector, jaeger).set(Tool::Jaeger, "JAEGER_STORAGE", "sieve");
    let error = Backend::start(&settings).await.unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("jaeger ended by itself") && error.contains("sieve"),
        "{error}"
    );
}

#[test]
fn what_is_missing_is_told_with_every_reason() {
    let missing = Missing {
        tool: Tool::Jaeger,
        reasons: vec!["not here".to_owned(), "nor there".to_owned()],
    };
    assert_eq!(missing.to_string(), "no jaeger: not here; nor there");
}

/// One release everywhere: what is built, what is run by Docker, what the chart runs.
#[test]
fn the_versions_are_those_of_the_chart_and_of_tools() {
    let read = |path: &str| std::fs::read_to_string(workspace().join(path)).unwrap();
    let values = read("charts/onetrace/values.yaml");
    for tool in [Tool::Collector, Tool::Jaeger] {
        let tag = format!("tag: {}\n", tool.version());
        assert!(values.contains(&tag), "{tag:?} is not in values.yaml");
    }
    let manifest = read("tools/collector/builder.yaml");
    assert!(manifest.contains("  version: 0.161.0\n"), "{manifest}");
    let module = read("tools/jaeger/go.mod");
    assert!(module.contains("v1.76.0 is Jaeger 2.13.0"), "{module}");
}
