//! Every format that files and responses have.

mod properties;
mod same_trace;
mod unsupported;
mod variants;

use trace_contract::formats::{self, Contents, FormatError};

/// The same trace in each format.
const FIXTURES: [(&str, &[u8]); 23] = [
    ("otlp.json", include_bytes!("../data/formats/otlp.json")),
    (
        "otlp-base64-ids.json",
        include_bytes!("../data/formats/otlp-base64-ids.json"),
    ),
    (
        "otlp-instrumentation-library.json",
        include_bytes!("../data/formats/otlp-instrumentation-library.json"),
    ),
    (
        "otlp-snake-case.json",
        include_bytes!("../data/formats/otlp-snake-case.json"),
    ),
    (
        "otlp-null.json",
        include_bytes!("../data/formats/otlp-null.json"),
    ),
    (
        "otlp-array.json",
        include_bytes!("../data/formats/otlp-array.json"),
    ),
    (
        "otlp-lines.jsonl",
        include_bytes!("../data/formats/otlp-lines.jsonl"),
    ),
    (
        "otlp-lines-truncated.jsonl",
        include_bytes!("../data/formats/otlp-lines-truncated.jsonl"),
    ),
    (
        "otlp-bom-crlf.json",
        include_bytes!("../data/formats/otlp-bom-crlf.json"),
    ),
    (
        "otlp-utf16.json",
        include_bytes!("../data/formats/otlp-utf16.json"),
    ),
    (
        "otlp.json.gz",
        include_bytes!("../data/formats/otlp.json.gz"),
    ),
    (
        "otlp.json.zst",
        include_bytes!("../data/formats/otlp.json.zst"),
    ),
    ("otlp.binpb", include_bytes!("../data/formats/otlp.binpb")),
    (
        "otlp.binpb.gz",
        include_bytes!("../data/formats/otlp.binpb.gz"),
    ),
    (
        "otlp-length-prefixed.binpb",
        include_bytes!("../data/formats/otlp-length-prefixed.binpb"),
    ),
    (
        "otlp-length-prefixed.zst",
        include_bytes!("../data/formats/otlp-length-prefixed.zst"),
    ),
    (
        "jaeger-v3.json",
        include_bytes!("../data/formats/jaeger-v3.json"),
    ),
    (
        "tempo-v1.json",
        include_bytes!("../data/formats/tempo-v1.json"),
    ),
    (
        "tempo-v2.json",
        include_bytes!("../data/formats/tempo-v2.json"),
    ),
    (
        "jaeger-ui.json",
        include_bytes!("../data/formats/jaeger-ui.json"),
    ),
    (
        "jaeger-trace-only.json",
        include_bytes!("../data/formats/jaeger-trace-only.json"),
    ),
    (
        "zipkin-v2.json",
        include_bytes!("../data/formats/zipkin-v2.json"),
    ),
    (
        "zipkin-v2-traces.json",
        include_bytes!("../data/formats/zipkin-v2-traces.json"),
    ),
];

const LIMIT: u64 = 1 << 20;

fn read(bytes: &[u8]) -> Result<Contents, FormatError> {
    formats::read(bytes, LIMIT)
}

#[track_caller]
fn error(bytes: &[u8]) -> String {
    match read(bytes) {
        Ok(contents) => panic!(
            "expected an error, got {contents:?} for {}",
            String::from_utf8_lossy(bytes)
        ),
        Err(error) => error.to_string(),
    }
}
