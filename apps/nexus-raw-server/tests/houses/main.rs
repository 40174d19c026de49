//! What a caller meets, on the engines of a platform: every rule and every page, where `make test`
//! takes a few. `make soak PARTS=houses` runs it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

#[path = "../it/blackbox/mod.rs"]
mod blackbox;
#[path = "../it/browsers/mod.rs"]
mod browsers;
#[expect(dead_code, reason = "other test binaries need more of it")]
#[path = "../common/mod.rs"]
mod common;

use common::{caller, house, http, machine};
use nexus_raw_testkit::Browser;

mod on_seaweedfs {
    crate::blackbox::whole!(crate::house::OnSeaweedFs);
}

mod on_postgres {
    crate::blackbox::whole!(crate::house::OnPostgres);
}

#[actix_web::test]
async fn firefox_uploads_by_every_way_that_a_page_has_and_what_it_uploaded_is_registered() {
    browsers::every_case_in::<house::OnSeaweedFs>(Browser::Firefox).await;
}
