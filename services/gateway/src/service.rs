//! The gateway's business logic. No HTTP here.

use gateway_api::{Visitor, VisitorName};
use hello_api::GreetingsClient;

use crate::Error;
use crate::visitors::Directory;

/// Gets greetings from hello, and looks visitors up. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Gateway {
    greetings: GreetingsClient,
    directory: Directory,
}

impl Gateway {
    /// A gateway that calls this hello and uses this directory.
    pub fn new(greetings: GreetingsClient, directory: Directory) -> Self {
        Self {
            greetings,
            directory,
        }
    }

    /// The greeting for the visitor with this name.
    ///
    /// # Errors
    /// The name is invalid, or hello failed.
    pub async fn hello(&self, name: &str) -> Result<String, Error> {
        let name: VisitorName = name.parse()?;
        let greeting = self.greetings.greeting(name.as_str()).await?;
        Ok(greeting.message)
    }

    /// The directory's entry for the visitor with this name.
    ///
    /// # Errors
    /// The name is invalid.
    pub fn visitor(&self, name: &str) -> Result<Visitor, Error> {
        let name: VisitorName = name.parse()?;
        Ok(self.directory.visitor(&name))
    }

    /// The directory of visitors.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}
