//! Presigning takes the proof that the caller may write; the caller alone is none.

use nexus_raw::{
    event::RequestContext,
    service::{PresignRequest, RawStorageService},
    tenancy::Principal,
};

async fn presign(
    service: &RawStorageService,
    caller: &Principal,
    context: &RequestContext,
    request: PresignRequest,
) {
    let _ = service.presign_upload(caller, context, request).await;
}

fn main() {}
