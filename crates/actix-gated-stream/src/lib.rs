#![doc = include_str!("../README.md")]

mod budget;
mod connection;
mod deadlines;
mod exchange;
mod head;
mod observer;
mod open;
mod serve;
mod stream;

pub use self::{
    budget::{AnswerBudget, Charge, FREE_BYTES, OverBudget},
    connection::{BodyLength, Connection},
    deadlines::Deadlines,
    exchange::{Answer, exchange},
    observer::ConnectionObserver,
    open::OpenConnections,
    serve::{Settings, serve},
    stream::GatedStream,
};
