//! Why the pipeline could not start.

/// Why the pipeline could not start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The OTLP exporter could not be created.
    #[error("the OTLP exporter could not be created: {0}; check OTEL_EXPORTER_OTLP_ENDPOINT")]
    Exporter(String),
    /// A proxy can forward gRPC only inside TLS.
    #[error(
        "TELEMETRY_PROXY cannot be used with OTEL_EXPORTER_OTLP_PROTOCOL=grpc and an http:// endpoint; use an https:// endpoint or http/protobuf"
    )]
    GrpcProxy,
    /// The exporting thread could not be started.
    #[error("the exporting thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}
