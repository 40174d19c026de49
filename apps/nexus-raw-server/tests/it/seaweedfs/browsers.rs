use nexus_raw_testkit::Browser;

use crate::{browsers::every_case_in, house::OnSeaweedFs};

#[actix_web::test]
async fn chromium_uploads_by_every_way_that_a_page_has_and_what_it_uploaded_is_registered() {
    every_case_in::<OnSeaweedFs>(Browser::Chromium).await;
}
