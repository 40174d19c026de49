//! A text is no tenant until it was checked.

use nexus_raw::tenancy::{Environment, Scope};

fn scope(environment: Environment) -> Scope {
    Scope {
        tenant: "t_a".into(),
        environment,
    }
}

fn main() {}
