//! Certificates of a Collector and its clients, in files that can be replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use tempfile::TempDir;

/// An authority that signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Self(CertifiedIssuer::self_signed(
            params,
            KeyPair::generate()?,
        )?))
    }
}

/// What is wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Expired,
    WrongName,
}

/// A directory with `ca.pem`, `server.pem`, `server.key`, `client.pem` and `client.key`.
pub(crate) struct Certificates {
    directory: TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        // A Collector in a container runs as another user.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755))?;
        let certificates = Self { directory };
        certificates.replace(None)?;
        Ok(certificates)
    }

    /// Replaces all files by those of a new authority.
    pub(crate) fn replace(&self, fault: Option<Fault>) -> Result<()> {
        let authority = Authority::new()?;
        self.write("ca.pem", &authority.0.pem())?;
        let name = match fault {
            Some(Fault::WrongName) => "collector.example.com",
            _ => "localhost",
        };
        let mut server = CertificateParams::new([name.to_owned()])?;
        if fault == Some(Fault::Expired) {
            server.not_before = date_time_ymd(2020, 1, 1);
            server.not_after = date_time_ymd(2021, 1, 1);
        }
        self.sign("server", &server, &authority)?;
        let mut client = CertificateParams::new(["service".to_owned()])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign("client", &client, &authority)
    }

    fn sign(&self, name: &str, params: &CertificateParams, authority: &Authority) -> Result<()> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority.0)?;
        self.write(&format!("{name}.pem"), &certificate.pem())?;
        self.write(&format!("{name}.key"), &key.serialize_pem())
    }

    /// Replaces a file in one step: a reader sees the old or the new content.
    pub(crate) fn write(&self, name: &str, content: &str) -> Result<()> {
        let new = self.path("new");
        fs::write(&new, content)?;
        Ok(fs::rename(new, self.path(name))?)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}
