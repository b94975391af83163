//! Names formats that are not supported, so that the error states what a file is.

use super::error::FormatError;
use super::shape::Shape;

const EXPECTED: &str = "expected a trace as OTLP (JSON or protobuf), Jaeger's JSON, Tempo's JSON or \
                        Zipkin v2 JSON";
const FROM_BACKEND: &str =
    "export the trace from its backend as OTLP, Jaeger, Tempo or Zipkin v2 JSON";
const EXPORTER: &str = "let the SDK export OTLP to --listen instead of to the console";

/// A format that is known but not supported.
struct Known {
    name: &'static str,
    fix: &'static str,
    matches: fn(&Shape) -> bool,
}

/// In the order of precedence.
const JSON: [Known; 22] = [
    Known {
        name: "Zipkin v1 JSON",
        fix: "request it from Zipkin as v2: /api/v2/trace/TRACE_ID",
        matches: |it| {
            it.has("traceId") && it.has_any(&["binaryAnnotations", "annotations.endpoint"])
        },
    },
    Known {
        name: "a single Jaeger span",
        fix: "download the complete trace: Trace JSON in Jaeger's page, or /api/v3/traces/TRACE_ID",
        matches: |it| it.has("operationName") && it.has_any(&["spanID", "spanId"]),
    },
    Known {
        name: "Jaeger spans in an Elasticsearch or OpenSearch response",
        fix: "query Jaeger with --jaeger instead of its storage",
        matches: |it| it.has_any(&["hits.hits", "_source"]),
    },
    Known {
        name: "a list of names from Jaeger's API, not a trace",
        fix: "download a trace: /api/traces/TRACE_ID, or /api/v3/traces/TRACE_ID",
        matches: |it| {
            it.get("data").is_some_and(Shape::is_text)
                || it.has_any(&["data.spanKind", "data.callCount"])
        },
    },
    Known {
        name: "a search result of Tempo, not a trace",
        fix: "download one of its traces: /api/traces/TRACE_ID",
        matches: |it| {
            it.has("traces") && it.has_any(&["traces.traceID", "traces.rootServiceName", "metrics"])
        },
    },
    Known {
        name: "OTLP logs, not traces",
        fix: "use the file of a traces pipeline",
        matches: |it| it.has_any(&["resourceLogs", "resource_logs"]),
    },
    Known {
        name: "OTLP metrics, not traces",
        fix: "use the file of a traces pipeline",
        matches: |it| it.has_any(&["resourceMetrics", "resource_metrics"]),
    },
    Known {
        name: "OTLP profiles, not traces",
        fix: "use the file of a traces pipeline",
        matches: |it| it.has_any(&["resourceProfiles", "resource_profiles"]),
    },
    Known {
        name: "a part of an OTLP export without its resource",
        fix: "use the complete export, which starts with resourceSpans",
        matches: |it| {
            it.has_any(&["scopeSpans", "scope_spans", "instrumentationLibrarySpans"])
                || it.has_all(&["spanId", "startTimeUnixNano"])
        },
    },
    Known {
        name: "the output of a console exporter (Python)",
        fix: EXPORTER,
        matches: |it| it.has_all(&["context.trace_id", "context.span_id"]),
    },
    Known {
        name: "the output of a console exporter (Go)",
        fix: EXPORTER,
        matches: |it| it.has("SpanContext.TraceID"),
    },
    Known {
        name: "AWS X-Ray segments",
        fix: "X-Ray is not supported: let the SDK or the Collector also export OTLP",
        matches: |it| {
            it.has_any(&[
                "Traces.Segments",
                "Segments.Document",
                "TraceSummaries",
                "Document",
            ]) || it.has_all(&["trace_id", "id", "start_time"])
        },
    },
    Known {
        name: "a SkyWalking trace",
        fix: "SkyWalking is not supported: let the SDK or the Collector also export OTLP",
        matches: |it| {
            let spans = [
                "segmentId",
                "traceSegmentId",
                "data.trace.spans",
                "data.queryTrace.spans",
            ];
            it.has_any(&spans)
                || it.has_any(&["spans.segmentId", "spans.isEntry", "data.queryBasicTraces"])
        },
    },
    Known {
        name: "a Datadog trace",
        fix: "Datadog's format is not supported: let the SDK or the Collector also export OTLP",
        matches: |it| {
            it.has_all(&["trace_id", "span_id", "resource"]) || it.has("trace.spans.resource_hash")
        },
    },
    Known {
        name: "a Google Cloud trace",
        fix: FROM_BACKEND,
        matches: |it| {
            it.has_all(&["spans.spanId", "spans.startTime"]) || it.has("spans.displayName")
        },
    },
    Known {
        name: "Elastic APM events",
        fix: FROM_BACKEND,
        matches: |it| {
            it.has_any(&[
                "transaction.id",
                "transaction.trace_id",
                "span.transaction_id",
            ])
        },
    },
    Known {
        name: "a HAR file (HTTP archive of a browser)",
        fix: "it has requests, but no spans: send such a request with --url",
        matches: |it| it.has("log.entries"),
    },
    Known {
        name: "a Chrome performance trace",
        fix: "it has no OpenTelemetry spans: export the trace of the request from its backend",
        matches: |it| it.has("traceEvents"),
    },
    Known {
        name: "a Grafana query result",
        fix: "download the trace from Tempo: /api/traces/TRACE_ID",
        matches: |it| it.has_any(&["results", "schema.fields", "series.fields", "fields.config"]),
    },
    Known {
        name: "a contract, not a trace",
        fix: "pass it without --file: trace-contract check CONTRACT",
        matches: |it| it.has_all(&["service", "kind", "name"]),
    },
    Known {
        name: "the JSON Schema of contracts",
        fix: EXPECTED,
        matches: |it| it.has("$schema"),
    },
    Known {
        name: "an error response, not a trace",
        fix: "does the backend have the trace? Look at the message in the file",
        matches: |it| it.has_any(&["error", "errors", "message"]),
    },
];

/// The error for a JSON document that no supported format matches.
pub(super) fn json(shape: &Shape) -> FormatError {
    let known = JSON.iter().find(|known| (known.matches)(shape));
    FormatError::Unsupported {
        found: known.map_or_else(|| shape.describe(), |known| known.name.to_owned()),
        fix: known.map_or(EXPECTED, |known| known.fix),
    }
}

/// Whether the document has another signal of OTLP than traces.
pub(super) fn is_other_signal(shape: &Shape) -> bool {
    let signals = ["resourceLogs", "resourceMetrics", "resourceProfiles"];
    shape.has_any(&signals)
        || shape.has_any(&["resource_logs", "resource_metrics", "resource_profiles"])
}

/// The first bytes of binary formats.
const MAGIC: [(&[u8], &str, &str); 17] = [
    (b"PK\x03\x04", "a zip archive", "extract the file first"),
    (
        b"BZh",
        "bzip2 data",
        "decompress it first, or use gzip or zstd",
    ),
    (
        b"\xfd7zXZ\0",
        "xz data",
        "decompress it first, or use gzip or zstd",
    ),
    (
        b"\x04\x22\x4d\x18",
        "lz4 data",
        "decompress it first, or use gzip or zstd",
    ),
    (
        b"\xff\x06\0\0sNaPpY",
        "snappy data",
        "decompress it first, or use gzip or zstd",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "a 7z archive",
        "extract the file first",
    ),
    (
        b"PAR1",
        "a Parquet file, such as a block of Tempo",
        "query Tempo with --tempo",
    ),
    (b"\x82\x21", "Jaeger's thrift (compact)", FROM_BACKEND),
    (b"\x82\x41", "Jaeger's thrift (compact)", FROM_BACKEND),
    (b"\x82\x81", "Jaeger's thrift (compact)", FROM_BACKEND),
    (b"\x80\x01\0", "Jaeger's thrift (binary)", FROM_BACKEND),
    (
        b"\x0c\0\x01\x0b\0\x01",
        "Jaeger's thrift (binary)",
        FROM_BACKEND,
    ),
    (
        b"\x0c\0\0\0",
        "Zipkin's thrift",
        "request it from Zipkin as JSON: /api/v2/trace/TRACE_ID",
    ),
    (b"\x7fELF", "a program", EXPECTED),
    (b"SQLite format 3", "an SQLite database", FROM_BACKEND),
    (b"%PDF", "a PDF document", EXPECTED),
    (b"\x89PNG", "a picture", FROM_BACKEND),
];

/// The error for data that is neither JSON nor protobuf.
pub(super) fn other(bytes: &[u8], is_text: bool) -> FormatError {
    const TAR_MAGIC: std::ops::Range<usize> = 257..262;
    if bytes.get(TAR_MAGIC) == Some(b"ustar") {
        return unsupported("a tar archive", "extract the file first");
    }
    match MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        Some((_, found, fix)) => unsupported(found, fix),
        None if is_text => text(bytes),
        None => unsupported("binary data in an unknown format", EXPECTED),
    }
}

/// The error for text that is not JSON.
fn text(bytes: &[u8]) -> FormatError {
    const BEGINNING: usize = 4096;
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]);
    let beginning = beginning.trim_start();
    let lower = beginning.to_ascii_lowercase();
    let has_line = |keys: &[&str]| {
        lower
            .lines()
            .any(|line| keys.iter().any(|key| line.starts_with(key)))
    };
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") || lower.contains("<html")
    {
        return unsupported(
            "an HTML page",
            "was it a sign-in page or the page of the backend? Use the URL of its API",
        );
    }
    if lower.starts_with('<') {
        return unsupported("XML", EXPECTED);
    }
    if has_line(&["children:", "service:"]) && has_line(&["kind:", "name:"]) {
        return unsupported(
            "a contract, not a trace",
            "pass it without --file: trace-contract check CONTRACT",
        );
    }
    if has_line(&["http/1.", "http/2"]) {
        return unsupported(
            "an HTTP response with its headers",
            "save the body only: curl without -i",
        );
    }
    if lower.starts_with("data:") || lower.starts_with("event:") {
        return unsupported("an event stream", EXPECTED);
    }
    if has_line(&["receivers:", "exporters:", "apiversion:", "version:"])
        || lower.starts_with("---")
    {
        return unsupported("a YAML file", EXPECTED);
    }
    let first = beginning.lines().next().unwrap_or_default();
    FormatError::Unsupported {
        found: format!(
            "text that is not JSON, which starts with {:?}",
            crate::text::truncate(first, 60)
        ),
        fix: EXPECTED,
    }
}

fn unsupported(found: &str, fix: &'static str) -> FormatError {
    FormatError::Unsupported {
        found: found.to_owned(),
        fix,
    }
}
