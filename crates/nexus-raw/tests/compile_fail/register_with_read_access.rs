//! Permission to read is no permission to register.

use nexus_raw::{
    event::RequestContext,
    service::{RawStorageService, RegisterRequest},
    tenancy::ReadAccess,
};

async fn register(
    service: &RawStorageService,
    access: &ReadAccess,
    context: &RequestContext,
    request: RegisterRequest,
) {
    let _ = service.register(access, context, request).await;
}

fn main() {}
