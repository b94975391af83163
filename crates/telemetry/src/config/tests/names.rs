//! Names that are probably misspelt.

use super::*;

fn warnings(name: &str) -> Result<Vec<String>, String> {
    let config = Config::from_named_vars(SERVICE, |_| None, std::iter::once(name.to_owned()));
    let config = config.map_err(|error| error.to_string())?;
    Ok(config.warnings.iter().map(ToString::to_string).collect())
}

#[test]
fn an_unknown_name_close_to_a_known_one_is_a_warning_with_the_suggestion() {
    for (name, suggestion) in [
        ("OTEL_TRACES_SAMPELR", "OTEL_TRACES_SAMPLER"),
        ("OTEL_TRACE_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("OTEL_TRACES_SAMPLER_ARGS", "OTEL_TRACES_SAMPLER_ARG"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINTS",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        ("OTEL_OTLP_EXPORTER_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_HEADER", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("OTLP_SERVICE_NAME", "OTEL_SERVICE_NAME"),
        ("otel_service_name", "OTEL_SERVICE_NAME"),
        ("OTEL_PROPAGATOR", "OTEL_PROPAGATORS"),
        ("OTEL_METRICS_EXPORTERS", "OTEL_METRICS_EXPORTER"),
    ] {
        let found = warnings(name).expect("the program starts").join("\n");
        let expected = format!("did you mean {suggestion}?");
        assert!(
            found.starts_with(name) && found.contains(&expected),
            "{name}: {found}"
        );
    }
}

#[test]
fn a_misspelt_name_of_our_own_settings_is_an_error() {
    let error = warnings("TELEMETRY_STRCIT").expect_err("own settings are strict");
    assert!(error.contains("did you mean TELEMETRY_STRICT?"), "{error}");
}

#[test]
fn names_of_other_programs_and_of_kubernetes_are_no_warnings() {
    for name in [
        "PATH",
        "RUST_LOGS",
        "OTEL_PYTHON_LOG_CORRELATION",
        "OTEL_JAVAAGENT_ENABLED",
        "OTEL_GO_X_RESOURCE",
        "OTEL_COLLECTOR_SERVICE_HOST",
        "OTEL_SERVICE_NAMES_SERVICE_PORT_HTTP",
        "OTEL_TRACES_PORT_4317_TCP_ADDR",
        "OTEL_EXPORTER_PORT",
        "TELEMETRY_PROXY_SERVICE_HOST",
        "TELEMETRY_PROXY_PORT",
    ] {
        assert_eq!(warnings(name), Ok(vec![]), "{name}");
    }
    for (name, _) in VARIABLES {
        assert_eq!(warnings(name), Ok(vec![]), "{name}");
    }
    for (name, _) in UNSUPPORTED {
        assert_eq!(warnings(name), Ok(vec![]), "{name}");
    }
}
