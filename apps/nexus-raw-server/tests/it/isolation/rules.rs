//! The rules of the API, said once more and shortly.

use nexus_raw::{event::EventType, tenancy};
use nexus_raw_server::http::{docs_page, openapi_document};
use serde_json::{Value, json};

use super::{
    cells::{Cell, OBJECTS, Object, Role, Tenant},
    facts, records,
    support::{Answer, TRACE_ID},
    world::{Traces, World, home},
};

/// What a route requires of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needs {
    Nothing,
    Membership,
    DownloadingRole,
    WritingRole,
}

pub(crate) struct Rule {
    pub(crate) pattern: &'static str,
    pub(crate) method: &'static str,
    pub(crate) needs: Needs,
    allow: &'static str,
}

const fn rule(
    pattern: &'static str,
    method: &'static str,
    needs: Needs,
    allow: &'static str,
) -> Rule {
    Rule {
        pattern,
        method,
        needs,
        allow,
    }
}

impl Rule {
    fn serves(&self, method: &str) -> bool {
        self.method == method || (self.method == "GET" && method == "HEAD")
    }
}

pub(crate) const RULES: &[Rule] = &[
    rule(
        "/nexus/raw/presign-upload",
        "POST",
        Needs::WritingRole,
        "POST",
    ),
    rule("/nexus/raw/register", "POST", Needs::WritingRole, "POST"),
    rule("/nexus/raw", "GET", Needs::Membership, "GET, HEAD"),
    rule("/nexus/raw/events", "GET", Needs::Membership, "GET, HEAD"),
    rule(
        "/nexus/raw/{asset_id}",
        "GET",
        Needs::Membership,
        "GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/events",
        "GET",
        Needs::Membership,
        "GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/presign-download",
        "POST",
        Needs::DownloadingRole,
        "POST",
    ),
    rule(
        "/nexus/raw/presign-upload/batch",
        "POST",
        Needs::WritingRole,
        "POST",
    ),
    rule(
        "/nexus/raw/register/batch",
        "POST",
        Needs::WritingRole,
        "POST",
    ),
    rule(
        "/nexus/raw/presign-download/batch",
        "POST",
        Needs::DownloadingRole,
        "POST",
    ),
    rule(
        "/nexus/raw/{asset_id}/facts",
        "POST",
        Needs::WritingRole,
        "POST, GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/facts",
        "GET",
        Needs::Membership,
        "POST, GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/lineage",
        "GET",
        Needs::Membership,
        "GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/parts",
        "POST",
        Needs::WritingRole,
        "POST, GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/parts",
        "GET",
        Needs::Membership,
        "POST, GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/upload",
        "DELETE",
        Needs::WritingRole,
        "DELETE",
    ),
    rule(
        "/nexus/raw/{asset_id}/verification",
        "POST",
        Needs::WritingRole,
        "POST, GET, HEAD",
    ),
    rule(
        "/nexus/raw/{asset_id}/verification",
        "GET",
        Needs::Membership,
        "POST, GET, HEAD",
    ),
    rule("/healthz", "GET", Needs::Nothing, "GET, HEAD"),
    rule("/readyz", "GET", Needs::Nothing, "GET, HEAD"),
    rule("/openapi.json", "GET", Needs::Nothing, "GET, HEAD"),
    rule("/docs", "GET", Needs::Nothing, "GET, HEAD"),
];

/// The names that every refusal has, and none beside them but those of its rule.
const HEADERS_OF_A_REFUSAL: [&str; 8] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "traceparent",
    "x-content-type-options",
    "x-request-id",
];

/// What a cell must be answered, and what it may leave behind.
pub(crate) struct Expected {
    status: u16,
    body: Body,
    /// Beside those that every answer has.
    headers: Vec<(&'static str, String)>,
    pub(crate) touches: Traces,
}

pub(super) enum Body {
    /// To the byte.
    Bytes(Vec<u8>),
    /// By its members.
    Json(Value),
    /// A presigned upload, with an id and URL of the service.
    Presigned,
    /// The only item of a batch.
    Item(Box<Expected>),
    /// A presigned download, with a URL of the service.
    Download,
}

pub(super) const NOTHING: Traces = Traces {
    signed: 0,
    looked_at: 0,
    lookups: 0,
    writes: 0,
    events: 0,
    uploads: 0,
};
pub(super) const ONE_LOOKUP: Traces = Traces {
    lookups: 1,
    ..NOTHING
};

pub(crate) fn expected(cell: &Cell, world: &World) -> Expected {
    let rules = RULES.iter().filter(|rule| rule.pattern == cell.pattern);
    let rules: Vec<_> = rules.collect();
    let served = rules.iter().find(|rule| rule.serves(cell.method));
    let rule = served.or(rules.first());
    let rule = rule.unwrap_or_else(|| panic!("there is no rule for {}", cell.pattern));
    let problem = |status, code, title, detail| refused(cell, world, (status, code, title, detail));
    if rule.needs != Needs::Nothing && cell.role == Role::None {
        let text = "a valid bearer token is required";
        let challenge = "Bearer error=\"invalid_token\"".to_owned();
        return problem(401, "unauthenticated", "Not authenticated", text)
            .with("www-authenticate", challenge);
    }
    if !rule.serves(cell.method) {
        let text = "the route does not have this method";
        return problem(405, "method-not-allowed", "Method not allowed", text)
            .with("allow", rule.allow.to_owned());
    }
    if rule.needs == Needs::Nothing {
        return open(cell);
    }
    if cell.environment == "qa" {
        let text = "the header `X-Env` must be there once, and be exactly one of the configured \
                    environments";
        return problem(400, "malformed-request", "Malformed request", text);
    }
    if !is_allowed(rule.needs, cell) {
        let text = "the caller has no right to do this in this tenant";
        return problem(403, "forbidden", "Forbidden", text);
    }
    if let Some(single) = cell.single() {
        let mut item = expected(&single, world);
        if let Body::Json(body) = &mut item.body
            && item.status >= 400
        {
            body["instance"] = json!(cell.path(world));
        }
        let touches = item.touches;
        return found(200, Body::Item(Box::new(item)), touches);
    }
    if cell.pattern.ends_with("/presign-upload") {
        let touches = Traces {
            signed: 1,
            writes: 1,
            events: 1,
            ..NOTHING
        };
        return Expected {
            status: 200,
            body: Body::Presigned,
            headers: vec![],
            touches,
        };
    }
    if cell.pattern == "/nexus/raw/events" {
        let (tenant, env) = (cell.tenant.name(), cell.environment);
        // what others of the scope did is there too, and nothing of any other scope
        let behind = world.events_in(tenant, env);
        let events = behind.iter().take(100).map(|event| {
            let id = event.body.asset_id.to_string();
            let name = event.body.event_type.as_str();
            let event_id = event.event_id.to_string();
            records::event((tenant, env, &id), name, &event_id, event.sequence)
        });
        let events: Vec<_> = events.collect();
        return found(200, Body::Json(json!({"events": events})), ONE_LOOKUP);
    }
    if cell.pattern == "/nexus/raw" {
        return found(200, Body::Json(list(cell, world)), ONE_LOOKUP);
    }
    of_an_asset(cell, world)
}

/// What is in the scope now, and nothing of any other.
fn list(cell: &Cell, world: &World) -> Value {
    let (tenant, env) = (cell.tenant.name(), cell.environment);
    let registered = world.events_in(tenant, env);
    let registered = registered
        .iter()
        .rev()
        .filter(|event| event.body.event_type == EventType::RawAssetRegistered);
    let assets = registered.map(|event| {
        let id = event.body.asset_id.to_string();
        // what the matrix registers itself is of a bucket without versions
        let is_placed = OBJECTS.iter().any(|object| {
            matches!(object, Object::In(_) | Object::InProd) && world.id(*object) == id
        });
        let version_id = is_placed.then_some("3HL4kqtJvjVBH40Nrjfkd");
        let text = records::record(tenant, env, &id, version_id);
        let mut record: Value = serde_json::from_str(&text).unwrap();
        record["in_force"] = json!({
            "train_ok": record["train_ok"],
            "train_ok_effective": record["train_ok"],
            "pii_flags": record["pii_flags"],
        });
        record
    });
    json!({"assets": assets.collect::<Vec<_>>(), "next_cursor": null})
}

fn is_allowed(needs: Needs, cell: &Cell) -> bool {
    let role = match cell.tenant {
        Tenant::Own => cell.role.in_own(),
        Tenant::Second => cell.role.in_second(),
        Tenant::Foreign | Tenant::Shorter | Tenant::Longer => return false,
    };
    let writes = [Some(tenancy::Role::Owner), Some(tenancy::Role::Admin)];
    match needs {
        Needs::Nothing | Needs::Membership => true,
        Needs::DownloadingRole => writes.contains(&role) || role == Some(tenancy::Role::Member),
        Needs::WritingRole => writes.contains(&role),
    }
}

fn open(cell: &Cell) -> Expected {
    let body = match cell.pattern {
        "/healthz" => br#"{"status":"ok"}"#.to_vec(),
        "/readyz" => br#"{"status":"ready"}"#.to_vec(),
        "/docs" => docs_page().unwrap().into_bytes(),
        _ => serde_json::to_vec(&openapi_document()).unwrap(),
    };
    found(200, Body::Bytes(body), NOTHING)
}

fn of_an_asset(cell: &Cell, world: &World) -> Expected {
    let id = world.id(cell.object);
    let (tenant, env) = (cell.tenant.name(), cell.environment);
    let registers = cell.pattern.ends_with("/register");
    let is_pending = matches!(cell.object, Object::Pending | Object::ForeignPending);
    if cell.object == Object::Malformed && registers {
        let text = "the body breaks the rules named in errors";
        let facts = (422, "validation-failed", "Validation failed", text);
        let mut expected = refused(cell, world, facts);
        if let Body::Json(body) = &mut expected.body {
            let detail = "must be a UUID in lower-case hyphenated form";
            body["errors"] = json!([{"pointer": "/asset_id", "detail": detail}]);
        }
        return expected;
    }
    let is_there = home(cell.object) == Some((cell.tenant, env));
    let downloads = cell.pattern.ends_with("/presign-download");
    let is_of_parts = cell.pattern.ends_with("/parts") || cell.pattern.ends_with("/upload");
    let needs_record = !registers && !is_of_parts && !cell.pattern.ends_with("/events");
    let has_no_record = is_pending && needs_record;
    if !is_there || has_no_record {
        let text = "there is no such asset in this tenant and environment";
        let facts = (404, "asset-not-found", "Asset not found", text);
        let mut expected = refused(cell, world, facts);
        // what is no id is not looked for
        if cell.object != Object::Malformed {
            expected.touches = facts::lookups(cell);
        }
        return expected;
    }
    if is_of_parts {
        // every object of the matrix is uploaded by one request
        let text = match (is_pending, cell.method) {
            (false, _) => "the asset is already registered",
            (true, "DELETE") => "the upload is one by one request, whose URL cannot be taken back",
            (true, _) => "the upload is not one in parts",
        };
        let facts = (409, "asset-conflict", "Asset conflict", text);
        let mut expected = refused(cell, world, facts);
        expected.touches = ONE_LOOKUP;
        return expected;
    }
    if cell.pattern.ends_with("/events") {
        let behind = world.events_of(cell.object);
        assert!(behind.len() >= if is_pending { 1 } else { 2 });
        let events = behind.iter().map(|event| {
            let name = event.body.event_type.as_str();
            let event_id = event.event_id.to_string();
            records::event((tenant, env, &id), name, &event_id, event.sequence)
        });
        let events: Vec<_> = events.collect();
        return found(200, Body::Json(json!({"events": events})), ONE_LOOKUP);
    }
    if downloads {
        // the second URL within the life of the first is no event
        let events = world.events_of(cell.object);
        let is_first = events
            .iter()
            .all(|event| event.body.event_type != EventType::RawAssetDownloadPresigned);
        let touches = Traces {
            signed: 1,
            lookups: 1,
            writes: is_first.into(),
            events: is_first.into(),
            ..NOTHING
        };
        return found(200, Body::Download, touches);
    }
    if let Some(expected) = facts::expected(cell, world) {
        return expected;
    }
    if cell.pattern.ends_with("/verification") {
        return verification(cell, world);
    }
    if registers && is_pending {
        let touches = Traces {
            looked_at: 1,
            lookups: 1,
            writes: 1,
            events: 1,
            ..NOTHING
        };
        let record = records::record(tenant, env, &id, None).into_bytes();
        return found(201, Body::Bytes(record), touches)
            .with("location", format!("/nexus/raw/{id}"));
    }
    let version_id = Some("3HL4kqtJvjVBH40Nrjfkd");
    let record = records::record(tenant, env, &id, version_id).into_bytes();
    let expected = found(200, Body::Bytes(record), ONE_LOOKUP);
    if registers {
        expected
    } else {
        expected.with("nexus-train-ok-effective", "false".to_owned())
    }
}

/// The first cell has the object read; the verdict is young for all others.
fn verification(cell: &Cell, world: &World) -> Expected {
    let events = world.events_of(cell.object);
    let is_there = events.iter().any(|event| event.body.verification.is_some());
    let verification = records::verification();
    if cell.method != "POST" {
        let latest = is_there.then_some(verification);
        return found(200, Body::Json(json!({"verification": latest})), ONE_LOOKUP);
    }
    let touches = if is_there {
        ONE_LOOKUP
    } else {
        Traces {
            // by the service, before the reading, and for what is in force after it
            lookups: 3,
            writes: 1,
            events: 1,
            ..NOTHING
        }
    };
    found(200, Body::Json(verification), touches)
}

pub(super) fn found(status: u16, body: Body, touches: Traces) -> Expected {
    Expected {
        status,
        body,
        headers: vec![],
        touches,
    }
}

fn refused(
    cell: &Cell,
    world: &World,
    (status, code, title, detail): (u16, &str, &str, &str),
) -> Expected {
    let body = json!({
        "type": format!("urn:nexus-raw:problem:{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "instance": cell.path(world),
        "code": code,
        "trace_id": TRACE_ID,
    });
    found(status, Body::Json(body), NOTHING)
}

impl Expected {
    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn assert_answer(&self, cell: &Cell, answer: &Answer, world: &World) {
        assert_eq!(answer.status, self.status, "{cell:?}: {answer:?}");
        let kind = if self.status >= 400 {
            "application/problem+json"
        } else if cell.pattern == "/docs" {
            "text/html; charset=utf-8"
        } else {
            "application/json"
        };
        assert_eq!(answer.header("content-type"), Some(kind), "{cell:?}");
        for name in [
            "www-authenticate",
            "allow",
            "location",
            "nexus-train-ok-effective",
        ] {
            let expected = self.headers.iter().find(|(it, _)| *it == name);
            let expected = expected.map(|(_, value)| &**value);
            // an identical repeat may say where the record is
            if name != "location" || self.status != 200 {
                assert_eq!(answer.header(name), expected, "{cell:?}: {name}");
            }
        }
        if self.status >= 400 {
            let mut names = HEADERS_OF_A_REFUSAL.to_vec();
            names.extend(self.headers.iter().map(|(name, _)| *name));
            names.sort_unstable();
            assert_eq!(answer.header_names(), names, "{cell:?}");
        }
        if cell.method == "HEAD" {
            assert_eq!(answer.body, b"", "{cell:?}");
            return;
        }
        match &self.body {
            Body::Item(item) => {
                let body = answer.json();
                let [result] = &body["results"].as_array().unwrap()[..] else {
                    panic!("{cell:?}: {body}");
                };
                assert_eq!(result["status"], item.status, "{cell:?}: {body}");
                let headers: serde_json::Map<_, _> = item
                    .headers
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json!(value)))
                    .collect();
                let headers = (!headers.is_empty()).then_some(Value::Object(headers));
                assert_eq!(result.get("headers"), headers.as_ref(), "{cell:?}: {body}");
                item.assert_body(cell, result["body"].clone(), world);
            }
            Body::Bytes(bytes) => assert_eq!(
                String::from_utf8_lossy(&answer.body),
                String::from_utf8_lossy(bytes),
                "{cell:?}"
            ),
            _ => self.assert_body(cell, answer.json(), world),
        }
    }

    fn assert_body(&self, cell: &Cell, body: Value, world: &World) {
        match &self.body {
            Body::Bytes(bytes) => {
                let expected: Value = serde_json::from_slice(bytes).unwrap();
                assert_eq!(body, expected, "{cell:?}");
            }
            Body::Json(expected) => assert_eq!(body, *expected, "{cell:?}"),
            Body::Presigned => assert_presigned(cell, body, world),
            Body::Download => assert_download(cell, body, world),
            Body::Item(_) => panic!("{cell:?}: a batch in a batch"),
        }
    }
}

fn assert_presigned(cell: &Cell, mut body: Value, world: &World) {
    let url = body["upload"]["url"].take();
    let id = body["asset_id"].as_str().unwrap().to_owned();
    let (tenant, env) = (cell.tenant.name(), cell.environment);
    let key = format!("/tenants/{tenant}/{env}/raw/{id}/DSCN0010.jpg");
    assert!(url.as_str().unwrap().contains(&key), "{cell:?}: {url}");
    assert_eq!(body, records::presigned(tenant, env, &id), "{cell:?}");
    assert_ne!(id, world.id(cell.object));
}

fn assert_download(cell: &Cell, mut body: Value, world: &World) {
    let url = body["url"].take();
    let (tenant, env) = (cell.tenant.name(), cell.environment);
    let id = world.id(cell.object);
    let key = format!("/tenants/{tenant}/{env}/raw/{id}/DSCN0010.jpg");
    assert!(url.as_str().unwrap().contains(&key), "{cell:?}: {url}");
    assert_eq!(body, records::download(), "{cell:?}");
}
