use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use nexus_raw::{
    ports::{CatalogError, IdentityError, IdentityVerifier, MockAssetCatalog},
    tenancy::{Principal, Role},
};
use nexus_raw_testkit::sample;
use serde_json::{Value, json};
use slog::{Drain, Logger, o};
use tokio::sync::Notify;

use super::support::{House, Parts, TRACE_ID, presign_body};
use super::wire::Wire;

const PATH: &str = "/nexus/raw/019ab0c2-7d0e-7c3a-9d55-0f6d2b1c4e11";

#[actix_web::test]
async fn a_panic_is_an_internal_problem_and_the_worker_lives() {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .returning(|_, _| panic!("a secret"));
    let house = House::open_with(Parts {
        catalog: Some(Arc::new(catalog)),
        ..Parts::default()
    });
    for _ in 0..3 {
        assert_eq!(
            house.get(PATH).send().await.whole(),
            (
                500,
                json!({
                    "type": "urn:nexus-raw:problem:internal",
                    "title": "Internal error",
                    "status": 500,
                    "detail": "the service failed; the trace id leads to what is known of it",
                    "instance": PATH,
                    "code": "internal",
                    "trace_id": TRACE_ID,
                })
            )
        );
    }
}

#[actix_web::test]
async fn others_are_served_while_a_hundred_panic_and_each_is_one_line_without_its_text() {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .returning(|_, _| panic!("a secret"));
    let lines = Lines::default();
    let house = House::open_with(Parts {
        catalog: Some(Arc::new(catalog)),
        log: lines.logger(),
        ..Parts::default()
    });
    // on kept connections too: one goes on after the panic
    let panics = join_all((0..100).map(|_| house.get(PATH).send()));
    let others = join_all((0..100).map(|_| house.get("/healthz").send()));
    let (panics, others) = join(panics, others).await;
    assert!(panics.iter().all(|answer| answer.status == 500));
    assert!(others.iter().all(|answer| answer.status == 200));
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: nexus.test\r\nAuthorization: Bearer owner\r\n\
         X-Tenant-Id: t_demo\r\nX-Env: dev\r\n\r\n"
    );
    let mut wire = Wire::open(house.address).await;
    wire.say(request.repeat(2)).await;
    let heard = wire.listen(Duration::from_secs(1)).await;
    assert_eq!((heard.statuses, heard.closed), (vec![500, 500], false));
    assert!(!heard.text.contains("a secret"), "{}", heard.text);
    let written = lines.text();
    let panics = written
        .lines()
        .filter(|line| line.contains("a handler panicked"));
    assert_eq!(panics.count(), 102, "{written}");
    assert!(!written.contains("a secret"), "{written}");
}

#[actix_web::test]
async fn body_and_answer_share_one_deadline() {
    let house = House::open_with(Parts {
        request_timeout: Duration::from_millis(100),
        ..Parts::default()
    });
    let timeout = (408, "request-timeout".to_owned(), vec![]);
    // a body that never comes whole
    let slow = house
        .presign(&presign_body())
        .with("content-length", "1000");
    assert_eq!(slow.send().await.problem(), timeout);
    assert_eq!(house.get("/healthz").send().await.status, 200);
    assert_eq!(house.events(), 0);
}

#[actix_web::test]
async fn a_handler_that_hangs_is_ended_by_the_same_deadline() {
    let house = House::open_with(Parts {
        identity: Arc::new(Doorkeeper::default()),
        request_timeout: Duration::from_millis(100),
        ..Parts::default()
    });
    let answer = house.get(PATH).send().await;
    assert_eq!(
        answer.problem(),
        (408, "request-timeout".to_owned(), vec![])
    );
    assert_eq!(house.get("/healthz").send().await.status, 200);
}

#[actix_web::test]
async fn a_service_that_is_stopped_finishes_what_runs_and_takes_no_more() {
    let doorkeeper = Arc::new(Doorkeeper::default());
    let house = House::open_with(Parts {
        identity: Arc::clone(&doorkeeper) as _,
        ..Parts::default()
    });
    let request = house.presign(&presign_body());
    let running = actix_web::rt::spawn(request.clone().send());
    doorkeeper.entered.notified().await;
    let stopped = house.stop();
    let (running, ()) = join(
        async {
            doorkeeper.open.notify_one();
            running.await.unwrap()
        },
        stopped,
    )
    .await;
    assert_eq!((running.status, house.events()), (200, 1));
    assert!(tokio::net::TcpStream::connect(house.address).await.is_err());
}

/// Verifies no caller until it is opened; then every caller, as owner of `t_demo`.
#[derive(Debug, Default)]
struct Doorkeeper {
    entered: Notify,
    open: Notify,
}

#[async_trait]
impl IdentityVerifier for Doorkeeper {
    async fn verify(&self, _: &str) -> Result<Principal, IdentityError> {
        self.entered.notify_one();
        self.open.notified().await;
        let tenant = sample::scope("t_demo", "dev").tenant;
        Ok(sample::principal(&tenant, Role::Owner))
    }

    async fn ready(&self) -> Result<(), IdentityError> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_corrupt_row_is_logged_and_not_returned_to_the_caller() {
    let mut catalog = MockAssetCatalog::new();
    catalog
        .expect_find_asset()
        .returning(|_, _| Err(CatalogError::Corrupt("row 7 of a secret table".into())));
    catalog.expect_consent_version().returning(|_| None);
    let lines = Lines::default();
    let house = House::open_with(Parts {
        catalog: Some(Arc::new(catalog)),
        log: lines.logger(),
        ..Parts::default()
    });
    let answer = house.get(PATH).send().await;
    assert_eq!(answer.problem(), (500, "internal".to_owned(), vec![]));
    assert!(!String::from_utf8_lossy(&answer.body).contains("row 7"));
    assert_eq!(
        lines.only(),
        json!({
            "level": "ERRO",
            "msg": "failed",
            "trace_id": TRACE_ID,
            "request_id": "req-1",
            "method": "GET",
            "route": "/nexus/raw/{asset_id}",
            "tenant_id": "t_demo",
            "env": "dev",
            "user_id": "u_demo",
            "status": 500,
            "code": "internal",
            "error": "nothing was read: the catalogue could not be read: the catalogue holds a \
                      row that cannot be read: row 7 of a secret table",
        })
    );
}

#[actix_web::test]
async fn a_refused_write_is_one_line_that_says_who_and_where_and_why() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..Parts::default()
    });
    let request = house.presign(&presign_body());
    let answer = request.with("authorization", "Bearer viewer").send().await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        lines.only(),
        json!({
            "level": "WARN",
            "msg": "refused",
            "trace_id": TRACE_ID,
            "request_id": "req-1",
            "method": "POST",
            "route": "/nexus/raw/presign-upload",
            "tenant_id": "t_demo",
            "env": "dev",
            "user_id": "u_demo",
            "status": 403,
            "code": "forbidden",
            "error": "access was denied: the caller has no right to do this in this tenant",
        })
    );
}

#[actix_web::test]
async fn of_an_ill_formed_scope_the_well_formed_half_is_logged() {
    for (name, value, logged) in [
        ("x-env", "Dev", json!(["t_demo", null])),
        ("x-tenant-id", "demo", json!([null, "dev"])),
    ] {
        let lines = Lines::default();
        let house = House::open_with(Parts {
            log: lines.logger(),
            ..Parts::default()
        });
        let request = house.presign(&presign_body()).with(name, value);
        assert_eq!(request.send().await.status, 400);
        let line = lines.only();
        assert_eq!(json!([line["tenant_id"], line["env"]]), logged, "{name}");
    }
}

#[actix_web::test]
async fn a_head_is_logged_as_a_head() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..Parts::default()
    });
    let request = house.request("HEAD", "/nexus/raw/none");
    assert_eq!(request.send().await.status, 404);
    assert_eq!(lines.only()["method"], "HEAD");
}

#[actix_web::test]
async fn no_line_has_a_token_a_signed_url_or_what_else_a_caller_sent() {
    let lines = Lines::default();
    let house = House::open_with(Parts {
        log: lines.logger(),
        ..Parts::default()
    });
    let secret = "c2VjcmV0";
    let presigned = house.presign(&presign_body()).send().await.json();
    let bad = house.get(&format!("/nexus/raw/{secret}?{secret}"));
    bad.clone()
        .with("authorization", &format!("Bearer {secret}"))
        .send()
        .await;
    bad.clone().with("x-tenant-id", secret).send().await;
    bad.send().await;
    house
        .presign(&json!({"filename": secret, secret: secret}))
        .send()
        .await;
    let written = lines.text();
    assert_eq!(written.lines().count(), 5, "{written}");
    let url = presigned["upload"]["url"].as_str().unwrap();
    for hidden in [secret, url, "owner"] {
        assert!(!written.contains(hidden), "{hidden} in {written}");
    }
}

/// Log lines, as the service writes them.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub(crate) fn logger(&self) -> Logger {
        let drain = slog_json::Json::default(self.clone());
        Logger::root(Mutex::new(drain).fuse(), o!())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The one line, without its times.
    fn only(&self) -> Value {
        let mut line: Value = serde_json::from_str(&self.text()).unwrap();
        let members = line.as_object_mut().unwrap();
        assert!(members.remove("ts").is_some() && members.remove("duration_ms").is_some());
        line
    }
}
