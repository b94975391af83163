//! What the gateway knows and does: no HTTP here.

use std::sync::Arc;

use gateway_api::{Visitor, VisitorName};
use hello_api::GreetingsClient;

use crate::Error;
use crate::visitors::Directory;

/// The gateway's business. Clones share everything.
#[derive(Clone, Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    greetings: GreetingsClient,
    directory: Directory,
}

impl Gateway {
    /// A gateway that asks this hello, and knows these visitors.
    pub fn new(greetings: GreetingsClient, directory: Directory) -> Self {
        let shared = Arc::new(Shared {
            greetings,
            directory,
        });
        Self { shared }
    }

    /// The greeting for the visitor of this name.
    ///
    /// # Errors
    /// A name that is none, or a hello that gives no greeting.
    pub async fn hello(&self, name: &str) -> Result<String, Error> {
        let name: VisitorName = name.parse()?;
        let greeting = self.shared.greetings.greeting(name.as_str()).await?;
        Ok(greeting.message)
    }

    /// What is known of the visitor of this name.
    ///
    /// # Errors
    /// A name that is none.
    pub fn visitor(&self, name: &str) -> Result<Visitor, Error> {
        let name: VisitorName = name.parse()?;
        Ok(self.shared.directory.visitor(&name))
    }

    /// Who is known.
    pub fn directory(&self) -> &Directory {
        &self.shared.directory
    }
}
