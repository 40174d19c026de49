//! Responses: replies, problems, and the budget of responses in flight.

mod answers;
mod code;
mod error;
mod fault;
mod problem;
mod reply;

pub(crate) use self::{
    answers::Charge,
    error::ApiError,
    fault::{Fault, Faults},
    problem::ProblemBody,
    reply::{json, json_bytes, tagged, tagged_as, write_items},
};
pub use self::{
    answers::{AnswerSettings, Answers},
    code::ProblemCode,
};
