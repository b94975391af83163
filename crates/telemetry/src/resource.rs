//! The resource that every span belongs to. What the `OTEL_*` variables say of it
//! is read in [`settings`](crate::settings); here is what the binary knows of itself.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{ResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::settings::{ServiceInfo, Settings};

/// The SDK's form of [`Settings::resource`].
///
/// From the empty builder: the SDK's own would run a detector that reads the
/// variables once more and lets `OTEL_RESOURCE_ATTRIBUTES` beat `OTEL_SERVICE_NAME`.
pub(crate) fn build(settings: &Settings) -> Resource {
    Resource::builder_empty()
        .with_attributes(settings.resource.iter().cloned())
        .build()
}

/// Service, a new `service.instance.id` and the SDK's name and version.
pub(crate) fn defaults(service: ServiceInfo) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("service.name", service.name),
        KeyValue::new("service.version", service.version),
        KeyValue::new("service.instance.id", random_uuid()),
    ];
    let sdk = TelemetryResourceDetector.detect();
    let sdk = sdk.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone()));
    attributes.extend(sdk);
    // The detector has them in a hash map: an order that changes with each run
    // would make every log of the settings a new one.
    attributes[3..].sort_by(|a, b| a.key.cmp(&b.key));
    attributes
}

/// A random UUID (version 4 of RFC 9562), from the SDK's generator of trace ids.
fn random_uuid() -> String {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = 0x40 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    const SERVICE: ServiceInfo = ServiceInfo {
        name: "hello",
        version: "1.2.3",
    };

    #[test]
    fn the_sdk_resource_has_what_the_settings_say_and_nothing_else() {
        let settings = Settings::from_vars(SERVICE, |name| match name {
            "OTEL_SERVICE_NAME" => Some("greeter".into()),
            "OTEL_RESOURCE_ATTRIBUTES" => Some("service.name=other,team=blue".into()),
            _ => None,
        })
        .expect("these settings are good");
        let resource = build(&settings);
        let text = |key| resource.get(&Key::new(key)).map(|v| v.to_string());
        assert_eq!(
            text("service.name").as_deref(),
            Some("greeter"),
            "OTEL_SERVICE_NAME must win in the resource that is exported"
        );
        assert_eq!(text("team").as_deref(), Some("blue"));
        assert_eq!(text("telemetry.sdk.language").as_deref(), Some("rust"));
        assert_eq!(
            resource.len(),
            settings.resource.len(),
            "no detector may add to the resource"
        );
    }

    #[test]
    fn instance_ids_are_random_uuids() {
        let (one, two) = (random_uuid(), random_uuid());
        assert_ne!(one, two, "two instances must not share an id");
        let shape: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(shape, [8, 4, 4, 4, 12], "{one} must look like a UUID");
        assert_eq!(&one[14..15], "4", "{one} must say version 4");
        assert!("89ab".contains(&one[19..20]), "{one} must say variant 10");
    }
}
