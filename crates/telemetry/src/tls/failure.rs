//! Why a handshake failed, in words that contain nothing that the peer sent.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::files::NoValidFile;

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: &'static str,
    pub(crate) cause: Cause,
}

/// What to check after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The authorities that we trust.
    Authorities,
    /// Our certificate, or that we have none.
    ClientCertificate,
    /// The server and its URL.
    Server,
}

/// The reason if an error in this chain is from TLS.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            let (cause, reason) = reason(error);
            return Some(Failure { reason, cause });
        }
        // The source of an `io::Error` is the source of the error that it contains.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        // HTTP/2 keeps only the text of an error that ends its connection.
        if inner.is_some_and(|inner| is_certificate_alert(&inner.to_string())) {
            return Some(REJECTED);
        }
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The alert that a server sends if it does not accept our certificate, or requires one.
const REJECTED: Failure = Failure {
    reason: "the server rejects the client certificate",
    cause: Cause::ClientCertificate,
};

/// Whether rustls' text of an error contains such an alert.
fn is_certificate_alert(text: &str) -> bool {
    const ALERTS: [AlertDescription; 8] = [
        AlertDescription::CertificateRequired,
        AlertDescription::BadCertificate,
        AlertDescription::UnsupportedCertificate,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateUnknown,
        AlertDescription::UnknownCA,
        AlertDescription::AccessDenied,
    ];
    let alerts = ALERTS.map(rustls::Error::AlertReceived);
    alerts.iter().any(|alert| text.contains(&alert.to_string()))
}

fn reason(error: &rustls::Error) -> (Cause, &'static str) {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(_) if is_certificate_alert(&error.to_string()) => {
            (REJECTED.cause, REJECTED.reason)
        }
        rustls::Error::AlertReceived(_) => (
            Cause::Server,
            "the server ended the handshake with an alert",
        ),
        rustls::Error::InvalidMessage(_) => {
            (Cause::Server, "the server does not use TLS on this port")
        }
        rustls::Error::PeerIncompatible(_) => (
            Cause::Server,
            "the server supports no common version of TLS",
        ),
        rustls::Error::Other(other) if other.0.is::<NoValidFile>() => (
            Cause::Authorities,
            "the file of certificate authorities is missing or invalid",
        ),
        _ => (Cause::Server, "the handshake failed"),
    }
}

fn certificate(error: &CertificateError) -> (Cause, &'static str) {
    match error {
        // An authority that was replaced by one with the same name causes a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => (
            Cause::Authorities,
            "the server's certificate is not signed by a trusted authority",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            Cause::Server,
            "the server's certificate is for another name",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            (Cause::Server, "the server's certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (Cause::Server, "the server's certificate is not valid yet")
        }
        CertificateError::Revoked => (Cause::Server, "the server's certificate is revoked"),
        _ => (Cause::Server, "the server's certificate is invalid"),
    }
}
