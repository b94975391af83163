//! The base URL of another service.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;
use reqwest::Url;

/// Where another service answers: `http://host:port`, with a path before its
/// own where a proxy wants one.
///
/// Parsed once; the URL of a call is made from it without parsing.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    host: HeaderValue,
}

/// A text that is no [`BaseUrl`]. The text itself is not repeated: it may hold
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("this is no URL ({0}); write http://host:port")]
    Syntax(#[from] url::ParseError),
    /// `https`.
    #[error(
        "there is no TLS in this build; write http://host:port, and leave encryption to the mesh"
    )]
    Tls,
    /// Another scheme.
    #[error("this is no http:// URL; write http://host:port")]
    Scheme,
    /// User and password.
    #[error("credentials do not belong in a service's URL; write http://host:port")]
    Credentials,
    /// A query or a fragment.
    #[error("a base URL ends with its path; leave out what follows ? or #")]
    Query,
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url: Url = text.trim().parse()?;
        match url.scheme() {
            "http" => {}
            "https" => return Err(BaseUrlError::Tls),
            _ => return Err(BaseUrlError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let host = HeaderValue::from_str(url.authority());
        let host = host.map_err(|_| url::ParseError::InvalidDomainCharacter)?;
        Ok(Self { url, host })
    }
}

impl BaseUrl {
    /// The URL below the base with these path segments, each percent-encoded.
    ///
    /// No URL can carry `.` or `..` as a segment: such a one is left out.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        // An http URL always has a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// `Host` of a call, with the port only where it is not the scheme's own.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(base: &str, segments: &[&str]) -> String {
        base.parse::<BaseUrl>().unwrap().join(segments).to_string()
    }

    #[test]
    fn a_call_goes_below_the_base_path() {
        let segments = ["greetings", "Ada"];
        for (base, expected) in [
            ("http://hello:8090", "http://hello:8090/greetings/Ada"),
            ("http://hello:8090/", "http://hello:8090/greetings/Ada"),
            ("http://proxy/hello", "http://proxy/hello/greetings/Ada"),
            ("http://proxy/hello/", "http://proxy/hello/greetings/Ada"),
        ] {
            assert_eq!(joined(base, &segments), expected, "below {base}");
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
    fn host_is_that_of_the_url() {
        for (base, expected) in [
            ("http://hello:8090/below", "hello:8090"),
            ("http://Hello:80", "hello"),
            ("http://[::1]:8090", "[::1]:8090"),
            ("http://bücher", "xn--bcher-kva"),
        ] {
            let base: BaseUrl = base.parse().unwrap();
            assert_eq!(base.host(), expected, "of {base}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<BaseUrl>().unwrap_err();
        assert_eq!(refused("https://hello"), BaseUrlError::Tls);
        assert_eq!(refused("ftp://hello"), BaseUrlError::Scheme);
        assert_eq!(refused("hello:8090"), BaseUrlError::Scheme);
        assert_eq!(refused("http://u:p@hello"), BaseUrlError::Credentials);
        assert_eq!(refused("http://hello?x=1"), BaseUrlError::Query);
        assert!(matches!(refused("hello"), BaseUrlError::Syntax(_)));
        assert!(matches!(refused("http://"), BaseUrlError::Syntax(_)));
    }
}
