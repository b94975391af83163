//! `docs/otel-variables.md` is generated from the tables of this crate, and from the
//! table below: every variable of the specification, with the test that shows what
//! happens with it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::*;

const DOCUMENT: &str = "docs/otel-variables.md";
const UPDATE: &str = "UPDATE_DOCS=1 cargo test -p telemetry --lib otel_variables";

const GENERAL: &str = "crates/telemetry/src/config/tests.rs";
const WARNINGS: &str = "crates/telemetry/src/config/tests/warnings.rs";

/// The parts of the specification. The names are those of
/// `specification/configuration/sdk-environment-variables.md` at commit c3bfef7af7fb,
/// of `specification/protocol/exporter.md` of version 1.55.0, and of
/// `specification/metrics/sdk_exporters/otlp.md`; `OTEL_CONFIG_FILE` is the newer name
/// of `OTEL_EXPERIMENTAL_CONFIG_FILE`.
const SECTIONS: &[(&str, &[&str], &str, &str)] = &[
    (
        "General SDK configuration: OTEL_SDK_DISABLED",
        &["OTEL_SDK_DISABLED"],
        WARNINGS,
        "only_true_is_true_and_only_false_and_empty_are_silently_false",
    ),
    (
        "General SDK configuration: resource",
        &["OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME"],
        GENERAL,
        "otel_service_name_overrides_the_resource_attributes",
    ),
    (
        "General SDK configuration: log level",
        &["OTEL_LOG_LEVEL"],
        WARNINGS,
        "otel_log_level_is_the_level_of_the_sdks_own_lines",
    ),
    (
        "General SDK configuration: propagators",
        &["OTEL_PROPAGATORS"],
        WARNINGS,
        "valid_entries_of_a_list_are_used_and_the_others_are_warnings",
    ),
    (
        "General SDK configuration: sampler",
        &["OTEL_TRACES_SAMPLER"],
        GENERAL,
        "samplers_have_the_names_of_the_specification",
    ),
    (
        "General SDK configuration: argument of the sampler",
        &["OTEL_TRACES_SAMPLER_ARG"],
        WARNINGS,
        "a_sampler_argument_that_is_not_used_or_invalid_is_a_warning",
    ),
    (
        "Batch span processor: times",
        &["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT"],
        WARNINGS,
        "a_delay_of_zero_exports_as_soon_as_possible_and_a_timeout_of_zero_is_none",
    ),
    (
        "Batch span processor: sizes",
        &["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
        WARNINGS,
        "a_batch_is_never_larger_than_the_queue",
    ),
    (
        "Batch log record processor, log record limits",
        &[
            "OTEL_BLRP_SCHEDULE_DELAY",
            "OTEL_BLRP_EXPORT_TIMEOUT",
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        ],
        WARNINGS,
        "variables_of_signals_that_do_not_exist_are_ignored",
    ),
    (
        "Attribute limits, span limits",
        &[
            "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            "OTEL_SPAN_LINK_COUNT_LIMIT",
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        ],
        WARNINGS,
        "an_invalid_value_is_a_warning_and_the_default_is_used",
    ),
    (
        "OTLP exporter: endpoint and protocol",
        &[
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_INSECURE",
        ],
        GENERAL,
        "the_endpoint_follows_the_protocol",
    ),
    (
        "OTLP exporter: certificates",
        &[
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
        ],
        GENERAL,
        "the_tls_files_for_traces_override_the_general_ones",
    ),
    (
        "OTLP exporter: requests",
        &[
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        ],
        GENERAL,
        "variables_for_traces_override_the_general_ones_and_no_path_is_appended",
    ),
    (
        "OTLP exporter: variables for traces",
        &[
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        ],
        WARNINGS,
        "an_invalid_value_for_traces_falls_back_to_the_one_for_all_signals",
    ),
    (
        "OTLP exporter: insecure connections for traces",
        &["OTEL_EXPORTER_OTLP_TRACES_INSECURE"],
        WARNINGS,
        "only_true_is_true_and_only_false_and_empty_are_silently_false",
    ),
    (
        "OTLP exporter: obsolete",
        &["OTEL_EXPORTER_OTLP_SPAN_INSECURE"],
        WARNINGS,
        "an_invalid_value_is_a_warning_and_the_default_is_used",
    ),
    (
        "OTLP exporter: metrics and logs",
        &[
            "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
            "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
            "OTEL_EXPORTER_OTLP_LOGS_INSECURE",
            "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
            "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL",
        ],
        WARNINGS,
        "variables_of_signals_that_do_not_exist_are_ignored",
    ),
    (
        "Zipkin exporter, Prometheus exporter, metrics SDK, semantic conventions",
        &[
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
            "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
            "OTEL_EXPORTER_ZIPKIN_PROTOCOL",
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "OTEL_METRIC_EXPORT_INTERVAL",
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "OTEL_SEMCONV_STABILITY_OPT_IN",
        ],
        WARNINGS,
        "variables_of_signals_that_do_not_exist_are_ignored",
    ),
    (
        "Exporter selection, declarative configuration",
        &[
            "OTEL_TRACES_EXPORTER",
            "OTEL_METRICS_EXPORTER",
            "OTEL_LOGS_EXPORTER",
            "OTEL_CONFIG_FILE",
            "OTEL_EXPERIMENTAL_CONFIG_FILE",
        ],
        WARNINGS,
        "an_invalid_value_is_a_warning_and_the_default_is_used",
    ),
];

const INTRODUCTION: &str = "# The variables of the OpenTelemetry specification

A test generates this file: do not edit it. To update it, run

```sh
UPDATE_DOCS=1 cargo test -p telemetry --lib otel_variables
```

- An empty value counts as unset. White space around a value is removed. Names of values
  (`otlp`, `always_on`, ...) may have any case.
- A value that is invalid or has no effect causes a warning with the variable, the value
  (unless it may be secret) and what is used instead: in brackets, the default. With
  `TELEMETRY_STRICT=true`, the program reports all these warnings together as errors and exits
  with status 2. The chart and the tests set it.
- The warnings are log lines. `RUST_LOG` does not hide them; `OTEL_LOG_LEVEL=error` does.
- A name that is similar to one of these, such as `OTEL_TRACES_SAMPELR`, causes a warning with the
  suggestion. Other unknown names are ignored: they may be for other SDKs.
- A TLS file that is missing or invalid at the start is a warning, and spans wait in the queue
  until it is valid: no other certificate is used instead, and nothing is sent in plain text.
- Our own settings (`TELEMETRY_STRICT`, `TELEMETRY_PROXY`, `TELEMETRY_CONNECTION_MAX_AGE`) and
  `RUST_LOG` are always strict.
";

#[test]
fn the_document_of_otel_variables_is_up_to_date() {
    let path = workspace().join(DOCUMENT);
    let expected = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &expected).expect("the document is writable");
    }
    let actual = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "{DOCUMENT} is not up to date; run: {UPDATE}"
    );
}

#[test]
fn every_row_of_otel_variables_names_a_test_that_exists() {
    for (section, _, file, test) in SECTIONS {
        let source = fs::read_to_string(workspace().join(file)).expect(file);
        let found = source.contains(&format!("#[test]\nfn {test}("));
        assert!(found, "{section}: {file} has no test {test}");
    }
}

#[test]
fn otel_variables_has_every_known_variable_once() {
    let supported = VARIABLES.iter().map(|(name, _)| *name);
    let unsupported = UNSUPPORTED.iter().map(|(name, _)| *name);
    let known = supported.chain(unsupported);
    let known: BTreeSet<&str> = known.filter(|name| name.starts_with("OTEL_")).collect();
    let mut documented: Vec<&str> = SECTIONS.iter().flat_map(|row| row.1).copied().collect();
    documented.sort_unstable();
    let known: Vec<&str> = known.into_iter().collect();
    assert_eq!(documented, known);
}

fn document() -> String {
    let mut text =
        format!("{INTRODUCTION}\n| variable | what happens | test |\n| --- | --- | --- |\n");
    for (_, names, file, test) in SECTIONS {
        for name in *names {
            let meaning = meaning(name);
            writeln!(text, "| `{name}` | {meaning} | `{file}`: `{test}` |").expect("a String");
        }
    }
    text
}

fn meaning(name: &str) -> String {
    if let Some((_, meaning)) = VARIABLES.iter().find(|(known, _)| *known == name) {
        return meaning.trim_end_matches(" []").to_owned();
    }
    let found = UNSUPPORTED.iter().find(|(known, _)| *known == name);
    match found.expect("every row is a known variable").1 {
        Unsupported::Ignored(reason) => format!("ignored: {reason}"),
        Unsupported::Warned(hint, []) => format!("warning: {hint}"),
        Unsupported::Warned(hint, accepted) => {
            let accepted = accepted.join(" or ");
            format!("accepted: {accepted}; otherwise a warning: {hint}")
        }
    }
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
