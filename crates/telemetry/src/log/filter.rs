//! The filters of the two layers.
//!
//! `tracing::enabled!` and `log::log_enabled!` store the results of per-layer
//! filters in a thread-local, and `tracing-subscriber` applies them to the next
//! span or event if its callsite is always enabled. That span would be lost. So
//! these filters return [`Interest::sometimes`] for every callsite, and are
//! evaluated every time.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

/// Enables events by `RUST_LOG`, and no spans.
pub(super) struct Events(pub(super) Targets);

/// Enables events by `RUST_LOG`, and spans by `RUST_LOG` or from level INFO, so
/// that a quiet log never breaks a trace.
pub(super) struct EventsAndSpans(pub(super) Targets);

impl<S: Subscriber> Filter<S> for Events {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        !metadata.is_span() && self.0.would_enable(metadata.target(), metadata.level())
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}

impl<S: Subscriber> Filter<S> for EventsAndSpans {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        metadata.is_span() && *metadata.level() <= LevelFilter::INFO
            || self.0.would_enable(metadata.target(), metadata.level())
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let hint = Filter::<S>::max_level_hint(&self.0);
        hint.map(|level| level.max(LevelFilter::INFO))
    }
}
