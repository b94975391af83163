//! `check`: its three exit statuses and their output.

use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{CONTRACT, Folder, ID, TRACE, run, system};

#[tokio::test]
async fn a_request_is_sent_and_its_trace_satisfies_the_contract() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello?token=secret", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--expect-status",
        "200",
        &contract,
    ])
    .await
    .expect(0);
    assert!(run.out.contains("/hello?…: 200 OK"), "{}", run.out);
    assert!(
        run.out.contains(&format!("contract satisfied: {contract}")),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("gateway SERVER GET /hello  "),
        "the waterfall: {}",
        run.out
    );
    assert!(
        !run.out.contains("secret") && !run.err.contains("secret"),
        "{}",
        run.out
    );
    let sent = service.received_requests().await.expect("recorded");
    assert_eq!(sent.len(), 1, "exactly one request is sent");
}

#[tokio::test]
async fn a_trace_that_differs_exits_with_1_and_the_report() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", &CONTRACT.replace("200", "\"200\""));
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--timeout",
        "1s",
        &contract,
    ])
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
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "--timeout",
        "300ms",
        &contract,
    ])
    .await
    .expect(1);
    assert!(run.out.contains("no span of trace"), "{}", run.out);
    assert!(
        run.out
            .contains("hint: does the service continue the trace"),
        "{}",
        run.out
    );
}

#[tokio::test]
async fn an_unexpected_status_exits_with_1() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    let run = run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "-H",
        "X-Check: 1",
        "--expect-status",
        "404",
        &contract,
    ])
    .await
    .expect(1);
    assert!(run.out.contains("expected 404, got 200 OK"), "{}", run.out);
}

#[tokio::test]
async fn other_failures_exit_with_2_and_the_reason() {
    let (service, jaeger) = system().await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let bad = folder.file("bad.yaml", "service: a\nkind: sever\nname: b\n");
    let url = format!("{}/hello", service.uri());
    let nowhere = "http://127.0.0.1:1";
    let cases: [(&[&str], &str); 8] = [
        (&["check", "--url", &url, &contract], "use --jaeger URL"),
        (&["check", "--jaeger", nowhere, &contract], "use --url"),
        (
            &[
                "check",
                "--jaeger",
                nowhere,
                "--url",
                &url,
                "--timeout",
                "200ms",
                &contract,
            ],
            "cannot reach Jaeger at http://127.0.0.1:1/",
        ),
        (
            &[
                "check",
                "--jaeger",
                &jaeger.uri(),
                "--url",
                nowhere,
                &contract,
            ],
            "Is the service running?",
        ),
        (
            &["check", "--jaeger", &jaeger.uri(), "--url", &url, &bad],
            "did you mean `server`?",
        ),
        (
            &[
                "check",
                "--jaeger",
                &service.uri(),
                "--url",
                &url,
                "no-such.yaml",
            ],
            "no-such.yaml: cannot be read",
        ),
        (
            &["check", "--jaeger", &jaeger.uri(), "--url", &url],
            "<CONTRACT>",
        ),
        (
            &[
                "check",
                "--jaeger",
                &jaeger.uri(),
                "--url",
                &url,
                "--timeout",
                "soon",
                &contract,
            ],
            "--timeout",
        ),
    ];
    for (arguments, expected) in cases {
        let run = run(arguments).await.expect(2);
        assert!(run.err.contains(expected), "{arguments:?}: {}", run.err);
        assert!(!run.out.contains("satisfied"), "{arguments:?}: {}", run.out);
    }
}

#[tokio::test]
async fn a_new_trace_is_found_by_its_traceresponse() {
    let service = MockServer::start().await;
    Mock::given(path("/hello"))
        .respond_with(ResponseTemplate::new(200).insert_header(
            "traceresponse",
            format!("00-{ID}-eee19b7ec3c1b171-01").as_str(),
        ))
        .mount(&service)
        .await;
    let jaeger = MockServer::start().await;
    let rooted = TRACE.replace(r#""parentSpanId":"00f067aa0ba902b7","#, "");
    Mock::given(path(format!("/api/v3/traces/{ID}")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(rooted, "text/plain"))
        .mount(&jaeger)
        .await;
    let folder = Folder::new();
    let contract = folder.file("hello.yaml", CONTRACT);
    let url = format!("{}/hello", service.uri());
    run(&[
        "check",
        "--jaeger",
        &jaeger.uri(),
        "--url",
        &url,
        "--new-trace",
        &contract,
    ])
    .await
    .expect(0);
}
