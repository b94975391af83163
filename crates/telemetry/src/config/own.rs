//! Our own settings, `TELEMETRY_*`. An invalid value is always an error.

use std::time::Duration;

use url::Url;

use super::environment::Environment;
use super::otlp_config::ProxyUrl;
use super::redact::without_secrets;

/// `TELEMETRY_STRICT`: whether each warning prevents the start.
pub(super) fn strict(env: &mut Environment<'_>) -> bool {
    const VARIABLE: &str = "TELEMETRY_STRICT";
    let Some(text) = env.text(VARIABLE) else {
        return false;
    };
    if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
        env.error(VARIABLE, Some(&text), "must be true or false");
    }
    text.eq_ignore_ascii_case("true")
}

/// `TELEMETRY_PROXY`.
pub(super) fn proxy(env: &mut Environment<'_>) -> Option<ProxyUrl> {
    const VARIABLE: &str = "TELEMETRY_PROXY";
    let text = env.secret(VARIABLE)?;
    let url = Url::parse(&text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        let hint = "must be the URL of an HTTP proxy, as in http://proxy:3128";
        env.error(VARIABLE, Some(&without_secrets(&text)), hint);
    }
    url.map(ProxyUrl)
}

/// `TELEMETRY_CONNECTION_MAX_AGE`.
pub(super) fn connection_max_age(env: &mut Environment<'_>) -> Option<Duration> {
    const VARIABLE: &str = "TELEMETRY_CONNECTION_MAX_AGE";
    let text = env.text(VARIABLE)?;
    let duration = humantime::parse_duration(&text).ok();
    let duration = duration.filter(|duration| !duration.is_zero());
    if duration.is_none() {
        let hint = "must be a duration with its unit, longer than zero, as in 90s or 5m";
        env.error(VARIABLE, Some(&text), hint);
    }
    duration
}
