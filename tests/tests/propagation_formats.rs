//! What the services accept, record and pass on for the formats of trace context: the flags
//! of Trace Context Level 2, every state of B3, and baggage.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::fake_hello::FakeHello;
use tests::local::SystemConfig;
use tests::traced_system::TracedSystem;
use tests::{contracts, ports, skip};
use tokio::io::{AsyncBufReadExt, BufReader};
use trace_contract::{Expectation, Trace};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A gateway with a [`FakeHello`] behind it.
struct Edge {
    traced: TracedSystem,
    hello: FakeHello,
}

impl Edge {
    async fn start(config: SystemConfig) -> Result<Self> {
        let hello = FakeHello::start().await?;
        let config = config.gateway("HELLO_URL", &hello.url);
        let traced = TracedSystem::with(config).await?;
        Ok(Self { traced, hello })
    }

    /// Sends `GET /hello` with these headers; returns the response.
    async fn get(&self, headers: &[(&str, &str)]) -> Result<reqwest::Response> {
        let client = trace_contract::http_client::builder().no_proxy().build()?;
        let mut request = client.get(self.traced.system.url("/hello"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        assert_eq!(
            response.status(),
            200,
            "{headers:?} must not fail a request"
        );
        Ok(response)
    }

    /// The header that hello received last.
    fn passed_on(&self, name: &str) -> Option<String> {
        let received = self.hello.received();
        let value = received.get(name)?;
        Some(value.to_str().expect("it is ASCII").to_owned())
    }
}

/// The flags at the end of a `traceparent` or `traceresponse`.
fn flags(header: &str) -> &str {
    header.rsplit('-').next().unwrap_or_default()
}

#[tokio::test]
async fn new_traces_have_the_random_flag_and_a_callers_flags_are_kept() -> Result<()> {
    let parent = |flags: &str| format!("00-{TRACE}-{SPAN}-{flags}");
    let new = "";
    for (edge_trace, sampler, cases) in [
        (
            "continue",
            "parentbased_always_on",
            [
                ("00", "00"),
                ("01", "01"),
                ("02", "02"),
                ("03", "03"),
                ("ff", "03"),
                (new, "03"),
            ],
        ),
        (
            "continue",
            "parentbased_always_off",
            [
                ("00", "00"),
                ("01", "01"),
                ("02", "02"),
                ("03", "03"),
                ("ff", "03"),
                (new, "02"),
            ],
        ),
        (
            "continue",
            "always_off",
            [
                ("00", "00"),
                ("01", "00"),
                ("02", "02"),
                ("03", "02"),
                ("ff", "02"),
                (new, "02"),
            ],
        ),
        (
            "link",
            "parentbased_always_on",
            [
                ("00", "03"),
                ("01", "03"),
                ("02", "03"),
                ("03", "03"),
                ("ff", "03"),
                (new, "03"),
            ],
        ),
    ] {
        let config = SystemConfig::new()
            .gateway("EDGE_TRACE", edge_trace)
            .gateway("OTEL_TRACES_SAMPLER", sampler);
        let edge = Edge::start(config).await?;
        for (sent, expected) in cases {
            let mut headers = vec![parent(sent)];
            if sent == new {
                // No trace context, and what restarts a trace.
                let valid = parent("01");
                headers.extend([
                    valid.to_uppercase(),
                    valid.replacen("00-", "ff-", 1),
                    format!("{valid}-more"),
                ]);
            }
            for header in headers {
                let case = format!("EDGE_TRACE={edge_trace}, {sampler}, traceparent {header}");
                let response = edge.get(&[("traceparent", &header)]).await?;
                let passed_on = edge.passed_on("traceparent").context("a traceparent")?;
                assert_eq!(flags(&passed_on), expected, "{case}: passed on");
                let returned = response.headers()["traceresponse"].to_str()?;
                assert_eq!(flags(returned), expected, "{case}: traceresponse");
                let same = sent != new && edge_trace == "continue";
                assert_eq!(passed_on.contains(TRACE), same, "{case}: {passed_on}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_b3_caller_without_a_decision_leaves_it_to_the_sampler() -> Result<()> {
    let full = format!("{TRACE}-{SPAN}");
    let accept = format!("{full}-1");
    let deny = format!("{full}-0");
    let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
    let with = |more: &[(&'static str, &'static str)]| [&ids[..], more].concat();
    // What is sent, what the root sampler decides if it decides, and what is passed on.
    let cases = [
        (vec![("b3", &*full)], ["1", "0"]),
        (vec![("b3", &*accept)], ["1", "1"]),
        (vec![("b3", &*deny)], ["0", "0"]),
        (vec![("b3", "1")], ["1", "1"]),
        (vec![("b3", "0")], ["0", "0"]),
        (vec![("b3", "d")], ["d", "d"]),
        (with(&[]), ["1", "0"]),
        (
            with(&[("x-b3-flags", "0"), ("x-b3-sampled", "1")]),
            ["1", "1"],
        ),
        (with(&[("x-b3-flags", "1")]), ["d", "d"]),
        (vec![("x-b3-sampled", "0")], ["0", "0"]),
    ];
    for (index, sampler) in ["parentbased_always_on", "parentbased_always_off"]
        .iter()
        .enumerate()
    {
        for propagators in ["b3", "b3multi", "tracecontext,b3", "b3multi,tracecontext"] {
            let config = SystemConfig::new()
                .all("OTEL_PROPAGATORS", propagators)
                .all("OTEL_TRACES_SAMPLER", sampler);
            let edge = Edge::start(config).await?;
            for (sent, expected) in &cases {
                let case = format!("{propagators}, {sampler}, {sent:?}");
                edge.get(sent).await?;
                let passed_on = state(&edge, propagators).with_context(|| case.clone())?;
                assert_eq!(passed_on, expected[index], "{case}");
            }
        }
    }
    Ok(())
}

/// The sampling state that hello received, as the single header writes it.
fn state(edge: &Edge, propagators: &str) -> Result<String> {
    if propagators.contains("b3multi") {
        ensure!(edge.passed_on("b3").is_none(), "only b3multi is configured");
        ensure!(edge.passed_on("x-b3-traceid").is_some(), "no trace id");
        return match (edge.passed_on("x-b3-flags"), edge.passed_on("x-b3-sampled")) {
            (Some(flags), None) if flags == "1" => Ok("d".to_owned()),
            (None, Some(sampled)) => Ok(sampled),
            other => anyhow::bail!("{other:?} is not one state"),
        };
    }
    let header = edge.passed_on("b3").context("no b3 header")?;
    Ok(flags(&header).to_owned())
}

#[tokio::test]
async fn a_b3_trace_without_a_decision_is_complete() -> Result<()> {
    for propagators in ["b3", "b3multi"] {
        let config = SystemConfig::new().all("OTEL_PROPAGATORS", propagators);
        let traced = TracedSystem::with(config).await?;
        let sent = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
        let client = trace_contract::http_client::builder()
            .no_proxy()
            .user_agent("caller/1");
        let mut request = client.build()?.get(traced.system.url("/hello"));
        for (name, value) in sent {
            request = request.header(name, value);
        }
        let response = request.send().await?;
        let id = contracts::trace_id(response.headers())?;
        assert_eq!(
            id.to_string(),
            TRACE,
            "the caller's trace must be continued"
        );
        let expectation = Expectation::continues(&format!("00-{TRACE}-{SPAN}-00").parse()?);
        traced.ensure_trace(id, "hello", &expectation).await?;
    }
    Ok(())
}

/// Baggage whose keys are names that spans and logs use.
const HOSTILE: &[&str] = &[
    "service.name",
    "Service.Name",
    "http.request.method",
    "HTTP.Route",
    "http.response.status_code",
    "url.path",
    "error.type",
    "client.address",
    "server.address",
    "network.protocol.version",
    "user_agent.original",
    "otel.status_code",
    "otel.name",
    "exception.message",
    "k8s.pod.name",
    "telemetry.sdk.name",
    "trace_id",
    "span_id",
    "trace_flags",
    "span.kind",
    "level",
    "timestamp",
    "message",
    "target",
    "status",
    "http%2Eroute",
];

#[tokio::test]
async fn baggage_cannot_change_what_spans_and_log_lines_record() -> Result<()> {
    let config = SystemConfig::new().gateway("EDGE_BAGGAGE", "*");
    let traced = TracedSystem::with(config).await?;
    let mut members: Vec<String> = HOSTILE
        .iter()
        .map(|key| format!("{key}=evil;evil=evil"))
        .collect();
    members.push("tenant=green".to_owned());
    members.push("tenant=blue;http.route=evil".to_owned());
    let baggage = format!("baggage: {}", members.join(","));
    let request = traced.get("/hello")?.header(&baggage)?;
    traced.check(&request, 200, "baggage").await?;
    let trace = traced
        .receiver
        .store()
        .trace(request.traceparent().trace_id());
    let trace = trace.context("the trace is stored")?;
    ensure_unchanged(&trace);
    for service in [&traced.system.gateway, &traced.system.hello] {
        let lines = service.log();
        let of_request = lines.iter().filter(|line| line["trace_id"].is_string());
        for line in of_request {
            assert!(
                !line.to_string().contains("evil"),
                "{}: {line}",
                service.name()
            );
            assert_eq!(line["level"], Value::from("INFO"), "{line}");
        }
    }
    Ok(())
}

fn ensure_unchanged(trace: &Trace) {
    for span in trace.spans() {
        assert!(
            !format!("{span:?}").contains("evil"),
            "baggage has changed a span: {span:?}"
        );
    }
}

#[tokio::test]
async fn baggage_is_accepted_by_prefix_and_invalid_patterns_are_refused_at_start() -> Result<()> {
    let sent = "tenant=a,tenant.id=b,tenant.tier=c,tenants=d,user=e";
    for (accepted, expected) in [
        ("tenant.*", Some("tenant.id=b,tenant.tier=c")),
        ("tenant,user", Some("tenant=a,user=e")),
        (
            "tenant*",
            Some("tenant=a,tenant.id=b,tenant.tier=c,tenants=d"),
        ),
        (
            "*",
            Some("tenant=a,tenant.id=b,tenant.tier=c,tenants=d,user=e"),
        ),
        ("", None),
    ] {
        let config = SystemConfig::new().gateway("EDGE_BAGGAGE", accepted);
        let edge = Edge::start(config).await?;
        edge.get(&[("baggage", sent)]).await?;
        let passed_on = edge.passed_on("baggage");
        assert_eq!(passed_on.as_deref(), expected, "EDGE_BAGGAGE={accepted}");
    }
    for refused in ["a*b", "**", "*.tenant", ".*"] {
        let config = SystemConfig::new().gateway("EDGE_BAGGAGE", refused);
        let error = TracedSystem::with(config).await.err();
        let error = error.with_context(|| format!("EDGE_BAGGAGE={refused} must be refused"))?;
        let report = format!("{error:#}");
        assert!(
            report.contains("--edge-baggage") && report.contains("use key, prefix.* or *"),
            "EDGE_BAGGAGE={refused}: {report}"
        );
    }
    Ok(())
}

/// The folder `test` of a checkout of <https://github.com/w3c/trace-context>. Its `test.py`
/// needs Python with aiohttp.
const SUITE: &str = "W3C_TRACE_CONTEXT_TESTS";

#[tokio::test]
async fn the_w3c_conformance_suite_passes_at_level_2_strict() -> Result<()> {
    let Some(suite) = std::env::var_os(SUITE) else {
        skip::skipped("w3c", &format!("{SUITE} is not set to the suite's folder"));
        return Ok(());
    };
    let mut relay = tokio::process::Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "telemetry",
            "--example",
            "relay",
        ])
        .env("RELAY_ADDR", "127.0.0.1:0")
        .env("OTEL_TRACES_EXPORTER", "none")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = relay.stdout.take().context("its output is piped")?;
    let mut lines = BufReader::new(output).lines();
    let url = loop {
        let line = lines.next_line().await?.context("the relay must start")?;
        if let Some(url) = line.strip_prefix("relaying on ") {
            break url.to_owned();
        }
    };
    // The relay must be able to log.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let run = tokio::process::Command::new(python)
        .args(["test.py", &url])
        .current_dir(Path::new(&suite))
        .env("STRICT_LEVEL", "2")
        .env("SPEC_LEVEL", "2")
        .env("HARNESS_PORT", ports::free::<1>()?[0].to_string())
        .output()
        .await?;
    let report = String::from_utf8_lossy(&run.stderr);
    ensure!(
        run.status.success() && report.contains("\nOK\n"),
        "every test of the suite must pass, and none may be skipped: {report}"
    );
    Ok(())
}
