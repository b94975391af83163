//! What hello knows: how to greet a visitor. No HTTP here.

use gateway_api::{Language, Visitor, VisitorName, VisitorsClient};

use crate::Error;

/// Greets visitors by what the gateway knows of them.
#[derive(Clone, Debug)]
pub struct Greeter {
    visitors: VisitorsClient,
}

impl Greeter {
    /// A greeter that asks this gateway.
    pub fn new(visitors: VisitorsClient) -> Self {
        Self { visitors }
    }

    /// The greeting for the visitor of this name.
    ///
    /// # Errors
    /// A name that is none, or a gateway that does not say who this is.
    pub async fn greet(&self, name: &str) -> Result<String, Error> {
        let name: VisitorName = name.parse()?;
        Ok(greeting(&self.visitors.visitor(&name).await?))
    }
}

/// The sentence, as each language writes it. French sets a space before the
/// exclamation mark; it is a plain one, so that a person can type what to expect.
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
