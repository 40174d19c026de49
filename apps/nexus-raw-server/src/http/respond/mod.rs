//! What requests are answered: replies, problems, and how much of both may be under way.

mod answers;
mod code;
mod error;
mod fault;
mod problem;
mod reply;

pub use self::{
    answers::{AnswerSettings, Answers},
    code::ProblemCode,
};
pub(crate) use self::{
    answers::{Charge, FREE_BYTES},
    error::ApiError,
    fault::{Fault, Faults},
    problem::ProblemBody,
    reply::{json, json_bytes, tagged},
};
