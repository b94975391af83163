//! Requests that are only there to check whether the service is up.

use http::{HeaderMap, Request, header};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::propagation::RANDOM;

/// The health checks of load balancers on public routes, by their paths and by their
/// user agents: requests that match either make no span and no log line.
///
/// They get the same response as other requests. What the service calls for them is
/// called unsampled, so they make no span in other services either, and they are not
/// in the counts of spans.
///
/// Any caller can use these paths and user agents, and then is not recorded either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    paths: Vec<String>,
    user_agents: Vec<String>,
}

impl Probes {
    /// Requests for one of these paths (without a query), and requests whose
    /// `User-Agent` begins with one of these texts, such as `ELB-HealthChecker/`,
    /// in upper or lower case.
    pub fn new(paths: Vec<String>, user_agents: Vec<String>) -> Self {
        Self { paths, user_agents }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.user_agents.is_empty()
    }

    pub(crate) fn contain<B>(&self, request: &Request<B>) -> bool {
        self.paths.iter().any(|path| path == request.uri().path())
            || self.is_user_agent(request.headers())
    }

    fn is_user_agent(&self, headers: &HeaderMap) -> bool {
        let Some(agent) = headers.get(header::USER_AGENT) else {
            return false;
        };
        self.user_agents.iter().any(|prefix| {
            let start = agent.as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        })
    }
}

/// The context in which a probe is handled: the layers make no spans in it, and other
/// services are called with an unsampled trace, the caller's or a new one.
pub(crate) fn unsampled(accepted: &Context) -> Context {
    let span = accepted.span();
    let caller = span.span_context();
    let ids = RandomIdGenerator::default();
    let (trace, flags) = if caller.is_valid() {
        (caller.trace_id(), caller.trace_flags() & RANDOM)
    } else {
        (ids.new_trace_id(), RANDOM)
    };
    // A span id of its own: a decision that the caller left open is not passed on as open.
    let state = caller.trace_state().clone();
    let unsampled = SpanContext::new(trace, ids.new_span_id(), flags, true, state);
    let context = accepted.with_remote_span_context(unsampled);
    context.with_telemetry_suppressed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(probes: &Probes, uri: &str, agent: Option<&str>) -> bool {
        let request = Request::builder().uri(uri);
        let request = match agent {
            Some(agent) => request.header("user-agent", agent),
            None => request,
        };
        probes.contain(&request.body(()).unwrap())
    }

    #[test]
    fn probes_are_found_by_their_path_or_by_the_start_of_their_user_agent() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let probes = Probes::new(
            texts(&["/", "/up"]),
            texts(&["ELB-HealthChecker/", "kube-probe/"]),
        );
        for (uri, agent, expected) in [
            ("/", None, true),
            ("/up", Some("curl/8"), true),
            ("/up?x=1", None, true),
            ("/up/", None, false),
            ("/upper", None, false),
            ("/hello", None, false),
            ("/hello", Some("ELB-HealthChecker/2.0"), true),
            ("/hello", Some("elb-healthchecker/2.0"), true),
            ("/hello", Some("kube-probe/1.34"), true),
            ("/hello", Some("ELB-HealthChecker"), false),
            ("/hello", Some("Mozilla/5.0 (like kube-probe/1)"), false),
            ("/hello", Some(""), false),
        ] {
            assert_eq!(matches(&probes, uri, agent), expected, "{uri} by {agent:?}");
        }
        assert!(!matches(&Probes::default(), "/", Some("kube-probe/1")));
    }
}
