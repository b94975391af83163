//! `OTEL_EXPORTER_OTLP_*`. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_*`)
//! overrides the one for all signals.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::environment::Environment;
use super::otlp_config::{OtlpConfig, OtlpProtocol, ProxyUrl};
use super::otlp_endpoint;
use super::percent::decode;
use super::redact::without_secrets;
use crate::tls::{TlsConfig, TlsFile};

/// Reads the exporter's configuration.
pub(super) fn read(env: &mut Environment<'_>) -> OtlpConfig {
    let defaults = defaults();
    let protocol = protocol(env).unwrap_or(defaults.protocol);
    OtlpConfig {
        protocol,
        endpoint: otlp_endpoint::read(env, protocol),
        tls: tls(env),
        proxy: proxy(env),
        connection_max_age: env
            .positive_duration("TELEMETRY_CONNECTION_MAX_AGE")
            .unwrap_or(defaults.connection_max_age),
        headers: headers(env),
        timeout: env
            .timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
            .or_else(|| env.timeout("OTEL_EXPORTER_OTLP_TIMEOUT"))
            .unwrap_or(defaults.timeout),
        gzip: gzip(env),
    }
}

/// The configuration when no variable is set.
pub(super) fn defaults() -> OtlpConfig {
    let protocol = OtlpProtocol::HttpProtobuf;
    OtlpConfig {
        protocol,
        endpoint: protocol.default_endpoint(),
        tls: TlsConfig::default(),
        proxy: None,
        connection_max_age: Duration::from_mins(5),
        headers: HeaderMap::new(),
        timeout: Duration::from_secs(10),
        gzip: false,
    }
}

fn protocol(env: &mut Environment<'_>) -> Option<OtlpProtocol> {
    const HINT: &str = "must be one of grpc, http/protobuf, http/json";
    let choices = [
        ("grpc", OtlpProtocol::Grpc),
        ("http/protobuf", OtlpProtocol::HttpProtobuf),
        ("http/json", OtlpProtocol::HttpJson),
    ];
    let mut read = |variable| env.choice(variable, &choices, HINT);
    read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| read("OTEL_EXPORTER_OTLP_PROTOCOL"))
}

fn tls(env: &mut Environment<'_>) -> TlsConfig {
    let mut file = |variables| {
        let (variable, path) = env.first(variables)?;
        let path = path.into();
        Some(TlsFile { variable, path })
    };
    let config = TlsConfig {
        ca: file([
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
        ]),
        client_certificate: file([
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ]),
        client_key: file([
            "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        ]),
    };
    match (&config.client_certificate, &config.client_key) {
        (Some(file), None) => without_other_half(env, file, "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        (None, Some(file)) => {
            without_other_half(env, file, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE");
        }
        _ => {}
    }
    config
}

fn without_other_half(env: &mut Environment<'_>, file: &TlsFile, missing: &str) {
    let hint = format!("requires {missing}: a client certificate and its key are used together");
    env.problem(file.variable, &file.path.to_string_lossy(), hint);
}

fn proxy(env: &mut Environment<'_>) -> Option<ProxyUrl> {
    const VARIABLE: &str = "TELEMETRY_PROXY";
    let text = env.secret(VARIABLE)?;
    let url = Url::parse(&text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        let hint = "must be the URL of an HTTP proxy, as in http://proxy:3128";
        env.problem(VARIABLE, &without_secrets(&text), hint);
    }
    url.map(ProxyUrl)
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
