//! `OTEL_EXPORTER_OTLP_*`. A variable for traces (`OTEL_EXPORTER_OTLP_TRACES_*`)
//! wins over the one for all signals.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::OtlpSettings;
use super::attributes::decode;
use super::vars::Vars;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// Read only where TLS is: setting one and sending in the clear would be a surprise.
const TLS: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
];
const NO_TLS: &str = "this build has no TLS: send plain http to a Collector beside the service, \
                      or let a mesh encrypt";

/// Reads the exporter's settings.
pub(super) fn read(vars: &mut Vars<'_>) -> OtlpSettings {
    for variable in TLS {
        if let Some(path) = vars.text(variable) {
            vars.problem(variable, &path, NO_TLS);
        }
    }
    protocol(vars);
    OtlpSettings {
        endpoint: endpoint(vars),
        headers: headers(vars),
        timeout: vars
            .timeout("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
            .or_else(|| vars.timeout("OTEL_EXPORTER_OTLP_TIMEOUT"))
            .unwrap_or(defaults().timeout),
        gzip: gzip(vars),
    }
}

/// What holds when nothing is set.
pub(super) fn defaults() -> OtlpSettings {
    OtlpSettings {
        endpoint: Url::parse("http://localhost:4318/v1/traces").expect("a constant URL is valid"),
        headers: Vec::new(),
        timeout: Duration::from_secs(10),
        gzip: false,
    }
}

impl fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OtlpSettings")
            .field("endpoint", &without_secrets(self.endpoint.as_str()))
            .field("headers", &names)
            .field("timeout", &self.timeout)
            .field("gzip", &self.gzip)
            .finish()
    }
}

fn endpoint(vars: &mut Vars<'_>) -> Url {
    let traces = vars.text(TRACES_ENDPOINT).map(|t| (TRACES_ENDPOINT, t));
    let given = traces.or_else(|| vars.text(ENDPOINT).map(|text| (ENDPOINT, text)));
    let Some((variable, text)) = given else {
        return defaults().endpoint;
    };
    match parse_endpoint(&text) {
        Ok(url) if variable == ENDPOINT => with_traces_path(url),
        Ok(url) => url,
        Err(remedy) => {
            vars.problem(variable, &without_secrets(&text), remedy);
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
    // `localhost:4318` parses too, as a URL of the scheme `localhost`.
    if !lower.starts_with("http://") {
        return Err(SHAPE);
    }
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no credentials: OTEL_EXPORTER_OTLP_HEADERS is for those");
    }
    Ok(url)
}

fn with_traces_path(mut url: Url) -> Url {
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// A URL as it may be shown: without credentials and query.
pub fn without_secrets(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("***@{host}"),
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => text.to_owned(),
    }
}

fn protocol(vars: &mut Vars<'_>) {
    let variables = [
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ];
    let Some((variable, text)) = first(vars, variables) else {
        return;
    };
    match text.to_ascii_lowercase().as_str() {
        "http/protobuf" => {}
        "grpc" => vars.problem(
            variable,
            &text,
            "must be http/protobuf: this build has no gRPC; the Collector takes OTLP over HTTP \
             on port 4318",
        ),
        _ => vars.problem(variable, &text, "must be http/protobuf"),
    }
}

fn gzip(vars: &mut Vars<'_>) -> bool {
    let variables = [
        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
    ];
    let Some((variable, text)) = first(vars, variables) else {
        return false;
    };
    match text.to_ascii_lowercase().as_str() {
        "gzip" => true,
        "none" => false,
        _ => {
            vars.problem(variable, &text, "must be gzip or none");
            false
        }
    }
}

fn first(vars: &mut Vars<'_>, variables: [&'static str; 2]) -> Option<(&'static str, String)> {
    variables
        .into_iter()
        .find_map(|variable| Some((variable, vars.text(variable)?)))
}

fn headers(vars: &mut Vars<'_>) -> Vec<(String, String)> {
    let variables = [
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ];
    let given = variables
        .into_iter()
        .find_map(|variable| Some((variable, vars.secret(variable)?)));
    let Some((variable, text)) = given else {
        return Vec::new();
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    for (i, member) in text.split(',').map(str::trim).enumerate() {
        if member.is_empty() {
            continue;
        }
        match header(member) {
            Ok((name, value)) => {
                headers.retain(|(known, _)| *known != name);
                headers.push((name, value));
            }
            // Not even the name: whatever is malformed may be a secret in the wrong place.
            Err(remedy) => {
                vars.secret_problem(variable, format!("member {}: {remedy}", i + 1));
            }
        }
    }
    headers
}

fn header(member: &str) -> Result<(String, String), &'static str> {
    let (name, value) = member
        .split_once('=')
        .ok_or("must be name=value, with a comma in a value written %2C")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| "the name must be that of an HTTP header")?;
    let value = decode(value.trim())?;
    HeaderValue::from_str(&value).map_err(|_| "the value must be that of an HTTP header")?;
    Ok((name.as_str().to_owned(), value))
}
