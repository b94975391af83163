//! Names of HTTP spans, as the HTTP semantic conventions define them.

use http::Method;

/// `http.request.method`: the method if the conventions know it, otherwise `_OTHER`.
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

/// `{METHOD} {route}`, or only the method if no route matched. `HTTP` stands for
/// the method `_OTHER`.
pub(crate) fn span_name(known_method: &'static str, route: Option<&str>) -> String {
    let method = match known_method {
        "_OTHER" => "HTTP",
        known => known,
    };
    match route {
        Some(route) => [method, " ", route].concat(),
        None => method.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_method_and_the_route() {
        assert_eq!(span_name("GET", Some("/hello/{name}")), "GET /hello/{name}");
        assert_eq!(span_name("POST", None), "POST");
    }

    #[test]
    fn an_unknown_method_never_becomes_a_name() {
        let method = Method::from_bytes(b"SECRET").unwrap();
        assert_eq!(known_method(&method), "_OTHER");
        assert_eq!(span_name("_OTHER", Some("/x")), "HTTP /x");
    }
}
