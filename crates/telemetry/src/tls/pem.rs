//! Certificates and keys from PEM. No error contains a part of the content.

use std::sync::Arc;

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, RootCertStore};

use super::provider::provider;

/// The certificates of authorities.
pub(super) fn authorities(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots
            .add(certificate)
            .map_err(|_| "contains an invalid certificate: use X.509 certificates in PEM")?;
    }
    Ok(roots)
}

/// A client certificate with its chain, and its private key; an error has the index
/// of the file that must be corrected.
pub(super) fn identity(
    [certificate, key]: [&[u8]; 2],
) -> Result<Arc<CertifiedKey>, (usize, String)> {
    const NO_KEY: &str = "contains no usable private key: use PEM with an RSA, ECDSA or Ed25519 \
                          key in PKCS#8, PKCS#1 or SEC1 form, without a password";
    let chain = certificates(certificate).map_err(|reason| (0, reason))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| (1, NO_KEY.to_owned()))?;
    let identity = CertifiedKey::from_der(chain, key, &provider());
    match identity {
        Ok(identity) => Ok(Arc::new(identity)),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err((
            1,
            "is not the key of the client certificate: replace both files together".to_owned(),
        )),
        Err(rustls::Error::InvalidCertificate(_)) => Err((
            0,
            "contains an invalid certificate: use X.509 certificates in PEM".to_owned(),
        )),
        Err(_) => Err((1, NO_KEY.to_owned())),
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, Error>>();
    let certificates = certificates
        .map_err(|_| "is not valid PEM, or incomplete: write each certificate completely")?;
    if certificates.is_empty() {
        return Err(
            "contains no certificate: it must have -----BEGIN CERTIFICATE----- lines".to_owned(),
        );
    }
    Ok(certificates)
}
