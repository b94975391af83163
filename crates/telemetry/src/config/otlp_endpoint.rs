//! `OTEL_EXPORTER_OTLP_ENDPOINT`, `_TRACES_ENDPOINT` and `_INSECURE`.

use url::Url;

use super::environment::Environment;
use super::otlp_config::OtlpProtocol;
use super::redact::without_secrets;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
const TRACES_INSECURE: &str = "OTEL_EXPORTER_OTLP_TRACES_INSECURE";

/// The endpoint's complete URL.
pub(super) fn read(env: &mut Environment<'_>, protocol: OtlpProtocol) -> Url {
    let insecure = insecure(env);
    let traces = endpoint(env, TRACES_ENDPOINT, protocol, insecure);
    traces
        .or_else(|| endpoint(env, ENDPOINT, protocol, insecure))
        .unwrap_or_else(|| protocol.default_endpoint())
}

fn endpoint(
    env: &mut Environment<'_>,
    variable: &'static str,
    protocol: OtlpProtocol,
    insecure: bool,
) -> Option<Url> {
    let text = env.text(variable)?;
    let url = match protocol {
        OtlpProtocol::Grpc => parse_grpc(&text, insecure),
        OtlpProtocol::HttpProtobuf | OtlpProtocol::HttpJson => parse_http(&text),
    };
    match url {
        Ok(url) if variable == ENDPOINT && protocol != OtlpProtocol::Grpc => {
            Some(with_traces_path(url))
        }
        Ok(url) => Some(url),
        Err(hint) => {
            env.problem(variable, &without_secrets(&text), hint);
            None
        }
    }
}

/// It applies only to a gRPC endpoint without a scheme.
fn insecure(env: &mut Environment<'_>) -> bool {
    let traces = env.boolean(TRACES_INSECURE);
    traces.or_else(|| env.boolean(INSECURE)).unwrap_or(false)
}

fn parse_http(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "must be a URL such as http://localhost:4318";
    // `localhost:4318` would parse too, as a URL with the scheme `localhost`.
    if has_http_scheme(text) {
        parse(text).map_err(|hint| hint.unwrap_or(SHAPE))
    } else {
        Err(SHAPE)
    }
}

/// The specification requires a URL to be accepted, and allows the gRPC library's
/// own forms; gRPC's usual form is `host:port`.
fn parse_grpc(text: &str, insecure: bool) -> Result<Url, &'static str> {
    const SHAPE: &str = "must be a URL or host:port, such as http://localhost:4317";
    if text.contains("://") && !has_http_scheme(text) {
        return Err(SHAPE);
    }
    let text = match (has_http_scheme(text), insecure) {
        (true, _) => text,
        (false, true) => &format!("http://{text}"),
        (false, false) => &format!("https://{text}"),
    };
    parse(text).map_err(|hint| hint.unwrap_or(SHAPE))
}

fn has_http_scheme(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("http://") || text.starts_with("https://")
}

fn parse(text: &str) -> Result<Url, Option<&'static str>> {
    let url = Url::parse(text).map_err(|_| None)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Some(
            "must not contain credentials: put them into OTEL_EXPORTER_OTLP_HEADERS",
        ));
    }
    Ok(url)
}

fn with_traces_path(mut url: Url) -> Url {
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}
