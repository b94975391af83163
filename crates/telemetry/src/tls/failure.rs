//! Why a handshake failed, in words that contain nothing that the peer sent.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::files::NoValidFile;

/// The reason if an error in this chain is from TLS.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(reason(error));
        }
        // The source of an `io::Error` is the source of the error that it contains.
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn reason(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => "the server rejects the client certificate",
            _ => "the server ended the handshake with an alert",
        },
        rustls::Error::InvalidMessage(_) => "the server does not use TLS on this port",
        rustls::Error::PeerIncompatible(_) => "the server supports no common version of TLS",
        rustls::Error::Other(other) if other.0.is::<NoValidFile>() => {
            "the file of certificate authorities is missing or invalid"
        }
        _ => "the handshake failed",
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    match error {
        // An authority that was replaced by one with the same name causes a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is not signed by a trusted authority"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet"
        }
        CertificateError::Revoked => "the server's certificate is revoked",
        _ => "the server's certificate is invalid",
    }
}
