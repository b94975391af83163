//! `OTEL_TRACES_EXPORTER=console`: each span as one line of OTLP/JSON on
//! standard output, for debugging.

use std::io::{Result, Write, stdout};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::export_result::ExportResult;

/// Prints the spans of an encoded `ExportTraceServiceRequest`.
pub(super) fn export(body: &[u8]) -> ExportResult {
    match print(body) {
        Ok(()) => ExportResult::Accepted {
            rejected: 0,
            has_message: false,
        },
        Err(error) => ExportResult::Rejected(error.to_string()),
    }
}

fn print(body: &[u8]) -> Result<()> {
    let request = ExportTraceServiceRequest::decode(body)?;
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let mut out = stdout().lock();
    for span in scopes.flat_map(|scope| &scope.spans) {
        writeln!(out, "{}", serde_json::to_string(span)?)?;
    }
    Ok(())
}
