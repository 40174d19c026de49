//! A way to PostgreSQL on which answers get lost.

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

/// It goes with the runtime of the test.
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

    /// Lets the next call of the writer through, has its answer come, and passes none of it on:
    /// the connection ends instead.
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

/// What the writer alone sends: the name of its function is in its first call, and the text of a
/// group in each.
const OF_THE_WRITER: &[u8] = b"\"scopes\":[";

async fn carry(mut client: TcpStream, mut server: TcpStream, orders: Arc<Orders>) {
    let mut silent = orders.silent.subscribe();
    let (mut asked, mut told) = (vec![0; 65536], vec![0; 65536]);
    let mut loses = false;
    // a ready message of the server ends each answer
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
            count = server.read(&mut told) => {
                let Ok(count @ 1..) = count else { return };
                if loses {
                    // ReadyForQuery: the transaction has ended
                    if told[..count].ends_with(b"Z\0\0\0\x05I") {
                        orders.lost.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    continue;
                }
                if silent.wait_for(|silent| !silent).await.is_err() {
                    return;
                }
                if client.write_all(&told[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
