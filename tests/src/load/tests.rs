//! Tests of the load against servers that fail in known ways.

use std::collections::HashSet;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{FailureKind, Load, Pace, Report, Until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

/// The response to the request of this number on a connection, from 0. With `None`, the
/// connection is closed.
type Respond = fn(usize) -> Option<&'static [u8]>;

/// Starts a server; returns its URL.
async fn server(respond: Respond) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, respond));
        }
    });
    url
}

async fn serve(mut stream: TcpStream, respond: Respond) {
    for number in 0.. {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        match respond(number) {
            Some(response) => stream.write_all(response).await.unwrap(),
            None => return,
        }
    }
}

async fn run(url: &str) -> Report {
    let load = Load::get(url).unwrap().connections(2);
    load.until(Until::Requests(50)).run().await
}

#[tokio::test]
async fn every_request_is_counted_once_and_has_its_own_trace() {
    let report = run(&server(|_| Some(OK)).await).await;
    assert_eq!((report.succeeded(), report.failed()), (50, 0), "{report}");
    assert_eq!(report.reconnects, 0, "the connections are kept open");
    let traces: HashSet<_> = report.traces.iter().collect();
    assert_eq!(traces.len(), 50, "each request has a trace of its own");
}

#[tokio::test]
async fn a_request_without_a_response_has_failed() {
    let report = run(&server(|number| (number == 0).then_some(OK)).await).await;
    assert!(report.failed_by(FailureKind::NoResponse) > 0, "{report}");
    assert_eq!(report.succeeded() + report.failed(), 50, "{report}");
}

#[tokio::test]
async fn a_connection_that_the_server_closes_after_a_response_is_replaced_without_a_failure() {
    let report = run(&server(|number| (number == 0).then_some(LAST)).await).await;
    assert_eq!((report.succeeded(), report.failed()), (50, 0), "{report}");
    assert!(report.reconnects >= 48, "{} reconnects", report.reconnects);
}

#[tokio::test]
async fn an_incomplete_response_is_a_failure() {
    let url = server(|_| Some(&OK[..OK.len() - 1])).await;
    let load = Load::get(&url).unwrap().until(Until::Requests(2));
    let report = load.timeout(Duration::from_millis(100)).run().await;
    assert_eq!(report.failed_by(FailureKind::TimedOut), 2, "{report}");
}

#[tokio::test]
async fn other_statuses_and_refused_connections_are_different_failures() {
    let url = server(|_| Some(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n")).await;
    let report = run(&url).await;
    assert_eq!(report.failed_by(FailureKind::Status(503)), 50, "{report}");

    let [port] = crate::ports::free().unwrap();
    let report = run(&format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(report.failed_by(FailureKind::Refused), 50, "{report}");
    assert_eq!(report.failed_after_accept(), 0, "{report}");
}

#[tokio::test]
async fn a_rate_is_kept_until_the_load_is_stopped() {
    let url = server(|_| Some(OK)).await;
    let load = Load::get(&url).unwrap().pace(Pace::PerSecond(500.0));
    let report = load.clone().until(Until::Requests(100)).run().await;
    assert!(
        report.elapsed >= Duration::from_millis(190),
        "99 intervals of 2 ms take longer than {:?}",
        report.elapsed
    );

    let running = load.until(Until::Elapsed(Duration::from_mins(1))).start();
    running.wait_for(10, Duration::from_secs(10)).await.unwrap();
    let report = running.stop().await;
    assert!((10..5000).contains(&report.succeeded()), "{report}");
    assert_eq!(report.failed(), 0, "{report}");
}

#[tokio::test]
async fn a_load_in_steps_sends_exactly_the_requests_of_each_step() {
    let url = server(|_| Some(OK)).await;
    let running = Load::get(&url).unwrap().connections(3).start_in_steps();
    for step in 1..=4 {
        running.step(10, Duration::from_secs(10)).await.unwrap();
        assert_eq!(running.completed(), 10 * step);
    }
    let report = running.stop().await;
    assert_eq!(report.succeeded(), 40, "{report}");
    assert_eq!(report.reconnects, 0, "the connections are kept: {report}");
}
