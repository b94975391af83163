//! The HTTP client of tests.

/// A client that never uses a proxy. reqwest's default uses `HTTP_PROXY` and similar
/// variables, also for loopback addresses; so `clippy.toml` forbids it.
///
/// # Panics
/// If reqwest cannot create a client on this platform.
pub fn client() -> reqwest::Client {
    let client = trace_contract::http_client::builder().no_proxy().build();
    client.expect("a client with constant settings can be created")
}
