//! The in-memory exporter, as the tests of a program use it.

use telemetry::testing::{self, Status};
use tracing::Instrument;

#[tracing::instrument(fields(user = name))]
async fn load(name: &str) -> u32 {
    log::warn!("the cache is empty");
    7
}

#[tokio::test]
async fn finished_spans_have_their_parent_attributes_and_events() {
    let spans = testing::init();
    let mut trace_id = None;
    let request = async {
        trace_id = telemetry::trace_id();
        load("Ada").await;
        tracing::error!("an error is the status of the span");
    };
    request.instrument(tracing::info_span!("request")).await;
    let trace_id = trace_id.expect("the request has a trace");

    let spans = spans.of_trace(testing::TraceId::from_hex(&trace_id).expect("it is hex"));
    let [load, request] = spans.as_slice() else {
        panic!("two spans must have ended: {spans:?}");
    };
    assert_eq!((&*load.name, &*request.name), ("load", "request"));
    assert_eq!(load.parent_span_id, request.span_context.span_id());
    assert_eq!(load.status, Status::Unset);
    assert_eq!(request.status, Status::error(""));
    let user = load.attributes.iter().find(|it| it.key.as_str() == "user");
    assert_eq!(user.map(|it| it.value.as_str()).as_deref(), Some("Ada"));
    let events: Vec<_> = load.events.iter().map(|event| &*event.name).collect();
    assert_eq!(
        events,
        ["the cache is empty"],
        "a line of the log crate is an event of its span"
    );
}

#[test]
fn further_calls_return_the_same_spans() {
    let name = "seen by both";
    let (one, two) = (testing::init(), testing::init());
    tracing::info_span!("seen by both").in_scope(|| {});
    for spans in [one, two] {
        assert!(spans.all().iter().any(|span| span.name == name));
    }
}
