//! `OTEL_EXPORTER_OTLP_*`. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_*`)
//! overrides the one for all signals.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::environment::Environment;
use super::model::OtlpConfig;
use super::percent::decode;
use super::redact::without_secrets;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// Rejected, not ignored: otherwise spans would be sent in plain text against
/// the operator's intent.
const TLS: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
];
const NO_TLS: &str = "this build has no TLS: send plain HTTP to a Collector on the same node \
                      or in the same pod, or use a service mesh that encrypts";

/// Reads the exporter's configuration.
pub(super) fn read(env: &mut Environment<'_>) -> OtlpConfig {
    for variable in TLS {
        if let Some(path) = env.text(variable) {
            env.problem(variable, &path, NO_TLS);
        }
    }
    protocol(env);
    OtlpConfig {
        endpoint: endpoint(env),
        headers: headers(env),
        timeout: env
            .timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
            .or_else(|| env.timeout("OTEL_EXPORTER_OTLP_TIMEOUT"))
            .unwrap_or(defaults().timeout),
        gzip: gzip(env),
    }
}

/// The configuration when no variable is set.
pub(super) fn defaults() -> OtlpConfig {
    OtlpConfig {
        endpoint: Url::parse("http://localhost:4318/v1/traces").expect("a constant URL is valid"),
        headers: HeaderMap::new(),
        timeout: Duration::from_secs(10),
        gzip: false,
    }
}

fn endpoint(env: &mut Environment<'_>) -> Url {
    let Some((variable, text)) = env.first([TRACES_ENDPOINT, ENDPOINT]) else {
        return defaults().endpoint;
    };
    match parse_endpoint(&text) {
        Ok(url) if variable == ENDPOINT => with_traces_path(url),
        Ok(url) => url,
        Err(hint) => {
            env.problem(variable, &without_secrets(&text), hint);
            defaults().endpoint
        }
    }
}

fn parse_endpoint(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "must be a URL such as http://localhost:4318";
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("https:") {
        return Err(NO_TLS);
    }
    // `localhost:4318` would parse too, as a URL with the scheme `localhost`.
    if !lower.starts_with("http://") {
        return Err(SHAPE);
    }
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain credentials: put them into OTEL_EXPORTER_OTLP_HEADERS");
    }
    Ok(url)
}

fn with_traces_path(mut url: Url) -> Url {
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

fn protocol(env: &mut Environment<'_>) {
    const HINT: &str = "must be http/protobuf: this build has no gRPC and no OTLP/JSON; \
                        Collectors accept OTLP over HTTP on port 4318";
    let mut read = |variable| env.choice(variable, &[("http/protobuf", ())], HINT);
    let _ =
        read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| read("OTEL_EXPORTER_OTLP_PROTOCOL"));
}

fn gzip(env: &mut Environment<'_>) -> bool {
    let mut read = |variable| {
        let choices = [("gzip", true), ("none", false)];
        env.choice(variable, &choices, "must be gzip or none")
    };
    read("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION")
        .or_else(|| read("OTEL_EXPORTER_OTLP_COMPRESSION"))
        .unwrap_or(false)
}

fn headers(env: &mut Environment<'_>) -> HeaderMap {
    let variables = [
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ];
    let mut headers = HeaderMap::new();
    let found = variables
        .into_iter()
        .find_map(|variable| Some((variable, env.secret(variable)?)));
    let Some((variable, text)) = found else {
        return headers;
    };
    for (i, member) in text.split(',').map(str::trim).enumerate() {
        if member.is_empty() {
            continue;
        }
        match header(member) {
            Ok((name, value)) => {
                headers.insert(name, value);
            }
            // Without the name: a malformed member may have its secret there.
            Err(hint) => env.secret_problem(variable, format!("member {}: {hint}", i + 1)),
        }
    }
    headers
}

fn header(member: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let (name, value) = member
        .split_once('=')
        .ok_or("must be name=value; write a comma in a value as %2C")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| "the name must be a valid HTTP header name")?;
    let mut value = HeaderValue::try_from(decode(value.trim())?)
        .map_err(|_| "the value must be a valid HTTP header value")?;
    value.set_sensitive(true);
    Ok((name, value))
}
