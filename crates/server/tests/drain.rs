//! Graceful shutdown: no accepted request is lost, and the shutdown ends in time.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use common::{Raw, Running, TIMEOUT, config, parts, until};
use tokio::sync::Notify;
use tokio::time::timeout;

/// `/held` responds only when it is released, and notifies the test of each request.
#[derive(Clone, Default)]
struct Held {
    received: Arc<Notify>,
    release: Arc<Notify>,
}

impl Held {
    fn routes(&self) -> Router {
        let held = self.clone();
        let handler = async move || {
            held.received.notify_one();
            held.release.notified().await;
            "held"
        };
        Router::new()
            .route("/held", get(handler))
            .route("/", get(async || "here"))
    }

    /// A client whose request for `/held` the server has received.
    async fn request(&self, server: std::net::SocketAddr) -> Raw {
        let mut client = Raw::connect(server).await.unwrap();
        client
            .send("GET /held HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .unwrap();
        self.received.notified().await;
        client
    }
}

async fn refuses_connections(server: std::net::SocketAddr) -> bool {
    Raw::connect(server).await.is_err()
}

#[tokio::test]
async fn during_the_delay_it_is_not_ready_serves_requests_and_closes_connections() {
    let config = config(&["--drain-delay", "500ms"]);
    let server = Running::start(Held::default().routes(), Router::new(), config).await;
    let (public, admin) = (server.public, server.admin);
    let mut kept = Raw::connect(public).await.unwrap();
    assert!(!kept.get("/").await.unwrap().closes());
    let mut probe = Raw::connect(admin).await.unwrap();
    assert_eq!(probe.get("/readyz").await.unwrap().status, 200);

    let start = Instant::now();
    let ending = server.stop();
    until("readiness to end", async || {
        let mut probe = Raw::connect(admin).await.unwrap();
        let response = probe.get("/readyz").await.unwrap();
        response.status == 503 && response.body == "draining\n"
    })
    .await;
    let mut probe = Raw::connect(admin).await.unwrap();
    let alive = probe.get("/livez").await.unwrap().status;
    assert_eq!(alive, 200, "a draining server must not be restarted");
    let response = kept.get("/").await.unwrap();
    assert_eq!(response.status, 200);
    assert!(response.closes(), "the client must open a new connection");
    let mut late = Raw::connect(public).await.unwrap();
    assert_eq!(late.get("/").await.unwrap().status, 200);

    ending.await.unwrap();
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(500),
        "ended after {took:?}, before the delay"
    );
    assert!(refuses_connections(public).await && refuses_connections(admin).await);
}

#[tokio::test]
async fn with_drain_ready_it_is_ready_until_it_refuses_connections() {
    let held = Held::default();
    let config = config(&["--drain-ready", "true", "--drain-delay", "500ms"]);
    let server = Running::start(held.routes(), Router::new(), config).await;
    let (public, admin) = (server.public, server.admin);
    let mut client = held.request(public).await;

    let ending = server.stop();
    let readiness = async || {
        let mut probe = Raw::connect(admin).await.unwrap();
        probe.get("/readyz").await.unwrap()
    };
    until("the drain to begin", async || {
        let response = readiness().await;
        assert_eq!(response.status, 200, "new connections are accepted");
        response.body == "draining\n"
    })
    .await;
    until("new connections to be refused", async || {
        refuses_connections(public).await
    })
    .await;
    assert_eq!(readiness().await.status, 503);
    held.release.notify_one();
    assert_eq!(client.response().await.unwrap().status, 200);
    ending.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_finishes_while_new_connections_are_refused() {
    let held = Held::default();
    let server = Running::start(held.routes(), Router::new(), config(&[])).await;
    let public = server.public;
    let mut client = held.request(public).await;

    let ending = server.stop();
    until("new connections to be refused", async || {
        refuses_connections(public).await
    })
    .await;
    held.release.notify_one();
    let response = client
        .response()
        .await
        .expect("an accepted request must get its response");
    assert!(
        response.status == 200 && response.body == "held" && response.closes(),
        "{response:?}"
    );
    let ended = ending.await.unwrap();
    assert_eq!(ended.force_closed, 0);
}

#[tokio::test]
async fn the_internal_routes_respond_as_long_as_requests_are_in_flight() {
    let held = Held::default();
    let internal = Router::new().route("/visitors/Ada", get(async || "Ada"));
    let server = Running::start(held.routes(), internal, config(&[])).await;
    let (public, admin) = (server.public, server.admin);
    let mut client = held.request(public).await;

    let ending = server.stop();
    until("the public port to close", async || {
        refuses_connections(public).await
    })
    .await;
    let mut peer = Raw::connect(admin)
        .await
        .expect("the admin port must still be open");
    assert_eq!(peer.get("/visitors/Ada").await.unwrap().body, "Ada");
    held.release.notify_one();
    assert_eq!(client.response().await.unwrap().status, 200);
    ending.await.unwrap();
    assert!(
        refuses_connections(admin).await,
        "the admin port must close, too"
    );
}

#[tokio::test]
async fn a_request_that_does_not_finish_is_force_closed_after_the_drain_timeout() {
    let held = Held::default();
    let config = config(&["--drain-timeout", "300ms", "--shutdown-timeout", "5s"]);
    let server = Running::start(held.routes(), Router::new(), config).await;
    let mut client = held.request(server.public).await;

    let start = Instant::now();
    let ended = server.stop().await.unwrap();
    let took = start.elapsed();
    assert_eq!(ended.force_closed, 1, "the result must count it");
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(2),
        "it took {took:?} with a drain timeout of 300 ms"
    );
    let left = Duration::from_secs(5).saturating_sub(took);
    let difference = ended.time_left.abs_diff(left);
    assert!(
        difference < Duration::from_millis(200),
        "the time left is {:?}; expected {left:?}",
        ended.time_left
    );
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn idle_connections_and_partial_requests_do_not_delay_the_drain() {
    let config = config(&["--drain-timeout", "2s"]);
    let server = Running::start(Held::default().routes(), Router::new(), config).await;
    let mut kept = Raw::connect(server.public).await.unwrap();
    kept.get("/").await.unwrap();
    let mut silent = Raw::connect(server.public).await.unwrap();
    let mut half = Raw::connect(server.public).await.unwrap();
    half.send("GET / HTTP/1.1\r\n").await.unwrap();
    // After a response on a fourth connection, the server has accepted all of them.
    let mut other = Raw::connect(server.public).await.unwrap();
    other.get("/").await.unwrap();

    let ending = server.stop();
    assert_eq!(kept.closed().await, "");
    assert_eq!(silent.closed().await, "");
    let rest = half.send("host: test\r\n\r\n").await;
    rest.expect("a request whose first bytes have arrived must be received completely");
    assert_eq!(half.response().await.unwrap().status, 200);
    drop(kept);
    drop(silent);
    drop(other);
    let ended = ending.await.unwrap();
    assert_eq!(ended.force_closed, 0);
}

/// The race of every keep-alive connection: when the server closes it, a request
/// is already in the kernel's buffer, and the runtime has not seen it yet.
#[tokio::test]
async fn a_request_that_arrives_while_the_connection_closes_gets_its_response() {
    let held = Held::default();
    let server = Running::start(held.routes(), Router::new(), config(&[])).await;
    let public = server.public;
    let mut kept = Raw::connect(public).await.unwrap();
    kept.get("/").await.unwrap();
    let mut fresh = Raw::connect(public).await.unwrap();
    let ending = server.stop();
    // The test has one thread: the server does not run until the test awaits.
    for client in [&kept, &fresh] {
        let request = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
        assert_eq!(client.stream.try_write(request).unwrap(), request.len());
    }
    for client in [&mut kept, &mut fresh] {
        let response = client.response().await;
        let response = response.expect("an accepted request must get its response");
        assert!(response.status == 200 && response.closes(), "{response:?}");
    }
    ending.await.unwrap();
}

#[tokio::test]
async fn a_streaming_response_finishes_within_the_drain_timeout() {
    let routes = parts(10, Duration::from_millis(50));
    let server = Running::start(routes, Router::new(), config(&[])).await;
    let public = server.public;
    let mut client = Raw::connect(public).await.unwrap();
    client
        .send("GET /parts HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 1];
    client.stream.peek(&mut first).await.unwrap();

    let ending = server.stop();
    let response = client.closed().await;
    assert!(
        response.ends_with("0\r\n\r\n"),
        "the stream is incomplete: {response}"
    );
    assert_eq!(response.matches("part").count(), 10);
    assert_eq!(ending.await.unwrap().force_closed, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_force_closed_after_the_drain_timeout() {
    let large = Router::new().route("/", get(async || vec![b'x'; 64 * 1024 * 1024]));
    let config = config(&["--drain-timeout", "300ms"]);
    let server = Running::start(large, Router::new(), config).await;
    let mut client = Raw::connect(server.public).await.unwrap();
    client
        .send("GET / HTTP/1.1\r\nhost: test\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 1];
    client.stream.peek(&mut first).await.unwrap();
    let ending = timeout(TIMEOUT, server.stop()).await;
    let ended = ending
        .expect("a slow client must not delay the drain")
        .unwrap();
    assert_eq!(ended.force_closed, 1);
}

/// Keep-alive clients under load during the shutdown: every request that was sent
/// on an open connection gets its response.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_fails() {
    for delay in ["0s", "100ms"] {
        let config = config(&["--drain-delay", delay]);
        let routes = Router::new().route("/", get(async || tokio::task::yield_now().await));
        let server = Running::start(routes, Router::new(), config).await;
        let public = server.public;
        let clients: Vec<_> = (0..64)
            .map(|_| tokio::spawn(send_until_refused(public)))
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let ended = server.stop().await.unwrap();
        let mut responses = 0;
        for client in clients {
            let client = timeout(TIMEOUT, client).await;
            responses += client
                .expect("every client must be refused in the end")
                .unwrap()
                .unwrap_or_else(|failure| panic!("with a delay of {delay}, {failure}"));
        }
        assert!(responses > 100, "{responses} responses are not load");
        assert_eq!(ended.force_closed, 0);
    }
}

/// Sends requests until the server refuses connections, on one connection for as
/// long as the server keeps it open. Returns the number of responses.
async fn send_until_refused(server: std::net::SocketAddr) -> Result<usize, String> {
    let mut responses = 0;
    while let Ok(mut client) = Raw::connect(server).await {
        for nth in 1.. {
            let response = client.get("/").await.map_err(|error| {
                format!("request {nth} of a connection failed after {responses} responses: {error}")
            })?;
            responses += 1;
            if response.closes() {
                break;
            }
        }
    }
    Ok(responses)
}
