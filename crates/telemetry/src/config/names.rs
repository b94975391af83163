//! Names of variables that are probably misspelt.

use super::environment::Environment;
use super::unsupported::UNSUPPORTED;
use super::variables::VARIABLES;

/// The maximum number of letters that differ, where two neighbours that are swapped
/// count as one.
const MAX_DISTANCE: usize = 2;

/// Shorter names are similar to too many others.
const MIN_LENGTH: usize = 12;

/// Reports each name that is similar to a known one. Other unknown names are of other
/// SDKs, which may share the environment.
pub(super) fn check(env: &mut Environment<'_>, names: impl Iterator<Item = String>) {
    let mut names: Vec<String> = names
        .filter(|name| !is_known(name) && !is_service_link(name))
        .collect();
    names.sort();
    for name in names {
        let Some(known) = similar(&name) else {
            continue;
        };
        let hint = format!("is not a known variable (did you mean {known}?)");
        // Without the value: that of the similar variable may be secret.
        if known.starts_with("TELEMETRY_") {
            env.error(name, None, hint);
        } else {
            env.warn(name, None, hint, "it is ignored");
        }
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    let supported = VARIABLES.iter().map(|(name, _)| *name);
    supported.chain(UNSUPPORTED.iter().map(|(name, _)| *name))
}

fn is_known(name: &str) -> bool {
    known().any(|known| known == name)
}

fn similar(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    if !(MIN_LENGTH - MAX_DISTANCE..=100).contains(&name.len()) {
        return None;
    }
    // The distance is at least the difference of the lengths, and costs more.
    let length = name.chars().count();
    let known = known()
        .filter(|known| known.len() >= MIN_LENGTH && known.len().abs_diff(length) <= MAX_DISTANCE);
    let distances = known.map(|known| (distance(&name, known), known));
    let (distance, known) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= MAX_DISTANCE).then_some(known)
}

/// Words in another order are no difference.
fn distance(name: &str, known: &str) -> usize {
    let words = |name: &str| {
        let mut words: Vec<String> = name.split('_').map(str::to_owned).collect();
        words.sort();
        words
    };
    if words(name) == words(known) {
        0
    } else {
        strsim::osa_distance(name, known)
    }
}

/// Kubernetes sets `NAME_SERVICE_HOST`, `NAME_PORT_4317_TCP` and similar variables for
/// each Service of the namespace, such as `otel-exporter`.
fn is_service_link(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name
            .split_once("_PORT_")
            .is_some_and(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()))
}
