//! The validation of configurations: each with the program of its image.

use ::tests::skip;

use super::super::configurations::container;
use super::super::configurations::{Outcome, validate};

/// A workload with an image and an exporter.
fn manifest(image: &str, exporter: &str) -> String {
    format!(
        "
kind: Deployment
metadata: {{name: collector}}
spec:
  template:
    spec:
      containers:
        - image: {image}
          args: [--config=/etc/otelcol/collector.yaml]
          env:
            - {{name: HOST, value: 127.0.0.1}}
            - {{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: store, key: password}}}}}}
          volumeMounts: [{{name: config, mountPath: /etc/otelcol}}]
      volumes: [{{name: config, configMap: {{name: collector}}}}]
---
kind: ConfigMap
metadata: {{name: collector}}
data:
  collector.yaml: |
    receivers: {{otlp: {{protocols: {{grpc: {{endpoint: \"${{env:HOST}}:4317\"}}}}}}}}
    exporters: {{{exporter}}}
    service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [{}]}}}}}}
",
        exporter.split(':').next().unwrap_or_default()
    )
}

#[tokio::test]
async fn a_configuration_is_valid_only_for_an_image_that_contains_its_components() {
    let collector = "otel/opentelemetry-collector-k8s:0.161.0";
    for (image, exporter, expected) in [
        (collector, "debug: {}", "valid"),
        (collector, "debug: {colour: red}", "colour"),
        (
            collector,
            "otlp_http: {endpoint: \"https://a:${env:PASSWORD}@b\"}",
            "valid",
        ),
        (collector, "jaeger_storage_exporter: {}", "unknown type"),
        (
            "jaegertracing/jaeger:2.13.0",
            "jaeger_storage_exporter: {trace_storage: a}",
            "valid",
        ),
        (
            "otel/opentelemetry-collector-k8s:0.1.0",
            "debug: {}",
            "the installed otelcol-k8s is",
        ),
        (
            "example/collector:0.161.0",
            "debug: {}",
            "its program is not known",
        ),
    ] {
        let containers = container::all(&manifest(image, exporter)).unwrap();
        let [container] = &containers[..] else {
            panic!("one container, not {containers:?}");
        };
        let text = match validate(container).await.unwrap() {
            Outcome::Valid => "valid".to_owned(),
            Outcome::Invalid(error) => error,
            Outcome::Skipped(why) if why.contains("is not on PATH") => {
                return skip::skipped("collector", &why);
            }
            Outcome::Skipped(why) => why,
        };
        assert!(
            text.contains(expected),
            "{image} with {exporter}: {text:?} must contain {expected:?}"
        );
    }
}

#[test]
fn a_file_that_no_config_map_contains_is_reported() {
    let manifest =
        manifest("a:1", "debug: {}").replace("mountPath: /etc/otelcol", "mountPath: /etc");
    let error = container::all(&manifest).unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("Deployment collector: /etc/otelcol/collector.yaml is in no"),
        "{error}"
    );
}
