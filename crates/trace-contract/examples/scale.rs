//! Prints how long the check of large traces takes:
//! `cargo run --release -p trace-contract --example scale`.
//! With the argument `assert`, it fails if a time is longer than promised.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trace_contract::model::{Attributes, Scope};
use trace_contract::{
    Contract, Expectation, Span, SpanId, SpanKind, Status, Trace, TraceId, Value, record, waterfall,
};

/// The shape of a trace below its root.
#[derive(Clone, Copy)]
enum Shape {
    Equal,
    DifferentNames,
    DifferentAttributes,
    DifferentChildren,
    Chain,
}

fn main() {
    let must_be_fast = std::env::args().any(|it| it == "assert");
    let mut is_slow = false;
    println!(
        "{:<52} {:>9} {:>9} {:>9} {:>9}",
        "", "record", "satisfied", "differs", "show"
    );
    for (count, limit) in [(1_000, 200), (20_000, 2_000)] {
        for (name, shape) in [
            ("equal siblings", Shape::Equal),
            ("siblings with different names", Shape::DifferentNames),
            (
                "siblings with different attributes",
                Shape::DifferentAttributes,
            ),
            ("siblings with different children", Shape::DifferentChildren),
            ("spans in a chain", Shape::Chain),
        ] {
            let times = measure(count, shape);
            let shown = times.map(|time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
            let [record, satisfied, differs, show] = shown;
            println!(
                "{:<52} {record:>9} {satisfied:>9} {differs:>9} {show:>9}",
                format!("{count} {name}")
            );
            is_slow |= times[1..3]
                .iter()
                .any(|it| *it > Duration::from_millis(limit));
        }
    }
    assert!(
        !(must_be_fast && is_slow),
        "a check takes longer than promised"
    );
}

/// The times of record, of a check that succeeds, of one in which every span differs, and of
/// the waterfall.
fn measure(count: u64, shape: Shape) -> [Duration; 4] {
    let trace = trace(count, shape, "GET");
    let (contract, recorded) = timed(|| record(&trace).expect("one root"));
    let contract = Contract::from_yaml(&contract.to_yaml()).expect("a valid contract");
    let expectation = Expectation::default();
    let (result, satisfied) = timed(|| contract.check(&trace, &expectation));
    result.unwrap_or_else(|mismatch| panic!("{mismatch}"));
    let other = self::trace(count, shape, "POST");
    let (result, differs) = timed(|| contract.check(&other, &expectation));
    let lines = result
        .expect_err("every span differs")
        .to_string()
        .lines()
        .count();
    assert!(lines <= 50, "the report has {lines} lines");
    let (_, show) = timed(|| waterfall(&trace));
    [recorded, satisfied, differs, show]
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started_at = Instant::now();
    let result = work();
    (result, started_at.elapsed())
}

fn trace(count: u64, shape: Shape, method: &str) -> Trace {
    let root = span(1, None, "root");
    let mut spans = vec![root];
    for number in 2..count + 2 {
        let parent = match shape {
            Shape::Chain => number - 1,
            _ => 1,
        };
        let name = match shape {
            Shape::DifferentNames => format!("{method} {number}"),
            _ => method.to_owned(),
        };
        let mut child = span(number, Some(parent), &name);
        let value = match shape {
            Shape::DifferentAttributes => format!("{method} {number}"),
            _ => method.to_owned(),
        };
        child
            .attributes
            .insert("order".to_owned(), Value::from(value));
        spans.push(child);
        if matches!(shape, Shape::DifferentChildren) {
            spans.push(span(
                number + 1_000_000,
                Some(number),
                &format!("{method} {number}"),
            ));
        }
    }
    Trace::new(trace_id(), spans)
}

fn trace_id() -> TraceId {
    TraceId::from_bytes([1; 16]).expect("not zero")
}

fn span(number: u64, parent: Option<u64>, name: &str) -> Span {
    let id = |number: u64| SpanId::from_bytes(number.to_be_bytes()).expect("not zero");
    let resource = [("service.name".to_owned(), Value::from("shop"))];
    Span {
        trace_id: trace_id(),
        span_id: id(number),
        parent: parent.map(id),
        trace_state: String::new(),
        flags: 0,
        name: name.to_owned(),
        kind: SpanKind::Internal,
        start: 1_700_000_000_000_000_000 + number,
        end: 1_700_000_000_100_000_000,
        status: Status::Unset,
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(resource.into()),
        scope: Arc::new(Scope::default()),
    }
}
