//! Buckets are made, found and located.

use crate::support::Server;

#[test]
fn a_bucket_is_made_once_and_outlives_a_restart() {
    let server = Server::start();
    assert_eq!(server.signed("HEAD", "/made", &[], b"").status, 404);
    let made = server.signed("PUT", "/made", &[], b"");
    assert_eq!((made.status, made.header("location")), (200, Some("/made")));
    let again = server.signed("PUT", "/made", &[], b"");
    assert_eq!(again.error(), (409, "BucketAlreadyOwnedByYou".to_owned()));

    assert_eq!(server.signed("PUT", "/made/k", &[], b"x").status, 200);
    let server = server.restart();
    let head = server.signed("HEAD", "/made", &[], b"");
    assert_eq!(
        (head.status, head.header("x-amz-bucket-region")),
        (200, Some("eu-central-1"))
    );
    assert_eq!(server.signed("GET", "/made/k", &[], b"").body, b"x");
}

#[test]
fn a_bucket_is_made_in_the_region_of_the_server() {
    let server = Server::start();
    let make = |name: &str, region: &str| {
        let body = format!(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
        );
        server.signed("PUT", name, &[], body.as_bytes()).error()
    };
    assert_eq!(
        make("/made", "us-west-2"),
        (400, "IllegalLocationConstraintException".to_owned())
    );
    assert_eq!(make("/made", "eu-central-1"), (200, String::new()));
    let location = server.signed("GET", "/made?location", &[], b"");
    let text = String::from_utf8(location.body).unwrap();
    assert!(
        text.contains(">eu-central-1</LocationConstraint>"),
        "{text}"
    );
}

#[test]
fn a_bucket_has_a_name_by_the_rules() {
    let server = Server::start();
    for name in [
        "/ab",
        "/Upper",
        "/under_score",
        "/..",
        "/a..b",
        "/1.2.3.4",
        "/%2e%2e",
    ] {
        let made = server.signed("PUT", name, &[], b"");
        assert_eq!(
            made.error(),
            (400, "InvalidBucketName".to_owned()),
            "{name}"
        );
    }
}

#[test]
fn a_bucket_with_wishes_is_not_made() {
    let server = Server::start();
    for header in [
        ("x-amz-acl", "private"),
        ("x-amz-bucket-object-lock-enabled", "true"),
        ("x-amz-object-ownership", "BucketOwnerEnforced"),
    ] {
        let made = server.signed("PUT", "/made", &[header], b"");
        assert_eq!(
            made.error(),
            (501, "NotImplemented".to_owned()),
            "{header:?}"
        );
    }
    assert_eq!(server.signed("HEAD", "/made", &[], b"").status, 404);
}
