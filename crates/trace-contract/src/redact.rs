//! URLs as they may be shown: without a password and without what a query holds.

use url::Url;

/// The URL without userinfo, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // A URL that has no host has no userinfo to take away.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if shown.query().is_some() {
        shown.set_query(Some("…"));
    }
    // The URL type escapes the ellipsis.
    shown.as_str().replace("?%E2%80%A6", "?…")
}

/// What is wrong with a text that should be an `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL. The text is not shown: it may hold a password.
    #[error("not a URL ({0}): write it like {1}")]
    Malformed(url::ParseError, &'static str),
    /// It has another scheme.
    #[error("{0}:// is not spoken here: write it like {1}")]
    Scheme(String, &'static str),
    /// HTTPS is not built in.
    #[error("https needs the feature `tls`: build with --features tls, or use http")]
    NoTls,
}

/// An `http` URL, or `https` where it is built in.
pub(crate) fn parse(text: &str, like: &'static str) -> Result<Url, UrlError> {
    let url = Url::parse(text.trim()).map_err(|error| UrlError::Malformed(error, like))?;
    match url.scheme() {
        "http" => Ok(url),
        "https" if cfg!(feature = "tls") => Ok(url),
        "https" => Err(UrlError::NoTls),
        // `localhost:16686` is a URL of the scheme `localhost`.
        other => Err(UrlError::Scheme(other.to_owned(), like)),
    }
}

/// The innermost cause of an error: reqwest's own text says only that it failed.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
