//! The certificate authorities of peers, as a setting.

use std::path::PathBuf;
use std::str::FromStr;

use crate::tls::{TlsConfig, TlsFile};

/// A PEM file of the authorities that may sign the certificates of `https` peers. It
/// is read again at each handshake. Empty: the public authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerCa(Option<PathBuf>);

impl PeerCa {
    /// The TLS configuration of a client; `variable` names the setting in warnings.
    pub fn tls(&self, variable: &'static str) -> TlsConfig {
        let ca = self.0.clone().map(|path| TlsFile { variable, path });
        TlsConfig {
            ca,
            ..TlsConfig::default()
        }
    }
}

impl FromStr for PeerCa {
    type Err = String;

    /// Reads the file once, so that an error is found at start-up.
    fn from_str(path: &str) -> Result<Self, String> {
        let file = (!path.is_empty()).then(|| PathBuf::from(path));
        let ca = Self(file);
        // The caller knows the setting and the path.
        ca.tls("").check().map_err(|error| error.reason)?;
        Ok(ca)
    }
}
