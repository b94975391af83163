//! URLs that are safe to log: without credentials and query values.

use url::Url;

/// The URL without userinfo, query and fragment.
pub(crate) fn redacted(url: &Url) -> String {
    let mut shown = url.clone();
    // This fails only for a URL without a host, which has no userinfo.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if shown.query().is_some() {
        shown.set_query(Some("…"));
    }
    // `Url` percent-encodes the ellipsis.
    shown.as_str().replace("?%E2%80%A6", "?…")
}

/// A string that is not a supported URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL. The message omits the string, which may contain a password.
    #[error("not a URL ({0}): expected a URL such as {1}")]
    Malformed(url::ParseError, &'static str),
    /// Another scheme than `http` or `https`.
    #[error("the scheme {0} is not supported: expected a URL such as {1}")]
    Scheme(String, &'static str),
    /// HTTPS is not compiled in.
    #[error("https needs the feature `tls`: build with --features tls, or use http")]
    NoTls,
}

/// Parses an `http` URL, or an `https` URL if TLS is compiled in. `example` is part of
/// the error message.
pub(crate) fn parse(text: &str, example: &'static str) -> Result<Url, UrlError> {
    let url = Url::parse(text.trim()).map_err(|error| UrlError::Malformed(error, example))?;
    match url.scheme() {
        "http" => Ok(url),
        "https" if cfg!(feature = "tls") => Ok(url),
        "https" => Err(UrlError::NoTls),
        // `localhost:16686` is a URL with the scheme `localhost`.
        other => Err(UrlError::Scheme(other.to_owned(), example)),
    }
}

/// The innermost source of an error. The message of `reqwest::Error` itself contains
/// only the URL.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
