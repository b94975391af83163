//! hello as production runs it, on ports of its own, with a gateway that the
//! test answers for.

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
    /// Ends the server when the test ends.
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
        let (shutdown, asked) = oneshot::channel::<()>();
        let routes = hello::routes(&config).unwrap();
        tokio::spawn(async move {
            let asked = async {
                let _ = asked.await;
            };
            server::run(
                listeners,
                routes,
                Accounting::default(),
                &config.serving,
                asked,
            )
            .await
        });
        Self {
            public,
            admin,
            client: Client::new(),
            _shutdown: shutdown,
        }
    }

    async fn greeting(&self, name: &str) -> (u16, Value) {
        let url = format!("http://{}/greetings/{name}", self.public);
        answer(self.client.get(url).send().await.unwrap()).await
    }

    async fn faults(&self, method: Method, faults: Option<Value>) -> (u16, Value) {
        let url = format!("http://{}/faults", self.admin);
        let mut request = self.client.request(method, url);
        if let Some(faults) = faults {
            request = request.json(&faults);
        }
        answer(request.send().await.unwrap()).await
    }
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

/// A gateway that knows this visitor.
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

async fn gateway_that_answers(answer: ResponseTemplate) -> MockServer {
    let gateway = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&gateway)
        .await;
    gateway
}

#[tokio::test]
async fn a_visitor_is_greeted_as_the_gateway_knows_them() {
    let gateway = gateway("/visitors/ada", "Ada Lovelace", "fr").await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    let greeting = json!({ "message": "Bonjour, Ada Lovelace !" });
    assert_eq!(hello.greeting("ada").await, (200, greeting));
}

#[tokio::test]
async fn a_name_of_any_script_is_asked_for_as_one_path_segment() {
    let gateway = gateway("/below/visitors/J%C3%BCrgen%2FX%20%3F", "Jürgen", "de").await;
    let hello = Hello::start(&format!("{}/below/", gateway.uri()), &[]).await;
    let greeting = json!({ "message": "Hallo, Jürgen!" });
    assert_eq!(
        hello.greeting("J%C3%BCrgen%2FX%20%3F").await,
        (200, greeting)
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_answered_400_without_asking_the_gateway() {
    let gateway = gateway_that_answers(ResponseTemplate::new(500)).await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    for (name, error) in [
        ("%20", "a visitor needs a name"),
        ("a%0Ab", "a visitor's name has no control characters"),
        ("%FF", "a visitor's name is percent-encoded UTF-8"),
    ] {
        let expected = (400, json!({ "error": error }));
        assert_eq!(hello.greeting(name).await, expected, "for {name}");
    }
    let asked = gateway.received_requests().await.unwrap();
    assert!(asked.is_empty(), "the gateway was asked: {asked:?}");
}

#[tokio::test]
async fn a_gateway_that_fails_is_answered_502_and_its_words_are_not_passed_on() {
    let failing = ResponseTemplate::new(500).set_body_string("a secret");
    let gateway = gateway_that_answers(failing).await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    let expected = json!({ "error": "the gateway could not be asked" });
    assert_eq!(hello.greeting("Ada").await, (502, expected));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_answered_502() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let hello = Hello::start(&address, &["--gateway-retries", "0"]).await;
    assert_eq!(hello.greeting("Ada").await.0, 502);
}

#[tokio::test]
async fn a_gateway_that_is_slow_is_answered_504() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let gateway = gateway_that_answers(slow).await;
    let hello = Hello::start(&gateway.uri(), &["--gateway-timeout", "50ms"]).await;
    let expected = json!({ "error": "the gateway did not answer in time" });
    assert_eq!(hello.greeting("Ada").await, (504, expected));
}

#[tokio::test]
async fn a_503_of_the_gateway_is_tried_again() {
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
async fn the_fault_switch_is_not_there_unless_it_is_turned_on() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &[]).await;
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let answer = hello.faults(method, Some(json!({ "error_rate": 1 }))).await;
        assert_eq!(answer.0, 404);
    }
    assert_eq!(hello.greeting("Ada").await.0, 200);
}

#[tokio::test]
async fn faults_hold_for_as_many_requests_as_they_say() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &["--faults"]).await;
    let faults = json!({ "error_rate": 1, "status": 500, "times": 2 });
    let shown = json!({ "delay_ms": 0, "error_rate": 1.0, "status": 500, "times": 2 });
    assert_eq!(hello.faults(Method::POST, Some(faults)).await, (200, shown));
    for expected in [500, 500, 200] {
        assert_eq!(hello.greeting("Ada").await.0, expected);
    }
}

#[tokio::test]
async fn faults_delay_until_they_are_cleared() {
    let gateway = gateway("/visitors/Ada", "Ada", "en").await;
    let hello = Hello::start(&gateway.uri(), &["--faults"]).await;
    let delay = Duration::from_millis(300);
    hello
        .faults(Method::POST, Some(json!({ "delay": "300ms" })))
        .await;
    let began = Instant::now();
    assert_eq!(hello.greeting("Ada").await.0, 200);
    assert!(began.elapsed() >= delay, "answered without the delay");

    assert_eq!(hello.faults(Method::DELETE, None).await.0, 204);
    let shown = json!({ "delay_ms": 0, "error_rate": 0.0, "status": 503 });
    assert_eq!(hello.faults(Method::GET, None).await, (200, shown));
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused_with_the_reason() {
    let hello = Hello::start("http://127.0.0.1:1", &["--faults"]).await;
    let refused = hello
        .faults(Method::POST, Some(json!({ "error_rate": 7 })))
        .await;
    let error = json!({ "error": "error_rate: write a number from 0 to 1" });
    assert_eq!(refused, (400, error));
    let unknown = hello
        .faults(Method::POST, Some(json!({ "latency": 7 })))
        .await;
    assert_eq!(unknown.0, 400);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_said_in_json() {
    let hello = Hello::start("http://127.0.0.1:1", &[]).await;
    let url = |path| format!("http://{}{path}", hello.public);
    let missing = hello.client.get(url("/nope")).send().await.unwrap();
    assert_eq!(
        answer(missing).await,
        (404, json!({ "error": "there is nothing here" }))
    );
    let post = hello.client.post(url("/greetings/Ada")).send().await;
    let post = post.unwrap();
    assert_eq!(post.headers()["allow"], "GET,HEAD");
    assert_eq!(post.status(), 405);
}
