//! No secret leaves: what a caller sends in headers, queries, bodies and baggage
//! that is not let in is in no span, log line, metric or answer, and goes no
//! further than the service that it was sent to.

mod requests;
mod tap;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use tests::local::{Service, System, SystemSettings};
use tests::traced::Traced;
use trace_contract::{Behaviour, Receiver};

use requests::{ALLOWED, Case, INTERNAL, MALFORMED, SECRET, SECRET_IN_BASE64};
use tap::Tap;

const PATIENCE: Duration = Duration::from_secs(20);

/// What was seen where.
type Seen = (&'static str, String);

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves() -> Result<()> {
    let seen = everything_seen(SystemSettings::new()).await?;
    must_be_clean(&seen);
    Ok(())
}

/// Whatever libraries log at their most talkative.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_with_every_log_line_turned_on() -> Result<()> {
    let seen = everything_seen(SystemSettings::new().all("RUST_LOG", "trace")).await?;
    let logs = seen.iter().filter(|(place, _)| place.ends_with("log"));
    for (place, log) in logs {
        let more = ["\"level\":\"TRACE\"", "\"level\":\"DEBUG\""];
        assert!(
            more.iter().any(|level| log.contains(level)),
            "the {place} must have more than the usual lines, or this shows nothing"
        );
    }
    must_be_clean(&seen);
    Ok(())
}

/// What is wrong with a setting is said without what it holds.
#[tokio::test]
async fn a_setting_that_is_refused_does_not_repeat_its_secret() -> Result<()> {
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
        let settings = SystemSettings::new().all("OTEL_TRACES_EXPORTER", "otlp");
        let refused = System::start(settings.gateway(name, value)).await;
        let Err(error) = refused else {
            panic!("{name} must be refused: it holds credentials, or cannot be read");
        };
        let error = format!("{error:#}");
        assert!(error.contains(name), "{name} must be named: {error}");
        assert!(
            !error.contains(SECRET),
            "{name} must not be repeated: {error}"
        );
    }
    Ok(())
}

/// Sends every request in a system of its own; gives all that came out of it.
async fn everything_seen(settings: SystemSettings) -> Result<Vec<Seen>> {
    let (to_hello, to_gateway) = (Tap::bind().await?, Tap::bind().await?);
    let settings = settings
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
    let mut traced = Traced {
        system: System::start(settings.export_to(collector)).await?,
        receiver,
    };
    to_hello.connect(&traced.system.hello.url());
    to_gateway.connect(&traced.system.gateway.admin_url());
    // A Collector in trouble is logged about.
    traced.receiver.behave(Behaviour::Answer {
        status: 503,
        retry_after: None,
    });
    let mut answers = sound_requests(&traced).await?;
    answers += &failing_requests(&traced).await?;
    answers += &internal_requests(&traced).await?;
    traced.receiver.behave(Behaviour::Accept);
    let mut metrics = metrics(&traced.system.hello).await?;
    traced.system.hello.terminate().await?;
    to_hello.hang_up();
    answers += &Case::new(502, "GET /hello?token=s3cret-query")
        .send(&traced.system.gateway.url())
        .await?;
    metrics += &metrics_when_exported(&traced).await?;
    traced.system.gateway.terminate().await?;

    Ok(vec![
        ("answers", answers),
        ("metrics", metrics),
        ("wire from gateway to hello", to_hello.recorded()),
        ("wire from hello to gateway", to_gateway.recorded()),
        ("gateway's log", traced.system.gateway.output().text()),
        ("hello's log", traced.system.hello.output().text()),
        ("spans", spans(&traced)),
    ])
}

/// Every route, and what is wrong with a request itself.
async fn sound_requests(traced: &Traced) -> Result<String> {
    let (long, large) = ("x".repeat(9000), "y".repeat(200_000));
    let body = format!("content-length: 3000000\r\n\r\ns3cret-body{long}");
    let cases = [
        Case::new(200, "GET /?token=s3cret-query"),
        Case::new(200, "GET /hello?token=s3cret-query"),
        Case::new(200, "GET /hello/ada?token=s3cret-query"),
        Case::new(200, "GET /hello?token=s3cret-query").context(MALFORMED),
        Case::new(
            200,
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

/// What goes wrong behind the gateway.
async fn failing_requests(traced: &Traced) -> Result<String> {
    let mut answers = String::new();
    for (faults, status) in [
        (r#"{"error_rate": 1, "status": 503, "times": 1}"#, 200),
        (r#"{"error_rate": 1, "status": 503}"#, 503),
        (r#"{"error_rate": 1, "status": 500}"#, 502),
        (r#"{"delay": "1s"}"#, 504),
    ] {
        traced.set_faults(faults).await?;
        let case = Case::new(status, "GET /hello?token=s3cret-query");
        answers += &case.send(&traced.system.gateway.url()).await?;
    }
    traced.set_faults("{}").await?;
    Ok(answers)
}

/// Those that only services and operators send.
async fn internal_requests(traced: &Traced) -> Result<String> {
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
        internal(400, "POST /faults?token=s3cret-query")
            .rest("content-length: 11\r\n\r\ns3cret-body"),
        internal(200, "GET /faults?token=s3cret-query"),
    ];
    let system = &traced.system;
    Ok(send(&hello, &system.hello.url()).await?
        + &send(&gateway_admin, &system.gateway.admin_url()).await?
        + &send(&hello_admin, &system.hello.admin_url()).await?)
}

async fn send(cases: &[Case], url: &str) -> Result<String> {
    let mut answers = String::new();
    for case in cases {
        answers += &case.send(url).await?;
    }
    Ok(answers)
}

async fn metrics(service: &Service) -> Result<String> {
    let url = format!("{}/metrics", service.admin_url());
    Ok(reqwest::get(&url).await?.error_for_status()?.text().await?)
}

/// The gateway's, once its spans have arrived; hello has ended by then.
async fn metrics_when_exported(traced: &Traced) -> Result<String> {
    let gateway = &traced.system.gateway;
    tests::wait::until(
        "the gateway's spans to be exported",
        PATIENCE,
        async || match gateway.spans().await {
            Ok(spans) if spans.on_the_way() == 0 => Ok(()),
            Ok(spans) => Err(spans.to_string()),
            Err(error) => Err(format!("{error:#}")),
        },
    )
    .await?;
    metrics(gateway).await
}

/// Every span that arrived, with all that it holds.
fn spans(Traced { receiver, .. }: &Traced) -> String {
    let store = receiver.store();
    let ids = store.trace_ids().into_iter();
    let traces = ids.filter_map(|id| store.trace(id));
    let shown = traces.map(|trace| format!("{:#?}", trace.spans()));
    shown.collect::<Vec<_>>().join("\n")
}

fn must_be_clean(seen: &[Seen]) {
    // What is let in shows that the places are looked at.
    for place in [
        "spans",
        "wire from gateway to hello",
        "wire from hello to gateway",
    ] {
        let found = seen.iter().find(|(name, _)| *name == place);
        assert!(
            found.is_some_and(|(_, text)| text.contains(ALLOWED)),
            "the baggage that is let in must be found in the {place}, or a secret would not be either"
        );
    }
    let leaks: BTreeSet<_> = seen.iter().flat_map(leaks).collect();
    let shown: Vec<_> = leaks.iter().take(20).map(String::as_str).collect();
    assert!(
        leaks.is_empty(),
        "secrets have left, on {} different lines:\n{}",
        leaks.len(),
        shown.join("\n")
    );
}

/// The lines of a place that hold a secret in any form.
fn leaks((place, text): &Seen) -> Vec<String> {
    let as_bytes: Vec<_> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    let as_bytes = as_bytes.join(", ");
    let holds = |line: &&str| {
        line.to_ascii_lowercase().contains(SECRET)
            || line.contains(SECRET_IN_BASE64)
            || line.contains(&as_bytes)
    };
    let lines = text.lines().filter(holds);
    lines
        .map(|line| format!("{place}: {}", line.get(..600).unwrap_or(line)))
        .collect()
}
