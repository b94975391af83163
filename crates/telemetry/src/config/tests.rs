//! The variables against the specification: defaults, precedence, and the
//! errors for invalid values.

mod document;
mod names;
mod warnings;

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use super::*;
use crate::tls::TlsFile;

const SERVICE: ServiceInfo = ServiceInfo {
    name: "hello",
    version: "1.2.3",
};

fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let vars: HashMap<&str, &str> = vars.iter().copied().collect();
    Config::from_vars(SERVICE, |name| vars.get(name).map(OsString::from))
}

fn valid(vars: &[(&str, &str)]) -> Config {
    let config =
        read(vars).unwrap_or_else(|error| panic!("{vars:?} must be accepted, but: {error}"));
    assert_eq!(config.warnings, [], "{vars:?} must be accepted");
    config
}

/// The error of a configuration that must be rejected if it is read strictly.
fn error(vars: &[(&str, &str)]) -> String {
    let strict = [vars, &[("TELEMETRY_STRICT", "true")]].concat();
    match read(&strict) {
        Ok(_) => panic!("{vars:?} must be rejected"),
        Err(error) => error.to_string(),
    }
}

fn resource(config: &Config, key: &str) -> Option<String> {
    let mut found = config.resource.iter().filter(|kv| kv.key.as_str() == key);
    let value = found.next().map(|kv| kv.value.to_string());
    assert!(found.next().is_none(), "{key} must exist once");
    value
}

#[test]
fn unset_variables_have_the_defaults_of_the_specification() {
    let config = valid(&[]);
    assert!(!config.disabled);
    assert_eq!(
        config.propagators,
        [PropagatorKind::TraceContext, PropagatorKind::Baggage]
    );
    assert_eq!(config.exporter, ExporterKind::Otlp);
    assert_eq!(config.sampler, SamplerKind::ParentBasedAlwaysOn);
    assert_eq!(
        config.otlp.endpoint.as_str(),
        "http://localhost:4318/v1/traces"
    );
    assert_eq!(config.otlp.timeout, Duration::from_secs(10));
    assert_eq!(config.batch.export_timeout, Duration::from_secs(30));
    assert_eq!(config.limits.attributes, 128);
    assert_eq!(config.limits.attribute_value_length, None);
    assert_eq!(resource(&config, "service.name").as_deref(), Some("hello"));
    assert_eq!(
        resource(&config, "service.version").as_deref(),
        Some("1.2.3")
    );
    assert_eq!(
        resource(&config, "telemetry.sdk.language").as_deref(),
        Some("rust")
    );
    assert_ne!(
        resource(&config, "service.instance.id"),
        resource(&valid(&[]), "service.instance.id"),
        "two instances must not share an id"
    );
}

#[test]
fn an_empty_value_counts_as_unset() {
    let empty: Vec<(&str, &str)> = VARIABLES.iter().map(|(name, _)| (*name, " ")).collect();
    let config = valid(&empty);
    assert_eq!(config.batch, valid(&[]).batch);
    assert_eq!(config.sampler, valid(&[]).sampler);
}

#[test]
fn otel_service_name_overrides_the_resource_attributes() {
    let both = valid(&[
        ("OTEL_SERVICE_NAME", "greeter"),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,team=bl%C3%BCe%2C%20green, k8s.pod.name = hello-1 ",
        ),
    ]);
    assert_eq!(resource(&both, "service.name").as_deref(), Some("greeter"));
    assert_eq!(
        resource(&both, "team").as_deref(),
        Some("blüe, green"),
        "resource attributes are percent-decoded"
    );
    assert_eq!(resource(&both, "k8s.pod.name").as_deref(), Some("hello-1"));
    let one = valid(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=other")]);
    assert_eq!(resource(&one, "service.name").as_deref(), Some("other"));
}

#[test]
fn variables_for_traces_override_the_general_ones_and_no_path_is_appended() {
    let endpoint = |vars: &[(&str, &str)]| valid(vars).otlp.endpoint.to_string();
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/");
    let traces = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://traces:4318/in",
    );
    assert_eq!(endpoint(&[general]), "http://collector:4318/otlp/v1/traces");
    assert_eq!(endpoint(&[general, traces]), "http://traces:4318/in");
    let config = valid(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "Authorization=Bearer%20x,b=2",
        ),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]);
    assert_eq!(config.otlp.timeout, Duration::from_secs(2));
    let headers = &config.otlp.headers;
    assert_eq!(headers.len(), 2, "only the headers for traces: {headers:?}");
    assert_eq!(headers["authorization"], "Bearer x");
    assert_eq!(headers["b"], "2");
    assert!(config.otlp.gzip);
}

#[test]
fn the_endpoint_follows_the_protocol() {
    let endpoint = |vars: &[(&str, &str)]| valid(vars).otlp.endpoint.to_string();
    let variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
    for (protocol, insecure, text, expected) in [
        ("grpc", "", "", "http://localhost:4317/"),
        ("http/protobuf", "", "", "http://localhost:4318/v1/traces"),
        ("http/json", "", "", "http://localhost:4318/v1/traces"),
        ("GRPC", "", "http://c:4317", "http://c:4317/"),
        ("grpc", "true", "https://c:4317", "https://c:4317/"),
        ("grpc", "", "c:4317", "https://c:4317/"),
        ("grpc", "false", "c:4317", "https://c:4317/"),
        ("grpc", "true", "c:4317", "http://c:4317/"),
        ("grpc", "true", "[::1]:4317", "http://[::1]:4317/"),
        ("http/json", "", "https://c", "https://c/v1/traces"),
    ] {
        let vars = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_INSECURE", insecure),
            (variable, text),
        ];
        assert_eq!(endpoint(&vars), expected, "{vars:?}");
    }
}

#[test]
fn the_tls_files_for_traces_override_the_general_ones() {
    let config = read(&[
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/traces-ca.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/client.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/client.key"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/traces.key"),
    ])
    .expect("missing files are warnings");
    let path = |file: Option<TlsFile>| file.map(|file| file.path.display().to_string());
    let tls = config.otlp.tls;
    assert_eq!(path(tls.ca).as_deref(), Some("/traces-ca.pem"));
    assert_eq!(path(tls.client_certificate).as_deref(), Some("/client.pem"));
    assert_eq!(path(tls.client_key).as_deref(), Some("/traces.key"));
}

#[test]
fn propagators_keep_their_order_without_duplicates() {
    use PropagatorKind::{B3, B3Multi, Baggage, Jaeger, TraceContext};
    let propagators = |text| valid(&[("OTEL_PROPAGATORS", text)]).propagators;
    assert_eq!(
        propagators("b3, tracecontext,b3multi,jaeger,baggage,b3"),
        [B3, TraceContext, B3Multi, Jaeger, Baggage]
    );
    assert!(propagators("none").is_empty());
}

#[test]
fn samplers_have_the_names_of_the_specification() {
    let sampler = |name, arg| {
        valid(&[
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ])
        .sampler
    };
    assert_eq!(sampler("always_off", ""), SamplerKind::AlwaysOff);
    assert_eq!(
        sampler("traceidratio", "0.25"),
        SamplerKind::TraceIdRatio(0.25)
    );
    assert_eq!(
        sampler("parentbased_traceidratio", ""),
        SamplerKind::ParentBasedTraceIdRatio(1.0)
    );
}

#[test]
fn an_invalid_value_is_reported_with_a_hint() {
    for (variable, value, hint) in [
        ("OTEL_SDK_DISABLED", "yes", "true or false"),
        ("OTEL_PROPAGATORS", "tracecontext,ottrace", "b3multi"),
        ("OTEL_PROPAGATORS", "none,b3", "none"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, console, none"),
        ("OTEL_TRACES_SAMPLER", "half", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5", "OTEL_TRACES_SAMPLER"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "http://localhost:4318",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "/key.pem",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ),
        ("TELEMETRY_PROXY", "proxy:3128", "http://proxy:3128"),
        ("TELEMETRY_CONNECTION_MAX_AGE", "0s", "5m"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "integer"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1", "from 0 to"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "from 1 to"),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "100000",
            "OTEL_BSP_MAX_QUEUE_SIZE",
        ),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "+5", "integer"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "key=value"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=100%", "%25"),
        ("OTEL_CONFIG_FILE", "otel.yaml", "not supported"),
        ("RUST_LOG", "http=loud", "info,http=warn"),
    ] {
        let error = error(&[(variable, value)]);
        assert!(
            error.starts_with(variable) && error.contains(hint),
            "{variable}={value} must be reported with a hint like {hint:?}, but: {error}"
        );
    }
}

#[test]
fn an_invalid_ratio_is_rejected() {
    for arg in ["2", "-0.1", "NaN", "half", "1e999"] {
        let error = error(&[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ]);
        assert!(error.contains("OTEL_TRACES_SAMPLER_ARG"), "{error}");
    }
}

#[test]
fn all_problems_are_reported_together() {
    let Err(error) = read(&[
        ("TELEMETRY_STRICT", "TRUE"),
        ("OTEL_SDK_DISABLED", "no"),
        ("OTEL_TRACES_EXPORTER", "x"),
    ]) else {
        panic!("two invalid values must be rejected");
    };
    let variables: Vec<_> = error
        .problems()
        .iter()
        .map(|p| p.variable.as_ref())
        .collect();
    assert_eq!(variables, ["OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"]);
    assert_eq!(error.to_string().lines().count(), 2, "one line per problem");
}

#[test]
fn no_error_and_no_debug_output_contains_a_secret() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer s3cret%"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret key=1"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:s3cret@collector",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "ftp://collector/?token=s3cret",
        ),
        ("TELEMETRY_PROXY", "socks5://user:s3cret@proxy"),
    ] {
        let error = error(&[(variable, value)]);
        assert!(!error.contains("s3cret"), "{error}");
    }
    let config = valid(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://collector/?token=s3cret",
        ),
        ("TELEMETRY_PROXY", "http://user:s3cret@proxy:3128"),
    ]);
    let debug = format!("{config:?}");
    assert!(!debug.contains("s3cret"), "{debug}");
}

#[test]
fn otlp_variables_are_not_checked_without_the_otlp_exporter() {
    let config = read(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon"),
        ("TELEMETRY_STRICT", "true"),
    ]);
    assert!(config.is_ok(), "{config:?}");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf8_is_reported() {
    use std::os::unix::ffi::OsStringExt;
    let config = Config::from_vars(SERVICE, |name| {
        (name == "OTEL_SERVICE_NAME").then(|| OsString::from_vec(vec![0xff]))
    });
    let config = config.expect("it is a warning");
    assert_eq!(resource(&config, "service.name").as_deref(), Some("hello"));
    let error = config.warnings[0].to_string();
    assert!(error.contains("OTEL_SERVICE_NAME") && error.contains("UTF-8"));
}
