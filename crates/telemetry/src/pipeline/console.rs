//! `OTEL_TRACES_EXPORTER=console`: each span as one line of OTLP/JSON on
//! standard output, for debugging.

use std::io::Result;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::export_result::ExportResult;
use crate::log::Output;

/// Prints the spans of an encoded `ExportTraceServiceRequest`. Spans that standard
/// output has no room for are rejected.
pub(super) fn export(body: &[u8]) -> ExportResult {
    match print(body) {
        Ok(rejected) => ExportResult::Accepted {
            rejected,
            has_message: false,
        },
        Err(error) => ExportResult::Rejected(error.to_string()),
    }
}

/// Returns the number of spans that were not printed.
fn print(body: &[u8]) -> Result<u64> {
    let request = ExportTraceServiceRequest::decode(body)?;
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let output = Output::start()?;
    let mut rejected = 0;
    for span in scopes.flat_map(|scope| &scope.spans) {
        let mut line = serde_json::to_vec(span)?;
        line.push(b'\n');
        rejected += u64::from(!output.write_lines(&line));
    }
    Ok(rejected)
}
