//! What one connection of the load does, turn after turn.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use tokio::time::{Instant, sleep, timeout};
use trace_contract::TraceParent;

use super::connection::{Connection, Outcome, Outgoing};
use super::plan::Plan;
use super::report::{FailureKind, Report};
use super::{Load, Target};

/// Where nobody listens, the next attempt would follow at once.
const AFTER_REFUSAL: Duration = Duration::from_millis(2);

pub(super) async fn run(load: Arc<Load>, plan: Arc<Plan>) -> Report {
    let mut worker = Worker {
        report: Report::default(),
        connection: None,
        load,
    };
    while let Some(due) = plan.turn().await {
        if worker.request(due).await == Some(FailureKind::Refused) {
            plan.count_refused();
            sleep(AFTER_REFUSAL).await;
        }
        plan.count();
    }
    worker.report
}

struct Worker {
    load: Arc<Load>,
    connection: Option<Connection>,
    report: Report,
}

impl Worker {
    /// Says how it failed, if it did.
    async fn request(&mut self, due: Instant) -> Option<FailureKind> {
        let parent = TraceParent::generate();
        let bound = self.load.timeout;
        let outcome = match timeout(bound, self.attempt(&parent)).await {
            Ok(outcome) => outcome,
            Err(_) => Err((FailureKind::TimedOut, String::new())),
        };
        match outcome {
            Ok(()) => {
                let latency = due.elapsed();
                self.report.request_answered(latency, parent.trace_id());
                None
            }
            Err((kind, why)) => {
                self.connection = None;
                self.report.request_failed(kind, why);
                Some(kind)
            }
        }
    }

    /// Sends the request on a connection that takes it, as every client does.
    async fn attempt(&mut self, parent: &TraceParent) -> Result<(), (FailureKind, String)> {
        loop {
            // Not kept in `self` meanwhile, so that a connection with an answer
            // due is not used again.
            let mut connection = self.connect().await?;
            let request = self.load.target.request(parent);
            match connection.send(request).await {
                Outcome::Answered(status) => {
                    self.connection = Some(connection);
                    if status == self.load.expected {
                        return Ok(());
                    }
                    return Err((FailureKind::Status(status), String::new()));
                }
                Outcome::NotSent => self.report.reconnects += 1,
                Outcome::Unanswered(why) => return Err((FailureKind::Unanswered, why)),
            }
        }
    }

    async fn connect(&mut self) -> Result<Connection, (FailureKind, String)> {
        if let Some(mut open) = self.connection.take() {
            if open.is_open().await {
                return Ok(open);
            }
            self.report.reconnects += 1;
        }
        let opened = Connection::open(&self.load.target.authority).await;
        opened.map_err(|error| (FailureKind::Refused, format!("{error:#}")))
    }
}

impl Target {
    fn request(&self, parent: &TraceParent) -> Outgoing {
        let mut request = Request::get(&self.path)
            .header(HOST, &self.authority)
            .header("traceparent", parent.header());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
            .body(Empty::new())
            .expect("all parts of it were checked before")
    }
}
