//! The implementation of cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// ring, whatever other crates of the program use.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
