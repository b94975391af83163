//! The variables that are read, for people.

/// Every variable of [`Settings`](super::Settings) with its meaning and default,
/// as `--help` prints it.
pub const VARIABLES: &[(&str, &str)] = &[
    (
        "OTEL_SDK_DISABLED",
        "true makes no spans; context still passes through [false]",
    ),
    (
        "OTEL_SERVICE_NAME",
        "service.name of the resource; wins over OTEL_RESOURCE_ATTRIBUTES [the binary's name]",
    ),
    (
        "OTEL_RESOURCE_ATTRIBUTES",
        "key=value,key=value, percent-encoded, added to the resource []",
    ),
    (
        "OTEL_PROPAGATORS",
        "of tracecontext, baggage, b3, b3multi, jaeger; or none [tracecontext,baggage]",
    ),
    (
        "OTEL_TRACES_SAMPLER",
        "always_on, always_off, traceidratio, each also with parentbased_ [parentbased_always_on]",
    ),
    (
        "OTEL_TRACES_SAMPLER_ARG",
        "share of traces from 0 to 1, for the traceidratio samplers [1]",
    ),
    ("OTEL_TRACES_EXPORTER", "otlp, console or none [otlp]"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "the Collector; v1/traces is appended [http://localhost:4318]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "the whole URL for traces; nothing is appended []",
    ),
    (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "name=value,name=value, percent-encoded, with every export; secret []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "the same for traces alone; replaces OTEL_EXPORTER_OTLP_HEADERS []",
    ),
    (
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "milliseconds for one attempt, 0 for no end [10000]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "the same for traces alone [OTEL_EXPORTER_OTLP_TIMEOUT]",
    ),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip or none [none]"),
    (
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "the same for traces alone [OTEL_EXPORTER_OTLP_COMPRESSION]",
    ),
    (
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "http/protobuf is what there is [http/protobuf]",
    ),
    (
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "the same for traces alone [OTEL_EXPORTER_OTLP_PROTOCOL]",
    ),
    (
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "spans that may wait for export [16384]",
    ),
    (
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "spans in one export, at most the queue's size [2048]",
    ),
    (
        "OTEL_BSP_SCHEDULE_DELAY",
        "milliseconds that a span waits for others [1000]",
    ),
    (
        "OTEL_BSP_EXPORT_TIMEOUT",
        "milliseconds for one batch, retries included, 0 for no end [30000]",
    ),
    (
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "attributes of a span, where OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT is unset [128]",
    ),
    (
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "characters that a text attribute keeps, where the span's own is unset [all]",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "attributes of a span [128]",
    ),
    (
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "characters that a text attribute of a span keeps [all]",
    ),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "events of a span [128]"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "links of a span [128]"),
    (
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "attributes of an event [128]",
    ),
    (
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "attributes of a link [128]",
    ),
    (
        "RUST_LOG",
        "a level, or targets with levels: info,http=warn; says nothing about spans [info]",
    ),
];
