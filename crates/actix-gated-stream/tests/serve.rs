//! What a caller sees of a listener, on real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: where an expectation breaks, the test must end"
)]

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_gated_stream::{Answer, Connection, ConnectionObserver, Settings, serve};
use actix_web::{
    HttpRequest, HttpResponse,
    dev::ServerHandle,
    rt::time::sleep,
    web::{Bytes, Payload},
};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Answers with the path and the body, `/slow` after a while, `/left` once its caller has gone.
#[derive(Clone, Default)]
struct Echo(Arc<Mutex<Vec<String>>>);

impl Echo {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn notes(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Answer for Echo {
    async fn answer(&self, request: &HttpRequest, payload: &mut Payload) -> HttpResponse {
        let path = request.path().to_owned();
        self.note(format!("begin {path}"));
        let mut body = Vec::new();
        match &*path {
            "/slow" => sleep(Duration::from_millis(100)).await,
            "/left" => {
                request
                    .conn_data::<Connection>()
                    .unwrap()
                    .disconnected()
                    .await;
            }
            "/unread" => {}
            _ => {
                while let Some(Ok(piece)) = payload.next().await {
                    body.extend_from_slice(&piece);
                }
            }
        }
        self.note(format!("end {path}"));
        HttpResponse::Ok().body(Bytes::from([path.into_bytes(), body].concat()))
    }
}

/// Keeps what is reported.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl Reports {
    /// Waits for a report: who is answered may see it before the observer hears of it.
    async fn hear(&self, report: &str) {
        for _ in 0..250 {
            if self.0.lock().unwrap().iter().any(|it| it == report) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody reported `{report}`");
    }

    fn add(&self, report: String) {
        self.0.lock().unwrap().push(report);
    }
}

impl ConnectionObserver for Reports {
    fn may_have(&self, most: usize) {
        self.add(format!("{most} may be open"));
    }

    fn has(&self, open: usize) {
        self.add(format!("{open} open"));
    }

    fn closed_for_room(&self) {
        self.add("closed for room".to_owned());
    }

    fn made_room(&self, closed: u64, most: usize) {
        self.add(format!("{closed} closed of {most}"));
    }

    fn unreadable(&self, status: u16, _: &str) {
        self.add(format!("unreadable {status}"));
    }
}

struct Listener {
    address: SocketAddr,
    service: Echo,
    reports: Reports,
    handle: ServerHandle,
}

impl Listener {
    fn open(connections: usize) -> Self {
        let mut settings = Settings::new(([127, 0, 0, 1], 0).into());
        settings.connections = connections;
        Self::open_with(&settings)
    }

    fn open_with(settings: &Settings) -> Self {
        let (service, reports) = (Echo::default(), Reports::default());
        let (server, address) = serve(settings, service.clone(), reports.clone()).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            address,
            service,
            reports,
            handle,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What is answered until the connection ends.
    async fn send(&self, text: &str) -> String {
        let mut socket = self.connect().await;
        socket.write_all(text.as_bytes()).await.unwrap();
        to_the_end(&mut socket).await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn to_the_end(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await;
    // one that was cut may end by a reset
    let _ = read.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn first_bytes(socket: &mut TcpStream) -> io::Result<usize> {
    let mut bytes = [0; 4096];
    let read = timeout(Duration::from_secs(5), socket.read(&mut bytes));
    read.await.expect("something comes")
}

#[actix_web::test]
async fn requests_sent_ahead_are_served_one_after_the_other() {
    let listener = Listener::open(10);
    let answer = listener
        .send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /next HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(
        listener.service.notes(),
        ["begin /slow", "end /slow", "begin /next", "end /next"]
    );
}

#[actix_web::test]
async fn nothing_is_served_after_the_last_answer() {
    let listener = Listener::open(10);
    let next = "GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
    for last in [
        "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n",
    ] {
        let answer = listener.send(&format!("{last}{next}")).await;
        assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert!(!listener.service.notes().contains(&"begin /next".to_owned()));
}

#[actix_web::test]
async fn a_head_that_cannot_be_read_is_answered_and_reported() {
    let listener = Listener::open(10);
    let answer = listener.send("no head at all\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    listener.reports.hear("unreadable 400").await;
    assert_eq!(listener.service.notes(), [""; 0]);
}

#[actix_web::test]
async fn a_connection_is_ended_by_the_deadlines_that_are_set() {
    let mut settings = Settings::new(([127, 0, 0, 1], 0).into());
    settings.deadlines.head = Duration::from_millis(300);
    settings.deadlines.idle = Duration::from_millis(300);
    let listener = Listener::open_with(&settings);
    let slow = listener.send("GET / HTTP/1.1\r\nho").await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    listener.reports.hear("unreadable 408").await;
    let idle = listener.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(idle.starts_with("HTTP/1.1 200 "), "{idle}");
}

#[actix_web::test]
async fn the_longest_idle_connection_makes_room() {
    let listener = Listener::open(4);
    listener.reports.hear("3 may be open").await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut socket = listener.connect().await;
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        socket.write_all(request).await.unwrap();
        assert!(first_bytes(&mut socket).await.unwrap() > 0);
        open.push(socket);
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(first_bytes(&mut open[0]).await.unwrap_or(0), 0, "closed");
    listener.reports.hear("closed for room").await;
    listener.reports.hear("1 closed of 3").await;
}

#[actix_web::test]
async fn a_handler_learns_that_its_caller_went_away() {
    let listener = Listener::open(10);
    let mut socket = listener.connect().await;
    let request = b"GET /left HTTP/1.1\r\nhost: x\r\n\r\n";
    socket.write_all(request).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    assert_eq!(listener.service.notes(), ["begin /left"]);
    drop(socket);
    for _ in 0..100 {
        if listener.service.notes().len() == 2 {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("the handler still waits");
}
