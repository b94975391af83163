//! Short answers in the form that the caller asked for.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Plain text.
    Text,
    /// JSON.
    Json,
}

impl Form {
    /// JSON where `Accept` names it before plain text, else text: `*/*` alone
    /// comes from people's tools.
    pub fn accepted(headers: &HeaderMap) -> Self {
        headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let form = match parts.next()? {
                    kind if kind.eq_ignore_ascii_case("application/json") => Self::Json,
                    kind if kind.eq_ignore_ascii_case("text/plain") => Self::Text,
                    _ => return None,
                };
                let refused = parts.any(|part| {
                    part.strip_prefix("q=")
                        .and_then(|weight| weight.parse().ok())
                        == Some(0.0)
                });
                (!refused).then_some(form)
            })
            .unwrap_or(Self::Text)
    }
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::accepted(&parts.headers))
    }
}

/// What a failed request is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What went wrong, for the caller's eyes.
    pub error: String,
    /// The trace to ask about, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// Answers a failure, with the id of the current trace.
pub fn failure(form: Form, status: StatusCode, error: impl Into<String>) -> Response<Body> {
    let failure = Failure {
        error: error.into(),
        trace_id: telemetry::trace_id(),
    };
    match form {
        Form::Json => (status, axum::Json(failure)).into_response(),
        Form::Text => {
            let line = match failure.trace_id {
                Some(trace) => format!("{} (trace {trace})\n", failure.error),
                None => format!("{}\n", failure.error),
            };
            text(status, line)
        }
    }
}

/// A text that may repeat a caller's words: no browser is to take it for a page.
pub fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// A failure as text.
pub(crate) fn plain(status: StatusCode, error: &str) -> Response<Body> {
    failure(Form::Text, status, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(accept: &'static str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        Form::accepted(&headers)
    }

    #[test]
    fn json_is_for_those_who_ask_for_it() {
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Text);
        assert_eq!(form("*/*"), Form::Text);
        assert_eq!(
            form("text/html,application/xhtml+xml,*/*;q=0.8"),
            Form::Text
        );
        assert_eq!(form("application/json"), Form::Json);
        assert_eq!(form("Application/JSON; charset=utf-8"), Form::Json);
        assert_eq!(form("text/html, application/json;q=0.9"), Form::Json);
        assert_eq!(form("text/plain, application/json"), Form::Text);
        assert_eq!(form("application/json;q=0, */*"), Form::Text);
    }
}
