//! Recognisable secrets go into the program by every way there is, and are looked for in all that
//! comes out of it: both outputs at their most talkative, every answer but the one that must hold
//! a signed URL, events, the catalogue's file byte by byte, exit texts, the printed configuration.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

mod calls;
mod debugged;
mod echoing_store;
mod evidence;
mod exits;
mod holders;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/http.rs"]
mod http;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../common/machine.rs"]
mod machine;
mod printed;
mod program;
mod running;
mod tokens;
