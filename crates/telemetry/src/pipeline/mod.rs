//! tmp stub
use crate::settings::Settings;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use std::time::Duration;
/// x
#[derive(Clone, Debug, Default)]
pub struct Accounting;
/// x
#[derive(Clone, Debug, Default)]
pub struct SpanCounts;
impl SpanCounts {
    pub(crate) fn dropped(&self) -> u64 {
        0
    }
}
impl std::fmt::Display for SpanCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct PipelineError;
/// x
pub struct Pipeline {
    provider: SdkTracerProvider,
}
impl Pipeline {
    pub(crate) fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }
    pub(crate) fn accounting(&self) -> Accounting {
        Accounting
    }
    pub(crate) async fn shutdown(self, _: Duration) -> SpanCounts {
        SpanCounts
    }
}
pub(crate) fn start(settings: &Settings, _: Resource) -> Result<Pipeline, PipelineError> {
    let _ = crate::sampling::sampler(settings.sampler);
    Err(PipelineError)
}
