//! Recognisable secrets go into the program by every way there is, and are looked for in all that
//! comes out of it: both outputs at their most talkative, every answer but the one that must hold
//! a signed URL, events, the catalogue's file byte by byte, exit texts, the printed configuration.

mod calls;
mod debugged;
mod echoing_store;
mod evidence;
mod exits;
mod holders;
mod printed;
mod program;
mod running;
mod tokens;

use crate::{http, machine};
