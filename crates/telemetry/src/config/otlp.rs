//! `OTEL_EXPORTER_OTLP_*`. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_*`)
//! overrides the one for all signals.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::environment::Environment;
use super::otlp_config::{OtlpConfig, OtlpProtocol};
use super::percent::decode;
use super::{otlp_endpoint, own};
use crate::tls::{TlsConfig, TlsFile};

/// Reads the exporter's configuration.
pub(super) fn read(env: &mut Environment<'_>) -> OtlpConfig {
    let own = without_export(env);
    let protocol = protocol(env).unwrap_or(own.protocol);
    let endpoint = otlp_endpoint::read(env, protocol);
    OtlpConfig {
        protocol,
        tls: tls(env, &endpoint),
        endpoint,
        headers: headers(env),
        timeout: env
            .timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
            .or_else(|| env.timeout("OTEL_EXPORTER_OTLP_TIMEOUT"))
            .unwrap_or(own.timeout),
        gzip: gzip(env),
        ..own
    }
}

/// The configuration of a program that does not export: only our own settings are checked.
pub(super) fn without_export(env: &mut Environment<'_>) -> OtlpConfig {
    let defaults = defaults();
    OtlpConfig {
        proxy: own::proxy(env),
        connection_max_age: own::connection_max_age(env).unwrap_or(defaults.connection_max_age),
        ..defaults
    }
}

/// The configuration when no variable is set.
fn defaults() -> OtlpConfig {
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

fn tls(env: &mut Environment<'_>, endpoint: &Url) -> TlsConfig {
    let mut file = |variables: [&'static str; 2]| {
        let mut found = variables
            .into_iter()
            .map(|variable| (variable, env.text(variable)));
        let (variable, path) = found.find_map(|(variable, path)| Some((variable, path?)))?;
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
    let plain = endpoint.scheme() != "https";
    let any = [&config.ca, &config.client_certificate, &config.client_key];
    if let Some(file) = any.into_iter().flatten().next().filter(|_| plain) {
        let hint = "has no effect, because the endpoint is not an https:// URL";
        warn_of_file(env, file, hint, "spans are sent in plain text");
    } else if let Err(error) = config.check() {
        let fallback = "spans wait until the file is valid";
        let value = error.path.to_string_lossy();
        env.warn(error.variable, Some(&value), error.reason, fallback);
    }
    config
}

fn without_other_half(env: &mut Environment<'_>, file: &TlsFile, missing: &str) {
    let hint = format!("requires {missing}: a client certificate and its key are used together");
    warn_of_file(env, file, &hint, "no client certificate is used");
}

fn warn_of_file(env: &mut Environment<'_>, file: &TlsFile, hint: &str, fallback: &str) {
    let path = file.path.to_string_lossy();
    env.warn(file.variable, Some(&path), hint, fallback);
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
            Err(hint) => {
                let hint = format!("member {}: {hint}", i + 1);
                env.warn(variable, None, hint, "this member is ignored");
            }
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
