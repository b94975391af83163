//! hello as production runs it, on free ports, with a mock of the gateway.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Parser;
use hello::Config;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use server::Listeners;
use telemetry::Accounting;
use tokio::sync::oneshot;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Hello {
    public: SocketAddr,
    admin: SocketAddr,
    client: Client,
    /// Stops the server when the test ends.
    _shutdown: oneshot::Sender<()>,
}

impl Hello {
    async fn start(gateway: &str, flags: &[&str]) -> Self {
        let address = ["hello", "--gateway-url", gateway];
        let arguments = address.iter().chain(flags);
        let config = Config::try_parse_from(arguments).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, any).await.unwrap();
        let public = listeners.public.local_addr().unwrap();
        let admin = listeners.admin.local_addr().unwrap();
        let (shutdown, on_shutdown) = oneshot::channel::<()>();
        let routes = hello::routes(&config).unwrap();
        tokio::spawn(async move {
            let accounting = Accounting::default();
            let shutdown = async {
                let _ = on_shutdown.await;
            };
            server::run(listeners, routes, accounting, &config.server, shutdown).await
        });
        Self {
            public,
            admin,
            client: trace_contract::http_client::builder()
                .no_proxy()
                .build()
                .expect("a client can be created"),
            _shutdown: shutdown,
        }
    }

    async fn greeting(&self, name: &str) -> (u16, Value) {
        let url = format!("http://{}/greetings/{name}", self.public);
        status_and_body(self.client.get(url).send().await.unwrap()).await
    }

    async fn faults(&self, method: Method, faults: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}/faults", self.admin);
        let mut request = self.client.request(method, url);
        if let Some(faults) = faults {
            request = request.json(&faults);
        }
        status_and_body(request.send().await.unwrap()).await
    }
}

async fn status_and_body(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// A gateway that knows one visitor.
async fn gateway(path_of_visitor: &str, display_name: &str, language: &str) -> MockServer {
    let gateway = MockServer::start().await;
    let visitor = json!({ "display_name": display_name, "language": language });
    Mock::given(method("GET"))
        .and(path(path_of_visitor))
        .respond_with(ResponseTemplate::new(200).set_body_json(visitor))
        .mount(&gateway)
        .await;
    gateway
}

/// A gateway with the same response for every request.
async fn gateway_that_responds(response: ResponseTemplate) -> MockServer {
    let gateway = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(response)
        .mount(&gateway)
        .await;
    gateway
}

#[tokio::test]
async fn a_visitor_is_greeted_by_the_gateways_entry() {
    let gateway = gateway("/visitors/ada", "Ada Lovelace", "fr").await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    let greeting = json!({ "message": "Bonjour, Ada Lovelace !" });
    assert_eq!(hello.greeting("ada").await, (200, greeting));
}

#[tokio::test]
async fn a_name_of_any_script_is_sent_as_one_path_segment() {
    let gateway = gateway("/below/visitors/J%C3%BCrgen%2FX%20%3F", "Jürgen", "de").await;
    let hello = Hello::start(&format!("{}/below/", gateway.uri()), &[]).await;
    let greeting = json!({ "message": "Hallo, Jürgen!" });
    assert_eq!(
        hello.greeting("J%C3%BCrgen%2FX%20%3F").await,
        (200, greeting)
    );
}

#[tokio::test]
async fn an_invalid_name_gets_a_400_without_a_call_to_the_gateway() {
    let gateway = gateway_that_responds(ResponseTemplate::new(500)).await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    for (name, error) in [
        ("%20", "the visitor's name is empty"),
        ("a%0Ab", "the visitor's name contains control characters"),
        (
            "%FF",
            "the visitor's name is not valid percent-encoded UTF-8",
        ),
    ] {
        let expected = (400, json!({ "error": error }));
        assert_eq!(hello.greeting(name).await, expected, "for {name}");
    }
    let received = gateway.received_requests().await.unwrap();
    assert!(received.is_empty(), "the gateway was called: {received:?}");
}

#[tokio::test]
async fn a_failed_gateway_is_a_502_and_its_body_is_not_forwarded() {
    let failing = ResponseTemplate::new(500).set_body_string("a secret");
    let gateway = gateway_that_responds(failing).await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    let expected = json!({ "error": "the call to the gateway failed" });
    assert_eq!(hello.greeting("Ada").await, (502, expected));
}

#[tokio::test]
async fn an_unreachable_gateway_is_a_502() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let hello = Hello::start(&address, &["--gateway-retries", "0"]).await;
    assert_eq!(hello.greeting("Ada").await.0, 502);
}

#[tokio::test]
async fn a_slow_gateway_is_a_504() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let gateway = gateway_that_responds(slow).await;
    let hello = Hello::start(&gateway.uri(), &["--gateway-timeout", "50ms"]).await;
    let expected = json!({ "error": "the gateway did not respond in time" });
    assert_eq!(hello.greeting("Ada").await, (504, expected));
}

#[tokio::test]
async fn a_503_from_the_gateway_is_retried() {
    let gateway = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&gateway)
        .await;
    let visitor = json!({ "display_name": "Ada", "language": "en" });
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_json(visitor))
        .mount(&gateway)
        .await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    let greeting = json!({ "message": "Hello, Ada!" });
    assert_eq!(hello.greeting("Ada").await, (200, greeting));
}

#[tokio::test]
async fn the_fault_switch_is_off_by_default() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let response = hello.faults(method, Some(json!({ "error_rate": 1 }))).await;
        assert_eq!(response.0, 404);
    }
    assert_eq!(hello.greeting("Ada").await.0, 200);
}

#[tokio::test]
async fn faults_apply_to_the_given_number_of_requests() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &["--faults"]).await;
    let faults = json!({ "error_rate": 1, "status": 500, "times": 2 });
    let set = json!({ "delay_ms": 0, "error_rate": 1.0, "status": 500, "times": 2 });
    assert_eq!(hello.faults(Method::POST, Some(faults)).await, (200, set));
    for expected in [500, 500, 200] {
        assert_eq!(hello.greeting("Ada").await.0, expected);
    }
}

#[tokio::test]
async fn a_delay_applies_until_it_is_cleared() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &["--faults"]).await;
    let delay = Duration::from_millis(300);
    hello
        .faults(Method::POST, Some(json!({ "delay": "300ms" })))
        .await;
    let start = Instant::now();
    assert_eq!(hello.greeting("Ada").await.0, 200);
    assert!(start.elapsed() >= delay, "the response was not delayed");

    assert_eq!(hello.faults(Method::DELETE, None).await.0, 204);
    let set = json!({ "delay_ms": 0, "error_rate": 0.0, "status": 503 });
    assert_eq!(hello.faults(Method::GET, None).await, (200, set));
}

#[tokio::test]
async fn invalid_faults_are_rejected_with_the_reason() {
    let hello = Hello::start("http://127.0.0.1:1", &["--faults"]).await;
    let rejected = hello
        .faults(Method::POST, Some(json!({ "error_rate": 7 })))
        .await;
    let error = json!({ "error": "error_rate: write a number from 0 to 1" });
    assert_eq!(rejected, (400, error));
    let unknown = hello
        .faults(Method::POST, Some(json!({ "latency": 7 })))
        .await;
    assert_eq!(unknown.0, 422);
}

#[tokio::test]
async fn a_404_and_a_405_are_in_json() {
    let hello = Hello::start("http://127.0.0.1:1", &[]).await;
    let url = |path| format!("http://{}{path}", hello.public);
    let missing = hello.client.get(url("/nope")).send().await.unwrap();
    assert_eq!(
        status_and_body(missing).await,
        (404, json!({ "error": "not found" }))
    );
    let post = hello.client.post(url("/greetings/Ada")).send().await;
    let post = post.unwrap();
    assert_eq!(post.headers()["allow"], "GET,HEAD");
    assert_eq!(post.status(), 405);
}
