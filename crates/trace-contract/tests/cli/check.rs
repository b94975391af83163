//! `check`: its three exit statuses and their output.

use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{CONTRACT, Folder, ID, TRACE, run, system};

#[tokio::test]
async fn a_request_is_sent_and_its_trace_satisfies_the_contract() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let (service_url, jaeger_url) = (service.uri(), jaeger.uri());
    let run = run(&format!(
        "check --jaeger {jaeger_url} --url {service_url}/hello?token=secret -H X-Check:1 \
         --expect-status 200 {contract}"
    ))
    .await
    .expect(0);
    let (out, err) = (&run.out, &run.err);
    assert!(out.contains("/hello?…: 200 OK"), "{out}");
    let satisfied = format!("contract satisfied: {contract}");
    assert!(out.contains(&satisfied), "{out}");
    let waterfall = "gateway SERVER GET /hello  ";
    assert!(out.contains(waterfall), "the waterfall: {out}");
    assert!(!out.contains("secret") && !err.contains("secret"), "{out}");
    let sent = service.received_requests().await.expect("recorded");
    assert_eq!(sent.len(), 1, "exactly one request is sent");
}

#[tokio::test]
async fn a_trace_that_differs_exits_with_1_and_the_report() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", &CONTRACT.replace("200", "\"200\""));
    let (service_url, jaeger_url) = (service.uri(), jaeger.uri());
    let run = run(&format!(
        "check --jaeger {jaeger_url} --url {service_url}/hello -H X-Check:1 --timeout 1s {contract}"
    ))
    .await
    .expect(1);
    let expected = format!(
        "{contract}: attribute http.response.status_code of gateway SERVER GET /hello: \
         expected string \"200\", got int 200\n"
    );
    assert!(run.out.contains(&expected), "{}", run.out);
    assert!(run.out.contains("| actual"), "{}", run.out);
}

#[tokio::test]
async fn a_trace_that_never_arrives_exits_with_1_and_a_hint() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let (service_url, jaeger_url) = (service.uri(), jaeger.uri());
    let run = run(&format!(
        "check --jaeger {jaeger_url} --url {service_url}/hello --timeout 300ms {contract}"
    ))
    .await
    .expect(1);
    assert!(run.out.contains("no span of trace"), "{}", run.out);
    let hint = "hint: does the service continue the trace";
    assert!(run.out.contains(hint), "{}", run.out);
}

#[tokio::test]
async fn an_unexpected_status_exits_with_1() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let (service_url, jaeger_url) = (service.uri(), jaeger.uri());
    let run = run(&format!(
        "check --jaeger {jaeger_url} --url {service_url}/hello -H X-Check:1 \
         --expect-status 404 {contract}"
    ))
    .await
    .expect(1);
    assert!(run.out.contains("expected 404, got 200 OK"), "{}", run.out);
}

#[tokio::test]
async fn other_failures_exit_with_2_and_the_reason() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let invalid = folder.file("bad.yaml", "service: a\nkind: sever\nname: b\n");
    let url = format!("{}/hello", service.uri());
    let jaeger = jaeger.uri();
    let nowhere = "http://127.0.0.1:1";
    let cases = [
        (format!("--url {url} {contract}"), "use --jaeger URL"),
        (format!("--jaeger {nowhere} {contract}"), "use --url"),
        (
            format!("--jaeger {nowhere} --url {url} --timeout 200ms {contract}"),
            "cannot reach Jaeger at http://127.0.0.1:1/",
        ),
        (
            format!("--jaeger {jaeger} --url {nowhere} {contract}"),
            "Is the service running?",
        ),
        (
            format!("--jaeger {jaeger} --url {url} {invalid}"),
            "did you mean `server`?",
        ),
        (
            format!("--jaeger {jaeger} --url {url} no-such.yaml"),
            "no-such.yaml: cannot be read",
        ),
        (format!("--jaeger {jaeger} --url {url}"), "<CONTRACT>"),
        (
            format!("--jaeger {jaeger} --url {url} --timeout soon {contract}"),
            "--timeout",
        ),
    ];
    for (arguments, expected) in cases {
        let run = run(&format!("check {arguments}")).await.expect(2);
        assert!(run.err.contains(expected), "{arguments}: {}", run.err);
        assert!(!run.out.contains("satisfied"), "{arguments}: {}", run.out);
    }
}

#[tokio::test]
async fn a_new_trace_is_found_by_its_traceresponse() {
    let service = MockServer::start().await;
    let traceresponse = format!("00-{ID}-eee19b7ec3c1b171-01");
    Mock::given(path("/hello"))
        .respond_with(ResponseTemplate::new(200).insert_header("traceresponse", &*traceresponse))
        .mount(&service)
        .await;
    let jaeger = MockServer::start().await;
    let without_parent = TRACE.replace(r#""parentSpanId":"00f067aa0ba902b7","#, "");
    Mock::given(path(format!("/api/v3/traces/{ID}")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(without_parent, "text/plain"))
        .mount(&jaeger)
        .await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let (service_url, jaeger_url) = (service.uri(), jaeger.uri());
    run(&format!(
        "check --jaeger {jaeger_url} --url {service_url}/hello --new-trace {contract}"
    ))
    .await
    .expect(0);
}
