//! A visitor as the internal API returns it.

use serde::{Deserialize, Serialize};

/// A visitor's entry in the gateway's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// The name to greet by.
    pub display_name: String,
    /// The language to greet in.
    pub language: Language,
}

/// The languages of greetings, by their ISO 639-1 codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
}

impl Language {
    /// The ISO 639-1 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_stable() {
        let visitor = Visitor {
            display_name: "Monde".to_owned(),
            language: Language::Fr,
        };
        let wire = r#"{"display_name":"Monde","language":"fr"}"#;
        assert_eq!(serde_json::to_string(&visitor).unwrap(), wire);
        assert_eq!(serde_json::from_str::<Visitor>(wire).unwrap(), visitor);
    }
}
