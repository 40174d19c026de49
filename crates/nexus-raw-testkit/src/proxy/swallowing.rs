use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

#[derive(Debug, Default)]
struct Orders {
    /// Data of connections of an earlier age is lost.
    age: AtomicU64,
    /// Whether data of new connections is lost too.
    swallows_new: AtomicBool,
}

/// A TCP proxy whose connections can go silent: data is accepted and lost, and nothing is closed,
/// as after a NAT timeout or the death of a machine. It forwards everything until then.
///
/// Its threads end with their connections, or with the process.
#[derive(Debug)]
pub struct SwallowingProxy {
    address: SocketAddr,
    orders: Arc<Orders>,
}

impl SwallowingProxy {
    /// Starts a proxy for `server`.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let orders = Arc::new(Orders::default());
        let shared = Arc::clone(&orders);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let age = if shared.swallows_new.load(Ordering::SeqCst) {
                    None
                } else {
                    Some(shared.age.load(Ordering::SeqCst))
                };
                if let Ok(server) = TcpStream::connect(server) {
                    carry(&client, &server, age, &shared);
                    carry(&server, &client, age, &shared);
                }
            }
        });
        Self { address, orders }
    }

    /// Returns its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Silences every open connection permanently. New ones are forwarded.
    pub fn swallow_flows(&self) {
        self.orders.age.fetch_add(1, Ordering::SeqCst);
    }

    /// Sets whether new connections are silent from their first byte.
    pub fn swallow_new_flows(&self, swallows: bool) {
        self.orders.swallows_new.store(swallows, Ordering::SeqCst);
    }
}

/// Forwards the data of one end to the other, in its own thread.
fn carry(from: &TcpStream, to: &TcpStream, age: Option<u64>, orders: &Arc<Orders>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let orders = Arc::clone(orders);
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let is_carried = age == Some(orders.age.load(Ordering::SeqCst));
            if is_carried && to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        // the other end of a silent connection does not learn that this one has closed
        if age == Some(orders.age.load(Ordering::SeqCst)) {
            let _ = to.shutdown(Shutdown::Both);
        }
    });
}
