#![doc = include_str!("../README.md")]

mod connection;
mod head;
mod observer;
mod open;
mod stream;
mod watch;

pub use self::{
    connection::{BodyLength, Connection},
    observer::ConnectionObserver,
    open::OpenConnections,
    stream::GatedStream,
};
