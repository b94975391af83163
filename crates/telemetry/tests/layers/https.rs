//! Calls to `https` peers: certificates that are accepted and rejected, and rotation.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use telemetry::http::{CallError, ClientConfig, Peer, PeerCa, Route, ServerLayer};
use telemetry::tls::{TlsConfig, TlsFile};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, serve};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    fn write(&self, path: &Path) {
        std::fs::write(path, self.0.pem()).expect("the directory is writable");
    }

    /// A certificate for this name, and its key.
    fn issue(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a valid name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate, key)
    }

    /// The configuration of a server with a certificate for this name.
    fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.server_for_clients_of(None, name)
    }

    /// The same; with an authority, it requires a client certificate of it.
    fn server_for_clients_of(&self, clients: Option<&Self>, name: &str) -> Arc<ServerConfig> {
        let (certificate, key) = self.issue(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in PKCS#8");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring supports them");
        let builder = match clients {
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.0.der().clone()).expect("a certificate");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("it has a root"))
            }
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.expect("the key belongs to the certificate"))
    }
}

/// A server that responds 200 to one request per connection.
async fn https_server(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(config);
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // An error means that the client rejects the certificate.
                let Ok(mut connection) = acceptor.accept(connection).await else {
                    return;
                };
                let _ = connection.read(&mut [0; 4096]).await;
                let response = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                let _ = connection.write_all(response).await;
                let _ = connection.shutdown().await;
            });
        }
    });
    address
}

fn peer(address: SocketAddr, ca: &Path) -> Peer {
    let ca: PeerCa = ca.to_str().expect("UTF-8").parse().expect("a valid file");
    let config = ClientConfig {
        tls: ca.tls("PEER_CA_FILE"),
        ..ClientConfig::default()
    };
    let base = format!("https://localhost:{}", address.port());
    Peer::new(base.parse().expect("a valid URL"), &config).expect("a client can be made")
}

/// A request to a server that calls the peer; returns the caller's trace and the error.
async fn call_in_a_trace(peer: Peer) -> (TraceParent, Option<CallError>) {
    let outcome = Arc::new(std::sync::Mutex::new(None));
    let kept = Arc::clone(&outcome);
    let call = move || async move {
        let response = peer.get(Route("/things/{id}"), &["things", "s3cret"]).await;
        *kept.lock().unwrap() = response.err();
    };
    let front = Router::new().route("/", get(call));
    let address = serve(front.layer(ServerLayer::internal())).await;
    let parent = TraceParent::generate();
    fixture::get(&format!("http://{address}/"), &parent).await;
    let outcome = outcome.lock().unwrap().take();
    (parent, outcome)
}

#[tokio::test]
async fn an_https_peer_with_a_trusted_certificate_is_called() {
    let directory = TempDir::new().expect("a directory");
    let (authority, ca) = (Authority::new(), directory.path().join("ca.pem"));
    authority.write(&ca);
    let address = https_server(authority.server("localhost")).await;
    let (parent, error) = call_in_a_trace(peer(address, &ca)).await;
    assert_eq!(error, None);
    let port = address.port();
    let expected = format!(
        "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{{id}}
    status: unset
    attributes:
      http.response.status_code: 200
      server.address: localhost
      server.port: {port}
      url.scheme: https
      url.full: https://localhost:{port}/things/s3cret
      error.type: {{present: false}}
"
    );
    assert_trace(&parent, &expected).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_is_an_error_of_its_own_kind() {
    let directory = TempDir::new().expect("a directory");
    let (authority, ca) = (Authority::new(), directory.path().join("ca.pem"));
    authority.write(&ca);
    for (server, reason) in [
        (
            Authority::new().server("localhost"),
            "the server's certificate is not signed by a trusted authority",
        ),
        (
            authority.server("s3cret.example"),
            "the server's certificate is for another name",
        ),
    ] {
        let address = https_server(server).await;
        let (parent, error) = call_in_a_trace(peer(address, &ca)).await;
        assert_eq!(error, Some(CallError::Tls(reason)));
        let message = error.expect("it failed").to_string();
        assert!(!message.contains("s3cret"), "{message}");
        // One attempt: the certificate would not be accepted the next time either.
        let expected = "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes:
      url.scheme: https
      error.type: tls
";
        assert_trace(&parent, expected).await;
    }
}

#[tokio::test]
async fn a_plain_server_at_an_https_url_is_an_error_of_its_own_kind() {
    let directory = TempDir::new().expect("a directory");
    let ca = directory.path().join("ca.pem");
    Authority::new().write(&ca);
    let address = serve(Router::new()).await;
    let error = peer(address, &ca).get(Route("/"), &[]).await.err();
    let reason = "the server does not use TLS on this port";
    assert_eq!(error, Some(CallError::Tls(reason)));
}

#[tokio::test]
async fn a_rotated_file_of_authorities_is_used_by_the_next_connection() {
    let directory = TempDir::new().expect("a directory");
    let ca = directory.path().join("ca.pem");
    let (old, new) = (Authority::new(), Authority::new());
    old.write(&ca);
    let old_server = peer(https_server(old.server("localhost")).await, &ca);
    let new_server = peer(https_server(new.server("localhost")).await, &ca);
    let get = async |peer: &Peer| peer.get(Route("/"), &[]).await.err();
    assert_eq!(get(&old_server).await, None);
    assert!(matches!(get(&new_server).await, Some(CallError::Tls(_))));
    std::fs::write(&ca, &new.0.pem()[..100]).expect("writable");
    assert_eq!(
        get(&old_server).await,
        None,
        "while the file is half-written"
    );
    new.write(&ca);
    assert_eq!(get(&new_server).await, None, "after the rotation");
    let error = get(&old_server).await;
    assert!(matches!(error, Some(CallError::Tls(_))), "{error:?}");
}

#[tokio::test]
async fn the_default_port_of_https_is_recorded() {
    let directory = TempDir::new().expect("a directory");
    let ca = directory.path().join("ca.pem");
    Authority::new().write(&ca);
    let ca: PeerCa = ca.to_str().expect("UTF-8").parse().expect("a valid file");
    let config = ClientConfig {
        tls: ca.tls("PEER_CA_FILE"),
        retries: 0,
        ..ClientConfig::default()
    };
    // Port 443 of this address has no server, or one with another certificate.
    let base = "https://127.0.0.77".parse().expect("a valid URL");
    let peer = Peer::new(base, &config).expect("a client can be made");
    let (parent, error) = call_in_a_trace(peer).await;
    assert!(error.is_some(), "no certificate is for this address");
    let expected = "
service: app
kind: server
name: GET /
children:
  - service: app
    kind: client
    name: GET /things/{id}
    status: error
    attributes:
      url.scheme: https
      server.port: 443
      url.full: https://127.0.0.77/things/s3cret
";
    assert_trace(&parent, expected).await;
}

#[tokio::test]
async fn a_rotated_client_certificate_is_used_by_the_next_connection() {
    let directory = TempDir::new().expect("a directory");
    let file = |name: &str| TlsFile {
        variable: "a test's file",
        path: directory.path().join(name),
    };
    let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
    let (authority, old, new) = (Authority::new(), Authority::new(), Authority::new());
    authority.write(&ca.path);
    let write = |authority: &Authority| {
        let (issued, issued_key) = authority.issue("client");
        std::fs::write(&certificate.path, issued.pem()).expect("writable");
        std::fs::write(&key.path, issued_key.serialize_pem()).expect("writable");
    };
    write(&old);
    let server = authority.server_for_clients_of(Some(&new), "localhost");
    let base = format!("https://localhost:{}", https_server(server).await.port());
    let config = ClientConfig {
        tls: TlsConfig {
            ca: Some(ca),
            client_certificate: Some(certificate.clone()),
            client_key: Some(key.clone()),
        },
        ..ClientConfig::default()
    };
    let peer = Peer::new(base.parse().expect("a URL"), &config).expect("a client can be made");
    let error = peer.get(Route("/"), &[]).await.err();
    assert!(
        error.is_some(),
        "the server does not accept the old certificate"
    );
    write(&new);
    let error = peer.get(Route("/"), &[]).await.err();
    assert_eq!(error, None, "the server accepts the new certificate");
}
