//! A proxy of PostgreSQL that loses responses.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

#[derive(Default)]
struct Orders {
    lose: AtomicBool,
    lost: AtomicU32,
    silent: watch::Sender<bool>,
}

/// It ends with the runtime of the test.
pub(crate) struct Proxy {
    address: SocketAddr,
    orders: Arc<Orders>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = Arc::new(Orders::default());
        let to_obey = orders.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(carry(client, server, to_obey.clone()));
            }
        });
        Self { address, orders }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards the next call of the writer, waits for its response, and closes the connection
    /// instead of forwarding it.
    pub(crate) fn lose_an_answer(&self) {
        self.orders.lose.store(true, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) -> u32 {
        self.orders.lost.load(Ordering::SeqCst)
    }

    pub(crate) fn fall_silent(&self) {
        self.orders.silent.send_replace(true);
    }

    pub(crate) fn speak_again(&self) {
        self.orders.silent.send_replace(false);
    }
}

/// Bytes that only the writer sends: its first call has the name of its function, and each call the
/// text of a group.
const OF_THE_WRITER: &[u8] = b"\"scopes\":[";

async fn carry(mut client: TcpStream, mut server: TcpStream, orders: Arc<Orders>) {
    let mut silent = orders.silent.subscribe();
    let (mut asked, mut received) = (vec![0; 65536], vec![0; 65536]);
    let mut loses = false;
    // a ready message of the server ends each response
    loop {
        tokio::select! {
            count = client.read(&mut asked) => {
                let Ok(count @ 1..) = count else { return };
                let is_call = asked[..count]
                    .windows(OF_THE_WRITER.len())
                    .any(|it| it == OF_THE_WRITER);
                if is_call && orders.lose.swap(false, Ordering::SeqCst) {
                    loses = true;
                }
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
            }
            count = server.read(&mut received) => {
                let Ok(count @ 1..) = count else { return };
                if loses {
                    // ReadyForQuery: the transaction has ended
                    if received[..count].ends_with(b"Z\0\0\0\x05I") {
                        orders.lost.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    continue;
                }
                if silent.wait_for(|silent| !silent).await.is_err() {
                    return;
                }
                if client.write_all(&received[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
