//! hello's business logic: how to greet a visitor. No HTTP here.

use gateway_api::{Language, Visitor, VisitorName, VisitorsClient};

use crate::Error;

/// Greets visitors by the display name and in the language that the gateway has.
#[derive(Clone, Debug)]
pub struct Greeter {
    visitors: VisitorsClient,
}

impl Greeter {
    /// A greeter that looks visitors up with this client.
    pub fn new(visitors: VisitorsClient) -> Self {
        Self { visitors }
    }

    /// The greeting for the visitor with this name.
    ///
    /// # Errors
    /// The name is invalid, or the gateway failed.
    pub async fn greet(&self, name: &str) -> Result<String, Error> {
        let name: VisitorName = name.parse()?;
        Ok(greeting(&self.visitors.visitor(&name).await?))
    }
}

/// The sentence in the visitor's language. French has a space before the
/// exclamation mark: an ordinary one, so that it is easy to type in a test.
fn greeting(visitor: &Visitor) -> String {
    let name = &visitor.display_name;
    match visitor.language {
        Language::En => format!("Hello, {name}!"),
        Language::De => format!("Hallo, {name}!"),
        Language::Fr => format!("Bonjour, {name} !"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_greeting() {
        for (language, name, expected) in [
            (Language::En, "World", "Hello, World!"),
            (Language::De, "Welt", "Hallo, Welt!"),
            (Language::Fr, "Monde", "Bonjour, Monde !"),
        ] {
            let visitor = Visitor {
                display_name: name.to_owned(),
                language,
            };
            assert_eq!(greeting(&visitor), expected);
        }
    }
}
