//! The gateway as production runs it, on free ports, with a mock of hello.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use gateway::Config;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use server::Listeners;
use telemetry::Accounting;
use tokio::sync::oneshot;
use wiremock::matchers::{header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Gateway {
    public: SocketAddr,
    admin: SocketAddr,
    client: Client,
    /// Stops the server when the test ends.
    _shutdown: oneshot::Sender<()>,
}

impl Gateway {
    async fn start(hello: &str, flags: &[&str]) -> Self {
        let address = ["gateway", "--hello-url", hello];
        let arguments = address.iter().chain(flags);
        let config = Config::try_parse_from(arguments).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, any).await.unwrap();
        let public = listeners.public.local_addr().unwrap();
        let admin = listeners.admin.local_addr().unwrap();
        let (shutdown, on_shutdown) = oneshot::channel::<()>();
        let routes = gateway::routes(&config).unwrap();
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

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.public))
    }

    async fn text(&self, path: &str) -> (u16, String) {
        let response = self.get(path).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn json(&self, path: &str) -> (u16, Value) {
        let request = self.get(path).header("accept", "application/json");
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn visitor(&self, name: &str) -> (u16, Value) {
        let url = format!("http://{}/visitors/{name}", self.admin);
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

/// A hello that greets one visitor.
async fn hello(path_of_greeting: &str, message: &str) -> MockServer {
    let hello = MockServer::start().await;
    let greeting = json!({ "message": message });
    Mock::given(method("GET"))
        .and(path(path_of_greeting))
        .and(header_exists("user-agent"))
        .respond_with(ResponseTemplate::new(200).set_body_json(greeting))
        .mount(&hello)
        .await;
    hello
}

/// A hello with the same response for every request.
async fn hello_that_responds(response: ResponseTemplate) -> MockServer {
    let hello = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(response)
        .mount(&hello)
        .await;
    hello
}

#[tokio::test]
async fn the_default_greeting_is_in_text_or_json() {
    let hello = hello("/greetings/World", "Hello, World!").await;
    let gateway = Gateway::start(&hello.uri(), &[]).await;
    let expected = (200, "Hello, World!".to_owned());
    assert_eq!(gateway.text("/hello").await, expected);
    let (status, body) = gateway.json("/hello").await;
    assert_eq!((status, &body["message"]), (200, &json!("Hello, World!")));
    let kind = &gateway.get("/hello").send().await.unwrap().headers()["content-type"].clone();
    assert_eq!(kind, "text/plain; charset=utf-8");
}

#[tokio::test]
async fn a_name_reaches_hello_as_one_path_segment() {
    let hello = hello("/greetings/%3Cb%3E%2F%E6%9D%8E", "Hello, <b>/李!").await;
    let gateway = Gateway::start(&hello.uri(), &[]).await;
    let response = gateway.get("/hello/%3Cb%3E%2F%E6%9D%8E").send().await;
    let response = response.unwrap();
    let sniffing = &response.headers()["x-content-type-options"].clone();
    assert_eq!(response.text().await.unwrap(), "Hello, <b>/李!");
    assert_eq!(
        sniffing, "nosniff",
        "no browser may interpret a name as HTML"
    );
}

#[tokio::test]
async fn an_invalid_name_gets_a_400_without_a_call_to_hello() {
    let hello = hello_that_responds(ResponseTemplate::new(500)).await;
    let gateway = Gateway::start(&hello.uri(), &[]).await;
    let long = "x".repeat(65);
    for (name, error) in [
        ("%20", "the visitor's name is empty"),
        ("a%00b", "the visitor's name contains control characters"),
        (
            "%C3",
            "the visitor's name is not valid percent-encoded UTF-8",
        ),
        (&long, "the visitor's name is longer than 64 characters"),
    ] {
        let path = format!("/hello/{name}");
        assert_eq!(gateway.text(&path).await, (400, format!("{error}\n")));
        assert_eq!(gateway.json(&path).await, (400, json!({ "error": error })));
    }
    let received = hello.received_requests().await.unwrap();
    assert!(received.is_empty(), "hello was called: {received:?}");
}

#[tokio::test]
async fn each_status_of_hello_maps_to_a_status_and_its_body_is_not_forwarded() {
    for (status_of_hello, expected) in [(400, 502), (404, 502), (500, 502), (503, 503), (504, 504)]
    {
        let failing = ResponseTemplate::new(status_of_hello).set_body_string("a secret");
        let hello = hello_that_responds(failing).await;
        let gateway = Gateway::start(&hello.uri(), &["--hello-retries", "0"]).await;
        let (status, body) = gateway.text("/hello").await;
        assert_eq!(status, expected, "hello responded {status_of_hello}");
        assert!(
            !body.contains("secret"),
            "hello's body was forwarded: {body}"
        );
    }
}

#[tokio::test]
async fn an_invalid_greeting_from_hello_is_a_502() {
    let hello = hello_that_responds(ResponseTemplate::new(200).set_body_string("hi")).await;
    let gateway = Gateway::start(&hello.uri(), &[]).await;
    assert_eq!(gateway.text("/hello").await.0, 502);
}

#[tokio::test]
async fn an_unreachable_hello_is_a_502() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let gateway = Gateway::start(&address, &["--hello-retries", "0"]).await;
    let expected = (502, "the call to hello failed\n".to_owned());
    assert_eq!(gateway.text("/hello").await, expected);
}

#[tokio::test]
async fn a_slow_hello_is_a_504_without_a_retry() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let hello = hello_that_responds(slow).await;
    let gateway = Gateway::start(&hello.uri(), &["--hello-timeout", "50ms"]).await;
    let expected = (504, "hello did not respond in time\n".to_owned());
    assert_eq!(gateway.text("/hello").await, expected);
    assert_eq!(hello.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_503_from_hello_is_retried_as_often_as_configured() {
    let hello = hello_that_responds(ResponseTemplate::new(503)).await;
    let gateway = Gateway::start(&hello.uri(), &["--hello-retries", "1"]).await;
    assert_eq!(gateway.text("/hello").await.0, 503);
    assert_eq!(hello.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn visitors_are_served_only_on_the_admin_port() {
    let gateway = Gateway::start("http://127.0.0.1:1", &[]).await;
    let known = json!({ "display_name": "Monde", "language": "fr" });
    assert_eq!(gateway.visitor("Monde").await, (200, known));
    let unknown = json!({ "display_name": "Zoë", "language": "en" });
    assert_eq!(gateway.visitor("Zo%C3%AB").await, (200, unknown));
    let empty = json!({ "error": "the visitor's name is empty" });
    assert_eq!(gateway.visitor("%20").await, (400, empty));
    assert_eq!(gateway.text("/visitors/Monde").await.0, 404);
}

#[tokio::test]
async fn a_file_can_replace_the_directory() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let visitors = r#"[{ "name": "ada", "display_name": "Ada Lovelace", "language": "de" }]"#;
    file.write_all(visitors.as_bytes()).unwrap();
    let flags = ["--visitors", file.path().to_str().unwrap()];
    let gateway = Gateway::start("http://127.0.0.1:1", &flags).await;
    let ada = json!({ "display_name": "Ada Lovelace", "language": "de" });
    assert_eq!(gateway.visitor("ada").await, (200, ada));
}

#[tokio::test]
async fn the_page_shows_how_to_call_the_api_and_loads_nothing() {
    let gateway = Gateway::start("http://127.0.0.1:1", &[]).await;
    let response = gateway.get("/").send().await.unwrap();
    let policy = response.headers()["content-security-policy"].clone();
    assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
    let page = response.text().await.unwrap();
    assert!(page.contains("curl") && page.contains("/hello"));
    for outside in ["<script", "<link", "<img", "src=", "@import"] {
        assert!(!page.contains(outside), "the page contains {outside}");
    }
}

#[tokio::test]
async fn a_404_and_a_405_are_in_the_accepted_format() {
    let gateway = Gateway::start("http://127.0.0.1:1", &[]).await;
    let text = "not found; try /hello";
    assert_eq!(gateway.text("/nope").await, (404, format!("{text}\n")));
    assert_eq!(gateway.json("/nope").await, (404, json!({ "error": text })));
    let url = format!("http://{}/hello", gateway.public);
    let post = gateway.client.post(url).send().await.unwrap();
    assert_eq!(post.headers()["allow"], "GET,HEAD");
    assert_eq!(post.status(), 405);
}

#[tokio::test]
async fn web_pages_of_the_allowed_origins_may_call_the_api() {
    let hello = hello("/greetings/World", "Hello, World!").await;
    let page = "https://shop.example";
    let listed = "https://shop.example,http://localhost:3000";
    for (setting, origin, allowed) in [
        (listed, page, Some(page)),
        (listed, "https://evil.example", None),
        (listed, "https://shop.example.evil.example", None),
        (listed, "null", None),
        ("*", "https://any.example", Some("*")),
    ] {
        let flags = ["--cors-allowed-origins", setting];
        let gateway = Gateway::start(&hello.uri(), &flags).await;
        let url = format!("http://{}/hello", gateway.public);
        let preflight = gateway
            .client
            .request(Method::OPTIONS, url)
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "traceparent,baggage");
        let preflight = preflight.send().await.unwrap();
        let header = |name| header_of(&preflight, name);
        let case = format!("{origin} with {setting}");
        assert_eq!(preflight.status(), 200, "{case}");
        assert_eq!(
            header("access-control-allow-origin").as_deref(),
            allowed,
            "{case}"
        );
        let headers = header("access-control-allow-headers").unwrap();
        for name in ["traceparent", "tracestate", "baggage", "content-type", "b3"] {
            assert!(
                headers.split(',').any(|it| it == name),
                "{name} in {headers}"
            );
        }
        assert_eq!(header("access-control-allow-credentials"), None);
        // Also the responses of the middleware: 414.
        let long = format!("/{}", "x".repeat(9000));
        for (path, status) in [("/hello", 200), ("/nope", 404), (long.as_str(), 414)] {
            let request = gateway.get(path).header("origin", origin);
            let response = request.send().await.unwrap();
            let header = |name| header_of(&response, name);
            assert_eq!(response.status(), status);
            assert_eq!(
                header("access-control-allow-origin").as_deref(),
                allowed,
                "{path} for {case}"
            );
            let exposed = header("access-control-expose-headers");
            assert_eq!(
                exposed.as_deref(),
                Some("traceresponse"),
                "{path} for {case}"
            );
            let vary = header("vary").unwrap_or_default();
            assert_eq!(
                vary.contains("origin"),
                setting != "*",
                "a cache must not mix responses for different origins: {vary}"
            );
        }
    }
}

#[tokio::test]
async fn cors_is_off_by_default() {
    let gateway = Gateway::start("http://127.0.0.1:1", &[]).await;
    let url = format!("http://{}/hello", gateway.public);
    let preflight = gateway.client.request(Method::OPTIONS, url);
    let preflight = preflight
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 405);
    let page = gateway.get("/").header("origin", "https://shop.example");
    for response in [preflight, page.send().await.unwrap()] {
        for name in response.headers().keys() {
            assert!(!name.as_str().starts_with("access-control-"), "{name}");
        }
    }
}

#[tokio::test]
async fn responses_in_an_accepted_format_vary_by_accept() {
    let hello = hello("/greetings/World", "Hello, World!").await;
    let gateway = Gateway::start(&hello.uri(), &[]).await;
    for path in ["/hello", "/nope", "/hello/%20"] {
        let response = gateway.get(path).send().await.unwrap();
        assert_eq!(
            header_of(&response, "vary").as_deref(),
            Some("accept"),
            "{path}"
        );
    }
}

/// All values of a header, as one list.
fn header_of(response: &reqwest::Response, name: &str) -> Option<String> {
    let values = response.headers().get_all(name).iter();
    let values: Vec<_> = values.map(|value| value.to_str().unwrap()).collect();
    (!values.is_empty()).then(|| values.join(","))
}
