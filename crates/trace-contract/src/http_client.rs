//! HTTP clients that work whichever TLS features other crates of the build enable.

/// A builder of `reqwest` clients.
///
/// With its feature `rustls-no-provider`, which any crate of a build can enable,
/// `reqwest` panics unless the process has a provider of cryptography. This function
/// installs ring if the process has no provider yet.
pub fn builder() -> reqwest::ClientBuilder {
    // An error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the provider exists")]
    reqwest::Client::builder()
}
