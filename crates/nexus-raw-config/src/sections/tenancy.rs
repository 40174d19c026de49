use nexus_raw::tenancy::{Environment, Environments};

use crate::form::list;
use crate::section::section;

section! {
    /// `tenancy.*`: the environments.
    #[derive(Debug, Clone)]
    pub struct TenancySettings from Tenancy of "tenancy" {
        /// Allowed values of `X-Env`.
        pub environments: Environments = list(
            "a list of 1 to 16 distinct names, each ^[a-z][a-z0-9-]{0,31}$",
            environments,
        )
        .default(r#"["dev", "staging", "prod"]"#)
        .example(r#"["test", "live"]"#);
    }
}

/// Parses the list by the rules of the domain.
fn environments(names: &[String]) -> Option<Environments> {
    let names = names.iter().map(|name| Environment::parse(name).ok());
    Environments::new(names.collect::<Option<_>>()?).ok()
}
