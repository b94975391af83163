//! The end of a server: nothing accepted is lost, and nothing takes for ever.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use common::{PATIENCE, Raw, Running, config, parts, until};
use tokio::sync::Notify;
use tokio::time::timeout;

/// A route that answers when it is told to, and says when it has been asked.
#[derive(Clone, Default)]
struct Held {
    asked: Arc<Notify>,
    release: Arc<Notify>,
}

impl Held {
    fn routes(&self) -> Router {
        let held = self.clone();
        let handler = async move || {
            held.asked.notify_one();
            held.release.notified().await;
            "held"
        };
        Router::new()
            .route("/held", get(handler))
            .route("/", get(async || "here"))
    }

    /// A client whose request for the route has come in.
    async fn ask(&self, server: std::net::SocketAddr) -> Raw {
        let mut client = Raw::connect(server).await.unwrap();
        client
            .send("GET /held HTTP/1.1\r\nhost: test\r\n\r\n")
            .await
            .unwrap();
        self.asked.notified().await;
        client
    }
}

async fn refuses_connections(server: std::net::SocketAddr) -> bool {
    Raw::connect(server).await.is_err()
}

#[tokio::test]
async fn in_the_delay_it_is_not_ready_and_serves_on_and_sends_clients_elsewhere() {
    let config = config(&["--drain-delay", "500ms"]);
    let server = Running::start(Held::default().routes(), Router::new(), config).await;
    let (public, admin) = (server.public, server.admin);
    let mut kept = Raw::connect(public).await.unwrap();
    assert!(!kept.get("/").await.unwrap().closes());
    let mut probe = Raw::connect(admin).await.unwrap();
    assert_eq!(probe.get("/readyz").await.unwrap().status, 200);

    let began = Instant::now();
    let ending = server.stop();
    until("readiness to end", async || {
        let mut probe = Raw::connect(admin).await.unwrap();
        let answer = probe.get("/readyz").await.unwrap();
        answer.status == 503 && answer.body == "draining\n"
    })
    .await;
    let mut probe = Raw::connect(admin).await.unwrap();
    let alive = probe.get("/livez").await.unwrap().status;
    assert_eq!(alive, 200, "a server that drains must not be restarted");
    let answer = kept.get("/").await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.closes(), "the client must be asked to go elsewhere");
    let mut late = Raw::connect(public).await.unwrap();
    assert_eq!(late.get("/").await.unwrap().status, 200);

    ending.await.unwrap();
    let took = began.elapsed();
    assert!(
        took >= Duration::from_millis(500),
        "ended after {took:?}, before the delay"
    );
    assert!(refuses_connections(public).await && refuses_connections(admin).await);
}

#[tokio::test]
async fn where_it_is_asked_to_it_is_ready_until_it_accepts_no_more() {
    let held = Held::default();
    let config = config(&["--drain-ready", "true", "--drain-delay", "500ms"]);
    let server = Running::start(held.routes(), Router::new(), config).await;
    let (public, admin) = (server.public, server.admin);
    let mut client = held.ask(public).await;

    let ending = server.stop();
    let readiness = async || {
        let mut probe = Raw::connect(admin).await.unwrap();
        probe.get("/readyz").await.unwrap()
    };
    until("the drain to begin", async || {
        let answer = readiness().await;
        assert_eq!(answer.status, 200, "new connections are accepted");
        answer.body == "draining\n"
    })
    .await;
    until("new connections to be refused", async || {
        refuses_connections(public).await
    })
    .await;
    assert_eq!(readiness().await.status, 503);
    held.release.notify_one();
    assert_eq!(client.answer().await.unwrap().status, 200);
    ending.await.unwrap();
}

#[tokio::test]
async fn a_request_in_flight_is_answered_while_new_connections_are_refused() {
    let held = Held::default();
    let server = Running::start(held.routes(), Router::new(), config(&[])).await;
    let public = server.public;
    let mut client = held.ask(public).await;

    let ending = server.stop();
    until("new connections to be refused", async || {
        refuses_connections(public).await
    })
    .await;
    held.release.notify_one();
    let answer = client
        .answer()
        .await
        .expect("what was accepted must be answered");
    assert!(
        answer.status == 200 && answer.body == "held" && answer.closes(),
        "{answer:?}"
    );
    let ended = ending.await.unwrap();
    assert_eq!(ended.cut, 0);
}

#[tokio::test]
async fn the_internal_routes_answer_for_as_long_as_a_request_may_need_them() {
    let held = Held::default();
    let internal = Router::new().route("/visitors/Ada", get(async || "Ada"));
    let server = Running::start(held.routes(), internal, config(&[])).await;
    let (public, admin) = (server.public, server.admin);
    let mut client = held.ask(public).await;

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
    assert_eq!(client.answer().await.unwrap().status, 200);
    ending.await.unwrap();
    assert!(
        refuses_connections(admin).await,
        "in the end the admin port closes too"
    );
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_at_the_drain_timeout() {
    let held = Held::default();
    let config = config(&["--drain-timeout", "300ms", "--shutdown-timeout", "5s"]);
    let server = Running::start(held.routes(), Router::new(), config).await;
    let mut client = held.ask(server.public).await;

    let began = Instant::now();
    let ended = server.stop().await.unwrap();
    let took = began.elapsed();
    assert_eq!(ended.cut, 1, "the cut must be told");
    assert!(
        took >= Duration::from_millis(300) && took < Duration::from_secs(2),
        "ended after {took:?} with a drain timeout of 300 ms"
    );
    let left = Duration::from_secs(5).saturating_sub(took);
    let differs = ended.time_left.abs_diff(left);
    assert!(
        differs < Duration::from_millis(200),
        "{:?} are left for the last spans; {left:?} were expected",
        ended.time_left
    );
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn idle_and_half_asked_connections_do_not_hold_the_drain_up() {
    let config = config(&["--drain-timeout", "2s"]);
    let server = Running::start(Held::default().routes(), Router::new(), config).await;
    let mut kept = Raw::connect(server.public).await.unwrap();
    kept.get("/").await.unwrap();
    let mut silent = Raw::connect(server.public).await.unwrap();
    let mut half = Raw::connect(server.public).await.unwrap();
    half.send("GET / HTTP/1.1\r\n").await.unwrap();
    // Answered on another connection: the server has seen the three before.
    let mut other = Raw::connect(server.public).await.unwrap();
    other.get("/").await.unwrap();

    let ending = server.stop();
    assert_eq!(kept.closed().await, "");
    assert_eq!(silent.closed().await, "");
    let rest = half.send("host: test\r\n\r\n").await;
    rest.expect("a request that has begun to come in may come in whole");
    assert_eq!(half.answer().await.unwrap().status, 200);
    drop(kept);
    drop(silent);
    drop(other);
    let ended = ending.await.unwrap();
    assert_eq!(ended.cut, 0);
}

/// The race of every keep-alive connection: the request is in the kernel when
/// the server closes, and the server's runtime does not know of it yet.
#[tokio::test]
async fn a_request_that_comes_in_as_the_connection_closes_is_answered() {
    let held = Held::default();
    let server = Running::start(held.routes(), Router::new(), config(&[])).await;
    let public = server.public;
    let mut kept = Raw::connect(public).await.unwrap();
    kept.get("/").await.unwrap();
    let mut fresh = Raw::connect(public).await.unwrap();
    let ending = server.stop();
    // On this one thread nothing of the server runs until the test waits.
    for client in [&kept, &fresh] {
        let request = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
        assert_eq!(client.stream.try_write(request).unwrap(), request.len());
    }
    for client in [&mut kept, &mut fresh] {
        let answer = client.answer().await.expect("the connection was accepted");
        assert!(answer.status == 200 && answer.closes(), "{answer:?}");
    }
    ending.await.unwrap();
}

#[tokio::test]
async fn a_stream_is_sent_to_its_end_within_the_drain_timeout() {
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
    let answer = client.closed().await;
    assert!(
        answer.ends_with("0\r\n\r\n"),
        "the stream was cut: {answer}"
    );
    assert_eq!(answer.matches("part").count(), 10);
    assert_eq!(ending.await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_at_the_drain_timeout() {
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
    let ending = timeout(PATIENCE, server.stop()).await;
    let ended = ending
        .expect("a slow client must not hold the drain up")
        .unwrap();
    assert_eq!(ended.cut, 1);
}

/// Keep-alive clients under load while the server ends: whoever has sent a
/// request on a connection that was there gets an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_request_fails() {
    for delay in ["0s", "100ms"] {
        let config = config(&["--drain-delay", delay]);
        let routes = Router::new().route("/", get(async || tokio::task::yield_now().await));
        let server = Running::start(routes, Router::new(), config).await;
        let public = server.public;
        let clients: Vec<_> = (0..64)
            .map(|_| tokio::spawn(ask_until_refused(public)))
            .collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let ended = server.stop().await.unwrap();
        let mut answered = 0;
        for client in clients {
            let client = timeout(PATIENCE, client).await;
            answered += client
                .expect("every client is refused in the end")
                .unwrap()
                .unwrap_or_else(|failure| panic!("with a delay of {delay}, {failure}"));
        }
        assert!(answered > 100, "{answered} requests are not load");
        assert_eq!(ended.cut, 0);
    }
}

/// Asks again and again, on one connection for as long as the server keeps it;
/// says how many were answered, or what failed.
async fn ask_until_refused(server: std::net::SocketAddr) -> Result<usize, String> {
    let mut answered = 0;
    while let Ok(mut client) = Raw::connect(server).await {
        for nth in 1.. {
            let answer = client.get("/").await.map_err(|error| {
                format!("request {nth} of a connection failed after {answered} answers: {error}")
            })?;
            answered += 1;
            if answer.closes() {
                break;
            }
        }
    }
    Ok(answered)
}
