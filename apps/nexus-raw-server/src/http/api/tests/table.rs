use actix_web::http::Method;

use crate::http::{
    api::ROUTES,
    respond::ApiError,
    route::{find, methods},
};

fn found<'p>(method: &Method, path: &'p str) -> Result<(&'static str, &'p str), String> {
    match find(ROUTES, method, path) {
        Ok((route, captured)) => Ok((route.pattern, captured)),
        Err(ApiError::MethodNotAllowed { allow }) => Err(allow),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_path_belongs_to_the_pattern_that_says_most_of_it() {
    let pattern = "/nexus/raw/{asset_id}";
    assert_eq!(found(&Method::GET, "/nexus/raw/x"), Ok((pattern, "x")));
    assert_eq!(found(&Method::HEAD, "/nexus/raw/x"), Ok((pattern, "x")));
    let events = Ok(("/nexus/raw/events", ""));
    assert_eq!(found(&Method::GET, "/nexus/raw/events"), events);
    let post = Err("POST".to_owned());
    assert_eq!(found(&Method::GET, "/nexus/raw/register"), post);
    assert_eq!(found(&Method::HEAD, "/nexus/raw/presign-upload"), post);
    let get = Err("GET, HEAD".to_owned());
    assert_eq!(found(&Method::POST, "/nexus/raw/x/events"), get);
    assert_eq!(found(&Method::POST, "/nexus/raw/events"), get);
    assert_eq!(found(&Method::DELETE, "/healthz"), get);
    let delete = Err("DELETE".to_owned());
    assert_eq!(found(&Method::POST, "/nexus/raw/x/upload"), delete);
    let both = Err("POST, GET, HEAD".to_owned());
    assert_eq!(found(&Method::PUT, "/nexus/raw/x/facts"), both);
    assert_eq!(found(&Method::DELETE, "/nexus/raw/x/parts"), both);
}

#[test]
fn a_pattern_has_at_most_one_segment_in_braces() {
    for route in ROUTES {
        let segments = route.pattern.split('/');
        let braced: Vec<_> = segments.filter(|it| it.contains(['{', '}'])).collect();
        assert!(braced.len() <= 1, "{}", route.pattern);
        for segment in braced {
            let name = segment
                .strip_prefix('{')
                .and_then(|it| it.strip_suffix('}'));
            assert!(name.is_some_and(|it| !it.contains(['{', '}'])), "{segment}");
        }
    }
}

#[test]
fn pages_may_send_the_methods_of_all_routes() {
    assert_eq!(methods(ROUTES), "DELETE, GET, HEAD, POST");
}

#[test]
fn another_spelling_of_a_route_is_no_route() {
    for path in [
        "/nexus",
        "/nexus/raw/",
        "/nexus//raw/x",
        "/nexus/raw/x/",
        "/nexus/raw/x/part",
        "/nexus/raw/x/events/",
        "/nexus/raw//events",
        "/nexus/raw/x/y/events",
        "/nexus/raw/events/",
        "/Nexus/raw/register",
        "/nexus/r%61w/register",
        "nexus/raw/register",
        "*",
        "",
    ] {
        let missing = Err("there is no such route".to_owned());
        assert_eq!(found(&Method::GET, path), missing, "{path}");
    }
}
