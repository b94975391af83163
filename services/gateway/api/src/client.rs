//! The client of the gateway's internal API.

use reqwest_middleware::ClientWithMiddleware;
use server::BaseUrl;
use telemetry::http::{CallError, ClientSettings, Route};

use crate::{VISITOR_PATH, Visitor, VisitorName};

/// Asks the gateway about visitors. Clones share their connections.
#[derive(Clone, Debug)]
pub struct VisitorsClient {
    base: BaseUrl,
    http: ClientWithMiddleware,
}

impl VisitorsClient {
    /// A client of the gateway whose internal API is below `base`.
    ///
    /// # Errors
    /// Where the platform cannot give an HTTP client.
    pub fn new(base: BaseUrl, settings: &ClientSettings) -> Result<Self, CallError> {
        let http = telemetry::http::client(settings)?;
        Ok(Self { base, http })
    }

    /// What the gateway knows of a visitor; of one it does not know, the name itself.
    ///
    /// # Errors
    /// [`CallError`], after the retries that the settings allow.
    pub async fn visitor(&self, name: &VisitorName) -> Result<Visitor, CallError> {
        let url = self.base.join(&["visitors", name.as_str()]);
        let answer = self
            .http
            .get(url)
            .with_extension(Route(VISITOR_PATH))
            .send()
            .await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}
