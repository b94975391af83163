//! The variables of the specification that have no effect here.

use super::environment::Environment;

/// What happens if a variable is set that has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// Nothing: it configures something that this program does not have, and may be
    /// set for other programs that share the environment.
    Ignored(&'static str),
    /// A warning with this hint, unless the value is one of these.
    Warned(&'static str, &'static [&'static str]),
}

use Unsupported::{Ignored, Warned};

const LOGS: Unsupported = Ignored("logs are written to standard output, not exported");
const METRICS: Unsupported = Ignored("metrics are not exported; the services serve /metrics");
const ZIPKIN: Unsupported = Ignored("there is no Zipkin exporter");
const FILE: Unsupported = Warned(
    "configuration files are not supported; use OTEL_* variables",
    &[],
);

/// Every variable of the specification that has no effect, in its order.
pub const UNSUPPORTED: &[(&str, Unsupported)] = &[
    ("OTEL_BLRP_SCHEDULE_DELAY", LOGS),
    ("OTEL_BLRP_EXPORT_TIMEOUT", LOGS),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", LOGS),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", LOGS),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", LOGS),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", LOGS),
    (
        "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
        Warned("is obsolete; use OTEL_EXPORTER_OTLP_TRACES_INSECURE", &[]),
    ),
    ("OTEL_EXPORTER_OTLP_METRIC_INSECURE", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", METRICS),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", METRICS),
    (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        METRICS,
    ),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", LOGS),
    ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", LOGS),
    ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", ZIPKIN),
    ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", ZIPKIN),
    ("OTEL_EXPORTER_ZIPKIN_PROTOCOL", ZIPKIN),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", METRICS),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", METRICS),
    (
        "OTEL_METRICS_EXPORTER",
        Warned(
            "metrics are not exported; set none, and scrape /metrics",
            &["none"],
        ),
    ),
    (
        "OTEL_LOGS_EXPORTER",
        Warned(
            "logs are written to standard output only; set none or console",
            &["none", "console"],
        ),
    ),
    ("OTEL_METRICS_EXEMPLAR_FILTER", METRICS),
    ("OTEL_METRIC_EXPORT_INTERVAL", METRICS),
    ("OTEL_METRIC_EXPORT_TIMEOUT", METRICS),
    ("OTEL_CONFIG_FILE", FILE),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", FILE),
    (
        "OTEL_SEMCONV_STABILITY_OPT_IN",
        Ignored("spans always have the stable HTTP conventions"),
    ),
];

/// Reports the variables that have no effect although they ask for something.
pub(super) fn check(env: &mut Environment<'_>) {
    for (variable, unsupported) in UNSUPPORTED {
        let Warned(hint, accepted) = unsupported else {
            continue;
        };
        let Some(value) = env.text(variable) else {
            continue;
        };
        if !accepted.iter().any(|it| value.eq_ignore_ascii_case(it)) {
            env.warn(*variable, Some(&value), *hint, "it is ignored");
        }
    }
}
