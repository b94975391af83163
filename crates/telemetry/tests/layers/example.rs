//! The example of the README: its trace is right, and the README shows its code.

use std::collections::HashMap;

use axum::Router;
use axum::routing::get;
use telemetry::Edge;
use telemetry::http::{CallError, ClientConfig, Peer, Route, ServerLayer};
use telemetry::propagation::{self, FutureExt};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use trace_contract::TraceParent;

use crate::fixture::{self, assert_trace, serve};

#[allow(dead_code, reason = "the example's main is not run")]
#[path = "../../examples/axum.rs"]
mod books;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../../examples/axum.rs");
const SOURCES: [&str; 3] = [
    EXAMPLE,
    include_str!("example.rs"),
    include_str!("messages.rs"),
];

#[tokio::test]
async fn the_functions_of_the_example_have_their_place_in_the_trace() {
    let address = serve(books::routes()).await;
    let parent = TraceParent::generate();
    let response = fixture::get(&format!("http://{address}/books/1"), &parent).await;
    assert_eq!(response.text().await.unwrap(), "\"Emma\"");
    assert_trace(
        &parent,
        "
service: app
kind: server
name: GET /books/{id}
status: unset
attributes: {http.route: '/books/{id}', http.response.status_code: 200, book.id: 1}
children:
  - service: app
    kind: internal
    name: find_title
    attributes: {id: 1}
    children:
      - service: app
        kind: internal
        name: SELECT books
        attributes: {statement: {matches: 'SELECT.*'}, id: {present: false}}
",
    )
    .await;
}

async fn failing() -> String {
    panic!("expected by the test")
}

fn routes_with_several_layers() -> Router {
    let layers = ServiceBuilder::new()
        .layer(ServerLayer::public(Edge::default()))
        .layer(CatchPanicLayer::new());
    Router::new()
        .route("/books/{id}", get(failing))
        .layer(layers)
}

async fn title(books: &Peer, id: &str) -> Result<String, CallError> {
    let response = books.get(Route("/books/{id}"), &["books", id]).await?;
    Ok(response.error_for_status()?.json().await?)
}

#[tokio::test]
async fn a_traced_client_calls_a_stack_of_layers() {
    let address = serve(routes_with_several_layers()).await;
    let base = format!("http://{address}").parse().unwrap();
    let books = Peer::new(base, &ClientConfig::default()).unwrap();
    let parent = TraceParent::generate();
    let caller = HashMap::from([("traceparent".to_owned(), parent.header())]);
    let call = title(&books, "1").with_context(propagation::extract(&caller));
    let error = call.await.expect_err("the handler panics");
    assert_eq!(
        error.to_string(),
        "the response status was 500 Internal Server Error"
    );
    assert_trace(
        &parent,
        "
service: app
kind: client
name: GET /books/{id}
status: error
attributes: {error.type: '500'}
children:
  - {service: app, kind: server, name: 'GET /books/{id}', status: error, attributes: {error.type: '500'}}
",
    )
    .await;
}

#[test]
fn ten_lines_are_added() {
    let lines = EXAMPLE.lines().filter(|line| line.ends_with("// +"));
    assert_eq!(lines.count() + 1, 10, "with the line in Cargo.toml");
}

#[test]
fn the_readme_shows_code_that_is_tested() {
    let mut blocks = README.split("```rust\n").skip(1);
    let program = blocks.next().expect("the README begins with the example");
    let code = |block: &'static str| block.split("```").next().unwrap_or_default();
    assert!(
        EXAMPLE.ends_with(code(program)) && code(program).contains("async fn main"),
        "the README must begin with examples/axum.rs"
    );
    for block in blocks {
        assert!(
            SOURCES.iter().any(|source| source.contains(code(block))),
            "no test contains the README's code {}",
            code(block)
        );
    }
}
