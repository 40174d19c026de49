use std::collections::BTreeSet;

use super::{document, problems::operation_of};
use crate::http::routes::{Access, ROUTES};

#[test]
fn the_document_describes_every_route_of_the_table_and_no_other() {
    let mut document = document();
    let described: BTreeSet<String> = document.paths.paths.keys().cloned().collect();
    let served: BTreeSet<String> = ROUTES
        .iter()
        .map(|route| route.pattern.to_owned())
        .collect();
    assert_eq!(described, served);
    for route in ROUTES {
        let item = document.paths.paths.get_mut(route.pattern).unwrap();
        let operation = operation_of(item, route).unwrap();
        assert!(operation.operation_id.is_some(), "{}", route.pattern);
        assert_eq!(operation.security.is_some(), route.access() != Access::Open);
        assert_eq!(
            operation.request_body.is_some(),
            route.access() == Access::Write
        );
    }
}

#[test]
fn the_document_is_openapi_three_one() {
    let document = serde_json::to_value(document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let request = &document["components"]["schemas"]["PresignUpload"];
    assert_eq!(request["additionalProperties"], false);
    assert_eq!(
        request["required"],
        serde_json::json!(["filename", "size_bytes", "sha256"])
    );
}
