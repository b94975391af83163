//! Tempo and Jaeger over the network: headers, HTTPS, redirects and the size of responses.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use trace_contract::{ClientOptions, Jaeger, QueryError, Source, Tempo, TraceId};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const ID: &str = "5b8efff798038103d269b633813fc60c";
const TEMPO: &str = include_str!("data/formats/tempo-v1.json");
const JAEGER: &str = include_str!("data/formats/jaeger-v3.json");

fn id() -> TraceId {
    ID.parse().expect("a trace id")
}

fn options() -> ClientOptions {
    ClientOptions::default()
}

async fn server(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(response)
        .mount(&server)
        .await;
    server
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

/// Both backends at this URL.
fn sources(url: &str, options: &ClientOptions) -> [Source; 2] {
    [
        Jaeger::with_options(url, options).expect("a URL").into(),
        Tempo::new(url, options).expect("a URL").into(),
    ]
}

#[tokio::test]
async fn a_trace_is_read_from_tempo_with_the_header_of_its_tenant() {
    let server = MockServer::start().await;
    Mock::given(path(format!("/base/api/traces/{ID}")))
        .and(header("x-scope-orgid", "team"))
        .respond_with(json(200, TEMPO))
        .mount(&server)
        .await;
    let options = options().header("X-Scope-OrgID: team").expect("a header");
    let tempo = Tempo::new(&format!("{}/base", server.uri()), &options).expect("a URL");
    let trace = tempo
        .trace(id())
        .await
        .expect("a response")
        .expect("a trace");
    assert_eq!(trace.spans().len(), 5);
}

#[tokio::test]
async fn an_unknown_trace_of_tempo_is_none_and_another_server_is_an_error() {
    for (body, is_tempo) in [
        ("", true),
        ("trace not found", true),
        ("404 page not found\n", false),
        ("<html>", false),
    ] {
        let server = server(ResponseTemplate::new(404).set_body_string(body)).await;
        let tempo = Tempo::new(&server.uri(), &options()).expect("a URL");
        match tempo.trace(id()).await {
            Ok(trace) => assert!(is_tempo && trace.is_none(), "{body:?}"),
            Err(error) => assert!(
                !is_tempo && error.to_string().contains("Is this a Tempo query URL"),
                "{body:?}: {error}"
            ),
        }
    }
}

#[tokio::test]
async fn a_rejected_credential_is_reported_without_its_value() {
    for status in [401, 403] {
        let server = server(ResponseTemplate::new(status)).await;
        let options = options()
            .header("Authorization: Bearer s3cret")
            .expect("a header");
        for source in sources(&server.uri(), &options) {
            let error = source.trace(id()).await.expect_err("no permission");
            assert!(error.to_string().contains("--source-header"), "{error}");
            assert!(!format!("{error:?} {source:?}").contains("s3cret"));
        }
    }
}

#[tokio::test]
async fn headers_are_not_sent_to_another_server_after_a_redirect() {
    let other = server(json(200, TEMPO)).await;
    let redirect = ResponseTemplate::new(302).insert_header("location", other.uri());
    let server = server(redirect).await;
    for source in sources(&server.uri(), &options()) {
        let error = source.trace(id()).await.expect_err("a redirect");
        assert!(error.to_string().contains("302"), "{error}");
    }
    let requests = other.received_requests().await.expect("recorded");
    assert!(requests.is_empty(), "{requests:?}");
}

/// Writes a response without an end.
async fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let chunk = vec![b' '; 1 << 20];
                let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{").await;
                while written.is_ok() {
                    written = stream.write_all(&chunk).await;
                }
            });
        }
    });
    url
}

#[tokio::test]
async fn an_endless_response_is_rejected_at_the_limit() {
    let url = endless().await;
    for source in sources(&url, &options()) {
        let error = source.trace(id()).await.expect_err("no end");
        assert!(matches!(error, QueryError::TooLarge { .. }), "{error}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https_is_trusted_with_the_authority_of_the_server() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let url = https(&made).await;
    let error = Jaeger::new(&url)
        .expect("a URL")
        .trace(id())
        .await
        .expect_err("an unknown authority");
    assert!(error.to_string().contains("Use --ca"), "{error}");

    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), made.cert.pem()).expect("a file");
    let ca = trace_contract::Authorities::from_pem_file(file.path()).expect("a certificate");
    let jaeger = Jaeger::with_options(&url, &options().trust(ca)).expect("a URL");
    let trace = jaeger.trace(id()).await.expect("a response");
    assert_eq!(trace.expect("a trace").spans().len(), 5);
}

#[cfg(feature = "tls")]
#[test]
fn a_file_without_a_certificate_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    for content in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAA"] {
        std::fs::write(file.path(), content).expect("a file");
        let error = trace_contract::Authorities::from_pem_file(file.path()).expect_err(content);
        let name = file.path().display().to_string();
        assert!(error.to_string().contains(&name), "{content:?}: {error}");
    }
}

/// Responds to each connection with the trace, as Jaeger.
#[cfg(feature = "tls")]
async fn https(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate with its key");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                JAEGER.len()
            );
            let _ = stream.write_all((head + JAEGER).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://localhost:{port}")
}
