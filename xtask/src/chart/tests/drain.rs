//! How long services keep serving during a shutdown, for call graphs of every shape.

use std::fmt::Write as _;

use super::rendered::{Rendered, render_or_skip};

/// A service: its name, whether it is public, and the services that it calls.
type Service = (&'static str, bool, &'static [&'static str]);

/// A call graph, and the `DRAIN_DELAY` of each of its services.
type Shape = (
    &'static str,
    &'static [Service],
    &'static [(&'static str, &'static str)],
);

const SHAPES: [Shape; 8] = [
    (
        "a chain",
        &[("a", true, &["b"]), ("b", false, &["c"]), ("c", false, &[])],
        &[("a", "5s"), ("b", "20s"), ("c", "20s")],
    ),
    (
        "a chain of public services: each receives requests until its own delay",
        &[("a", true, &["b"]), ("b", true, &["c"]), ("c", true, &[])],
        &[("a", "5s"), ("b", "20s"), ("c", "35s")],
    ),
    (
        "a diamond",
        &[
            ("a", true, &["b", "c"]),
            ("b", true, &["d"]),
            ("c", false, &["d"]),
            ("d", false, &[]),
        ],
        &[("a", "5s"), ("b", "20s"), ("c", "20s"), ("d", "35s")],
    ),
    (
        "a callback: the requests of b are part of those of a",
        &[("a", true, &["b"]), ("b", false, &["a"])],
        &[("a", "5s"), ("b", "20s")],
    ),
    (
        "two public services that call each other",
        &[("a", true, &["b"]), ("b", true, &["a"])],
        &[("a", "20s"), ("b", "20s")],
    ),
    (
        "a cycle with a service after it, which serves until both have ended",
        &[
            ("a", true, &["b"]),
            ("b", true, &["a", "c"]),
            ("c", false, &[]),
        ],
        &[("a", "20s"), ("b", "20s"), ("c", "35s")],
    ),
    (
        "a cycle that no service calls: each may receive requests",
        &[("a", false, &["b"]), ("b", false, &["a"])],
        &[("a", "20s"), ("b", "20s")],
    ),
    (
        "a service that calls itself",
        &[("a", true, &["a", "b"]), ("b", false, &["b"])],
        &[("a", "5s"), ("b", "20s")],
    ),
];

#[tokio::test]
async fn a_service_serves_until_the_requests_of_its_callers_have_ended() {
    for (shape, services, expected) in SHAPES {
        let Some(rendered) = render_or_skip(&values(services)).await else {
            return;
        };
        for (service, delay) in expected {
            let actual = delay_of(&rendered, service);
            assert_eq!(actual, *delay, "{shape}: DRAIN_DELAY of {service}");
        }
    }
}

/// There are about 10^30 paths through this graph, so that a search of all paths does not end.
#[tokio::test]
async fn a_dense_call_graph_of_thirty_services_renders() {
    let names: Vec<_> = (0..30).map(|number| format!("s{number:02}")).collect();
    let mut values = "services:\n".to_owned();
    for name in &names {
        let is_public = name == "s00";
        writeln!(values, "  {name}:\n    public: {is_public}\n    calls:").unwrap();
        for callee in names.iter().filter(|callee| *callee != name) {
            let variable = callee.to_uppercase();
            writeln!(
                values,
                "      {variable}_URL: {{service: {callee}, port: http}}"
            )
            .unwrap();
        }
    }
    let Some(rendered) = render_or_skip(&values).await else {
        return;
    };
    assert_eq!(
        delay_of(&rendered, "s00"),
        "5s",
        "no other service is public"
    );
    for name in &names[1..] {
        assert_eq!(
            delay_of(&rendered, name),
            "20s",
            "until s00 has ended: {name}"
        );
    }
}

fn delay_of<'a>(rendered: &'a Rendered, service: &str) -> &'a str {
    rendered.variable("Deployment", &format!("onetrace-{service}"), "DRAIN_DELAY")
}

/// Values with these services. The two of the chart stay: they belong to its defaults.
fn values(services: &[Service]) -> String {
    let mut values = "services:\n".to_owned();
    for (name, public, callees) in services {
        writeln!(values, "  {name}:\n    public: {public}\n    calls:").unwrap();
        for callee in *callees {
            let variable = callee.to_uppercase();
            writeln!(
                values,
                "      {variable}_URL: {{service: {callee}, port: http}}"
            )
            .unwrap();
        }
        if callees.is_empty() {
            values.truncate(values.trim_end().len());
            values.push_str(" {}\n");
        }
    }
    values
}
