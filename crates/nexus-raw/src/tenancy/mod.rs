//! Who may do what, where: tenants, environments, callers and the proofs of their rights.

mod access;
mod environment;
mod principal;
mod scope;
mod tenant_id;
mod user_id;

pub use access::{DownloadAccess, ReadAccess, WriteAccess};
pub use environment::{Environment, EnvironmentError, Environments, EnvironmentsError};
pub use principal::{AccessDenied, Principal, Role};
pub use scope::Scope;
pub use tenant_id::{TenantId, TenantIdError};
pub use user_id::{UserId, UserIdError};
