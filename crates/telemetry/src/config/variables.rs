//! The supported variables, for `--help`.

/// Every variable of [`Config`](super::Config) with its meaning and, in
/// brackets, its default.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "OTEL_SDK_DISABLED",
        "true creates no spans; context is still propagated [false]",
    ),
    (
        "OTEL_LOG_LEVEL",
        "level of telemetry's own log lines, none to trace; RUST_LOG is for all lines [RUST_LOG]",
    ),
    (
        "OTEL_SERVICE_NAME",
        "service.name of the resource; overrides OTEL_RESOURCE_ATTRIBUTES [the binary's name]",
    ),
    (
        "OTEL_RESOURCE_ATTRIBUTES",
        "further resource attributes: key=value,key=value, percent-encoded []",
    ),
    (
        "OTEL_PROPAGATORS",
        "a list of tracecontext, baggage, b3, b3multi, jaeger; or none [tracecontext,baggage]",
    ),
    (
        "OTEL_TRACES_SAMPLER",
        "always_on, always_off or traceidratio, optionally with the prefix parentbased_ [parentbased_always_on]",
    ),
    (
        "OTEL_TRACES_SAMPLER_ARG",
        "for the traceidratio samplers: the share of traces, from 0 to 1 [1]",
    ),
    ("OTEL_TRACES_EXPORTER", "otlp, console or none [otlp]"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "URL of the Collector; with HTTP, v1/traces is appended [http://localhost:4318, with grpc http://localhost:4317]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "URL for traces; nothing is appended []",
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "headers of every export, secret: name=value,name=value, percent-encoded []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "the same for traces; replaces OTEL_EXPORTER_OTLP_HEADERS []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "timeout of one attempt in milliseconds, 0 for none [10000]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "the same for traces [OTEL_EXPORTER_OTLP_TIMEOUT]",
    ),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip or none [none]"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "the same for traces [OTEL_EXPORTER_OTLP_COMPRESSION]",
    ),
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "grpc, http/protobuf or http/json [http/protobuf]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "the same for traces [OTEL_EXPORTER_OTLP_PROTOCOL]",
    ),
    (
        "OTEL_EXPORTER_OTLP_INSECURE",
        "true sends plain text to a gRPC endpoint without a scheme [false]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        "the same for traces [OTEL_EXPORTER_OTLP_INSECURE]",
    ),
    (
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "PEM file of the authorities that may sign the Collector's certificate [public authorities]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "the same for traces [OTEL_EXPORTER_OTLP_CERTIFICATE]",
    ),
    (
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "PEM file of the client certificate and its intermediates []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        "the same for traces [OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE]",
    ),
    (
        "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        "PEM file of the client certificate's private key []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
        "the same for traces [OTEL_EXPORTER_OTLP_CLIENT_KEY]",
    ),
    (
        "TELEMETRY_STRICT",
        "true: an invalid OTEL_* variable is an error, not a warning [false]",
    ),
    (
        "TELEMETRY_PROXY",
        "URL of an HTTP proxy for exports; HTTPS_PROXY and similar variables are not used []",
    ),
    (
        "TELEMETRY_CONNECTION_MAX_AGE",
        "replace a connection to the Collector at this age, so that new replicas receive spans [5m]",
    ),
    (
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "spans that can wait for export [16384]",
    ),
    (
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "spans per export, at most OTEL_BSP_MAX_QUEUE_SIZE [2048]",
    ),
    (
        "OTEL_BSP_SCHEDULE_DELAY",
        "maximum delay of an export in milliseconds, 0 for none [1000]",
    ),
    (
        "OTEL_BSP_EXPORT_TIMEOUT",
        "timeout of one batch with its retries in milliseconds, 0 for none [30000]",
    ),
    (
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "attributes per span, unless OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT is set [128]",
    ),
    (
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "characters per string attribute, unless OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT is set [no limit]",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "attributes per span [128]",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "characters per string attribute of a span [no limit]",
    ),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "events per span [128]"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "links per span [128]"),
    (
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "attributes per event [128]",
    ),
    (
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "attributes per link [128]",
    ),
    (
        "RUST_LOG",
        "a log level, or targets with levels as in info,http=warn; adds the debug and trace spans of #[instrument] that it enables [info]",
    ),
];
