//! Selects the trace: that of a request, which is sent here, or an existing one.

use trace_contract::{Expectation, Request, Response, TraceId, TraceParent};

use crate::args::RequestArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::warm_up::warm_up;

/// The trace to read, and what is known about it.
pub(crate) struct Target {
    pub(crate) trace_id: TraceId,
    pub(crate) expectation: Expectation,
    /// The request, if one was sent.
    pub(crate) exchange: Option<Exchange>,
}

/// A request and its response.
pub(crate) struct Exchange {
    /// Method and URL, without credentials.
    request: String,
    response: Response,
}

impl Target {
    /// Sends the request if the arguments have a URL. Otherwise, selects the trace
    /// `trace_id`, or the only trace of the input.
    pub(crate) async fn find(
        args: &RequestArgs,
        trace_id: Option<TraceId>,
        input: &Input,
    ) -> Result<Self, Failure> {
        if let Some(url) = &args.url {
            return Self::send(args, url, input).await;
        }
        let trace_id = match trace_id {
            Some(id) => id,
            None => input.only_trace().await?,
        };
        Ok(Self {
            trace_id,
            expectation: Expectation::default(),
            exchange: None,
        })
    }

    async fn send(args: &RequestArgs, url: &str, input: &Input) -> Result<Self, Failure> {
        let request = build(args, url)?.trust(input.ca.clone());
        warm_up(args, &request, input.timeout).await?;
        let response = request
            .send()
            .await
            .map_err(|error| Failure::not_checked(format!("{error}. Is the service running?")))?;
        let caller = *request.traceparent();
        let exchange = Exchange {
            request: request.redacted(),
            response,
        };
        let (trace_id, expectation) = if args.new_trace {
            let expectation = Expectation::starts_new_trace(&caller);
            (exchange.trace_id()?, expectation)
        } else {
            (caller.trace_id(), Expectation::continues(&caller))
        };
        Ok(Self {
            trace_id,
            expectation,
            exchange: Some(exchange),
        })
    }
}

impl Exchange {
    /// The request and the status of the response, in one line.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}\n", self.request, self.response.status)
    }

    pub(crate) fn check_status(&self, expected: Option<u16>) -> Result<(), Failure> {
        let actual = self.response.status;
        match expected {
            Some(expected) if actual.as_u16() != expected => Err(Failure::Differs(format!(
                "status of {}: expected {expected}, got {actual}",
                self.request
            ))),
            _ => Ok(()),
        }
    }

    /// The trace id in `traceresponse`, which has the format of `traceparent`.
    fn trace_id(&self) -> Result<TraceId, Failure> {
        let header = self.response.headers.get("traceresponse");
        header
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<TraceParent>().ok())
            .map(|found| found.trace_id())
            .ok_or_else(|| {
                Failure::not_checked(format!(
                    "the response to {} has no valid traceresponse header: remove --new-trace, \
                     or let the service send the header",
                    self.request
                ))
            })
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
