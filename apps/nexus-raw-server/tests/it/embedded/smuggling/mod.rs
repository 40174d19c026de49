//! Heads and bodies that two readers could read differently: each is refused or its connection
//! closed, and a request that is hidden in it is never answered.

mod bodies;
mod heads;
mod served;

use std::time::Duration;

use futures_util::future::join_all;
use nexus_raw::{asset::Sha256Digest, tenancy::Role};

use crate::{
    caller::Caller,
    machine::{Machine, Server},
    wire::{Heard, Wire},
};

/// How long is listened for an answer too many, where the connection stays open.
const QUIET: Duration = Duration::from_secs(2);

/// The requests of someone who may write, as text.
struct Forge {
    headers: String,
    body: String,
}

impl Forge {
    fn of(machine: &Machine) -> Self {
        let token = machine.token("t_demo", Role::Owner);
        let sha256 = Sha256Digest::of(b"x");
        Self {
            headers: format!(
                "Host: nexus.test\r\nAuthorization: Bearer {token}\r\nX-Tenant-Id: t_demo\r\n\
                 X-Env: dev\r\nContent-Type: application/json\r\n"
            ),
            body: format!(r#"{{"filename":"a","size_bytes":1,"sha256":"{sha256}"}}"#),
        }
    }

    /// A presign with further headers, and the bytes after its head.
    fn post(&self, more: &str, after: &str) -> String {
        let headers = &self.headers;
        format!("POST /nexus/raw/presign-upload HTTP/1.1\r\n{headers}{more}\r\n{after}")
    }

    /// A presign that would be served, were it not a part of something else.
    fn hidden(&self) -> String {
        self.post(&self.length(), &self.body)
    }

    fn length(&self) -> String {
        format!("Content-Length: {}\r\n", self.body.len())
    }

    fn chunked(&self) -> String {
        format!("{:x}\r\n{}\r\n0\r\n\r\n", self.body.len(), self.body)
    }

    /// The same request by someone whose token is none.
    fn unknown(request: &str) -> String {
        request.replacen("Bearer ", "Bearer x", 1)
    }
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn get(more: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: nexus.test\r\n{more}\r\n")
}

/// What is heard after each is said, on a connection of its own.
async fn hear_all<N>(server: &Server, cases: Vec<(N, String)>) -> Vec<(N, Heard)> {
    let heard = cases.into_iter().map(async |(name, bytes)| {
        let mut wire = Wire::open(server.address).await;
        wire.say(bytes).await;
        (name, wire.listen(QUIET).await)
    });
    join_all(heard).await
}

/// Nothing was written before: the first event of the scope is still to come.
async fn assert_nothing_was_written(machine: &Machine, server: &Server) {
    let caller = Caller::owner_of("t_demo", machine, server);
    let upload = caller.presign("first", b"x").await;
    let path = format!("/nexus/raw/{}/events", upload.asset_id);
    let page = caller.get(&path).await.json();
    assert_eq!(page["events"][0]["sequence"], 1);
}
