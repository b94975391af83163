//! W3C Baggage.

use opentelemetry::baggage::BaggageExt;

use super::*;

#[test]
fn baggage_keeps_values_properties_and_every_header() {
    let sent = [
        (
            "baggage",
            "token=YWJjPT0=;a;b=1 , name = J%C3%BCrgen%2C%20%25",
        ),
        ("baggage", "third=3"),
    ];
    let context = extract(&[Kind::Baggage], &headers(&sent));
    let value = |key| {
        context
            .baggage()
            .get(key)
            .map(|value| value.as_str().to_owned())
    };
    assert_eq!(value("token").as_deref(), Some("YWJjPT0="));
    assert_eq!(value("name").as_deref(), Some("Jürgen, %"));
    let out = passed_through(&[Kind::Baggage], &sent);
    assert_eq!(
        out["baggage"],
        "name=J%C3%BCrgen%2C%20%25,third=3,token=YWJjPT0=;a;b=1"
    );
}

#[test]
fn invalid_baggage_members_are_left_out_and_the_others_are_passed_on() {
    let out = passed_through(
        &[Kind::Baggage],
        &[("baggage", "novalue,=1,good=1,bad key=2,,q\"=3")],
    );
    assert_eq!(out["baggage"], "good=1");
}

#[test]
fn baggage_is_bounded() {
    let big = format!("k={}", "v".repeat(8191));
    assert!(passed_through(&[Kind::Baggage], &[("baggage", &big)]).is_empty());
    let many: Vec<String> = (0..100).map(|number| format!("k{number}=1")).collect();
    let out = passed_through(&[Kind::Baggage], &[("baggage", &many.join(","))]);
    let members = out["baggage"].to_str().unwrap().split(',').count();
    assert_eq!(members, 64, "at most 64 members are passed on");
    // Each byte is encoded as three: what was received within the limit is sent within it.
    let wide = format!("k={}", "%20".repeat(2700));
    let context = extract(&[Kind::Baggage], &headers(&[("baggage", &wide)]));
    assert_eq!(context.baggage().len(), 1);
}
