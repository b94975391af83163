//! What a caller sends in headers, queries, bodies and baggage that is not accepted is in no
//! span, log line, metric or response, and is not passed on to the next service.

mod requests;
mod tap;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use tests::local::{Service, System, SystemConfig};
use tests::traced_system::TracedSystem;
use trace_contract::{Behaviour, Receiver};

use requests::{ALLOWED, Case, INTERNAL, MALFORMED, SECRET, SECRET_IN_BASE64};
use tap::Tap;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A place, and all text that was found there.
type Observed = (&'static str, String);

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_the_service_that_received_it() -> Result<()> {
    let observed = observe(SystemConfig::new()).await?;
    assert_no_leak(&observed);
    Ok(())
}

/// Also not in the log lines of libraries.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_at_log_level_trace() -> Result<()> {
    let observed = observe(SystemConfig::new().all("RUST_LOG", "trace")).await?;
    let logs = observed.iter().filter(|(place, _)| place.ends_with("log"));
    for (place, log) in logs {
        assert!(
            log.contains("\"level\":\"TRACE\"") || log.contains("\"level\":\"DEBUG\""),
            "the {place} must have lines of libraries, or this test proves nothing"
        );
    }
    assert_no_leak(&observed);
    Ok(())
}

#[tokio::test]
async fn a_rejected_setting_is_named_without_its_secret() -> Result<()> {
    for (name, value) in [
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:s3cret@collector:4318",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer s3cret"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20s3cret%0A",
        ),
        ("HELLO_URL", "http://user:s3cret@hello:8090"),
        ("HELLO_URL", "http://hello:8090/?token=s3cret"),
    ] {
        let config = SystemConfig::new().all("OTEL_TRACES_EXPORTER", "otlp");
        let started = System::start(config.gateway(name, value)).await;
        let Err(error) = started else {
            panic!("{name} must be rejected: it contains credentials or is invalid");
        };
        let error = format!("{error:#}");
        assert!(
            error.contains(name),
            "the error must name {name}, so that it can be corrected: {error}"
        );
        assert!(
            !error.contains(SECRET),
            "the error must not contain the value of {name}: {error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_warning_about_a_setting_contains_no_secret() -> Result<()> {
    let config = SystemConfig::new()
        .all("TELEMETRY_STRICT", "false")
        .all("RUST_LOG", "off")
        .all("OTEL_TRACES_EXPORTER", "otlp")
        .all(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:s3cret@collector",
        )
        .all("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer s3cret")
        .all("OTEL_EXPORTER_OTLP_HEADER", "authorization=s3cret")
        .all("OTEL_TRACES_SAMPELR", "s3cret");
    let mut system = System::start(config).await?;
    system.gateway.terminate().await?;
    let log = system.gateway.output().text();
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS: member 1",
        "OTEL_EXPORTER_OTLP_HEADER: is not a known variable",
        "did you mean OTEL_TRACES_SAMPLER?",
    ] {
        let line = log.lines().find(|line| line.contains(name));
        assert!(
            line.is_some_and(|line| line.contains("\"level\":\"WARN\"")),
            "{name} must be in a warning, also with RUST_LOG=off: {log}"
        );
    }
    assert!(!log.contains(SECRET), "a warning contains a secret: {log}");
    Ok(())
}

/// Starts a system, sends it every kind of request, and returns everything that it sent out.
async fn observe(config: SystemConfig) -> Result<Vec<Observed>> {
    let (to_hello, to_gateway) = (Tap::bind().await?, Tap::bind().await?);
    let config = config
        .all("OTEL_PROPAGATORS", "tracecontext,baggage,b3,b3multi,jaeger")
        .all(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20s3cret-exporter",
        )
        .gateway("EDGE_BAGGAGE", "tenant")
        .gateway("HELLO_URL", to_hello.url())
        .gateway("HELLO_TIMEOUT", "300ms")
        .hello("GATEWAY_URL", to_gateway.url())
        .hello("FAULTS", "true");
    let receiver = Receiver::bind("127.0.0.1:0").await?;
    let collector = format!("{}?token=s3cret-collector", receiver.endpoint());
    let mut traced = TracedSystem {
        system: System::start(config.export_to(collector)).await?,
        receiver,
    };
    to_hello.connect(&traced.system.hello.url());
    to_gateway.connect(&traced.system.gateway.admin_url());
    // The services log the failed exports.
    traced.receiver.set_behaviour(Behaviour::Reject {
        status: 503,
        retry_after: None,
    });
    let mut responses = public_requests(&traced).await?;
    responses += &failing_requests(&traced).await?;
    responses += &internal_requests(&traced).await?;
    traced.receiver.set_behaviour(Behaviour::Accept);
    let mut metrics = read_metrics(&traced.system.hello).await?;
    traced.system.hello.terminate().await?;
    to_hello.stop();
    responses += &Case::new(502, "GET /hello?token=s3cret-query")
        .send(&traced.system.gateway.url())
        .await?;
    // The gateway must have exported its spans; hello has exited.
    traced.system.gateway.wait_until_exported(TIMEOUT).await?;
    metrics += &read_metrics(&traced.system.gateway).await?;
    traced.system.gateway.terminate().await?;

    Ok(vec![
        ("responses", responses),
        ("metrics", metrics),
        ("wire from gateway to hello", to_hello.recorded()),
        ("wire from hello to gateway", to_gateway.recorded()),
        ("gateway's log", traced.system.gateway.output().text()),
        ("hello's log", traced.system.hello.output().text()),
        ("spans", spans(&traced)),
    ])
}

/// Valid requests to every public route, and invalid requests.
async fn public_requests(traced: &TracedSystem) -> Result<String> {
    let (long, large) = ("x".repeat(9000), "y".repeat(200_000));
    let body = format!("content-length: 3000000\r\n\r\ns3cret-body{long}");
    let cases = [
        Case::new(200, "GET /?token=s3cret-query"),
        Case::new(200, "GET /hello?token=s3cret-query"),
        Case::new(200, "GET /hello/ada?token=s3cret-query"),
        Case::new(200, "GET /hello?token=s3cret-query").context(MALFORMED),
        Case::new(200, "GET http://shop/hello?token=s3cret-query"),
        Case::new(
            400,
            "GET http://user:s3cret-userinfo@shop/hello?token=s3cret-query",
        ),
        Case::new(404, "GET /no/such/route?token=s3cret-query"),
        Case::new(405, "DELETE /hello?token=s3cret-query"),
        Case::new(
            400,
            format!("GET /hello/{}?token=s3cret-query", "x".repeat(65)),
        ),
        Case::new(400, "GET /hello/%FF?token=s3cret-query"),
        Case::new(414, format!("GET /hello?token=s3cret-query{long}")),
        Case::new(413, "GET /hello?token=s3cret-query").rest(body),
        Case::new(431, "GET /hello").rest(format!("x-large: s3cret-large{large}\r\n\r\n")),
        Case::new(400, "GET /hello").rest("s3cret no header\r\n\r\n"),
        Case::new(400, "GET /s3cret line with too many words"),
    ];
    send(&cases, &traced.system.gateway.url()).await
}

/// Requests that fail because hello fails.
async fn failing_requests(traced: &TracedSystem) -> Result<String> {
    let mut responses = String::new();
    for (faults, status) in [
        (r#"{"error_rate": 1, "status": 503, "times": 1}"#, 200),
        (r#"{"error_rate": 1, "status": 503}"#, 503),
        (r#"{"error_rate": 1, "status": 500}"#, 502),
        (r#"{"delay": "1s"}"#, 504),
    ] {
        traced.system.hello.set_faults(faults).await?;
        let case = Case::new(status, "GET /hello?token=s3cret-query");
        responses += &case.send(&traced.system.gateway.url()).await?;
    }
    traced.system.hello.set_faults("{}").await?;
    Ok(responses)
}

/// Requests that only services and operators send.
async fn internal_requests(traced: &TracedSystem) -> Result<String> {
    let internal = |status, line| Case::new(status, line).context(INTERNAL);
    let hello = [
        internal(200, "GET /greetings/World?token=s3cret-query"),
        internal(404, "GET /no/such/route?token=s3cret-query"),
        internal(405, "PUT /greetings/World?token=s3cret-query"),
        internal(400, "GET /greetings/%FF?token=s3cret-query"),
    ];
    let gateway_admin = [
        internal(200, "GET /visitors/World?token=s3cret-query"),
        internal(400, "GET /visitors/%FF?token=s3cret-query"),
        internal(200, "GET /livez?token=s3cret-query"),
        internal(200, "GET /readyz?token=s3cret-query"),
        internal(200, "GET /metrics?token=s3cret-query"),
    ];
    let hello_admin = [
        internal(415, "POST /faults?token=s3cret-query")
            .rest("content-length: 11\r\n\r\ns3cret-body"),
        internal(200, "GET /faults?token=s3cret-query"),
    ];
    let system = &traced.system;
    Ok(send(&hello, &system.hello.url()).await?
        + &send(&gateway_admin, &system.gateway.admin_url()).await?
        + &send(&hello_admin, &system.hello.admin_url()).await?)
}

async fn send(cases: &[Case], url: &str) -> Result<String> {
    let mut responses = String::new();
    for case in cases {
        responses += &case.send(url).await?;
    }
    Ok(responses)
}

async fn read_metrics(service: &Service) -> Result<String> {
    let url = format!("{}/metrics", service.admin_url());
    let response = tests::client().get(&url).send().await?;
    Ok(response.error_for_status()?.text().await?)
}

/// All received spans, with everything that they contain.
fn spans(traced: &TracedSystem) -> String {
    let store = traced.receiver.store();
    let ids = store.trace_ids().into_iter();
    let spans = ids.filter_map(|id| Some(format!("{:#?}", store.trace(id)?.spans())));
    spans.collect::<Vec<_>>().join("\n")
}

fn assert_no_leak(observed: &[Observed]) {
    for place in [
        "spans",
        "wire from gateway to hello",
        "wire from hello to gateway",
    ] {
        let found = observed.iter().find(|(name, _)| *name == place);
        assert!(
            found.is_some_and(|(_, text)| text.contains(ALLOWED)),
            "the accepted baggage must be in the {place}, or a secret would not be found there either"
        );
    }
    let leaks: BTreeSet<_> = observed.iter().flat_map(leaks).collect();
    let first: Vec<_> = leaks.iter().take(20).map(String::as_str).collect();
    assert!(
        leaks.is_empty(),
        "{} different lines contain a secret:\n{}",
        leaks.len(),
        first.join("\n")
    );
}

/// The lines of a place that contain a secret in any form.
fn leaks((place, text): &Observed) -> Vec<String> {
    let as_bytes: Vec<_> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    let as_bytes = as_bytes.join(", ");
    let leaks = |line: &&str| {
        line.to_ascii_lowercase().contains(SECRET)
            || line.contains(SECRET_IN_BASE64)
            || line.contains(&as_bytes)
    };
    let lines = text.lines().filter(leaks);
    lines
        .map(|line| format!("{place}: {}", line.get(..600).unwrap_or(line)))
        .collect()
}
