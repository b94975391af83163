//! One connection's part of the load: one request after another.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use trace_contract::TraceParent;

use super::connection::{Connection, Outcome};
use super::plan::Plan;
use super::report::{FailureKind, Report};
use super::target::Target;

/// The pause after a refused connection; without it, the next attempt would follow immediately.
const AFTER_REFUSAL: Duration = Duration::from_millis(2);

type Failure = (FailureKind, String);

pub(super) async fn run(target: Arc<Target>, plan: Arc<Plan>) -> Report {
    let mut worker = Worker {
        report: Report::default(),
        connection: None,
        target,
    };
    while let Some(due) = plan.next().await {
        let failure = worker.request(due).await;
        let refused = failure == Some(FailureKind::Refused);
        plan.count(refused);
        if refused {
            sleep(AFTER_REFUSAL).await;
        }
    }
    worker.report
}

struct Worker {
    target: Arc<Target>,
    connection: Option<Connection>,
    report: Report,
}

impl Worker {
    /// Sends one request and records its result; returns the kind of failure, if it failed.
    async fn request(&mut self, due: Instant) -> Option<FailureKind> {
        let parent = TraceParent::generate();
        let outcome = match timeout(self.target.timeout, self.attempt(&parent)).await {
            Ok(outcome) => outcome,
            Err(_) => Err((FailureKind::TimedOut, String::new())),
        };
        match outcome {
            Ok(()) => {
                let latency = due.elapsed();
                self.report.add_success(latency, parent.trace_id());
                None
            }
            Err((kind, why)) => {
                self.connection = None;
                self.report.add_failure(kind, why);
                Some(kind)
            }
        }
    }

    /// Sends the request on an open connection. If the server has closed that before any byte
    /// was sent, sends it on a new one, as every HTTP client does.
    async fn attempt(&mut self, parent: &TraceParent) -> Result<(), Failure> {
        loop {
            // Not kept in `self` meanwhile: after a timeout, a connection with a response
            // outstanding must not be used again.
            let mut connection = self.connect().await?;
            match connection.send(self.target.request(parent)).await {
                Outcome::Response(200) => {
                    self.connection = Some(connection);
                    return Ok(());
                }
                Outcome::Response(status) => {
                    return Err((FailureKind::Status(status), String::new()));
                }
                Outcome::NotSent => self.report.reconnects += 1,
                Outcome::NoResponse(why) => return Err((FailureKind::NoResponse, why)),
            }
        }
    }

    async fn connect(&mut self) -> Result<Connection, Failure> {
        if let Some(mut open) = self.connection.take() {
            if open.is_open().await {
                return Ok(open);
            }
            self.report.reconnects += 1;
        }
        let opened = Connection::open(&self.target.authority).await;
        opened.map_err(|error| (FailureKind::Refused, format!("{error:#}")))
    }
}
