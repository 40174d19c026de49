//! The adapter as a whole, against stores that answer as they are told.

mod presigning;
mod support;
