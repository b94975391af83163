//! Why telemetry could not be initialized.

use crate::pipeline::PipelineError;

/// Why telemetry could not be initialized.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// [`init`](crate::init) or [`start`](crate::start) was called before in
    /// this process.
    #[error("telemetry is already initialized in this process; call it once")]
    AlreadyInitialized,
    /// Another library has installed a global `tracing` subscriber or `log` logger.
    #[error(
        "another tracing subscriber is already installed; add the layer of telemetry::start to it instead of calling telemetry::init"
    )]
    SubscriberInstalled,
    /// The thread that writes the log could not start.
    #[error("cannot start the thread that writes the log: {0}; raise the limit of threads")]
    LogThread(#[source] std::io::Error),
    /// The pipeline could not start.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}
