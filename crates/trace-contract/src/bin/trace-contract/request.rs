//! The trace that is meant, and the request that makes it.

use trace_contract::{Answer, Expectation, Request, TraceId, TraceParent};

use crate::args::RequestArgs;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::warm_up::warm_up;

/// A trace, what is known of its root, and what became of its request.
pub(crate) struct Meant {
    pub(crate) trace_id: TraceId,
    pub(crate) expectation: Expectation,
    pub(crate) sent: Option<Sent>,
}

/// A request that was answered.
pub(crate) struct Sent {
    /// Method and URL as they may be shown.
    pub(crate) shown: String,
    pub(crate) answer: Answer,
}

impl Meant {
    /// Sends the request that the arguments describe, if any, and says which
    /// trace is meant.
    pub(crate) async fn find(
        args: &RequestArgs,
        named: Option<TraceId>,
        origin: &Origin,
    ) -> Result<Self, Failure> {
        if let Some(url) = &args.url {
            return Self::send(args, url, origin).await;
        }
        let trace_id = match named {
            Some(id) => id,
            None => origin.only_trace().await?,
        };
        Ok(Self {
            trace_id,
            expectation: Expectation::default(),
            sent: None,
        })
    }

    async fn send(args: &RequestArgs, url: &str, origin: &Origin) -> Result<Self, Failure> {
        let request = build(args, url)?;
        warm_up(args, &request, origin.timeout).await?;
        let answer = request.send().await.map_err(|error| {
            Failure::not_checked(format!("{error}. Is the service running there?"))
        })?;
        let caller = *request.sent_as();
        let sent = Sent {
            shown: request.shown(),
            answer,
        };
        Ok(if args.new_trace {
            Self {
                trace_id: answered_trace(&sent)?,
                expectation: Expectation::starts_anew(&caller),
                sent: Some(sent),
            }
        } else {
            Self {
                trace_id: caller.trace_id(),
                expectation: Expectation::continues(&caller),
                sent: Some(sent),
            }
        })
    }
}

impl Sent {
    /// What was answered, in one line.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}\n", self.shown, self.answer.status)
    }

    /// Whether the status is the one that was expected.
    pub(crate) fn check_status(&self, expected: Option<u16>) -> Result<(), Failure> {
        match expected {
            Some(expected) if self.answer.status.as_u16() != expected => {
                Err(Failure::Differs(format!(
                    "status of {}: expected {expected}, got {}",
                    self.shown, self.answer.status
                )))
            }
            _ => Ok(()),
        }
    }
}

fn build(args: &RequestArgs, url: &str) -> Result<Request, Failure> {
    let mut request = Request::get(url)
        .and_then(|request| request.method(&args.method))
        .map_err(Failure::not_checked)?;
    for line in &args.headers {
        request = request.header(line).map_err(Failure::not_checked)?;
    }
    match &args.body {
        None => Ok(request),
        Some(body) => match body.strip_prefix('@') {
            None => Ok(request.body(body.as_str())),
            Some(path) => std::fs::read(path)
                .map(|bytes| request.body(bytes))
                .map_err(|error| Failure::not_checked(format!("cannot read {path}: {error}"))),
        },
    }
}

/// The trace that `traceresponse` names: its form is that of `traceparent`.
fn answered_trace(sent: &Sent) -> Result<TraceId, Failure> {
    let header = sent.answer.headers.get("traceresponse");
    header
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<TraceParent>().ok())
        .map(|answered| answered.trace_id())
        .ok_or_else(|| {
            Failure::not_checked(format!(
                "{} did not say its trace in a traceresponse header: \
                 leave --new-trace out, or let the service send it",
                sent.shown
            ))
        })
}
