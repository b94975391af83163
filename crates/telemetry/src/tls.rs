//! TLS for outgoing connections, with rustls and ring.
//!
//! The files of a [`TlsConfig`] are read again at each handshake, so a certificate
//! that is rotated (Kubernetes replaces a symbolic link) is used by the next
//! connection, and open connections and their requests are not disturbed. While a
//! file is missing or half-written, the last valid content is used, and a warning is
//! logged.
//!
//! Without a file of certificate authorities, Mozilla's are used, which
//! `webpki-roots` compiles into the program: the images are built `FROM scratch` and
//! have no certificates of an operating system. They are as old as the build.

mod failure;
mod file;
mod files;
mod pem;
mod provider;

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

pub(crate) use self::failure::{Cause, Failure, failure};
pub use self::file::{TlsFile, TlsFileError};
use self::files::{Files, NoValidFile};
use self::provider::provider;

/// The files that TLS uses. All contain PEM, and may change while the process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificates of the authorities that may sign the server's certificate;
    /// by default the public ones.
    pub ca: Option<TlsFile>,
    /// The client's certificate, followed by intermediate certificates.
    pub client_certificate: Option<TlsFile>,
    /// The private key of the client's certificate: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub client_key: Option<TlsFile>,
}

impl TlsConfig {
    /// Reads the files once, so that an error is found at start-up.
    ///
    /// # Errors
    /// The first file that is missing or has invalid content.
    pub fn check(&self) -> Result<(), TlsFileError> {
        if let Some(ca) = &self.ca {
            Files::new([ca.clone()], verifier).load()?;
        }
        if let Some(files) = self.identity_files() {
            Files::new(files, pem::identity).load()?;
        }
        Ok(())
    }

    /// The configuration of rustls for these files. It never fails: a handshake fails
    /// as long as no valid file was read.
    pub(crate) fn client_config(&self) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS");
        let builder = match &self.ca {
            Some(ca) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ReloadingVerifier(Files::new(
                    [ca.clone()],
                    verifier,
                )))),
            None => builder.with_root_certificates(RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            }),
        };
        let mut config = match self.identity_files() {
            Some(files) => builder.with_client_cert_resolver(Arc::new(ReloadingIdentity(
                Files::new(files, pem::identity),
            ))),
            None => builder.with_no_client_auth(),
        };
        if *self != Self::default() {
            // A resumed session uses neither the new authorities nor the new certificate.
            config.resumption = Resumption::disabled();
        }
        config
    }

    fn identity_files(&self) -> Option<[TlsFile; 2]> {
        Some([self.client_certificate.clone()?, self.client_key.clone()?])
    }
}

/// A builder of `reqwest` clients. Clients with clones of one `tls` share the last valid
/// content of its files.
pub(crate) fn http_client(tls: ClientConfig) -> reqwest::ClientBuilder {
    #[expect(clippy::disallowed_methods, reason = "`tls` has its provider")]
    reqwest::Client::builder().tls_backend_preconfigured(tls)
}

/// The verifier for the authorities in one PEM file.
fn verifier([ca]: [&[u8]; 1]) -> Result<Arc<WebPkiServerVerifier>, (usize, String)> {
    let roots = Arc::new(pem::authorities(ca).map_err(|reason| (0, reason))?);
    WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| (0, error.to_string()))
}

/// Verifies the server's certificate with the authorities that the file contains now.
struct ReloadingVerifier(Files<1, Arc<WebPkiServerVerifier>>);

impl ServerCertVerifier for ReloadingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(verifier) = self.0.current() else {
            return Err(Error::Other(OtherError(Arc::new(NoValidFile))));
        };
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = provider().signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Debug for ReloadingVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReloadingVerifier")
    }
}

/// Presents the client certificate that the files contain now.
struct ReloadingIdentity(Files<2, Arc<CertifiedKey>>);

impl ResolvesClientCert for ReloadingIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.current()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for ReloadingIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReloadingIdentity")
    }
}

#[cfg(test)]
mod tests;
