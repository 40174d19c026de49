//! Admission control: fairness between tenants, and rate limits of users.

mod fair_semaphore;
mod limits;

pub use self::limits::Limits;
pub(crate) use self::{
    fair_semaphore::{FairPermit, FairSemaphore},
    limits::RateLimited,
};
