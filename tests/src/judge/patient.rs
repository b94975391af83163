//! Calls between the services that are never given up.

use crate::local::SystemSettings;

/// On a busy machine an attempt to call the other service may be given up and
/// repeated, which makes spans beyond the eight of a request. With these
/// settings none is, so that spans can be counted by requests.
pub fn patient(settings: SystemSettings) -> SystemSettings {
    settings
        .gateway("HELLO_TIMEOUT", "10s")
        .hello("GATEWAY_TIMEOUT", "10s")
}
