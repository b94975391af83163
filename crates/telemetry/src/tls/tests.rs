//! The files, their rotation, and that no error contains their content. Handshakes
//! are in `crates/telemetry/tests/layers/https.rs`.

use std::fs;
use std::path::Path;

use rcgen::{CertifiedKey as Issued, PKCS_ECDSA_P256_SHA256, generate_simple_self_signed};
use tempfile::TempDir;

use super::*;

fn issue() -> Issued<rcgen::KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

fn file(directory: &TempDir, name: &str, content: &str) -> TlsFile {
    let path = directory.path().join(name);
    fs::write(&path, content).expect("the directory is writable");
    TlsFile {
        variable: "OTEL_EXPORTER_OTLP_CERTIFICATE",
        path,
    }
}

/// SEC1 and PKCS#1 cannot be generated here; `openssl` made these.
const EC_SEC1: &str = include_str!("testdata/ec-sec1.pem");
const RSA_PKCS1: &str = include_str!("testdata/rsa-pkcs1.pem");
const RSA_CERTIFICATE: &str = include_str!("testdata/rsa.pem");
const EC_CERTIFICATE: &str = include_str!("testdata/ec.pem");

#[test]
fn a_client_key_is_accepted_in_every_form() {
    let issued = issue();
    assert_eq!(issued.signing_key.algorithm(), &PKCS_ECDSA_P256_SHA256);
    for (form, certificate, key) in [
        (
            "PKCS#8",
            issued.cert.pem(),
            issued.signing_key.serialize_pem(),
        ),
        ("SEC1", EC_CERTIFICATE.to_owned(), EC_SEC1.to_owned()),
        ("PKCS#1", RSA_CERTIFICATE.to_owned(), RSA_PKCS1.to_owned()),
    ] {
        let result = pem::identity([certificate.as_bytes(), key.as_bytes()]);
        assert!(result.is_ok(), "{form}: {result:?}");
    }
}

#[test]
fn an_unusable_file_is_reported_with_its_setting_its_path_and_the_fix() {
    let directory = TempDir::new().expect("a directory");
    let (one, other) = (issue(), issue());
    let (pem, key) = (one.cert.pem(), one.signing_key.serialize_pem());
    let half = &pem[..pem.len() / 2];
    let no_base64 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let other_key = other.signing_key.serialize_pem();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (ca, certificate, private_key, expected) in [
        ("", "", "", "contains no certificate"),
        ("not PEM", "", "", "contains no certificate"),
        (half, "", "", "is not valid PEM, or incomplete"),
        (no_base64, "", "", "contains an invalid certificate"),
        (&key, "", "", "contains no certificate"),
        (&pem, &key, &key, "contains no certificate"),
        (&pem, half, &key, "is not valid PEM, or incomplete"),
        (&pem, &pem, &pem, "contains no usable private key"),
        (&pem, &pem, locked, "without a password"),
        (
            &pem,
            &pem,
            &key[..key.len() / 2],
            "contains no usable private key",
        ),
        (
            &pem,
            &pem,
            &other_key,
            "is not the key of the client certificate",
        ),
    ] {
        let config = TlsConfig {
            ca: Some(file(&directory, "ca.pem", ca)),
            client_certificate: Some(file(&directory, "client.pem", certificate)),
            client_key: Some(file(&directory, "client.key", private_key)),
        };
        let error = config.check().expect_err(expected).to_string();
        assert!(
            error.starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE=") && error.contains(expected),
            "expected {expected:?}, but: {error}"
        );
        let content = key.lines().nth(1).expect("the key has lines");
        assert!(
            !error.contains(content),
            "the error contains the key: {error}"
        );
    }
}

#[test]
fn a_missing_file_is_reported_with_its_path() {
    let config = TlsConfig {
        ca: Some(TlsFile {
            variable: "PEER_CA_FILE",
            path: "/no/such/ca.pem".into(),
        }),
        ..TlsConfig::default()
    };
    let error = config.check().expect_err("there is no file").to_string();
    for part in ["PEER_CA_FILE", "/no/such/ca.pem", "cannot be read"] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}

#[test]
fn the_last_valid_content_is_used_while_a_file_is_missing_or_half_written() {
    let directory = TempDir::new().expect("a directory");
    let (old, new) = (issue(), issue());
    let certificate = file(&directory, "client.pem", &old.cert.pem());
    let key = file(&directory, "client.key", &old.signing_key.serialize_pem());
    let files = Files::new([certificate.clone(), key.clone()], pem::identity);
    let is = |expected: &Issued<rcgen::KeyPair>, when: &str| {
        let current = files.current().expect("there was a valid certificate");
        assert_eq!(&current.cert[0], expected.cert.der(), "{when}");
    };
    is(&old, "at the start");
    let write = |path: &Path, content: &str| fs::write(path, content).expect("writable");
    write(&certificate.path, &new.cert.pem()[..100]);
    is(&old, "while the certificate is half-written");
    write(&certificate.path, &new.cert.pem());
    is(&old, "while the key is still the old one");
    fs::remove_file(&key.path).expect("it exists");
    is(&old, "while the key is missing");
    write(&key.path, &new.signing_key.serialize_pem());
    is(&new, "after both were replaced");
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_that_is_replaced_changes_the_content() {
    let directory = TempDir::new().expect("a directory");
    let (old, new) = (issue(), issue());
    let link = directory.path().join("..data");
    let publish = |version: &str, issued: &Issued<rcgen::KeyPair>| {
        let version = directory.path().join(version);
        fs::create_dir(&version).expect("it is new");
        fs::write(version.join("ca.pem"), issued.cert.pem()).expect("writable");
        let next = directory.path().join("..data_tmp");
        std::os::unix::fs::symlink(&version, &next).expect("it is new");
        fs::rename(next, &link).expect("a link can be replaced");
    };
    publish("1", &old);
    let ca = TlsFile {
        variable: "PEER_CA_FILE",
        path: link.join("ca.pem"),
    };
    let files = Files::new([ca], |[pem]| {
        pem::authorities(pem)
            .map(|roots| roots.subjects().len())
            .map_err(|reason| (0, reason))?;
        Ok(pem.to_vec())
    });
    assert_eq!(files.current(), Some(old.cert.pem().into_bytes()));
    publish("2", &new);
    assert_eq!(files.current(), Some(new.cert.pem().into_bytes()));
}
