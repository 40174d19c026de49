use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use actix_web::{App, HttpResponse, HttpServer, web};

use super::processor::Process;

/// What has this program be the floor.
pub(crate) const ARGUMENT: &str = "--floor";

/// The longest answer: a page of a list is about 100 KB.
const LONGEST: usize = 1 << 20;
static ANSWER: [u8; LONGEST] = [b'x'; LONGEST];

/// The least that a service on the same framework can do, in a process of its own: it reads the
/// body and returns so many bytes. It reads no token, calls nothing, and keeps nothing.
pub(crate) struct Floor {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Floor {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .arg(ARGUMENT)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        Self {
            address: line.trim_end().parse().unwrap(),
            child,
        }
    }

    pub(crate) fn get(answer_bytes: usize) -> Vec<u8> {
        format!("GET /{answer_bytes} HTTP/1.1\r\nhost: floor\r\n\r\n").into_bytes()
    }

    pub(crate) fn post(body: &str, answer_bytes: usize) -> Vec<u8> {
        let length = body.len();
        format!(
            "POST /{answer_bytes} HTTP/1.1\r\nhost: floor\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl Process for Floor {
    fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // it has nothing to end
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is the floor, until it is killed.
pub(crate) fn serve() {
    actix_web::rt::System::new().block_on(async {
        let answer = |size: web::Path<usize>, _body: web::Bytes| async move {
            HttpResponse::Ok()
                .content_type("application/json")
                .body(web::Bytes::from_static(&ANSWER[..size.into_inner()]))
        };
        let app = move || {
            App::new()
                // of a batch
                .app_data(web::PayloadConfig::new(LONGEST))
                .route("/{size}", web::route().to(answer))
        };
        let server = HttpServer::new(app).bind(("127.0.0.1", 0)).unwrap();
        println!("{}", server.addrs()[0]);
        server.run().await.unwrap();
    });
}
