//! The number of spans in each state: created = sampled out + open + queued +
//! exported + dropped.

use std::fmt;

/// Why a sampled span was not exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The queue was full: the Collector is slower than the service, or unavailable for too long.
    QueueFull,
    /// It could not be exported within `OTEL_BSP_EXPORT_TIMEOUT`, and newer spans needed its room.
    ExportTimeout,
    /// The Collector rejected it, by a status that is not retryable or by a partial success.
    Rejected,
    /// The endpoint responded with success, but not with OTLP: it is not an OTLP receiver.
    NotOtlp,
    /// It was still queued when the shutdown timeout expired.
    ShutdownTimeout,
    /// It ended after shutdown had started.
    AfterShutdown,
    /// It had not ended when telemetry shut down.
    Unended,
    /// `OTEL_TRACES_EXPORTER` is `none`.
    ExporterNone,
}

impl DropReason {
    /// All reasons, in the order of [`SpanCounts::dropped`].
    pub const ALL: [Self; 8] = [
        Self::QueueFull,
        Self::ExportTimeout,
        Self::Rejected,
        Self::NotOtlp,
        Self::ShutdownTimeout,
        Self::AfterShutdown,
        Self::Unended,
        Self::ExporterNone,
    ];

    /// The reason as `error.type` of metrics and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::ExportTimeout => "export_timeout",
            Self::Rejected => "rejected",
            Self::NotOtlp => "not_otlp",
            Self::ShutdownTimeout => "shutdown_timeout",
            Self::AfterShutdown => "after_shutdown",
            Self::Unended => "unended",
            Self::ExporterNone => "exporter_none",
        }
    }

    /// Whether the exporter dropped the span, after the queue.
    pub(super) fn is_of_exporter(self) -> bool {
        matches!(
            self,
            Self::ExportTimeout | Self::Rejected | Self::NotOtlp | Self::ShutdownTimeout
        )
    }
}

/// The number of spans of this process in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Spans started.
    pub created: u64,
    /// Spans that the sampler dropped.
    pub sampled_out: u64,
    /// Spans that have not ended yet.
    pub open: u64,
    /// Spans that are queued or being sent.
    pub queued: u64,
    /// The maximum number of spans in the queue.
    pub queue_capacity: u64,
    /// Spans that the Collector accepted.
    pub exported: u64,
    /// Spans dropped, by reason, in the order of [`DropReason::ALL`].
    pub dropped: [u64; DropReason::ALL.len()],
}

impl SpanCounts {
    /// Spans dropped for this reason.
    pub fn dropped_by(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Spans dropped for any reason except the configured `OTEL_TRACES_EXPORTER=none`.
    pub fn lost(&self) -> u64 {
        self.dropped.iter().sum::<u64>() - self.dropped_by(DropReason::ExporterNone)
    }

    /// Whether every created span is accounted for.
    pub fn is_exact(&self) -> bool {
        let dropped = self.dropped.iter().sum::<u64>();
        self.created == self.sampled_out + self.open + self.queued + self.exported + dropped
    }
}

impl fmt::Display for SpanCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "created={} exported={} sampled_out={}",
            self.created, self.exported, self.sampled_out
        )?;
        write!(f, " dropped={}", self.dropped.iter().sum::<u64>())?;
        for reason in DropReason::ALL {
            if self.dropped_by(reason) > 0 {
                write!(f, " {}={}", reason.as_str(), self.dropped_by(reason))?;
            }
        }
        if self.open + self.queued > 0 {
            write!(f, " open={} queued={}", self.open, self.queued)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_the_reasons_in_the_order_of_their_indices() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index, "{reason:?} must be at its index");
        }
    }
}
