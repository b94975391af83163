//! The client of the gateway's internal API.

use telemetry::http::{BaseUrl, CallError, ClientConfig, Peer, Route};

use crate::{VISITOR_PATH, Visitor, VisitorName};

/// Looks visitors up at the gateway. Clones are cheap, and share their connections.
#[derive(Clone, Debug)]
pub struct VisitorsClient {
    gateway: Peer,
}

impl VisitorsClient {
    /// A client for the gateway whose internal API has the base URL `base`.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn new(base: BaseUrl, config: &ClientConfig) -> Result<Self, CallError> {
        let gateway = Peer::new(base, config)?;
        Ok(Self { gateway })
    }

    /// The gateway's entry for a visitor. For an unknown visitor, the display name
    /// is the name itself.
    ///
    /// # Errors
    /// [`CallError`], after the configured retries.
    pub async fn visitor(&self, name: &VisitorName) -> Result<Visitor, CallError> {
        let response = self.gateway.get(Route(VISITOR_PATH), &path(name)).await?;
        Ok(response.error_for_status()?.json().await?)
    }
}

fn path(name: &VisitorName) -> [&str; 2] {
    ["visitors", name.as_str()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_name_is_one_path_segment_that_decodes_to_it(text in "\\PC{1,70}") {
            let base: BaseUrl = "http://gateway:8081".parse().unwrap();
            if let Ok(name) = text.parse::<VisitorName>() {
                let url = base.join(&path(&name));
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 2, "in {}", url);
                let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8();
                prop_assert_eq!(decoded.unwrap(), name.as_str());
                prop_assert_eq!((url.query(), url.fragment()), (None, None));
            }
        }
    }
}
