//! The variables against the specification: defaults, precedence, and what is
//! said of values that cannot be used.

use std::collections::HashMap;

use super::*;

const SERVICE: ServiceInfo = ServiceInfo {
    name: "hello",
    version: "1.2.3",
};

fn read(vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let vars: HashMap<&str, &str> = vars.iter().copied().collect();
    Settings::from_vars(SERVICE, |name| vars.get(name).map(OsString::from))
}

fn good(vars: &[(&str, &str)]) -> Settings {
    read(vars).unwrap_or_else(|error| panic!("{vars:?} must be taken, but: {error}"))
}

/// What is said of settings that must be refused.
fn complaint(vars: &[(&str, &str)]) -> String {
    match read(vars) {
        Ok(_) => panic!("{vars:?} must be refused"),
        Err(error) => error.to_string(),
    }
}

fn resource(settings: &Settings, key: &str) -> Option<String> {
    let mut found = settings.resource.iter().filter(|kv| kv.key.as_str() == key);
    let value = found.next().map(|kv| kv.value.to_string());
    assert!(found.next().is_none(), "{key} must be there once");
    value
}

#[test]
fn nothing_set_is_the_specifications_defaults() {
    let settings = good(&[]);
    assert!(!settings.disabled);
    assert_eq!(
        settings.propagators,
        [PropagatorKind::TraceContext, PropagatorKind::Baggage]
    );
    assert_eq!(settings.exporter, ExporterKind::Otlp);
    assert_eq!(settings.sampler, SamplerKind::ParentBasedAlwaysOn);
    assert_eq!(
        settings.otlp.endpoint.as_str(),
        "http://localhost:4318/v1/traces"
    );
    assert_eq!(settings.otlp.timeout, Duration::from_secs(10));
    assert_eq!(settings.batch.export_timeout, Duration::from_secs(30));
    assert_eq!(settings.limits.attributes, 128);
    assert_eq!(settings.limits.attribute_value_length, None);
    assert_eq!(
        resource(&settings, "service.name").as_deref(),
        Some("hello")
    );
    assert_eq!(
        resource(&settings, "service.version").as_deref(),
        Some("1.2.3")
    );
}

#[test]
fn an_empty_value_is_an_unset_one() {
    let empty: Vec<(&str, &str)> = VARIABLES.iter().map(|(name, _)| (*name, " ")).collect();
    let settings = good(&empty);
    assert_eq!(settings.batch, good(&[]).batch);
    assert_eq!(settings.sampler, good(&[]).sampler);
}

#[test]
fn the_service_name_variable_beats_the_resource_attributes() {
    let both = good(&[
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
    let one = good(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=other")]);
    assert_eq!(resource(&one, "service.name").as_deref(), Some("other"));
}

#[test]
fn traces_variables_beat_the_general_ones_and_get_no_path() {
    let endpoint = |vars: &[(&str, &str)]| good(vars).otlp.endpoint.to_string();
    let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/otlp/");
    let traces = (
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "http://traces:4318/in",
    );
    assert_eq!(endpoint(&[general]), "http://collector:4318/otlp/v1/traces");
    assert_eq!(endpoint(&[general, traces]), "http://traces:4318/in");
    let settings = good(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "Authorization=Bearer%20x,b=2",
        ),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
    ]);
    assert_eq!(settings.otlp.timeout, Duration::from_secs(2));
    assert_eq!(
        settings.otlp.headers,
        [
            ("authorization".to_owned(), "Bearer x".to_owned()),
            ("b".to_owned(), "2".to_owned())
        ]
    );
    assert!(settings.otlp.gzip);
}

#[test]
fn propagators_come_in_order_and_once() {
    use PropagatorKind::{B3, B3Multi, Baggage, Jaeger, TraceContext};
    let propagators = |text| good(&[("OTEL_PROPAGATORS", text)]).propagators;
    assert_eq!(
        propagators("b3, tracecontext,b3multi,jaeger,baggage,b3"),
        [B3, TraceContext, B3Multi, Jaeger, Baggage]
    );
    assert!(propagators("none").is_empty());
}

#[test]
fn samplers_are_the_specifications() {
    let sampler = |name, arg| {
        good(&[
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
fn a_value_that_cannot_be_used_is_named_with_its_remedy() {
    for (variable, value, remedy) in [
        ("OTEL_SDK_DISABLED", "yes", "true or false"),
        ("OTEL_PROPAGATORS", "tracecontext,xray", "b3multi"),
        ("OTEL_PROPAGATORS", "none,b3", "none"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "otlp, console, none"),
        ("OTEL_TRACES_SAMPLER", "half", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5", "OTEL_TRACES_SAMPLER"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "collector:4318",
            "http://localhost:4318",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://collector:4318",
            "no TLS",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "no TLS"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "whole number"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "from 1 to"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "from 1 to"),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "100000",
            "OTEL_BSP_MAX_QUEUE_SIZE",
        ),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "+5", "whole number"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "key=value"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=100%", "%25"),
        ("OTEL_CONFIG_FILE", "otel.yaml", "unset"),
        ("RUST_LOG", "http=loud", "info,http=warn"),
    ] {
        let complaint = complaint(&[(variable, value)]);
        assert!(
            complaint.starts_with(variable) && complaint.contains(remedy),
            "{variable}={value} must be named with a remedy like {remedy:?}, but: {complaint}"
        );
    }
}

#[test]
fn a_bad_ratio_is_never_everything() {
    for arg in ["2", "-0.1", "NaN", "half", "1e999"] {
        let complaint = complaint(&[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ]);
        assert!(complaint.contains("OTEL_TRACES_SAMPLER_ARG"), "{complaint}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let Err(error) = read(&[("OTEL_SDK_DISABLED", "no"), ("OTEL_TRACES_EXPORTER", "x")]) else {
        panic!("two bad values must be refused");
    };
    let variables: Vec<_> = error.problems().iter().map(|p| p.variable).collect();
    assert_eq!(variables, ["OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"]);
    assert_eq!(error.to_string().lines().count(), 2, "one line a problem");
}

#[test]
fn no_complaint_and_no_debug_text_shows_a_secret() {
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
            "https://collector/?token=s3cret",
        ),
    ] {
        let complaint = complaint(&[(variable, value)]);
        assert!(!complaint.contains("s3cret"), "{complaint}");
    }
    let settings = good(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://collector/?token=s3cret",
        ),
    ]);
    let debug = format!("{settings:?}");
    assert!(!debug.contains("s3cret"), "{debug}");
}

#[test]
fn who_does_not_export_over_otlp_may_have_any_otlp_settings() {
    let settings = read(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    assert!(settings.is_ok(), "{settings:?}");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let settings = Settings::from_vars(SERVICE, |name| {
        (name == "OTEL_SERVICE_NAME").then(|| OsString::from_vec(vec![0xff]))
    });
    let complaint = settings.expect_err("a name must be text").to_string();
    assert!(complaint.contains("OTEL_SERVICE_NAME") && complaint.contains("UTF-8"));
}
