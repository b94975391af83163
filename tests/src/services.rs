//! The services that the chart's values declare, and which service calls which. The values
//! are the only such list: the chart, Tilt, the images and a local system all use it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace;

const VALUES: &str = "charts/onetrace/values.yaml";

/// A service in the values, as far as it matters outside of the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Declared {
    /// The services that it calls, by the variable that holds the URL.
    #[serde(default)]
    pub calls: BTreeMap<String, Call>,
}

/// A call from one service to another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// The name of the service that is called.
    pub service: String,
    /// Which of its two ports is called.
    pub port: Port,
}

/// One of a service's two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Port {
    /// The HTTP API.
    Http,
    /// Probes, metrics and the internal API.
    Admin,
}

/// All services by name.
///
/// # Errors
/// If the values cannot be read.
pub fn declared() -> Result<BTreeMap<String, Declared>> {
    let text = fs::read_to_string(workspace().join(VALUES)).context(VALUES)?;
    parse(&text).context(VALUES)
}

/// The names of all services.
///
/// # Errors
/// If the values cannot be read.
pub fn names() -> Result<Vec<String>> {
    Ok(declared()?.into_keys().collect())
}

fn parse(values: &str) -> Result<BTreeMap<String, Declared>> {
    #[derive(Deserialize)]
    struct Values {
        services: BTreeMap<String, Declared>,
    }
    let values: Values = serde_norway::from_str(values)?;
    Ok(values.services)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_calls_are_read_and_other_values_are_ignored() {
        let values = "image: {}\nservices:\n  weather: {}\n  hello:\n    replicas: 3\n    \
                      calls: {GATEWAY_URL: {service: gateway, port: admin}}\n";
        let services = parse(values).unwrap();
        assert_eq!(services.keys().collect::<Vec<_>>(), ["hello", "weather"]);
        let call = &services["hello"].calls["GATEWAY_URL"];
        assert_eq!((call.service.as_str(), call.port), ("gateway", Port::Admin));
        assert_eq!(services["weather"], Declared::default());
    }

    #[test]
    fn the_chart_has_the_services_of_this_repository() {
        let names = names().unwrap();
        assert!(names.contains(&"gateway".to_owned()), "{names:?}");
        for name in names {
            let manifest = workspace().join(format!("services/{name}/Cargo.toml"));
            assert!(manifest.is_file(), "{} must exist", manifest.display());
        }
    }
}
