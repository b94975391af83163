//! `record`: what it rejects, what it warns about, and that its contract does not depend on
//! where the trace was read from.

use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Folder, ID, TRACE, run};

/// Spans in OTLP's JSON: id, parent, name, kind, start and end in microseconds, instance.
type Row = (u64, u64, &'static str, u8, u64, u64, &'static str);

fn file(rows: &[Row]) -> String {
    let spans = rows
        .iter()
        .map(|(id, parent, name, kind, start, end, instance)| {
            let time = |micros: u64| 1_700_000_000_000_000_000 + micros * 1_000;
            format!(
                r#"{{"resourceSpans":[{{"resource":{{"attributes":[
            {{"key":"service.name","value":{{"stringValue":"shop"}}}},
            {{"key":"service.instance.id","value":{{"stringValue":"{instance}"}}}}]}},
            "scopeSpans":[{{"spans":[{{"traceId":"{ID}","spanId":"{id:016x}",
            "parentSpanId":"{parent:016x}","name":"{name}","kind":{kind},
            "startTimeUnixNano":"{}","endTimeUnixNano":"{}"}}]}}]}}]}}"#,
                time(*start),
                time(*end)
            )
            .replace('\n', " ")
        });
    spans.collect::<Vec<_>>().join("\n")
}

const ROOT: Row = (1, 0, "GET /", 2, 1_000_000, 1_900_000, "a");

#[tokio::test]
async fn what_check_always_rejects_is_reported_instead_of_recorded() {
    let cases: [(&str, Row, &str, &str); 4] = [
        (
            "clock skew between instances",
            (2, 1, "work", 1, 500_000, 1_200_000, "b"),
            "clock: shop INTERNAL work starts 500ms before its parent",
            "--clock-skew 1s",
        ),
        (
            "coarse times in one instance",
            (2, 1, "work", 1, 999_500, 1_200_000, "a"),
            "clock: shop INTERNAL work starts 500µs before its parent in the same instance",
            "--same-instance-skew 1ms",
        ),
        (
            "an end before its start",
            (2, 1, "work", 1, 1_200_000, 1_100_000, "a"),
            "clock: shop INTERNAL work ends 100ms before it starts",
            "",
        ),
        (
            "two spans with the same id",
            (1, 0, "other", 2, 1_000_000, 1_100_000, "a"),
            "two different spans with the id 0000000000000001",
            "",
        ),
    ];
    for (name, row, expected, switch) in cases {
        let folder = Folder::new();
        let trace = folder.file("trace.json", &file(&[ROOT, row]));
        let contract = folder.name("recorded.yaml");
        let record = format!("record --file {trace} -o {contract}");
        let out = run(&record).await.expect(1).out;
        assert!(out.contains(expected), "{name}: {out}");
        assert!(out.contains("no contract was written"), "{name}: {out}");
        assert!(!std::path::Path::new(&contract).exists(), "{name}");
        if !switch.is_empty() {
            run(&format!("{record} {switch}")).await.expect(0);
            let check = format!("check --file {trace} {contract}");
            run(&check).await.expect(1);
            run(&format!("{check} {switch}")).await.expect(0);
        }
    }
}

#[tokio::test]
async fn a_trace_that_looks_incomplete_is_recorded_with_a_warning() {
    let folder = Folder::new();
    let call = (2, 1, "GET /stock", 3, 1_100_000, 1_200_000, "a");
    let orphan = (4, 3, "count", 1, 1_120_000, 1_150_000, "b");
    let trace = folder.file("trace.json", &file(&[ROOT, call, orphan]));
    let contract = folder.name("recorded.yaml");
    let recorded = run(&format!("record --file {trace} -o {contract}"))
        .await
        .expect(0);
    for expected in [
        "warning: the trace may be incomplete: 2 spans have no parent in the trace",
        "the parent of shop INTERNAL count (0000000000000003) is missing",
        "shop CLIENT GET /stock has no span of its callee below it",
        "longer --settle",
    ] {
        assert!(
            recorded.err.contains(expected),
            "{expected}: {}",
            recorded.err
        );
    }
    run(&format!("check --file {trace} {contract}"))
        .await
        .expect(0);
    run(&format!("show --file {trace}")).await.expect(0);
}

#[tokio::test]
async fn a_trace_has_the_same_contract_whether_a_file_or_jaeger_has_it() {
    let jaeger = MockServer::start().await;
    Mock::given(path(format!("/api/v3/traces/{ID}")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(TRACE, "text/plain"))
        .mount(&jaeger)
        .await;
    let folder = Folder::new();
    let file = folder.file("trace.json", TRACE);
    let from_file = run(&format!("record --file {file}")).await.expect(0);
    let from_jaeger = run(&format!("record --jaeger {} --trace-id {ID}", jaeger.uri()))
        .await
        .expect(0);
    assert_eq!(from_file.out, from_jaeger.out);
    assert!(!from_file.out.contains("@jaeger@"), "{}", from_file.out);
    let evidence = "complete: a file does not change";
    assert!(from_file.err.contains(evidence), "{}", from_file.err);
    let evidence = "complete: the trace ended ";
    assert!(from_jaeger.err.contains(evidence), "{}", from_jaeger.err);
}

#[tokio::test]
async fn a_chain_of_20000_spans_is_recorded_shown_and_checked() {
    let rows: Vec<Row> = (1..=20_000_u64)
        .map(|id| (id, id - 1, "next", 1, 1_000_000, 1_900_000, "a"))
        .collect();
    let folder = Folder::new();
    let trace = folder.file("trace.json", &file(&rows));
    let contract = folder.name("recorded.yaml");
    run(&format!("record --file {trace} -o {contract}"))
        .await
        .expect(0);
    let checked = run(&format!("check --file {trace} {contract}"))
        .await
        .expect(0);
    assert!(
        checked.out.contains("20000 spans"),
        "the waterfall has a line per span"
    );
    run(&format!("show --file {trace}")).await.expect(0);
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used_for_this_machine() {
    let jaeger = MockServer::start().await;
    Mock::given(path(format!("/api/v3/traces/{ID}")))
        .respond_with(ResponseTemplate::new(200).set_body_raw(TRACE, "text/plain"))
        .mount(&jaeger)
        .await;
    let show = tokio::process::Command::new(env!("CARGO_BIN_EXE_trace-contract"))
        .args(["show", "--timeout", "2s", "--jaeger", &jaeger.uri(), ID])
        .envs(["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1")))
        .output()
        .await
        .expect("the command runs");
    let error = String::from_utf8_lossy(&show.stderr);
    assert!(show.status.success(), "{error}");
}
