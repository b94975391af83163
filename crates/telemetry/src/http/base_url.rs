//! The base URL of another service.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

/// The address of another service: `http://host:port` or `https://host:port`, followed
/// by a path prefix if a proxy needs one.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is not a valid [`BaseUrl`]. The text itself is not repeated: it may
/// contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL.
    #[error("invalid URL ({0}); use http://host:port")]
    Syntax(#[from] url::ParseError),
    /// Another scheme.
    #[error("the URL's scheme is not http or https; use http://host:port")]
    Scheme,
    /// User and password.
    #[error("the URL must not contain credentials; use http://host:port")]
    Credentials,
    /// A query or a fragment.
    #[error("the URL must not contain a query or a fragment; remove what follows ? or #")]
    Query,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url: Url = text.trim().parse()?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        Ok(Self(url))
    }
}

impl BaseUrl {
    /// The URL with these path segments after the base, each percent-encoded.
    ///
    /// A URL cannot contain the segments `.` and `..`; they are left out.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // A URL with one of these schemes always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, segments: &[&str]) -> String {
        base.parse::<BaseUrl>().unwrap().join(segments).to_string()
    }

    #[test]
    fn segments_follow_the_path_of_the_base() {
        let segments = ["greetings", "Ada"];
        for (base, expected) in [
            ("http://hello:8090", "http://hello:8090/greetings/Ada"),
            ("http://hello:8090/", "http://hello:8090/greetings/Ada"),
            ("http://proxy/hello", "http://proxy/hello/greetings/Ada"),
            ("http://proxy/hello/", "http://proxy/hello/greetings/Ada"),
            ("https://hello", "https://hello/greetings/Ada"),
            ("HTTPS://hello:443", "https://hello/greetings/Ada"),
            ("https://[::1]:8443", "https://[::1]:8443/greetings/Ada"),
        ] {
            assert_eq!(joined(base, &segments), expected, "with the base {base}");
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(
            joined("http://hello", &["greetings", "a/b?c#d %é"]),
            "http://hello/greetings/a%2Fb%3Fc%23d%20%25%C3%A9"
        );
    }

    #[test]
    fn an_invalid_base_url_is_an_error_with_the_reason() {
        let error_of = |text: &str| text.parse::<BaseUrl>().unwrap_err();
        assert_eq!(error_of("ftp://hello"), BaseUrlError::Scheme);
        assert_eq!(error_of("hello:8090"), BaseUrlError::Scheme);
        assert_eq!(error_of("https://u:p@hello"), BaseUrlError::Credentials);
        assert_eq!(error_of("http://u:p@hello"), BaseUrlError::Credentials);
        assert_eq!(error_of("http://hello?x=1"), BaseUrlError::Query);
        assert!(matches!(error_of("hello"), BaseUrlError::Syntax(_)));
        assert!(matches!(error_of("http://"), BaseUrlError::Syntax(_)));
    }
}
