//! The HTTP client of requests and queries: headers, certificates, proxies, redirects, and
//! the size of responses.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::ClientBuilder;
use reqwest::redirect::Policy;
use url::{Host, Url};

use crate::http_client;

/// How a source is called.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    headers: HeaderMap,
    ca: Authorities,
}

/// Certificate authorities that are trusted in addition to those of the system.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    #[cfg(feature = "tls")]
    certificates: Vec<rustls::pki_types::CertificateDer<'static>>,
}

/// A header or a certificate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A header is invalid. The message omits the value, which may be a secret.
    #[error("the header {0:?} is invalid: write it as 'Name: value'")]
    Header(String),
    /// A file has no certificate.
    #[error(
        "cannot read certificates from {path}: {cause}. Use a PEM file with the certificate of the authority"
    )]
    Certificate {
        /// The file.
        path: String,
        /// The cause.
        cause: String,
    },
}

impl ClientOptions {
    /// Adds a header, written `Name: value`. Its value is never shown.
    ///
    /// # Errors
    /// When the line is invalid.
    pub fn header(mut self, line: &str) -> Result<Self, OptionsError> {
        let Some((name, value)) = line.split_once(':') else {
            // Without a colon, the line may consist of a secret only.
            return Err(OptionsError::Header("(no colon)".to_owned()));
        };
        let invalid = || OptionsError::Header(name.trim().to_owned());
        let name: HeaderName = name.trim().parse().map_err(|_| invalid())?;
        let mut value: HeaderValue = value.trim().parse().map_err(|_| invalid())?;
        value.set_sensitive(true);
        self.headers.append(name, value);
        Ok(self)
    }

    /// Also trusts these authorities.
    pub fn trust(self, ca: Authorities) -> Self {
        Self { ca, ..self }
    }
}

impl Authorities {
    /// Reads the certificates of a PEM file.
    ///
    /// # Errors
    /// When the file cannot be read or has no certificate.
    pub fn from_pem_file(path: &Path) -> Result<Self, OptionsError> {
        let error = |cause: String| OptionsError::Certificate {
            path: path.display().to_string(),
            cause,
        };
        let pem = std::fs::read(path).map_err(|cause| error(cause.to_string()))?;
        Self::from_pem(&pem).map_err(error)
    }

    #[cfg(feature = "tls")]
    fn from_pem(pem: &[u8]) -> Result<Self, String> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject;

        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        if certificates.is_empty() {
            return Err("it has no certificate in PEM".to_owned());
        }
        Ok(Self { certificates })
    }

    #[cfg(not(feature = "tls"))]
    fn from_pem(_: &[u8]) -> Result<Self, String> {
        Err("TLS is not compiled in (feature `tls`)".to_owned())
    }
}

/// A client of the source at `url`. It follows redirects on the same server only, so
/// that no other server gets the headers.
pub(crate) fn source(url: &Url, options: &ClientOptions) -> Result<ClientBuilder, String> {
    const MAX_REDIRECTS: usize = 5;
    let redirects = Policy::custom(|attempt| match attempt.previous().first() {
        Some(first)
            if first.origin() == attempt.url().origin()
                && attempt.previous().len() <= MAX_REDIRECTS =>
        {
            attempt.follow()
        }
        _ => attempt.stop(),
    });
    let builder = builder(url, &options.ca)?;
    Ok(builder
        .redirect(redirects)
        .default_headers(options.headers.clone()))
}

/// A client for `url`. Requests to a loopback address never use the proxy of `HTTP_PROXY`
/// and similar variables.
pub(crate) fn builder(url: &Url, ca: &Authorities) -> Result<ClientBuilder, String> {
    let builder = http_client::builder();
    let builder = if is_loopback(url) {
        builder.no_proxy()
    } else {
        builder
    };
    with_tls(builder, url, ca)
}

/// rustls with ring, and the certificates of the system and of Mozilla: an image may have
/// no certificates. They are loaded only for HTTPS, because that takes several
/// milliseconds, and no redirect from HTTP to HTTPS is followed.
#[cfg(feature = "tls")]
fn with_tls(builder: ClientBuilder, url: &Url, ca: &Authorities) -> Result<ClientBuilder, String> {
    let mut roots = rustls::RootCertStore::empty();
    if url.scheme() == "https" {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for certificate in &ca.certificates {
        let added = roots.add(certificate.clone());
        added.map_err(|error| format!("a certificate of the CA file is invalid: {error}"))?;
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(builder.tls_backend_preconfigured(config))
}

#[cfg(not(feature = "tls"))]
#[allow(clippy::unnecessary_wraps)]
fn with_tls(builder: ClientBuilder, _: &Url, _: &Authorities) -> Result<ClientBuilder, String> {
    Ok(builder)
}

/// Reads a body; `None` if it has more than `limit` bytes.
pub(crate) async fn body(
    mut response: reqwest::Response,
    limit: u64,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() as u64 > limit {
            return Ok(None);
        }
    }
    Ok(Some(body))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => std::net::IpAddr::V6(address).to_canonical().is_loopback(),
        // RFC 6761: `localhost` and every name below it.
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_recognized_in_every_form() {
        for (url, expected) in [
            ("http://localhost:4318", true),
            ("http://LOCALHOST./", true),
            ("http://jaeger.localhost", true),
            ("http://127.0.0.1:16686", true),
            ("http://127.9.9.9", true),
            ("http://2130706433/", true),
            ("http://[::1]:80", true),
            ("http://[::ffff:127.0.0.1]", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1", false),
            ("http://jaeger", false),
        ] {
            let parsed = Url::parse(url).expect("a test's URL is valid");
            assert_eq!(is_loopback(&parsed), expected, "{url}");
        }
    }

    #[test]
    fn an_invalid_header_is_reported_without_its_value() {
        for (line, expected) in [
            ("secret", "(no colon)"),
            ("a b: secret", "\"a b\""),
            ("authorization: secret\n", ""),
            ("authorization: sec\u{7f}ret", "\"authorization\""),
        ] {
            match ClientOptions::default().header(line) {
                Ok(options) => assert!(!format!("{options:?}").contains("secret"), "{line}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        error.contains(expected) && !error.contains("sec"),
                        "{error}"
                    );
                }
            }
        }
    }
}
