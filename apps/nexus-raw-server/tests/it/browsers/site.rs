//! Where the pages come from, and where they report to.

use std::{
    collections::HashMap,
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::header::CONTENT_TYPE, web,
};
use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};

use super::document;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Pages of the test and of the document, at one port.
pub(super) struct Site {
    listener: Option<TcpListener>,
    port: u16,
    serving: Option<ServerHandle>,
    reports: Option<UnboundedReceiver<Value>>,
}

/// Path, media type and content.
type Files = HashMap<String, (&'static str, Vec<u8>)>;

impl Site {
    /// Takes a port, and serves nothing yet.
    pub(super) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            listener: Some(listener),
            port,
            serving: None,
            reports: None,
        }
    }

    /// The origin of the pages. Browsers know by themselves where names below `localhost` are.
    pub(super) fn origin(&self) -> String {
        format!("http://app.localhost:{}", self.port)
    }

    /// The origin of the same site under another name.
    pub(super) fn other_origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves the pages, which read `setting`, and the contents of their files.
    pub(super) fn serve(
        &mut self,
        setting: &Value,
        contents: Vec<(String, Vec<u8>)>,
        service: SocketAddr,
    ) {
        let mut files = pages(service);
        files.insert(
            "setting.json".to_owned(),
            ("application/json", setting.to_string().into_bytes()),
        );
        for (name, content) in contents {
            files.insert(name, ("application/octet-stream", content));
        }
        let files = Arc::new(files);
        let (sender, reports) = unbounded_channel();
        let app = move || {
            App::new()
                .app_data(web::Data::from(files.clone()))
                .app_data(web::Data::new(sender.clone()))
                .route("/report", web::post().to(take))
                .default_service(web::get().to(give))
        };
        let listener = self.listener.take().unwrap();
        let server = HttpServer::new(app).workers(1).disable_signals();
        let server = server.listen(listener).unwrap().run();
        self.serving = Some(server.handle());
        self.reports = Some(reports);
        actix_web::rt::spawn(server);
    }

    /// The next thing that the page reports.
    pub(super) async fn next_report(&mut self, patience: Duration) -> Value {
        let next = self.reports.as_mut().unwrap().recv();
        let next = timeout(patience, next).await;
        next.unwrap_or_else(|_| panic!("the page reported nothing for {patience:?}"))
            .unwrap()
    }

    pub(super) async fn close(mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop(false).await;
        }
    }
}

async fn give(request: HttpRequest, files: web::Data<Files>) -> HttpResponse {
    let path = request.path().trim_start_matches('/');
    match files.get(path) {
        Some((media_type, content)) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, *media_type))
            .body(content.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn take(report: web::Bytes, sender: web::Data<UnboundedSender<Value>>) -> HttpResponse {
    // nobody listens any more once the test has failed
    let _ = sender.send(serde_json::from_slice(&report).unwrap());
    HttpResponse::NoContent().finish()
}

/// The test's own pages and those of the document, which call `service` instead of the one named in
/// them.
fn pages(service: SocketAddr) -> Files {
    let mut files = Files::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browsers");
    for (name, media_type) in [
        ("cases.html", HTML),
        ("stranger.html", HTML),
        ("cases.js", SCRIPT),
    ] {
        files.insert(
            name.to_owned(),
            (media_type, fs::read(own.join(name)).unwrap()),
        );
    }
    let there = |name| document::file(name).replace("127.0.0.1:8080", &service.to_string());
    for (name, media_type) in [
        ("upload.html", HTML),
        ("download.html", HTML),
        ("uppy.html", HTML),
        ("nexus-raw.js", SCRIPT),
    ] {
        files.insert(name.to_owned(), (media_type, there(name).into_bytes()));
    }
    for name in ["sha2.js", "utils.js", "_md.js", "_u64.js"] {
        let name = format!("node_modules/@noble/hashes/{name}");
        let text = fs::read(tools().join(&name)).unwrap();
        files.insert(name, (SCRIPT, text));
    }
    let scripts = ["nexus-raw.js", "uppy-nexus-raw.js", "uppy-page.js"];
    let bundle = bundle(&scripts.map(|name| (name, there(name))));
    files.insert("uppy-bundle.js".to_owned(), (SCRIPT, bundle));
    files
}

/// What the document's line makes of the last one of these scripts.
fn bundle(scripts: &[(&str, String)]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in scripts {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let (entry, _) = scripts.last().unwrap();
    let made = Command::new(tools().join("bin/esbuild"))
        .args([entry, "--bundle", "--format=esm"])
        .env("NODE_PATH", tools().join("node_modules"))
        .current_dir(directory.path())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{stderr}");
    made.stdout
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}
