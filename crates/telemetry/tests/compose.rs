//! A program that installs its own `tracing` subscriber with the layer of
//! `telemetry::start`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use telemetry::{Config, InitError, ServiceInfo};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

const SERVICE: ServiceInfo = ServiceInfo {
    name: "app",
    version: "1.2.3",
};

/// The program's own layer.
#[derive(Clone, Default)]
struct CountEvents(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for CountEvents {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn the_layer_works_next_to_the_layers_of_the_program() {
    let vars = [("OTEL_TRACES_EXPORTER", "none"), ("RUST_LOG", "warn")];
    let config = Config::from_vars(SERVICE, |name| {
        let value = vars.iter().find(|(known, _)| *known == name);
        value.map(|(_, value)| (*value).into())
    })
    .expect("the configuration is valid");
    let events = CountEvents::default();
    let (telemetry, layer) = telemetry::start(&config).expect("telemetry must start");
    tracing_subscriber::registry()
        .with(layer)
        .with(events.clone())
        .init();

    tracing::info_span!("work").in_scope(|| {
        assert!(
            telemetry::trace_id().is_some(),
            "the span must be current for OpenTelemetry"
        );
        log::debug!("RUST_LOG=warn does not apply to the program's own layers");
    });
    assert_eq!(events.0.load(Ordering::Relaxed), 1);

    let second = telemetry::start::<Registry>(&config);
    assert!(matches!(second, Err(InitError::AlreadyInitialized)));
    let counts = telemetry.shutdown(Duration::from_secs(1)).await;
    assert_eq!(counts.created, 1, "{counts}");
}
