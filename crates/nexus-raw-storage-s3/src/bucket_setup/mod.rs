//! What a bucket and the role of the service need, as documents of AWS: policies, CORS, lifecycle.

mod arn;
mod bucket_policy;
mod cors;
mod import_source;
mod lifecycle;
mod policy;
mod role_policy;

pub use cors::CorsConfiguration;
pub use import_source::{ImportSource, ImportSourceError};
pub(crate) use lifecycle::abort_days;
pub use lifecycle::{LifecycleConfiguration, lifecycle_configuration};
pub use policy::PolicyDocument;
pub use role_policy::RoleTasks;
