//! Why the pipeline could not start.

/// Why the pipeline could not start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The OTLP exporter could not be created.
    #[error("the OTLP exporter could not be created: {0}; check OTEL_EXPORTER_OTLP_ENDPOINT")]
    Exporter(String),
    /// The exporting thread could not be started.
    #[error("the exporting thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}
