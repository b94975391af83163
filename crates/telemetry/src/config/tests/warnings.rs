//! An invalid `OTEL_*` value is a warning and the default is used; strictly, it is an
//! error. Our own settings are always strict.

use tracing::Level;

use super::*;

fn warned(vars: &[(&str, &str)]) -> (Config, String) {
    let config = read(vars).unwrap_or_else(|error| panic!("{vars:?} must not prevent: {error}"));
    let lines: Vec<String> = config.warnings.iter().map(ToString::to_string).collect();
    (config, lines.join("\n"))
}

/// The settings as text, without the random instance id and the warnings.
fn settings(config: &Config) -> String {
    let mut config = config.clone();
    config.warnings.clear();
    config
        .resource
        .retain(|attribute| attribute.key.as_str() != "service.instance.id");
    format!("{config:?}")
}

#[test]
fn an_invalid_value_is_a_warning_and_the_default_is_used() {
    const NUMBERS: [&str; 11] = [
        "-1",
        "x",
        "10s",
        "1.5",
        "1e3",
        "0x10",
        "+5",
        "2147483648",
        "99999999999999999999",
        "NaN",
        "1 000",
    ];
    const ENUMS: [&str; 3] = ["half", "true", "otlp,console"];
    let mut cases = Vec::new();
    for variable in [
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_SPAN_EVENT_COUNT_LIMIT",
        "OTEL_SPAN_LINK_COUNT_LIMIT",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    ] {
        cases.extend(NUMBERS.map(|value| (variable, value)));
    }
    for variable in [
        "OTEL_LOG_LEVEL",
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    ] {
        cases.extend(ENUMS.map(|value| (variable, value)));
    }
    for value in ["xray", "ottrace", "xray,ottrace", "tracecontext baggage"] {
        cases.push(("OTEL_PROPAGATORS", value));
    }
    for value in ["xray", "jaeger_remote", "parentbased_jaeger_remote", "1"] {
        cases.push(("OTEL_TRACES_SAMPLER", value));
    }
    for value in ["zipkin", "logging", "otlp/stdout", "jaeger"] {
        cases.push(("OTEL_TRACES_EXPORTER", value));
    }
    cases.extend([
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "16385"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces"),
        ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "true"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,b"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,load=100%"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=a"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_CONFIG_FILE", "/otel.yaml"),
        ("OTEL_EXPERIMENTAL_CONFIG_FILE", "/otel.yaml"),
    ]);
    let default = settings(&valid(&[]));
    for (variable, value) in cases {
        let (config, warnings) = warned(&[(variable, value)]);
        assert!(
            warnings.starts_with(&format!("{variable}=\"")) && warnings.contains("; "),
            "{variable}={value} must be a warning with the value and the fallback: {warnings}"
        );
        assert_eq!(settings(&config), default, "{variable}={value}");
        let error = error(&[(variable, value)]);
        assert!(error.contains(variable), "strictly an error: {error}");
        assert!(
            !error.contains("the default"),
            "an error has no fallback: {error}"
        );
    }
}

#[test]
fn only_true_is_true_and_only_false_and_empty_are_silently_false() {
    for (value, expected, silent) in [
        ("true", true, true),
        ("TRUE", true, true),
        (" True ", true, true),
        ("false", false, true),
        ("FALSE", false, true),
        ("", false, true),
        ("  ", false, true),
        ("1", false, false),
        ("yes", false, false),
        ("on", false, false),
        ("0", false, false),
        ("no", false, false),
        ("t", false, false),
        ("truee", false, false),
    ] {
        let (config, warnings) = warned(&[("OTEL_SDK_DISABLED", value)]);
        assert_eq!(config.disabled, expected, "OTEL_SDK_DISABLED={value:?}");
        assert_eq!(warnings.is_empty(), silent, "{value:?}: {warnings}");
        let vars = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"),
            ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", value),
        ];
        let (config, warnings) = warned(&vars);
        let is_plain = config.otlp.endpoint.scheme() == "http";
        assert_eq!(is_plain, expected, "_INSECURE={value:?}");
        assert_eq!(warnings.is_empty(), silent, "{value:?}: {warnings}");
    }
}

#[test]
fn an_invalid_value_for_traces_falls_back_to_the_one_for_all_signals() {
    let (config, _) = warned(&[
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "thrift"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "traces"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
    ]);
    assert_eq!(config.otlp.timeout, Duration::from_secs(1));
    assert!(config.otlp.gzip);
    assert_eq!(config.otlp.protocol, OtlpProtocol::HttpJson);
    let endpoint = config.otlp.endpoint.as_str();
    assert_eq!(endpoint, "http://collector:4318/v1/traces");
    assert_eq!(config.warnings.len(), 4);
}

#[test]
fn valid_entries_of_a_list_are_used_and_the_others_are_warnings() {
    use PropagatorKind::{B3, Baggage, TraceContext};
    for (text, expected, warnings) in [
        ("b3, ottrace ,tracecontext", vec![B3, TraceContext], 1),
        ("B3,b3,B3", vec![B3], 0),
        ("none,b3", vec![B3], 1),
        ("none, NONE", vec![], 0),
        ("ottrace", vec![TraceContext, Baggage], 1),
        (",,", vec![TraceContext, Baggage], 0),
    ] {
        let (config, lines) = warned(&[("OTEL_PROPAGATORS", text)]);
        assert_eq!(config.propagators, expected, "{text}");
        assert_eq!(config.warnings.len(), warnings, "{text}: {lines}");
    }
    let headers = "a=1,s3cret,b=2";
    let (config, lines) = warned(&[("OTEL_EXPORTER_OTLP_HEADERS", headers)]);
    assert_eq!(config.otlp.headers.len(), 2);
    assert!(
        lines.contains("member 2") && !lines.contains("s3cret"),
        "{lines}"
    );
}

#[test]
fn a_sampler_argument_that_is_not_used_or_invalid_is_a_warning() {
    for (sampler, arg, expected) in [
        ("", "0.1", SamplerKind::ParentBasedAlwaysOn),
        ("always_on", "0.1", SamplerKind::AlwaysOn),
        (
            "parentbased_always_off",
            "x",
            SamplerKind::ParentBasedAlwaysOff,
        ),
        ("traceidratio", "1.1", SamplerKind::TraceIdRatio(1.0)),
        ("traceidratio", "-0.1", SamplerKind::TraceIdRatio(1.0)),
        ("TraceIdRatio", "10%", SamplerKind::TraceIdRatio(1.0)),
        (
            "parentbased_traceidratio",
            "NaN",
            SamplerKind::ParentBasedTraceIdRatio(1.0),
        ),
    ] {
        let vars = [
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", arg),
        ];
        let (config, warnings) = warned(&vars);
        assert_eq!(config.sampler, expected, "{vars:?}");
        assert!(
            warnings.starts_with("OTEL_TRACES_SAMPLER_ARG="),
            "{warnings}"
        );
    }
}

#[test]
fn a_delay_of_zero_exports_as_soon_as_possible_and_a_timeout_of_zero_is_none() {
    let config = valid(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
    ]);
    assert_eq!(config.batch.schedule_delay, Duration::from_millis(1));
    let day = Duration::from_hours(24);
    assert!(config.batch.export_timeout > day && config.otlp.timeout > day);
}

#[test]
fn a_batch_is_never_larger_than_the_queue() {
    for (queue, batch, expected, warnings) in [
        ("100", "", 100, 0),
        ("100", "100", 100, 0),
        ("100", "101", 100, 1),
        ("", "16384", 16_384, 0),
        ("", "16385", 2048, 1),
    ] {
        let vars = [
            ("OTEL_BSP_MAX_QUEUE_SIZE", queue),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch),
        ];
        let (config, lines) = warned(&vars);
        assert_eq!(config.batch.max_export_batch_size, expected, "{vars:?}");
        assert_eq!(config.warnings.len(), warnings, "{vars:?}: {lines}");
    }
}

#[test]
fn variables_of_signals_that_do_not_exist_are_ignored() {
    let mut silent = Vec::new();
    for (variable, unsupported) in UNSUPPORTED {
        match unsupported {
            Unsupported::Ignored(_) => silent.push((*variable, "x")),
            Unsupported::Warned(_, accepted) => {
                silent.extend(accepted.iter().map(|value| (*variable, *value)));
            }
        }
    }
    for variable in silent {
        valid(&[variable]);
    }
}

#[test]
fn our_own_settings_are_always_strict() {
    for (variable, value) in [
        ("TELEMETRY_STRICT", "yes"),
        ("TELEMETRY_PROXY", "proxy:3128"),
        ("TELEMETRY_PROXY", "socks5://proxy"),
        ("TELEMETRY_CONNECTION_MAX_AGE", "5"),
        ("TELEMETRY_CONNECTION_MAX_AGE", "0s"),
        ("RUST_LOG", "http=loud"),
    ] {
        for exporter in ["otlp", "none"] {
            let vars = [(variable, value), ("OTEL_TRACES_EXPORTER", exporter)];
            let error = read(&vars).expect_err(variable).to_string();
            assert!(error.starts_with(variable), "{error}");
        }
    }
}

#[test]
fn a_tls_file_that_cannot_be_used_is_a_warning_with_the_path() {
    let https = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318");
    for variable in [
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    ] {
        let file = (variable, "/no/such/ca.pem");
        let (config, warnings) = warned(&[https, file]);
        let expected = format!("{variable}=\"/no/such/ca.pem\": cannot be read");
        assert!(warnings.starts_with(&expected), "{warnings}");
        assert!(
            config.otlp.tls.ca.is_some(),
            "no other authority is trusted"
        );
        let (_, warnings) = warned(&[file]);
        assert!(warnings.contains("not an https:// URL"), "{warnings}");
    }
    let key = ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/no/such/key.pem");
    let (_, warnings) = warned(&[https, key]);
    assert!(
        warnings.contains("requires OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        "{warnings}"
    );
}

#[test]
fn no_warning_contains_a_secret() {
    for (variable, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization Bearer s3cret"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "authorization=s3cret%"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:s3cret@collector",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "user:s3cret@collector:4318"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "ftp://collector/?token=s3cret",
        ),
    ] {
        let (_, warnings) = warned(&[(variable, value)]);
        assert!(warnings.starts_with(variable), "{warnings}");
        assert!(!warnings.contains("s3cret"), "{warnings}");
    }
}

#[test]
fn otel_log_level_is_the_level_of_the_sdks_own_lines() {
    let enabled =
        |vars: &[(&str, &str)], target: &str, level| valid(vars).log.would_enable(target, &level);
    let pipeline = "telemetry::pipeline::report";
    for (rust_log, otel, target, level, expected) in [
        ("", "", pipeline, Level::INFO, true),
        ("", "error", pipeline, Level::WARN, false),
        ("", "none", CONFIG_TARGET, Level::WARN, false),
        ("", "error", "gateway", Level::INFO, true),
        (
            "",
            "error",
            "telemetry::http::access_log",
            Level::INFO,
            true,
        ),
        ("warn", "Debug", pipeline, Level::DEBUG, true),
        ("warn", "debug", "gateway", Level::INFO, false),
        // A quiet log does not hide that a setting has no effect.
        ("off", "", CONFIG_TARGET, Level::WARN, true),
        ("off", "", pipeline, Level::ERROR, false),
        (
            "info,telemetry::config=off",
            "",
            CONFIG_TARGET,
            Level::WARN,
            false,
        ),
    ] {
        let vars = [("RUST_LOG", rust_log), ("OTEL_LOG_LEVEL", otel)];
        assert_eq!(
            enabled(&vars, target, level),
            expected,
            "{vars:?}, {target}, {level}"
        );
    }
}
