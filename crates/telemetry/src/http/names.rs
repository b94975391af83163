//! Span names and route texts, each kept once for the life of the process.
//!
//! Routes come from the program's own router and templates, so their number is
//! bounded by its source; what a caller sends never becomes a name.

use std::cell::RefCell;

use http::Method;

thread_local! {
    static NAMES: RefCell<Vec<(&'static str, &'static str, &'static str)>> = const { RefCell::new(Vec::new()) };
}

/// `http.request.method`: the method where the conventions know it, else `_OTHER`.
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

/// The method's part of a span name: the conventions write `HTTP` for `_OTHER`.
fn method_in_name(known: &'static str) -> &'static str {
    if known == "_OTHER" { "HTTP" } else { known }
}

/// A span's name and its route, both as texts that cost nothing to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// `{METHOD} {route}`, or the method alone where no route matched.
    pub(crate) span: &'static str,
    /// `http.route` or `url.template`.
    pub(crate) route: Option<&'static str>,
}

/// Names a span by its method and route.
pub(crate) fn name(method: &Method, route: Option<&str>) -> Named {
    let method = method_in_name(known_method(method));
    let Some(route) = route else {
        return Named {
            span: method,
            route: None,
        };
    };
    NAMES.with_borrow_mut(|names| {
        if let Some((_, known, span)) = names.iter().find(|(m, r, _)| *r == route && *m == method) {
            return Named {
                span,
                route: Some(known),
            };
        }
        let known: &'static str = Box::leak(route.into());
        let span: &'static str = Box::leak(format!("{method} {route}").into());
        names.push((method, known, span));
        Named {
            span,
            route: Some(known),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_method_and_route_and_made_once() {
        let first = name(&Method::GET, Some("/hello/{name}"));
        assert_eq!(first.span, "GET /hello/{name}");
        assert_eq!(first.route, Some("/hello/{name}"));
        let second = name(&Method::GET, Some("/hello/{name}"));
        assert!(
            std::ptr::eq(first.span, second.span),
            "the second request must reuse the first one's text"
        );
    }

    #[test]
    fn without_a_route_the_name_is_the_method() {
        assert_eq!(name(&Method::POST, None).span, "POST");
    }

    #[test]
    fn an_unknown_method_never_becomes_a_name() {
        let method = Method::from_bytes(b"SECRET").unwrap();
        assert_eq!(known_method(&method), "_OTHER");
        assert_eq!(name(&method, Some("/x")).span, "HTTP /x");
    }
}
