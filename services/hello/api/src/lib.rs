//! hello's API as its callers see it: the greeting, and the client that asks for it.

use serde::{Deserialize, Serialize};
use telemetry::http::{BaseUrl, CallError, ClientSettings, Peer, Route};

/// The path of a greeting, as axum's router and the client's span write it.
pub const GREETING_PATH: &str = "/greetings/{name}";

/// A greeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The whole sentence, in the visitor's language.
    pub message: String,
}

/// Asks hello for greetings. Clones are cheap, and share their connections.
#[derive(Clone, Debug)]
pub struct GreetingsClient {
    hello: Peer,
}

impl GreetingsClient {
    /// A client of the hello that answers below `base`.
    ///
    /// # Errors
    /// Where the platform cannot give an HTTP client.
    pub fn new(base: BaseUrl, settings: &ClientSettings) -> Result<Self, CallError> {
        let hello = Peer::new(base, settings)?;
        Ok(Self { hello })
    }

    /// The greeting for a visitor.
    ///
    /// # Errors
    /// [`CallError`], after the retries that the settings allow.
    pub async fn greeting(&self, name: &str) -> Result<Greeting, CallError> {
        let path = ["greetings", name];
        let answer = self.hello.get(Route(GREETING_PATH), &path).await?;
        Ok(answer.error_for_status()?.json().await?)
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
