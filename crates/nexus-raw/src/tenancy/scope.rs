use std::fmt;

use super::{Environment, TenantId};

/// The wall between callers: one tenant in one environment.
///
/// Every record, key, sequence and query belongs to exactly one scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant's environment.
    pub environment: Environment,
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.tenant, self.environment)
    }
}
