//! The use cases, on the fakes of the test kit: what each writes, answers and refuses, and what it
//! leaves alone when it refuses.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: where an expectation breaks, the test must end"
)]

mod abandoned;
mod adopted;
mod download;
mod facts;
mod house;
mod keyed;
mod multipart;
mod presign;
mod reading;
mod refusals;
mod register;
mod register_hashing;
mod register_order;
mod register_proof;
mod register_races;
mod verifying;
mod wire_form;
