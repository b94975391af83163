//! hello, plain.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use plain::{Failure, Greeting, Peer, Visitor, serve};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let gateway = Peer::new("GATEWAY_URL", Duration::from_millis(500))?;
    let public = Router::new()
        .route("/greetings/{name}", get(greeting))
        .with_state(gateway);
    serve(public, Router::new()).await
}

async fn greeting(
    State(gateway): State<Peer>,
    Path(name): Path<String>,
) -> Result<Json<Greeting>, String> {
    let visitor: Visitor = gateway
        .get(&format!("/visitors/{name}"))
        .await
        .map_err(|error| error.to_string())?;
    let message = format!("Hello, {}!", visitor.display_name);
    Ok(Json(Greeting { message }))
}
