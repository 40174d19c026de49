//! The signing credentials.

mod cell;
mod renewal;
mod source;

pub use source::CredentialsFailure;

pub(crate) use cell::CredentialsCell;
pub(crate) use source::{CredentialsSource, provider};
