//! The gateway, plain.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use plain::{Failure, Greeting, Peer, Visitor, serve};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let hello = Peer::new("HELLO_URL", Duration::from_secs(2))?;
    let public = Router::new().route("/hello", get(greet)).with_state(hello);
    let internal = Router::new().route("/visitors/{name}", get(visitor));
    serve(public, internal).await
}

async fn greet(State(hello): State<Peer>) -> Result<String, String> {
    let greeting: Greeting = hello
        .get("/greetings/World")
        .await
        .map_err(|error| error.to_string())?;
    Ok(greeting.message)
}

async fn visitor(Path(name): Path<String>) -> Json<Visitor> {
    Json(Visitor {
        display_name: name,
        language: "en".to_owned(),
    })
}
