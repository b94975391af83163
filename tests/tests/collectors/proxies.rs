//! `HTTP_PROXY` and similar variables are for other programs' traffic: no call between
//! services and no export uses them. Exports use the proxy of `TELEMETRY_PROXY`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tests::assertions::shut_down;
use tests::local::{System, SystemConfig};
use tests::traced_system::TracedSystem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use trace_contract::Receiver;

use crate::exporting::TIMEOUT;

/// All spellings that programs know.
const VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// A proxy that counts connections, and refuses every request with status 403.
struct RefusingProxy {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl RefusingProxy {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let connections = Arc::<AtomicUsize>::default();
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(refuse(connection));
            }
        });
        Ok(Self { port, connections })
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn refuse(mut connection: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 8192];
    while connection.read(&mut buffer).await? > 0 {
        let response = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
        connection.write_all(response).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_and_no_export_uses_a_proxy_of_the_environment() -> Result<()> {
    let proxy = RefusingProxy::start().await?;
    let mut config = SystemConfig::new();
    for variable in VARIABLES {
        config = config.all(variable, format!("http://127.0.0.1:{}", proxy.port));
    }
    let traced = TracedSystem::with(config).await?;
    traced.check(&traced.get("/hello")?, 200, "hello").await?;
    assert_eq!(proxy.connections(), 0, "the proxy must receive nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_use_the_proxy_of_telemetry_proxy() -> Result<()> {
    let receiver = Receiver::bind("127.0.0.1:0").await?;
    // The receiver itself is the proxy: it accepts the absolute URL that a proxy gets.
    let config = SystemConfig::new()
        .export_to("http://collector.invalid:4318")
        .all("TELEMETRY_PROXY", receiver.endpoint());
    let mut system = System::start(config).await?;
    assert_eq!(get_hello(&system).await?, 200);
    system.wait_until_exported(TIMEOUT).await?;
    for counts in shut_down(&mut system).await? {
        assert_eq!(counts.exported, counts.created(), "{counts}");
    }
    assert_eq!(receiver.store().span_count(), 8);
    for service in system.all() {
        let log = service.output().report();
        assert!(
            log.contains("spans are exported through a proxy (TELEMETRY_PROXY)")
                && log.contains(&receiver.endpoint()),
            "the start-up log must name the proxy:\n{log}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_proxy_names_it_without_its_password() -> Result<()> {
    let proxy = RefusingProxy::start().await?;
    let url = format!("http://user:s3cret-proxy@127.0.0.1:{}", proxy.port);
    let config = SystemConfig::new()
        .export_to("http://collector.invalid:4318")
        .all("TELEMETRY_PROXY", url);
    let mut system = System::start(config).await?;
    assert_eq!(get_hello(&system).await?, 200);
    for counts in shut_down(&mut system).await? {
        assert_eq!(
            counts.dropped.get("rejected"),
            Some(&counts.created()),
            "a 403 is not retried: {counts}"
        );
    }
    assert!(proxy.connections() > 0, "the proxy must have been used");
    let named = format!(
        "status 403 Forbidden; through the proxy http://***@127.0.0.1:{}/ (TELEMETRY_PROXY)",
        proxy.port
    );
    for service in system.all() {
        let log = service.output().report();
        assert!(
            log.contains(&named),
            "the log must contain {named:?}:\n{log}"
        );
        assert!(
            !log.contains("s3cret"),
            "no log may contain the password:\n{log}"
        );
    }
    Ok(())
}

async fn get_hello(system: &System) -> Result<u16> {
    let response = tests::client().get(system.url("/hello")).send().await?;
    Ok(response.status().as_u16())
}
