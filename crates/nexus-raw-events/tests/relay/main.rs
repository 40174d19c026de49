//! The relay on the fake catalogue, with sinks that misbehave. Time is tokio's, paused.

#![expect(
    clippy::unwrap_used,
    reason = "where an expectation of the test's own support breaks, the test must end"
)]

mod any_weather;
mod failures;
mod lease;
mod order;
mod settings;
mod shutdown;
mod support;
mod tries;
