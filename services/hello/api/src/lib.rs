//! hello's API for its callers: the greeting, and the client.

use serde::{Deserialize, Serialize};
use telemetry::http::{BaseUrl, CallError, ClientConfig, Peer, Route};

/// The route of a greeting, for axum's router and the client's span.
pub const GREETING_PATH: &str = "/greetings/{name}";

/// A greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The complete sentence, in the visitor's language.
    pub message: String,
}

/// Gets greetings from hello. Clones are cheap, and share their connections.
#[derive(Clone, Debug)]
pub struct GreetingsClient {
    hello: Peer,
}

impl GreetingsClient {
    /// A client for the hello with the base URL `base`.
    ///
    /// # Errors
    /// If the HTTP client cannot be created.
    pub fn new(base: BaseUrl, config: &ClientConfig) -> Result<Self, CallError> {
        let hello = Peer::new(base, config)?;
        Ok(Self { hello })
    }

    /// The greeting for a visitor.
    ///
    /// # Errors
    /// [`CallError`], after the configured retries.
    pub async fn greeting(&self, name: &str) -> Result<Greeting, CallError> {
        let path = ["greetings", name];
        let response = self.hello.get(Route(GREETING_PATH), &path).await?;
        Ok(response.error_for_status()?.json().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_stable() {
        let greeting = Greeting {
            message: "Hello, World!".to_owned(),
        };
        let wire = r#"{"message":"Hello, World!"}"#;
        assert_eq!(serde_json::to_string(&greeting).unwrap(), wire);
        assert_eq!(serde_json::from_str::<Greeting>(wire).unwrap(), greeting);
    }
}
