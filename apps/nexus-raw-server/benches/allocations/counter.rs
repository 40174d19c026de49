//! Asks a process how much it has allocated so far, over a socket that is named by its id.

use std::{
    alloc::System,
    io::{Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    thread,
};

use stats_alloc::StatsAlloc;

/// What a process has allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allocated {
    /// How often, with reallocations.
    pub(crate) times: u64,
    pub(crate) bytes: u64,
}

/// Tells everyone who connects, on a thread that lives as long as the process.
pub(crate) fn tell(allocator: &'static StatsAlloc<System>) {
    let listener = UnixListener::bind_addr(&address(std::process::id())).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stats = allocator.stats();
            let times = stats.allocations + stats.reallocations;
            let text = format!("{times} {}", stats.bytes_allocated);
            stream.unwrap().write_all(text.as_bytes()).unwrap();
        }
    });
}

/// What this process has allocated until now.
pub(crate) fn of(process: u32) -> Allocated {
    let mut stream = UnixStream::connect_addr(&address(process)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (times, bytes) = text.split_once(' ').unwrap();
    Allocated {
        times: times.parse().unwrap(),
        bytes: bytes.parse().unwrap(),
    }
}

/// In the abstract namespace, in which nothing is left of a process that was killed.
fn address(process: u32) -> SocketAddr {
    SocketAddr::from_abstract_name(format!("nexus-raw-allocations-{process}")).unwrap()
}
