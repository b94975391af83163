//! tmp stub
use crate::settings::Settings;
use opentelemetry::{Context, trace::SpanContext};
/// x
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// x
    pub trace: EdgeTrace,
    /// x
    pub baggage: Vec<String>,
}
/// x
#[derive(Clone, Debug, Default)]
pub enum EdgeTrace {
    /// x
    #[default]
    Continue,
    /// x
    Link,
}
pub(crate) struct Admitted {
    pub(crate) context: Context,
    pub(crate) link: Option<SpanContext>,
    pub(crate) baggage: Vec<(opentelemetry::Key, opentelemetry::StringValue)>,
}
impl Edge {
    pub(crate) fn trusted() -> Self {
        Self::default()
    }
    pub(crate) fn admit(&self, context: Context) -> Admitted {
        Admitted {
            context,
            link: None,
            baggage: vec![],
        }
    }
}
pub(crate) fn install(_: &Settings) {}
pub(crate) fn extract(_: &http::HeaderMap) -> Context {
    Context::new()
}
pub(crate) fn inject(_: &Context, _: &mut http::HeaderMap) {}
pub(crate) mod traceresponse {
    pub(crate) fn header(_: &opentelemetry::Context) -> Option<http::HeaderValue> {
        None
    }
}
