//! Access is granted, never made.

use nexus_raw::tenancy::{Scope, UserId, WriteAccess};

fn forge(scope: Scope, user: UserId) -> WriteAccess {
    WriteAccess { scope, user }
}

fn main() {}
